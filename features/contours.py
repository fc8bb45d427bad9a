"""The closed contour around a point that gathers the most evidence."""

import cv2
import numpy as np
from numpy.typing import NDArray

ANGLES = 48
"""Rays of the polar grid."""

RADII = 56
"""Radii of the polar grid, 0.5 to 55.5 px."""

_TURN = np.arange(ANGLES) * (2 * np.pi / ANGLES)
_SIN = np.sin(_TURN)[:, None].astype(np.float32)
_COS = np.cos(_TURN)[:, None].astype(np.float32)
RADIUS = (np.arange(RADII, dtype=np.float32) + 0.5)[None]
"""Radius of each column of the polar grid in px, shape (1, RADII)."""

_STEPS = np.arange(-3, 4)
_FAR = np.float32(1e9)


def polar(image: NDArray[np.float32], centre: tuple[float, float]) -> NDArray[np.float32]:
    """Sample an image on the polar grid.

    Parameters
    ----------
    image : ndarray of shape (M, N) or (M, N, C) with C at most 4, float32
        Image; beyond its edges the nearest pixel counts.
    centre : tuple of float
        Row and column of the pole, in px.

    Returns
    -------
    ndarray of shape (ANGLES, RADII) or (ANGLES, RADII, C), float32
        Bilinear samples.
    """
    rows, cols = centre[0] + _SIN * RADIUS, centre[1] + _COS * RADIUS
    samples = cv2.remap(image, cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(samples, np.float32)


def best_contour(cost: NDArray[np.float32], *, stiffness: float) -> NDArray[np.float32]:
    """Return the closed contour of least cost that meets each ray once.

    Parameters
    ----------
    cost : ndarray of shape (ANGLES, RADII), float32
        Cost of the contour passing through each point of the polar grid.
    stiffness : float
        Cost of a step of one radius between neighbouring rays; it grows with the square of the step, which
        is at most 3.

    Returns
    -------
    ndarray of shape (ANGLES,), float32
        Radius of the contour on each ray, px.

    Notes
    -----
    Dynamic programming over two turns of which the middle one is kept: its ends agree but for
    rare cases, where they differ by some px.
    """
    half = ANGLES // 2
    unrolled = np.concatenate([cost[half:], cost, cost[:half]])
    penalty = stiffness * _STEPS.astype(np.float32) ** 2
    reach = len(_STEPS) // 2
    index = np.arange(RADII)
    padded = np.full(RADII + 2 * reach, _FAR, np.float32)
    window = np.lib.stride_tricks.sliding_window_view(padded, len(_STEPS))
    options = np.empty((RADII, len(_STEPS)), np.float32)
    choices = np.empty((len(unrolled), RADII), np.int64)
    best = unrolled[0]
    for ray in range(1, len(unrolled)):
        padded[reach:-reach] = best
        np.add(window, penalty, out=options)
        options.argmin(axis=1, out=choices[ray])
        best = options[index, choices[ray]] + unrolled[ray]
    place = int(best.argmin())
    path = np.empty(len(unrolled), np.int64)
    for ray in range(len(unrolled) - 1, -1, -1):
        path[ray] = place
        if ray:
            place += int(choices[ray, place]) - reach
    return (path[half : half + ANGLES] + 0.5).astype(np.float32)


def fill_contour(
    radii: NDArray[np.float32], centre: tuple[float, float], shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the mask of the points inside a polar contour.

    Parameters
    ----------
    radii : ndarray of shape (ANGLES,), float32
        Radius of the contour on each ray, px.
    centre : tuple of float
        Row and column of the pole, px.
    shape : tuple of int
        Shape of the mask.

    Returns
    -------
    ndarray of shape ``shape``, uint8
        1 inside, 0 outside.
    """
    points = np.stack([centre[1] + _COS[:, 0] * radii, centre[0] + _SIN[:, 0] * radii], axis=1)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points * 16).astype(np.int32)], 1.0, shift=4)
    return mask
