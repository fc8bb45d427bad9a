"""The small records that every package shares: field, detection, quality finding, cell."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cells.units import MicronsPerPixel, Pixels
from cells.vocabulary import CellClass

RGBImage = NDArray[np.uint8]
"""An image of shape (M, N, 3), uint8, RGB."""

WhitePoint = NDArray[np.float64]
"""The colour of the empty slide, shape (3,), RGB, 1 to 255."""

LitArea = NDArray[np.bool_]
"""Mask of a whole photograph, reduced to at most 256 px a side: True where it is lit."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One microscope field of a smear.

    Parameters
    ----------
    name : str
        Name that a person knows the field by: the file's name relative to the smear, with ``#page`` for a
        page of a multi-page file.
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels, upright, as read, or as an even lamp would show them (``slides.lamp``); read-only.
    white_point : ndarray of shape (3,), float64
        Colour of the empty slide.
    um_per_px : MicronsPerPixel or None
        Pixel size that the file itself states, in µm per pixel.
    lamp_fall : float
        By how much the lamp's light fell over the field before it was made even, 0 to 1; 0 where it was left.
    lit : ndarray of shape (H, W), bool, or None
        Which part of the field is lit, where it has a dark surround; None where it is lit all over.
    """

    name: str
    image: RGBImage
    white_point: WhitePoint
    um_per_px: MicronsPerPixel | None = None
    lamp_fall: float = 0.0
    lit: LitArea | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input that was not read, and the one line that says why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Detection:
    """A find of the window scanner.

    Parameters
    ----------
    row, col : float
        Centre in pixels of the image as read; the origin is the centre of the top left pixel.
    diameter_px : Pixels
        Estimated diameter of the cell, in pixels of the image as read.
    score : float
        Score of the strong classifier; larger is surer.
    at_border : bool
        Whether the image border cuts the cell.
    counted : bool
        Whether the counting-frame rule counts the cell.
    """

    row: float
    col: float
    diameter_px: Pixels
    score: float
    at_border: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark on the quality of a field or of the whole smear.

    Parameters
    ----------
    code : str
        Stable identifier, for example ``blurred``; texts in the languages stand in ``reports``.
    severity : str
        ``"info"``, ``"warning"`` or ``"refused"``.
    where : str
        Name of the field, or empty for the smear.
    value : float or None
        The measured quantity that led to the remark.
    """

    code: str
    severity: str
    where: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One located and classified cell.

    Parameters
    ----------
    cell_id : int
        Number of the cell on its smear, from 1.
    image : str
        Name of its field.
    detection : Detection
        Where it was found.
    label : CellClass
        Class given to it; ``unidentified`` where the system abstains.
    probability : float
        Probability of the most probable class, 0 to 1.
    probabilities : dict of CellClass to float
        Probability of each class the classifier knows; they sum to 1.
    counted : bool
        Whether it enters the formula or the counts beside it.
    reason : str
        Why it is not counted, or why it is unidentified; a code, empty where there is nothing to say.
    """

    cell_id: int
    image: str
    detection: Detection
    label: CellClass
    probability: float
    probabilities: dict[CellClass, float] = field(default_factory=dict)
    counted: bool = True
    reason: str = ""
