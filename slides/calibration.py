"""The pixel size of a smear: from the option, the files or the erythrocytes; never a guess."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cells.errors import CalibrationError
from cells.records import Field, Finding
from cells.units import BOXED_PER_EDGE, ERYTHROCYTE_UM, MicronsPerPixel, Pixels
from slides.erythrocytes import ErythrocyteMeasure, measure_erythrocytes, typical_diameter
from slides.scale_check import UNCHECKED, check_metadata, check_option, other_magnifications

CalibrationSource = Literal["option", "metadata", "erythrocytes"]

SAMPLED_FIELDS = 60
"""Number of fields, evenly spread over the smear, that are measured."""

MIN_ERYTHROCYTES = 10
"""Fewest outlines of erythrocytes that a calibration may rest on."""

MAX_SPREAD = 0.2
"""Largest relative spread of the diameters: anisocytosis stays below it, mixed magnifications do not."""

UM_PER_PX_RANGE = (0.02, 2.0)
"""Pixel sizes that a picture of a smear can have, µm per px: an erythrocyte of 375 px to one of 4 px."""

_FIELD_WEIGHT = 10.0
_METADATA_AGREEMENT = 1.02
_REMEDY = "give the pixel size with --um-per-px"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The pixel size of a smear and where it was found.

    Parameters
    ----------
    um_per_px : MicronsPerPixel
        Pixel size, µm per px.
    erythrocyte_px : Pixels
        Diameter of an erythrocyte of 7.5 µm at that pixel size, px.
    source : {"option", "metadata", "erythrocytes"}
        Where the pixel size comes from.
    erythrocytes : int
        Number of outlines of erythrocytes that it rests on; 0 for another source.
    spread : float
        Robust relative standard deviation of their diameters; 0 for another source.
    findings : tuple of Finding
        What speaks against the pixel size: erythrocytes that it does not suit, in the smear or in single
        fields.
    """

    um_per_px: MicronsPerPixel
    erythrocyte_px: Pixels
    source: CalibrationSource
    erythrocytes: int = 0
    spread: float = 0.0
    findings: tuple[Finding, ...] = ()

    @property
    def boxed_erythrocyte_px(self) -> Pixels:
        """Diameter of an erythrocyte as a box around it measures, px; it scales detector and crops."""
        return Pixels(self.erythrocyte_px * BOXED_PER_EDGE)

    @classmethod
    def from_um_per_px(cls, um_per_px: float, source: CalibrationSource) -> "Calibration":
        """Return the calibration for a known pixel size.

        Parameters
        ----------
        um_per_px : float
            Pixel size, µm per px, 0.02 to 2.
        source : {"option", "metadata", "erythrocytes"}
            Where it comes from.

        Returns
        -------
        Calibration

        Raises
        ------
        CalibrationError
            Where the pixel size is not one that a picture of a smear can have.
        """
        low, high = UM_PER_PX_RANGE
        if not low <= um_per_px <= high:
            raise CalibrationError(
                f"a pixel size of {um_per_px:g} µm per pixel ({source}) is outside {low:g} to {high:g}; "
                f"{_REMEDY}"
            )
        return cls(MicronsPerPixel(float(um_per_px)), Pixels(ERYTHROCYTE_UM / um_per_px), source)


def calibrate(fields: Iterable[Field], *, um_per_px: float | None = None) -> Calibration:
    """Find the pixel size of a smear.

    The option comes first, then what the files state where they agree, then the erythrocytes: the outlines
    of at most `SAMPLED_FIELDS` fields, spread evenly over the smear, are pooled, no field with more than
    its share, and an erythrocyte of the most frequent size is taken for 7.5 µm. Whatever comes first is held
    against the erythrocytes where they can be measured.

    Parameters
    ----------
    fields : iterable of Field
        Fields of one smear, all at one magnification. A sequence is sampled by index; any other iterable is
        passed through once and never held as a whole.
    um_per_px : float, optional
        Pixel size given by the user, µm per px.

    Returns
    -------
    Calibration
        Its findings say which fields, or whether the smear, show erythrocytes that the size does not suit.

    Raises
    ------
    CalibrationError
        Where the pixel size given or stated is impossible, it contradicts the erythrocytes by more than a
        factor of 1.5, fewer than ten erythrocytes can be measured and no size is given or stated, or their
        diameters spread by more than 20 % then.
    """
    given = None if um_per_px is None else Calibration.from_um_per_px(um_per_px, "option")
    names: list[str] = []
    stated: list[float | None] = []
    measures: list[ErythrocyteMeasure] = []
    for field in _sample(fields):
        names.append(field.name)
        stated.append(field.um_per_px)
        measures.append(measure_erythrocytes(field.image, field.white_point))
    if given is not None:
        found = _checked(given, measures)
    elif not stated:
        raise CalibrationError(f"the smear has no readable field to calibrate on; {_REMEDY}")
    else:
        known = [size for size in stated if size is not None]
        if len(known) == len(stated) and max(known) <= _METADATA_AGREEMENT * min(known):
            size = float(np.median(known))
            found = _checked(Calibration.from_um_per_px(size, "metadata"), measures)
        else:
            found = from_erythrocytes(measures)
    odd = other_magnifications(names, measures, um_per_px=found.um_per_px)
    return replace(found, findings=(*found.findings, *odd))


def from_erythrocytes(measures: Sequence[ErythrocyteMeasure]) -> Calibration:
    """Pool the measures of single fields into the pixel size of the smear.

    Parameters
    ----------
    measures : sequence of ErythrocyteMeasure
        One per field, at one magnification.

    Returns
    -------
    Calibration
        Its source is ``"erythrocytes"``.

    Raises
    ------
    CalibrationError
        Where fewer than ten erythrocytes were measured or their diameters spread by more than 20 %.
    """
    diameter, spread, near = _typical(measures)
    found = Calibration.from_um_per_px(ERYTHROCYTE_UM / diameter, "erythrocytes")
    return Calibration(found.um_per_px, Pixels(diameter), "erythrocytes", near, spread)


def pooled_diameter(measures: Sequence[ErythrocyteMeasure]) -> tuple[float, int]:
    """Pool the measures of single images into one diameter, whatever its unit.

    Parameters
    ----------
    measures : sequence of ErythrocyteMeasure
        One per image, in one unit.

    Returns
    -------
    diameter : float
        That of the typical erythrocyte, in the unit of the measures.
    outlines : int
        Number of outlines that it rests on.

    Raises
    ------
    CalibrationError
        Where fewer than ten erythrocytes were measured or their diameters spread by more than 20 %.
    """
    diameter, _, near = _typical(measures)
    return diameter, near


def _typical(measures: Sequence[ErythrocyteMeasure]) -> tuple[float, float, int]:
    diameters, weights = _pool(measures)
    if len(diameters) < MIN_ERYTHROCYTES:
        raise CalibrationError(
            f"only {len(diameters)} erythrocytes can be measured in {len(measures)} fields, "
            f"{MIN_ERYTHROCYTES} are needed to find the pixel size; {_REMEDY}"
        )
    diameter, near = typical_diameter(diameters, weights)
    spread = _spread(diameters, weights, diameter)
    if spread > MAX_SPREAD:
        raise CalibrationError(
            f"the diameters of {len(diameters)} erythrocytes spread by {100 * spread:.0f} % around "
            f"{diameter:.1f} px, too much to find the pixel size; analyse mixed magnifications one by one, "
            f"else {_REMEDY}"
        )
    return diameter, spread, int(near.sum())


def _checked(calibration: Calibration, measures: Sequence[ErythrocyteMeasure]) -> Calibration:
    try:
        measured = from_erythrocytes(measures)
    except CalibrationError:
        return replace(calibration, findings=(Finding(UNCHECKED, "warning"),)) if measures else calibration
    check = check_option if calibration.source == "option" else check_metadata
    remarks = check(
        calibration.um_per_px, diameter_px=measured.erythrocyte_px, erythrocytes=measured.erythrocytes
    )
    return replace(calibration, findings=tuple(remarks))


def _sample(fields: Iterable[Field]) -> Iterator[Field]:
    if isinstance(fields, Sequence):
        count = min(SAMPLED_FIELDS, len(fields))
        yield from (fields[i * len(fields) // count] for i in range(count))
        return
    for i, field in enumerate(fields):
        stride = 1 << max(0, (i // SAMPLED_FIELDS).bit_length())
        if i % stride == 0:
            yield field


def _pool(measures: Sequence[ErythrocyteMeasure]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    diameters = [m.diameters for m in measures if m.diameter_px is not None]
    weights = [
        m.weights * min(1.0, _FIELD_WEIGHT / m.weights.sum()) for m in measures if m.diameter_px is not None
    ]
    if not diameters:
        return np.empty(0), np.empty(0)
    return np.concatenate(diameters), np.concatenate(weights)


def _spread(diameters: NDArray[np.float64], weights: NDArray[np.float64], centre: float) -> float:
    away = np.abs(np.log(diameters / centre))
    order = np.argsort(away, kind="stable")
    mass = np.cumsum(weights[order])
    return float(1.4826 * away[order][int(np.searchsorted(mass, 0.5 * mass[-1]))])
