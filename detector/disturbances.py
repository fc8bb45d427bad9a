"""What fields show besides cells: platelet clumps, stain deposits, lamp gradients, burned-in marks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.working_scale import Densities
from slides.optics import MAX_DENSITY

_TEXTS = ("20 um", "10", "50 µm", "x100", "WBC", "Slide 7", "2019-04-12", "A1", "###", "MMM", "8888", "o8B")
_INKS = np.array([(2, 2, 2), (0, 0, 0), (0, 2, 2), (2, 2, 0), (2, 0, 2), (0, 0, 2), (2, 0, 0), (1, 1, 1)])
_CLEARANCE = 15.0
_HEAPS = ((4, 9, (1.0, 2.5), 3.5), (3, 40, (0.4, 1.1), 5.0))


def with_clumps(densities: Densities, colour: NDArray[np.float64], rng: np.random.Generator) -> Densities:
    """Draw clumps of platelet-sized discs and grainy stain deposits.

    Parameters
    ----------
    densities : ndarray of shape (M, N, 3), float32
        Optical densities at the working scale.
    colour : ndarray of shape (3,), float64
        Optical density of the field's nuclei.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of shape (M, N, 3), float32
        Up to three clumps of discs of 0.2 to 0.5 erythrocyte diameters and up to two deposits of grains of at
        most 0.2 diameters.
    """
    drawn = densities
    for count, discs, radius, spread in _HEAPS:
        layer = np.zeros(densities.shape[:2], np.float32)
        limit: NDArray[np.intp] = np.array(layer.shape, np.intp)
        for _ in range(int(rng.integers(0, count))):
            centre, wide = rng.uniform(0, limit), spread * rng.uniform(0.4, 1.2)
            for _ in range(int(rng.integers(1, discs))):
                row, col = np.rint((centre + rng.normal(0, wide, 2)) * 16).astype(int).tolist()
                size = int(rng.uniform(*radius) * 16)
                cv2.circle(layer, (col, row), size, float(rng.uniform(0.5, 1.1)), -1, cv2.LINE_8, 4)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 0.7), np.float32)
        drawn = np.maximum(drawn, layer[..., None] * colour.astype(np.float32))
    return drawn


def with_lamp(
    densities: NDArray[np.float64], rng: np.random.Generator, *, most: float
) -> NDArray[np.float64]:
    """Add an uneven lamp: a ramp across the field and a fall towards its corners.

    Parameters
    ----------
    densities : ndarray of shape (M, N, 3), float64
        Optical densities at the working scale.
    rng : numpy.random.Generator
        Source of chance.
    most : float
        Greatest difference over the field, in optical density.

    Returns
    -------
    ndarray of shape (M, N, 3), float64
        The field under that lamp.
    """
    rows, cols = (np.linspace(-1, 1, length) for length in densities.shape[:2])
    down, across, corner = rng.uniform(-0.5, 0.5, 3) * most
    ramp = down * rows[:, None] + across * cols + abs(corner) * (rows[:, None] ** 2 + cols**2)
    lit: NDArray[np.float64] = densities + ramp[..., None] * rng.uniform(0.8, 1.2, 3)
    return lit


def with_marks(
    densities: NDArray[np.float64], rng: np.random.Generator, *, keep: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Burn scale bars, lines, frames and labels into a field.

    Parameters
    ----------
    densities : ndarray of shape (M, N, 3), float64
        Optical densities at the working scale.
    rng : numpy.random.Generator
        Source of chance.
    keep : ndarray of shape (K, 2), float64
        Row and column of places around which nothing is drawn, in working pixels.

    Returns
    -------
    ndarray of shape (M, N, 3), float64
        The field with one to three marks in one of eight inks.
    """
    drawn = densities.astype(np.float64)
    limit = np.array(drawn.shape[:2])
    for _ in range(int(rng.integers(1, 4))):
        layer = np.zeros(drawn.shape[:2], np.uint8)
        _mark(layer, rng, rng.uniform(0, limit))
        for row, col in np.rint(keep).astype(int).tolist():
            cv2.circle(layer, (col, row), round(_CLEARANCE), 0, -1)
        share = (layer / 255.0)[..., None]
        ink = np.minimum(_INKS[int(rng.integers(len(_INKS)))] * rng.uniform(0.6, 1.0), MAX_DENSITY)
        drawn = drawn * (1 - share) + share * ink
    return drawn


def _mark(layer: NDArray[np.uint8], rng: np.random.Generator, place: NDArray[np.float64]) -> None:
    row, col = place.astype(int).tolist()
    kind = int(rng.integers(4))
    if kind == 0:
        height, width = int(rng.integers(1, 6)), int(rng.integers(6, 60))
        cv2.rectangle(layer, (col, row), (col + width, row + height), 255, -1)
    elif kind == 1:
        across, down = rng.integers(-60, 60, 2).tolist()
        end = (col + across, row + down)
        cv2.line(layer, (col, row), end, 255, int(rng.integers(1, 5)), cv2.LINE_AA)
    elif kind == 2:
        far = (col + int(rng.integers(8, 40)), row + int(rng.integers(8, 40)))
        cv2.rectangle(layer, (col, row), far, 255, int(rng.integers(1, 3)))
    else:
        text, size = _TEXTS[int(rng.integers(len(_TEXTS)))], float(rng.uniform(0.2, 1.1))
        thick = int(rng.integers(1, 4))
        cv2.putText(layer, text, (col, row), cv2.FONT_HERSHEY_SIMPLEX, size, 255, thick, cv2.LINE_AA)
