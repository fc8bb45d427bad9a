"""Explanations of one decision: contributions add up, and the usual values are those of the class."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import ModelError
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import FAMILIES, UsualValues, contributions, explain, family, read_usual
from classifiers.mlp import MlpClassifier
from classifiers.perceptron import Perceptron
from features.vector import NAMES, describe
from slides.optics import white_point
from slides.synthetic import draw_cell

COUNT = len(NAMES)
LYMPHOCYTE, MONOCYTE = CellClass.LYMPHOCYTE, CellClass.MONOCYTE


def perceptron(seed: int = 0, *, hidden: int = 16) -> Perceptron:
    rng = np.random.default_rng(seed)
    widths = [COUNT, hidden, hidden, len(CLASSIFIED)]
    return Perceptron(
        names=NAMES,
        mean=np.zeros(COUNT, np.float32),
        scale=np.ones(COUNT, np.float32),
        limit=4.0,
        weights=tuple((rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for s in pairwise(widths)),
        biases=tuple(rng.normal(size=n).astype(np.float32) / 4 for n in widths[1:]),
        temperature=1.3,
        factors=np.ones(len(CLASSIFIED), np.float32),
    )


def usual(seed: int = 1) -> UsualValues:
    rng = np.random.default_rng(seed)
    return UsualValues(np.sort(rng.normal(size=(3, len(CLASSIFIED), COUNT)), axis=0).astype(np.float32))


@given(seed=st.integers(0, 200))
@settings(max_examples=20, deadline=None)
def test_contributions_add_up_to_the_log_odds(seed: int) -> None:
    rng, network = np.random.default_rng(seed), perceptron(seed)
    cell, base = rng.normal(size=(2, COUNT)).astype(np.float32)
    logits = network.logits(np.stack([cell, base])) / network.temperature
    odds = logits[:, CLASSIFIED.index(LYMPHOCYTE)] - logits[:, CLASSIFIED.index(MONOCYTE)]
    found = contributions(network, cell, base, label=LYMPHOCYTE, against=MONOCYTE)
    assert found.sum() == pytest.approx(float(odds[0] - odds[1]), abs=0.15)


def test_a_linear_network_gets_its_own_weights() -> None:
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(COUNT, len(CLASSIFIED))).astype(np.float32)
    bias = np.zeros(len(CLASSIFIED), np.float32)
    one = np.ones(COUNT, np.float32)
    network = Perceptron(NAMES, 0 * one, one, 4.0, (weight,), (bias,), 1.0, one[: len(CLASSIFIED)])
    cell = rng.uniform(-2, 2, COUNT).astype(np.float32)
    found = contributions(network, cell, 0 * cell, label=LYMPHOCYTE, against=MONOCYTE)
    slope = weight[:, CLASSIFIED.index(LYMPHOCYTE)] - weight[:, CLASSIFIED.index(MONOCYTE)]
    assert found == pytest.approx(slope * cell, abs=1e-5)


def test_a_feature_that_the_network_does_not_use_gives_no_reason() -> None:
    network = perceptron()
    network.weights[0][1:] = 0
    cell = np.full(COUNT, 2.0, np.float32)
    reasons = explain(network, usual(), cell, label=LYMPHOCYTE, against=MONOCYTE).reasons
    assert reasons[0].name == NAMES[0]
    assert all(reason.contribution == 0 for reason in reasons[1:])


def test_reasons_bring_value_and_usual_range_and_families_neither() -> None:
    ranges, cell = usual(), np.linspace(-2, 2, COUNT).astype(np.float32)
    found = explain(perceptron(), ranges, cell, label=LYMPHOCYTE, against=MONOCYTE, count=COUNT)
    sizes = [abs(reason.contribution) for reason in found.reasons]
    assert sizes == sorted(sizes, reverse=True)
    assert set(FAMILIES) < {reason.name for reason in found.reasons}
    for reason in found.reasons:
        if reason.name in FAMILIES:
            assert reason.value is None
            continue
        k = NAMES.index(reason.name)
        assert reason.value == pytest.approx(float(cell[k]))
        assert reason.low == pytest.approx(float(ranges.quantiles[0, CLASSIFIED.index(LYMPHOCYTE), k]))
        assert reason.high == pytest.approx(float(ranges.quantiles[2, CLASSIFIED.index(LYMPHOCYTE), k]))


def test_every_pattern_of_a_family_fits_a_feature() -> None:
    assert {family(name) for name in NAMES} == {*FAMILIES, None}
    assert family("nucleus_cell_ratio") is None


def test_usual_values_are_quantiles_of_the_class(tmp_path: Path) -> None:
    features = np.arange(303, dtype=np.float32).reshape(-1, 1) * np.ones((1, COUNT), np.float32)
    targets = np.zeros((303, len(CLASSIFIED)), np.float32)
    targets[:101, 0], targets[101:202, 1], targets[202:, :2] = 1, 1, 1
    found = UsualValues.of(features, targets)
    assert found.quantiles[:, 0, 0] == pytest.approx([5, 50, 95])
    assert found.quantiles[:, 1, 0] == pytest.approx([106, 151, 196])
    assert np.isnan(found.quantiles[:, 2]).all()
    found.save(tmp_path / "usual.npz")
    again = read_usual((tmp_path / "usual.npz").read_bytes())
    assert np.array_equal(again.quantiles, found.quantiles, equal_nan=True)


@pytest.mark.parametrize("content", [b"", b"PK", b"no arrays at all"])
def test_bytes_that_are_no_usual_values_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="usual values"):
        read_usual(content)


def test_usual_values_of_other_features_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "other.npz").open("wb") as handle:
        np.savez(handle, quantiles=usual().quantiles, names=np.array([*NAMES[:-1], "another"]))
    with pytest.raises(ModelError, match="other features"):
        read_usual((tmp_path / "other.npz").read_bytes())


def test_the_classifier_explains_the_cell_it_is_given() -> None:
    crop = draw_cell(LYMPHOCYTE, rng=np.random.default_rng(5))
    white = white_point(crop)
    classifier = MlpClassifier(perceptron(), usual=usual())
    found = classifier.explain(crop, white, label=LYMPHOCYTE, against=MONOCYTE)
    assert found is not None
    values = describe(crop, white)
    named = [reason for reason in found.reasons if reason.value is not None]
    assert named
    assert all(r.value == pytest.approx(float(values[NAMES.index(r.name)])) for r in named)
    assert MlpClassifier(perceptron()).explain(crop, white, label=LYMPHOCYTE, against=MONOCYTE) is None
    assert classifier.explain(crop, white, label=CellClass.BLAST, against=MONOCYTE) is None
