"""The channel picture that the window scanner looks at: small, quantised maps of a field at a fixed scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from cells.units import ERYTHROCYTE_UM, WINDOW_UM
from detector.ink import rows_without_ink
from detector.working_scale import (
    BLOCK,
    BLOCKS_PER_ERYTHROCYTE,
    Densities,
    RowReader,
    density_table,
    working_image,
)
from detector.yardstick import TYPICAL_ERYTHROCYTE, density_of_planes, usual_green, yard_planes
from slides.optics import MAX_DENSITY

WINDOW = round(WINDOW_UM / ERYTHROCYTE_UM * BLOCKS_PER_ERYTHROCYTE)
"""Side of the scanning window in map positions (14: 21 µm, 2.8 erythrocyte diameters)."""

PADDING = WINDOW // 2
"""Map positions mirrored around the field, so that a window may be centred on the image border."""

CHANNELS = (
    "red",
    "green",
    "blue",
    "nuclear",
    "haem",
    "stain",
    "edge",
    "nuclear_edge",
    "nuclear_box",
    "stain_box",
)
"""Names of the channels, in the order of the last axis of a channel picture."""

HAEM = CHANNELS.index("haem")
"""Index of the channel of haemoglobin: leukocytes are darker in it than erythrocytes."""

HAEM_ZERO = 128
"""Value of that channel for an erythrocyte and for the empty slide."""

RED, STAIN = CHANNELS.index("red"), CHANNELS.index("stain")
"""Indices of the channels of red density and of green density in the field's erythrocyte densities."""

STAIN_STEPS = 48.0
"""Value of the channel ``stain`` for the green density of an erythrocyte."""

MOST_GREEN = 0.17
"""Green density of erythrocytes beyond which a field is scanned as if it had less contrast."""

_DENSITY_STEPS = 255.0 / MAX_DENSITY
_NUCLEAR_ZERO = 64
_EDGE_STEPS = 96.0
_BOX = 5
_BAND_ROWS = 128
_HALO = 2


@dataclass(frozen=True, slots=True, eq=False)
class ChannelPicture:
    """The channel maps of one field.

    Parameters
    ----------
    maps : ndarray of shape (C, H + 2 * PADDING, W + 2 * PADDING), uint8
        Quantised channels, one position for every BLOCK x BLOCK working pixels, mirrored at the border.
    row_step, col_step : float
        Pixels of the image as read per map position.
    erythrocyte_green : float
        Green optical density of the field's erythrocytes, above 0.
    """

    maps: NDArray[np.uint8]
    row_step: float
    col_step: float
    erythrocyte_green: float = float(TYPICAL_ERYTHROCYTE[1])

    @property
    def positions(self) -> tuple[int, int]:
        """Number of window positions down and across: one on every corner of a map position."""
        return self.maps.shape[1] - 2 * PADDING + 1, self.maps.shape[2] - 2 * PADDING + 1


def picture_of(densities: Densities, *, row_step: float = 1.0, col_step: float = 1.0) -> ChannelPicture:
    """Compute the channel picture of a field from its densities at the working scale.

    Parameters
    ----------
    densities : ndarray of shape (2 H, 2 W, 3), float32
        Optical density at the working scale.
    row_step, col_step : float, optional
        Pixels of the image as read per map position.

    Returns
    -------
    ChannelPicture
        Channels ``red, green, blue``: the densities. ``nuclear``, ``haem``: red and blue density beyond
        that of an erythrocyte of the same green density, in units of the field's erythrocyte density;
        ``stain``: green density in that unit. ``edge``, ``nuclear_edge``: gradient magnitudes.
        ``nuclear_box``, ``stain_box``: means over 5 x 5 positions.

    References
    ----------
    Dollár et al. 2014, doi 10.1109/TPAMI.2014.2300479 (aggregated channel features). Differs from it in
    the channels, which are optical densities measured by the field's own erythrocytes, and in adding box
    means.
    """
    return _picture(densities, None, _coarse(densities), (row_step, col_step))


def channel_picture(
    image: RGBImage,
    white: WhitePoint,
    *,
    erythrocyte_px: float,
    tile_rows: int = 2048,
    read: RowReader | None = None,
    most_green: float = math.inf,
) -> ChannelPicture:
    """Compute the channel picture of a field.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; may be a ``numpy.memmap``.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.
    tile_rows : int, optional
        Rows of the image that are read together; does not alter the result.
    read : callable, optional
        Gives rows of the image; None takes drawn ink out of them (``detector.ink``).
    most_green : float, optional
        Where the green density of the erythrocytes is above it, as in a dense stain or a picture of much
        contrast, the channels ``red``, ``green`` and ``blue`` are less in proportion.

    Returns
    -------
    ChannelPicture
        The channels of `picture_of`, with the steps that lead back to pixels of the image.
    """
    read = read or partial(rows_without_ink, white=white, erythrocyte_px=erythrocyte_px)
    small = working_image(image, erythrocyte_px=erythrocyte_px, tile_rows=tile_rows, read=read)
    rows, cols = small.shape[0] // BLOCK, small.shape[1] // BLOCK
    steps = image.shape[0] / rows, image.shape[1] / cols
    table = density_table(white)
    coarse = np.empty((rows, cols, 3), np.float32)
    for band in _bands(rows):
        fine = np.asarray(cv2.LUT(small[BLOCK * band.start : BLOCK * band.stop], table), np.float32)
        coarse[band] = _coarse(fine)
    if rows <= _BAND_ROWS:
        return _picture(fine, None, coarse, steps, most_green)
    return _picture(small, table, coarse, steps, most_green)


def _bands(rows: int) -> list[slice]:
    return [slice(top, min(rows, top + _BAND_ROWS)) for top in range(0, rows, _BAND_ROWS)]


def _coarse(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (fine.shape[1] // BLOCK, fine.shape[0] // BLOCK)
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.float32)


def _picture(
    small: RGBImage | Densities,
    table: NDArray[np.float32] | None,
    coarse: NDArray[np.float32],
    steps: tuple[float, float],
    most_green: float = math.inf,
) -> ChannelPicture:
    """Fill the maps band by band, so that the fine gradients never stand in memory as a whole."""
    rows, cols = coarse.shape[:2]
    planes = yard_planes(coarse)
    yard, whole = density_of_planes(planes), planes[0].size == rows * cols
    dense = min(float(yard[1]), usual_green(planes)) if yard[1] > most_green else 0.0
    contrast = most_green / dense if dense > most_green else 1.0
    maps = np.empty((len(CHANNELS), rows + 2 * PADDING, cols + 2 * PADDING), np.uint8)
    inner = maps[:, PADDING : PADDING + rows, PADDING : PADDING + cols]
    for band in _bands(rows):
        parts = [plane.reshape(rows, cols)[band] for plane in planes] if whole else cv2.split(coarse[band])
        _fill_densities(inner[:6, band], coarse[band], parts, yard, contrast)
        top, bottom = max(BLOCK * band.start - _HALO, 0), min(BLOCK * band.stop + _HALO, BLOCK * rows)
        fine = small[top:bottom] if table is None else cv2.LUT(small[top:bottom], table)
        own = slice(BLOCK * band.start - top, BLOCK * band.stop - top)
        _fill_edges(inner[6:8, band], np.asarray(fine, np.float32), own, yard)
    for number, source in ((8, 3), (9, 5)):
        plane = np.ascontiguousarray(inner[source])
        inner[number] = cv2.blur(plane, (_BOX, _BOX), borderType=cv2.BORDER_REFLECT)
    _mirror_border(maps, rows, cols)
    return ChannelPicture(maps, *steps, float(yard[1]))


def _fill_densities(
    out: NDArray[np.uint8],
    coarse: NDArray[np.float32],
    planes: Sequence[MatLike],
    yard: NDArray[np.float64],
    contrast: float,
) -> None:
    red, green, blue = planes
    out[:3] = cv2.split(_quantised(coarse, contrast * _DENSITY_STEPS))
    step = STAIN_STEPS / yard[1]
    for number, plane, part, zero in ((3, red, 0, _NUCLEAR_ZERO), (4, blue, 2, HAEM_ZERO)):
        lack = -step * yard[part] / yard[1]
        out[number] = cv2.addWeighted(plane, step, green, lack, zero, dtype=cv2.CV_8U)
    out[5] = _quantised(green, step)


def _fill_edges(
    out: NDArray[np.uint8], fine: NDArray[np.float32], own: slice, yard: NDArray[np.float64]
) -> None:
    planes = np.empty((2, *fine.shape[:2]), np.float32)
    cv2.extractChannel(fine, 1, planes[0])
    cv2.addWeighted(cv2.extractChannel(fine, 0), 1.0, planes[0], -yard[0] / yard[1], 0.0, planes[1])
    for number, plane in enumerate(_twice_gradient(planes)):
        out[number] = _quantised(_coarse(plane[own]), 0.5 * _EDGE_STEPS / yard[1])


def _quantised(plane: MatLike, step: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(plane, alpha=step), np.uint8)


def _mirror_border(maps: NDArray[np.uint8], rows: int, cols: int) -> None:
    if min(rows, cols) < PADDING:
        inner = maps[:, PADDING : PADDING + rows, PADDING : PADDING + cols].copy()
        maps[:] = np.pad(inner, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)), mode="symmetric")
        return
    maps[:, :PADDING] = maps[:, 2 * PADDING - 1 : PADDING - 1 : -1]
    maps[:, PADDING + rows :] = maps[:, PADDING + rows - 1 : rows - 1 : -1]
    maps[:, :, :PADDING] = maps[:, :, 2 * PADDING - 1 : PADDING - 1 : -1]
    maps[:, :, PADDING + cols :] = maps[:, :, PADDING + cols - 1 : cols - 1 : -1]


def _twice_gradient(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return twice the gradient magnitude by central differences, the border repeated; planes (K, M, N)."""
    across, down = np.empty_like(planes), np.empty_like(planes)
    np.subtract(planes[:, :, 2:], planes[:, :, :-2], out=across[:, :, 1:-1])
    np.subtract(planes[:, :, 1:2], planes[:, :, :1], out=across[:, :, :1])
    np.subtract(planes[:, :, -1:], planes[:, :, -2:-1], out=across[:, :, -1:])
    np.subtract(planes[:, 2:], planes[:, :-2], out=down[:, 1:-1])
    np.subtract(planes[:, 1], planes[:, 0], out=down[:, 0])
    np.subtract(planes[:, -1], planes[:, -2], out=down[:, -1])
    shape = (-1, planes.shape[2])
    found = cv2.magnitude(across.reshape(shape), down.reshape(shape))
    return np.asarray(found, np.float32).reshape(planes.shape)
