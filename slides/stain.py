"""Cells, nuclei and empty slide told apart by optical density, whatever the stain and the lamp."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from slides.optics import optical_density

_Floats = NDArray[np.float64]

_MIN_DENSITY = 0.03
_BINS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Stain:
    """What lies on a field, by optical density.

    Parameters
    ----------
    density : ndarray of shape (M, N), float32
        Green optical density above the background, smoothed by 1 px.
    level : float
        Typical density of the cells, mostly erythrocytes.
    nucleus : ndarray of shape (M, N), uint8
        1 where something absorbs far more than erythrocytes do: nuclei, dense cytoplasm, platelets.
    foreground : float
        Share of the image that is denser than half the level, 0 to 1.
    """

    density: NDArray[np.float32]
    level: float
    nucleus: NDArray[np.uint8]
    foreground: float


def separate_stain(image: RGBImage, white: WhitePoint, *, pale: bool = False) -> Stain | None:
    """Separate the cells of a field from the empty slide, and nuclei from the other cells.

    The background of the green optical density is fitted by a quadratic surface, since lamps are uneven. The
    typical density of cells is the median above the lower of two Otsu thresholds; nuclei are what is far
    denser in green, or falls into the upper Otsu class in red, which erythrocytes hardly absorb, or is far
    bluer.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image; an erythrocyte of some 36 px suits the smoothing by 1 px.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    pale : bool
        Whether to look once more below the first threshold, for pale cells beside large dark ones.

    Returns
    -------
    Stain or None
        None where nothing is stained.

    References
    ----------
    Otsu 1979, IEEE Trans Syst Man Cybern 9:62-66, doi 10.1109/TSMC.1979.4310076; differs from it in the two
    thresholds at once.
    """
    density = optical_density(image, white)
    green: NDArray[np.float32] = np.asarray(cv2.GaussianBlur(density[..., 1], (0, 0), 1.0), np.float32)
    threshold = _lower_threshold(green, pale=pale)
    green = green - _background(green, threshold)
    threshold = _lower_threshold(green, pale=pale)
    over = green > threshold
    if not over.any():
        return None
    middle = over & (green < 2.5 * threshold + 0.05)
    level = float(np.median(green[middle if middle.any() else over]))
    if level < _MIN_DENSITY:
        return None
    nucleus = (green > 2.3 * level) | _dense_in_red(density[..., 0], over) | _violet(density, over)
    return Stain(green, level, nucleus.astype(np.uint8), float((green > 0.5 * level).mean()))


def _dense_in_red(red: NDArray[np.float32], cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    sample = red[::2, ::2][cells[::2, ::2]]
    if sample.size < 2:
        return np.zeros(red.shape, np.bool_)
    counts, edges = _histogram(sample)
    middles = (edges[:-1] + edges[1:]) / 2
    below, moment = np.cumsum(counts), np.cumsum(counts * middles)
    above, rest = below[-1] - below, moment[-1] - moment
    low, high = moment / np.maximum(below, 1), rest / np.maximum(above, 1)
    apart = below * above * (high - low) ** 2
    best = int(np.argmax(apart))
    if below[best] > 0.2 * sample.size and high[best] > 2.2 * low[best] + 0.02:
        limit = float(edges[best + 1])
    else:
        limit = 2.5 * float(np.median(sample)) + 0.06
    return np.asarray(red > limit)


def _violet(density: NDArray[np.float32], cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    red = density[..., 0]
    hue = red - density[..., 2]
    typical_hue, typical_red = float(np.median(hue[cells])), float(np.median(red[cells]))
    return np.asarray(cells & (hue > typical_hue + 0.08) & (red > 1.2 * typical_red))


def _histogram(values: NDArray[np.float32]) -> tuple[_Floats, _Floats]:
    top = float(np.quantile(values, 0.995))
    edges = np.linspace(min(0.0, float(values.min())), max(top, 1e-6), _BINS + 1)
    place = ((values - edges[0]) * (_BINS / (edges[-1] - edges[0]))).astype(np.intp)
    counts = np.bincount(np.minimum(place, _BINS - 1).ravel(), minlength=_BINS)
    return counts.astype(np.float64), edges


def _lower_threshold(values: NDArray[np.float32], *, pale: bool) -> float:
    sample = values[::2, ::2].ravel()
    threshold = _otsu(sample)
    return _otsu(sample[sample < threshold]) if pale and (sample < threshold).any() else threshold


def _otsu(sample: NDArray[np.float32]) -> float:
    counts, edges = _histogram(sample)
    middles = (edges[:-1] + edges[1:]) / 2
    mass = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * middles)])

    def between(low: NDArray[np.intp], high: NDArray[np.intp]) -> _Floats:
        n = mass[high] - mass[low]
        return np.asarray(np.where(n > 0, (moment[high] - moment[low]) ** 2 / np.maximum(n, 1.0), 0.0))

    first, second = np.triu_indices(_BINS - 1, 1)
    first, second = first + 1, second + 1
    score = between(0 * first, first) + between(first, second) + between(second, 0 * second + _BINS)
    return float(edges[first[int(np.argmax(score))]])


def _background(green: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    step = max(1, max(green.shape) // 80)
    rows, cols = np.mgrid[0 : green.shape[0] : step, 0 : green.shape[1] : step].astype(np.float64)
    rows, cols = rows / green.shape[0] - 0.5, cols / green.shape[1] - 0.5
    values = green[::step, ::step].astype(np.float64)
    terms = np.stack([np.ones_like(rows), rows, cols, rows * cols, rows**2, cols**2], -1)
    keep = values < threshold
    if keep.mean() < 0.1:
        return np.full(green.shape, np.quantile(green, 0.05), np.float32)
    fit = np.zeros(6)
    for _ in range(2):
        fit = np.linalg.lstsq(terms[keep], values[keep], rcond=None)[0]
        rest = values - terms @ fit
        keep &= np.abs(rest) < 2.5 * max(1e-3, float(rest[keep].std()))
    surface = (terms @ fit).astype(np.float32)
    return np.asarray(cv2.resize(surface, green.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
