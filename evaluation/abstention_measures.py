"""Cells with the answers of a classifier and its rule of abstention, and what is measured on them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass, pooled
from classifiers.abstention import nearest_kinds
from evaluation.class_scores import pool_columns
from leukoformula.alerts import LEAST_CELLS, too_many

_BINS = 15
_DRAWS = 400
_SMEAR = 100


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Cells of one set with the answers of one classifier and the p-values of its rule.

    Parameters
    ----------
    name : str
        Name of the set.
    labels : tuple of CellClass
        True class of each cell.
    groups : tuple of str
        Patient of each, or empty.
    probabilities : ndarray of shape (N, K), float32
        Answers.
    scores, p_values : ndarray of shape (N,), float64
        Of the rule.
    """

    name: str
    labels: tuple[CellClass, ...]
    groups: tuple[str, ...]
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]

    @property
    def kinds(self) -> NDArray[np.intp]:
        """Number of the true kind of each cell in ``NORMAL_FIVE``; -1 where it is none of them."""
        found = [pooled(label, NORMAL_FIVE) for label in self.labels]
        return np.array([-1 if kind is None else NORMAL_FIVE.index(kind) for kind in found], np.intp)

    @property
    def called(self) -> NDArray[np.intp]:
        """Number of the normal kind that each cell is called; -1 where it is called none of them."""
        kinds = [pooled(c, NORMAL_FIVE) for c in CLASSIFIED]
        together = np.zeros((len(self.labels), len(NORMAL_FIVE)))
        for column, kind in enumerate(kinds):
            if kind is not None:
                together[:, NORMAL_FIVE.index(kind)] += self.probabilities[:, column]
        others = self.probabilities[:, [kind is None for kind in kinds]].max(axis=1)
        return np.where(together.max(axis=1) >= others, nearest_kinds(self.probabilities), -1)

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which cells are called a leukocyte, normal or immature, and so count for the alert."""
        immature = CLASSIFIED.index(CellClass.IMMATURE_GRANULOCYTE)
        return np.asarray((self.called >= 0) | (self.probabilities.argmax(axis=1) == immature))

    def flagged(self, level: float) -> NDArray[np.bool_]:
        """Return which cells are called a normal kind and are unlike it at a level, shape (N,)."""
        return np.asarray((self.called >= 0) & (self.p_values <= level))

    def part(self, chosen: NDArray[np.bool_], name: str) -> "Judged":
        """Return some of the cells as a set of another name."""
        return Judged(
            name,
            tuple(label for label, take in zip(self.labels, chosen, strict=True) if take),
            tuple(group for group, take in zip(self.groups, chosen, strict=True) if take),
            self.probabilities[chosen],
            self.scores[chosen],
            self.p_values[chosen],
        )


def in_development(patient: str) -> bool:
    """Return whether a patient of ``apl_aml_jhu`` was in view while the rule was developed."""
    return zlib.crc32(patient.partition(":")[0].encode()) % 2 == 0


def area_under_curve(scores: NDArray[np.float64], abnormal: NDArray[np.bool_]) -> float:
    """Return the probability that an abnormal cell has the higher score; ties count half.

    Parameters
    ----------
    scores : ndarray of shape (N,), float64
        Larger is more abnormal.
    abnormal : ndarray of shape (N,), bool
        The truth.

    Returns
    -------
    float
        0 to 1; NaN where one of the two kinds is missing.
    """
    count, others = int(abnormal.sum()), int((~abnormal).sum())
    if not count or not others:
        return float("nan")
    return float((rankdata(scores)[abnormal].sum() - count * (count + 1) / 2) / (count * others))


def calibration_error(probabilities: NDArray[np.float32], labels: Sequence[CellClass]) -> float:
    """Return the expected calibration error of the most probable class over 15 equal bins.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        Answers of a classifier with the classes ``CLASSIFIED``.
    labels : sequence of CellClass
        True classes; children that the truth does not tell apart are pooled.

    Returns
    -------
    float
        0 to 1; NaN without cells.

    References
    ----------
    Guo et al. 2017, arXiv 1706.04599.
    """
    if not labels:
        return float("nan")
    together, classes = pool_columns(probabilities, CLASSIFIED, labels)
    sure = together.max(axis=1)
    answers = together.argmax(axis=1)
    right = np.array([pooled(label, classes) is classes[k] for label, k in zip(labels, answers, strict=True)])
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    return float(sum(gaps))


def patients_alerted(cells: Judged, level: float) -> tuple[int, int]:
    """Count the patients whose cells raise the alert of a smear.

    Parameters
    ----------
    cells : Judged
        Cells with their patients as groups.
    level : float
        Level of the flags.

    Returns
    -------
    alerted, patients : int
        Of the patients with at least ``LEAST_CELLS`` cells.
    """
    tested, groups = cells.tested, np.array(cells.groups)
    unlike = tested & (cells.p_values <= level)
    alerted = patients = 0
    for patient in sorted(set(cells.groups)):
        own = groups == patient
        if own.sum() >= LEAST_CELLS:
            patients += 1
            alerted += too_many(int(unlike[own].sum()), int(tested[own].sum()), level=level)
    return alerted, patients


def draws_alerted(cells: Judged, level: float) -> float:
    """Return the share of drawn smears of 100 normal leukocytes of a set that raise the alert.

    Parameters
    ----------
    cells : Judged
        A set with normal leukocytes.
    level : float
        Level of the flags.

    Returns
    -------
    float
        0 to 1, over 400 draws with replacement.
    """
    normal = np.flatnonzero(cells.kinds >= 0)
    tested = cells.tested
    unlike = tested & (cells.p_values <= level)
    rng = np.random.default_rng(1)
    drawn = [rng.choice(normal, _SMEAR) for _ in range(_DRAWS)]
    return float(np.mean([too_many(int(unlike[d].sum()), int(tested[d].sum()), level=level) for d in drawn]))
