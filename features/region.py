"""What all families of measures share: the cell taken apart into densities, masks and outlines."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_PX, CROP_UM
from features.segmentation import Mask, Masks
from slides.optics import optical_density

UM_PER_PX = CROP_UM / CROP_PX
"""Pixel size of a crop, µm per px."""

_MARGIN_PX = 14
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_MIN_REGION_PX = 12
_SURROUND_DENSITY = 0.15


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature vector.

    Parameters
    ----------
    name : str
        Identifier, lower case.
    formula : str
        How it is computed.
    unit : str
        ``µm``, ``µm²``, ``OD``, ``rad``, ``count`` or ``ratio``.
    meaning : str
        What a morphologist reads from it.
    source : str
        Publication or ``this project``.
    """

    name: str
    formula: str
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A crop with its masks, prepared for measuring.

    Parameters
    ----------
    density : ndarray of shape (M, N, 3), float32
        Optical density against the white point, in the window around the cell that all arrays share.
    lab : ndarray of shape (M, N, 3), float32
        CIE L*a*b* of the window with the white point brought to white.
    nucleus, cell, cytoplasm : ndarray of shape (M, N), bool
        Nucleus; cell; cell without nucleus and a rim of 1 px around it, or the outermost part of the cell
        where hardly any is free.
    surround : ndarray of shape (K, 3), float32
        Densities of the stained pixels of the whole crop that lie outside the cell, 2 px away at least; K may
        be 0.
    surround_share : float
        K over the number of pixels outside the cell.
    from_nucleus : ndarray of shape (M, N), float32
        Distance of each pixel to the nucleus, px.
    nucleus_depth, cell_depth : ndarray of shape (M, N), float32
        Distance of each pixel of the nucleus (cell) to the nearest pixel outside it, px.
    segments : tuple of ndarray of shape (K, 1, 2), int32
        Outlines of the nuclear segments, largest first, as ``cv2.findContours`` gives them.
    segment_areas : ndarray of shape (S,), float64
        Areas of the segments in pixels, in the same order.
    outline : ndarray of shape (K, 1, 2), int32
        Outline of the cell.
    """

    density: NDArray[np.float32]
    lab: NDArray[np.float32]
    nucleus: Mask
    cell: Mask
    cytoplasm: Mask
    surround: NDArray[np.float32]
    surround_share: float
    from_nucleus: NDArray[np.float32]
    nucleus_depth: NDArray[np.float32]
    cell_depth: NDArray[np.float32]
    segments: tuple[NDArray[np.int32], ...]
    segment_areas: NDArray[np.float64]
    outline: NDArray[np.int32]


def prepare(crop: RGBImage, masks: Masks, white: WhitePoint) -> Region:
    """Take a crop apart for measuring.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm.
    masks : Masks
        Its nucleus and cell; neither may be empty.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.

    Returns
    -------
    Region

    Raises
    ------
    UsageError
        Where shapes differ, a mask is empty, or the nucleus reaches out of the cell.
    """
    nucleus, cell = masks.nucleus, masks.cell
    if not crop.shape[:2] == nucleus.shape == cell.shape == (CROP_PX, CROP_PX):
        raise UsageError("measure: crop and masks must measure 112 by 112 px; cut the crop with cut_cell")
    if not nucleus.any() or (nucleus & ~cell).any():
        raise UsageError("measure: the nucleus is empty or outside the cell; take the masks from segment")
    window = _window(cell)
    density = optical_density(crop, white)
    surround = _outside(cell) & (_sum(density) > _SURROUND_DENSITY)
    outside = cell.size - int(np.count_nonzero(cell))
    share = int(np.count_nonzero(surround)) / max(outside, 1)
    nucleus, cell = np.ascontiguousarray(nucleus[window]), np.ascontiguousarray(cell[window])
    from_nucleus, cell_depth = _distance(~nucleus, border=False), _distance(cell)
    segments, areas = _segments(nucleus)
    return Region(
        density=np.ascontiguousarray(density[window]),
        lab=_lab(crop[window], white),
        nucleus=nucleus,
        cell=cell,
        cytoplasm=_cytoplasm(cell, from_nucleus, cell_depth),
        surround=density[surround],
        surround_share=share,
        from_nucleus=from_nucleus,
        nucleus_depth=_distance(nucleus),
        cell_depth=cell_depth,
        segments=segments,
        segment_areas=areas,
        outline=_outlines(cell)[0],
    )


def quantiles(values: NDArray[np.floating], shares: tuple[float, ...]) -> list[float]:
    """Return quantiles with linear interpolation, as ``numpy.quantile`` does, faster for few values.

    Parameters
    ----------
    values : ndarray of shape (N,), float
        At least one finite value.
    shares : tuple of float
        0 to 1.

    Returns
    -------
    list of float
        One for each share.
    """
    ordered = np.sort(values)
    last = len(ordered) - 1
    found = []
    for share in shares:
        place = share * last
        low = int(place)
        high = min(low + 1, last)
        found.append(float(ordered[low]) + (place - low) * float(ordered[high] - ordered[low]))
    return found


def _window(cell: Mask) -> tuple[slice, slice]:
    rows, cols = (np.flatnonzero(cell.any(axis=axis)) for axis in (1, 0))
    first_row, first_col = max(0, int(rows[0]) - _MARGIN_PX), max(0, int(cols[0]) - _MARGIN_PX)
    return slice(first_row, int(rows[-1]) + 1 + _MARGIN_PX), slice(first_col, int(cols[-1]) + 1 + _MARGIN_PX)


def _outside(cell: Mask) -> Mask:
    return np.asarray(cv2.dilate(cell.astype(np.uint8), _DISC) == 0)


def _sum(density: NDArray[np.float32]) -> NDArray[np.float32]:
    return density[..., 0] + density[..., 1] + density[..., 2]


def _distance(mask: Mask, *, border: bool = True) -> NDArray[np.float32]:
    if not border:
        away = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return np.asarray(away, np.float32)
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(inside[1:-1, 1:-1], np.float32)


def _cytoplasm(cell: Mask, from_nucleus: NDArray[np.float32], cell_depth: NDArray[np.float32]) -> Mask:
    free = cell & (from_nucleus > 1.5) & (cell_depth > 1)
    if np.count_nonzero(free) >= _MIN_REGION_PX:
        return free
    free = cell & (from_nucleus > 0)
    if np.count_nonzero(free) >= _MIN_REGION_PX:
        return free
    return cell & (cell_depth <= 2)


def _lab(crop: RGBImage, white: WhitePoint) -> NDArray[np.float32]:
    levels = np.arange(256, dtype=np.float64)[:, None] / white
    table = np.rint(255 * np.minimum(levels, 1)).astype(np.uint8)[None]
    balanced = cv2.LUT(np.ascontiguousarray(crop), np.ascontiguousarray(table))
    scaled = np.asarray(balanced, np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def _outlines(mask: Mask) -> list[NDArray[np.int32]]:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contours = [np.asarray(contour, np.int32).reshape(-1, 1, 2) for contour in found]
    return sorted(contours, key=len, reverse=True)


def _segments(nucleus: Mask) -> tuple[tuple[NDArray[np.int32], ...], NDArray[np.float64]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(nucleus.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    order = np.argsort(-areas, kind="stable")
    outlines = tuple(_outlines(np.asarray(labels == 1 + k))[0] for k in order)
    return outlines, areas[order]
