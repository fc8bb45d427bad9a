"""Telling a stained smear from a picture of something else."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import NoSmearError
from cells.records import RGBImage, WhitePoint
from slides.erythrocytes import measure_erythrocytes
from slides.optics import optical_density

MIN_SIDE = 64
"""Shortest side of a field, px; a smaller picture holds no leukocyte with erythrocytes to compare it with."""

_LONG_SIDE = 256
_DARKEST_WHITE = 25.0
_STAINED = 0.06
_EMPTY_SHARE = 0.02
_DARKEST_STAIN = 1.0
_DARK_RED = 0.7
_GREY = 0.03
_GREY_EXPLAINED = 0.25


def require_smear(image: RGBImage, white: WhitePoint) -> None:
    """Refuse an image that shows no blood smear.

    A field passes where what lies on it has the colours of a Romanowsky stain (it absorbs green more than
    red and blue), where nothing lies on it, or where outlines of one size repeat themselves as erythrocytes
    do.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.

    Raises
    ------
    NoSmearError
        Where the image is too small, black, of one colour, or shows something else.
    """
    if min(image.shape[:2]) < MIN_SIDE:
        raise NoSmearError(
            f"shows no smear: {image.shape[1]}×{image.shape[0]} pixels, a field needs {MIN_SIDE} a side"
        )
    if white[1] < _DARKEST_WHITE:
        raise NoSmearError("shows no smear: it is black; photograph the field again with the lamp on")
    if int(np.ptp(image[..., 1])) == 0:
        raise NoSmearError("shows no smear: it is of one colour; leave it out")
    share, colour, grey = _stained(image, white)
    dark = colour[1] >= _DARKEST_STAIN and colour[0] > _DARK_RED * colour[1]
    if dark or not (share < _EMPTY_SHARE or _romanowsky(colour)):
        measure = measure_erythrocytes(image, white)
        if measure.diameter_px is None or (grey and measure.explained < _GREY_EXPLAINED):
            raise NoSmearError("shows no smear: neither stain colours nor erythrocytes; leave it out")


def _romanowsky(colour: NDArray[np.float64]) -> bool:
    red, green, blue = colour
    return bool(red < 0.95 * green and blue < 1.3 * green)


def _stained(image: RGBImage, white: WhitePoint) -> tuple[float, NDArray[np.float64], bool]:
    factor = min(1.0, _LONG_SIDE / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    density = optical_density(small, white)
    stained = density[..., 1] > max(_STAINED, 0.3 * float(np.quantile(density[..., 1], 0.95)))
    if not stained.any():
        return 0.0, np.zeros(3), False
    colour = density[stained].mean(axis=0).astype(np.float64)
    spread = np.ptp(small.astype(np.int16), axis=-1).mean()
    grey = bool(spread < 2 and np.ptp(colour) < _GREY * max(colour[1], 1.0))
    return float(stained.mean()), colour, grey
