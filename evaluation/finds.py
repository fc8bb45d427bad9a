"""Finds of the detector held against truth: which belong to a leukocyte, and the figures over fields."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from cells.records import Detection
from detector.frame import RIM, depths_in_light
from detector.samples import TrainingField
from detector.truth import Box

GATE = 0.5
"""A find belongs to a box only if it lies within this share of the box's mean side of its centre."""

_IGNORE = 0.6
_FORBIDDEN = 1e6


def match_finds(
    points: NDArray[np.float64], boxes: Sequence[Box], *, gate: float = GATE
) -> list[tuple[int, int]]:
    """Match finds with boxes one to one: as many pairs as can be, then the least distance.

    Parameters
    ----------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in pixels.
    boxes : sequence of Box
        Truth.
    gate : float, optional
        Greatest distance of a pair in mean box sides.

    Returns
    -------
    list of (int, int)
        Index of the find and of the box, in the order of the finds. Pairs beyond the gate are excluded
        before matching, so that none of them can displace a true pair.
    """
    if not len(points) or not boxes:
        return []
    centres = np.array([box.centre for box in boxes])
    reach = gate * np.array([box.size for box in boxes])
    away = np.sqrt(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)) / reach
    cost = np.where(away <= 1.0, away, _FORBIDDEN)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(find), int(box)) for find, box in pairs if cost[find, box] <= 1.0]


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """What the detector did on one field.

    Parameters
    ----------
    name : str
        Name of the field.
    pairs : tuple of (Detection, Box)
        Finds with the leukocyte they belong to.
    false : tuple of Detection
        Finds that belong to none.
    missed : tuple of Box
        Leukocytes without a find.
    ignored : int
        Finds that are neither: on a smudge or sliver, or less than half in the field.
    erythrocyte_px : float
        Erythrocyte diameter in pixels.
    """

    name: str
    pairs: tuple[tuple[Detection, Box], ...]
    false: tuple[Detection, ...]
    missed: tuple[Box, ...]
    ignored: int
    erythrocyte_px: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The detector's figures over a set of fields.

    Parameters
    ----------
    fields, leukocytes, found, finds, false, ignored : int
        Counts; ``finds`` leaves out the ignored ones.
    recall, false_share : float
        ``found / leukocytes`` and ``false / finds``; NaN where the denominator is 0.
    recall_interval, false_interval : (float, float)
        Exact 95 % intervals (Clopper & Pearson).
    centre_error : float
        Median distance of find and box centre, in erythrocyte diameters.
    diameter_ratio, diameter_spread : float
        Median of estimated diameter / mean box side for whole cells, and the 90th percentile of its
        distance from 1.
    """

    fields: int
    leukocytes: int
    found: int
    finds: int
    false: int
    ignored: int
    recall: float
    false_share: float
    recall_interval: tuple[float, float]
    false_interval: tuple[float, float]
    centre_error: float
    diameter_ratio: float
    diameter_spread: float


def truth_in_light(field: TrainingField) -> TrainingField:
    """Return a field whose leukocytes outside the counting frame of its lit part are left open.

    Parameters
    ----------
    field : TrainingField
        A field.

    Returns
    -------
    TrainingField
        Boxes whose centres lie in the dark or less than `RIM` erythrocyte diameters from it are among
        ``ignored``; the field itself where it is lit all over.
    """
    if field.lit is None:
        return field
    centres = np.array([box.centre for box in field.leukocytes], np.float64).reshape(-1, 2)
    depths = depths_in_light(centres, field.lit, shape=field.image.shape)
    inner = (depths >= RIM * field.erythrocyte_px).tolist()
    boxes = list(zip(field.leukocytes, inner, strict=True))
    return replace(
        field,
        leukocytes=tuple(box for box, counts in boxes if counts),
        ignored=(*field.ignored, *(box for box, counts in boxes if not counts)),
    )


def judge_field(field: TrainingField, finds: Sequence[Detection]) -> FieldOutcome:
    """Hold the finds of one field against its truth.

    Parameters
    ----------
    field : TrainingField
        Field with audited boxes.
    finds : sequence of Detection
        Finds of the detector.

    Returns
    -------
    FieldOutcome
        An unmatched find is ignored where it lies on an ignored box or where the counting frame leaves the
        cell out, as slivers among the boxes are ignored.
    """
    points = np.array([(find.row, find.col) for find in finds]).reshape(-1, 2)
    pairs = match_finds(points, field.leukocytes)
    matched, hit = {find for find, _ in pairs}, {box for _, box in pairs}
    false: list[Detection] = []
    ignored = 0
    for number, find in enumerate(finds):
        if number in matched:
            continue
        if not find.counted or any(_lies_on(find, box) for box in field.ignored):
            ignored += 1
        else:
            false.append(find)
    missed = tuple(box for number, box in enumerate(field.leukocytes) if number not in hit)
    together = tuple((finds[find], field.leukocytes[box]) for find, box in pairs)
    return FieldOutcome(field.name, together, tuple(false), missed, ignored, field.erythrocyte_px)


def summarise(outcomes: Iterable[FieldOutcome]) -> Figures:
    """Sum the outcomes of fields up to figures.

    Parameters
    ----------
    outcomes : iterable of FieldOutcome
        Outcomes of fields; empty fields and empty truths are normal.

    Returns
    -------
    Figures
        The figures.
    """
    known = list(outcomes)
    pairs = [(find, box, outcome.erythrocyte_px) for outcome in known for find, box in outcome.pairs]
    false, missed = sum(len(o.false) for o in known), sum(len(o.missed) for o in known)
    errors = [np.hypot(f.row - b.centre[0], f.col - b.centre[1]) / px for f, b, px in pairs]
    ratios = np.array([f.diameter_px / b.size for f, b, _ in pairs if not f.at_border])
    return Figures(
        fields=len(known),
        leukocytes=len(pairs) + missed,
        found=len(pairs),
        finds=len(pairs) + false,
        false=false,
        ignored=sum(o.ignored for o in known),
        recall=share_of(len(pairs), len(pairs) + missed),
        false_share=share_of(false, len(pairs) + false),
        recall_interval=_interval(len(pairs), len(pairs) + missed),
        false_interval=_interval(false, len(pairs) + false),
        centre_error=float(np.median(errors)) if errors else float("nan"),
        diameter_ratio=float(np.median(ratios)) if len(ratios) else float("nan"),
        diameter_spread=float(np.quantile(np.abs(ratios - 1), 0.9)) if len(ratios) else float("nan"),
    )


def _lies_on(find: Detection, box: Box) -> bool:
    away = float(np.hypot(find.row - box.centre[0], find.col - box.centre[1]))
    return away <= _IGNORE * max(box.width, box.height)


def share_of(part: int, whole: int) -> float:
    """Return ``part / whole``; NaN where the whole is 0."""
    return part / whole if whole else float("nan")


def _interval(part: int, whole: int) -> tuple[float, float]:
    if not whole:
        return float("nan"), float("nan")
    exact = binomtest(part, whole).proportion_ci(confidence_level=0.95, method="exact")
    return float(exact.low), float(exact.high)
