"""The lamp of a photograph made even, and what is no field blanked: the dark of an eyepiece, margins."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import LitArea, RGBImage
from slides.margins import Part, within_margins
from slides.optics import reduced

MOST_FALL = 0.2
"""Largest fall of the lamp's light over a field, 0 to 1, that is left as it is."""

_CORNERS = ((0, 0), (0, -1), (-1, 0), (-1, -1))
_CORNER_SHARE = 0.02
_BLACK = 80
_DARK_CORNERS = 2
_DARK = 0.3
_DIM = 0.6
_LEAST_DARK = 0.02
_LEAST_LIT = 0.1
_NARROW = 0.04
_RIM = 0.015
_COLOUR = 0.05
_FIT_SIDE = 96
_FEWEST = 60
_TILES = 4
_TILE_SHARE = 0.02
_LEAST_TILES = 12
_FITS = 8
_BELOW = 0.02
_WEIGHT_BELOW = 0.05
_LEAST_LIGHT = 0.25
_LOGARITHMS = np.log(np.maximum(np.arange(256), 1)).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Lighting:
    """A photograph as an even lamp would show it.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels, read-only: those given, where nothing was to be done.
    fall : float
        How much less light the empty slide has where it is darkest than where it is brightest, 0 to 1;
        0 where that was not to be made even.
    lit : ndarray of shape (H, W), bool, or None
        The photograph reduced to at most 256 px a side, True where it is lit; None where it is lit all over.
    """

    image: RGBImage
    fall: float = 0.0
    lit: LitArea | None = None


def even_lamp(image: RGBImage) -> Lighting:
    """Make the lamp of a photograph even where it is not, and blank the dark or the margins around it.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.

    Returns
    -------
    Lighting
        The lamp is a polynomial of second degree in row and column. It is fitted to the logarithm of green
        where the colour, whatever the brightness, is that of the empty slide within 5 %, with little weight
        for what is darker than the fit. Pixels are divided by it where its light falls by more than
        `MOST_FALL`, if 12 of 16 tiles show empty slide. Dark is what leads to at least two black corners and
        has in its brightest channel under 30 % of what is bright in the picture (erythrocytes hardly absorb
        red). The lit part is the convex hull of what then has at least 60 % of the light, less a rim of 1.5 %
        of the longer side; within margins (`slides.margins`) it is what they leave. Around it the picture is
        made the colour of the empty slide.

    References
    ----------
    Peng et al. 2017, doi 10.1038/ncomms14836 (BaSiC) and the polynomial shading corrections that it is held
    against. Differs from them in telling the empty slide by its colour, so that one field is enough.
    """
    small = reduced(image)
    part = within_margins(image)
    rough = _lit_roughly(image, small) if part is None else _inside(part, image.shape, small.shape)
    if rough is not None and rough.mean() < _LEAST_LIT:
        rough = None
    lamp, fall = _lamp(small, rough)
    lit = rough if rough is None or part is not None else _lit_part(small, rough, lamp)
    if lamp is None and lit is None:
        return Lighting(image)
    changed = np.array(image) if lamp is None else _divided(image, lamp)
    if lit is not None:
        _blank(changed, lit)
    changed.setflags(write=False)
    return Lighting(changed, fall, lit)


def _inside(part: Part, shape: tuple[int, ...], reduced: tuple[int, ...]) -> LitArea:
    """Return a mask of the reduced picture, True where nothing but that part is seen."""
    inside = np.zeros(reduced[:2], np.bool_)
    down, across = reduced[0] / shape[0], reduced[1] / shape[1]
    rows = slice(int(np.ceil(part.top * down)), int(part.bottom * down))
    inside[rows, int(np.ceil(part.left * across)) : int(part.right * across)] = True
    return inside


def _lit_roughly(image: RGBImage, small: RGBImage) -> LitArea | None:
    """Return what does not lead to a black corner, or None where nothing does."""
    if sum(_is_black(image, corner) for corner in _CORNERS) < _DARK_CORNERS:
        return None
    bright = small.max(axis=2)
    dim = bright < _DARK * float(np.quantile(bright, 0.9))
    _, parts = cv2.connectedComponents(dim.astype(np.uint8), connectivity=4)
    corners = [int(parts[corner]) for corner in _CORNERS if dim[corner]]
    if len(corners) < _DARK_CORNERS:
        return None
    dark = np.isin(parts, corners)
    side = max(dark.shape)
    lit = ~_grown(_opened(dark, _NARROW * side), _RIM * side)
    return lit if dark.mean() >= _LEAST_DARK else None


def _is_black(image: RGBImage, corner: tuple[int, int]) -> bool:
    rows, cols = (max(1, round(_CORNER_SHARE * side)) for side in image.shape[:2])
    part = image[(slice(rows) if corner[0] == 0 else slice(-rows, None))]
    part = part[:, (slice(cols) if corner[1] == 0 else slice(-cols, None))]
    return bool(part.max(axis=2).mean() < _BLACK)


def _lamp(small: RGBImage, lit: LitArea | None) -> tuple[NDArray[np.float64] | None, float]:
    """Fit the light of the empty slide, 1 at its brightest, over the reduced picture; and tell its fall.

    The fit takes every n-th row and column. The light is None where it falls too little to be made even.
    """
    step = max(1, max(small.shape[:2]) // _FIT_SIDE)
    levels = _LOGARITHMS[small[::step, ::step]]
    inside = np.ones(levels.shape[:2], np.bool_) if lit is None else lit[::step, ::step]
    if not inside.any():
        return None, 0.0
    green = levels[..., 1]
    bright = inside & (green >= np.quantile(green[inside], 0.95))
    colours = levels[..., ::2] - green[..., None]
    empty = inside & (np.abs(colours - np.median(colours[bright], axis=0)) < _COLOUR).all(axis=2)
    if np.count_nonzero(empty) < _FEWEST or (lit is None and not _seen_all_over(empty)):
        return None, 0.0
    design, values = _terms(small.shape)[::step, ::step][empty], green[empty]
    weights = np.ones(len(values))
    for _ in range(_FITS):
        weighted = design * weights[:, None]
        fitted = np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0]
        light = design @ fitted
        weights = np.where(values < light - _BELOW, _WEIGHT_BELOW, 1.0)
    least, most = np.quantile(light, (0.005, 0.995))
    fall = float(1.0 - np.exp(least - most))
    if fall <= MOST_FALL:
        return None, 0.0
    lamp: NDArray[np.float64] = np.exp(
        np.clip(_terms(small.shape) @ fitted - most, np.log(_LEAST_LIGHT), None)
    )
    return lamp, fall


def _seen_all_over(empty: NDArray[np.bool_]) -> bool:
    tiles = [tile for rows in np.array_split(empty, _TILES) for tile in np.array_split(rows, _TILES, axis=1)]
    return sum(tile.size > 0 and bool(tile.mean() > _TILE_SHARE) for tile in tiles) >= _LEAST_TILES


@lru_cache(maxsize=8)
def _terms(shape: tuple[int, ...]) -> NDArray[np.float64]:
    down, across = (np.linspace(-1.0, 1.0, side) for side in shape[:2])
    rows, cols = np.meshgrid(down, across, indexing="ij")
    return np.stack([np.ones_like(rows), rows, cols, rows**2, cols**2, rows * cols], axis=-1)


def _lit_part(small: RGBImage, rough: LitArea, lamp: NDArray[np.float64] | None) -> LitArea | None:
    even = small.max(axis=2) / (1.0 if lamp is None else lamp)
    side = max(rough.shape)
    lit = rough & (even >= _DIM * float(np.quantile(even[rough], 0.9)))
    lit = ~_grown(~_hull(_opened(lit, _NARROW * side)), _RIM * side)
    return lit if lit.mean() >= _LEAST_LIT else None


def _divided(image: RGBImage, lamp: NDArray[np.float64]) -> RGBImage:
    gain = cv2.resize((1.0 / lamp).astype(np.float32), (image.shape[1], image.shape[0]))
    even = np.empty(image.shape, np.uint8)
    for row in range(len(image)):
        even[row] = np.clip(np.rint(image[row] * gain[row, :, None]), 0, 255)
    return even


def _blank(image: RGBImage, lit: LitArea) -> None:
    size = (image.shape[1], image.shape[0])
    inside = cv2.resize(lit.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    pixels = image[inside][:: max(1, np.count_nonzero(inside) // 100_000)]
    brightest = pixels[pixels[:, 1] >= np.quantile(pixels[:, 1], 0.95)]
    image[~inside] = np.rint(np.median(brightest, axis=0))


def _opened(mask: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Take narrow outgrowths from a mask, which goes on beyond the picture."""
    disc = _disc(width)
    reach = len(disc)
    wide = np.pad(mask, reach, mode="edge").astype(np.uint8)
    opened = cv2.morphologyEx(wide, cv2.MORPH_OPEN, disc)[reach:-reach, reach:-reach]
    return np.asarray(opened > 0, np.bool_)


def _grown(mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disc(2 * reach)) > 0, np.bool_)


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    filled = np.zeros(mask.shape, np.uint8)
    if mask.any():
        points = np.argwhere(mask)[:, ::-1].astype(np.int32)
        cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return np.asarray(filled > 0, np.bool_)


def _disc(width: float) -> NDArray[np.uint8]:
    side = 2 * int(0.5 * width) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
