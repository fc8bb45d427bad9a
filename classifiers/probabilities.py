"""Logits, temperature and probabilities."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CLASSIFIED, CellClass, pooled

BAND_AND_SEGMENTED = [CLASSIFIED.index(label) for label in CellClass.NEUTROPHIL.children]
"""Columns of the band and the segmented neutrophils, which together are the neutrophils."""


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Return probabilities of logits of shape (N, K), divided by a temperature above 0."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponential = np.exp(scaled)
    return np.asarray(exponential / exponential.sum(axis=-1, keepdims=True), np.float32)


def prior_factors(mix: Mapping[CellClass, float], strength: float) -> NDArray[np.float32]:
    """Return what probabilities are multiplied by, so that they suit the mix of cells that a smear holds.

    A network trained on much the same number of each class takes rare classes for as likely as common ones.

    Parameters
    ----------
    mix : mapping of CellClass to float
        Shares of some classes among each other in the blood, above 0; they sum to 1. A pooled class stands
        for its children.
    strength : float
        0 changes nothing, 1 takes the mix at its word.

    Returns
    -------
    ndarray of shape (len(CLASSIFIED),), float32
        1 for classes that the mix does not name: the odds of an abnormal cell are never lowered against the
        mean of the normal ones.

    References
    ----------
    Saerens, Latinne & Decaestecker 2002, doi 10.1162/089976602753284446. Differs from it in taking a mix that
    is known beforehand, and in tempering it.
    """
    factors = np.ones(len(CLASSIFIED), np.float32)
    for index, label in enumerate(CLASSIFIED):
        named = pooled(label, mix)
        if named is not None:
            factors[index] = (mix[named] * len(mix)) ** strength
    return factors


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """Return the temperature that makes the probabilities of the allowed answers most likely.

    Parameters
    ----------
    logits : ndarray of shape (N, K), float32
        Answers on images that were not trained on.
    targets : ndarray of shape (N, K), float32
        1 for each answer that the label allows.

    Returns
    -------
    float
        0.05 to 20.

    References
    ----------
    Guo et al. 2017, arXiv 1706.04599. Differs from it where a label allows several answers: their
    probabilities are added.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - takes longer to load than the first answer

    def loss(log_temperature: float) -> float:
        allowed = (softmax(logits, float(np.exp(log_temperature))) * targets).sum(axis=-1)
        return float(-np.log(np.maximum(allowed, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))
