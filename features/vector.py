"""The feature vector of a cell: one table, one function that fills it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from features import angle, colour, dyes, shape, texture
from features.region import Feature, Group, prepare
from features.segmentation import Masks, segment

FEATURES: tuple[Feature, ...] = (
    *shape.FEATURES,
    *colour.FEATURES,
    *dyes.FEATURES,
    *texture.FEATURES,
    *angle.FEATURES,
)
"""Every feature, in the order of the vector."""

VERSION = 3
"""Raised with every change that changes a value: features of another version do not fit a trained model."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
"""Names of the features, in the order of the vector."""


_GROUPS = (*shape.GROUPS, *colour.GROUPS, *dyes.GROUPS, *texture.GROUPS, *angle.GROUPS)


def measure(
    crop: RGBImage, masks: Masks, white: WhitePoint, *, names: tuple[str, ...] = NAMES
) -> NDArray[np.float32]:
    """Measure one cell.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm.
    masks : Masks
        Its nucleus and cell.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    names : tuple of str
        Features wanted, of ``NAMES``; what only others need is not measured.

    Returns
    -------
    ndarray of shape (len(names),), float32
        Finite values in the order of ``names``.

    Raises
    ------
    UsageError
        Where crop and masks do not fit together or a mask is empty.
    """
    region = prepare(crop, masks, white)
    values: dict[str, float] = {}
    for group in _needed(names):
        values |= group.measure(region)
    return np.array([values[name] for name in names], np.float32)


@cache
def _needed(names: tuple[str, ...]) -> tuple[Group, ...]:
    return tuple(group for group in _GROUPS if not group.names.isdisjoint(names))


def describe(crop: RGBImage, white: WhitePoint, *, names: tuple[str, ...] = NAMES) -> NDArray[np.float32]:
    """Segment and measure one cell.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm with the cell in the middle.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    names : tuple of str
        As ``measure``.

    Returns
    -------
    ndarray of shape (len(names),), float32
        As ``measure``.

    Raises
    ------
    UsageError
        Where the crop has another shape.
    """
    return measure(crop, segment(crop, white), white, names=names)


def markdown_table() -> str:
    """Return the table of all features as it stands in the documentation.

    Returns
    -------
    str
        Markdown, one line for each feature, without a line break at the end.
    """
    lines = ["| # | name | formula | unit | meaning | source |", "|---|---|---|---|---|---|"]
    for number, f in enumerate(FEATURES, start=1):
        cells = (str(number), f"`{f.name}`", f.formula, f.unit, f.meaning, f.source)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    return "\n".join(lines)
