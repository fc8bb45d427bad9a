"""Measuring erythrocytes in a field of unknown scale by the arcs of their outlines."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cells.records import RGBImage, WhitePoint
from cells.units import Pixels
from slides.stain import Stain, separate_stain

_Floats = NDArray[np.float64]

_WORKING_DIAMETER = 36.0
_WORKING_RANGE = (27.0, 48.0)
_LONG_SIDE = 640
_MAX_ENLARGEMENT = 4.0
_SMOOTHING = 2.0
_CONCAVE = -0.03
_TRIM = 2
_SHORTEST = 12
_SMALLEST_AREA = 20.0
_MIN_TURN = np.deg2rad(110.0)
_ELLIPSE_TURN = np.deg2rad(200.0)
_MAX_MISFIT = 0.05
_MAX_ELONGATION = 1.6
_MAX_WHOLE_ELONGATION = 1.8
_MIN_SOLIDITY = 0.95
_MAX_CONCAVITY = np.deg2rad(-35.0)
_MODE_BANDWIDTH = 0.07
_MODE_WINDOW = 0.25
_MIN_EXPLAINED = 0.06
_MIN_WEIGHT = 1.5
_MIN_COUNT = 3
_SURE_EXPLAINED = 0.15
_SURE_WEIGHT = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class ErythrocyteMeasure:
    """What one field tells of the size of its erythrocytes.

    Parameters
    ----------
    diameter_px : Pixels or None
        Diameter of the typical erythrocyte in pixels of the image as read; None where the field does not
        tell.
    count : int
        Number of outlines, whole or in part, that the diameter rests on.
    diameters : ndarray of shape (count,), float64
        Diameter of each of them, px.
    weights : ndarray of shape (count,), float64
        Share of the full outline that was seen of each of them, 0 to 1.
    foreground : float
        Share of the image that cells cover, 0 to 1.
    explained : float
        Area of the measured outlines over the area that cells cover, about 0 to 1; low where cells lie in
        heaps.
    """

    diameter_px: Pixels | None
    count: int
    diameters: _Floats
    weights: _Floats
    foreground: float
    explained: float


@dataclass(frozen=True, slots=True)
class _Circle:
    row: float
    col: float
    radius: float
    weight: float


def measure_erythrocytes(image: RGBImage, white: WhitePoint) -> ErythrocyteMeasure:
    """Measure the erythrocytes of one field without knowing its scale.

    The outline of the cells is the half-maximum contour of the green optical density above the background.
    It is cut at concave corners, where cells touch or overlap, and at the border of the image; each convex
    arc that fits a circle is one observation of a diameter. Arcs around nuclei are left out. The diameter
    is the mode of the observations, and the field is resampled until an erythrocyte measures about 36 px,
    so that the smoothing suits every camera.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image of a field.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, as from `slides.optics.white_point`.

    Returns
    -------
    ErythrocyteMeasure
        Its diameter is None where no outline repeats itself clearly enough.

    References
    ----------
    Taubin 1991, IEEE Trans Pattern Anal Mach Intell 13:1115-1138, doi 10.1109/34.103273 (circle fit).
    Bai, Sun & Zhou 2009, Pattern Recognition 42:2434-2446, doi 10.1016/j.patcog.2009.04.003 (splitting
    touching cells at concave points); differs from it in taking the curvature of the smoothed outline and
    in fitting circles, since one typical size is asked for and not every cell.
    """
    longest = max(image.shape[:2])
    start = min(1.0, _LONG_SIDE / longest)
    best = _empty(0.0)
    for factor in (1.0, 0.5, 0.25, 2.0):
        if start * factor > _MAX_ENLARGEMENT or start * factor * longest < 2 * _WORKING_DIAMETER:
            continue
        for pale in (False, True):
            measure = _settle(image, white, start * factor, pale=pale)
            if measure.explained > best.explained or best.foreground == 0:
                best = measure
            if best.explained > _SURE_EXPLAINED or best.weights.sum() > _SURE_WEIGHT:
                return best
    return best


def typical_diameter(diameters: _Floats, weights: _Floats) -> tuple[float, NDArray[np.bool_]]:
    """Find the most frequent diameter: the highest peak of the diameters, then the median around it.

    Parameters
    ----------
    diameters : ndarray of shape (n,), float64
        Observed diameters, px, above 0; n at least 1.
    weights : ndarray of shape (n,), float64
        Weight of each, above 0.

    Returns
    -------
    diameter : float
        The most frequent diameter, px. To find the peak each observation also weighs by its diameter, so that
        platelets and debris do not outweigh erythrocytes.
    near : ndarray of shape (n,), bool
        Which observations lie within 25 % of it.
    """
    sizes = np.log(diameters)
    heights = weights * diameters
    grid = np.arange(sizes.min(), sizes.max() + 0.01, 0.01)
    density = (np.exp(-0.5 * ((grid[:, None] - sizes) / _MODE_BANDWIDTH) ** 2) * heights).sum(axis=1)
    peak = float(grid[int(np.argmax(density))])
    for _ in range(3):
        near = np.abs(sizes - peak) < _MODE_WINDOW
        peak = _weighted_median(sizes[near], weights[near])
    near = np.abs(sizes - peak) < _MODE_WINDOW
    return float(np.exp(peak)), near


def _empty(foreground: float) -> ErythrocyteMeasure:
    return ErythrocyteMeasure(None, 0, np.empty(0), np.empty(0), foreground, 0.0)


def _settle(image: RGBImage, white: WhitePoint, scale: float, *, pale: bool) -> ErythrocyteMeasure:
    measure = _measure_at(image, white, scale, pale=pale)
    for _ in range(2):
        if measure.diameter_px is None:
            return measure
        working = measure.diameter_px * scale
        if _WORKING_RANGE[0] <= working <= _WORKING_RANGE[1]:
            return measure
        scale = min(scale * _WORKING_DIAMETER / working, _MAX_ENLARGEMENT)
        measure = _measure_at(image, white, scale, pale=pale)
    return measure


def _measure_at(image: RGBImage, white: WhitePoint, scale: float, *, pale: bool) -> ErythrocyteMeasure:
    stain = separate_stain(_resample(image, scale), white, pale=pale)
    if stain is None:
        return _empty(0.0)
    diameters, weights = _observations(stain)
    if not diameters.size:
        return _empty(stain.foreground)
    mode, near = typical_diameter(diameters, weights)
    area = float(np.sum(weights[near] * diameters[near] ** 2) * np.pi / 4)
    explained = area / max(1.0, stain.foreground * stain.density.size)
    if explained < _MIN_EXPLAINED or weights[near].sum() < _MIN_WEIGHT or near.sum() < _MIN_COUNT:
        return _empty(stain.foreground)
    return ErythrocyteMeasure(
        Pixels(mode / scale),
        int(near.sum()),
        diameters[near] / scale,
        weights[near],
        stain.foreground,
        explained,
    )


def _resample(image: RGBImage, scale: float) -> RGBImage:
    side = int(np.ceil(1.5 * _LONG_SIDE / scale))
    top, left = (max(0, (n - side) // 2) for n in image.shape[:2])
    part = image[top : top + side, left : left + side]
    if scale == 1.0:
        return part
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, size, interpolation=how), np.uint8)


def _observations(stain: Stain) -> tuple[_Floats, _Floats]:
    found: list[_Circle] = []
    for line, at_border in _outlines(stain.density, 0.5 * stain.level):
        if not at_border.any():
            whole = _whole_outline(line)
            if whole is not None:
                found.append(whole)
                continue
        fits = (_fit(arc, turn) for arc, turn in _convex_arcs(line, at_border))
        found.extend(circle for circle in fits if circle is not None)
    nuclear = np.asarray(cv2.integral(stain.nucleus), np.int32)
    kept = [(2 * c.radius, c.weight) for c in found if not _on_nucleus(c, nuclear)]
    table = np.array(kept, np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _outlines(density: NDArray[np.float32], level: float) -> list[tuple[_Floats, NDArray[np.bool_]]]:
    mask = (density > level).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    across = cv2.Sobel(density, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(density, cv2.CV_32F, 0, 1, scale=0.125)
    last = np.array(density.shape) - 2
    outlines = []
    for contour in contours:
        if len(contour) < _SHORTEST:
            continue
        points = contour[:, 0, ::-1]
        rows, cols = points.T
        slope = np.stack([down[rows, cols], across[rows, cols]], -1).astype(np.float64)
        steepness = np.maximum((slope**2).sum(axis=1), 1e-8)
        step = ((level - density[rows, cols]) / steepness)[:, None] * slope
        line = _even_steps(points + np.clip(step, -1.0, 1.0))
        at_border = np.asarray(((line < 1.5) | (line > last - 0.5)).any(axis=1))
        outlines.append((line, at_border))
    return outlines


def _even_steps(contour: _Floats) -> _Floats:
    ring = np.concatenate([contour, contour[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    places = np.linspace(0.0, along[-1], max(_SHORTEST, round(along[-1])) + 1)[:-1]
    return np.stack([np.interp(places, along, ring[:, axis]) for axis in (0, 1)], -1)


def _convex_arcs(line: _Floats, at_border: NDArray[np.bool_]) -> list[tuple[_Floats, float]]:
    turn = _turning(line)
    cut = (turn < _CONCAVE) | at_border
    if cut.any():
        shift = -int(np.argmax(cut))
        line, turn, cut = np.roll(line, shift, axis=0), np.roll(turn, shift), np.roll(cut, shift)
    cuts = np.concatenate([[-1], np.flatnonzero(cut), [len(line)]])
    runs = [(a + 1 + _TRIM, b - _TRIM) for a, b in pairwise(cuts) if b - a - 1 - 2 * _TRIM >= _SHORTEST]
    return [(line[a:b], float(turn[a:b].sum())) for a, b in runs]


def _turning(line: _Floats) -> _Floats:
    smooth = gaussian_filter1d(line, _SMOOTHING, axis=0, mode="wrap")
    after, before = np.roll(smooth, -1, axis=0), np.roll(smooth, 1, axis=0)
    first, second = (after - before) / 2, after - 2 * smooth + before
    speed = np.maximum((first**2).sum(axis=1), 1e-6)
    return np.asarray((first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / speed)


def _whole_outline(line: _Floats) -> _Circle | None:
    points = line.astype(np.float32).reshape(-1, 1, 2)
    area = cv2.contourArea(points)
    hull = cv2.contourArea(cv2.convexHull(points))
    if area < _SMALLEST_AREA or area < _MIN_SOLIDITY * hull:
        return None
    turn = _turning(line)
    if turn.sum() < 0 or turn[turn < 0].sum() < _MAX_CONCAVITY:
        return None
    moments = cv2.moments(points)
    spread = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    small, large = np.linalg.eigvalsh(spread)
    if small <= 0 or np.sqrt(large / small) > _MAX_WHOLE_ELONGATION:
        return None
    row, col = line.mean(axis=0)
    return _Circle(float(row), float(col), float(np.sqrt(area / np.pi)), 1.0)


def _fit(arc: _Floats, turn: float) -> _Circle | None:
    if turn < _MIN_TURN:
        return None
    if turn > _ELLIPSE_TURN:
        return _ellipse(arc, turn)
    row, col, radius = _taubin(arc)
    if not np.isfinite(radius):
        return None
    misfit = float(np.std(np.hypot(arc[:, 0] - row, arc[:, 1] - col)))
    if misfit > _MAX_MISFIT * radius:
        return None
    return _Circle(row, col, radius, min(1.0, turn / (2 * np.pi)))


def _ellipse(arc: _Floats, turn: float) -> _Circle | None:
    points = arc.astype(np.float32)
    (row, col), axes, angle = cv2.fitEllipseDirect(points)
    small, large = min(axes) / 2, max(axes) / 2
    if not (small > 0 and large < _MAX_ELONGATION * small):
        return None
    turned = np.deg2rad(angle)
    moved = arc - (row, col)
    along = (moved[:, 0] * np.cos(turned) + moved[:, 1] * np.sin(turned)) / (axes[0] / 2)
    across = (moved[:, 1] * np.cos(turned) - moved[:, 0] * np.sin(turned)) / (axes[1] / 2)
    if np.std(np.hypot(along, across)) > _MAX_MISFIT:
        return None
    return _Circle(row, col, float(np.sqrt(small * large)), min(1.0, turn / (2 * np.pi)))


def _taubin(points: _Floats) -> tuple[float, float, float]:
    centre = points.mean(axis=0)
    moved = points - centre
    square = (moved**2).sum(axis=1)
    mean = square.mean()
    design = np.column_stack([(square - mean) / (2 * np.sqrt(mean)), moved])
    a, b, c = np.linalg.eigh(design.T @ design)[1][:, 0]
    a = a / (2 * np.sqrt(mean))
    if abs(a) < 1e-12:
        return float("nan"), float("nan"), float("nan")
    row, col = -b / (2 * a), -c / (2 * a)
    radius = np.sqrt(row**2 + col**2 + mean)
    return float(row + centre[0]), float(col + centre[1]), float(radius)


def _on_nucleus(circle: _Circle, nuclear: NDArray[np.int32]) -> bool:
    row, col, radius = circle.row, circle.col, circle.radius
    half = 0.7 * radius
    rows = np.clip([round(row - half), round(row + half) + 1], 0, nuclear.shape[0] - 1)
    cols = np.clip([round(col - half), round(col + half) + 1], 0, nuclear.shape[1] - 1)
    size = (rows[1] - rows[0]) * (cols[1] - cols[0])
    if size <= 0:
        return True
    inside = (
        nuclear[rows[1], cols[1]]
        - nuclear[rows[0], cols[1]]
        - nuclear[rows[1], cols[0]]
        + nuclear[rows[0], cols[0]]
    )
    return bool(inside > 0.3 * size)


def _weighted_median(values: _Floats, weights: _Floats) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weights[order])
    middle = (mass - 0.5 * weights[order]) / mass[-1]
    return float(np.interp(0.5, middle, values[order]))
