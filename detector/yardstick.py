"""The yardstick of stain: the optical density of a field's erythrocytes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.working_scale import Densities

TYPICAL_ERYTHROCYTE = np.array([0.05, 0.25, 0.22])
"""Optical density, in R, G, B, where a field shows too few erythrocytes to measure it."""

_LEAST_DENSITY = 0.06
_LEAST_SHARE = 0.02
_YARD_PIXELS = 200_000
_EVERY = 16
_USUAL_STEPS = 128.0


def erythrocyte_density(densities: Densities) -> NDArray[np.float64]:
    """Estimate the optical density of the erythrocytes of a field, its yardstick of stain and lamp.

    Parameters
    ----------
    densities : ndarray of shape (..., 3), float32
        Optical density of a field.

    Returns
    -------
    ndarray of shape (3,), float64
        Median density, in R, G, B, of the stained pixels whose ratio of blue to green density is above the
        median (haemoglobin absorbs blue, nuclear stain less) and that are not among the darkest fifth; a
        typical value where less than 2 % of the field is stained. Green is at least 0.06. Of large fields
        every n-th pixel is looked at.
    """
    return density_of_planes(yard_planes(densities))


def yard_planes(densities: Densities) -> list[NDArray[np.float32]]:
    """Return the densities that the yardstick is measured on, for `density_of_planes`.

    Parameters
    ----------
    densities : ndarray of shape (..., 3), float32
        Optical density of a field.

    Returns
    -------
    list of ndarray of shape (N,), float32
        R, G and B of every pixel, of every n-th one where there are more than 200,000.
    """
    pixels = densities.reshape(1, -1, 3)
    planes = cv2.split(pixels[:, :: -(-pixels.shape[1] // _YARD_PIXELS)])
    return [np.asarray(plane, np.float32).reshape(-1) for plane in planes]


def density_of_planes(planes: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return what `erythrocyte_density` returns, from densities that are split already.

    Parameters
    ----------
    planes : list of ndarray of shape (N,), float32
        R, G and B, from `yard_planes`.

    Returns
    -------
    ndarray of shape (3,), float64
        Optical density of the erythrocytes.
    """
    green = planes[1]
    bright = _top_ranked(green, 0.95)
    chosen = (green > min(max(0.3 * bright, 0.04), 0.15)).nonzero()[0]
    if len(chosen) < max(_LEAST_SHARE * len(green), 8):
        return TYPICAL_ERYTHROCYTE.copy()
    stained = green.take(chosen)
    share = planes[2].take(chosen) / stained
    chosen = chosen[(share >= _ranked(share.copy(), 0.5)) & (stained <= _ranked(stained.copy(), 0.8))]
    if not len(chosen):
        return TYPICAL_ERYTHROCYTE.copy()
    density = np.array([_ranked(plane.take(chosen), 0.5) for plane in planes])
    density[1] = max(density[1], _LEAST_DENSITY)
    return density


def usual_green(planes: list[NDArray[np.float32]]) -> float:
    """Measure the usual green density of what lies on a field, cells of all kinds.

    Parameters
    ----------
    planes : list of ndarray of shape (N,), float32
        R, G and B, from `yard_planes`.

    Returns
    -------
    float
        Median of the densities above 0.04, in steps of 1/128; 0 where less than 2 % of the field has any.
    """
    steps = np.asarray(cv2.convertScaleAbs(planes[1], alpha=_USUAL_STEPS), np.uint8)
    counts = cv2.calcHist([steps], [0], None, [256], [0, 256]).ravel()
    counts[: round(0.04 * _USUAL_STEPS) + 1] = 0
    ranks = counts.cumsum()
    if ranks[-1] < max(_LEAST_SHARE * steps.size, 8):
        return 0.0
    return float(np.searchsorted(ranks, 0.5 * ranks[-1])) / _USUAL_STEPS


def _ranked(values: NDArray[np.float32], share: float) -> float:
    """Return the value of that rank; the values are put in another order."""
    rank = round(share * (len(values) - 1))
    values.partition(rank)
    return float(values[rank])


def _top_ranked(values: NDArray[np.float32], share: float) -> float:
    """Return the value of a high rank, looking only at those above a guess from every n-th one."""
    above = len(values) - round(share * (len(values) - 1))
    guess = _ranked(values[::_EVERY].copy(), 2.0 * share - 1.0)
    top = values.take((values >= guess).nonzero()[0])
    if len(top) < above:
        top = values.copy()
    top.partition(len(top) - above)
    return float(top[len(top) - above])
