"""Thresholds that split values into two groups."""

import numpy as np
from numpy.typing import NDArray

_BINS = 128
_FLAT = 1e-4


def otsu(values: NDArray[np.float32]) -> float:
    """Return the threshold that separates the values best into two groups.

    Parameters
    ----------
    values : ndarray of any shape, float32
        Finite values; at least one.

    Returns
    -------
    float
        Upper edge of the histogram bin (128 bins from least to largest) after which the variance between
        the groups is largest; the largest value where all are alike.

    References
    ----------
    Otsu 1979, doi 10.1109/TSMC.1979.4310076.
    """
    low, high = float(values.min()), float(values.max())
    if high - low < _FLAT:
        return high
    bins = ((values.ravel() - low) * ((_BINS - 1) / (high - low))).astype(np.int64)
    counts = np.bincount(bins, minlength=_BINS).astype(np.float64)
    below = np.cumsum(counts)
    sums = np.cumsum(counts * np.arange(_BINS))
    room = below * (below[-1] - below)
    spread = np.zeros(_BINS)
    np.divide((sums[-1] * below / below[-1] - sums) ** 2, room, out=spread, where=room > 0)
    return low + (float(np.argmax(spread)) + 1.0) * (high - low) / (_BINS - 1)
