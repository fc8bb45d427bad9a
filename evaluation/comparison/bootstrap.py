"""Intervals by drawing groups of cells anew, so that cells of one patient or smear stay together.

References
----------
Efron 1979, doi 10.1214/aos/1176344552. Drawing whole groups: Field & Welsh 2007, doi
10.1111/j.1467-9868.2007.00593.x. Percentile intervals.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
"""Number of drawings."""

_CHUNK = 4_000_000
_ENDS = (2.5, 97.5)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    Parameters
    ----------
    value : float
        The figure; NaN where it is not defined.
    low, high : float
        Ends of the interval; NaN where there is none.
    """

    value: float
    low: float = math.nan
    high: float = math.nan


def group_numbers(groups: Sequence[str]) -> NDArray[np.int64]:
    """Number the groups of cells; a cell without a group is one by itself.

    Parameters
    ----------
    groups : sequence of str
        Group of each of N cells, empty where unknown.

    Returns
    -------
    ndarray of shape (N,), int64
        0 to the number of groups less 1, by first appearance.
    """
    known: dict[object, int] = {}
    numbers = [
        known.setdefault(group if group else (place,), len(known)) for place, group in enumerate(groups)
    ]
    return np.array(numbers, np.int64)


def by_group(values: Floats, numbers: NDArray[np.int64]) -> Floats:
    """Add up values of cells over their groups.

    Parameters
    ----------
    values : ndarray of shape (N, ...), float64
        A row for each cell.
    numbers : ndarray of shape (N,), int64
        What ``group_numbers`` returned.

    Returns
    -------
    ndarray of shape (G, ...), float64
        A row for each group.
    """
    sums = np.zeros((int(numbers.max()) + 1, *values.shape[1:]))
    np.add.at(sums, numbers, values)
    return sums


def resampled(sums: Floats, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Draw groups with replacement and add up their values.

    Parameters
    ----------
    sums : ndarray of shape (G, K), float64
        Values of each group.
    seed : int
        Seed; the same one draws the same groups, whatever is added up.
    resamples : int, optional
        Number of drawings.

    Returns
    -------
    ndarray of shape (resamples, K), float64
        Sums over the groups of each drawing.
    """
    return np.concatenate([weights @ sums for weights in _weights(len(sums), seed, resamples)])


def interval(draws: Floats) -> tuple[float, float]:
    """Return the percentile interval of drawn figures; NaN where fewer than half of them are defined."""
    known = draws[np.isfinite(draws)]
    if 2 * len(known) < len(draws):
        return math.nan, math.nan
    low, high = np.percentile(known, _ENDS)
    return float(low), float(high)


def _weights(groups: int, seed: int, resamples: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // groups)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = rng.integers(0, groups, (count, groups)) + groups * np.arange(count)[:, None]
        flat = np.bincount(drawn.ravel(), minlength=count * groups)
        yield flat.reshape(count, groups).astype(np.float64)
