"""Whether red and blue stand in their places, by what nuclei and erythrocytes absorb."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from slides.optics import optical_density
from slides.stain import Stain

_DENSE = 2.3
_ERYTHROCYTE = (0.5, 1.6)
_NUCLEAR_LOBE = 0.35
_LEUKOCYTE = 1.8
_LEAST_NUCLEAR = 0.1
_LEAST_ERYTHROCYTE = 0.3


def red_over_blue(image: RGBImage, white: WhitePoint, stain: Stain, diameter: float) -> float | None:
    """Return by how much nuclei absorb red rather than blue, beyond what erythrocytes do.

    Methylene blue and azure stain nuclei and absorb red; haemoglobin and eosin absorb green and blue. So the
    difference is positive in every Romanowsky stain, and its sign turns where red and blue are swapped.
    Which pixels are looked at is decided by green alone and is the same either way round.

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
    float or None
        Optical density of red minus blue, median of the dense nuclei less median of the erythrocytes, -4 to
        4; None where the field shows too little of either.
    """
    area = np.pi / 4 * diameter**2
    dense = cv2.morphologyEx(
        (stain.density > _DENSE * stain.level).astype(np.uint8),
        cv2.MORPH_OPEN,
        _disc(_NUCLEAR_LOBE * diameter),
    )
    nuclei = dense > 0
    low, high = _ERYTHROCYTE
    away = cv2.dilate(dense, _disc(_LEUKOCYTE * diameter)) == 0
    erythrocytes = away & (stain.density > low * stain.level) & (stain.density < high * stain.level)
    if nuclei.sum() < _LEAST_NUCLEAR * area or erythrocytes.sum() < _LEAST_ERYTHROCYTE * area:
        return None
    density = optical_density(image, white)
    nuclear, erythrocytic = (np.median(density[mask], axis=0) for mask in (nuclei, erythrocytes))
    return float((nuclear[0] - nuclear[2]) - (erythrocytic[0] - erythrocytic[2]))


def _disc(width: float) -> NDArray[np.uint8]:
    side = max(3, round(width))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
