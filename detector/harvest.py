"""The detector's false finds as cell crops, for classifiers to be trained against."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from cells.units import CROP_ERYTHROCYTE_PX
from detector.cascade import Cascade
from detector.centres import find_centres
from detector.channels import channel_picture
from detector.samples import TrainingField

_SPACING = 1.1  # of the harvest that the shipped classifiers were trained on


@dataclass(frozen=True, slots=True)
class HarvestedCrop:
    """One crop written by `harvest_false_finds`.

    Parameters
    ----------
    path : str
        File, relative to the folder.
    label : str
        ``artefact`` or ``platelet``.
    rbc_px : float
        Erythrocyte diameter in the crop, in px.
    source : str
        Name of the field.
    score : float
        Score of the detector.
    """

    path: str
    label: str
    rbc_px: float
    source: str
    score: float


CropFunction = Callable[..., NDArray[np.uint8]]
"""``features.crops.cut_cell``, which this room may not import: it is handed in."""


def harvest_false_finds(
    cascade: Cascade,
    training: Iterable[TrainingField],
    out: Path,
    *,
    cut_cell: CropFunction,
    floor: float = -0.45,
    per_field: int = 5,
) -> list[HarvestedCrop]:
    """Write the detector's false finds at a low threshold as cell crops, to train classifiers against.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier; its gate is left open.
    training : iterable of TrainingField
        Fields with audited boxes.
    out : Path
        Folder for ``artefact/*.png``, ``platelet/*.png`` and ``manifest.csv`` with the columns path, label,
        rbc_px, source, score.
    cut_cell : callable
        ``features.crops.cut_cell``.
    floor : float, optional
        Least score of a false find.
    per_field : int, optional
        Most false finds of one field; the best by score are taken.

    Returns
    -------
    list of HarvestedCrop
        What was written. False finds on a leukocyte's body, within 0.8 erythrocyte diameters of its centre,
        on a platelet, or on what the audit leaves open are left out. Every boxed platelet off leukocytes is
        written too, under the label ``platelet``.
    """
    bare = cascade.ungated()
    written: list[HarvestedCrop] = []
    for source in training:
        for number, (row, col, label, score) in enumerate(_false_places(bare, source, floor, per_field)):
            crop = cut_cell(source.image, row, col, erythrocyte_px=source.erythrocyte_px, white=source.white)
            name = f"{label}/{Path(source.name).stem}_{number}.png"
            with atomic_path(out / name) as temporary:
                cv2.imwrite(str(temporary), np.ascontiguousarray(crop[..., ::-1]))
            written.append(HarvestedCrop(name, label, CROP_ERYTHROCYTE_PX, source.name, score))
    with (
        atomic_path(out / "manifest.csv") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow([item.name for item in fields(HarvestedCrop)])
        table.writerows([c.path, c.label, c.rbc_px, c.source, f"{c.score:.4f}"] for c in written)
    return written


def _false_places(
    cascade: Cascade, source: TrainingField, floor: float, per_field: int
) -> list[tuple[float, float, str, float]]:
    picture = channel_picture(source.image, source.white, erythrocyte_px=source.erythrocyte_px)
    points, scores = find_centres(cascade, picture, threshold=floor, spacing=_SPACING)
    places = [
        (*box.centre, "platelet", floor) for box in source.platelets if not _on_leukocyte(source, *box.centre)
    ]
    artefacts: list[tuple[float, float, str, float]] = []
    centres = points * (picture.row_step, picture.col_step) - 0.5
    for (row, col), score in zip(centres.tolist(), scores.tolist(), strict=True):
        taken = _on_leukocyte(source, row, col) or _on_platelet(source, row, col)
        if score < cascade.threshold and not taken:
            artefacts.append((row, col, "artefact", score))
    return artefacts[:per_field] + places


def _on_leukocyte(source: TrainingField, row: float, col: float) -> bool:
    for box in (*source.leukocytes, *source.ignored):
        down, across = row - box.centre[0], col - box.centre[1]
        if np.hypot(down, across) < 0.8 * source.erythrocyte_px:
            return True
        if (2 * down / box.height) ** 2 + (2 * across / box.width) ** 2 < 1.2:
            return True
    return False


def _on_platelet(source: TrainingField, row: float, col: float) -> bool:
    return any(
        abs(row - box.centre[0]) < 0.5 * box.height and abs(col - box.centre[1]) < 0.5 * box.width
        for box in source.platelets
    )
