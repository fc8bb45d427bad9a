"""The correction that a laboratory's own cells add to a network: bounds, fit, refusal, model folder."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from adaptation_cases import FakeNetwork, base_model, site_cells
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cells.errors import DataError, ModelError
from cells.model_files import ModelInfo, open_model
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers import adapt_cnn
from classifiers.adapt_cnn import adapt, check_cells
from classifiers.adaptation import ADAPTATION, NETWORK, Adaptation, corrected, network_and_adaptation
from classifiers.adaptation_fitting import (
    ODDS_LIMIT,
    SiteAnswers,
    Trial,
    choose_strength,
    fit,
    folds,
    gain_of,
    right,
    try_out,
)
from classifiers.preprocess import StainStrength
from classifiers.training_hashes import HASHES, TrainingHashes
from leukoformula.settings import Settings
from leukoformula.validation import deciding, load_validation, misfit

C = CellClass
K = len(CLASSIFIED)


def _site(
    labels: list[CellClass], *, says: dict[CellClass, CellClass] | None = None, seed: int = 0
) -> SiteAnswers:
    """Cells in clusters by their labels; the network is right but where ``says`` has it otherwise."""
    rng = np.random.default_rng(seed)
    order = sorted(set(CellClass))
    centres = np.random.default_rng(99).normal(size=(len(order), 6))
    features = np.stack([centres[order.index(label)] for label in labels]) + rng.normal(
        0, 0.3, (len(labels), 6)
    )
    probabilities = np.full((len(labels), K), 0.02)
    for row, label in enumerate(labels):
        answer = (says or {}).get(label, label)
        answer = C.NEUTROPHIL_SEGMENTED if answer is C.NEUTROPHIL else answer
        probabilities[row, CLASSIFIED.index(answer)] = 0.82
    return SiteAnswers(features.astype(np.float32), probabilities.astype(np.float32), tuple(labels))


MIXED = [C.LYMPHOCYTE, C.MONOCYTE, C.EOSINOPHIL, C.NEUTROPHIL] * 8
WRONG = {C.MONOCYTE: C.LYMPHOCYTE, C.EOSINOPHIL: C.NEUTROPHIL}


@given(seed=st.integers(0, 10_000), limit=st.floats(1.0, 20.0), scale=st.floats(0.0, 30.0))
@settings(max_examples=60, deadline=None)
def test_classes_that_were_not_shown_stay_in_bounds(seed: int, limit: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    before = rng.dirichlet(np.full(K, 0.3), 12).astype(np.float32)
    shown = np.zeros(K, np.bool_)
    shown[rng.choice(K, int(rng.integers(1, K)), replace=False)] = True
    added = rng.normal(0, scale, (12, K)) * shown
    after = corrected(before, added, shown, limit)
    assert after.sum(axis=1) == pytest.approx(1.0)
    floor = np.maximum(before.astype(np.float64), 1e-30)
    floor /= floor.sum(axis=1, keepdims=True)
    change = after[:, ~shown] / floor[:, ~shown]
    assert change.max() <= limit * (1 + 1e-6) and change.min() >= 1 / limit * (1 - 1e-6)
    assert np.ptp(np.log(change), axis=1).max() < 1e-6


def test_a_correction_of_strength_0_changes_nothing() -> None:
    site = _site(MIXED, says=WRONG)
    assert fit(site, 0.0).apply(site.probabilities, site.features) == pytest.approx(
        site.probabilities, abs=1e-6
    )


def test_it_learns_what_the_network_gets_wrong_and_keeps_what_it_gets_right() -> None:
    site, other = _site(MIXED, says=WRONG), _site(MIXED, says=WRONG, seed=5)
    given_ = fit(site, 8.0).apply(other.probabilities, other.features)
    assert right(other.probabilities, other.allowed).mean() == pytest.approx(0.5)
    assert right(given_, other.allowed).all()


def test_sure_answers_of_a_class_that_was_not_shown_stay() -> None:
    site = _site(MIXED, says={C.MONOCYTE: C.IMMATURE_GRANULOCYTE})
    given_ = fit(site, 8.0).apply(site.probabilities, site.features)
    monocyte = np.array([label is C.MONOCYTE for label in site.labels])
    assert (given_[monocyte].argmax(axis=1) == CLASSIFIED.index(C.IMMATURE_GRANULOCYTE)).all()
    assert (given_[monocyte].max(axis=1) < 0.82).all()


def test_it_fades_away_from_the_labelled_cells() -> None:
    site = _site(MIXED, says=WRONG)
    far = site.features[:4] + 50.0
    assert fit(site, 8.0).apply(site.probabilities[:4], far) == pytest.approx(
        site.probabilities[:4], abs=1e-6
    )


def test_a_pooled_label_leaves_band_and_segmented_in_proportion() -> None:
    site = _site(MIXED, says={C.NEUTROPHIL: C.EOSINOPHIL})
    adaptation = fit(site, 4.0)
    assert adaptation.weights[:, 0] == pytest.approx(adaptation.weights[:, 1])
    assert np.abs(adaptation.weights[:, 0]).max() > 0.01
    given_ = adaptation.apply(site.probabilities, site.features)
    assert given_[:, 0] / given_[:, 1] == pytest.approx(
        site.probabilities[:, 0] / site.probabilities[:, 1], rel=1e-4
    )


def test_bands_that_were_told_apart_move_by_themselves() -> None:
    labels = [C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED, C.LYMPHOCYTE] * 8
    site = _site(labels, says={C.NEUTROPHIL_BAND: C.NEUTROPHIL_SEGMENTED})
    weights = fit(site, 4.0).weights
    assert np.abs(weights[:, 0] - weights[:, 1]).max() > 0.1


def test_the_file_gives_the_same_correction_back() -> None:
    site = _site(MIXED, says=WRONG)
    made = fit(site, 2.0, base_sha256="ab" * 32)
    read = Adaptation.read(made.to_bytes())
    assert made.to_bytes() == read.to_bytes()
    assert read.base_sha256 == "ab" * 32 and read.odds_limit == ODDS_LIMIT
    same = read.apply(site.probabilities, site.features)
    assert np.array_equal(same, made.apply(site.probabilities, site.features))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x80\x04nothing", fit(_site(MIXED), 1.0).to_bytes()[:-200]]
)
def test_a_torn_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="adapt the model again"):
        Adaptation.read(content)


def test_arrays_that_do_not_suit_each_other_are_refused() -> None:
    made = fit(_site(MIXED), 1.0)
    with pytest.raises(ModelError, match="suit each other"):
        Adaptation(made.centres, made.weights[:-1], made.shown, 1.0, 2.0, "")
    with pytest.raises(ModelError, match="out of range"):
        Adaptation(made.centres, made.weights, made.shown, 0.0, 2.0, "")
    with pytest.raises(ModelError, match="no cell was shown"):
        Adaptation(made.centres, np.ones_like(made.weights), made.shown, 1.0, 2.0, "")


def test_another_network_is_refused() -> None:
    made = fit(_site(MIXED), 1.0, base_sha256=hashlib.sha256(b"mine").hexdigest())
    made.require_network(b"mine", features=6)
    with pytest.raises(ModelError, match="another network"):
        made.require_network(b"yours", features=6)
    with pytest.raises(ModelError, match="another network"):
        made.require_network(b"mine", features=7)


def test_the_cuts_hold_every_cell_once_and_every_class_evenly() -> None:
    parts = folds(_site(MIXED), seed=3)
    assert np.sum(parts, axis=0).tolist() == [1] * len(MIXED)
    for label in set(MIXED):
        counts = [sum(MIXED[n] is label for n in np.flatnonzero(part)) for part in parts]
        assert max(counts) - min(counts) <= 1


def test_cells_of_one_smear_stay_together_where_there_are_several() -> None:
    site = _site(MIXED)
    groups = tuple(f"smear {n % 7}" for n in range(len(MIXED)))
    parts = folds(SiteAnswers(site.features, site.probabilities, site.labels, groups), seed=1)
    for part in parts:
        assert {groups[n] for n in np.flatnonzero(part)}.isdisjoint(
            {groups[n] for n in np.flatnonzero(~part)}
        )
    alone = SiteAnswers(site.features, site.probabilities, site.labels, ("one",) * len(MIXED))
    assert len(folds(alone, seed=1)) == 5


def test_a_systematic_error_is_a_gain_that_is_shown() -> None:
    gain = gain_of(try_out(_site(MIXED, says={C.NEUTROPHIL: C.EOSINOPHIL}), seed=0))
    assert gain.shown and gain.lower > 0.05
    assert gain.accuracy_after - gain.accuracy_before == pytest.approx(gain.gain)


def test_where_nothing_is_wrong_no_gain_is_shown() -> None:
    gain = gain_of(try_out(_site(MIXED), seed=0))
    assert not gain.shown and gain.accuracy_before == 1.0 and gain.lower <= 0


def test_labels_by_chance_are_refused() -> None:
    shown = []
    for seed in range(6):
        site = _site(MIXED, seed=seed)
        shuffled = np.random.default_rng(seed).permutation(len(MIXED))
        mixed = tuple(site.labels[n] for n in shuffled)
        shown.append(
            gain_of(
                try_out(SiteAnswers(site.features, site.probabilities, mixed), seed=seed, repeats=1)
            ).shown
        )
    assert sum(shown) <= 1


def test_the_bound_is_that_of_student() -> None:
    none = np.zeros(4)
    gain = gain_of(Trial(none, np.array([1.0, 0.0, 1.0, 0.0]), none, none + 0.1))
    assert gain.gain == 0.5
    assert gain.lower == pytest.approx(0.5 - 1.6377 * np.sqrt(1 / 3) / 2, abs=1e-4)


def test_the_same_cells_give_the_same_correction() -> None:
    site = _site(MIXED, says=WRONG)
    one, two = (choose_strength(site, seed=4) for _ in range(2))
    assert one == two
    assert fit(site, one).to_bytes() == fit(site, two).to_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 19}, "19 labelled cells; give 20 to 400"),
        ({"labels": (C.LYMPHOCYTE,)}, "all 24 cells are labelled lymphocyte"),
        (
            {"labels": (C.LYMPHOCYTE, C.BLAST)},
            r"cell 1: the network has no answer for blast \(12 such cells\)",
        ),
        ({"labels": (C.LYMPHOCYTE, C.UNIDENTIFIED)}, "no answer for unidentified"),
        ({"twice": True}, "cell 23 is the same image as cell 0; list each cell once"),
    ],
)
def test_cells_that_will_not_do_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_cells(site_cells(**change), None)


def test_images_that_the_network_was_trained_on_are_refused() -> None:
    cells = site_cells()
    known = TrainingHashes(np.sort(np.array([int(cells.hashes[3][:16], 16)], np.uint64)))
    with pytest.raises(DataError, match=r"trained on 1 of these images \(cell 3\)"):
        check_cells(cells, known)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(adapt_cnn.CnnClassifier, "load", lambda folder: FakeNetwork())
    return base_model(tmp_path / "base")


def test_a_gain_becomes_a_model_folder(base: Path, tmp_path: Path) -> None:
    said: list[str] = []
    cells = site_cells(wrong=True)
    gain = adapt(cells, base=base, out=tmp_path / "cnn", log=said.append)
    model, before = open_model(tmp_path / "cnn", kind="cnn"), open_model(base)
    network, adaptation = network_and_adaptation(model)
    assert network == before.weights and adaptation is not None
    assert adaptation.base_sha256 == before.sha256 and model.sha256 != before.sha256
    assert next(iter(model.contents)) == ADAPTATION and NETWORK in model.contents
    assert TrainingHashes.read(model.contents[HASHES]).known(cells.hashes).all()
    about = model.manifest["adaptation"]
    assert about["base"]["sha256"] == before.sha256 and about["cells"] == {"eosinophil": 12, "lymphocyte": 12}
    assert about["cross_validation"]["lower"] == pytest.approx(gain.lower) and gain.lower > 0
    card = (tmp_path / "cnn" / "card.md").read_text(encoding="utf-8")
    assert before.sha256 in card and "- lymphocyte: 12" in card and f"{gain.lower:+.3f}" in card
    assert "not corrected for validated errors" in card and "adapted" in card
    assert any("one smear" in line for line in said)


def test_without_a_gain_nothing_is_written(base: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no gain shown: 1\.000 right without"):
        adapt(site_cells(), base=base, out=tmp_path / "cnn", log=lambda line: None)
    assert not (tmp_path / "cnn").exists()


def test_an_adapted_model_is_not_adapted_again(base: Path, tmp_path: Path) -> None:
    cells = site_cells(wrong=True)
    adapt(cells, base=base, out=tmp_path / "cnn", log=lambda line: None)
    with pytest.raises(ModelError, match="adapted already"):
        adapt(cells, base=tmp_path / "cnn", out=tmp_path / "again", log=lambda line: None)


def test_a_network_without_features_is_refused(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeNetwork, "feature_count", 0)
    with pytest.raises(ModelError, match="gives no features"):
        adapt(site_cells(wrong=True), base=base, out=tmp_path / "cnn", log=lambda line: None)


def test_an_adaptation_without_its_network_is_refused(base: Path, tmp_path: Path) -> None:
    adapt(site_cells(wrong=True), base=base, out=tmp_path / "cnn", log=lambda line: None)
    path = tmp_path / "cnn" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"][NETWORK]
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"without network\.tflite"):
        network_and_adaptation(open_model(tmp_path / "cnn"))


@pytest.mark.model
def test_the_shipped_validation_is_not_that_of_an_adapted_network(base: Path, tmp_path: Path) -> None:
    adapt(site_cells(wrong=True), base=base, out=tmp_path / "cnn", log=lambda line: None)
    validation = load_validation("cnn")
    assert validation is not None
    settings_ = Settings(classifier="cnn")
    mine = [ModelInfo(kind, kind, "1", sha) for kind, sha in validation.models.items()]
    assert (
        validation.settings != deciding(settings_)
        or misfit(validation, settings=settings_, models=mine) == ""
    )
    sha = open_model(tmp_path / "cnn").sha256
    other = [ModelInfo(m.name, m.kind, "1", sha if m.kind == "cnn" else m.sha256) for m in mine]
    assert misfit(validation, settings=settings_, models=other) == "validation_of_other_models"


def _pixels(count: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    rng = np.random.default_rng(2)
    return rng.integers(90, 250, (count, 112, 112, 3), dtype=np.uint8), np.full((count, 3), 245.0)


@pytest.mark.model
def test_the_shipped_network_answers_with_a_correction() -> None:
    from classifiers.cnn import CnnClassifier
    from leukoformula.store import SHIPPED

    model = open_model(SHIPPED / "cnn")
    plain = CnnClassifier.load(SHIPPED / "cnn")
    if not plain.feature_count:
        pytest.skip("the shipped network gives no features yet")
    crops, whites = _pixels(6)
    before, features = plain.predict(crops, whites), plain.answer(crops, whites)[1]
    labels = (C.BASOPHIL, C.MONOCYTE) * 3
    made = fit(SiteAnswers(features, before, labels), 4.0, base_sha256=model.sha256)
    form = model.manifest
    with_it = CnnClassifier(
        model.weights,
        side_px=form["input_px"],
        temperature=form["temperature"],
        factors=np.array([form["prior_factors"][name] for name in CLASSIFIED], np.float32),
        colour_share=form["colour_share"],
        strength=StainStrength.of(form.get("stain_strength")),
        adaptation=made,
    )
    after = with_it.predict(crops, whites)
    assert after == pytest.approx(made.apply(before, features), abs=1e-5)
    assert np.abs(after - before).max() > 0.01 and after.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
