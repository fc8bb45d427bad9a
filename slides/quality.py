"""What is wrong with a field for counting leukocytes: blur, exposure, erythrocytes, stain, order of colours.

Each threshold stands with its reason; `docs/calibration.md` shows how often real fields exceed it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import Field, Finding
from slides.channel_order import (
    MIN_RED_OVER_BLUE,
    SWAPPED_SHARE,
    at_working_scale,
    red_over_blue,
    stained_parts,
)
from slides.field_colour import field_colour
from slides.stain import Stain, separate_stain

CHANNELS_SWAPPED = "channels_swapped"
"""Code of the remark that red and blue seem to be swapped."""

MAX_EDGE_WIDTH = 0.17
"""Widest edge of a cell, in erythrocyte diameters (1.3 µm): beyond it the lobes of a nucleus run together."""

MAX_CLIPPED = 0.25
"""Largest share of pixels at the upper end of green: there pale cytoplasm is lost in the slide."""

MIN_WHITE = 80.0
"""Darkest green of the empty slide, of 255: below it a pale erythrocyte is under 25 grey levels darker."""

MIN_COVER = 0.08
"""Smallest share of the field that cells cover: a field that counts in a monolayer has some 25 to 60 %."""

MAX_HEAPED = 0.4
"""Largest share of the cells' area that lies in heaps: there leukocytes hide among erythrocytes."""

MIN_NUCLEAR = 0.15
"""Smallest area stained like nuclei, in erythrocyte areas: a lymphocyte has 0.7, a platelet about 0.1."""

UNEVEN_LAMP, SURROUND = "uneven_lamp", "surround"
"""Codes of the notes that the lamp was made even, and that a field is lit in part only (`slides.lamp`)."""

SMEAR_SHARE = 0.2
"""Share of the fields with one remark from which on the whole smear gets it."""

_HEAP = 1.6
_LEUKOCYTE = 1.8
_NUCLEAR_LOBE = 0.35
_DOUBLE = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class FieldQuality:
    """The measured quality of one field.

    Parameters
    ----------
    edge_width : float or None
        Width of the cells' edges from empty slide to full density, in erythrocyte diameters; None without
        cells.
    clipped : float
        Share of pixels whose green is at least 254, 0 to 1.
    white : float
        Green of the empty slide, 1 to 255.
    cover : float
        Share of the field that cells cover, 0 to 1.
    heaped : float
        Share of the cells' area, away from nuclei, that lies in heaps wider than a cell or where one cell
        covers another (1.6 times the typical density), 0 to 1.
    nuclear : float
        Area stained like nuclei, in erythrocyte areas.
    red_over_blue : float or None
        Optical density of nuclei in red less that in blue, beyond erythrocytes, -4 to 4; None where the field
        does not tell.
    colour : ndarray of shape (5,), float64, or None
        What `slides.field_colour.field_colour` gave.
    lamp_fall : float
        By how much the lamp's light fell over the field before it was made even, 0 to 1; 0 where it was left.
    surround : float
        Share of the picture that is no field, 0 to 1.
    """

    edge_width: float | None
    clipped: float
    white: float
    cover: float
    heaped: float
    nuclear: float
    red_over_blue: float | None
    colour: NDArray[np.float64] | None
    lamp_fall: float = 0.0
    surround: float = 0.0


def measure_quality(field: Field, erythrocyte_px: float) -> FieldQuality:
    """Measure the quality of one field.

    Parameters
    ----------
    field : Field
        The field.
    erythrocyte_px : float
        Diameter of an erythrocyte, px of the image as read.

    Returns
    -------
    FieldQuality
    """
    image, diameter = at_working_scale(field.image, erythrocyte_px)
    clipped = float((field.image[..., 1] >= 254).mean())
    stain = separate_stain(image, field.white_point)
    white = float(field.white_point[1])
    surround = 0.0 if field.lit is None else 1.0 - float(field.lit.mean())
    if stain is None:
        return FieldQuality(None, clipped, white, 0.0, 0.0, 0.0, None, None, field.lamp_fall, surround)
    cells = (stain.density > 0.5 * stain.level).astype(np.uint8)
    parts = stained_parts(image, field.white_point, stain, diameter)
    return FieldQuality(
        _edge_width(stain, cells, diameter),
        clipped,
        white,
        stain.foreground,
        _heaped(stain, cells, diameter),
        _nuclear(stain, diameter),
        red_over_blue(parts, diameter),
        field_colour(parts, field.white_point, diameter),
        field.lamp_fall,
        surround,
    )


def assess_field(field: Field, erythrocyte_px: float) -> list[Finding]:
    """Remark on the quality of one field.

    Parameters
    ----------
    field : Field
        The field.
    erythrocyte_px : float
        Diameter of an erythrocyte, px of the image as read.

    Returns
    -------
    list of Finding
        What `remark_on` says of it.
    """
    return remark_on(field.name, measure_quality(field, erythrocyte_px))


def remark_on(name: str, q: FieldQuality) -> list[Finding]:
    """Remark on the measured quality of one field.

    Parameters
    ----------
    name : str
        Name of the field.
    q : FieldQuality
        What was measured.

    Returns
    -------
    list of Finding
        Codes ``blurred``, ``overexposed``, ``underexposed``, ``too_few_erythrocytes``,
        ``overlapping_erythrocytes``, ``channels_swapped`` (warnings), ``no_leukocyte_stain`` (info: a field
        without a leukocyte is common, a smear without one is not), ``uneven_lamp`` and ``surround``
        (info: they were dealt with), each with its measured value; empty where there is nothing to say.
    """
    order = q.red_over_blue
    remarks = (
        ("blurred", "warning", q.edge_width, q.edge_width is not None and q.edge_width > MAX_EDGE_WIDTH),
        ("overexposed", "warning", q.clipped, q.clipped > MAX_CLIPPED),
        ("underexposed", "warning", q.white, q.white < MIN_WHITE),
        ("too_few_erythrocytes", "warning", q.cover, q.cover < MIN_COVER),
        ("overlapping_erythrocytes", "warning", q.heaped, q.heaped > MAX_HEAPED),
        (CHANNELS_SWAPPED, "warning", order, order is not None and order < MIN_RED_OVER_BLUE),
        ("no_leukocyte_stain", "info", q.nuclear, q.nuclear < MIN_NUCLEAR),
        (UNEVEN_LAMP, "info", q.lamp_fall, q.lamp_fall > 0),
        (SURROUND, "info", q.surround, q.surround > 0),
    )
    return [Finding(code, severity, name, value) for code, severity, value, holds in remarks if holds]


def assess_smear(findings: Sequence[Finding], fields: int) -> list[Finding]:
    """Sum the remarks on single fields up to remarks on the smear.

    Parameters
    ----------
    findings : sequence of Finding
        Remarks of `assess_field` on all its fields.
    fields : int
        Number of fields assessed.

    Returns
    -------
    list of Finding
        Warnings without a field, in the order of their codes; the value is the share of fields, 0 to 1. A
        remark is passed on from `SMEAR_SHARE` of the fields on, ``channels_swapped`` from `SWAPPED_SHARE` on,
        ``no_leukocyte_stain`` only where it holds for all; ``uneven_lamp`` and ``surround`` stay notes.
    """
    least = {"no_leukocyte_stain": 1.0, CHANNELS_SWAPPED: SWAPPED_SHARE}
    counts = Counter(finding.code for finding in findings)
    passed = []
    for code in sorted(counts):
        share = counts[code] / max(1, fields)
        if share >= least.get(code, SMEAR_SHARE):
            severity = "info" if code in (UNEVEN_LAMP, SURROUND) else "warning"
            passed.append(Finding(code, severity, "", share))
    return passed


def _edge_width(stain: Stain, cells: NDArray[np.uint8], diameter: float) -> float | None:
    edge = cv2.dilate(cells, np.ones((3, 3), np.uint8)) != cells
    across = cv2.Sobel(stain.density, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(stain.density, cv2.CV_32F, 0, 1, scale=0.125)
    steepness = np.hypot(across[edge], down[edge])
    if steepness.size < diameter:
        return None
    return float(stain.level / np.quantile(steepness, 0.75) / diameter)


def _heaped(stain: Stain, cells: NDArray[np.uint8], diameter: float) -> float:
    filled = _without_pallor(cells, diameter)
    nuclei = cv2.morphologyEx(stain.nucleus, cv2.MORPH_OPEN, _disc(_NUCLEAR_LOBE * diameter))
    away = cv2.dilate(nuclei, _disc(_LEUKOCYTE * diameter)) == 0
    wide = cv2.morphologyEx(filled, cv2.MORPH_OPEN, _disc(_HEAP * diameter)) > 0
    single = away & (cells > 0)
    if not single.any():
        return 0.0
    double = stain.density > _DOUBLE * float(np.median(stain.density[single]))
    outside = away & (filled > 0)
    return float(np.mean((wide | double)[outside]))


def _disc(width: float) -> NDArray[np.uint8]:
    side = max(3, round(width))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _without_pallor(cells: NDArray[np.uint8], diameter: float) -> NDArray[np.uint8]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - cells, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.5 * np.pi / 4 * diameter**2
    small[0] = False
    return np.asarray(cells | small[labels], np.uint8)


def _nuclear(stain: Stain, diameter: float) -> float:
    side = max(3, round(0.12 * diameter))
    opened = cv2.morphologyEx(stain.nucleus, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return float(np.count_nonzero(opened) / (np.pi / 4 * diameter**2))
