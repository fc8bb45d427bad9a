"""The feature MLP: equal to scikit-learn, refused when altered, trained on pooled labels."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import CHANGE, perceptron, quiet
from sklearn.neural_network import MLPClassifier

from cells.errors import DataError, ModelError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.labels import allowed_answers
from classifiers.measured_data import MeasuredData, measure_crops
from classifiers.mlp import WEIGHTS, MlpClassifier
from classifiers.perceptron import Perceptron, read_perceptron
from classifiers.perceptron_fitting import fit_perceptron, merge_perceptrons
from classifiers.probabilities import softmax
from classifiers.restaining import restain
from classifiers.train_mlp import laboratory_shift, row_weights
from classifiers.training_data import TrainingData
from features.vector import NAMES, VERSION, describe
from slides.optics import white_point
from slides.synthetic import draw_cell

MODEL = Path(__file__).resolve().parents[1] / "leukoformula" / "models" / "mlp"
NETWORK = {
    "hidden": [12],
    "alpha": 0.001,
    "learning_rate": 0.01,
    "batch": 64,
    "epochs": 30,
    "limit": 4.0,
    "plain_share": 0.4,
    "rounds": 2,
    "leave_out": ["*_lab_*"],
    "shift_limit": 0.8,
    "shift_noise": 1.0,
    "noise_copies": 2,
    "members": 2,
}


def shipped(folder: Path, model: Perceptron) -> Path:
    model.save(folder / WEIGHTS)
    write_manifest(
        folder,
        name="mlp",
        kind="mlp",
        version="1",
        files=[WEIGHTS],
        details={
            "classes": [str(c) for c in CLASSIFIED],
            "features_version": VERSION,
        },
    )
    return folder


def blobs(labels: list[CellClass], centres: dict[CellClass, int], seed: int = 0) -> np.ndarray:
    features = np.zeros((len(labels), len(NAMES)), np.float32)
    features[:, :4] = np.random.default_rng(seed).normal(0, 0.3, (len(labels), 4))
    for row, label in enumerate(labels):
        features[row, centres[label]] += 3
    return features


def test_forward_pass_equals_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(300, len(NAMES))).astype(np.float32)
    labels = rng.integers(0, len(CLASSIFIED), 300)
    network = MLPClassifier((16, 9), max_iter=5, random_state=1)
    with pytest.warns(UserWarning):
        network.fit(features, labels)
    ours = Perceptron(
        NAMES,
        np.zeros(len(NAMES), np.float32),
        np.ones(len(NAMES), np.float32),
        100.0,
        tuple(w.astype(np.float32) for w in network.coefs_),
        tuple(b.astype(np.float32) for b in network.intercepts_),
        1.0,
        np.ones(len(CLASSIFIED), np.float32),
    )
    probabilities = MlpClassifier(ours).predict_features(features)
    assert np.abs(probabilities - network.predict_proba(features)).max() < 1e-5


def test_save_and_load_keep_every_answer(tmp_path: Path) -> None:
    model = perceptron()
    loaded = MlpClassifier.load(shipped(tmp_path / "mlp", model))
    features = np.random.default_rng(1).normal(size=(20, len(NAMES))).astype(np.float32)
    expected = softmax(model.logits(features), 1.7) * model.factors
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.allclose(loaded.predict_features(features), expected, atol=1e-6)
    assert loaded.classes == CLASSIFIED
    assert loaded.name == "mlp"


def test_features_far_out_are_limited() -> None:
    model = perceptron()
    far = model.mean + model.scale * 1e6
    limit = model.mean + model.scale * 4
    assert np.allclose(model.logits(far[None]), model.logits(limit[None]), atol=1e-3)


def test_predict_segments_and_measures(tmp_path: Path) -> None:
    classifier = MlpClassifier.load(shipped(tmp_path / "mlp", perceptron()))
    crops = np.stack([draw_cell(CellClass.LYMPHOCYTE, rng=np.random.default_rng(k)) for k in range(3)])
    whites = np.stack([white_point(crop) for crop in crops])
    probabilities = classifier.predict(crops, whites)
    one = classifier.predict_features(describe(crops[1], whites[1])[None])
    assert probabilities.shape == (3, len(CLASSIFIED))
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(probabilities[1], one[0], atol=1e-6)
    assert classifier.predict(crops[:0], whites[:0]).shape == (0, len(CLASSIFIED))


@pytest.mark.parametrize("taken", [NAMES, NAMES[::3]], ids=["all", "third"])
def test_answers_do_not_depend_on_the_company_of_a_cell(taken: tuple[str, ...]) -> None:
    rng, whole = np.random.default_rng(3), perceptron()
    columns = [NAMES.index(name) for name in taken]
    model = replace(
        whole,
        names=taken,
        mean=whole.mean[columns],
        scale=whole.scale[columns],
        weights=(whole.weights[0][columns], *whole.weights[1:]),
    )
    classifier = MlpClassifier(model)
    labels = [CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL, CellClass.NEUTROPHIL_SEGMENTED] * 4
    crops = np.stack([draw_cell(label, rng=rng) for label in labels[:11]])
    whites = np.stack([white_point(crop) for crop in crops])
    measured = classifier.measured(crops, whites)
    probabilities, standardised = classifier.answer(crops, whites)
    assert np.array_equal(measured, [describe(*cell) for cell in zip(crops, whites, strict=True)])
    assert np.array_equal(standardised, model.standardise(measured))
    assert np.array_equal(probabilities, classifier.predict_features(measured))
    assert np.array_equal(classifier.measured(crops[4:5], whites[4:5]), measured[4:5])


def test_an_altered_model_is_refused(tmp_path: Path) -> None:
    folder = shipped(tmp_path / "mlp", perceptron())
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(bytes(content))
    with pytest.raises(ModelError, match="altered"):
        MlpClassifier.load(folder)


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        MlpClassifier.load(tmp_path)
    folder = shipped(tmp_path / "mlp", perceptron())
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError):
        MlpClassifier.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("features_version", VERSION + 1), ("classes", ["blast"]), ("kind", "cnn")],
)
def test_a_model_for_something_else_is_refused(tmp_path: Path, key: str, value: object) -> None:
    folder = shipped(tmp_path / "mlp", perceptron())
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(ModelError):
        MlpClassifier.load(folder)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    good = perceptron()
    infinite = good.mean.copy()
    infinite[3] = np.inf
    for wrong in (
        replace(good, mean=good.mean[1:]),
        replace(good, weights=good.weights[:1]),
        replace(good, scale=-good.scale),
        replace(good, mean=infinite),
        replace(good, temperature=0.0),
        replace(good, factors=-good.factors),
        replace(good, names=("area", *NAMES[1:])),
        replace(good, names=(NAMES[1], *NAMES[1:])),
        replace(good, biases=good.biases[::-1]),
    ):
        wrong.save(tmp_path / "w.npz")
        with pytest.raises(ModelError, match="fit together"):
            read_perceptron((tmp_path / "w.npz").read_bytes())
    with pytest.raises(ModelError, match="cannot be read"):
        read_perceptron(b"no archive")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", mean=np.array([{}], dtype=object))
    with pytest.raises(ModelError, match="cannot be read"):
        read_perceptron((tmp_path / "w.npz").read_bytes())


def test_pooled_labels_train_their_parent_and_split_themselves() -> None:
    band, segmented = CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED
    centres = {band: 0, segmented: 1, CellClass.LYMPHOCYTE: 2}
    truth = [band, segmented, CellClass.LYMPHOCYTE] * 120
    labels = [CellClass.NEUTROPHIL if c.parent and (k // 3) % 4 else c for k, c in enumerate(truth)]
    features = blobs(truth, centres)
    targets = np.stack([allowed_answers(label) for label in labels])
    weights = np.ones(len(labels))
    model = fit_perceptron(features, targets, weights, NETWORK, seed=0, log=quiet)
    again = fit_perceptron(features, targets, weights, NETWORK, seed=0, log=quiet)
    probabilities = MlpClassifier(model).predict_features(features)
    answers = [CLASSIFIED[k] for k in probabilities.argmax(axis=1)]
    assert np.mean([a is t for a, t in zip(answers, truth, strict=True)]) > 0.95
    assert probabilities[:, CLASSIFIED.index(CellClass.ARTEFACT)].max() < 1e-6
    assert np.array_equal(model.logits(features), again.logits(features))
    assert {n for n in NAMES if n not in model.names} == {n for n in NAMES if "_lab_" in n}


def test_only_pooled_labels_cannot_train() -> None:
    targets = np.stack([allowed_answers(CellClass.NEUTROPHIL)] * 4)
    features = np.zeros((4, len(NAMES)), np.float32)
    with pytest.raises(DataError, match="pooled"):
        fit_perceptron(features, targets, np.ones(4), NETWORK, seed=0, log=quiet)


def small_data() -> TrainingData:
    labels = [CellClass.LYMPHOCYTE, CellClass.PLATELET, CellClass.EOSINOPHIL, CellClass.LYMPHOCYTE]
    crops = np.stack([draw_cell(label, rng=np.random.default_rng(k)) for k, label in enumerate(labels)])
    return TrainingData(
        crops=crops,
        whites=np.stack([white_point(crop) for crop in crops]).astype(np.float32),
        targets=np.stack([allowed_answers(label) for label in labels]),
        groups=np.array([1, 2, 0, 1]),
        shares={"drawn": 1.0},
        held_out=np.array([False, False, False, True]),
        counts={"drawn/eosinophil": 1, "drawn/lymphocyte": 2, "drawn/platelet": 1},
    )


def test_measured_rows_are_kept_and_the_same_again(tmp_path: Path) -> None:
    data, settings = (
        small_data(),
        {
            "seed": 1,
            "class_balance": 0.5,
            "plain_rows": 9,
            "restained_rows": 6,
            "change": CHANGE,
            "network": NETWORK,
        },
    )
    first = measure_crops(data, settings, work=tmp_path, log=quiet)
    kept = measure_crops(data, settings, work=tmp_path, log=quiet)
    anew = measure_crops(data, settings, work=tmp_path / "other", log=quiet)
    assert 4 + 1 + 4 <= len(first.features) <= 4 + 1 + 8
    assert first.plain.sum() == 4
    assert list(first.crop[~first.plain]).count(3) == 1
    assert np.array_equal(first.features, kept.features)
    assert np.array_equal(first.features, anew.features)
    assert len(list(tmp_path.glob("*.npz"))) == 1
    other = measure_crops(data, settings | {"seed": 2}, work=tmp_path, log=quiet)
    assert np.array_equal(first.features[:4], other.features[:4])
    assert not {tuple(row) for row in first.features[4:]} & {tuple(row) for row in other.features[4:]}
    weights = row_weights(data, first, settings)
    held_out = data.held_out[first.crop]
    assert (weights[held_out] == 0).all()
    assert weights[~held_out].mean() == pytest.approx(1)
    assert weights[first.plain].sum() / weights.sum() == pytest.approx(0.4)


def test_restaining_changes_the_picture_but_not_its_input() -> None:
    crop = draw_cell(CellClass.MONOCYTE, rng=np.random.default_rng(2))
    white, before = white_point(crop), crop.copy()
    first = restain(crop, white, rng=np.random.default_rng(3), settings=CHANGE)
    again = restain(crop, white, rng=np.random.default_rng(3), settings=CHANGE)
    assert np.array_equal(crop, before)
    assert np.array_equal(first[0], again[0])
    assert first[0].shape == crop.shape
    assert np.abs(first[0].astype(int) - crop).mean() > 3
    assert ((first[1] >= 1) & (first[1] <= 255)).all()


def test_merged_members_answer_with_the_mean_of_their_logits() -> None:
    widths = [len(NAMES), 7, 5, len(CLASSIFIED)]
    members = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        members.append(
            replace(
                perceptron(),
                weights=tuple(rng.normal(size=s).astype(np.float32) for s in pairwise(widths)),
                biases=tuple(rng.normal(size=n).astype(np.float32) for n in widths[1:]),
            )
        )
    features = np.random.default_rng(9).normal(size=(20, len(NAMES))).astype(np.float32)
    wanted = np.mean([m.logits(features) for m in members], axis=0)
    assert merge_perceptrons(members).logits(features) == pytest.approx(wanted, rel=1e-3, abs=1e-3)
    shallow = [perceptron(seed) for seed in range(2)]
    shallow = [replace(m, mean=shallow[0].mean, scale=shallow[0].scale) for m in shallow]
    wanted = np.mean([m.logits(features) for m in shallow], axis=0)
    assert merge_perceptrons(shallow).logits(features) == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_the_shift_between_laboratories_is_that_of_the_classes_they_share() -> None:
    counts = {"one/lymphocyte": 60, "one/neutrophil_band": 60, "two/lymphocyte": 60, "two/neutrophil": 60}
    groups = np.repeat(np.arange(4), 60)
    features = np.zeros((240, len(NAMES)), np.float32)
    features[groups == 2, 0] = 3.0
    features[groups == 3, 0] = 4.0
    features[groups == 0, 1] = features[groups == 2, 1] = 7.0
    none = np.zeros((240, 1), np.uint8)
    data = TrainingData(none, none, none, groups, {}, np.zeros(240, bool), counts)
    shift = laboratory_shift(data, MeasuredData(features, np.arange(240), np.ones(240, bool)))
    assert shift[0] == pytest.approx(np.sqrt((9 + 16) / 2))
    assert (shift[1:] == 0).all()
    alone = replace(
        data,
        counts={"one/lymphocyte": 60, "two/monocyte": 60, "one/basophil": 60, "synthetic/lymphocyte": 60},
    )
    assert (laboratory_shift(alone, MeasuredData(features, np.arange(240), np.ones(240, bool))) == 0).all()


def test_noise_makes_a_network_lean_on_the_steady_feature() -> None:
    """Two features tell classes apart equally well; the one that shifts between laboratories counts less."""
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=600)
    features = np.zeros((600, len(NAMES)), np.float32)
    features[:, :2] = (truth[:, None] - 1.0) + 0.2 * rng.normal(size=(600, 2))
    targets = np.zeros((600, len(CLASSIFIED)), np.float32)
    targets[np.arange(600), np.array([5, 2, 4])[truth]] = 1
    noise = np.zeros(len(NAMES), np.float32)
    noise[1] = 4.0
    settings = NETWORK | {"leave_out": [], "epochs": 15, "rounds": 1}
    found = fit_perceptron(features, targets, np.ones(600), settings, seed=0, noise=noise, log=quiet)
    moved = np.zeros((2, len(NAMES)), np.float32)
    moved[0, 0] = moved[1, 1] = 1.0
    logits = found.logits(moved)
    steady, shifting = logits[:, 4] - logits[:, 5]
    assert steady > 2 * abs(shifting)


@pytest.mark.data
def test_the_shipped_model_holds_on_a_laboratory_it_has_not_seen(data: Path) -> None:
    from evaluation.answers import predict_set
    from evaluation.class_scores import score
    from evaluation.classifier_sets import labelled_set

    classifier = MlpClassifier.load(MODEL)
    cells = labelled_set("bccd", data)
    result = score(predict_set(classifier, cells.crops, cells.whites), classifier.classes, cells.labels)
    assert result.accuracy.total == 354
    assert result.accuracy.value >= 0.60
