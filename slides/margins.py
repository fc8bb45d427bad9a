"""Margins around a photograph in one exact colour: captions, panels of a program, frames."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage

_CORNER_SHARE = 0.01
_TOLERANCE = 4
_LINE_SHARE = 0.3
_EDGE = 3
_FILLED = 0.9
_FREE = 0.05
_INSIDE_SHARE = 0.02
_LEAST_DEPTH = 0.02
_LEAST_INSIDE = 0.1
_MOST_PEELS = 8


class Part(NamedTuple):
    """A rectangle of a photograph: its first row and column, and those behind its last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left


def within_margins(image: RGBImage) -> Part | None:
    """Find the photograph within margins of one exact colour each.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.

    Returns
    -------
    Part or None
        What is left when margins are taken away one after another: rows or columns at a side of which 30 % or
        more have the very colour of a corner (within 4 levels), up to a straight edge that they fill, while
        within them hardly any pixel (2 %) has it. None without a margin of 2 % of a side, or where less than
        a tenth would be left.
    """
    whole = part = Part(0, 0, *image.shape[:2])
    for _ in range(_MOST_PEELS):
        inner = next(
            (one for colour in _corner_colours(image, part) if (one := _peeled(image, part, colour))), None
        )
        if inner is None:
            break
        part = inner
    depths = (part.top, part.left, whole.bottom - part.bottom, whole.right - part.right)
    sides = (*whole.shape, *whole.shape)
    deep = any(depth >= _LEAST_DEPTH * side for depth, side in zip(depths, sides, strict=True))
    area = part.shape[0] * part.shape[1]
    return part if deep and area >= _LEAST_INSIDE * whole.shape[0] * whole.shape[1] else None


def _corner_colours(image: RGBImage, part: Part) -> list[NDArray[np.int16]]:
    """Return the colours of the corners that have one exactly, each once."""
    rows, cols = (max(2, round(_CORNER_SHARE * side)) for side in part.shape)
    colours: dict[bytes, NDArray[np.int16]] = {}
    for down in (slice(part.top, part.top + rows), slice(part.bottom - rows, part.bottom)):
        for across in (slice(part.left, part.left + cols), slice(part.right - cols, part.right)):
            corner = image[down, across].reshape(-1, 3)
            if corner.size and np.ptp(corner, axis=0).max() <= _TOLERANCE:
                colours[corner[0].tobytes()] = corner[0].astype(np.int16)
    return list(colours.values())


def _peeled(image: RGBImage, part: Part, colour: NDArray[np.int16]) -> Part | None:
    picture = np.ascontiguousarray(image[part.top : part.bottom, part.left : part.right])
    low, high = (np.clip(colour + step, 0, 255).astype(np.uint8) for step in (-_TOLERANCE, _TOLERANCE))
    same = np.asarray(cv2.inRange(picture, low, high)) > 0
    shares = same.mean(axis=1)
    top, bottom = _ends(shares)
    across = same[top:bottom].mean(axis=0) if top < bottom else shares[:0]
    left, right = _ends(across)
    inside = same[top:bottom, left:right]
    if not inside.size or inside.shape == same.shape or inside.mean() > _INSIDE_SHARE:
        return None
    if not (_sharp(same[:, left:right].mean(axis=1), top, bottom) and _sharp(across, left, right)):
        return None
    return Part(part.top + top, part.left + left, part.top + bottom, part.left + right)


def _ends(shares: NDArray[np.float64]) -> tuple[int, int]:
    """Return where the lines begin and end that have little of that colour."""
    other = np.flatnonzero(shares < _LINE_SHARE)
    return (int(other[0]), int(other[-1]) + 1) if len(other) else (0, 0)


def _sharp(shares: NDArray[np.float64], first: int, end: int) -> bool:
    """Tell whether the colour fills the margins up to their edge and ends there."""
    beside = (
        [(shares[max(first - _EDGE, 0) : first], shares[first : min(first + _EDGE, end)])] if first else []
    )
    if end < len(shares):
        beside.append((shares[end : end + _EDGE], shares[max(end - _EDGE, first) : end]))
    return all(margin.max() >= _FILLED and picture.min() <= _FREE for margin, picture in beside)
