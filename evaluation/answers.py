"""A classifier's answers for many crops."""

import numpy as np
from numpy.typing import NDArray

from classifiers.base import Classifier

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
