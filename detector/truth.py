"""Readers of published boxes, YOLO and Pascal VOC, that name each fault they meet and go on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cells.errors import DataError

LEUKOCYTE = "leukocyte"
ERYTHROCYTE = "erythrocyte"
PLATELET = "platelet"

YOLO_NAMES: Mapping[str, str] = {"0": LEUKOCYTE, "1": ERYTHROCYTE, "2": PLATELET}
"""Class numbers of ``txl_pbc``."""

VOC_NAMES: Mapping[str, str] = {
    "wbc": LEUKOCYTE,
    "rbc": ERYTHROCYTE,
    "platelets": PLATELET,
    "platlets": PLATELET,
}
"""Names of ``bccd`` and ``deepbionet``, in lower case, with the spellings found there."""

_MAX_XML_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A published box around a cell.

    Parameters
    ----------
    x0, y0, x1, y1 : float
        Left, top, right and bottom edge in pixels, measured from the top left corner of the image.
    label : str
        ``leukocyte``, ``erythrocyte``, ``platelet``, or the name in the file where it is none of these.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    label: str

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def size(self) -> float:
        """Mean of width and height in pixels."""
        return 0.5 * (self.width + self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """Centre as (row, column), the origin at the centre of the top left pixel."""
        return 0.5 * (self.y0 + self.y1) - 0.5, 0.5 * (self.x0 + self.x1) - 0.5


@dataclass(frozen=True, slots=True)
class Boxes:
    """What one file of boxes held.

    Parameters
    ----------
    boxes : tuple of Box
        The sound boxes, cut to the image, in file order, exact repetitions dropped.
    faults : tuple of str
        One line for every fault: where it stands, what is wrong, what was done.
    """

    boxes: tuple[Box, ...]
    faults: tuple[str, ...]


def read_yolo(path: Path, *, height: int, width: int, names: Mapping[str, str] = YOLO_NAMES) -> Boxes:
    """Read the boxes of a YOLO text file.

    Parameters
    ----------
    path : Path
        File of lines ``class x y w h``: centre and size as shares of the image; or ``class x y x y x y …``,
        the corners of a polygon, which counts by the box around it. An empty file is an image without cells.
    height, width : int
        Size of the image in pixels.
    names : mapping of str to str, optional
        Label of each class number.

    Returns
    -------
    Boxes
        The sound boxes and the faults by line.

    Raises
    ------
    DataError
        Where the file cannot be read as text.
    """
    rows: list[tuple[str, Box | str]] = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            rows.append((f"{path.name} line {number}", _yolo_box(line.split(), height, width, names)))
    return _checked(rows, height, width)


def read_voc(path: Path, *, height: int, width: int, names: Mapping[str, str] = VOC_NAMES) -> Boxes:
    """Read the boxes of a Pascal VOC file.

    Parameters
    ----------
    path : Path
        XML file with ``object`` elements.
    height, width : int
        Size of the image in pixels; a differing size in the file is a fault that is named.
    names : mapping of str to str, optional
        Label of each name, in lower case; another name is kept as it is and named as a fault.

    Returns
    -------
    Boxes
        The sound boxes and the faults by object.

    Raises
    ------
    DataError
        Where the file cannot be read, declares entities, or is no well-formed XML.
    """
    text = _text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path}: box file declares a document type; remove the declaration")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"{path}: no well-formed VOC file ({error}); mend or remove it") from error
    rows: list[tuple[str, Box | str]] = []
    stated = (root.findtext("size/height"), root.findtext("size/width"))
    if stated != (str(height), str(width)) and stated != (None, None):
        rows.append((path.name, f"states a size of {stated[1]}x{stated[0]}, image is {width}x{height}"))
    for number, element in enumerate(root.iter("object"), 1):
        where = f"{path.name} object {number}"
        name = (element.findtext("name") or "").strip()
        if name.lower() not in names:
            rows.append((where, f"unknown name '{name}'; kept under that name"))
        rows.append((where, _voc_box(element, names.get(name.lower(), name))))
    return _checked(rows, height, width)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_XML_BYTES:
            raise DataError(f"{path}: box file is larger than {_MAX_XML_BYTES} bytes; give another")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot read box file ({error}); give another or remove it") from error


def _yolo_box(parts: list[str], height: int, width: int, names: Mapping[str, str]) -> Box | str:
    is_polygon = len(parts) >= 7 and len(parts) % 2 == 1
    if len(parts) != 5 and not is_polygon:
        return f"has {len(parts)} values instead of 5; skipped"
    if parts[0] not in names:
        return f"unknown class '{parts[0]}'; skipped"
    try:
        values = [float(part) for part in parts[1:]]
    except ValueError:
        return "holds a value that is no number; skipped"
    if is_polygon:
        if not all(map(math.isfinite, values)):
            return "holds a value that is no number; skipped"
        xs, ys = [x * width for x in values[::2]], [y * height for y in values[1::2]]
        return Box(min(xs), min(ys), max(xs), max(ys), names[parts[0]])
    x, y, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
    return Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2, names[parts[0]])


def _voc_box(element: ElementTree.Element, label: str) -> Box | str:
    try:
        x0, y0, x1, y1 = (
            float(element.findtext(f"bndbox/{key}") or "") for key in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        return "has no four numbers in bndbox; skipped"
    return Box(x0, y0, x1, y1, label)


def _checked(rows: list[tuple[str, Box | str]], height: int, width: int) -> Boxes:
    boxes: list[Box] = []
    faults: list[str] = []
    for where, row in rows:
        if isinstance(row, str):
            faults.append(f"{where}: {row}")
            continue
        x0, x1 = (min(max(value, 0.0), float(width)) for value in (row.x0, row.x1))
        y0, y1 = (min(max(value, 0.0), float(height)) for value in (row.y0, row.y1))
        inside = Box(x0, y0, x1, y1, row.label)
        if not (inside.width > 0 and inside.height > 0):
            faults.append(f"{where}: box without area in the image; skipped")
            continue
        if max(abs(inside.width - row.width), abs(inside.height - row.height)) > 1.0:
            faults.append(f"{where}: box reaches beyond the image; cut to it")
        if inside in boxes:
            faults.append(f"{where}: repeats an earlier box; skipped")
            continue
        boxes.append(inside)
    return Boxes(tuple(boxes), tuple(faults))
