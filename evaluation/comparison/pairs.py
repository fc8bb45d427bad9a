"""Every pair of classifiers on the same cells: who is right where the other is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass, clinical_order
from evaluation.comparison.bootstrap import RESAMPLES, Estimate, by_group, group_numbers, interval, resampled
from evaluation.comparison.significance import ALPHA, holm, mcnemar


@dataclass(frozen=True, slots=True)
class Difference:
    """Two classifiers on the same cells.

    Parameters
    ----------
    cells : int
        Number of cells.
    only_first, only_second : int
        Cells that one of them alone answered rightly.
    p, p_adjusted : float
        Exact probability of McNemar's test, and the same after Holm's correction.
    """

    cells: int
    only_first: int
    only_second: int
    p: float
    p_adjusted: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the adjusted probability lies below 0.05."""
        return self.p_adjusted < ALPHA

    @property
    def difference(self) -> float:
        """Share of right answers of the first less that of the second."""
        return (self.only_first - self.only_second) / max(self.cells, 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two classifiers compared.

    Parameters
    ----------
    first, second : str
        Their names.
    whole : Difference
        On all cells; corrected for the number of pairs.
    gain : Estimate
        Accuracy of the first less that of the second, with an interval from drawing groups.
    classes : dict of CellClass to Difference
        On the cells of each true class; corrected for the number of pairs and classes.
    """

    first: str
    second: str
    whole: Difference
    gain: Estimate
    classes: dict[CellClass, Difference]


def compare_pairs(
    names: Sequence[str],
    right: Sequence[NDArray[np.bool_]],
    labels: Sequence[CellClass],
    groups: Sequence[str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[Pair, ...]:
    """Compare every pair of classifiers.

    Parameters
    ----------
    names : sequence of str
        Names of the classifiers.
    right : sequence of ndarray of shape (N,), bool
        For each of them, whether its answer to each cell is right.
    labels : sequence of CellClass
        True class of each cell.
    groups : sequence of str
        Smear or patient of each cell, empty where unknown.
    seed : int
        Seed of the drawings.
    resamples : int, optional
        Number of drawings.

    Returns
    -------
    tuple of Pair
        In the order of the names.
    """
    pairs = list(combinations(range(len(names)), 2))
    truths = clinical_order(labels)
    members = {t: np.array([label is t for label in labels]) for t in truths}
    numbers = group_numbers(groups)
    adjusted = holm([_test(right[a], right[b])[2] for a, b in pairs])
    by_class = holm([_test(right[a][members[t]], right[b][members[t]])[2] for a, b in pairs for t in truths])
    found = []
    for rank, (a, b) in enumerate(pairs):
        classes = {
            t: _difference(right[a][members[t]], right[b][members[t]], by_class[rank * len(truths) + k])
            for k, t in enumerate(truths)
        }
        whole = _difference(right[a], right[b], adjusted[rank])
        gain = Estimate(whole.difference, *_gain(right[a], right[b], numbers, seed, resamples))
        found.append(Pair(names[a], names[b], whole, gain, classes))
    return tuple(found)


def _test(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[int, int, float]:
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    return one, other, mcnemar(one, other)


def _difference(first: NDArray[np.bool_], second: NDArray[np.bool_], adjusted: float) -> Difference:
    return Difference(len(first), *_test(first, second), adjusted)


def _gain(
    first: NDArray[np.bool_], second: NDArray[np.bool_], numbers: NDArray[np.int64], seed: int, resamples: int
) -> tuple[float, float]:
    values = np.stack([first.astype(np.float64) - second, np.ones(len(first))], axis=1)
    draws = resampled(by_group(values, numbers), seed=seed, resamples=resamples)
    return interval(draws[:, 0] / draws[:, 1])
