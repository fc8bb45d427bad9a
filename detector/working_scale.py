"""The working scale: a field resampled until an erythrocyte measures 10 px, and its optical density there."""

import mmap
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from slides.optics import MAX_DENSITY

WORK_ERYTHROCYTE_PX = 10.0
"""Erythrocyte diameter at the working scale, in px."""

BLOCK = 2
"""Side of the square of working pixels that one map position averages."""

BLOCKS_PER_ERYTHROCYTE = WORK_ERYTHROCYTE_PX / BLOCK
"""Erythrocyte diameter in map positions."""

_LEVELS = np.maximum(np.arange(256, dtype=np.float64), 1.0)[:, None]

RowReader = Callable[[RGBImage, slice], RGBImage]
"""Gives rows of an image, contiguous, as they are to be looked at."""

Densities = NDArray[np.float32]
"""Optical densities at the working scale, shape (M, N, 3), float32, even M and N."""


def plain_rows(image: RGBImage, rows: slice) -> RGBImage:
    """Give rows of an image as they are.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    rows : slice
        First row and the one after the last.

    Returns
    -------
    ndarray of shape (rows, N, 3), uint8
        The pixels, contiguous in memory.
    """
    return np.ascontiguousarray(image[rows])


def working_image(
    image: RGBImage, *, erythrocyte_px: float, tile_rows: int = 2048, read: RowReader = plain_rows
) -> RGBImage:
    """Resample a field to the working scale.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; may be a ``numpy.memmap``, of which no more than a tile is read at a time where both its
        sides can be halved.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.
    tile_rows : int, optional
        Rows of the image that are read together; does not alter the result.
    read : callable, optional
        Gives rows of the image; ``detector.ink.rows_without_ink`` takes drawn ink out of them.

    Returns
    -------
    ndarray of shape (2 H, 2 W, 3), uint8
        An erythrocyte measures about 10 px. The size is rounded to whole map positions, so that a mirrored
        field gives the mirrored picture. Even sides are halved while they stay above the working scale,
        which is several times faster than one area resampling and differs from it by rounding only.
    """
    size = _working_size(image.shape[:2], erythrocyte_px)
    small: RGBImage = image
    while all(side % 2 == 0 and side // 2 >= goal for side, goal in zip(small.shape[:2], size, strict=True)):
        small = _halved(small, tile_rows, read if small is image else plain_rows)
    if small is image:
        small = read(image, slice(0, len(image)))
    if small.shape[:2] == size:
        return small
    shrinks = size[0] <= small.shape[0] and size[1] <= small.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, size[::-1], interpolation=method), np.uint8)


def _working_size(shape: tuple[int, ...], erythrocyte_px: float) -> tuple[int, int]:
    rows, cols = (max(1, round(length * BLOCKS_PER_ERYTHROCYTE / erythrocyte_px)) * BLOCK for length in shape)
    return rows, cols


def _halved(image: RGBImage, tile_rows: int, read: RowReader) -> RGBImage:
    rows, cols = image.shape[0] // 2, image.shape[1] // 2
    step = max(tile_rows // 2, 1)
    if rows <= step:
        whole = read(image, slice(0, len(image)))
        return np.asarray(cv2.resize(whole, (cols, rows), interpolation=cv2.INTER_AREA), np.uint8)
    half = np.empty((rows, cols, 3), np.uint8)
    for top in range(0, rows, step):
        bottom = min(rows, top + step)
        tile = read(image, slice(2 * top, 2 * bottom))
        half[top:bottom] = cv2.resize(tile, (cols, bottom - top), interpolation=cv2.INTER_AREA)
        release_pages(image)
    return half


def release_pages(image: RGBImage) -> None:
    """Take the pages of a read-only memory map that were read out of resident memory.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; nothing is done where they are no read-only ``numpy.memmap``.
    """
    base: object = image
    while isinstance(base, np.ndarray) and getattr(image, "mode", None) == "r":
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def density_table(white: WhitePoint) -> NDArray[np.float32]:
    """Return the optical density of every pixel value against the empty slide.

    Parameters
    ----------
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.

    Returns
    -------
    ndarray of shape (1, 256, 3), float32
        Optical density by value and channel, for ``cv2.LUT``.
    """
    table = np.log10(np.asarray(white, np.float64) / _LEVELS)
    return np.minimum(np.maximum(table, 0.0), MAX_DENSITY).astype(np.float32)[None]


def working_densities(image: RGBImage, white: WhitePoint, *, erythrocyte_px: float) -> Densities:
    """Resample a field to the working scale and return its optical density.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    ndarray of shape (2 H, 2 W, 3), float32
        Optical density, an erythrocyte measuring about 10 px; see `working_image`.
    """
    small = working_image(image, erythrocyte_px=erythrocyte_px)
    return np.asarray(cv2.LUT(small, density_table(white)), np.float32)
