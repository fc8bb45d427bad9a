"""Targets, manifests, probabilities, ensembles and the input of the networks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax

from cells.errors import DataError, ModelError, UsageError
from cells.model_files import open_model
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.cnn import CnnClassifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.labels import allowed_answers
from classifiers.manifest import read_manifest
from classifiers.preprocess import StainStrength, network_input
from classifiers.probabilities import fit_temperature, prior_factors, softmax
from leukoformula.decisions import label_of
from leukoformula.store import SHIPPED, ensemble_temperature
from slides.optics import optical_density, white_point
from slides.synthetic import Stain, draw_cell


class _Fixed:
    name = "fixed"
    classes = CLASSIFIED

    def __init__(self, answer: int) -> None:
        self._row = np.eye(len(CLASSIFIED), dtype=np.float32)[answer]

    def predict(self, crops, whites):
        return np.tile(self._row, (len(crops), 1))


def test_a_pooled_label_allows_its_children_only():
    allowed = {c for c, a in zip(CLASSIFIED, allowed_answers(CellClass.NEUTROPHIL), strict=True) if a}
    assert allowed == {CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED}


def test_a_finer_label_allows_its_parent_and_an_unknown_one_nothing():
    allowed = [c for c, a in zip(CLASSIFIED, allowed_answers(CellClass.MYELOCYTE), strict=True) if a]
    assert allowed == [CellClass.IMMATURE_GRANULOCYTE]
    assert not allowed_answers(CellClass.BLAST).any()


def test_band_and_segmented_stay_apart():
    assert allowed_answers(CellClass.NEUTROPHIL_BAND).sum() == 1


def test_a_manifest_is_read_with_its_split_and_scale(tmp_path: Path):
    path = tmp_path / "manifest.csv"
    path.write_text("path,label,split,rbc_px\na.jpg,monocyte,train,35\nb.jpg,blast,val,\n", encoding="utf-8")
    (sample,) = read_manifest(path, {"train"})
    assert (sample.label, sample.erythrocyte_px, sample.path) == (
        CellClass.MONOCYTE,
        35.0,
        tmp_path / "a.jpg",
    )
    assert len(read_manifest(path)) == 2
    path.write_text("path,label,erythrocyte_px\na.jpg,monocyte,47\nb.jpg,blast,\n", encoding="utf-8")
    assert [sample.erythrocyte_px for sample in read_manifest(path)] == [47.0, 35.0]
    path.write_text("Path, label ,Group,Erythrocyte_PX\na.jpg,monocyte,s1,47\n", encoding="utf-8")
    (sample,) = read_manifest(path)
    assert (sample.group, sample.erythrocyte_px) == ("s1", 47.0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("path,label\na.jpg,monozyte\n", "line 2: unknown label 'monozyte'"),
        ("path,label,rbc_px\na.jpg,monocyte,x\n", "line 2: erythrocyte diameter 'x'; give a number of px"),
        ("path,label,rbc_px\na.jpg,monocyte,nan\n", "erythrocyte diameter 'nan'; give a number of px from 4"),
        ("path,label,erythrocyte_px\na.jpg,monocyte,0\n", "erythrocyte diameter '0'"),
        ("path;label\na.jpg;monocyte\n", "commas, not semicolons"),
        ("path\na.jpg\n", "no column label"),
        ("path,label\n", "lists no images"),
        ("path,label\n,monocyte\n", "no value for path"),
    ],
)
def test_faults_of_a_manifest_are_named(tmp_path: Path, text: str, fault: str):
    path = tmp_path / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        read_manifest(path)


def test_softmax_equals_scipy():
    logits = np.random.default_rng(0).normal(size=(20, 10)).astype(np.float32) * 30
    np.testing.assert_allclose(softmax(logits, 2.5), scipy_softmax(logits / 2.5, axis=-1), atol=1e-6)


def test_prior_factors_follow_the_mix_and_leave_other_classes_alone():
    mix = {CellClass.NEUTROPHIL: 0.75, CellClass.LYMPHOCYTE: 0.25}
    factors = dict(zip(CLASSIFIED, prior_factors(mix, 1.0), strict=True))
    assert factors[CellClass.NEUTROPHIL_BAND] == factors[CellClass.NEUTROPHIL_SEGMENTED] == 1.5
    assert factors[CellClass.LYMPHOCYTE] == 0.5
    assert {factors[c] for c in (CellClass.MONOCYTE, CellClass.ARTEFACT, CellClass.ERYTHROBLAST)} == {1.0}
    np.testing.assert_array_equal(prior_factors(mix, 0.0), 1.0)


def test_the_temperature_recovers_overconfidence():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6000, 4)) * 1.5
    truth = np.array([rng.choice(4, p=row) for row in scipy_softmax(logits, axis=-1)])
    targets = np.eye(4, dtype=np.float32)[truth]
    assert fit_temperature((logits * 3.0).astype(np.float32), targets) == pytest.approx(3.0, rel=0.1)


@given(st.floats(0.0, 5.0), st.floats(0.01, 5.0))
def test_an_ensemble_is_the_weighted_mean(first: float, second: float):
    ensemble = EnsembleClassifier([_Fixed(0), _Fixed(3)], [first, second])
    answer = ensemble.predict(np.zeros((2, 112, 112, 3), np.uint8), np.full((2, 3), 255.0))
    assert answer.shape == (2, len(CLASSIFIED))
    np.testing.assert_allclose(answer.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(answer[:, 0], first / (first + second), atol=1e-6)


def test_a_temperature_makes_the_mean_surer_and_keeps_its_order():
    mean = EnsembleClassifier([_Fixed(0), _Fixed(3)], [1.0, 3.0])
    sure = EnsembleClassifier([_Fixed(0), _Fixed(3)], [1.0, 3.0], temperature=0.5)
    crops, whites = np.zeros((2, 112, 112, 3), np.uint8), np.full((2, 3), 255.0)
    np.testing.assert_allclose(mean.predict(crops, whites)[0, [0, 3]], [0.25, 0.75])
    np.testing.assert_allclose(sure.predict(crops, whites)[0, [0, 3]], [0.1, 0.9], rtol=1e-6)
    rng = np.random.default_rng(1)
    answers = rng.dirichlet(np.full(len(CLASSIFIED), 0.5), 500).astype(np.float32)
    before, after = (one.combined([answers, answers]) for one in (mean, sure))
    np.testing.assert_allclose(after.sum(axis=1), 1.0, atol=1e-5)
    for k in range(500):
        assert label_of(before[k], CLASSIFIED)[0] is label_of(after[k], CLASSIFIED)[0]
    assert ensemble_temperature(0.0) == ensemble_temperature(1.0) == 1.0
    assert ensemble_temperature(0.5) == pytest.approx(0.7)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_an_ensemble_refuses_a_temperature_that_is_none(temperature: float):
    with pytest.raises(UsageError, match="temperature"):
        EnsembleClassifier([_Fixed(0)], [1.0], temperature=temperature)


@pytest.mark.parametrize("weights", [[], [1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_an_ensemble_refuses_weights_that_do_not_suit(weights: list[float]):
    with pytest.raises(UsageError):
        EnsembleClassifier([_Fixed(0), _Fixed(1)], weights)


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ModelError, match="no LiteRT model"):
        CnnClassifier(b"not a network at all", side_px=96, temperature=1.0)


def test_the_network_sees_optical_density_not_the_lamp():
    rng = np.random.default_rng(2)
    density = rng.uniform(0.0, 0.8, size=(1, 112, 112, 3))
    views = []
    for white in (np.array([240.0, 235.0, 230.0]), np.array([180.0, 190.0, 200.0])):
        crop = np.clip(np.rint(white * 10.0**-density), 0, 255).astype(np.uint8)
        views.append(network_input(crop, white[None], side_px=112))
    assert np.abs(views[0] - views[1]).max() < 0.02
    assert np.abs(views[0][0] - density[0]).max() < 0.02


STRENGTH = StainStrength(0.8, 1.0, 4.0)


def _dyed(strength: float, seed: int = 4) -> np.ndarray:
    """A cell with a dark middle, as an image on white glass."""
    rng = np.random.default_rng(seed)
    far = np.hypot(*(np.mgrid[:112, :112] - 55.5))
    density = np.where(far < 24, 0.5, np.where(far < 34, 0.15, 0.02))[..., None] * rng.uniform(0.8, 1.2, 3)
    return np.rint(240.0 * 10.0 ** (-strength * density)).astype(np.uint8)


@pytest.mark.parametrize("strength", [0.4, 0.7, 1.0, 1.5])
def test_a_pale_stain_is_shown_as_strongly_as_a_dark_one(strength: float):
    whites = np.full((2, 3), 240.0)
    pale, usual = network_input(
        np.stack([_dyed(strength), _dyed(1.0)]), whites, side_px=112, strength=STRENGTH
    )
    assert np.abs(pale - usual).max() < 0.06
    assert usual[28:84, 28:84].mean(axis=-1).max() == pytest.approx(STRENGTH.target, abs=0.02)


def test_the_factor_of_the_strength_has_bounds_and_keeps_the_colour():
    density = np.zeros((3, 112, 112, 3), np.float32)
    density[1] = (0.05, 0.1, 0.03)
    density[2] = (1.5, 1.2, 1.8)
    assert STRENGTH.factors(density).tolist() == [4.0, 4.0, 1.0]
    image = np.rint(240.0 * 10.0 ** -density[1:2]).astype(np.uint8)
    plain = network_input(image, np.full((1, 3), 240.0), side_px=112)
    shown = network_input(image, np.full((1, 3), 240.0), side_px=112, strength=STRENGTH)
    np.testing.assert_allclose(shown, 4.0 * plain, rtol=1e-6)


@pytest.mark.model
@pytest.mark.parametrize("strength", [{"target": -1, "least": 1, "most": 2}, {"target": 1}, [1, 2, 3], "x"])
def test_a_manifest_with_a_bad_strength_is_refused(tmp_path: Path, strength: object):
    folder = tmp_path / "cnn"
    shutil.copytree(SHIPPED / "cnn", folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["stain_strength"] = strength
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match="bad manifest"):
        CnnClassifier.load(folder)


@pytest.mark.model
def test_a_crop_of_which_the_network_is_not_sure_is_seen_as_it_is_too():
    shipped = CnnClassifier.load(SHIPPED / "cnn")
    model = open_model(SHIPPED / "cnn")
    plain = CnnClassifier(
        model.weights,
        side_px=model.manifest["input_px"],
        temperature=model.manifest["temperature"],
        factors=np.array([model.manifest["prior_factors"][name] for name in CLASSIFIED], np.float32),
    )
    rng = np.random.default_rng(8)
    crops = np.stack([draw_cell(CLASSIFIED[k % 10], rng=rng, stain=Stain.random(rng)) for k in range(60)])
    whites = np.stack([white_point(crop) for crop in crops])
    given, as_it_is = shipped.predict(crops, whites), plain.predict(crops, whites)
    np.testing.assert_allclose(given.sum(axis=1), 1.0, atol=1e-5)
    outside = [CLASSIFIED.index(c) for c in (CellClass.PLATELET, CellClass.ARTEFACT)]
    seen_twice = np.isclose(given[:, outside], as_it_is[:, outside], atol=1e-6).all(axis=1)
    surest = np.maximum(given.max(axis=1), given[:, :2].sum(axis=1))
    assert seen_twice[surest < 0.5].all() and 0 < seen_twice.sum() < len(crops)
    one_by_one = np.concatenate(
        [shipped.predict(c[None], w[None]) for c, w in zip(crops, whites, strict=True)]
    )
    np.testing.assert_allclose(one_by_one, given, atol=1e-5)


@pytest.mark.parametrize(
    "table",
    [
        {"target": 0.8},
        {"target": 0.0, "least": 1, "most": 2},
        {"target": 0.8, "least": 2, "most": 1},
        {"target": "x", "least": 1, "most": 2},
        {"target": 0.8, "least": 1, "most": float("inf")},
        {"target": 0.8, "least": 1, "most": 2, "more": 3},
        [0.8, 1, 2],
    ],
)
def test_a_strength_out_of_range_is_refused(table: object):
    with pytest.raises(DataError, match="strength of the stain"):
        StainStrength.of(table)


def test_optical_density_is_zero_on_the_empty_slide_and_limited():
    image = np.array([[[200, 210, 220], [0, 0, 0]]], np.uint8)
    density = optical_density(image, np.array([200.0, 210.0, 220.0]))
    np.testing.assert_array_equal(density[0, 0], 0.0)
    np.testing.assert_allclose(density[0, 1], 2.0)
    assert image[0, 1].tolist() == [0, 0, 0]


@given(st.integers(60, 255), st.integers(60, 255), st.integers(60, 255), st.integers(0, 10**6))
def test_the_white_point_is_the_empty_slide(red: int, green: int, blue: int, seed: int):
    rng = np.random.default_rng(seed)
    image = np.empty((90, 120, 3), np.uint8)
    image[:] = (red, green, blue)
    image[20:80, 10:70] = (np.array([red, green, blue]) * rng.uniform(0.2, 0.8)).astype(np.uint8)
    np.testing.assert_allclose(white_point(image), [red, green, blue], atol=1)
