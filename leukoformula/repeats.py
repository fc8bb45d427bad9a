"""Cells that two fields show: fields that overlap, or one that was photographed or saved twice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import Cell, Finding, RGBImage
from leukoformula.decisions import UNCERTAIN

SEEN_BEFORE = "seen_before"
"""Code of the remark, and reason of a counted cell that looks the same as one of an earlier field."""

ALIKE = 0.93
"""Least correlation of two crops of one cell.

Cells that two fields of ``bccd`` and ``deepbionet`` show reach 0.93 to 0.998; of 3 million pairs of different
cells of ``pbc_barcelona`` none is above 0.926, of 13,000 pairs of drawn ones none above 0.92; the best of as
many pairs of ``apl_aml_jhu`` has 0.934 (a record of trials).
"""

_OUTLINE = 14
_OUTLINE_ALIKE = 0.9
_MOST_COMPARED = 20
_DETAIL = 56
_SHIFT = 6
_ROWS = 512


def mark_repeats(cells: Sequence[Cell], crops: Mapping[int, RGBImage]) -> tuple[list[Cell], list[Finding]]:
    """Mark the counted cells that look the same as a counted cell of an earlier field.

    Parameters
    ----------
    cells : sequence of Cell
        The finds of a smear, in order of their fields.
    crops : mapping of int to ndarray of shape (112, 112, 3), uint8
        Crop of each cell by ``cell_id``.

    Returns
    -------
    cells : list of Cell
        The cells; one that was seen before has the reason ``SEEN_BEFORE``, unless it has a weightier one.
        They are counted as they were.
    remarks : list of Finding
        A warning ``SEEN_BEFORE`` for each field that shows such cells, with their number.

    Notes
    -----
    Crops are compared by the correlation of their grey values at half size, the middle of one laid on the
    other with a shift of up to 12 px of the crop; focus, brightness and colour may differ, turned pictures
    are not recognised.
    """
    counted = [cell for cell in cells if cell.counted]
    again = _seen_before(counted, crops)
    number = Counter(cell.image for cell in counted if cell.cell_id in again)
    marked = [_marked(cell) if cell.cell_id in again else cell for cell in cells]
    return marked, [Finding(SEEN_BEFORE, "warning", name, float(n)) for name, n in number.items()]


def _marked(cell: Cell) -> Cell:
    return replace(cell, reason=SEEN_BEFORE) if cell.reason in {"", UNCERTAIN} else cell


def _seen_before(cells: Sequence[Cell], crops: Mapping[int, RGBImage]) -> set[int]:
    if len({cell.image for cell in cells}) < 2:
        return set()
    names = np.array([cell.image for cell in cells])
    pictures = [crops[cell.cell_id] for cell in cells]
    outlines = np.stack([_outline(picture) for picture in pictures])
    details = [_detail(picture) for picture in pictures]
    found: set[int] = set()
    for start in range(0, len(cells), _ROWS):
        likeness = outlines[start : start + _ROWS] @ outlines.T
        for row, values in enumerate(likeness, start):
            values[names == names[row]] = -1.0
            values[row:] = -1.0
            likeliest = np.argsort(-values, kind="stable")[:_MOST_COMPARED]
            near = likeliest[values[likeliest] > _OUTLINE_ALIKE]
            if any(_correlation(details[row], details[other]) >= ALIKE for other in near):
                found.add(cells[row].cell_id)
    return found


def _outline(crop: RGBImage) -> NDArray[np.float32]:
    """Return the coarse picture of a crop as a vector of length 1, its middle with most weight."""
    small = cv2.resize(crop, (_OUTLINE, _OUTLINE), interpolation=cv2.INTER_AREA).astype(np.float32)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), _OUTLINE / 16), np.float32)
    line = cv2.getGaussianKernel(_OUTLINE, _OUTLINE / 3.5).astype(np.float32)
    weight = (line @ line.T)[..., None]
    flat = (small - (small * weight).sum((0, 1)) / weight.sum()) * np.sqrt(weight)
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1.0), np.float32).ravel()


def _detail(crop: RGBImage) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (_DETAIL, _DETAIL), interpolation=cv2.INTER_AREA), np.uint8)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    middle = one[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    return float(cv2.matchTemplate(other, middle, cv2.TM_CCOEFF_NORMED).max())
