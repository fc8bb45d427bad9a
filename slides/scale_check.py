"""Holding a pixel size against the erythrocytes that it would have to fit."""

from collections.abc import Sequence

from cells.errors import CalibrationError
from cells.records import Finding
from cells.units import ERYTHROCYTE_UM
from slides.erythrocytes import ErythrocyteMeasure

OPTION_DOUBTFUL = "option_against_erythrocytes"
"""Code of the remark that the pixel size given by the user hardly suits the erythrocytes."""

METADATA_DOUBTFUL = "metadata_against_erythrocytes"
"""Code of the remark that the pixel size stated by the files hardly suits the erythrocytes."""

OTHER_MAGNIFICATION = "other_magnification"
"""Code of the remark that the erythrocytes of a field have another size than those of the smear."""

UNCHECKED = "pixel_size_unchecked"
"""Code of the remark that too few erythrocytes could be measured to check the pixel size given or stated."""

DOUBTFUL = 1.2
"""Factor from which a deviation is remarked on: mean diameters of patients lie within 6.25 to 9 µm."""

CONTRADICTION = 1.5
"""Factor from which a deviation is a contradiction: no blood has a mean diameter of 5 or of 11 µm."""

SURE_ERYTHROCYTES = 30
"""Fewest outlines that overrule a size given by the user: heaps of a few fields can mislead by a third."""

SMEAR_SHARE = 0.2
"""Share of the measured fields at another magnification from which on the whole smear gets the remark."""


def check_option(um_per_px: float, *, diameter_px: float, erythrocytes: int) -> list[Finding]:
    """Hold the pixel size that the user gave against the erythrocytes.

    Parameters
    ----------
    um_per_px : float
        Pixel size given, µm per px, above 0.
    diameter_px : float
        Typical diameter of the erythrocytes, px, above 0.
    erythrocytes : int
        Number of outlines that it rests on.

    Returns
    -------
    list of Finding
        The remark `OPTION_DOUBTFUL` with the diameter in µm that the erythrocytes would have, from a factor
        of `DOUBTFUL` on; else empty.

    Raises
    ------
    CalibrationError
        From a factor of `CONTRADICTION` on, where at least `SURE_ERYTHROCYTES` outlines say so.
    """
    deviation = _deviation(um_per_px, diameter_px)
    if deviation >= CONTRADICTION and erythrocytes >= SURE_ERYTHROCYTES:
        raise CalibrationError(
            f"a pixel size of {um_per_px:.4g} µm was given, but then the erythrocytes "
            f"({erythrocytes} of {diameter_px:.1f} px) would measure {um_per_px * diameter_px:.1f} µm "
            f"instead of about {ERYTHROCYTE_UM:g}; by them it is {ERYTHROCYTE_UM / diameter_px:.4g} µm: "
            "leave --um-per-px out to have it measured, or give the right size"
        )
    return _remark(OPTION_DOUBTFUL, um_per_px, diameter_px) if deviation >= DOUBTFUL else []


def check_metadata(um_per_px: float, *, diameter_px: float, erythrocytes: int) -> list[Finding]:
    """Hold the pixel size that the files state against the erythrocytes.

    Parameters
    ----------
    um_per_px : float
        Pixel size stated, µm per px, above 0.
    diameter_px : float
        Typical diameter of the erythrocytes, px, above 0.
    erythrocytes : int
        Number of outlines that it rests on.

    Returns
    -------
    list of Finding
        The remark `METADATA_DOUBTFUL` with the diameter in µm that the erythrocytes would have, from a factor
        of `DOUBTFUL` on; else empty.

    Raises
    ------
    CalibrationError
        From a factor of `CONTRADICTION` on.
    """
    deviation = _deviation(um_per_px, diameter_px)
    if deviation >= CONTRADICTION:
        raise CalibrationError(
            f"the files state {um_per_px:.4g} µm per pixel, but by their erythrocytes "
            f"({erythrocytes} of {diameter_px:.1f} px) it would be {ERYTHROCYTE_UM / diameter_px:.4g}; "
            "give the pixel size with --um-per-px"
        )
    return _remark(METADATA_DOUBTFUL, um_per_px, diameter_px) if deviation >= DOUBTFUL else []


def other_magnifications(
    names: Sequence[str], measures: Sequence[ErythrocyteMeasure], *, um_per_px: float
) -> list[Finding]:
    """Find the fields whose erythrocytes do not suit the pixel size of the smear.

    Parameters
    ----------
    names : sequence of str
        Names of the measured fields.
    measures : sequence of ErythrocyteMeasure
        One per field, in the same order.
    um_per_px : float
        Pixel size of the smear, µm per px, above 0.

    Returns
    -------
    list of Finding
        One remark `OTHER_MAGNIFICATION` for each field whose erythrocytes deviate by a factor of
        `CONTRADICTION` or more, with their diameter in µm at that pixel size; before them one on the smear,
        with the share of fields, where they are at least `SMEAR_SHARE` of the fields that tell a size.
    """
    told = [
        (name, float(measure.diameter_px))
        for name, measure in zip(names, measures, strict=True)
        if measure.diameter_px is not None
    ]
    odd = [
        Finding(OTHER_MAGNIFICATION, "warning", name, um_per_px * diameter)
        for name, diameter in told
        if _deviation(um_per_px, diameter) >= CONTRADICTION
    ]
    share = len(odd) / max(1, len(told))
    return [Finding(OTHER_MAGNIFICATION, "warning", "", share), *odd] if odd and share >= SMEAR_SHARE else odd


def deviation(stated: float, measured: float) -> float:
    """Return by what factor a diameter deviates from another.

    Parameters
    ----------
    stated, measured : float
        Two diameters in one unit, above 0.

    Returns
    -------
    float
        1 or more.
    """
    return max(stated / measured, measured / stated)


def _deviation(um_per_px: float, diameter_px: float) -> float:
    ratio = um_per_px * diameter_px / ERYTHROCYTE_UM
    return max(ratio, 1 / ratio)


def _remark(code: str, um_per_px: float, diameter_px: float) -> list[Finding]:
    return [Finding(code, "warning", "", um_per_px * diameter_px)]
