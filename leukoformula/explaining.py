"""Which decisions of a smear are explained, and by whom."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cells.records import Cell, WhitePoint
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.explanation import Explanation
from classifiers.mlp import MlpClassifier

EXPLAINED = 24
"""Cells of a smear whose decision is explained, at most: the least certain ones."""


def explain_least_certain(
    classifier: Classifier,
    cells: Sequence[Cell],
    crops: Mapping[int, NDArray[np.uint8]],
    whites: Mapping[int, WhitePoint],
) -> dict[int, object]:
    """Explain the least certain decisions of a smear.

    Parameters
    ----------
    classifier : Classifier
        The classifier that decided; only the feature classifier, alone or in an ensemble, explains.
    cells : sequence of Cell
        The cells of the smear; those that are counted come into question.
    crops : mapping of int to ndarray of shape (112, 112, 3), uint8
        Crop of each cell by ``cell_id``.
    whites : mapping of int to ndarray of shape (3,), float64
        Colour of the empty slide of each cell's field by ``cell_id``.

    Returns
    -------
    dict of int to Explanation
        At most ``EXPLAINED`` of them by ``cell_id``; empty where the feature classifier took no part.
    """
    mlp = _feature_classifier(classifier)
    if mlp is None:
        return {}
    counted = sorted((c for c in cells if c.counted and c.cell_id in crops), key=_certainty)
    found: dict[int, object] = {}
    for cell in counted[:EXPLAINED]:
        label, against = _two_likeliest(cell)
        explanation: Explanation | None = mlp.explain(
            crops[cell.cell_id], whites[cell.cell_id], label=label, against=against
        )
        if explanation is not None:
            found[cell.cell_id] = explanation
    return found


def _certainty(cell: Cell) -> tuple[float, int]:
    return cell.probability, cell.cell_id


def _two_likeliest(cell: Cell) -> tuple[CellClass, CellClass]:
    ranked = sorted(cell.probabilities, key=lambda label: -cell.probabilities[label])
    label = cell.label if cell.label in CLASSIFIED else ranked[0]
    return label, next(other for other in ranked if other is not label)


def _feature_classifier(classifier: Classifier) -> MlpClassifier | None:
    members = classifier.members if isinstance(classifier, EnsembleClassifier) else (classifier,)
    return next((member for member in members if isinstance(member, MlpClassifier)), None)
