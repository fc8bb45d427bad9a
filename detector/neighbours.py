"""Leukocytes laid against those of a field, as they lie in the thick parts and at the edges of a smear."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.samples import TrainingField
from detector.truth import Box

_MOST = 3
_ATTEMPTS = 6
_APART = (0.88, 1.12)
_LEAST_APART = 0.85
_EDGE = 0.03


def with_neighbours(field: TrainingField, other: TrainingField, rng: np.random.Generator) -> TrainingField:
    """Lay leukocytes of another field against those of a field.

    Parameters
    ----------
    field : TrainingField
        Published field; returned as it is where it shows no leukocyte.
    other : TrainingField
        The field whose leukocytes are laid, brought to the same erythrocyte diameter and white point.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    TrainingField
        With one to three more leukocytes, each at 0.88 to 1.12 times the sum of the radii from one that is
        there and behind what is there, its centre in the field; fewer where there is no room.

    Notes
    -----
    Published fields of single cells show next to no leukocytes that touch. Cells are cut out along the
    ellipse of their box, since no outline is known.
    """
    sources = [box for box in other.leukocytes if _whole(box, other)]
    if not field.leukocytes or not sources:
        return field
    image: NDArray[np.float32] = field.image.astype(np.float32)
    cells = list(field.leukocytes)
    taken = _ellipses(cells + list(field.ignored), field.image.shape[:2], field.erythrocyte_px)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        source = sources[int(rng.integers(len(sources)))]
        box = _place(cells, source, field, other, rng)
        if box is None:
            continue
        share = _ellipses([box], field.image.shape[:2], field.erythrocyte_px)
        cover = (share * (1.0 - taken))[..., None]
        image = np.asarray(image * (1.0 - cover) + cover * _moved(source, box, field, other), np.float32)
        taken = np.maximum(taken, share)
        cells.append(box)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return replace(field, image=pixels, leukocytes=tuple(cells))


def _whole(box: Box, field: TrainingField) -> bool:
    height, width = field.image.shape[:2]
    return bool(min(box.x0, box.y0, width - box.x1, height - box.y1) > 1.0)


def _place(
    cells: list[Box], source: Box, field: TrainingField, other: TrainingField, rng: np.random.Generator
) -> Box | None:
    """Find room for a leukocyte beside one of the others; None where there is none."""
    height, width = field.image.shape[:2]
    zoom = field.erythrocyte_px / other.erythrocyte_px
    wide, high = source.width * zoom, source.height * zoom
    for _ in range(_ATTEMPTS):
        beside = cells[int(rng.integers(len(cells)))]
        angle = rng.uniform(0.0, 2.0 * np.pi)
        sine, cosine = float(np.sin(angle)), float(np.cos(angle))
        apart = rng.uniform(*_APART) * (
            _radius(beside.width, beside.height, sine, cosine) + _radius(wide, high, sine, cosine)
        )
        row, col = beside.centre[0] + 0.5 + apart * sine, beside.centre[1] + 0.5 + apart * cosine
        box = Box(col - wide / 2, row - high / 2, col + wide / 2, row + high / 2, source.label)
        inside = 0 < row < height and 0 < col < width
        if inside and all(_clear(box, cell) for cell in cells):
            return box
    return None


def _radius(width: float, height: float, sine: float, cosine: float) -> float:
    return 0.5 * width * height / float(np.hypot(height * cosine, width * sine))


def _clear(box: Box, cell: Box) -> bool:
    down, across = box.centre[0] - cell.centre[0], box.centre[1] - cell.centre[1]
    apart = float(np.hypot(down, across))
    if apart == 0:
        return False
    sine, cosine = down / apart, across / apart
    radii = _radius(box.width, box.height, sine, cosine) + _radius(cell.width, cell.height, sine, cosine)
    return apart >= _LEAST_APART * radii


def _ellipses(boxes: list[Box], shape: tuple[int, ...], erythrocyte_px: float) -> NDArray[np.float32]:
    mask = np.zeros(shape[:2], np.float32)
    for box in boxes:
        centre = (round((box.x0 + box.x1) * 8), round((box.y0 + box.y1) * 8))
        axes = (round(box.width * 8), round(box.height * 8))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1, cv2.LINE_8, 4)
    sigma = _EDGE * erythrocyte_px
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32)


def _moved(source: Box, box: Box, field: TrainingField, other: TrainingField) -> NDArray[np.float32]:
    """Move the other field so that the leukocyte fills its new box, under the lamp of this field."""
    zoom = box.width / source.width
    matrix = np.array([[zoom, 0.0, box.x0 - zoom * source.x0], [0.0, zoom, box.y0 - zoom * source.y0]])
    size = (field.image.shape[1], field.image.shape[0])
    moved = cv2.warpAffine(other.image, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    lamp = (field.white / np.maximum(other.white, 1.0)).astype(np.float32)
    return np.asarray(moved, np.float32) * lamp
