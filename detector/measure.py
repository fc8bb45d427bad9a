"""Centre and diameter of a find, measured on its channel picture."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detector.channels import HAEM, HAEM_ZERO, PADDING, ChannelPicture

RINGS = 8
"""Number of rings around a find that its diameter is estimated from."""

DIAMETER_RANGE = (1.0, 2.8)
"""Least and greatest diameter of a leukocyte, in erythrocyte diameters."""

_LEAST_LACK = 4.0
_BODY = 0.15
_BODY_EDGE = 0.3
_BODY_BAND = 1
_REACH = 0.75
_RIDGE = 1e-3
_DECIMALS = 9
_ACROSS = np.arange(-RINGS, RINGS + 1)


def refine_centres(
    scores: NDArray[np.float64], peaks: NDArray[np.intp], *, threshold: float, radius: float
) -> NDArray[np.float64]:
    """Move peaks of the score map to the centroid of the windows around them that were accepted.

    Parameters
    ----------
    scores : ndarray of shape (R, C), float64
        Score map; minus infinity where a window was rejected.
    peaks : ndarray of shape (K, 2), intp
        Row and column of the peaks.
    threshold : float
        Windows weigh by what their score exceeds this by.
    radius : float
        Windows farther from the peak than this, in map positions, do not weigh.

    Returns
    -------
    ndarray of shape (K, 2), float64
        Row and column of the centroids.
    """
    places = peaks[:, None, :] + _disc(radius)
    rows, cols = places[..., 0], places[..., 1]
    inside = _inside(rows, scores.shape[0]) & _inside(cols, scores.shape[1])
    near = scores.take(rows * scores.shape[1] + cols, mode="clip")
    weights = np.maximum(near - threshold, 0.0)
    weights[~inside] = 0.0
    weights += 1e-9 * inside
    moved: NDArray[np.float64] = (weights[..., None] * places).sum(axis=1) / weights.sum(axis=1)[:, None]
    return moved


@lru_cache(maxsize=8)
def _disc(radius: float) -> NDArray[np.intp]:
    reach = int(np.floor(radius))
    offsets = np.indices((2 * reach + 1, 2 * reach + 1)).reshape(2, -1).T - reach
    disc: NDArray[np.intp] = offsets[(offsets**2).sum(axis=1) <= radius**2]
    disc.setflags(write=False)
    return disc


def ring_profiles(picture: ChannelPicture, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure around finds how the lack of haemoglobin falls off with the distance from the centre.

    Parameters
    ----------
    picture : ChannelPicture
        The field.
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions.

    Returns
    -------
    ndarray of shape (K, RINGS), float64
        Mean of the negative ``haem`` channel over rings one map position wide, divided by its maximum over
        the rings.
    """
    haem = picture.maps[HAEM]
    centre = points.T[:, :, None] + PADDING
    places = np.floor(centre).astype(np.intp) + _ACROSS
    down, across = places + 0.5 - centre
    ring = np.minimum(np.hypot(down[:, :, None], across[:, None, :]) + 0.5, RINGS).astype(np.intp)
    (rows, cols), (height, width) = places, haem.shape
    if places.min(initial=0) < 0 or rows.max(initial=0) >= height or cols.max(initial=0) >= width:
        ring[~(_inside(rows, height)[:, :, None] & _inside(cols, width)[:, None, :])] = RINGS
    flat = (rows * width)[:, :, None] + cols[:, None, :]
    lack = float(HAEM_ZERO) - haem.ravel().take(flat, mode="clip")
    ring += (np.arange(len(points)) * (RINGS + 1))[:, None, None]
    size = len(points) * (RINGS + 1)
    weight, total = np.bincount(ring.ravel(), minlength=size), np.bincount(ring.ravel(), lack.ravel(), size)
    means = (total / np.maximum(weight, 1)).reshape(-1, RINGS + 1)[:, :RINGS]
    profiles: NDArray[np.float64] = means / np.maximum(means.max(axis=1, initial=0.0), _LEAST_LACK)[:, None]
    return profiles


def _inside(places: NDArray[np.intp], length: int) -> NDArray[np.bool_]:
    return (places >= 0) & (places < length)


def estimate_diameters(
    profiles: NDArray[np.float64], coefficients: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimate the diameters of cells from their ring profiles.

    Parameters
    ----------
    profiles : ndarray of shape (K, RINGS), float64
        From `ring_profiles`.
    coefficients : ndarray of shape (RINGS + 1,), float64
        Linear coefficients and intercept, from `fit_diameters`.

    Returns
    -------
    ndarray of shape (K,), float64
        Diameters in erythrocyte diameters, limited to 1 to 2.8.
    """
    estimate: NDArray[np.float64] = profiles @ coefficients[:-1] + coefficients[-1]
    return np.minimum(np.maximum(estimate, DIAMETER_RANGE[0]), DIAMETER_RANGE[1])


def fit_diameters(profiles: NDArray[np.float64], diameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit the coefficients of `estimate_diameters` by ridge regression.

    Parameters
    ----------
    profiles : ndarray of shape (K, RINGS), float64
        Profiles of cells of known size.
    diameters : ndarray of shape (K,), float64
        Their diameters in erythrocyte diameters.

    Returns
    -------
    ndarray of shape (RINGS + 1,), float64
        Coefficients and intercept, rounded to nine decimals.
    """
    centre = profiles.mean(axis=0)
    known = profiles - centre
    ridge = _RIDGE * len(known) * np.eye(RINGS)
    slope = np.linalg.solve(known.T @ known + ridge, known.T @ (diameters - diameters.mean()))
    fitted = np.append(slope, diameters.mean() - centre @ slope)
    return np.round(fitted, _DECIMALS)  # libraries of linear algebra differ in the last digits


def border_depths(
    picture: ChannelPicture, point: tuple[float, float], *, diameter: float
) -> tuple[float, ...]:
    """Measure how far a cell reaches into the field from every border that cuts it.

    Parameters
    ----------
    picture : ChannelPicture
        The field.
    point : (float, float)
        Row and column of the find in map positions.
    diameter : float
        Estimated diameter of the cell in map positions.

    Returns
    -------
    tuple of float
        Depths in map positions, borders in the order top, left, bottom, right; only of borders nearer than
        three quarters of the diameter that the cell's body touches. The body is where the lack of
        haemoglobin, on a strip through the find across the border, exceeds 15 % of its maximum.
    """
    haem = picture.maps[HAEM, PADDING:-PADDING, PADDING:-PADDING]
    (height, width), (row, col) = haem.shape, point
    views = (
        (haem, row, col),
        (haem.T, col, row),
        (haem[::-1], height - row, col),
        (haem.T[::-1], width - col, row),
    )
    found = (_depth(view, away, along) for view, away, along in views if away < _REACH * diameter)
    return tuple(depth for depth in found if depth is not None)


def _depth(haem: NDArray[np.uint8], away: float, along: float) -> float | None:
    """Follow the strip from the border at row 0 through a find at row ``away`` to the end of the body."""
    centre = min(int(along), haem.shape[1] - 1)
    band = haem[:, max(centre - _BODY_BAND, 0) : centre + _BODY_BAND + 1]
    strip = HAEM_ZERO - band.mean(axis=1)
    near = strip[: int(away) + 2]
    core = int(near.argmax())
    body = strip > _BODY * max(strip[core], _LEAST_LACK)
    if not body[: core + 1].all():
        return None
    beyond = np.flatnonzero(~body[core:])
    if not len(beyond):
        return float(len(strip))
    end = core + int(beyond[0])
    inside, outside = strip[end - 1], strip[end]
    share = (inside - _BODY * strip[core]) / max(inside - outside, 1e-9)
    return float(end - 0.5 + np.clip(share, 0.0, 1.0) + _BODY_EDGE)
