"""Mean-angle spectra (angle measure technique) of outlines and of grey levels."""

import numpy as np
from numpy.typing import NDArray

from features.region import UM_PER_PX, Feature, Region

_OUTLINE_STEPS_UM = (0.6, 1.0, 1.6, 2.4, 3.6, 5.0)
_GREY_SCALES_PX = (2.0, 4.0, 8.0, 16.0)
_GREY_UNITS = 12.0
_SAMPLES = 128
_ANDRLE = "Andrle 1994"
_UNFOLDED = {"nucleus": "nucleus", "cell": "cell"}


def _table() -> list[Feature]:
    rows: list[Feature] = []
    for part, text in (("segment", "largest segment"), ("cell", "cell")):
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
    result = np.zeros(len(scales))
    count = len(signal)
    fitting = [k for k, scale in enumerate(scales) if count > 2 * np.ceil(scale)]
    if not fitting:
        return result
    reach = int(np.ceil(max(scales[k] for k in fitting)))
    places = np.arange(reach, count - reach)
    if len(places) > samples:
        places = places[np.linspace(0, len(places) - 1, samples).round().astype(np.int64)]
    steps = np.arange(reach + 1)
    here = signal[places][:, None]
    heights = np.concatenate([signal[places[:, None] - steps], signal[places[:, None] + steps]]) - np.tile(
        here, (2, 1)
    )
    squares = heights * heights + steps * steps
    half = len(places)
    for k in fitting:
        x, y = _first_crossing(heights, squares, scales[k])
        cosine = (x[:half] * x[half:] - y[:half] * y[half:]) / scales[k] ** 2
        result[k] = float(np.arccos(np.clip(cosine, -1, 1)).mean())
    return result


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
    closed = np.vstack([outline, outline[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    total = float(lengths[-1])
    result = np.full(len(steps), np.pi)
    if total <= 0:
        return result
    points = 4 * max(1, int(np.ceil(total / 4 / max(UM_PER_PX, total / _SAMPLES))))
    at = np.arange(points) * total / points
    here = _along(closed, lengths, at[None])
    fitting = np.array([k for k, step in enumerate(steps) if 2 * step < total], np.int64)
    if not len(fitting):
        return result
    taken = np.asarray(steps, np.float64)[fitting, None]
    first = here - _along(closed, lengths, at - taken)
    second = _along(closed, lengths, at + taken) - here
    norm = np.hypot(first[0], first[1]) * np.hypot(second[0], second[1])
    cosine = (first[0] * second[0] + first[1] * second[1]) / np.maximum(norm, 1e-12)
    result[fitting] = np.arccos(np.clip(cosine, -1, 1)).mean(axis=1)
    return result


def measure_angles(region: Region) -> dict[str, float]:
    """Measure the mean-angle spectra of nucleus and cell.

    Parameters
    ----------
    region : Region
        A prepared crop.

    Returns
    -------
    dict of str to float
        One finite value for each name of ``FEATURES``.

    Notes
    -----
    The grey levels of a part are unfolded by rows and by columns, every other line reversed, and the spectra
    averaged, so that quarter turns change little. Levels are divided by their standard deviation.
    """
    values: dict[str, float] = {}
    for part, outline in (("segment", region.segments[0]), ("cell", region.outline)):
        spectrum = outline_angle_spectrum(_smooth(outline) * UM_PER_PX, _OUTLINE_STEPS_UM)
        values |= {f"{part}_angle_{k}": float(v) for k, v in enumerate(spectrum, start=1)}
    green = region.density[..., 1]
    for part, mask in (("nucleus", region.nucleus), ("cell", region.cell)):
        spectra = []
        for image, inside in ((green, mask), (green.T, mask.T)):
            signal = unfold(image, inside)
            scaled = signal * (_GREY_UNITS / max(float(signal.std()), 0.02))
            spectra.append(mean_angle_spectrum(scaled, _GREY_SCALES_PX))
        mean = (spectra[0] + spectra[1]) / 2
        values |= {f"{part}_grey_angle_{k}": float(v) for k, v in enumerate(mean, start=1)}
    return values


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
    snake, inside = image[rows].copy(), mask[rows].copy()
    snake[1::2], inside[1::2] = snake[1::2, ::-1].copy(), inside[1::2, ::-1].copy()
    return snake[inside].astype(np.float64)


def _along(
    closed: NDArray[np.float64], lengths: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    places = (at % lengths[-1]).ravel()
    return np.stack([np.interp(places, lengths, closed[:, k]).reshape(at.shape) for k in range(2)])


def _smooth(outline: NDArray[np.int32]) -> NDArray[np.float64]:
    points = outline[:, 0].astype(np.float64)
    if len(points) < 5:
        return points
    return np.asarray(sum(np.roll(points, k, axis=0) for k in (-2, -1, 0, 1, 2)) / 5)


def _first_crossing(
    heights: NDArray[np.float64], squares: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    reach = int(np.ceil(scale)) + 1
    first = np.maximum((squares[:, :reach] >= scale * scale - 1e-9).argmax(axis=1), 1)
    row = np.arange(len(heights))
    x0, y0 = (first - 1).astype(np.float64), heights[row, first - 1]
    slope = heights[row, first] - y0
    a, b, c = 1 + slope**2, x0 + y0 * slope, x0**2 + y0**2 - scale**2
    t = (-b + np.sqrt(np.maximum(b * b - a * c, 0))) / a
    return x0 + t, y0 + t * slope
