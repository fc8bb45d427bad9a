"""Mean-angle spectra (angle measure technique) of outlines and of grey levels."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.region import UM_PER_PX, Feature, Group, Region, named

_OUTLINE_STEPS_UM = (0.6, 1.0, 1.6, 2.4, 3.6, 5.0)
_GREY_SCALES_PX = (2.0, 4.0, 8.0, 16.0)
_GREY_UNITS = 12.0
_SAMPLES = 128
_ANDRLE = "Andrle 1994"
_OUTLINED = {"segment": "largest segment", "cell": "cell"}
_UNFOLDED = {"nucleus": "nucleus", "cell": "cell"}


def _table() -> list[Feature]:
    rows: list[Feature] = []
    for part, text in _OUTLINED.items():
        rows += [
            Feature(
                f"{part}_angle_{k}",
                f"mean angle of the outline at {step} µm",
                "rad",
                f"bends of the {text} at {step} µm",
                _ANDRLE,
            )
            for k, step in enumerate(_OUTLINE_STEPS_UM, start=1)
        ]
    for part in _UNFOLDED:
        rows += [
            Feature(
                f"{part}_grey_angle_{k}",
                f"mean angle of unfolded green OD at {scale:g} px, 12·OD/sd",
                "rad",
                f"texture of the {part} at {scale * UM_PER_PX:.1f} µm",
                _ANDRLE,
            )
            for k, scale in enumerate(_GREY_SCALES_PX, start=1)
        ]
    return rows


FEATURES: tuple[Feature, ...] = tuple(_table())
"""Mean-angle spectra, in the order of the table."""


def mean_angle_spectrum(
    signal: NDArray[np.float64], scales: tuple[float, ...], *, samples: int = _SAMPLES
) -> NDArray[np.float64]:
    """Return the mean angle of a signal's graph at each scale.

    Parameters
    ----------
    signal : ndarray of shape (N,), float64
        Values at unit steps, in units of one step.
    scales : tuple of float
        Distances along which the angle is taken, at least 1.
    samples : int
        Points at which it is taken, spread evenly over the signal; fewer where the signal is short.

    Returns
    -------
    ndarray of shape (len(scales),), float64
        Mean over the points A of π less the angle BAC, where B and C are the first points of the graph to
        the left and the right at the Euclidean distance of the scale; 0 to π, 0 for a straight line and where
        the signal is too short for the scale.

    References
    ----------
    Andrle 1994, Mathematical Geology 26:83-97, doi 10.1007/BF02065877. Differs from it in evenly spread
    instead of random points, which makes it deterministic. Points nearer to an end than the largest scale
    that fits are left out at every scale.
    """
    return np.asarray(mean_angle_spectra([signal], scales, samples=samples)[0])


def mean_angle_spectra(
    signals: Sequence[NDArray[np.float64]], scales: tuple[float, ...], *, samples: int = _SAMPLES
) -> NDArray[np.float64]:
    """Return the mean angles of several signals, shape (signals, scales); see ``mean_angle_spectrum``."""
    result = np.zeros((len(signals), len(scales)))
    fitting = [[k for k, scale in enumerate(scales) if len(s) > 2 * math.ceil(scale)] for s in signals]
    for scales_here in {tuple(fits) for fits in fitting if fits}:
        rows = [row for row, fits in enumerate(fitting) if tuple(fits) == scales_here]
        taken = [scales[k] for k in scales_here]
        result[np.ix_(rows, scales_here)] = _mean_angles([signals[row] for row in rows], taken, samples)
    return result


def _mean_angles(
    signals: list[NDArray[np.float64]], scales: list[float], samples: int
) -> NDArray[np.float64]:
    reach = math.ceil(max(scales))
    fits = [len(signal) - 2 * reach for signal in signals]
    ends = np.cumsum([0, *(len(signal) for signal in signals)])[:-1].tolist()
    rows = np.concatenate([end + _spread(n, min(n, samples)) for end, n in zip(ends, fits, strict=True)])
    around = np.lib.stride_tricks.sliding_window_view(np.concatenate(signals), 2 * reach + 1)[rows]
    here, half = around[:, reach, None], len(rows)
    heights = np.empty((2 * half, reach + 1))
    np.subtract(around[:, reach::-1], here, out=heights[:half])
    np.subtract(around[:, reach:], here, out=heights[half:])
    x, y = _first_crossings(heights, np.asarray(scales))
    cosine = (x[:, :half] * x[:, half:] - y[:, :half] * y[:, half:]) / np.square(scales)[:, None]
    angles = np.arccos(np.clip(cosine, -1, 1))
    counts = [min(n, samples) for n in fits]
    starts = np.cumsum([0, *counts])[:-1]
    return np.asarray((np.add.reduceat(angles, starts, axis=1) / counts).T, np.float64)


@lru_cache(maxsize=4096)
def _spread(count: int, samples: int) -> NDArray[np.intp]:
    return np.linspace(0, count - 1, samples).round().astype(np.intp)


def outline_angle_spectrum(outline: NDArray[np.float64], steps: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the mean angle of a closed outline at each step.

    Parameters
    ----------
    outline : ndarray of shape (N, 2), float64
        Points of the closed outline in order.
    steps : tuple of float
        Lengths along the outline from A to B and to C, in the outline's units.

    Returns
    -------
    ndarray of shape (len(steps),), float64
        Mean over the points A of π less the angle BAC, rad; π where the outline is shorter than two steps.

    References
    ----------
    Andrle 1994, doi 10.1007/BF02065877. Differs from it in measuring the step along the outline, so
    that a closed outline has no ends.
    """
    corners = np.ascontiguousarray(outline, np.float64).view(np.complex128).ravel()
    closed = np.concatenate([corners, corners[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.abs(closed[1:] - closed[:-1]))])
    total = float(lengths[-1])
    result = np.full(len(steps), np.pi)
    fitting = [k for k, step in enumerate(steps) if 2 * step < total]
    if not fitting:
        return result
    points = 4 * max(1, math.ceil(total / 4 / max(UM_PER_PX, total / _SAMPLES)))
    taken = np.array([steps[k] for k in fitting])
    at = np.concatenate([[0.0], -taken, taken])[:, None] + np.arange(points) * total / points
    at -= total * np.floor(at / total)
    places = np.interp(at.ravel(), lengths, closed).reshape(at.shape)
    here, count = places[0], len(fitting)
    first, second = here - places[1 : 1 + count], places[1 + count :] - here
    cosine = (first * second.conj()).real / np.maximum(np.abs(first) * np.abs(second), 1e-12)
    result[fitting] = np.arccos(np.clip(cosine, -1, 1)).mean(axis=1)
    return result


def _outlines(region: Region) -> dict[str, float]:
    values: dict[str, float] = {}
    for part, outline in (("segment", region.segments[0]), ("cell", region.outline)):
        spectrum = outline_angle_spectrum(_smooth(outline) * UM_PER_PX, _OUTLINE_STEPS_UM)
        values |= {f"{part}_angle_{k}": v for k, v in enumerate(spectrum.tolist(), start=1)}
    return values


def _greys(region: Region) -> dict[str, float]:
    signals = []
    for part in (region.nucleus, region.cell):
        image, mask = region.green[part.box], part.mask[part.box]
        rows = unfold(image, mask)
        unit = _GREY_UNITS / max(float(rows.std()), 0.02)
        signals += [rows * unit, unfold(image.T, mask.T) * unit]
    spectra = mean_angle_spectra(signals, _GREY_SCALES_PX)
    means = (spectra[::2] + spectra[1::2]) / 2
    return {
        f"{part}_grey_angle_{k}": v
        for part, mean in zip(_UNFOLDED, means, strict=True)
        for k, v in enumerate(mean.tolist(), start=1)
    }


GROUPS: tuple[Group, ...] = (
    Group(named(FEATURES, *(f"{part}_angle_" for part in _OUTLINED)), _outlines),
    Group(named(FEATURES, *(f"{part}_grey_angle_" for part in _UNFOLDED)), _greys),
)
"""How the mean-angle spectra of nucleus and cell are taken.

The grey levels of a part are unfolded by rows and by columns, every other line reversed, and the spectra
averaged, so that quarter turns change little. Levels are divided by their standard deviation.
"""


def unfold(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the pixels of a mask as one line, row by row, every other row reversed.

    Parameters
    ----------
    image : ndarray of shape (M, N), float32
        Values.
    mask : ndarray of shape (M, N), bool
        Pixels wanted.

    Returns
    -------
    ndarray of shape (number of pixels wanted,), float64
    """
    rows = np.flatnonzero(mask.any(axis=1))
    snake, inside = image[rows], mask[rows]
    snake[1::2], inside[1::2] = snake[1::2, ::-1], inside[1::2, ::-1]
    return snake[inside].astype(np.float64)


def _smooth(outline: NDArray[np.int32]) -> NDArray[np.float64]:
    points = outline[:, 0].astype(np.float64)
    if len(points) < 5:
        return points
    closed = np.concatenate([points[-2:], points, points[:2]])
    return np.asarray((closed[:-4] + closed[1:-3] + closed[2:-2] + closed[3:-1] + closed[4:]) / 5)


def _first_crossings(
    heights: NDArray[np.float64], scales: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where each graph first is as far away as each scale, two arrays of shape (scales, graphs)."""
    count, width = heights.shape
    squares = heights * heights + np.arange(width) ** 2
    first = np.empty((len(scales), count), np.intp)
    for row, scale in zip(first, scales.tolist(), strict=True):
        (squares[:, : math.ceil(scale) + 1] >= scale * scale - 1e-9).argmax(axis=1, out=row)
    np.maximum(first, 1, out=first)
    places = first + np.arange(0, count * width, width)
    x0, y0 = (first - 1).astype(np.float64), heights.take(places - 1)
    slope = heights.take(places) - y0
    a, b, c = 1 + slope**2, x0 + y0 * slope, x0**2 + y0**2 - scales[:, None] ** 2
    t = (np.sqrt(np.maximum(b * b - a * c, 0)) - b) / a
    return x0 + t, y0 + t * slope
