"""BCCD, a set of whole fields with boxes, and the Blood Cell Images made from it."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cells.errors import DataError, InputError
from cells.records import RGBImage
from cells.vocabulary import CellClass
from classifiers.published_sets.originals import (
    MIN_CORRELATION,
    MIN_COVERED,
    Match,
    OriginalFinder,
    find_originals,
    overlapping,
)
from classifiers.published_sets.rows import ImageRow, images_in, read_image
from detector.truth import LEUKOCYTE, Box, read_voc

_SHAPE = (480, 640)
_COPY_SHAPE = (60, 80)
_SAME_COVERED = 0.5
_SPLITS = ("train", "val", "test")


def bccd(folder: Path) -> list[ImageRow]:
    """Read BCCD: ``JPEGImages``, ``Annotations`` (Pascal VOC) and ``ImageSets/Main``.

    Parameters
    ----------
    folder : Path
        The folder ``BCCD`` of the repository, or the one above it. With ``labels.csv`` (columns Image and
        Category, from the Blood Cell Images set) beside it or in it, the leukocytes alone are read, with
        their classes; without, all boxes are read as ``leukocyte``, ``erythrocyte`` and ``platelet``.

    Returns
    -------
    list of ImageRow
        One row a box; group the image, split that of ``ImageSets/Main``. Leukocytes of images with several
        classes in ``labels.csv``, or with fewer classes than boxes, are left out: no box has a class there.

    Raises
    ------
    InputError
        Where the folders are missing or empty.
    DataError
        Where an annotation or label cannot be read.

    References
    ----------
    https://github.com/Shenggan/BCCD_Dataset, MIT licence.
    """
    root = folder if (folder / "Annotations").is_dir() else folder / "BCCD"
    table = next((p for p in (root / "labels.csv", root.parent / "labels.csv") if p.is_file()), None)
    labels = None if table is None else _labels(table)
    splits = _image_sets(root / "ImageSets" / "Main")
    rows = []
    for path in sorted((root / "Annotations").glob("*.xml")):
        image = root / "JPEGImages" / f"{path.stem}.jpg"
        boxes = read_voc(path, height=_SHAPE[0], width=_SHAPE[1]).boxes
        rows += [
            ImageRow(image, label, path.stem, splits.get(path.stem, ""), _corners(box))
            for box, label in _labelled(boxes, None if labels is None else labels.get(path.stem, []))
        ]
    if not rows:
        raise InputError(f"no Annotations/BloodImage_00000.xml under {folder}; give the folder BCCD")
    return rows


def _labelled(boxes: tuple[Box, ...], categories: list[str] | None) -> list[tuple[Box, str]]:
    if categories is None:
        return [(box, box.label) for box in boxes]
    leukocytes = [box for box in boxes if box.label == LEUKOCYTE]
    if len(set(categories)) != 1 or len(leukocytes) > len(categories):
        return []
    return [(box, categories[0]) for box in leukocytes]


def _corners(box: Box) -> tuple[int, int, int, int]:
    return round(box.y0), round(box.x0), round(box.y1), round(box.x1)


def _labels(table: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as handle:
            for line in csv.DictReader(handle):
                words = [word.strip().lower() for word in (line["Category"] or "").split(",") if word.strip()]
                found[f"BloodImage_{int(line['Image']):05d}"] = [CellClass(word) for word in words]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"cannot read {table}: {error}; restore the published table") from error
    return found


def _image_sets(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for split in _SPLITS:
        path = folder / f"{split}.txt"
        if path.is_file():
            found |= dict.fromkeys(path.read_text(encoding="utf-8").split(), split)
    return found


def blood_cell_images(folder: Path) -> list[ImageRow]:
    """Read the Blood Cell Images, copies of BCCD: ``TRAIN|TEST|TEST_SIMPLE/EOSINOPHIL/_0_1169.jpeg``.

    Parameters
    ----------
    folder : Path
        Holds the folders of the splits.

    Returns
    -------
    list of ImageRow
        Splits ``train``, ``test`` and ``test_simple``; without groups, which ``group_copies`` finds.

    Raises
    ------
    InputError
        Where there is nothing of the set.
    DataError
        Where a class folder has another name.
    """
    rows = []
    for split in ("TRAIN", "TEST", "TEST_SIMPLE"):
        for place in sorted(path for path in (folder / split).glob("*") if path.is_dir()):
            try:
                label = CellClass(place.name.lower())
            except ValueError as error:
                raise DataError(f"{place} is no class of leukocytes; restore its name") from error
            rows += [ImageRow(path, label, "", split.lower()) for path in images_in(place)]
    if not rows:
        raise InputError(f"no TRAIN/EOSINOPHIL under {folder}; give the folder of the Blood Cell Images")
    return rows


def group_copies(
    rows: list[ImageRow], originals: Path, *, log: Callable[[str], None]
) -> tuple[list[ImageRow], list[Match]]:
    """Find for each augmented copy the BCCD field that it was made from.

    Parameters
    ----------
    rows : list of ImageRow
        Of ``blood_cell_images``.
    originals : Path
        The folder of BCCD.
    log : callable
        Takes one line of progress.

    Returns
    -------
    list of ImageRow
        The rows with the stem of their original as group; fields of BCCD that show a part of one another
        (34 pairs do) share the name of the first. The copies of a class that fit no field (three originals
        are not in BCCD) are one group together, ``unknown_<class>``, so that no split can part them.
    list of Match
        How well the original of each row fits.

    Raises
    ------
    InputError
        Where a copy or the originals cannot be read.
    """
    root = originals if (originals / "JPEGImages").is_dir() else originals / "BCCD"
    paths = images_in(root / "JPEGImages")
    height, width = _COPY_SHAPE
    images = [read_image(ImageRow(path, ""), height=height, width=width) for path in paths]
    log(f"{len(images)} originals; looking for fields that overlap")
    groups = overlapping(images)
    matches = find_originals(
        [row.path for row in rows],
        images,
        read=lambda path: read_image(ImageRow(path, ""), height=height, width=width),
        log=log,
    )
    found = []
    for row, match in zip(rows, matches, strict=True):
        sure = match.correlation >= MIN_CORRELATION and match.covered >= MIN_COVERED
        group = paths[int(groups[match.original])].stem if sure else f"unknown_{row.label}"
        found.append(ImageRow(row.path, row.label, group, row.split, row.box))
    return found, matches


def same_field_share(
    test: list[ImageRow], training: list[ImageRow], *, test_images: int, training_images: int, seed: int = 0
) -> float:
    """Return the share of test images for which some training image shows the same field.

    It looks at pixels alone, so it checks a split by groups without trusting the groups.

    Parameters
    ----------
    test, training : list of ImageRow
        The two sides of a split of the Blood Cell Images.
    test_images, training_images : int
        Number of images drawn from each side; a training sample finds only some of the copies.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    float
        0 to 1. Two images show the same field where one, turned, mirrored, shifted and sheared, covers at
        least half of the other with a correlation of at least ``MIN_CORRELATION``.

    Raises
    ------
    InputError
        Where an image cannot be read.
    """
    rng = np.random.default_rng(seed)
    height, width = _COPY_SHAPE

    def drawn(rows: list[ImageRow], count: int) -> list[RGBImage]:
        chosen = rng.permutation(len(rows))[:count]
        return [read_image(rows[int(k)], height=height, width=width) for k in chosen]

    finder = OriginalFinder(drawn(training, training_images))
    matches = [finder.find(image) for image in drawn(test, test_images)]
    found = [m.correlation >= MIN_CORRELATION and m.covered >= _SAME_COVERED for m in matches]
    return float(np.mean(found))
