"""Whether two classifiers differ beyond chance: the exact McNemar test, and Holm's correction for many."""

from collections.abc import Sequence

from scipy.stats import binom

from cells.errors import UsageError

ALPHA = 0.05
"""Probability below which a difference is said to be beyond chance."""


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided exact probability of McNemar's test.

    Parameters
    ----------
    only_first, only_second : int
        Cells that only the first, only the second classifier answered rightly.

    Returns
    -------
    float
        Probability, 0 to 1, of a split as uneven as this or more if both were right equally often; 1 where
        the classifiers are right and wrong on the same cells.

    Raises
    ------
    UsageError
        Where a number is negative.

    References
    ----------
    McNemar 1947, doi 10.1007/BF02295996. The exact binomial form, as the approximation by chi-square fails
    where few cells differ.
    """
    if min(only_first, only_second) < 0:
        raise UsageError(f"McNemar: {only_first} and {only_second} cells; give numbers of 0 or more")
    different = only_first + only_second
    if not different:
        return 1.0
    return min(1.0, 2.0 * float(binom.cdf(min(only_first, only_second), different, 0.5)))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Adjust the probabilities of many tests so that all of them together err in at most 5 of 100 cases.

    Parameters
    ----------
    probabilities : sequence of float
        Of each test, 0 to 1.

    Returns
    -------
    list of float
        Adjusted, in the same order; at least as great, at most 1.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6:65-70, https://www.jstor.org/stable/4615733.
    """
    adjusted, highest = [0.0] * len(probabilities), 0.0
    order = sorted(range(len(probabilities)), key=lambda number: probabilities[number])
    for rank, number in enumerate(order):
        highest = max(highest, min(1.0, probabilities[number] * (len(probabilities) - rank)))
        adjusted[number] = highest
    return adjusted
