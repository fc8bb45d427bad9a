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
    density : ndarray of shape (112, 112, 3), float32
        Optical density against the white point.
    lab : ndarray of shape (112, 112, 3), float32
        CIE L*a*b* of the crop with the white point brought to white.
    nucleus, cell, cytoplasm, surround : ndarray of shape (112, 112), bool
        Nucleus; cell; cell without nucleus and a rim of 1 px around it; stained pixels outside the cell, 2 px
        away at least. ``cytoplasm`` is the outermost part of the cell where hardly any is free;
        ``surround`` may be empty.
    nucleus_depth, cell_depth : ndarray of shape (112, 112), float32
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
    surround: Mask
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
    density = optical_density(crop, white)
    from_nucleus = _distance(~nucleus)
    cell_depth = _distance(cell)
    segments, areas = _segments(nucleus)
    return Region(
        density=density,
        lab=_lab(crop, white),
        nucleus=nucleus,
        cell=cell,
        cytoplasm=_cytoplasm(cell, from_nucleus, cell_depth),
        surround=(_distance(~cell) > 2) & (density.sum(axis=2) > _SURROUND_DENSITY),
        nucleus_depth=_distance(nucleus),
        cell_depth=cell_depth,
        segments=segments,
        segment_areas=areas,
        outline=_outlines(cell)[0],
    )


def _distance(mask: Mask) -> NDArray[np.float32]:
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
