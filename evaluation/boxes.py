"""Published fields with audited boxes, by the name of the set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cells.errors import DataError, UsageError
from detector.audit import AuditRows, apply_audit, read_audit
from detector.samples import TrainingField, erythrocyte_px_of, read_image
from detector.truth import PLATELET, Boxes, read_voc, read_yolo
from slides.optics import white_point

AUDITS = Path(__file__).resolve().parent / "audits"
"""Folder of the audit lists that are part of the project."""


@dataclass(frozen=True, slots=True)
class TruthSet:
    """Where the images and boxes of a set lie.

    Parameters
    ----------
    images, boxes : str
        Folders below the data folder.
    read : callable
        Reader of one box file.
    suffix : str
        Suffix of the box files.
    audit : str
        File name of the audit list.
    """

    images: str
    boxes: str
    read: Callable[..., Boxes]
    suffix: str
    audit: str


SETS = {
    "txl_val": TruthSet("txl_pbc/images/val", "txl_pbc/labels/val", read_yolo, ".txt", "txl_val.csv"),
    "deepbionet": TruthSet("deepbionet/Images", "deepbionet/Annotations", read_voc, ".xml", "deepbionet.csv"),
    "bccd": TruthSet("bccd/JPEGImages", "bccd/Annotations", read_voc, ".xml", "bccd.csv"),
}
"""The sets that the detector is judged on."""


def truth_fields(
    data: Path,
    name: str,
    *,
    audit: Path | None = None,
    faults: list[str] | None = None,
    without: frozenset[tuple[int, int]] = frozenset(),
) -> Iterator[TrainingField]:
    """Read the fields of a set one by one, with the audit list applied to their boxes.

    Parameters
    ----------
    data : Path
        Folder of the published images.
    name : str
        Name of a set in `SETS`.
    audit : Path, optional
        Audit list; None takes that of the project. A file without rows leaves the published boxes.
    faults : list of str, optional
        Receives a line for every fault of the box files.
    without : frozenset of (int, int), optional
        Sizes (height, width) of images that are left out.

    Yields
    ------
    TrainingField
        In the order of their names; fields where fewer than three erythrocytes are boxed come last and take
        the median diameter of the set.

    Raises
    ------
    UsageError
        Where the set is unknown.
    DataError
        Where files are missing or unreadable.
    """
    if name not in SETS:
        raise UsageError(f"unknown set '{name}'; give one of {', '.join(SETS)}")
    source = SETS[name]
    paths = sorted((data / source.images).glob("*.jpg"))
    if not paths:
        raise DataError(f"{data / source.images}: no images; give the folder of the data sets with --data")
    verdicts = read_audit(audit or AUDITS / source.audit)
    waiting: list[TrainingField] = []
    diameters: list[float] = []
    for path in paths:
        found, known = _read(path, data / source.boxes, source, verdicts, faults)
        if found.image.shape[:2] in without:
            continue
        if known:
            diameters.append(found.erythrocyte_px)
            yield found
        else:
            waiting.append(found)
    for found in waiting:
        yield replace(found, erythrocyte_px=float(np.median(diameters)))


def _read(
    path: Path, folder: Path, source: TruthSet, verdicts: AuditRows, faults: list[str] | None
) -> tuple[TrainingField, bool]:
    image = read_image(path)
    height, width = image.shape[:2]
    read = source.read(folder / f"{path.stem}{source.suffix}", height=height, width=width)
    if faults is not None:
        faults.extend(read.faults)
    erythrocyte_px = erythrocyte_px_of(read.boxes, (height, width))
    truth, ignored = apply_audit(read.boxes, verdicts.get(path.name, ()), height=height, width=width)
    platelets = tuple(box for box in read.boxes if box.label == PLATELET)
    found = TrainingField(
        path.name, image, white_point(image), erythrocyte_px or 1.0, truth, ignored, platelets
    )
    return found, erythrocyte_px is not None
