"""Permutation importance: what the network uses counts, what it does not use does not."""

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import FAMILIES
from classifiers.mlp import MlpClassifier
from classifiers.perceptron import Perceptron
from evaluation.importance import markdown, permutation_importance
from features.vector import NAMES


def one_feature_decides(name: str) -> MlpClassifier:
    """A network that answers monocyte where the feature is above 0, else lymphocyte."""
    weight = np.zeros((len(NAMES), len(CLASSIFIED)), np.float32)
    weight[NAMES.index(name), CLASSIFIED.index(CellClass.MONOCYTE)] = 20.0
    bias = np.full(len(CLASSIFIED), -30, np.float32)
    bias[[CLASSIFIED.index(CellClass.LYMPHOCYTE), CLASSIFIED.index(CellClass.MONOCYTE)]] = 0
    one = np.ones(len(NAMES), np.float32)
    even = np.ones(len(CLASSIFIED), np.float32)
    return MlpClassifier(Perceptron(NAMES, 0 * one, one, 4.0, (weight,), (bias,), 1.0, even))


def cells(name: str) -> tuple[np.ndarray, list[CellClass]]:
    features = np.random.default_rng(0).normal(size=(400, len(NAMES))).astype(np.float32)
    above = features[:, NAMES.index(name)] > 0
    return features, [CellClass.MONOCYTE if a else CellClass.LYMPHOCYTE for a in above]


def test_only_the_feature_that_decides_matters() -> None:
    features, labels = cells("cell_diameter")
    found = permutation_importance(one_feature_decides("cell_diameter"), features, labels)
    assert found[0].name == "cell_diameter"
    assert found[0].loss == pytest.approx(0.5, abs=0.06)
    assert all(one.loss == 0 for one in found[1:])
    assert {one.name for one in found} == {*NAMES, *FAMILIES}


def test_a_family_is_worth_what_its_member_is() -> None:
    features, labels = cells("nucleus_lbp_3")
    found = {
        i.name: i
        for i in permutation_importance(one_feature_decides("nucleus_lbp_3"), features, labels, repeats=2)
    }
    assert found["chromatin_texture"].loss > 0.4
    assert found["chromatin_texture"].features > 10
    assert found["cytoplasm_texture"].loss == 0


def test_the_same_seed_gives_the_same_and_features_stay_as_they_are() -> None:
    features, labels = cells("lobes")
    before = features.copy()
    first, again = (
        permutation_importance(one_feature_decides("lobes"), features, labels, seed=3, repeats=1)
        for _ in range(2)
    )
    assert first == again
    assert np.array_equal(features, before)


def test_the_table_names_families_and_the_first_features() -> None:
    features, labels = cells("lobes")
    text = markdown(permutation_importance(one_feature_decides("lobes"), features, labels, repeats=1), top=3)
    assert text.count("| `") == 3
    assert "| `lobes` | lobes, filaments cut | 5" in text or "| `lobes` | lobes, filaments cut | 4" in text
    assert all(f"| {name} |" in text for name in FAMILIES)
