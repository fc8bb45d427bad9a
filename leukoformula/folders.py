"""The remark that the fields of a smear lie in several folders: a day's folder would become one patient."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from cells.records import Finding

SEVERAL = "several_folders"
"""Code of the remark."""


def count_folders(names: Iterable[str]) -> int:
    """Count the folders that fields lie in.

    Parameters
    ----------
    names : iterable of str
        Names of the fields, relative to the smear, as ``cells.records.Field`` has them.

    Returns
    -------
    int
    """
    return len({PurePosixPath(name).parent for name in names})


def folders_remark(names: Iterable[str]) -> Finding | None:
    """Return the remark where fields lie in several folders.

    Parameters
    ----------
    names : iterable of str
        Names of the fields that are counted, relative to the smear.

    Returns
    -------
    Finding or None
        ``several_folders`` with their number; None where all fields lie in one folder.
    """
    folders = count_folders(names)
    return Finding(SEVERAL, "warning", value=float(folders)) if folders > 1 else None
