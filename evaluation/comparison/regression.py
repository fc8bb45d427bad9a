"""Agreement of two methods of measurement: Passing–Bablok regression, Bland–Altman limits."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, norm, pearsonr
from scipy.stats import t as student

from cells.errors import UsageError
from evaluation.comparison.bootstrap import Estimate

_Z = float(norm.ppf(0.975))
_CHANCE = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the results of two methods.

    Parameters
    ----------
    slope, intercept : Estimate
        With 95 % intervals; NaN where the points leave them open.
    """

    slope: Estimate
    intercept: Estimate


@dataclass(frozen=True, slots=True)
class Limits:
    """Differences of two methods.

    Parameters
    ----------
    bias : Estimate
        Mean difference, second less first, with its 95 % interval.
    sd : float
        Standard deviation of the differences.
    low, high : float
        Limits of agreement: 95 % of differences lie between them where they are normally distributed.
    """

    bias: Estimate
    sd: float
    low: float
    high: float


def passing_bablok(first: Floats, second: Floats) -> Line:
    """Fit Passing and Bablok's line, which takes neither method for free of error.

    Parameters
    ----------
    first, second : ndarray of shape (N,), float64
        Results of both methods on the same N samples.

    Returns
    -------
    Line
        ``second = intercept + slope * first``. NaN where no slope can be had, as where the first method gave
        the same result on nearly all samples.

    Raises
    ------
    UsageError
        Where the results are not equally many.

    References
    ----------
    Passing & Bablok 1983, doi 10.1515/cclm.1983.21.11.709.
    """
    if first.shape != second.shape or first.ndim != 1:
        raise UsageError(
            f"{first.shape} and {second.shape} results; give one of either method for each sample"
        )
    slopes = _slopes(first, second)
    count, turned = len(slopes), int((slopes < -1).sum())
    if not count:
        return Line(Estimate(math.nan), Estimate(math.nan))
    middle = [slopes[k + turned] for k in {(count - 1) // 2, count // 2} if k + turned < count]
    slope = float(np.mean(middle)) if middle else math.nan
    n = len(first)
    reach = _Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lower = round((count - reach) / 2)
    low = _at(slopes, lower + turned - 1)
    high = _at(slopes, count - lower + turned)
    if not math.isfinite(slope):
        return Line(Estimate(math.nan), Estimate(math.nan))
    return Line(
        Estimate(slope, low, high),
        Estimate(
            _intercept(first, second, slope), _intercept(first, second, high), _intercept(first, second, low)
        ),
    )


def bland_altman(first: Floats, second: Floats) -> Limits:
    """Return mean difference and limits of agreement.

    Parameters
    ----------
    first, second : ndarray of shape (N,), float64
        Results of both methods on the same N samples, N at least 2.

    Returns
    -------
    Limits

    References
    ----------
    Bland & Altman 1986, doi 10.1016/S0140-6736(86)90837-8.
    """
    difference = second - first
    n = len(difference)
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    reach = float(student.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return Limits(Estimate(bias, bias - reach, bias + reach), sd, bias - 1.96 * sd, bias + 1.96 * sd)


def correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation; NaN where one method gave the same result on every sample."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(pearsonr(first, second).statistic)


def ranked_alike(first: Floats, second: Floats) -> bool:
    """Return whether two methods rank samples alike, beyond chance, without which a line means nothing.

    Parameters
    ----------
    first, second : ndarray of shape (N,), float64
        Results of both methods on the same N samples.

    Returns
    -------
    bool
        Whether Kendall's rank correlation is above 0 with a one-sided p below 0.05, the check that Passing
        and Bablok put before their regression.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return False
    return bool(kendalltau(first, second, alternative="greater").pvalue < _CHANCE)


def _slopes(first: Floats, second: Floats) -> Floats:
    one, other = np.triu_indices(len(first), 1)
    dx, dy = first[one] - first[other], second[one] - second[other]
    apart = (dx != 0) | (dy != 0)
    dx, dy = dx[apart], dy[apart]
    with np.errstate(divide="ignore"):
        found = np.where(dx != 0, dy / np.where(dx != 0, dx, 1.0), np.copysign(np.inf, dy))
    return np.sort(found[found != -1])


def _at(slopes: Floats, place: int) -> float:
    found = float(slopes[place]) if 0 <= place < len(slopes) else math.nan
    return found if math.isfinite(found) else math.nan


def _intercept(first: Floats, second: Floats, slope: float) -> float:
    return float(np.median(second - slope * first)) if math.isfinite(slope) else math.nan
