"""The figures that the documentation gives of the shipped classifiers, measured again on real images."""

import re
from pathlib import Path

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED
from evaluation.answers import predict_set
from evaluation.class_scores import known_answers_only, score
from evaluation.classifier_sets import labelled_set
from leukoformula.store import SHIPPED, load_classifier

DOCS = Path(__file__).resolve().parents[1] / "docs"


def accuracy(classifier: str, name: str, data: Path, *, every: int = 1, known: bool = False) -> float:
    cells = labelled_set(name, data)
    loaded, _ = load_classifier(classifier)
    labels = cells.labels[::every]
    probabilities = predict_set(loaded, cells.crops[::every], cells.whites[::every])
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4)
    if known:
        probabilities = known_answers_only(probabilities, CLASSIFIED, labels)
    return score(probabilities, CLASSIFIED, labels).accuracy.value


@pytest.mark.data
def test_the_network_holds_its_figure_in_its_laboratories(data: Path) -> None:
    assert accuracy("cnn", "raabin_test_a", data) >= 0.96


@pytest.mark.data
def test_the_network_holds_its_figure_on_an_unseen_laboratory(data: Path) -> None:
    assert accuracy("cnn", "bccd", data, known=True) >= 0.75


@pytest.mark.data
def test_the_perceptron_holds_its_figures(data: Path) -> None:
    assert accuracy("mlp", "raabin_test_a", data, every=12) >= 0.92
    assert accuracy("mlp", "bccd", data, every=3) >= 0.60


def test_weights_stay_small() -> None:
    sizes = [path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()]
    assert max(sizes) < 5_000_000
    assert sum(sizes) < 20_000_000


def test_every_model_has_a_card_that_names_its_limits() -> None:
    for card in SHIPPED.glob("*/card.md"):
        assert re.search("certified medical device|person's review", card.read_text(encoding="utf-8"))
    assert {card.parent.name for card in SHIPPED.glob("*/card.md")} == {"detector", "cnn", "mlp", "segmenter"}


def test_the_page_on_classifiers_names_every_lever_that_ships() -> None:
    page = (DOCS / "classifiers.md").read_text(encoding="utf-8")
    for word in ("prior", "synthetic", "temperature", "cnn.toml", "mlp.toml"):
        assert word in page
