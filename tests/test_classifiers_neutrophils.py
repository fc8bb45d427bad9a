"""The second perceptron of the feature MLP: band against segmented neutrophils, and nothing else."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from mlp_cases import CHANGE, perceptron, quiet
from sklearn.neural_network import MLPClassifier

from cells.errors import ModelError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import USUAL, UsualValues, explain
from classifiers.labels import allowed_answers
from classifiers.measured_data import MeasuredData
from classifiers.mlp import NEUTROPHILS, WEIGHTS, MlpClassifier
from classifiers.perceptron import which_neutrophil
from classifiers.perceptron_fitting import fit_perceptron
from classifiers.train_mlp import row_weights, train
from classifiers.training_data import TrainingData
from features.vector import NAMES, VERSION
from slides.optics import white_point
from slides.synthetic import draw_cell

MODEL = Path(__file__).resolve().parents[1] / "leukoformula" / "models" / "mlp"
BAND, SEGMENTED = CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED
PAIR = [CLASSIFIED.index(BAND), CLASSIFIED.index(SEGMENTED)]
OTHERS = [k for k in range(len(CLASSIFIED)) if k not in PAIR]
NETWORK = {
    "hidden": [12],
    "alpha": 0.001,
    "learning_rate": 0.01,
    "batch": 64,
    "epochs": 20,
    "limit": 4.0,
    "rounds": 1,
    "leave_out": [],
    "noise_copies": 1,
}


def features(count: int = 50) -> np.ndarray:
    return np.random.default_rng(4).normal(size=(count, len(NAMES))).astype(np.float32)


def usual() -> UsualValues:
    rng = np.random.default_rng(1)
    quantiles = np.sort(rng.normal(size=(3, len(CLASSIFIED), len(NAMES))), axis=0)
    return UsualValues(quantiles.astype(np.float32))


def test_only_the_split_of_the_neutrophils_changes() -> None:
    first, second, cells = perceptron(0), perceptron(1), features()
    alone = MlpClassifier(first).predict_features(cells)
    both = MlpClassifier(first, neutrophils=second).predict_features(cells)
    assert np.array_equal(both[:, OTHERS], alone[:, OTHERS])
    assert np.allclose(both[:, PAIR].sum(axis=1), alone[:, PAIR].sum(axis=1), atol=1e-6)
    assert np.allclose(both.sum(axis=1), 1, atol=1e-6)
    odds = np.log(both[:, PAIR[0]] / both[:, PAIR[1]])
    logits = second.logits(cells)[:, PAIR] / second.temperature
    assert np.allclose(odds, logits[:, 0] - logits[:, 1], atol=1e-3)
    assert not np.allclose(both[:, PAIR], alone[:, PAIR], atol=0.05)


def test_what_is_given_is_not_written_to() -> None:
    second, cells = perceptron(1), features(5)
    given = MlpClassifier(perceptron(0)).predict_features(cells)
    before = given.copy()
    which_neutrophil(given, second, second.standardise(cells))
    assert np.array_equal(given, before)


def test_crops_and_measured_features_are_answered_alike() -> None:
    classifier = MlpClassifier(perceptron(0), neutrophils=perceptron(1))
    crops = np.stack([draw_cell(label, rng=np.random.default_rng(7)) for label in (BAND, SEGMENTED)])
    whites = np.stack([white_point(crop) for crop in crops])
    measured = classifier.measured(crops, whites)
    assert np.array_equal(classifier.predict(crops, whites), classifier.predict_features(measured))


def test_a_fit_to_two_classes_answers_as_scikit_learn_does() -> None:
    cells, rng = features(300), np.random.default_rng(2)
    band = cells[:, 3] + 0.3 * rng.normal(size=300) > 0
    targets = np.stack([allowed_answers(BAND if one else SEGMENTED) for one in band])
    fitted = fit_perceptron(cells, targets, np.ones(300), NETWORK, seed=5, log=quiet)
    network = MLPClassifier(
        (12,), alpha=0.001, learning_rate_init=0.01, batch_size=64, max_iter=20, n_iter_no_change=20,
        random_state=5,
    )  # fmt: skip
    with pytest.warns(UserWarning):
        network.fit(fitted.standardise(cells), targets.argmax(axis=1))
    logits = fitted.logits(cells)
    probabilities = 1 / (1 + np.exp(logits[:, PAIR[0]] - logits[:, PAIR[1]]))
    order = {label: column for column, label in enumerate(network.classes_)}
    wanted = network.predict_proba(fitted.standardise(cells))[:, order[PAIR[1]]]
    assert np.abs(probabilities - wanted).max() < 1e-4
    assert ((probabilities < 0.5) == band).mean() > 0.85
    assert (logits[:, OTHERS] == -30).all()


def test_a_model_folder_keeps_the_second_perceptron(tmp_path: Path) -> None:
    first, second = perceptron(0), perceptron(1)
    first.save(tmp_path / WEIGHTS)
    second.save(tmp_path / NEUTROPHILS)
    details = {"classes": [str(c) for c in CLASSIFIED], "features_version": VERSION}
    files = [WEIGHTS, NEUTROPHILS]
    write_manifest(tmp_path, name="mlp", kind="mlp", version="1", files=files, details=details)
    loaded = MlpClassifier.load(tmp_path)
    wanted = MlpClassifier(first, neutrophils=second).predict_features(features())
    assert np.array_equal(loaded.predict_features(features()), wanted)


def test_two_perceptrons_of_other_features_are_refused() -> None:
    second = perceptron(1)
    fewer = replace(
        second,
        names=NAMES[1:],
        mean=second.mean[1:],
        scale=second.scale[1:],
        weights=(second.weights[0][1:], second.weights[1]),
    )
    with pytest.raises(ModelError, match="other features"):
        MlpClassifier(perceptron(0), neutrophils=fewer)


def test_the_explanation_of_a_band_is_that_of_the_perceptron_which_decides() -> None:
    first, second, values = perceptron(0), perceptron(1), usual()
    classifier = MlpClassifier(first, neutrophils=second, usual=values)
    crop = draw_cell(BAND, rng=np.random.default_rng(3))
    white = white_point(crop)
    cell = classifier.measured(crop[None], white[None])[0]
    for label, against, decides in (
        (BAND, SEGMENTED, second),
        (SEGMENTED, BAND, second),
        (BAND, CellClass.EOSINOPHIL, first),
    ):
        found = classifier.explain(crop, white, label=label, against=against)
        assert found == explain(decides, values, cell, label=label, against=against)


def test_rows_of_other_cells_weigh_nothing() -> None:
    count = 40
    data = TrainingData(
        crops=np.zeros((count, 1), np.uint8),
        whites=np.zeros((count, 3), np.float32),
        targets=np.zeros((count, len(CLASSIFIED)), np.float32),
        groups=np.zeros(count, np.int64),
        shares={},
        held_out=np.arange(count) % 10 == 0,
        counts={"one/neutrophil_band": count},
    )
    rows = MeasuredData(features(count), np.arange(count), np.arange(count) % 4 > 0)
    among = np.arange(count) < 30
    weights = row_weights(data, rows, {"network": {"plain_share": 0.5}}, among=among)
    used = among & ~data.held_out
    assert (weights[~used] == 0).all()
    assert weights[used].mean() == pytest.approx(1)
    assert weights[used & rows.plain].sum() == pytest.approx(weights[used & ~rows.plain].sum())


def test_the_shipped_model_brings_one() -> None:
    assert (MODEL / NEUTROPHILS).is_file()
    assert (MODEL / USUAL).is_file()


@pytest.mark.data
def test_the_shipped_model_tells_band_from_segmented(data: Path) -> None:
    """Issue's bar: 0.80 of the cells of `pbc_val` that are labelled band or segmented."""
    from evaluation.classifier_sets import labelled_set

    cells = labelled_set("pbc_val", data)
    chosen = [k for k, label in enumerate(cells.labels) if label in {BAND, SEGMENTED}]
    classifier = MlpClassifier.load(MODEL)
    probabilities = classifier.predict(cells.crops[chosen], cells.whites[chosen])
    called = probabilities[:, PAIR].argmax(axis=1)
    labelled = np.array([PAIR.index(CLASSIFIED.index(cells.labels[k])) for k in chosen])
    assert len(chosen) == 222
    assert (called == labelled).mean() >= 0.80


@pytest.mark.parametrize("split", [True, False], ids=["band_and_segmented", "pooled"])
def test_training_fits_one_where_a_source_splits_neutrophils(tmp_path: Path, *, split: bool) -> None:
    folder, rng = tmp_path / "data" / "mine", np.random.default_rng(6)
    folder.mkdir(parents=True)
    lines = ["path,label,split,rbc_px"]
    for number in range(40):
        label = (BAND, SEGMENTED, CellClass.LYMPHOCYTE)[number % 3]
        cv2.imwrite(str(folder / f"{number}.png"), draw_cell(label, rng=rng)[:, :, ::-1])
        named = label if split or label is CellClass.LYMPHOCYTE else CellClass.NEUTROPHIL
        lines.append(f"{number}.png,{named},train,35")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {
        "version": "1", "seed": 3, "class_balance": 0.5, "plain_rows": 40, "restained_rows": 20,
        "prior_strength": 0.5, "blood_mix": {"neutrophil": 0.7, "lymphocyte": 0.3},
        "sources": {"mine": 1.0, "synthetic": 0.5, "synthetic_cells": 30},
        "change": CHANGE, "neutrophils": {"hidden": [6], "batch": 8, "members": 2},
        "network": NETWORK | {
            "batch": 16, "members": 1, "plain_share": 0.5, "shift_limit": 9.0, "shift_noise": 0.0,
        },
    }  # fmt: skip
    logged: list[str] = []
    metrics = train(settings, tmp_path / "data", tmp_path / "mlp", log=logged.append)
    assert (tmp_path / "mlp" / NEUTROPHILS).exists() is split
    assert ("held_out_band_or_segmented" in metrics) is split
    assert any("no source tells band from segmented" in line for line in logged) is not split
    assert ("band from segmented" in (tmp_path / "mlp" / "card.md").read_text(encoding="utf-8")) is split
    assert MlpClassifier.load(tmp_path / "mlp").predict_features(features()).shape == (50, len(CLASSIFIED))
