"""Answers of the shipped classifiers without the prior for the mix of normal blood."""

from pathlib import Path

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.cnn import CnnClassifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.mlp import MlpClassifier
from evaluation.answers import predict_set, predict_without_prior
from evaluation.class_scores import band_score
from evaluation.classifier_sets import labelled_set
from leukoformula.store import load_classifier
from slides.optics import white_point
from slides.synthetic import draw_cell

LABELS = (CellClass.EOSINOPHIL, CellClass.BASOPHIL, CellClass.LYMPHOCYTE, CellClass.PLATELET)


def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    crops = np.stack([draw_cell(label, rng=rng) for label in LABELS])
    return crops, np.stack([white_point(crop) for crop in crops])


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_the_odds_of_two_kinds_change_by_their_factors(name: str) -> None:
    classifier, crops = load_classifier(name)[0], drawn()
    assert isinstance(classifier, CnnClassifier | MlpClassifier)
    weighed, plain = predict_set(classifier, *crops), predict_without_prior(classifier, *crops)
    assert np.allclose(plain.sum(axis=1), 1.0, atol=1e-5)
    again = plain * classifier.prior_factors
    assert np.allclose(again / again.sum(axis=1, keepdims=True), weighed, atol=1e-5)
    rare, common = CLASSIFIED.index(CellClass.BASOPHIL), CLASSIFIED.index(CellClass.NEUTROPHIL_SEGMENTED)
    assert classifier.prior_factors[rare] < 1 < classifier.prior_factors[common]


def test_an_ensemble_has_the_mean_of_its_members_without_their_priors() -> None:
    ensemble, crops = load_classifier("ensemble")[0], drawn()
    assert isinstance(ensemble, EnsembleClassifier)
    members = [predict_without_prior(member, *crops) for member in ensemble.members]
    assert np.array_equal(predict_without_prior(ensemble, *crops), ensemble.combined(members))


@pytest.mark.data
def test_eight_groups_of_a_set_of_another_mix(data: Path) -> None:
    cells = labelled_set("pbc_val", data)
    given = predict_without_prior(load_classifier("cnn")[0], cells.crops, cells.whites)
    bands = band_score(given, CLASSIFIED, cells.labels)
    assert bands is not None
    assert bands.pooled.value >= 0.975
