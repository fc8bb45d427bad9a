"""A classifier's answers for many crops."""

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from classifiers.base import Classifier
from classifiers.cnn import CnnClassifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.mlp import MlpClassifier
from classifiers.smear_border import border_shift, move_border

_BATCH = 256


def predict_set(
    classifier: Classifier, crops: NDArray[np.uint8], whites: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return a classifier's probabilities for many crops, in batches.

    Parameters
    ----------
    classifier : Classifier
        Any classifier.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops, N at least 1.
    whites : ndarray of shape (N, 3), float64
        Their white points.

    Returns
    -------
    ndarray of shape (N, K), float32
    """
    starts = range(0, len(crops), _BATCH)
    return np.concatenate([classifier.predict(crops[s : s + _BATCH], whites[s : s + _BATCH]) for s in starts])


def predict_without_prior(
    classifier: Classifier, crops: NDArray[np.uint8], whites: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the probabilities of a shipped classifier as they are where no mix of cells is expected.

    Parameters
    ----------
    classifier : Classifier
        The network, the perceptron, or an ensemble of these.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops, N at least 1.
    whites : ndarray of shape (N, 3), float64
        Their white points.

    Returns
    -------
    ndarray of shape (N, K), float32
        The probabilities of each member divided by the factors of its prior; each row sums to 1.

    Raises
    ------
    UsageError
        Where the classifier has no prior to take out.
    """
    if isinstance(classifier, EnsembleClassifier):
        return classifier.combined([predict_without_prior(m, crops, whites) for m in classifier.members])
    if not isinstance(classifier, CnnClassifier | MlpClassifier):
        raise UsageError(f"{classifier.name} has no prior that could be taken out; leave --no-prior out")
    given = predict_set(classifier, crops, whites) / classifier.prior_factors
    return np.asarray(given / given.sum(axis=1, keepdims=True), np.float32)


def as_one_smear(classifier: Classifier, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return answers as an analysis has them where all cells are of one smear, which sets its own border.

    Parameters
    ----------
    classifier : Classifier
        The classifier that answered.
    probabilities : ndarray of shape (N, K), float32
        Its answers.

    Returns
    -------
    ndarray of shape (N, K), float32
        See ``classifiers.smear_border``.
    """
    return move_border(classifier, probabilities, border_shift(classifier, probabilities))
