"""Two counts of one sample compared: two slides, two observers, a person and the program."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.counts import checked_counts, pooled_count
from counting.denominator import apply_smudge_policy, counts_in_denominator, denominator
from counting.intervals import clopper_pearson_percent
from counting.rules import SmudgePolicy

REPLICATES = 9999
"""Random tables behind the probability of the whole comparison."""

ALPHA = 0.05
"""Probability below which two counts are said to differ."""


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """One class in two counts.

    Parameters
    ----------
    label : CellClass
        The class; a pooled class counts its children as well.
    n_first, n_second : int
        Cells in either count.
    percent_first, percent_second : float
        Shares, in percent.
    low_first, high_first, low_second, high_second : float
        Exact 95 % intervals of the shares, in percent.
    p : float
        Two-sided probability, by Fisher's exact test, of shares as different as these by chance.
    p_adjusted : float
        The same, adjusted by Holm for the number of classes.
    """

    label: CellClass
    n_first: int
    n_second: int
    percent_first: float
    percent_second: float
    low_first: float
    high_first: float
    low_second: float
    high_second: float
    p: float
    p_adjusted: float

    @property
    def differs(self) -> bool:
        """Whether the shares differ beyond counting error, seen with the number of classes."""
        return self.p_adjusted < ALPHA


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two counts of one sample compared.

    Parameters
    ----------
    total_first, total_second : int
        Leukocytes of either count.
    classes : tuple of ClassComparison
        Classes met in either count, pooled rows as well, in clinical order.
    p : float
        Probability of tables as uneven as this one by chance, over all classes together.
    """

    total_first: int
    total_second: int
    classes: tuple[ClassComparison, ...]
    p: float

    @property
    def differs(self) -> bool:
        """Whether the two counts differ beyond counting error, taken as a whole."""
        return self.p < ALPHA


def compare_counts(
    first: Mapping[CellClass, int],
    second: Mapping[CellClass, int],
    rng: np.random.Generator,
    *,
    smudge: SmudgePolicy = SmudgePolicy.EXCLUDE,
    replicates: int = REPLICATES,
) -> Comparison:
    """Compare two counts of one sample.

    Parameters
    ----------
    first, second : mapping of CellClass to int
        Cells of each class, each under one class.
    rng : numpy.random.Generator
        Source of the random tables.
    smudge : SmudgePolicy, optional
        What becomes of smudge cells.
    replicates : int, optional
        Number of random tables.

    Returns
    -------
    Comparison
        Shares with exact intervals, Fisher's test of each class, and a test of all classes together: the
        likelihood-ratio distance of the table held against random tables with the same sums.

    Raises
    ------
    UsageError
        Where a count is impossible or holds no leukocyte.

    Notes
    -----
    A class that only one count splits (band and segmented against pooled neutrophils) is compared pooled.
    No difference found does not prove two observers equal: small counts find only large differences.

    References
    ----------
    Fisher RA. On the interpretation of χ² from contingency tables, and the calculation of P. Journal of the
    Royal Statistical Society 1922;85:87-94. doi 10.2307/2340521. Holm S. A simple sequentially rejective
    multiple test procedure. Scandinavian Journal of Statistics 1979;6:65-70.
    """
    one, other = (apply_smudge_policy(checked_counts(counts), smudge) for counts in (first, second))
    totals = denominator(one, smudge), denominator(other, smudge)
    if 0 in totals:
        name = "first" if totals[0] == 0 else "second"
        raise UsageError(f"the {name} count holds no leukocyte; give two counts with at least one each")
    labels = _labels(one, other, smudge)
    pairs = [(pooled_count(one, label), pooled_count(other, label)) for label in labels]
    chances = [fisher_exact(a, totals[0], b, totals[1]) for a, b in pairs]
    rows = zip(labels, pairs, chances, _holm(chances), strict=True)
    leaves = [
        pair
        for label, pair in zip(labels, pairs, strict=True)
        if not any(child in labels for child in label.children)
    ]
    return Comparison(
        *totals,
        tuple(_class(label, pair, totals, p, adjusted) for label, pair, p, adjusted in rows),
        _whole_table(np.array(leaves, dtype=np.int64), rng, replicates),
    )


def fisher_exact(k_first: int, n_first: int, k_second: int, n_second: int) -> float:
    """Return the two-sided probability of Fisher's exact test for two shares.

    Parameters
    ----------
    k_first, n_first : int
        Cells of the class and all cells in the first count.
    k_second, n_second : int
        The same in the second count.

    Returns
    -------
    float
        Sum of the probabilities, 0 to 1, of all tables with the same sums that are no likelier than this.
    """
    k = k_first + k_second
    possible = np.arange(max(0, k - n_second), min(k, n_first) + 1)
    logs = _log_choose(n_first, possible) + _log_choose(n_second, k - possible)
    chances = np.exp(logs - logs.max())
    here = chances[k_first - possible[0]]
    # Equal probabilities differ in their last digits.
    return min(1.0, float(chances[chances <= here * (1 + 1e-7)].sum() / chances.sum()))


def _labels(
    one: Mapping[CellClass, int], other: Mapping[CellClass, int], smudge: SmudgePolicy
) -> list[CellClass]:
    found = []
    for label in CellClass:
        inside = counts_in_denominator(label, smudge)
        if not inside or not pooled_count(one, label) + pooled_count(other, label):
            continue
        parent = label.parent
        # A child's share means nothing where some of its cells stand unsplit under the parent.
        if parent is None or not (one.get(parent) or other.get(parent)):
            found.append(label)
    return found


def _class(
    label: CellClass, pair: tuple[int, int], totals: tuple[int, int], p: float, adjusted: float
) -> ClassComparison:
    first, second = (clopper_pearson_percent(k, n) for k, n in zip(pair, totals, strict=True))
    return ClassComparison(
        label=label,
        n_first=pair[0],
        n_second=pair[1],
        percent_first=100.0 * pair[0] / totals[0],
        percent_second=100.0 * pair[1] / totals[1],
        low_first=first.low,
        high_first=first.high,
        low_second=second.low,
        high_second=second.high,
        p=p,
        p_adjusted=adjusted,
    )


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return logs


def _holm(chances: list[float]) -> list[float]:
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, index in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        highest = max(highest, min(1.0, chances[index] * (len(chances) - rank)))
        adjusted[index] = highest
    return adjusted


def _whole_table(table: NDArray[np.int64], rng: np.random.Generator, replicates: int) -> float:
    if len(table) < 2:
        return 1.0
    sums = table.sum(axis=1)
    drawn = rng.multivariate_hypergeometric(sums, int(table[:, 0].sum()), size=replicates)
    here = _unevenness(table[None, :, 0], sums)[0]
    # Equal tables differ in their last digits.
    return float((1 + np.sum(_unevenness(drawn, sums) >= here - 1e-9)) / (1 + replicates))


def _unevenness(first: NDArray[np.int64], sums: NDArray[np.int64]) -> NDArray[np.float64]:
    # With all sums fixed, G² is this and a constant.
    second = sums - first
    terms = [np.where(cells > 0, cells * np.log(np.maximum(cells, 1)), 0.0) for cells in (first, second)]
    unevenness: NDArray[np.float64] = 2.0 * (terms[0] + terms[1]).sum(axis=1)
    return unevenness
