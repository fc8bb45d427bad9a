"""The pictures that a report of this program left in a folder: they are no fields of a smear."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

RESULT = "result.json"
"""File of a report that says whether pictures belong to it."""

_SCHEMA = "leukoformula.result/"
_PICTURE = re.compile(r"overview\.jpg|crops(-[0-9]+)?\.jpg")
_LARGEST = 256 << 20


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
