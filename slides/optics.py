"""The colour of the empty slide, and optical density against it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint

_LONG_SIDE = 256
_BRIGHT_SHARE = 0.05
MAX_DENSITY = 2.0


def reduced(image: RGBImage) -> RGBImage:
    """Return an image reduced by area means to at most 256 px a side; one that is no larger as it is.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
    """
    factor = _LONG_SIDE / max(image.shape[:2])
    if factor >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def white_point(image: RGBImage) -> WhitePoint:
    """Estimate the colour of the empty slide from the brightest pixels in green, which every stain absorbs.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image of a field or a cell crop.

    Returns
    -------
    ndarray of shape (3,), float64
        Median RGB colour of the 5 % of pixels that are brightest in green after area reduction to at most
        256 px a side, each channel 1 to 255.
    """
    pixels = reduced(image).reshape(-1, 3)
    keep = max(1, round(len(pixels) * _BRIGHT_SHARE))
    brightest = np.argpartition(pixels[:, 1], len(pixels) - keep)[-keep:]
    colour: WhitePoint = np.clip(np.median(pixels[brightest], axis=0), 1.0, 255.0).astype(np.float64)
    return colour


def optical_density(image: RGBImage, white: WhitePoint) -> NDArray[np.float32]:
    """Return the decadic optical density of every pixel against the empty slide.

    Parameters
    ----------
    image : ndarray of shape (..., 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.

    Returns
    -------
    ndarray of shape (..., 3), float32
        ``log10(white / max(pixel, 1))``, limited to 0 to 2; 0 is empty slide.

    References
    ----------
    Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291-299. Differs from it in limiting the density.
    """
    levels = np.maximum(np.arange(256, dtype=np.float64), 1.0)
    table = np.clip(np.log10(np.asarray(white) / levels[:, None]), 0.0, MAX_DENSITY).astype(np.float32)
    if not image.size:
        return np.empty(image.shape, np.float32)
    pixels = np.ascontiguousarray(image).reshape(1, -1, 3)
    return np.asarray(cv2.LUT(pixels, table[None]), np.float32).reshape(image.shape)
