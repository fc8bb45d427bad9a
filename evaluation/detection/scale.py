"""The erythrocyte diameter of each field: given, from the truth's boxes, or measured on the erythrocytes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cells.errors import CalibrationError, InputError
from detector.truth import Box
from evaluation.detection.truth import DOUBTED, Fault, FieldTruth, field_image
from slides.calibration import Calibration, from_erythrocytes
from slides.erythrocytes import measure_erythrocytes
from slides.optics import white_point
from slides.scale_check import CONTRADICTION, DOUBTFUL, SURE_ERYTHROCYTES, deviation

LEAST_BOXES = 3
"""Fewest whole erythrocyte boxes that a diameter may rest on."""

SAMPLED = 30
"""So many fields of one size are measured where boxes are too few."""

_EDGE = 1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The erythrocyte diameter of a field.

    Parameters
    ----------
    erythrocyte_px : float
        Diameter as a box around an erythrocyte measures it, in px.
    source : {"option", "boxes", "boxes of its size", "measured"}
        Where it comes from: the command line; the field's own boxes; the boxes of all fields of the same
        height and width; the outlines of the erythrocytes in those fields.
    """

    erythrocyte_px: float
    source: str


def scales_of(
    fields: Sequence[FieldTruth], *, erythrocyte_px: float | None = None, um_per_px: float | None = None
) -> tuple[dict[str, Scale], list[Fault]]:
    """Find the erythrocyte diameter of each field.

    Parameters
    ----------
    fields : sequence of FieldTruth
        The fields.
    erythrocyte_px : float, optional
        Diameter given by the user, in px.
    um_per_px : float, optional
        Pixel size given by the user, µm per px.

    Returns
    -------
    scales : dict of str to Scale
        By name of field; a field that has none is missing.
    faults : list of Fault
        One for each field that has none; one for the whole where the erythrocytes hardly suit what was given.

    Raises
    ------
    CalibrationError
        Where the pixel size given is impossible, or the erythrocytes, boxed or measured, contradict what was
        given by a factor of 1.5 or more.
    """
    if um_per_px is not None:
        erythrocyte_px = float(Calibration.from_um_per_px(um_per_px, "option").boxed_erythrocyte_px)
    if erythrocyte_px is not None:
        return {field.name: Scale(erythrocyte_px, "option") for field in fields}, _doubts(
            fields, erythrocyte_px
        )
    scales: dict[str, Scale] = {}
    faults: list[Fault] = []
    groups: dict[tuple[int, int], list[FieldTruth]] = {}
    for field in fields:
        groups.setdefault((field.height, field.width), []).append(field)
    for group in groups.values():
        _scale_group(group, scales, faults)
    return scales, faults


def _doubts(fields: Sequence[FieldTruth], given: float) -> list[Fault]:
    found = _found_beside(fields)
    if found is None or (factor := deviation(given, found[0])) < DOUBTFUL:
        return []
    diameter, told, is_sure = found
    said = f"an erythrocyte of {given:.0f} px was given, and those there measure {diameter:.0f} ({told})"
    if factor >= CONTRADICTION and is_sure:
        raise CalibrationError(f"{said}; leave --erythrocyte-px and --um-per-px out, or give the right size")
    return [Fault(DOUBTED, "all fields", f"{said}; the figures are not to be trusted")]


def _found_beside(fields: Sequence[FieldTruth]) -> tuple[float, str, bool] | None:
    """Return the diameter by boxes or outlines, what it rests on, and whether that is much."""
    boxed = [
        size
        for field in fields
        for size in whole_sizes(field.erythrocytes, height=field.height, width=field.width)
    ]
    if len(boxed) >= LEAST_BOXES:
        return float(np.median(boxed)), f"{len(boxed)} boxes", len(boxed) >= SURE_ERYTHROCYTES
    try:
        found = _measured(fields)
    except CalibrationError:
        return None
    sure = found.erythrocytes >= SURE_ERYTHROCYTES
    return float(found.boxed_erythrocyte_px), f"{found.erythrocytes} outlines", sure


def _scale_group(group: list[FieldTruth], scales: dict[str, Scale], faults: list[Fault]) -> None:
    pooled: list[float] = []
    waiting: list[FieldTruth] = []
    for field in group:
        sizes = whole_sizes(field.erythrocytes, height=field.height, width=field.width)
        pooled.extend(sizes)
        if len(sizes) >= LEAST_BOXES:
            scales[field.name] = Scale(float(np.median(sizes)), "boxes")
        else:
            waiting.append(field)
    if not waiting:
        return
    if len(pooled) >= LEAST_BOXES:
        common = Scale(float(np.median(pooled)), "boxes of its size")
    else:
        try:
            common = Scale(float(_measured(group).boxed_erythrocyte_px), "measured")
        except CalibrationError as error:
            said = f"no erythrocyte diameter ({error}); give --erythrocyte-px; left out"
            faults.extend(Fault("scale", field.name, said, left_out=True) for field in waiting)
            return
    scales.update({field.name: common for field in waiting})


def whole_sizes(boxes: Sequence[Box], *, height: int, width: int) -> list[float]:
    """Return the sizes of the boxes that do not touch the border of the image.

    Parameters
    ----------
    boxes : sequence of Box
        The boxes.
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    list of float
        Mean of width and height of each, in px.
    """
    return [
        box.size
        for box in boxes
        if box.x0 > _EDGE and box.y0 > _EDGE and box.x1 < width - _EDGE and box.y1 < height - _EDGE
    ]


def _measured(group: Sequence[FieldTruth]) -> Calibration:
    count = min(len(group), SAMPLED)
    chosen = [group[number * len(group) // count] for number in range(count)]
    measures = []
    for field in chosen:
        try:
            image = field_image(field)
        except InputError:  # the scan names it
            continue
        measures.append(measure_erythrocytes(image, white_point(image)))
    return from_erythrocytes(measures)
