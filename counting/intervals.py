"""Exact intervals for a share and for a ratio per 100 leukocytes; what an unseen class may still be."""

import math
from dataclasses import dataclass

from scipy.special import betaincinv

from cells.errors import UsageError

CONFIDENCE = 0.95
"""Nominal confidence of every interval in a report."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval.

    Parameters
    ----------
    low, high : float
        Ends of the interval, ``low <= high``; ``high`` may be infinite.
    """

    low: float
    high: float

    def scaled(self, factor: float) -> "Interval":
        """Return the interval with both ends multiplied by a non-negative factor.

        Parameters
        ----------
        factor : float
            Multiplier, at least 0.

        Returns
        -------
        Interval
            The scaled interval.
        """
        return Interval(self.low * factor, self.high * factor)


def clopper_pearson(k: float, n: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact binomial interval of a share from k finds among n cells.

    Parameters
    ----------
    k : float
        Cells of the class, 0 to n. Whole in a count; the formula also holds for a real number, which
        ``counting.cells_needed`` uses.
    n : float
        Cells counted; with 0 nothing is known and the interval is 0 to 1.
    confidence : float, optional
        Nominal confidence, above 0 and below 1.

    Returns
    -------
    Interval
        Ends as fractions, 0 to 1.

    Raises
    ------
    UsageError
        Where k or n is negative or not finite, k is above n, or the confidence is not inside 0 to 1.

    References
    ----------
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika 1934;26:404-413. doi 10.1093/biomet/26.4.404

    Examples
    --------
    >>> interval = clopper_pearson(9, 100)
    >>> round(100 * interval.low, 2), round(100 * interval.high, 2)
    (4.2, 16.4)
    """
    if not (math.isfinite(k) and math.isfinite(n) and 0 <= k <= n):
        raise UsageError(f"cannot count {k:g} of {n:g} cells; give numbers with 0 <= k <= n")
    tail = _tail(confidence)
    if n == 0:
        return Interval(0.0, 1.0)
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return Interval(low, high)


def clopper_pearson_percent(k: float, n: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact binomial interval in percent; see :func:`clopper_pearson`.

    Parameters
    ----------
    k, n : float
        Cells of the class, and cells counted.
    confidence : float, optional
        Nominal confidence, above 0 and below 1.

    Returns
    -------
    Interval
        Ends in percent, 0 to 100.
    """
    return clopper_pearson(k, n, confidence=confidence).scaled(100.0)


def rumke(k: int, n: int) -> tuple[int, int]:
    """Return the interval as Rümke's table prints it: exact, rounded outward to whole percent.

    Parameters
    ----------
    k, n : int
        Cells of the class, and cells counted.

    Returns
    -------
    tuple of int
        Lower and upper end in whole percent.

    References
    ----------
    Rümke CL. The statistically expected variability in differential leukocyte counting. In: Koepke JA
    (ed.), Differential leukocyte counting. College of American Pathologists, 1979:39-45. Rounding outward
    reproduces the published points for 100 cells: 5 % 1-12, 9 % 4-17, 10 % 4-18, 15 % 8-24.

    Examples
    --------
    >>> rumke(5, 100)
    (1, 12)
    """
    interval = clopper_pearson_percent(k, n)
    return math.floor(interval.low), math.ceil(interval.high)


def per_100(k: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval of finds outside the denominator per 100 leukocytes.

    Both numbers vary: the finds and the leukocytes met on the same fields are two Poisson counts, and given
    their sum the finds are binomial. The interval of that share p becomes one of the ratio p / (1 - p).

    Parameters
    ----------
    k : int
        Finds outside the denominator, such as erythroblasts.
    n : int
        Leukocytes in the denominator.
    confidence : float, optional
        Nominal confidence, above 0 and below 1.

    Returns
    -------
    Interval
        Ends per 100 leukocytes; the upper one is infinite where n is 0.

    References
    ----------
    Przyborowski J, Wilenski H. Homogeneity of results in testing samples from Poisson series. Biometrika
    1940;31:313-323. doi 10.1093/biomet/31.3-4.313
    """
    share = clopper_pearson(k, k + n, confidence=confidence)
    return Interval(_odds(share.low) * 100.0, _odds(share.high) * 100.0)


def zero_seen_upper(n: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the largest share, in percent, that leaves a class unseen among n cells with the odds of 5 %.

    Parameters
    ----------
    n : int
        Cells counted, none of them of the class; at least 1.
    confidence : float, optional
        Nominal one-sided confidence.

    Returns
    -------
    float
        One-sided upper limit in percent: 2.95 for 100 cells.

    Raises
    ------
    UsageError
        Where no cell was counted or the confidence is not inside 0 to 1.
    """
    if n < 1:
        raise UsageError("an upper limit for an unseen class needs at least one counted cell")
    _tail(confidence)
    return 100.0 * -math.expm1(math.log1p(-confidence) / n)


def cells_to_see(percent: float, *, confidence: float = CONFIDENCE) -> int:
    """Return how many cells must be counted to meet a rare class at least once.

    Parameters
    ----------
    percent : float
        True share of the class in percent, above 0 and at most 100.
    confidence : float, optional
        Wanted probability of meeting it.

    Returns
    -------
    int
        Smallest such number of cells: 299 for a class of 1 %.

    Raises
    ------
    UsageError
        Where the share is not above 0 and at most 100.
    """
    if not 0 < percent <= 100:
        raise UsageError(f"a share of {percent:g} % cannot be met; give one above 0 and at most 100")
    _tail(confidence)
    if percent == 100:
        return 1
    return math.ceil(math.log1p(-confidence) / math.log1p(-percent / 100.0))


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UsageError(f"confidence {confidence:g} is not possible; give a number between 0 and 1")
    return (1 - confidence) / 2


def _odds(share: float) -> float:
    return math.inf if share >= 1 else share / (1 - share)
