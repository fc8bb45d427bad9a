"""Telling a stained smear from a picture of something else."""

import numpy as np
from numpy.typing import NDArray

from cells.errors import NoSmearError
from cells.records import RGBImage, WhitePoint
from slides.erythrocytes import measure_erythrocytes
from slides.optics import optical_density, reduced

MIN_SIDE = 64
"""Shortest side of a field, px; a smaller picture holds no leukocyte with erythrocytes to compare it with."""

_DARKEST_WHITE = 25.0
_STAINED = 0.06
_EMPTY_SHARE = 0.02
_DARKEST_STAIN = 1.0
_DARK_RED = 0.7
_GREY = 2.0


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
        Where the image is too small, black, of one colour, grey, or shows something else.
    """
    if min(image.shape[:2]) < MIN_SIDE:
        raise NoSmearError(
            f"shows no smear: {image.shape[1]}×{image.shape[0]} pixels, a field needs {MIN_SIDE} a side"
        )
    if white[1] < _DARKEST_WHITE:
        raise NoSmearError("shows no smear: it is black; photograph the field again with the lamp on")
    if int(np.ptp(image[..., 1])) == 0:
        raise NoSmearError("shows no smear: it is of one colour; leave it out")
    small = reduced(image)
    share, colour = _stained(small, white)
    if share >= _EMPTY_SHARE and is_grey(small):
        raise NoSmearError(
            "shows no smear in colour: cells are told by the colours of their stain; photograph it in colour"
        )
    dark = colour[1] >= _DARKEST_STAIN and colour[0] > _DARK_RED * colour[1]
    plain = not dark and (share < _EMPTY_SHARE or _romanowsky(colour))
    if not plain and measure_erythrocytes(image, white).diameter_px is None:
        raise NoSmearError("shows no smear: neither stain colours nor erythrocytes; leave it out")


def _romanowsky(colour: NDArray[np.float64]) -> bool:
    red, green, blue = colour
    return bool(red < 0.95 * green and blue < 1.3 * green)


def is_grey(image: RGBImage) -> bool:
    """Tell whether a picture is without colour: red, green and blue differ by less than 2 of 255 in the mean.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.

    Returns
    -------
    bool
    """
    return bool(np.ptp(reduced(image).astype(np.int16), axis=-1).mean() < _GREY)


def _stained(image: RGBImage, white: WhitePoint) -> tuple[float, NDArray[np.float64]]:
    density = optical_density(image, white)
    stained = density[..., 1] > max(_STAINED, 0.3 * float(np.quantile(density[..., 1], 0.95)))
    if not stained.any():
        return 0.0, np.zeros(3)
    return float(stained.mean()), density[stained].mean(axis=0).astype(np.float64)
