"""The labelled sets of single cells that classifiers are judged on, each brought to the same crop.

=================  ====================================================================================
``raabin_test_a``  ``raabin_wbc`` split test_a, 4,339 images, five classes, neutrophils not split
``pbc_val``        ``pbc_barcelona`` split val, 1,181 images, nine classes; meta-, myelo- and promyelocytes
                   are pooled as immature granulocytes; 3 neutrophils are not split
``bccd``           leukocyte boxes of ``bccd``, five classes, neutrophils not split: all boxes of the images
                   whose categories in ``labels.csv`` are one and the same and not fewer than the boxes
``bccd_read``      352 of these 354 cells with the classes that two language models read off the pictures,
                   blind and without knowing of each other (``readings/bccd.csv``); the two on which they
                   differ are left out. 47 of the published classes are others: of 87 "eosinophils" both
                   readers call 41 neutrophils. No person has checked the readings
``jtsc``           ``jtsc_segmentation``, 300 images, five classes, neutrophils not split, labels unchecked
``bcisc``          ``bcisc``, 268 images, five classes, neutrophils not split, cut cells included
``deepbionet``     191 finds of the detector on ``deepbionet``; one of us read their classes off the crops
                   before seeing any answer (``readings/deepbionet.csv``). No expert has checked them, 24 that
                   could not be told are left out, and some cells are photographed more than once
``apl_aml``        ``apl_aml_jhu``, the classes that a classifier can answer with; others are left out
=================  ====================================================================================

The white point is that of the crop; in ``bccd``, ``bccd_read`` and ``deepbionet`` it is that of the field.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, InputError
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_PX
from cells.vocabulary import CLASSIFIED, CellClass, pooled
from classifiers.published_sets.bcisc import read_bcisc
from detector.truth import ERYTHROCYTE, LEUKOCYTE, Box, read_voc
from features.crops import cut_cell, normalise_crop
from slides.optics import white_point

JTSC_ERYTHROCYTE_PX = 38.0
"""Erythrocyte diameter in the images of ``jtsc_segmentation``, in px, read off pale ghosts by eye."""

_BCCD_SHAPE = (480, 640)

_READINGS = Path(__file__).parent / "readings"

_JTSC_LABELS = {
    "1": CellClass.NEUTROPHIL,
    "2": CellClass.LYMPHOCYTE,
    "3": CellClass.MONOCYTE,
    "4": CellClass.EOSINOPHIL,
    "5": CellClass.BASOPHIL,
}


class LabelledSet(NamedTuple):
    """Crops of single cells with their true classes.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB squares of 27 µm.
    whites : ndarray of shape (N, 3), float64
        White point of each crop.
    labels : tuple of CellClass
        True class of each, as fine as the source gives it.
    files : tuple of Path
        Image file that each was read from; boxes of one field share it.
    groups : tuple of str
        Patient or field of each; empty where the source names neither.
    """

    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]
    labels: tuple[CellClass, ...]
    files: tuple[Path, ...] = ()
    groups: tuple[str, ...] = ()


_Item = tuple[RGBImage, WhitePoint, CellClass, Path, str]


def labelled_set(name: str, data: Path) -> LabelledSet:
    """Read one of the labelled sets.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    data : Path
        Folder that holds the published images, one folder per source.

    Returns
    -------
    LabelledSet
        Crops, white points and labels in a stable order.

    Raises
    ------
    DataError
        For an unknown name or a faulty label file.
    InputError
        Where an image cannot be read.
    """
    readers = {
        "raabin_test_a": lambda: _manifest(data / "raabin_wbc", "test_a"),
        "pbc_val": lambda: _manifest(data / "pbc_barcelona", "val"),
        "apl_aml": lambda: _manifest(data / "apl_aml_jhu", "discovery"),
        "bccd": lambda: _bccd(data / "bccd"),
        "bccd_read": lambda: _bccd_read(data / "bccd"),
        "jtsc": lambda: _jtsc(data / "jtsc_segmentation"),
        "bcisc": lambda: _bcisc(data / "bcisc"),
        "deepbionet": lambda: _deepbionet(data / "deepbionet"),
    }
    if name not in readers:
        raise DataError(f"no labelled set {name!r}; choose one of {', '.join(SETS)}")
    items = list(readers[name]())
    if not items:
        raise DataError(f"labelled set {name} is empty under {data}; check the folder given with --data")
    return LabelledSet(
        np.stack([item[0] for item in items]),
        np.stack([item[1] for item in items]),
        tuple(item[2] for item in items),
        tuple(item[3] for item in items),
        tuple(item[4] for item in items),
    )


SETS: tuple[str, ...] = (
    "raabin_test_a",
    "pbc_val",
    "bccd",
    "bccd_read",
    "jtsc",
    "bcisc",
    "deepbionet",
    "apl_aml",
)
"""Names of the labelled sets."""


def read_rgb(path: Path) -> RGBImage:
    """Read an 8-bit image of the published sets as RGB.

    Parameters
    ----------
    path : Path
        Image file.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        RGB pixels.

    Raises
    ------
    InputError
        Where the file is missing or no image.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"cannot read image {path}; check the folder given with --data")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            yield from csv.DictReader(handle)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check --data") from error


def _manifest(folder: Path, split: str) -> Iterator[_Item]:
    for row in _rows(folder / "manifest.csv"):
        if row["split"] != split:
            continue
        label = pooled(CellClass(row["label"]), (*CLASSIFIED, CellClass.NEUTROPHIL))
        if label is None:
            continue
        image = read_rgb(folder / row["path"])
        white = white_point(image)
        crop = normalise_crop(image, erythrocyte_px=float(row["rbc_px"]), white=white)
        yield crop, white, label, folder / row["path"], row.get("group") or ""


def _bccd_boxes(folder: Path) -> tuple[dict[str, tuple[Box, ...]], float]:
    boxes = {
        path.stem: tuple(read_voc(path, height=_BCCD_SHAPE[0], width=_BCCD_SHAPE[1]).boxes)
        for path in sorted((folder / "Annotations").glob("*.xml"))
    }
    sides = [box.size for found in boxes.values() for box in found if box.label == ERYTHROCYTE]
    return boxes, float(np.median(sides)) if sides else 0.0


def _bccd(folder: Path) -> Iterator[_Item]:
    boxes, erythrocyte_px = _bccd_boxes(folder)
    for row in _rows(folder / "labels.csv"):
        stem = f"BloodImage_{int(row['Image']):05d}"
        categories = [word.strip().lower() for word in (row["Category"] or "").split(",") if word.strip()]
        leukocytes = [b for b in boxes.get(stem, ()) if b.label == LEUKOCYTE]
        if len(set(categories)) != 1 or not 0 < len(leukocytes) <= len(categories):
            continue
        file = folder / "JPEGImages" / f"{stem}.jpg"
        image = read_rgb(file)
        white = white_point(image)
        for box in leukocytes:
            crop = cut_cell(image, *box.centre, erythrocyte_px=erythrocyte_px, white=white, size=CROP_PX)
            yield crop, white, CellClass(categories[0]), file, stem


def _jtsc(folder: Path) -> Iterator[_Item]:
    for row in _rows(folder / "labels.csv"):
        file = folder / "images" / f"{int(row['image ID']):03d}.png"
        image = read_rgb(file)
        white = white_point(image)
        crop = normalise_crop(image, erythrocyte_px=JTSC_ERYTHROCYTE_PX, white=white)
        yield crop, white, _JTSC_LABELS[row["class label"]], file, ""


def _bcisc(folder: Path) -> Iterator[_Item]:
    for cell in read_bcisc(folder):
        yield cell.crop, cell.white, cell.label, folder / "images" / cell.name, ""


def _bccd_read(folder: Path) -> Iterator[_Item]:
    _, erythrocyte_px = _bccd_boxes(folder)
    yield from _read(_READINGS / "bccd.csv", folder / "JPEGImages", erythrocyte_px=erythrocyte_px)


def _deepbionet(folder: Path) -> Iterator[_Item]:
    yield from _read(_READINGS / "deepbionet.csv", folder / "Images")


def _read(readings: Path, images: Path, *, erythrocyte_px: float | None = None) -> Iterator[_Item]:
    """Yield the cells that were read off fields; without ``erythrocyte_px`` each row tells its own."""
    known = {str(c) for c in CellClass}
    for row in _rows(readings):
        if row["label"] not in known:
            continue
        file = images / row["image"]
        image = read_rgb(file)
        white = white_point(image)
        size = float(row["erythrocyte_px"]) if erythrocyte_px is None else erythrocyte_px
        place = float(row["row"]), float(row["col"])
        crop = cut_cell(image, *place, erythrocyte_px=size, white=white, size=CROP_PX)
        yield crop, white, CellClass(row["label"]), file, file.stem
