"""Whether red and blue stand in their places, by what nuclei and erythrocytes absorb."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from slides.optics import optical_density
from slides.stain import Stain, separate_stain

MIN_RED_OVER_BLUE = -0.12
"""Least density that nuclei have in red over blue, beyond erythrocytes: swapped channels turn its sign."""

SWAPPED_SHARE = 0.05
"""Share of images found swapped from which on all are doubted: no true image is found so."""

_WORKING_DIAMETER = 36.0
_DENSE = 2.3
_ERYTHROCYTE = (0.5, 1.6)
_NUCLEAR_LOBE = 0.35
_LEUKOCYTE = 1.8
_LEAST_NUCLEAR = 0.1
_LEAST_ERYTHROCYTE = 0.3


class StainedParts(NamedTuple):
    """Where a field shows dense nuclei, and erythrocytes away from them.

    Parameters
    ----------
    density : ndarray of shape (M, N, 3), float32
        Optical density.
    nuclei, erythrocytes : ndarray of shape (M, N), bool
        The two masks.
    """

    density: NDArray[np.float32]
    nuclei: NDArray[np.bool_]
    erythrocytes: NDArray[np.bool_]


def stained_parts(image: RGBImage, white: WhitePoint, stain: Stain, diameter: float) -> StainedParts:
    """Tell which pixels are dense nuclei and which are erythrocytes away from them, by green alone.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image of a field.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    stain : Stain
        What lies on the field, as from `slides.stain.separate_stain`.
    diameter : float
        Diameter of an erythrocyte in this image, px, above 0.

    Returns
    -------
    StainedParts
    """
    dense = cv2.morphologyEx(
        (stain.density > _DENSE * stain.level).astype(np.uint8),
        cv2.MORPH_OPEN,
        _disc(_NUCLEAR_LOBE * diameter),
    )
    low, high = _ERYTHROCYTE
    away = cv2.dilate(dense, _disc(_LEUKOCYTE * diameter)) == 0
    erythrocytes = away & (stain.density > low * stain.level) & (stain.density < high * stain.level)
    return StainedParts(optical_density(image, white), dense > 0, erythrocytes)


def red_over_blue(parts: StainedParts, diameter: float) -> float | None:
    """Return by how much nuclei absorb red rather than blue, beyond what erythrocytes do.

    Methylene blue and azure stain nuclei and absorb red; haemoglobin and eosin absorb green and blue. So the
    difference is positive in every Romanowsky stain, and its sign turns where red and blue are swapped.
    Which pixels are looked at is decided by green alone and is the same either way round.

    Parameters
    ----------
    parts : StainedParts
        Nuclei and erythrocytes of the field.
    diameter : float
        Diameter of an erythrocyte in this image, px, above 0.

    Returns
    -------
    float or None
        Optical density of red minus blue, median of the dense nuclei less median of the erythrocytes, -4 to
        4; None where the field shows too little of either.
    """
    area = np.pi / 4 * diameter**2
    if parts.nuclei.sum() < _LEAST_NUCLEAR * area or parts.erythrocytes.sum() < _LEAST_ERYTHROCYTE * area:
        return None
    masks = parts.nuclei, parts.erythrocytes
    nuclear, erythrocytic = (np.median(parts.density[mask], axis=0) for mask in masks)
    return float((nuclear[0] - nuclear[2]) - (erythrocytic[0] - erythrocytic[2]))


def measure_order(image: RGBImage, white: WhitePoint, erythrocyte_px: float) -> float | None:
    """Return what `red_over_blue` says of an image of any scale.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image of a field or of a cell with erythrocytes around it.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Diameter of an erythrocyte, px, above 0.

    Returns
    -------
    float or None
        -4 to 4; None where the image does not tell.
    """
    image, diameter = at_working_scale(image, erythrocyte_px)
    stain = separate_stain(image, white)
    if stain is None:
        return None
    return red_over_blue(stained_parts(image, white, stain, diameter), diameter)


def at_working_scale(image: RGBImage, erythrocyte_px: float) -> tuple[RGBImage, float]:
    """Reduce an image until an erythrocyte measures 36 px, which is enough to tell colours and sizes.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    erythrocyte_px : float
        Diameter of an erythrocyte, px, above 0.

    Returns
    -------
    image : ndarray of shape (K, L, 3), uint8
        The image; the same where it is small enough.
    erythrocyte_px : float
        Diameter of an erythrocyte in it, px.
    """
    scale = min(1.0, _WORKING_DIAMETER / erythrocyte_px)
    if scale == 1.0:
        return image, erythrocyte_px
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    reduced = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return reduced, scale * erythrocyte_px


def share_swapped(orders: Iterable[float | None]) -> float:
    """Return the share of images whose red and blue seem to be swapped.

    Parameters
    ----------
    orders : iterable of float or None
        What `measure_order` said of each.

    Returns
    -------
    float
        0 to 1, of the images that tell; 0 where none does.
    """
    told = [order for order in orders if order is not None]
    return sum(order < MIN_RED_OVER_BLUE for order in told) / max(1, len(told))


def _disc(width: float) -> NDArray[np.uint8]:
    side = max(3, round(width))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
