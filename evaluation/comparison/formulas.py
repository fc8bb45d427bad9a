"""Agreement of the leukocyte formulas that the answers give with those of the truth, group by group.

The limits are those of the clearance of a digital cell morphology system by the regulator of the United
States (FDA 510(k) K200595, CellaVision DC-1: slope 0.8 to 1.2, intercept within ±0.2). The summary names no
unit of the intercept; here it is held against 0.2 times the mean share of the class, the reading that means
the same for common and rare classes.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cells.vocabulary import CellClass, clinical_order, pooled
from evaluation.comparison.bootstrap import Floats
from evaluation.comparison.regression import (
    Limits,
    Line,
    bland_altman,
    correlation,
    passing_bablok,
    ranked_alike,
)

LEAST_CELLS = 20
"""Leukocytes that a group needs for a formula."""

LEAST_GROUPS = 5
"""Groups with a formula that a regression needs."""

WANTED_GROUPS = 40
"""Fewer groups than this leave wide intervals (CLSI EP09 asks for 40 samples)."""

SLOPES = (0.8, 1.2)
"""Slopes that are accepted."""

INTERCEPT = 0.2
"""Intercept that is accepted, as a part of the mean share of the class."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassAgreement:
    """Shares of one class by truth and by answers.

    Parameters
    ----------
    label : CellClass
        The class.
    truth, found : ndarray of shape (G,), float64
        Share of the class in each group in percent, by truth and by answers.
    line : Line
        Passing–Bablok regression of ``found`` on ``truth``.
    r : float
        Pearson's correlation; NaN where the class has the same share in all groups.
    limits : Limits
        Bland–Altman limits of ``found`` less ``truth``, in percent points.
    """

    label: CellClass
    truth: Floats
    found: Floats
    line: Line
    r: float
    limits: Limits

    @property
    def mean(self) -> float:
        """Mean share of the class by truth, in percent."""
        return float(self.truth.mean())

    @property
    def accepted(self) -> bool | None:
        """Whether slope and intercept lie within the regulator's limits; None without a line.

        There is no line where truth and answers do not rank the groups alike beyond chance: through points
        without an order any slope can come out.
        """
        slope, intercept = self.line.slope.value, self.line.intercept.value
        if not math.isfinite(slope) or not ranked_alike(self.truth, self.found):
            return None
        return self._within(slope, intercept)

    @property
    def certain(self) -> bool:
        """Whether the intervals of slope and intercept lie wholly within the limits as well."""
        slope, intercept = self.line.slope, self.line.intercept
        return self._within(slope.low, intercept.low) and self._within(slope.high, intercept.high)

    def _within(self, slope: float, intercept: float) -> bool:
        return SLOPES[0] <= slope <= SLOPES[1] and abs(intercept) <= INTERCEPT * self.mean


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Formulas of one classifier over groups.

    Parameters
    ----------
    system : str
        Name of the classifier.
    groups : int
        Groups with a formula.
    left_out : int
        Groups that hold too few leukocytes by truth.
    classes : tuple of ClassAgreement
        For each class of the truth that is counted; empty where there are too few groups.
    """

    system: str
    groups: int
    left_out: int
    classes: tuple[ClassAgreement, ...]

    @property
    def reason(self) -> str:
        """Why there is no agreement to be had; empty where there is."""
        if self.classes:
            return ""
        if not self.groups and not self.left_out:
            return "the set names no smears or patients (column group)"
        return (
            f"{self.groups} groups hold at least {LEAST_CELLS} leukocytes, {LEAST_GROUPS} are needed"
            f" ({self.left_out} groups hold fewer)"
        )


def agree(
    name: str, labels: Sequence[CellClass], answers: Sequence[CellClass], groups: Sequence[str]
) -> Agreement:
    """Hold the formulas of groups by answers against those by truth.

    Parameters
    ----------
    name : str
        Name of the classifier.
    labels, answers : sequence of CellClass
        True class and answer of each cell.
    groups : sequence of str
        Smear or patient of each cell; cells without one take no part.

    Returns
    -------
    Agreement
        Percentages refer to the leukocytes of each group: by truth, and by answers; a class has 0 % where
        the answers hold no leukocyte.
    """
    counts: dict[str, tuple[Counter[CellClass], Counter[CellClass]]] = {}
    known = set(labels)
    among = clinical_order(c.parent if c.parent is not None and c.parent in known else c for c in known)
    for label, answer, group in zip(labels, answers, groups, strict=True):
        if group:
            pair = counts.setdefault(group, (Counter(), Counter()))
            for count, one in zip(pair, (label, answer), strict=True):
                count[pooled(one, among) or one] += one.in_denominator
    kept = [pair for pair in counts.values() if pair[0].total() >= LEAST_CELLS]
    if len(kept) < LEAST_GROUPS:
        return Agreement(name, len(kept), len(counts) - len(kept), ())
    classes = tuple(_class(label, kept) for label in among if label.in_denominator)
    return Agreement(name, len(kept), len(counts) - len(kept), classes)


def _class(
    label: CellClass, pairs: Sequence[tuple[Counter[CellClass], Counter[CellClass]]]
) -> ClassAgreement:
    shares = np.array([[100.0 * count[label] / max(count.total(), 1) for count in pair] for pair in pairs])
    truth, found = shares[:, 0].copy(), shares[:, 1].copy()
    return ClassAgreement(
        label,
        truth,
        found,
        passing_bablok(truth, found),
        correlation(truth, found),
        bland_altman(truth, found),
    )
