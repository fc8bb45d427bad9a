"""Squares of 27 µm around a cell, resampled so that an erythrocyte always measures the same."""

import math

import cv2
import numpy as np

from cells.errors import UsageError
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX, ERYTHROCYTE_PX_RANGE

_MARGIN = 4


def too_small(image: RGBImage, erythrocyte_px: float) -> str:
    """Say why an image of one cell is too small to hold a leukocyte.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    erythrocyte_px : float
        Erythrocyte diameter stated or assumed, in px, above 0.

    Returns
    -------
    str
        The reason; empty where it is large enough.
    """
    height, width = image.shape[:2]
    if min(height, width) < erythrocyte_px:
        return (
            f"shows {width}×{height} pixels where an erythrocyte is said to measure {erythrocyte_px:g}: no "
            "leukocyte fits in; check --erythrocyte-px or the manifest"
        )
    if erythrocyte_px < ERYTHROCYTE_PX_RANGE[0]:
        return f"shows {width}×{height} pixels, too few for a cell; give a larger picture"
    return ""


def cut_cell(
    image: RGBImage,
    row: float,
    col: float,
    *,
    erythrocyte_px: float,
    white: WhitePoint,
    size: int = CROP_PX,
) -> RGBImage:
    """Cut the square of 27 µm around a point out of a field.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels of the field.
    row, col : float
        Centre of the square in pixels; the origin is the centre of the top left pixel. It may lie anywhere,
        outside the image too.
    erythrocyte_px : float
        Erythrocyte diameter in the field, in px, above 0.
    white : ndarray of shape (3,), float64
        Colour of the empty slide; fills what lies outside the image.
    size : int
        Side of the result in px, at least 1; at 112 an erythrocyte measures 35 px.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        RGB pixels: averaged over the area of each pixel where the field is shrunk, interpolated by cubic
        convolution where it is enlarged.

    Raises
    ------
    UsageError
        Where ``erythrocyte_px`` or ``size`` is not positive, or the centre is not finite.
    """
    if not (erythrocyte_px > 0 and math.isfinite(erythrocyte_px) and size >= 1):
        raise UsageError(
            f"cut_cell: erythrocyte_px={erythrocyte_px} and size={size} must be positive; give the measured"
            " erythrocyte diameter"
        )
    if not (math.isfinite(row) and math.isfinite(col)):
        raise UsageError(f"cut_cell: centre ({row}, {col}) is not finite; give pixel coordinates")
    side = float(erythrocyte_px) * CROP_PX / CROP_ERYTHROCYTE_PX
    top = math.floor(row - side / 2) - _MARGIN
    left = math.floor(col - side / 2) - _MARGIN
    reach = math.ceil(side) + 2 * _MARGIN + 1
    fill = tuple(float(v) for v in np.rint(np.clip(white, 0.0, 255.0)))
    window = image[max(top, 0) : max(top + reach, 0), max(left, 0) : max(left + reach, 0)]
    if window.size == 0:
        return np.full((size, size, 3), fill, np.uint8)
    return _resample(window, (row - max(top, 0), col - max(left, 0)), side, size, fill)


def normalise_crop(
    image: RGBImage,
    *,
    erythrocyte_px: float,
    white: WhitePoint,
    size: int = CROP_PX,
) -> RGBImage:
    """Bring an image that holds one centred cell to the square of 27 µm.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels with the cell in the middle.
    erythrocyte_px : float
        Erythrocyte diameter in that image, in px, above 0.
    white : ndarray of shape (3,), float64
        Colour of the empty slide; fills what the image does not show.
    size : int
        Side of the result in px.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        RGB pixels; equal to ``image`` where that already is such a square.

    Raises
    ------
    UsageError
        As ``cut_cell``.
    """
    return cut_cell(
        image,
        (image.shape[0] - 1) / 2,
        (image.shape[1] - 1) / 2,
        erythrocyte_px=erythrocyte_px,
        white=white,
        size=size,
    )


def _resample(
    window: RGBImage, centre: tuple[float, float], side: float, size: int, fill: tuple[float, ...]
) -> RGBImage:
    oversample = max(1, math.ceil(side / size - 1e-9))
    fine = size * oversample
    step = side / fine
    middle = (fine - 1) / 2
    to_source = np.array([[step, 0.0, centre[1] - middle * step], [0.0, step, centre[0] - middle * step]])
    method = cv2.INTER_CUBIC if step < 1 and oversample == 1 else cv2.INTER_LINEAR
    result = cv2.warpAffine(
        np.ascontiguousarray(window),
        to_source,
        (fine, fine),
        flags=method | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=fill,
    )
    if oversample > 1:
        result = cv2.resize(result, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(result, np.uint8)
