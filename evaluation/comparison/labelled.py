"""The labelled cells that classifiers are compared on: from manifests and from the published sets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, InputError
from cells.manifests import read_manifest, stated_scale
from cells.records import Refusal
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX
from cells.vocabulary import CellClass
from classifiers.training_hashes import file_hash
from evaluation.classifier_sets import labelled_set
from features.crops import normalise_crop, too_small
from slides.crop_check import SAMPLED, CropDoubts, check_crops
from slides.optics import white_point
from slides.reader import read_image

_CROP_ERYTHROCYTES = CROP_PX / CROP_ERYTHROCYTE_PX


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCells:
    """Cells of one labelled set.

    Parameters
    ----------
    name : str
        Name of the set.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB squares of 27 µm.
    whites : ndarray of shape (N, 3), float64
        White point of each.
    labels : tuple of CellClass
        True class of each, as fine as the source gives it.
    paths : tuple of str
        How the source calls the image of each.
    groups : tuple of str
        Smear, patient or field of each; empty where unknown.
    hashes : tuple of str
        SHA-256 of the image file of each, hexadecimal.
    refused : tuple of Refusal, optional
        Images that could not be read or are too small for a cell.
    assumed_scale : int, optional
        Number of images whose shorter side was taken for 27 µm because nothing told their scale.
    sides : tuple of (float, float), optional
        Shorter and longer side of each image in erythrocyte diameters; empty where it is not known.
    """

    name: str
    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]
    labels: tuple[CellClass, ...]
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    hashes: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()
    assumed_scale: int = 0
    sides: tuple[tuple[float, float], ...] = ()

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.labels)

    @property
    def doubts(self) -> CropDoubts:
        """What a sample of the crops says against the order of their colours and against their scale."""
        sample = range(0, len(self), max(1, len(self) // SAMPLED))[:SAMPLED]
        return check_crops([(self.crops[n], self.whites[n], CROP_ERYTHROCYTE_PX) for n in sample])

    @property
    def repeated(self) -> int:
        """Number of cells whose image has the same bytes as that of an earlier cell under another name."""
        first: dict[str, str] = {}
        return sum(
            first.setdefault(found, path) != path for found, path in zip(self.hashes, self.paths, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    label: CellClass
    group: str
    scale: float | None


def read_manifest_cells(
    manifest: Path, *, name: str = "", split: str | None = None, erythrocyte_px: float | None = None
) -> LabelledCells:
    """Read the cells that a manifest lists.

    Parameters
    ----------
    manifest : Path
        CSV file, UTF-8, with the columns path (relative to its folder) and label and, where known, group,
        split and erythrocyte_px or rbc_px (erythrocyte diameter in px).
    name : str, optional
        Name of the set; the manifest's own by default.
    split : str, optional
        Only rows of this split are read.
    erythrocyte_px : float, optional
        Erythrocyte diameter in every image, in px; by default that of the manifest, else the shorter side of
        an image is taken for 27 µm.

    Returns
    -------
    LabelledCells
        Images that cannot be read are listed, not left out silently.

    Raises
    ------
    DataError
        Where the manifest has a fault or lists nothing.
    InputError
        Where none of its images can be read.
    """
    rows = _rows(manifest, split)
    crops, whites, kept, hashes, sides, refused, assumed = [], [], [], [], [], [], 0
    for row in rows:
        path = manifest.parent / row.path
        try:
            image = read_image(path)
        except InputError as error:
            refused.append(Refusal(row.path, str(error)))
            continue
        stated = erythrocyte_px or row.scale
        scale = stated or min(image.shape[:2]) / _CROP_ERYTHROCYTES
        if fault := too_small(image, scale):
            refused.append(Refusal(row.path, fault))
            continue
        assumed += stated is None
        white = white_point(image)
        crops.append(normalise_crop(image, erythrocyte_px=scale, white=white))
        whites.append(white)
        hashes.append(file_hash(path))
        sides.append((min(image.shape[:2]) / scale, max(image.shape[:2]) / scale))
        kept.append(row)
    if not kept:
        raise InputError(
            f"none of the {len(rows)} images of {manifest} can be read ({refused[0].reason}); check its paths"
        )
    return LabelledCells(
        name or manifest.stem,
        np.stack(crops),
        np.stack(whites),
        tuple(row.label for row in kept),
        tuple(row.path for row in kept),
        tuple(row.group for row in kept),
        tuple(hashes),
        tuple(refused),
        assumed,
        tuple(sides),
    )


def published_cells(name: str, data: Path) -> LabelledCells:
    """Read one of the published sets.

    Parameters
    ----------
    name : str
        One of ``evaluation.classifier_sets.SETS``.
    data : Path
        Folder that holds the published images, one folder for each source.

    Returns
    -------
    LabelledCells

    Raises
    ------
    DataError, InputError
        As ``evaluation.classifier_sets.labelled_set``.
    """
    cells = labelled_set(name, data)
    known = {path: file_hash(path) for path in dict.fromkeys(cells.files)}
    return LabelledCells(
        name,
        cells.crops,
        cells.whites,
        cells.labels,
        tuple(str(path.relative_to(data)) for path in cells.files),
        cells.groups,
        tuple(known[path] for path in cells.files),
    )


def _rows(manifest: Path, split: str | None) -> list[_Row]:
    numbered = [
        (number, row)
        for number, row in enumerate(read_manifest(manifest, columns=("path", "label")), start=2)
        if split is None or (row.get("split") or "") == split
    ]
    if not numbered:
        raise DataError(f"the manifest {manifest} lists no images of split {split!r}; check its column split")
    first: dict[str, int] = {}
    for number, row in numbered:
        before = first.setdefault(row.get("path") or "", number)
        if before != number and row.get("path"):
            raise DataError(
                f"{manifest}, line {number}: the image {row['path']} stands in line {before} already; "
                "list each cell once"
            )
    return [_row(row, f"{manifest}, line {number}") for number, row in numbered]


def _row(row: dict[str, str], where: str) -> _Row:
    path, label = row.get("path") or "", row.get("label") or ""
    if not path or "\0" in path or not label:
        raise DataError(f"{where}: no path or no label; fill in the columns path and label")
    try:
        known = CellClass(label.strip())
    except ValueError as error:
        names = ", ".join(CellClass)
        raise DataError(f"{where}: unknown label {label!r}; use one of {names}") from error
    return _Row(path, known, (row.get("group") or "").strip(), stated_scale(row, where))
