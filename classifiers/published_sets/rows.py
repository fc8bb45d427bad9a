"""What every published set is brought to: one row an image, with its label, group and split."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, InputError
from cells.files import atomic_path
from cells.manifests import read_manifest

IMAGE_SUFFIXES = (".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff")
"""Endings of image files, lower case."""

COLUMNS = ("path", "label", "group", "split", "box")
"""Columns of a manifest of rows."""

Box = tuple[int, int, int, int]
"""Top, left, bottom and right of a cell in its image, px; bottom and right are just outside."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One labelled image of a cell.

    Parameters
    ----------
    path : Path
        The image file.
    label : str
        Class; a name of ``cells.vocabulary.CellClass`` where the set's own class has one.
    group : str
        Patient or original image that it comes from; empty where the set does not say.
    split : str
        Split of the publication; empty where it has none.
    box : tuple of int or None
        Where the cell is in the image; None for the whole of it.
    """

    path: Path
    label: str
    group: str = ""
    split: str = ""
    box: Box | None = None


def read_image(row: ImageRow, *, height: int, width: int) -> NDArray[np.uint8]:
    """Read the cell of a row at a given size.

    Parameters
    ----------
    row : ImageRow
        The row.
    height, width : int
        Size of what is returned, px; an image of another shape is stretched, as the papers do.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        RGB.

    Raises
    ------
    InputError
        Where the file is missing, no image, or its box lies outside.
    """
    bgr = cv2.imread(str(row.path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise InputError(f"cannot read the image {row.path}; restore it or drop its row")
    if row.box is not None:
        top, left, bottom, right = row.box
        bgr = bgr[max(0, top) : bottom, max(0, left) : right]
        if not bgr.size:
            raise InputError(f"the box {row.box} lies outside {row.path}; mend its annotation")
    if bgr.shape[:2] != (height, width):
        shrinks = bgr.shape[0] * bgr.shape[1] > height * width
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        bgr = cv2.resize(bgr, (width, height), interpolation=way)
    return np.ascontiguousarray(bgr[:, :, ::-1])


def write_rows(rows: Sequence[ImageRow], path: Path) -> None:
    """Write rows as a manifest.

    Parameters
    ----------
    rows : sequence of ImageRow
        The rows.
    path : Path
        CSV file, UTF-8; image paths are written absolute.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as handle,
    ):
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            box = " ".join(map(str, row.box)) if row.box else ""
            writer.writerow([row.path.resolve(), row.label, row.group, row.split, box])


def read_rows(path: Path) -> list[ImageRow]:
    """Read a manifest with the columns path, label and, where known, group, split and box.

    Parameters
    ----------
    path : Path
        CSV file, UTF-8; relative image paths start at its folder.

    Returns
    -------
    list of ImageRow
        In the order of the file.

    Raises
    ------
    DataError
        Where the file cannot be read, lacks a column, is empty, or a row has no path, no label or a faulty
        box.
    """
    table = read_manifest(path, columns=("path", "label"))
    return [_row(path, number, line) for number, line in enumerate(table, start=2)]


def _row(path: Path, number: int, line: Mapping[str, str]) -> ImageRow:
    missing = [name for name in ("path", "label") if not line[name].strip()]
    if missing:
        raise DataError(f"{path}, line {number}: no value for {', '.join(missing)}; fill it in")
    words = (line.get("box") or "").split()
    try:
        numbers = [int(word) for word in words]
    except ValueError as error:
        raise DataError(f"{path}, line {number}: box {line['box']!r}; give four whole numbers") from error
    if len(numbers) not in (0, 4):
        raise DataError(f"{path}, line {number}: box {line['box']!r}; give four whole numbers")
    box = (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None
    return ImageRow(
        path.parent / line["path"],
        line["label"].strip(),
        (line.get("group") or "").strip(),
        (line.get("split") or "").strip(),
        box,
    )


def relabelled(rows: Sequence[ImageRow], labels: Mapping[str, str]) -> list[ImageRow]:
    """Return the rows whose label is a key of ``labels``, each with the label that it maps to.

    Parameters
    ----------
    rows : sequence of ImageRow
        The rows.
    labels : mapping of str to str
        New label by old one; rows of other labels are left out.

    Returns
    -------
    list of ImageRow

    Raises
    ------
    DataError
        Where a key is no label of the rows.
    """
    known = {row.label for row in rows}
    if unknown := set(labels) - known:
        raise DataError(
            f"no image is labelled {', '.join(sorted(unknown))}; the labels are {', '.join(sorted(known))}"
        )
    return [replace(row, label=labels[row.label]) for row in rows if row.label in labels]


def images_in(folder: Path) -> list[Path]:
    """Return the image files of a folder, sorted, subfolders left out.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        Where there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; give the folder of the set as it was published")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
