"""The pictures that a report of this program left in a folder: they are no fields of a smear."""

import hashlib
import json
from pathlib import Path
from typing import Any

RESULT = "result.json"
"""File of a report that names its pictures with their hashes."""

_SCHEMA = "leukoformula.result/"
_LARGEST = 256 << 20


def report_pictures(folder: Path) -> frozenset[str]:
    """Return which files of a folder are pictures of the report that lies there.

    Parameters
    ----------
    folder : Path
        Folder to be looked at.

    Returns
    -------
    frozenset of str
        Names that its ``result.json`` gives, where the file is still the one that was stored, by its hash;
        empty where there is no report, or none that can be read.
    """
    path = folder / RESULT
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return frozenset()
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return frozenset()
    return frozenset(name for name, sha256 in _named(document) if _sha256(folder, name) == sha256)


def _named(document: Any) -> list[tuple[str, str]]:
    try:
        if not document["schema"].startswith(_SCHEMA):
            return []
        pictures = document["pictures"]
        entries = [*pictures["crops"], *([pictures["overview"]] if pictures["overview"] else [])]
        return [(str(entry["file"]), str(entry["sha256"])) for entry in entries]
    except (KeyError, TypeError, AttributeError):
        return []


def _sha256(folder: Path, name: str) -> str:
    if Path(name).name != name:
        return ""
    try:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""
