"""Nucleus and cell of a crop, by stain-adaptive thresholds and a contour of most evidence.

1. Nuclear stain is ``red + green - blue`` optical density, near 0 in erythrocytes, less its level among the
   erythrocytes around, and in units of the nucleus's own level. Otsu's threshold gives the first nucleus:
   the component nearest the middle and its near neighbours, the lobes.
2. Each point of a polar grid around it gets the log odds of cell against background and erythrocyte, from
   Gaussian models of density and roughness that the crop itself gives. The closed contour that gathers the
   most of them, and edges, is the cell; being smooth, it leaves touching neighbours out.
3. Otsu's threshold inside the cell gives the nucleus.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_PX
from features.contours import ANGLES, RADII, RADIUS, best_contour, fill_contour, polar
from features.thresholds import otsu
from slides.optics import optical_density

Mask = NDArray[np.bool_]
_Bits = NDArray[np.uint8]
_Density = NDArray[np.float32]

_MIDDLE = (CROP_PX - 1) / 2
_AXIS = np.arange(CROP_PX, dtype=np.float32) - np.float32(_MIDDLE)
_FROM_MIDDLE = np.hypot(_AXIS[:, None], _AXIS[None]).astype(np.float32)
_CENTRAL = _FROM_MIDDLE < 46
_OUTER = _FROM_MIDDLE > 42
_NEARNESS = np.exp(-((_FROM_MIDDLE / 30) ** 2) / 2)
_SMALL_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))

_STEEPNESS, _STEEPNESS_INSIDE = 1.0, 0.4
_JOIN_PX, _LOBE_RANGE_PX, _MIN_LOBE_PX = 13.0, 32.0, 25
_FALLBACK_RADIUS_PX = 12.0
_MIN_MODEL_PX = 100
_VARIANCE = 0.03**2 * np.eye(4)
_DEFAULT_CYTOPLASM = np.array([0.15, 0.25, 0.1, 0.02])
_ODDS_LIMIT, _POINT_LIMIT = 2.0, 2.5
_STIFFNESS, _EDGE_GAIN, _EDGE_FULL = 1.2, 2.0, 0.25


class Quality(StrEnum):
    """How far the masks of a crop can be trusted."""

    GOOD = "good"
    AT_BORDER = "at_border"
    """The cell reaches the edge of the crop."""
    NO_NUCLEUS = "no_nucleus"
    """No nuclear stain stood out near the middle: the nucleus started from a disc of 12 px radius."""
    UNCERTAIN = "uncertain"
    """The network's own probabilities leave much of the cell in doubt."""
    FALLBACK = "fallback"
    """The network saw no cell near the middle: the masks are those of the classical route."""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Nucleus and whole cell of one crop.

    Parameters
    ----------
    nucleus : ndarray of shape (112, 112), bool
        The nucleus with all its lobes; never empty; inside ``cell``.
    cell : ndarray of shape (112, 112), bool
        The whole cell, nucleus included.
    quality : Quality
        How far they can be trusted.
    """

    nucleus: Mask
    cell: Mask
    quality: Quality


def segment(crop: RGBImage, white: WhitePoint) -> Masks:
    """Find nucleus and cell in a crop; every crop gets masks.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm with the cell in the middle.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.

    Returns
    -------
    Masks
        Nucleus, cell and their quality.

    Raises
    ------
    UsageError
        Where the crop has another shape.

    References
    ----------
    Otsu 1979, doi 10.1109/TSMC.1979.4310076, for the thresholds.
    """
    if crop.shape != (CROP_PX, CROP_PX, 3):
        raise UsageError(
            f"segment: a crop of shape {crop.shape}; bring it to (112, 112, 3) with normalise_crop"
        )
    density = np.asarray(cv2.GaussianBlur(optical_density(crop, white), (0, 0), 1.0), np.float32)
    stain = _nuclear_stain(density)
    level = 1 - np.power(np.float32(10), -_STEEPNESS * stain)
    threshold = otsu(level[_CENTRAL])
    nucleus = _central_nucleus((level > threshold).astype(np.uint8))
    quality = Quality.GOOD
    if nucleus is None:
        nucleus = (_FROM_MIDDLE < _FALLBACK_RADIUS_PX).astype(np.uint8)
        quality = Quality.NO_NUCLEUS
    cell = _cell(density, level < threshold, nucleus)
    nucleus = _nucleus_inside(stain, 1 - (1 - threshold) ** (_STEEPNESS_INSIDE / _STEEPNESS), cell, nucleus)
    if quality is Quality.GOOD and (cell[0].any() or cell[-1].any() or cell[:, 0].any() or cell[:, -1].any()):
        quality = Quality.AT_BORDER
    return Masks(nucleus.astype(bool), cell.astype(bool), quality)


def _nuclear_stain(density: _Density) -> _Density:
    purple = density[..., 0] + density[..., 1] - density[..., 2]
    ground = min(np.percentile(purple[_OUTER], 80), 0.5 * np.percentile(purple[_CENTRAL], 92))
    raised = np.maximum(purple - np.float32(max(ground, 0.0)), 0)
    central = raised[_CENTRAL]
    core = central[central > otsu(central)]
    unit = max(float(np.median(core)), 0.05) if core.size else 1.0
    return np.asarray(raised / np.float32(unit), np.float32)


def _central_nucleus(mask: _Bits) -> _Bits | None:
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _SMALL_DISC), np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count == 1:
        return None
    flat = labels.ravel()
    weight = np.bincount(flat, weights=_NEARNESS.ravel(), minlength=count)
    weight[0] = 0
    chosen = np.zeros(count, bool)
    chosen[int(np.argmax(weight))] = True
    near = np.hypot(centres[:, 0] - _MIDDLE, centres[:, 1] - _MIDDLE) < _LOBE_RANGE_PX
    near &= stats[:, cv2.CC_STAT_AREA] >= _MIN_LOBE_PX
    near[0] = False
    while (near & ~chosen).any():
        gap = cv2.distanceTransform((~chosen[labels]).astype(np.uint8), cv2.DIST_L2, 3).ravel()
        joined = [k for k in np.flatnonzero(near & ~chosen) if gap[flat == k].min() < _JOIN_PX]
        if not joined:
            break
        chosen[joined] = True
    return np.asarray(chosen[labels], np.uint8)


def _cell(density: _Density, not_nuclear: Mask, nucleus: _Bits) -> _Bits:
    hull = np.zeros_like(nucleus)
    cv2.fillConvexPoly(hull, cv2.convexHull(cv2.findNonZero(nucleus)), 1.0)
    moments = cv2.moments(hull, True)
    centre = (
        0.7 * moments["m01"] / moments["m00"] + 0.3 * _MIDDLE,
        0.7 * moments["m10"] / moments["m00"] + 0.3 * _MIDDLE,
    )
    from_hull = np.asarray(cv2.distanceTransform(1 - hull, cv2.DIST_L2, 5), np.float32)
    from_nucleus = np.asarray(cv2.distanceTransform(1 - nucleus, cv2.DIST_L2, 5), np.float32)
    points = np.dstack([density, _roughness(density[..., 1])])
    total = density.sum(axis=2)
    others = _other_models(points, total, not_nuclear, (from_hull > 20) & (_FROM_MIDDLE > 36))
    grid = polar(points, centre).reshape(-1, 4)
    elsewhere = np.maximum.reduce([_log_normal(grid, *model) for model in others])
    where = polar(np.dstack([from_hull, from_nucleus, _FROM_MIDDLE, total]), centre)
    radii = _contour(grid, np.maximum(elsewhere, -30), where)
    return np.maximum(fill_contour(radii, centre, (CROP_PX, CROP_PX)), nucleus)


def _roughness(green: _Density) -> _Density:
    mean = cv2.GaussianBlur(green, (0, 0), 2.0)
    variance = cv2.GaussianBlur(green * green, (0, 0), 2.0) - mean * mean
    return np.asarray(0.3 * np.sqrt(np.maximum(variance, 0)), np.float32)


_Model = tuple[NDArray[np.float64], NDArray[np.float64]]


def _other_models(points: _Density, total: _Density, not_nuclear: Mask, far: Mask) -> list[_Model]:
    around, amount = points[far], total[far]
    limit = 0.2
    if len(amount) > 2 * _MIN_MODEL_PX:
        limit = float(np.clip(otsu(np.clip(amount, 0, 1)), 0.08, 0.35))
    models = [(np.zeros(4), 0.05**2 * np.eye(4))]
    background = around[amount < limit]
    if len(background) > _MIN_MODEL_PX:
        models = [_model(background)]
    erythrocytes = around[(amount > 1.3 * limit) & not_nuclear[far]]
    if len(erythrocytes) > _MIN_MODEL_PX:
        models.append(_model(erythrocytes))
    return models


def _model(points: _Density) -> _Model:
    columns = np.ascontiguousarray(points.T)
    away = columns - columns.mean(axis=1, keepdims=True)
    covariance = (away @ away.T).astype(np.float64) / (len(points) - 1)
    return np.median(columns, axis=1).astype(np.float64), covariance + _VARIANCE


def _log_normal(
    points: _Density, mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float32]:
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).astype(np.float32)
    z = (points - mean.astype(np.float32)) @ whiten.T
    offset = np.log(np.diag(whiten)).sum()
    return np.asarray(offset - 0.5 * np.square(z).sum(axis=1), np.float32)


def _contour(grid: _Density, elsewhere: _Density, where: _Density) -> NDArray[np.float32]:
    from_hull, from_nucleus, from_middle, total = (where[..., k] for k in range(4))
    prior = -0.12 * np.maximum(0, from_hull - 14) - 0.08 * np.maximum(0, from_middle - 38)
    edge = np.zeros_like(total)
    edge[:, 1:-1] = np.minimum(np.abs(total[:, 2:] - total[:, :-2]) / _EDGE_FULL, 1)
    nuclear, enclosed, bare = from_nucleus < 0.5, from_hull <= 0, from_nucleus > 1.5
    cytoplasm = (from_hull < 5) & bare
    radii = np.zeros(ANGLES, np.float32)
    for _ in range(2):
        sample = grid[cytoplasm.ravel()]
        model = _DEFAULT_CYTOPLASM, 0.12**2 * np.eye(4)
        if len(sample) > 40:
            mean, covariance = _model(sample)
            model = mean, covariance + _VARIANCE
        odds = np.maximum(_log_normal(grid, *model), -6) - elsewhere
        odds = np.clip(odds.reshape(ANGLES, RADII), -_ODDS_LIMIT, _ODDS_LIMIT)
        odds = np.where(nuclear, _ODDS_LIMIT, odds)
        odds = np.where(enclosed, np.maximum(odds, 0.5), odds)
        gain = np.clip(odds + prior, -_POINT_LIMIT, _POINT_LIMIT) * RADIUS / 25
        cost = gain / 2 - np.cumsum(gain, axis=1) - _EDGE_GAIN * edge
        radii = best_contour(cost.astype(np.float32), stiffness=_STIFFNESS)
        cytoplasm = (radii[:, None] - 1 > RADIUS) & bare
    return radii


def _nucleus_inside(stain: _Density, outer: float, cell: _Bits, first: _Bits) -> _Bits:
    level = 1 - np.power(np.float32(10), -_STEEPNESS_INSIDE * stain)
    values = level[cell > 0]
    inner = otsu(values)
    threshold = outer
    if inner <= outer:
        threshold = 0.5 * (inner + outer)
    else:
        dark, pale = values[values > inner], values[values <= inner]
        if len(dark) > 60 and len(pale) > 0 and np.median(dark) - np.median(pale) > 0.12:
            threshold = inner
    mask = ((level > threshold) & (cell > 0)).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _SMALL_DISC), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count == 1:
        return first
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = areas >= max(20.0, 0.04 * areas[1:].max())
    keep[0] = False
    mask = _fill_small_holes(keep[labels].astype(np.uint8)) & cell
    return mask if int(mask.sum()) >= 20 else first


def _fill_small_holes(mask: _Bits, *, area: int = 30) -> _Bits:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < area
    small[0] = False
    return np.asarray(mask | small[labels].astype(np.uint8), np.uint8)
