"""The pictures of a stored result: contact sheets of the cells and one field, JPEG files beside it.

A sheet holds square tiles of one size, row by row, ``columns`` in a row; ``result.json`` lists the cells in
that order with the hash of each file, so that anybody can open the pictures and nobody can swap them. The
report is made from the pictures as stored, so it is the same when it is made again.
"""

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cells.errors import DataError, InputError
from cells.records import RGBImage
from leukoformula.result import Overview, SmearResult
from reports.pictures import OVERVIEW_PX

COLUMNS = 20
"""Tiles in a row of a sheet."""

PER_SHEET = 2000
"""Tiles on a sheet, at most."""

OVERVIEW = "overview.jpg"
"""File of the field."""

_SHEET = re.compile(r"crops(-[1-9][0-9]*)?\.jpg")
_QUALITY = 95
_LARGEST_SIDE = 512


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """The pictures of a result as files.

    Parameters
    ----------
    files : dict of str to bytes
        Content of each file by its name; a file that is missing is not there.
    record : dict
        What ``result.json`` says of them under ``pictures``.
    missing : tuple of str
        Files that the record names and the folder does not hold.
    """

    files: dict[str, bytes]
    record: dict[str, Any]
    missing: tuple[str, ...] = ()


def is_picture(name: str) -> bool:
    """Return whether a file has the name of a picture of a stored result.

    Parameters
    ----------
    name : str
        Name of the file.

    Returns
    -------
    bool
        True for ``overview.jpg``, ``crops.jpg`` and the sheets after it.
    """
    return name == OVERVIEW or _SHEET.fullmatch(name) is not None


def encode_pictures(result: SmearResult) -> StoredPictures | None:
    """Encode the crops and the overview of a result.

    Parameters
    ----------
    result : SmearResult
        What was found, with its pictures.

    Returns
    -------
    StoredPictures or None
        The files, or None where the result has no pictures. Crops are square and of one size.
    """
    files: dict[str, bytes] = {}
    sheets = []
    numbers = sorted(result.crops)
    for start in range(0, len(numbers), PER_SHEET):
        chosen = numbers[start : start + PER_SHEET]
        name = "crops.jpg" if start == 0 else f"crops-{start // PER_SHEET + 1}.jpg"
        files[name] = _jpeg(_sheet([result.crops[number] for number in chosen]))
        side = int(result.crops[chosen[0]].shape[0])
        sheets.append({**_file(name, files), "side_px": side, "columns": COLUMNS, "cell_ids": chosen})
    field = None
    if result.overview is not None:
        files[OVERVIEW] = _jpeg(_shrunk(result.overview.image))
        field = {**_file(OVERVIEW, files), "field": result.overview.field}
    if not files:
        return None
    return StoredPictures(files, {"crops": sheets, "overview": field})


def read_pictures(folder: Path, record: Mapping[str, Any]) -> StoredPictures:
    """Read the files that a stored result names.

    Parameters
    ----------
    folder : Path
        Folder of ``result.json``.
    record : mapping
        What it says under ``pictures``.

    Returns
    -------
    StoredPictures
        The files that are there, each as it was when it was stored; those that are not are named.

    Raises
    ------
    DataError
        Where a file was altered: a report must not show pictures of other cells.
    InputError
        Where a file is there and cannot be read.
    """
    files, missing = {}, []
    entries = [*record["crops"], *([record["overview"]] if record["overview"] else [])]
    for entry in entries:
        name = entry["file"]
        if Path(name).name != name or name in {"", ".", ".."}:
            raise DataError(f"{name!r} is not a plain file name; give a result.json of this program")
        path = folder / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            missing.append(name)
            continue
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}; check it") from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise DataError(
                f"{path} was altered after it was stored; restore it, or delete it for a report without it"
            )
        files[name] = content
    return StoredPictures(files, dict(record), tuple(missing))


def with_pictures(result: SmearResult, stored: StoredPictures | None) -> SmearResult:
    """Give a result the pictures as they are stored.

    Parameters
    ----------
    result : SmearResult
        What was found.
    stored : StoredPictures or None
        The files; None takes the pictures away.

    Returns
    -------
    SmearResult
        The same result with decoded pictures; those of a missing file are left out.

    Raises
    ------
    DataError
        Where a file is no such picture.
    """
    if stored is None:
        return replace(result, crops={}, overview=None)
    crops: dict[int, NDArray[np.uint8]] = {}
    for sheet in stored.record["crops"]:
        if sheet["file"] in stored.files:
            crops.update(_tiles(sheet, stored.files[sheet["file"]]))
    overview = None
    field = stored.record["overview"]
    if field and field["file"] in stored.files:
        size = next(((one.height, one.width) for one in result.fields if one.name == field["field"]), None)
        if size is None:
            raise DataError(f"the field {field['field']!r} of {field['file']} is none of the result's fields")
        image = _decoded(field["file"], stored.files[field["file"]], most=OVERVIEW_PX**2)
        overview = Overview(field["field"], image, max(image.shape[:2]) / max(size))
    return replace(result, crops=crops, overview=overview)


def _file(name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {"file": name, "sha256": hashlib.sha256(files[name]).hexdigest()}


def _sheet(crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    side = crops[0].shape[0]
    rows = -(-len(crops) // COLUMNS)
    sheet = np.full((rows * side, COLUMNS * side, 3), 255, np.uint8)
    for number, crop in enumerate(crops):
        row, column = divmod(number, COLUMNS)
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = crop
    return sheet


def _tiles(sheet: Mapping[str, Any], content: bytes) -> dict[int, NDArray[np.uint8]]:
    side, columns, numbers = sheet["side_px"], sheet["columns"], sheet["cell_ids"]
    if side > _LARGEST_SIDE or columns > COLUMNS or len(numbers) > PER_SHEET:
        raise DataError(f"{sheet['file']} is too large for a sheet of cells; store the result anew")
    rows = -(-len(numbers) // columns)
    image = _decoded(sheet["file"], content, most=rows * columns * side * side)
    if image.shape != (rows * side, columns * side, 3):
        raise DataError(f"{sheet['file']} does not hold {len(numbers)} cells; store the result anew")
    return {
        number: image[row * side : (row + 1) * side, column * side : (column + 1) * side].copy()
        for number, (row, column) in ((n, divmod(place, columns)) for place, n in enumerate(numbers))
    }


def _shrunk(image: RGBImage) -> RGBImage:
    longest = max(image.shape[:2])
    if longest <= OVERVIEW_PX:
        return image
    scale = OVERVIEW_PX / longest
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    picture = Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8)


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return stream.getvalue()


def _decoded(name: str, content: bytes, *, most: int) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            if picture.width * picture.height > most:
                raise DataError(f"{name} is larger than its result says; store the result anew")
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is no readable JPEG; store the result anew") from error
