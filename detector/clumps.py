"""Heaps of platelets among the finds: small dark bodies with bare edges, no cytoplasm around them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from detector.channels import PADDING, RED, STAIN, STAIN_STEPS, ChannelPicture
from detector.look import Look
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE, density_table

SURE_LEUKOCYTE = 0.4
"""Finds that score less are checked for being a heap of platelets."""

HEAP_REACH = 1.25
"""Half the side of the square around a find that is looked at, in erythrocyte diameters."""

_SIDE = 50
_PX = _SIDE / (2 * HEAP_REACH)
_EMPTY = 0.3
_DARK_RANK = 0.95
_DARK_SHARE = 0.5
_MAY = 0.5
_NEAR = 1.0
_TOUCHING = 0.6
_LEAST_PART = 12
_LEAST_AREA = 20
_BARE_EDGE = 0.8
_WIDEST = 0.3
_GAPS = 0.1
_EMPTY_GAPS = 0.02


def _from_centre(side: int, unit: float) -> NDArray[np.float64]:
    steps = (np.arange(side) - 0.5 * (side - 1)) / unit
    away: NDArray[np.float64] = np.hypot(steps[:, None], steps)
    return away


_REACH = int(BLOCKS_PER_ERYTHROCYTE * _NEAR)
_CORE = _from_centre(2 * _REACH, BLOCKS_PER_ERYTHROCYTE) < _NEAR
_AWAY = _from_centre(_SIDE, _PX)
_NEAREST, _MIDDLE, _WITHIN = _AWAY < _NEAR, _AWAY < _TOUCHING, _AWAY < _NEAR + 0.2
_SQUARES = {side: np.ones((side, side), np.uint8) for side in (3, 7)}


def lies_in_heap(look: Look, picture: ChannelPicture, point: tuple[float, float]) -> bool:
    """Tell whether a find is a heap of platelets: by a glance at the channels, then by the pixels around it.

    Parameters
    ----------
    look : Look
        The field.
    picture : ChannelPicture
        Its channels for the usual window.
    point : (float, float)
        Row and column of the find in map positions.

    Returns
    -------
    bool
        What `is_heap` says, where `may_be_heap` lets the find come to that.
    """
    if not may_be_heap(picture, point):
        return False
    row, col = point[0] * picture.row_step, point[1] * picture.col_step
    square = look.square(row, col, reach=HEAP_REACH)
    return is_heap(square, look.white, erythrocyte_green=picture.erythrocyte_green)


def may_be_heap(picture: ChannelPicture, point: tuple[float, float]) -> bool:
    """Tell quickly whether a find can be a heap of platelets: about one leukocyte in nine can.

    Parameters
    ----------
    picture : ChannelPicture
        The field.
    point : (float, float)
        Row and column of the find in map positions.

    Returns
    -------
    bool
        Whether more than half of what lies within an erythrocyte diameter and is not dark is empty slide.
    """
    (row, col), reach = (round(place) + PADDING for place in point), _REACH
    near = picture.maps[:, row - reach : row + reach, col - reach : col + reach]
    red = near[RED][_CORE]
    pale = red <= _DARK_SHARE * _ranked(red.copy())
    empty = near[STAIN][_CORE] < _EMPTY * STAIN_STEPS
    return bool(np.count_nonzero(empty & pale) > _MAY * np.count_nonzero(pale))


def is_heap(window: RGBImage, white: WhitePoint, *, erythrocyte_green: float) -> bool:
    """Tell whether the square around a find shows a heap of platelets.

    Parameters
    ----------
    window : ndarray of shape (S, S, 3), uint8
        RGB pixels, `HEAP_REACH` erythrocyte diameters from the find to each side.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_green : float
        Green optical density of the field's erythrocytes, above 0.

    Returns
    -------
    bool
        True where the dark bodies in the middle (red density above half of the darkest) have an edge of which
        more than 80 % borders on empty slide, are nowhere wider than 0.6 erythrocyte diameters, and leave at
        least a tenth of their convex hull free, a fiftieth of it empty. Leukocytes have cytoplasm around the
        lobes of their nuclei, or a broad nucleus.
    """
    table = density_table(white)
    dark = _middle_bodies(_density(window, 0, table))
    if np.count_nonzero(dark) < _LEAST_AREA:
        return False
    if cv2.distanceTransform(dark, cv2.DIST_L2, 3).max() >= _WIDEST * _PX:
        return False
    empty = _density(window, 1, table) < _EMPTY * erythrocyte_green
    edge = (cv2.dilate(dark, _SQUARES[7]) > 0) & (cv2.dilate(dark, _SQUARES[3]) == 0)
    if np.count_nonzero(edge & empty) <= _BARE_EDGE * np.count_nonzero(edge):
        return False
    hull = np.zeros_like(dark)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.argwhere(dark)[:, ::-1].astype(np.int32)), 1)
    free, area = (hull > dark), np.count_nonzero(hull)
    gaps, holes = np.count_nonzero(free), np.count_nonzero(free & empty)
    return bool(gaps > _GAPS * area and holes >= _EMPTY_GAPS * area)


def _density(window: RGBImage, channel: int, table: NDArray[np.float32]) -> NDArray[np.float32]:
    method = cv2.INTER_AREA if len(window) >= _SIDE else cv2.INTER_LINEAR
    small = cv2.resize(cv2.extractChannel(window, channel), (_SIDE, _SIDE), interpolation=method)
    return np.asarray(cv2.LUT(small, table[..., channel].copy()), np.float32)


def _middle_bodies(red: NDArray[np.float32]) -> NDArray[np.uint8]:
    bound = _DARK_SHARE * _ranked(red[_NEAREST])
    dark = ((red > bound) & _WITHIN).astype(np.uint8)
    count, label = cv2.connectedComponents(dark)
    middle = np.bincount(label[_MIDDLE], minlength=count) > 0
    kept = middle & (np.bincount(label.ravel()) >= _LEAST_PART)
    kept[0] = False
    return np.asarray(kept.view(np.uint8)[label])


def _ranked(values: NDArray[np.generic]) -> float:
    rank = int(_DARK_RANK * (len(values) - 1))
    values.partition(rank)
    return float(values[rank])
