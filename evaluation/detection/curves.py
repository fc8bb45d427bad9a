"""Curves over all thresholds, and intervals by bootstrap over fields.

References
----------
Bunch et al. 1978, doi 10.1117/12.955926 (free-response ROC). Everingham et al. 2010, doi
10.1007/s11263-009-0275-4 (average precision, here over all recall levels as in the challenges from 2010).
Efron 1979, doi 10.1214/aos/1176344552 (bootstrap). Clopper & Pearson 1934, doi 10.1093/biomet/26.4.404;
Garwood 1936, doi 10.1093/biomet/28.3-4.437 (exact intervals).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta as beta_distribution
from scipy.stats import chi2

from cells.errors import UsageError
from evaluation.detection.scan import Candidate

RESAMPLES = 2000
"""Number of bootstrap resamples."""

LEVELS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""False finds per field at which the recall is read off the FROC curve."""

_CHUNK = 4_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with two 95 % intervals; NaN where there is nothing to divide by.

    Parameters
    ----------
    value : float
        The figure.
    bootstrap : tuple of float
        Percentile interval of a bootstrap over fields.
    exact : tuple of float
        Exact interval, every find or cell taken as independent; NaN for figures that have none.
    """

    value: float
    bootstrap: tuple[float, float]
    exact: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The figures at every threshold, from the highest score down.

    Parameters
    ----------
    threshold : ndarray of shape (T,)
        Distinct scores, falling.
    hits, false : ndarray of shape (T,)
        Leukocytes found and false finds at that threshold.
    leukocytes, fields : int
        Number of leukocytes and of fields.
    """

    threshold: Floats
    hits: Floats
    false: Floats
    leukocytes: int
    fields: int

    @property
    def recall(self) -> Floats:
        """Share of the leukocytes found; NaN where there are none."""
        return self.hits / self.leukocytes if self.leukocytes else np.full(len(self.hits), np.nan)

    @property
    def per_field(self) -> Floats:
        """False finds per field."""
        return self.false / max(self.fields, 1)

    @property
    def false_share(self) -> Floats:
        """False finds over all finds."""
        return self.false / np.maximum(self.hits + self.false, 1)

    def at(self, threshold: float) -> tuple[float, float, float]:
        """Return recall, false share and false finds per field at a threshold.

        Parameters
        ----------
        threshold : float
            Least score of a find.

        Returns
        -------
        tuple of float
            Recall (NaN without leukocytes), false share (NaN without finds), false finds per field.
        """
        place = int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1
        if place < 0:
            return (0.0 if self.leukocytes else math.nan), math.nan, 0.0
        return float(self.recall[place]), float(self.false_share[place]), float(self.per_field[place])


def curve_of(candidates: Sequence[Candidate], *, leukocytes: int, fields: int) -> Curve:
    """Count hits and false finds at every threshold.

    Parameters
    ----------
    candidates : sequence of Candidate
        Finds of the low scan.
    leukocytes, fields : int
        Number of leukocytes and of fields.

    Returns
    -------
    Curve
        The counts. Finds that are neither hit nor error are left out.
    """
    ranked = _Ranked(candidates)
    hits, false = np.cumsum(ranked.hit), np.cumsum(~ranked.hit)
    return Curve(
        ranked.score[ranked.ends],
        hits[ranked.ends].astype(np.float64),
        false[ranked.ends].astype(np.float64),
        leukocytes,
        fields,
    )


class _Ranked:
    def __init__(self, candidates: Sequence[Candidate]) -> None:
        kept = [one for one in candidates if one.hit or not one.ignored]
        score = np.array([one.score for one in kept], np.float64)
        order = np.argsort(-score, kind="stable")
        self.score = score[order]
        self.hit = np.array([one.hit for one in kept], np.bool_)[order]
        self.field = np.array([one.field for one in kept], np.intp)[order]
        later = np.append(self.score[1:], -np.inf)
        self.ends = np.flatnonzero(self.score > later)


def average_precision(hits: Floats, false: Floats, leukocytes: Floats) -> Floats:
    """Return the area under the precision envelope over recall.

    Parameters
    ----------
    hits, false : ndarray of shape (..., T)
        Hits and false finds at falling thresholds.
    leukocytes : ndarray of shape (...,)
        Number of leukocytes.

    Returns
    -------
    ndarray of shape (...,)
        ``AP = Σ (r_i − r_{i−1}) max_{j ≥ i} p_j`` with recall r and precision p; recall that no threshold
        reaches adds nothing. NaN without leukocytes.
    """
    total = hits + false
    precision = np.divide(hits, total, out=np.zeros_like(total), where=total > 0)
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    steps = np.diff(hits, axis=-1, prepend=0.0)
    area = (steps * envelope).sum(axis=-1)
    return _divided(area, leukocytes)


def recall_at(curve_false: Floats, hits: Floats, leukocytes: Floats, fields: float, level: float) -> Floats:
    """Return the greatest recall with at most ``level`` false finds per field.

    Parameters
    ----------
    curve_false, hits : ndarray of shape (..., T)
        False finds and hits at falling thresholds.
    leukocytes : ndarray of shape (...,)
        Number of leukocytes.
    fields : float
        Number of fields.
    level : float
        False finds per field.

    Returns
    -------
    ndarray of shape (...,)
        Recall; 0 where no threshold is strict enough, NaN without leukocytes.
    """
    allowed = curve_false <= level * fields + 1e-9
    best = np.where(allowed, hits, 0.0).max(axis=-1, initial=0.0)
    return _divided(best, leukocytes)


def _divided(above: Floats, below: Floats) -> Floats:
    whole = np.asarray(below, np.float64)
    shares: Floats = np.divide(above, whole, out=np.full(np.shape(above), np.nan), where=whole > 0)
    return shares


def resampled(fields: int, *, seed: int, width: int = 1, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """Yield bootstrap resamples of fields, in chunks that keep memory small.

    Parameters
    ----------
    fields : int
        Number of fields, at least 1.
    seed : int
        Seed; the same seed gives the same resamples whatever the chunks.
    width : int, optional
        Numbers held for each field or find of a resample, for the size of the chunks.
    resamples : int, optional
        Number of resamples.

    Yields
    ------
    ndarray of shape (B, fields)
        How often each field is drawn; each row sums to ``fields``.
    """
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(fields, width))
    even = np.full(fields, 1.0 / fields)
    for start in range(0, resamples, step):
        yield rng.multinomial(fields, even, size=min(step, resamples - start)).astype(np.float64)


def ratio_estimate(
    part: Sequence[float], whole: Sequence[float], *, seed: int, exact: str, resamples: int = RESAMPLES
) -> Estimate:
    """Return the ratio of two sums over fields with its intervals.

    Parameters
    ----------
    part, whole : sequence of float
        Numerator and denominator by field.
    seed : int
        Seed of the bootstrap.
    exact : {"binomial", "poisson"}
        Exact interval: of a share (Clopper & Pearson), or of a rate, the numerators being counts and the
        sum of the denominators known (Garwood).
    resamples : int, optional
        Number of resamples.

    Returns
    -------
    Estimate
        NaN without denominators; resamples without denominators are left out.

    Raises
    ------
    UsageError
        Where the exact interval is of another kind.
    """
    above, below = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    if not below.sum() > 0:
        return Estimate(math.nan, (math.nan, math.nan))
    drawn: list[Floats] = []
    for weights in resampled(len(above), seed=seed, resamples=resamples):
        total = weights @ below
        drawn.append((weights @ above)[total > 0] / total[total > 0])
    if exact not in {"binomial", "poisson"}:
        raise UsageError(f"no exact interval of kind {exact!r}")
    interval = clopper_pearson if exact == "binomial" else garwood
    return Estimate(
        float(above.sum() / below.sum()),
        percentiles(np.concatenate(drawn)),
        interval(int(above.sum()), int(below.sum())),
    )


def curve_estimates(
    candidates: Sequence[Candidate], leukocytes: Sequence[int], *, seed: int, resamples: int = RESAMPLES
) -> tuple[Estimate, tuple[Estimate, ...]]:
    """Return the average precision, and the recall at each of `LEVELS`, with bootstrap intervals.

    Parameters
    ----------
    candidates : sequence of Candidate
        Finds of the low scan.
    leukocytes : sequence of int
        Number of leukocytes in each field.
    seed : int
        Seed of the bootstrap.
    resamples : int, optional
        Number of resamples.

    Returns
    -------
    average_precision : Estimate
        Area under the precision envelope.
    recalls : tuple of Estimate
        Recall at each level of false finds per field.
    """
    counts = np.asarray(leukocytes, np.float64)
    ranked = _Ranked(candidates)
    rows: list[Floats] = []
    ones = np.ones((1, len(counts)))
    chunks = resampled(len(counts), seed=seed, width=3 * max(len(ranked.score), 1), resamples=resamples)
    for weights in (ones, *chunks):
        rows.append(_figures(ranked, weights, counts))
    value, drawn = rows[0][0], np.concatenate(rows[1:])
    made = [Estimate(float(value[k]), percentiles(drawn[:, k])) for k in range(len(value))]
    return made[0], tuple(made[1:])


def _figures(ranked: _Ranked, weights: Floats, counts: Floats) -> Floats:
    drawn = weights[:, ranked.field]
    hits = np.cumsum(drawn * ranked.hit, axis=1)[:, ranked.ends]
    false = np.cumsum(drawn * ~ranked.hit, axis=1)[:, ranked.ends]
    total = weights @ counts
    fields = float(len(counts))
    columns = [average_precision(hits, false, total)]
    columns += [recall_at(false, hits, total, fields, level) for level in LEVELS]
    return np.stack(columns, axis=1)


def percentiles(values: Floats) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the finite values; NaN without any."""
    known = values[np.isfinite(values)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def clopper_pearson(part: int, whole: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share.

    Parameters
    ----------
    part, whole : int
        Counts.

    Returns
    -------
    tuple of float
        Its ends; NaN where ``whole`` is 0.
    """
    if whole <= 0:
        return math.nan, math.nan
    low = 0.0 if part == 0 else float(beta_distribution.ppf(0.025, part, whole - part + 1))
    high = 1.0 if part == whole else float(beta_distribution.ppf(0.975, part + 1, whole - part))
    return low, high


def garwood(count: int, exposure: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson rate.

    Parameters
    ----------
    count : int
        Events.
    exposure : int
        What they are divided by.

    Returns
    -------
    tuple of float
        Its ends; NaN where ``exposure`` is 0.
    """
    if exposure <= 0:
        return math.nan, math.nan
    low = 0.0 if count == 0 else float(chi2.ppf(0.025, 2 * count)) / 2
    return low / exposure, float(chi2.ppf(0.975, 2 * (count + 1))) / 2 / exposure
