"""Whether probabilities can be taken at their word: calibration curve and expected calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counting.intervals import clopper_pearson
from evaluation.class_scores import Share

BINS = 15
"""Number of bins of equal width."""

SIMULATIONS = 1000
"""Number of drawings from a perfectly calibrated classifier."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Cells whose answer was given with much the same probability.

    Parameters
    ----------
    low, high : float
        Ends of the bin: above ``low``, up to ``high``.
    confidence : float
        Mean probability of their answers.
    right : Share
        Share of right answers.
    """

    low: float
    high: float
    confidence: float
    right: Share


@dataclass(frozen=True, slots=True)
class Reliability:
    """Calibration of a classifier.

    Parameters
    ----------
    bins : tuple of Bin
        Those that hold a cell, rising.
    error : float
        Expected calibration error.
    by_chance : float
        95th percentile of the error that a perfectly calibrated classifier with the same probabilities would
        show on as many cells.
    confidence : float
        Mean probability of all answers; above the accuracy the classifier is too sure of itself.
    """

    bins: tuple[Bin, ...]
    error: float
    by_chance: float
    confidence: float


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], *, seed: int, bins: int = BINS
) -> Reliability:
    """Hold the probabilities of the answers against how often they are right.

    Parameters
    ----------
    confidence : ndarray of shape (N,), float64
        Probability of each answer, 0 to 1; N at least 1.
    right : ndarray of shape (N,), bool
        Whether it is right.
    seed : int
        Seed of the drawings behind ``by_chance``.
    bins : int, optional
        Number of bins of equal width.

    Returns
    -------
    Reliability

    References
    ----------
    Guo et al. 2017, arXiv 1706.04599 (expected calibration error). Bröcker & Smith 2007, doi
    10.1175/WAF993.1 (drawing the outcomes from the probabilities, to see what chance alone does).
    """
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    sizes = np.bincount(place, minlength=bins)
    sums = np.bincount(place, weights=confidence, minlength=bins)
    hits = np.bincount(place, weights=right.astype(np.float64), minlength=bins)
    rng = np.random.default_rng(seed)
    chance = []
    for _ in range(SIMULATIONS):
        drawn = rng.random(len(confidence)) < confidence
        drawn_hits = np.bincount(place, weights=drawn.astype(np.float64), minlength=bins)
        chance.append(float(np.abs(drawn_hits - sums).sum()) / len(confidence))
    rows = tuple(
        Bin(k / bins, (k + 1) / bins, float(sums[k] / sizes[k]), share_of(int(hits[k]), int(sizes[k])))
        for k in np.flatnonzero(sizes).tolist()
    )
    return Reliability(
        rows,
        float(np.abs(hits - sums).sum()) / len(confidence),
        float(np.percentile(chance, 95)),
        float(confidence.mean()),
    )


def share_of(hits: int, total: int) -> Share:
    """Return a share with its exact 95 % interval; NaN, 0 and 1 where there is nothing."""
    if not total:
        return Share(0, 0, float("nan"), 0.0, 1.0)
    found = clopper_pearson(hits, total)
    return Share(hits, total, hits / total, found.low, found.high)
