"""Cells on which the classifiers disagree: which they are, and how each classifier came to its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.explanation import Explanation, Reason
from classifiers.mlp import MlpClassifier
from classifiers.saliency_maps import draw_over
from evaluation.comparison.judging import Judgement
from evaluation.comparison.labelled import LabelledCells
from evaluation.comparison.networks import NetworkClassifier
from evaluation.comparison.occlusion import draw_map, grey, occlusion_map
from evaluation.comparison.saliency import MISSING, Saliency
from evaluation.comparison.systems import System
from features.segmenter import ClassicalSegmenter
from reports.explanations import feature_name

TILE = 224
"""Side of each tile of a picture, in px."""

MOST_IN_ROW = 4
"""So many tiles of a picture stand side by side at most."""

_GAP = 6
_PAPER = 255
_NUCLEUS, _CELL = (184, 67, 0), (0, 99, 156)
_REASONS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A cell on which the classifiers disagree.

    Parameters
    ----------
    cells : str
        Name of the set.
    path : str
        The image.
    truth : CellClass
        True class.
    crop : ndarray of shape (M, M, 3), uint8
        The cell.
    picture : ndarray of shape (H, W, 3), uint8
        The cell, and beside it what was drawn for each classifier that lets something be drawn; rows of
        ``tiles_in_row`` tiles of ``TILE`` px.
    tiles : tuple of str
        What each tile shows, from the left, row by row.
    answers : tuple of (str, str)
        For each classifier its name, and answer and explanation in words.
    saliency : tuple of (str, CellClass, Saliency)
        Name of the classifier, the answer that is explained and the map, for networks of the registry.
    """

    cells: str
    path: str
    truth: CellClass
    crop: NDArray[np.uint8]
    picture: NDArray[np.uint8]
    tiles: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    saliency: tuple[tuple[str, CellClass, Saliency], ...] = ()


def disagreeing(judgements: Sequence[Judgement]) -> list[int]:
    """Find the cells that classifiers answer differently, the worst first.

    Parameters
    ----------
    judgements : sequence of Judgement
        Judgements of classifiers on one set.

    Returns
    -------
    list of int
        Numbers of the cells, by the probability with which the surest wrong answer was given, falling.
    """
    answers = list(zip(*(one.answers for one in judgements), strict=True))
    different = [number for number, given in enumerate(answers) if len(set(given)) > 1]
    return sorted(different, key=lambda number: (-worst(judgements, number), number))


def worst(judgements: Sequence[Judgement], number: int) -> float:
    """Return the probability of the surest wrong answer to a cell; 0 where none is wrong."""
    return max((float(j.probability[number]) for j in judgements if not j.right[number]), default=0.0)


def explain_case(
    systems: Sequence[System], judgements: Sequence[Judgement], cells: LabelledCells, number: int
) -> Case:
    """Say how each classifier came to its answer on one cell.

    Parameters
    ----------
    systems : sequence of System
        The classifiers.
    judgements : sequence of Judgement
        Their judgements on the set, in the same order.
    cells : LabelledCells
        The set.
    number : int
        The cell.

    Returns
    -------
    Case
        Networks are explained by occlusion, those of the registry also by Grad-CAM and integrated gradients,
        the feature classifier by its features and the outlines that it measured, an ensemble by the answers
        of its members.
    """
    crop, white = cells.crops[number], cells.whites[number]
    tiles = [("the cell", _enlarged(crop))]
    words: list[tuple[str, str]] = []
    saliency: list[tuple[str, CellClass, Saliency]] = []
    for system, judgement in zip(systems, judgements, strict=True):
        label = judgement.finest[number]
        against = _other(system, judgements, number, label)
        said = (
            f"{word(judgement.answers[number])} {judgement.probability[number]:.2f}"
            f" ({'right' if judgement.right[number] else 'wrong'})"
        )
        explained, picture = _explained(system.classifier, crop, white, label, against)
        if picture is not None:
            tiles.append((system.name, picture))
        if isinstance(system.classifier, NetworkClassifier):
            maps, missing = _saliency(system.classifier, crop, label)
            explained += missing
            saliency += [(system.name, label, one) for one in maps]
            tiles += [(f"{system.name} by {one.method}", _over(crop, one)) for one in maps]
        words.append((system.name, f"{said}{explained}"))
    return Case(
        cells.name,
        cells.paths[number],
        cells.labels[number],
        crop,
        _beside([tile for _, tile in tiles]),
        tuple(name for name, _ in tiles),
        tuple(words),
        tuple(saliency),
    )


def word(label: CellClass) -> str:
    """Return the name of a class as it stands in a running text."""
    return str(label).replace("_", " ")


def tiles_in_row(count: int) -> int:
    """Return how many of so many tiles stand side by side: rows as full as each other, as few as can be."""
    rows = -(-count // MOST_IN_ROW)
    return -(-count // rows)


def _other(system: System, judgements: Sequence[Judgement], number: int, label: CellClass) -> CellClass:
    known = system.classifier.classes
    others = [one.finest[number] for one in judgements if one.finest[number] in known]
    return next((one for one in others if one is not label), next(c for c in known if c is not label))


def _explained(
    classifier: Classifier,
    crop: NDArray[np.uint8],
    white: NDArray[np.float64],
    label: CellClass,
    against: CellClass,
) -> tuple[str, NDArray[np.uint8] | None]:
    if isinstance(classifier, EnsembleClassifier):
        return _members(classifier, crop, white, label, against), None
    if isinstance(classifier, MlpClassifier):
        found = classifier.explain(crop, white, label=label, against=against)
        return _reasons(found) if found is not None else "", _outlined(classifier, crop, white)
    values = occlusion_map(classifier, crop, white, label=label, against=against)
    return "", _enlarged(draw_map(crop, values))


def _saliency(
    classifier: NetworkClassifier, crop: NDArray[np.uint8], label: CellClass
) -> tuple[tuple[Saliency, ...], str]:
    maker = classifier.saliency
    if maker is None or not maker.possible:
        return (), f"; {MISSING}"
    return maker.maps(crop, class_index=classifier.classes.index(label)), ""


def _over(crop: NDArray[np.uint8], one: Saliency) -> NDArray[np.uint8]:
    return draw_over(_enlarged(grey(crop)), one.heat)


def _members(
    ensemble: EnsembleClassifier,
    crop: NDArray[np.uint8],
    white: NDArray[np.float64],
    label: CellClass,
    against: CellClass,
) -> str:
    told = []
    for member in ensemble.members:
        row = member.predict(crop[None], white[None])[0]
        one, other = (float(row[list(member.classes).index(c)]) for c in (label, against))
        told.append(f"{member.name} gave {word(label)} {one:.2f}, {word(against)} {other:.2f}")
    return f"; {'; '.join(told)}"


def _reasons(found: Explanation) -> str:
    parts = []
    for sign, name in ((1, "for it"), (-1, "against it")):
        reasons = [reason for reason in found.reasons if reason.contribution * sign > 0][:_REASONS]
        if reasons:
            parts.append(f"{name}: {', '.join(map(_reason, reasons))}")
    return f"; held against {word(found.against)}, {'; '.join(parts)}" if parts else ""


def _reason(reason: Reason) -> str:
    name = feature_name(reason.name, lang="en")
    name = name[0].lower() + name[1:]
    if reason.value is None or reason.low is None or reason.high is None or not reason.low <= reason.high:
        return name
    return f"{name} {reason.value:.3g} (usually {reason.low:.3g}–{reason.high:.3g})"


def _outlined(
    classifier: MlpClassifier, crop: NDArray[np.uint8], white: NDArray[np.float64]
) -> NDArray[np.uint8]:
    route = classifier.segmenter or ClassicalSegmenter()
    (masks,) = route.segment_all(crop[None], white[None])
    picture = _enlarged(crop)
    for mask, colour in ((masks.cell, _CELL), (masks.nucleus, _NUCLEUS)):
        large = cv2.resize(mask.astype(np.uint8), (TILE, TILE), interpolation=cv2.INTER_NEAREST)
        lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, colour, 1)
    return picture


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _beside(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    across = tiles_in_row(len(tiles))
    down = -(-len(tiles) // across)
    step = TILE + _GAP
    picture = np.full((down * step - _GAP, across * step - _GAP, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        row, col = (step * place for place in divmod(number, across))
        picture[row : row + TILE, col : col + TILE] = tile
    return picture
