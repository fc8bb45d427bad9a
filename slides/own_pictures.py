"""The pictures that this program left in a folder: they are no fields of a smear."""

import json
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cells.records import RGBImage

RESULT = "result.json"
"""File of a report that says whether pictures belong to it."""

MASK_LEVELS = (0, 128, 255)
"""Grey levels of masks: background, cytoplasm, nucleus; those of two levels have the outer ones."""

_SCHEMA = "leukoformula.result/"
_PICTURE = re.compile(r"overview\.jpg|crops(-[0-9]+)?\.jpg")
_LARGEST = 256 << 20
_PNG_START = 33  # signature and header
_TEXT = b"tEXtSoftware\0leukoformula; made of a picture, no field"
_MARK = struct.pack(">I", len(_TEXT) - 4) + _TEXT + struct.pack(">I", zlib.crc32(_TEXT))
_LOOK = 16


def own_pictures(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return which files of a folder are pictures that this program made of others.

    Parameters
    ----------
    folder : Path
        Folder to be looked at.
    names : iterable of str
        Names of its files.

    Returns
    -------
    frozenset of str
        Pictures of a report, and PNG files that `mark_png` marked. Of those the first bytes are read alone.
    """
    listed = tuple(names)
    marked = (name for name in listed if name.lower().endswith(".png") and _is_marked(folder / name))
    return report_pictures(folder, listed) | frozenset(marked)


def report_pictures(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return which files of a folder are pictures of a report that lies there.

    Parameters
    ----------
    folder : Path
        Folder to be looked at.
    names : iterable of str
        Names of its files.

    Returns
    -------
    frozenset of str
        Those that bear a name that reports give to their pictures, where a ``result.json`` with pictures lies
        beside them. A sheet that it does not name is counted in: a larger report before it left that.
    """
    found = frozenset(name for name in names if _PICTURE.fullmatch(name))
    return found if found and _is_report(folder / RESULT) else frozenset()


def mark_png(content: bytes) -> bytes:
    """Mark a PNG as made by this program of another picture, so that it is never read as a field.

    Parameters
    ----------
    content : bytes
        A PNG file.

    Returns
    -------
    bytes
        The same picture with a text chunk after its header.
    """
    return content[:_PNG_START] + _MARK + content[_PNG_START:]


def is_mask(image: RGBImage) -> bool:
    """Return whether an image holds masks instead of a photograph, by its levels alone.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.

    Returns
    -------
    bool
        True where every pixel has one of `MASK_LEVELS` in all channels and at least two of them occur.
    """
    if not _has_mask_levels(image[::_LOOK, ::_LOOK]):
        return False
    return _has_mask_levels(image) and bool((image != image[0, 0, 0]).any())


def _has_mask_levels(image: RGBImage) -> bool:
    grey = image[..., :1]
    return bool((image == grey).all() and np.isin(grey, MASK_LEVELS).all())


def _is_marked(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe would wait
            return False
        with path.open("rb") as file:
            return file.read(_PNG_START + len(_MARK))[_PNG_START:] == _MARK
    except OSError:
        return False


def _is_report(path: Path) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return False
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return (
        isinstance(document, dict)
        and str(document.get("schema")).startswith(_SCHEMA)
        and isinstance(document.get("pictures"), dict)
    )
