"""A plain drawing of a field whose erythrocyte diameter is known exactly."""

import cv2
import numpy as np
from numpy.typing import NDArray

SLIDE = (232, 228, 222)


def draw_discs(
    diameter: float,
    *,
    shape: tuple[int, int] = (480, 640),
    seed: int = 0,
    spread: float = 0.0,
    spacing: float = 1.6,
    leukocyte: bool = True,
    blur: float = 0.0,
) -> NDArray[np.uint8]:
    """Discs of erythrocyte colours with pallor on a jittered grid, one nucleated cell in the middle."""
    rng = np.random.default_rng(seed)
    zoom = 4 if diameter < 60 else 1
    rows, cols = shape[0] * zoom, shape[1] * zoom
    density = np.zeros((rows, cols, 3), np.float32)
    step = spacing * diameter * zoom
    middle = np.array([rows / 2, cols / 2])
    for row in np.arange(0, rows + step, step):
        for col in np.arange(0, cols + step, step):
            centre = np.array([row, col]) + rng.uniform(-0.25, 0.25, 2) * step
            size = diameter * zoom * (1 + spread * rng.standard_normal())
            if leukocyte and np.hypot(*(centre - middle)) < 1.8 * diameter * zoom:
                continue
            _disc(density, centre, size, (0.08, 0.22, 0.16))
            _disc(density, centre, 0.4 * size, (-0.04, -0.11, -0.08))
    if leukocyte:
        _disc(density, middle, 1.7 * diameter * zoom, (0.12, 0.16, 0.08))
        _disc(density, middle, 1.0 * diameter * zoom, (0.35, 0.45, 0.1))
    image = np.asarray(SLIDE) * 10.0 ** -np.maximum(density, 0)
    image = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)
    image = cv2.GaussianBlur(image, (0, 0), max(0.02 * diameter, blur * diameter, 0.1))
    return np.asarray(np.clip(image + rng.normal(0, 1.5, image.shape), 0, 255), np.uint8)


def _disc(
    density: NDArray[np.float32], centre: NDArray[np.float64], size: float, stain: tuple[float, ...]
) -> None:
    top, left = (max(0, int(c - size / 2) - 1) for c in centre)
    part = density[top : int(centre[0] + size / 2) + 2, left : int(centre[1] + size / 2) + 2]
    rows, cols = np.ogrid[: part.shape[0], : part.shape[1]]
    away = np.hypot(rows + top + 0.5 - centre[0], cols + left + 0.5 - centre[1])
    part[away < size / 2] += np.asarray(stain, np.float32)
