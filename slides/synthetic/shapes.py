"""Geometry that all painters share, in µm: patches, outlines, chains of capsules, mottle, granules."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_ANGLES = 2048
_NOISE_GAIN = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A small raster around the centre of one object.

    Parameters
    ----------
    top, left : int
        Row and column of its first pixel in the field; may be negative.
    x, y : ndarray of shape (M, N), float32
        Position of each pixel from the centre of the object, rightwards and downwards, in µm.
    um_per_px : float
        Pixel size, in µm per pixel.
    half_um : float
        Half its side, in µm.
    """

    top: int
    left: int
    x: Plane
    y: Plane
    um_per_px: float
    half_um: float

    @staticmethod
    def around(row: float, col: float, *, half_um: float, um_per_px: float) -> "Patch":
        """Lay a raster around a point of the field.

        Parameters
        ----------
        row, col : float
            Centre, in pixels of the field.
        half_um : float
            Half the side, in µm.
        um_per_px : float
            Pixel size, in µm per pixel.

        Returns
        -------
        Patch
            Raster whose pixels are pixels of the field.
        """
        reach = half_um / um_per_px
        top, left = int(np.floor(row - reach)), int(np.floor(col - reach))
        bottom, right = int(np.ceil(row + reach)), int(np.ceil(col + reach))
        down = ((np.arange(top, bottom + 1) - row) * um_per_px).astype(np.float32)
        across = ((np.arange(left, right + 1) - col) * um_per_px).astype(np.float32)
        x, y = np.meshgrid(across, down)
        return Patch(top, left, x, y, um_per_px, half_um)

    def coverage(self, distance: Plane, *, softness_um: float = 0.0) -> Plane:
        """Turn a signed distance (µm, negative inside) into the covered share of each pixel, 0 to 1."""
        width = max(self.um_per_px, softness_um)
        return np.asarray(np.clip(0.5 - distance / np.float32(width), 0.0, 1.0), np.float32)


def outline(
    patch: Patch,
    diameter_um: float,
    rng: np.random.Generator,
    *,
    roughness: float = 0.03,
    elongation: float = 0.05,
    waves: int = 6,
    centre: tuple[float, float] = (0.0, 0.0),
) -> Plane:
    """Return the distance to a rounded closed outline with the area of a circle of the given diameter.

    Parameters
    ----------
    patch : Patch
        Raster.
    diameter_um : float
        Diameter of the circle of equal area, in µm.
    rng : numpy.random.Generator
        Source of chance.
    roughness : float
        Standard deviation of the radius, relative.
    elongation : float
        Relative amplitude of the two-fold wave, which makes an oval.
    waves : int
        Highest number of waves around the outline.
    centre : tuple of 2 floats
        Centre (x, y), in µm.

    Returns
    -------
    ndarray of shape (M, N), float32
        Approximate signed distance in µm, negative inside.
    """
    theta = np.linspace(0.0, 2.0 * np.pi, _ANGLES, endpoint=False)
    radius = 1.0 + elongation * np.cos(2.0 * (theta - rng.uniform(0.0, np.pi)))
    orders = np.arange(3, waves + 1)
    if len(orders):
        strengths = rng.normal(0.0, 1.0, len(orders)) / orders
        strengths *= roughness / np.sqrt(0.5 * np.sum(1.0 / orders**2))
        phases = rng.uniform(0.0, 2.0 * np.pi, len(orders))
        radius = radius + strengths @ np.cos(orders[:, None] * theta + phases[:, None])
    radius *= 0.5 * diameter_um / np.sqrt(np.mean(radius**2))
    away, angle = cv2.cartToPolar(patch.x - np.float32(centre[0]), patch.y - np.float32(centre[1]))
    index = (angle * np.float32(_ANGLES / (2.0 * np.pi))).astype(np.int32) % _ANGLES
    return np.asarray(away - radius.astype(np.float32)[index], np.float32)


def capsules(
    patch: Patch,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    blend_um: float = 0.15,
) -> Plane:
    """Return the distance to the smooth union of capsules.

    Parameters
    ----------
    patch : Patch
        Raster.
    starts, ends : ndarray of shape (K, 2), float64
        End points (x, y) of the axes, in µm.
    radii : ndarray of shape (K, 2), float64
        Radius at the start and at the end of each axis, in µm.
    blend_um : float
        Width over which neighbours flow together, in µm.

    Returns
    -------
    ndarray of shape (M, N), float32
        Approximate signed distance in µm, negative inside.
    """
    total = np.zeros(patch.x.shape, np.float32)
    reach = np.float32(12.0 * blend_um)
    for (x0, y0), (x1, y1), (r0, r1) in zip(starts, ends, radii, strict=True):
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        px, py = patch.x - np.float32(x0), patch.y - np.float32(y0)
        along = np.clip((px * dx + py * dy) / np.float32(dx * dx + dy * dy + 1e-9), 0.0, 1.0)
        distance = np.hypot(px - along * dx, py - along * dy) - np.float32(r0) - along * np.float32(r1 - r0)
        total += np.exp(np.clip(distance, -reach, reach * 4) * np.float32(-1.0 / blend_um))
    return np.asarray(np.log(np.maximum(total, np.float32(1e-20))) * np.float32(-blend_um), np.float32)


def chain(
    points: NDArray[np.float64], radii: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return starts, ends and radii of the capsules along a line of K points with K radii (µm)."""
    return points[:-1], points[1:], np.stack([radii[:-1], radii[1:]], axis=1)


def mottle(patch: Patch, scale_um: float, rng: np.random.Generator) -> Plane:
    """Return smooth noise with a standard deviation of about 1.

    Parameters
    ----------
    patch : Patch
        Raster.
    scale_um : float
        Distance between independent values, in µm.
    rng : numpy.random.Generator
        Source of chance; the number of draws does not depend on the pixel size.

    Returns
    -------
    ndarray of shape (M, N), float32
        Noise; fainter where a pixel averages over several independent values.
    """
    count = int(np.ceil(2.0 * patch.half_um / scale_um)) + 4
    lattice = rng.standard_normal((count, count), np.float32)
    step = patch.um_per_px / scale_um
    x0, y0 = (float(first) / scale_um + count / 2.0 for first in (patch.x[0, 0], patch.y[0, 0]))
    matrix = np.array([[step, 0.0, x0], [0.0, step, y0]])
    size = (patch.x.shape[1], patch.x.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    field = cv2.warpAffine(lattice, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(field, np.float32) * np.float32(_NOISE_GAIN / np.hypot(1.0, step))


def granules(
    patch: Patch, points: NDArray[np.float64], radii: NDArray[np.float64], weights: NDArray[np.float64]
) -> Plane:
    """Return the sum of small soft discs.

    Parameters
    ----------
    patch : Patch
        Raster.
    points : ndarray of shape (K, 2), float64
        Centres (x, y), in µm; those beyond the raster are left out.
    radii : ndarray of shape (K,), float64
        Radii, in µm.
    weights : ndarray of shape (K,), float64
        Height of each disc.

    Returns
    -------
    ndarray of shape (M, N), float32
        Sum of the weights of the discs that cover each pixel.
    """
    height, width = patch.x.shape
    um = patch.um_per_px
    if len(points) == 0:
        return np.zeros((height, width), np.float32)
    reach = int(np.ceil(float(np.max(radii)) / um)) + 1
    window = np.arange(-reach, reach + 1)
    col = (points[:, 0] - float(patch.x[0, 0])) / um
    row = (points[:, 1] - float(patch.y[0, 0])) / um
    cols = np.rint(col).astype(np.int64)[:, None] + window
    rows = np.rint(row).astype(np.int64)[:, None] + window
    away = np.hypot((rows - row[:, None])[:, :, None], (cols - col[:, None])[:, None, :])
    share = np.clip(0.5 + radii[:, None, None] / um - away, 0.0, 1.0) * weights[:, None, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((cols >= 0) & (cols < width))[:, None, :]
    flat = np.broadcast_to((rows * width)[:, :, None] + cols[:, None, :], share.shape)[inside]
    summed = np.bincount(flat, share[inside], minlength=height * width)
    return summed.reshape(height, width).astype(np.float32)


def scatter(count: int, radius_um: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``count`` points (x, y), evenly scattered over a disc of the given radius (µm)."""
    away = radius_um * np.sqrt(rng.random(count))
    angle = rng.uniform(0.0, 2.0 * np.pi, count)
    return np.stack([away * np.cos(angle), away * np.sin(angle)], axis=1)


def turned(points: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Return points (K, 2) turned about the origin by ``angle`` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack(
        [points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos], axis=1
    )
