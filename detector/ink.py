"""Ink drawn into a photograph: labels, arrows, frames and grids in pure colours that no stained blood has."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import Detection, Field, Finding, RGBImage, WhitePoint
from cells.units import ERYTHROCYTE_UM, WINDOW_UM

SATURATED = 215
"""Least difference between the largest and the smallest of R, G, B of a saturated ink, of 255."""

BLACK = 20
"""Largest of R, G, B of a black ink."""

TOUCHING_SHARE = 0.02
"""Share of ink in the square around a find from which on the find is said to be touched by ink."""

HIDING_SHARE = 0.5
"""Share of ink in a square as wide as an erythrocyte from which on it may hide a cell."""

DULL_SHARE = 0.02
"""Share of the window around a find that one exact colour fills from which on it may be ink."""

Ink = tuple[int, int, int]
"""Colour of an ink, R, G, B."""

_DULL_COLOUR = 100
_DULL_LEAST = 45
_DULL_TOLERANCE = 24
_SAMPLES = 15
_FRINGE = 120
_FRINGE_SIDE = 9
_EDGE_SIDE = 5
_FILL_RADIUS = 0.15
_FILL_LEAST = 0.1
_BAND_ROWS = 256


def may_hold_ink(image: RGBImage) -> bool:
    """Tell quickly whether pixels can hold ink at all; a field without any pays no more than this.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels, C-contiguous.

    Returns
    -------
    bool
        Whether two values that follow one another in memory (R and G, G and B, B and the next pixel's R) are
        as far apart as those of saturated ink, or both as dark as those of black ink.
    """
    values = image.reshape(len(image), -1)
    least = int(values.min(initial=255))
    if least > 255 - SATURATED:
        return False
    left, right = values[:, :-1], values[:, 1:]
    if cv2.norm(left, right, cv2.NORM_INF) >= SATURATED:
        return True
    return least <= BLACK and bool(cv2.max(left, right).min() <= BLACK)


def dull_inks(image: RGBImage, finds: Sequence[Detection], *, erythrocyte_px: float) -> tuple[Ink, ...]:
    """Tell inks as dull as stain by the windows around finds: hundreds of their pixels have one exact colour.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; may be a ``numpy.memmap``, of which only the windows are read.
    finds : sequence of Detection
        What the detector found.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    tuple of (int, int, int)
        The colours, each once, in the order of the finds: those that fill `DULL_SHARE` of the window around a
        find, with a channel of at most 45 of 255 and another at least 100 above it. No more than 0.8 % of a
        window around 1,125 published leukocytes has one exact colour. Saturated inks are left to `find_ink`.
    """
    reach = 0.5 * float(WINDOW_UM / ERYTHROCYTE_UM) * erythrocyte_px
    inks: dict[Ink, None] = {}
    for find in finds:
        rows, cols = _around(find, reach)
        step = max(round(erythrocyte_px / _SAMPLES), 1)
        window = np.ascontiguousarray(image[rows, cols][::step, ::step])
        if window.min(initial=255) <= _DULL_LEAST:
            inks |= dict.fromkeys(_single_colour(window))
    return tuple(inks)


def _single_colour(window: RGBImage) -> list[Ink]:
    red, green, blue = cv2.split(window)
    least = cv2.min(cv2.min(red, green), blue)
    colour = np.asarray(cv2.subtract(cv2.max(cv2.max(red, green), blue), least))
    dull = (np.asarray(least) <= _DULL_LEAST) & (colour >= _DULL_COLOUR) & (colour < SATURATED)
    fewest, count = DULL_SHARE * dull.size, np.count_nonzero(dull)
    if count < fewest:
        return []
    codes = np.asarray(cv2.cvtColor(window, cv2.COLOR_RGB2BGRA)).view("<u4").reshape(dull.shape)[dull]
    codes.sort()
    apart = max(int(np.ceil(fewest)) - 1, 0)
    if not np.count_nonzero(codes[: count - apart] == codes[apart:]):
        return []
    known, counts = np.unique(codes, return_counts=True)
    best = int(counts.argmax())
    if counts[best] < fewest:
        return []
    code = int(known[best])
    return [(code >> 16 & 255, code >> 8 & 255, code & 255)]


def find_ink(image: RGBImage, *, inks: Sequence[Ink] = ()) -> NDArray[np.uint8]:
    """Tell the pixels of drawn ink and the rim of its strokes.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    inks : sequence of (int, int, int), optional
        Colours of further inks, from `dull_inks`.

    Returns
    -------
    ndarray of shape (M, N), uint8
        255 for ink, else 0. Ink is what is saturated (`SATURATED`) or black together with its eight
        neighbours (`BLACK`), or within 24 levels of one of ``inks``; its rim is what lies within 2 px of it,
        and what within 4 px is still strongly
        coloured: strokes are blended with the picture at their edges, and JPEG smears their colour. White and
        grey ink, which look like empty slide and shade, are not told, nor are dull colours not given.
    """
    red, green, blue = cv2.split(np.ascontiguousarray(image))
    most = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
    colour = most - np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    fringe = min([_FRINGE, *((max(ink) - min(ink)) // 2 for ink in inks)])
    saturated, strong = ((colour >= least).view(np.uint8) for least in (SATURATED, fringe))
    black = (cv2.dilate(most, _square(3)) <= BLACK).view(np.uint8)
    ink = cv2.bitwise_or(saturated, cv2.dilate(black, _square(3)))
    for known in inks:
        low, high = (np.clip(np.add(known, step), 0, 255) for step in (-_DULL_TOLERANCE, _DULL_TOLERANCE))
        ink = cv2.bitwise_or(ink, cv2.inRange(image, low, high) // 255)
    rim = cv2.bitwise_and(cv2.dilate(ink, _square(_FRINGE_SIDE)), strong)
    return 255 * np.asarray(cv2.bitwise_or(cv2.dilate(ink, _square(_EDGE_SIDE)), rim), np.uint8)


def rows_without_ink(
    image: RGBImage, rows: slice, *, white: WhitePoint, erythrocyte_px: float, inks: Sequence[Ink] = ()
) -> RGBImage:
    """Read rows of a field with the ink taken out of them.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; may be a ``numpy.memmap``, of which only these rows and some around them are read.
    rows : slice
        First row and the one after the last.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.
    inks : sequence of (int, int, int), optional
        Colours of further inks, from `dull_inks`.

    Returns
    -------
    ndarray of shape (rows, N, 3), uint8
        The pixels as they are where there is no ink. Ink has the mean of what is no ink within 0.15
        erythrocyte diameters down and across, so that a thin line closes, and the colour of the empty slide
        where that square is full of ink. Rows do not depend on which others are read with them.
    """
    radius = max(1, round(_FILL_RADIUS * erythrocyte_px))
    halo = radius + _FRINGE_SIDE // 2 + 2
    top, bottom = max(rows.start - halo, 0), min(rows.stop + halo, len(image))
    pixels = np.ascontiguousarray(image[top:bottom])
    own = slice(rows.start - top, rows.stop - top)
    if not inks and not may_hold_ink(pixels):
        return pixels[own]
    ink = find_ink(pixels, inks=inks)
    cleaned = pixels[own].copy()
    for first in range(own.start, own.stop, _BAND_ROWS):
        band = slice(first, min(first + _BAND_ROWS, own.stop))
        if ink[band].any():
            part = slice(max(band.start - radius, 0), band.stop + radius)
            filled = _filled(pixels[part], ink[part], white, radius)
            inner = slice(band.start - part.start, band.stop - part.start)
            cleaned[band.start - own.start : band.stop - own.start] = filled[inner]
    return cleaned


def _filled(pixels: RGBImage, ink: NDArray[np.uint8], white: WhitePoint, radius: int) -> NDArray[np.uint8]:
    kept = (ink == 0).astype(np.float32)
    side = (2 * radius + 1, 2 * radius + 1)
    weight, total = (
        np.asarray(cv2.boxFilter(plane, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT))
        for plane in (kept, pixels * kept[..., None])
    )
    weight = weight[..., None]
    near = weight >= _FILL_LEAST * side[0] * side[1]
    mean = np.where(near, total / np.maximum(weight, 1.0), white.astype(np.float32))
    return np.where(ink[..., None] > 0, np.rint(mean), pixels).astype(np.uint8)


def _square(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def remark_on_ink(field: Field, finds: Sequence[Detection], *, erythrocyte_px: float) -> list[Finding]:
    """Say where ink touches a find, or covers so much that it may hide a cell.

    Parameters
    ----------
    field : Field
        The field.
    finds : sequence of Detection
        What the detector found in it.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    list of Finding
        Code ``ink_over_cells`` (warning; its value is the number of finds whose square holds at least
        `TOUCHING_SHARE` of ink), else ``ink_over_field`` (info; its value is the share of the field under
        ink) where ink fills `HIDING_SHARE` of a square as wide as an erythrocyte; empty without either.
    """
    inks = dull_inks(field.image, finds, erythrocyte_px=erythrocyte_px)
    if not inks and not may_hold_ink(np.ascontiguousarray(field.image)):
        return []
    ink = find_ink(field.image, inks=inks)
    touched = sum(_share(ink, find) >= TOUCHING_SHARE for find in finds)
    if touched:
        return [Finding("ink_over_cells", "warning", field.name, float(touched))]
    side = min(max(1, round(erythrocyte_px)), *ink.shape)
    if cv2.blur(ink, (side, side), borderType=cv2.BORDER_REFLECT).max() >= HIDING_SHARE * 255:
        return [Finding("ink_over_field", "info", field.name, float(np.count_nonzero(ink) / ink.size))]
    return []


def _share(ink: NDArray[np.uint8], find: Detection) -> float:
    square = ink[_around(find, 0.5 * find.diameter_px)]
    return float(np.count_nonzero(square) / max(square.size, 1))


def _around(find: Detection, reach: float) -> tuple[slice, slice]:
    rows, cols = (
        slice(max(round(place - reach), 0), max(round(place + reach) + 1, 1))
        for place in (find.row, find.col)
    )
    return rows, cols
