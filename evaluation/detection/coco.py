"""Reader of COCO truth that names each fault it meets and goes on."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cells.errors import DataError
from cells.files import json_integer
from detector.truth import Box, Boxes
from evaluation.detection.labels import OPEN, Roles

_MAX_BYTES = 512_000_000
_NUMBERS = 4


@dataclass(frozen=True, slots=True)
class CocoTruth:
    """What a COCO document held.

    Parameters
    ----------
    rows : mapping of str to tuple of (str, Box or str)
        For each file name what its annotations are: where, and a box or a fault.
    sizes : mapping of str to tuple of int or None
        Height and width that the document states for each file name.
    faults : tuple of (str, str)
        Faults that belong to no image: where, and what.
    """

    rows: Mapping[str, tuple[tuple[str, Box | str], ...]]
    sizes: Mapping[str, tuple[int, int] | None]
    faults: tuple[tuple[str, str], ...]

    def boxes(self, name: str, *, height: int, width: int) -> Boxes:
        """Return the boxes of an image, cut to it.

        Parameters
        ----------
        name : str
            File name in the document.
        height, width : int
            Size of the image in pixels.

        Returns
        -------
        Boxes
            The sound boxes and the faults by annotation.
        """
        rows = list(self.rows[name])
        stated = self.sizes.get(name)
        if stated is not None and stated != (height, width):
            said = f"states a size of {stated[1]}x{stated[0]}, image is {width}x{height}"
            rows.insert(0, (name, said))
        return _checked(rows, height, width)


def read_coco(path: Path, *, roles: Roles) -> CocoTruth:
    """Read a COCO document: ``images``, ``annotations`` with ``bbox`` (x, y, width, height), ``categories``.

    Parameters
    ----------
    path : Path
        JSON file.
    roles : Roles
        What each category stands for.

    Returns
    -------
    CocoTruth
        Images, annotations and faults. An annotation with ``iscrowd`` 1 is left open.

    Raises
    ------
    DataError
        Where the file cannot be read, is no JSON, or has no list of images or annotations.
    """
    document = _load(path)
    faults: list[tuple[str, str]] = []
    names, sizes = _images(document["images"], faults)
    labels = _categories(document.get("categories"), faults)
    rows: dict[str, list[tuple[str, Box | str]]] = {name: [] for name in names.values()}
    for number, annotation in enumerate(document["annotations"], 1):
        where = f"annotation {number}"
        if not isinstance(annotation, dict):
            faults.append((where, "is no object; skipped"))
            continue
        name = names.get(_key(annotation.get("image_id")))
        if name is None:
            faults.append((where, f"belongs to an unknown image {annotation.get('image_id')!r:.60}; skipped"))
            continue
        rows[name].append((where, _box(annotation, labels, roles)))
    return CocoTruth({name: tuple(found) for name, found in rows.items()}, sizes, tuple(faults))


def _load(path: Path) -> dict[str, list[object]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: truth is larger than {_MAX_BYTES} bytes; split it")
        document = json.loads(path.read_text(encoding="utf-8-sig"), parse_int=json_integer)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot read the truth as COCO ({error}); give a COCO JSON file") from error
    if not isinstance(document, dict) or any(
        not isinstance(document.get(key), list) for key in ("images", "annotations")
    ):
        raise DataError(f"{path}: no lists 'images' and 'annotations'; give a COCO JSON file")
    return document


def _images(
    entries: list[object], faults: list[tuple[str, str]]
) -> tuple[dict[str, str], dict[str, tuple[int, int] | None]]:
    names: dict[str, str] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(name, str) or not name:
            faults.append((f"image {number}", "has no file_name; skipped"))
            continue
        key = _key(entry.get("id"))
        if key in names or name in sizes:
            faults.append((f"image {number}", "repeats an earlier id or file_name; skipped"))
            continue
        names[key] = name
        stated = entry.get("height"), entry.get("width")
        whole = [value for value in stated if isinstance(value, int) and value > 0]
        sizes[name] = (whole[0], whole[1]) if len(whole) == 2 else None
    return names, sizes


def _categories(entries: object, faults: list[tuple[str, str]]) -> dict[str, str]:
    if not isinstance(entries, list):
        faults.append(("categories", "are missing; no annotation has a known class"))
        return {}
    labels: dict[str, str] = {}
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            labels[_key(entry.get("id"))] = entry["name"]
        else:
            faults.append((f"category {number}", "has no name; skipped"))
    return labels


def _key(value: object) -> str:
    return f"{type(value).__name__}:{value}" if isinstance(value, int | str) else "none"


def _box(annotation: dict[str, object], labels: Mapping[str, str], roles: Roles) -> Box | str:
    label = labels.get(_key(annotation.get("category_id")))
    if label is None:
        return f"unknown category {annotation.get('category_id')!r:.60}; skipped"
    role = OPEN if annotation.get("iscrowd") == 1 else roles.of_label(label)
    numbers = annotation.get("bbox")
    if not isinstance(numbers, list) or len(numbers) != _NUMBERS:
        return "has no bbox of four numbers; skipped"
    values = [float(v) for v in numbers if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(values) != _NUMBERS or not all(map(math.isfinite, values)):
        return "has no bbox of four numbers; skipped"
    x, y, w, h = values
    return Box(x, y, x + w, y + h, role or label)


def _checked(rows: list[tuple[str, Box | str]], height: int, width: int) -> Boxes:
    boxes: list[Box] = []
    faults: list[str] = []
    for where, row in rows:
        if isinstance(row, str):
            faults.append(f"{where}: {row}")
            continue
        inside = Box(
            min(max(row.x0, 0.0), float(width)),
            min(max(row.y0, 0.0), float(height)),
            min(max(row.x1, 0.0), float(width)),
            min(max(row.y1, 0.0), float(height)),
            row.label,
        )
        if not (inside.width > 0 and inside.height > 0):
            faults.append(f"{where}: box without area in the image; skipped")
        elif inside in boxes:
            faults.append(f"{where}: repeats an earlier box; skipped")
        else:
            if max(abs(inside.width - row.width), abs(inside.height - row.height)) > 1.0:
                faults.append(f"{where}: box reaches beyond the image; cut to it")
            boxes.append(inside)
    return Boxes(tuple(boxes), tuple(faults))
