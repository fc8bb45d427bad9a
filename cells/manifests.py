"""Manifests: CSV tables that list images of single cells, with the scale of each where it is known."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from cells.errors import DataError
from cells.units import ERYTHROCYTE_PX_RANGE

SCALES = ("erythrocyte_px", "rbc_px")
"""Columns that state the erythrocyte diameter in px; the first that is filled in counts."""


def read_manifest(path: Path, *, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read the rows of a manifest.

    Parameters
    ----------
    path : Path
        CSV file, UTF-8, with commas, its columns named in the first line; capitals and blanks around the
        names do not count.
    columns : sequence of str
        Columns that it must have.

    Returns
    -------
    list of dict of str to str
        The rows in order; what a short row lacks is empty.

    Raises
    ------
    DataError
        Where the file cannot be read, lacks a column, or has no rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            table = csv.DictReader(handle, restkey="", restval="")
            header = tuple(name.strip().lower() for name in table.fieldnames or ())
            table.fieldnames = header
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the manifest {path}: {error}; give a UTF-8 CSV file") from error
    wanted = ",".join(columns)
    missing = [name for name in columns if name not in header]
    if missing and header:
        semicolons = any(";" in name for name in header)
        commas = "separate its columns with commas, not semicolons"
        remedy = commas if semicolons else f"name {wanted} among the columns in its first line"
        raise DataError(f"the manifest {path} has no column {missing[0]}; {remedy}")
    if not rows:
        raise DataError(
            f"the manifest {path} lists no images; it needs a row for each, and the columns {wanted}"
        )
    return rows


def stated_scale(row: Mapping[str, str], where: str) -> float | None:
    """Return the erythrocyte diameter that a row of a manifest states.

    Parameters
    ----------
    row : mapping of str to str
        The row.
    where : str
        File and line, for the message.

    Returns
    -------
    float or None
        The diameter as a box measures it, px; None where the row leaves it out.

    Raises
    ------
    DataError
        Where it is no number, or none that an image of a cell can have.
    """
    text = next((row[name] for name in SCALES if row.get(name)), None)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    low, high = ERYTHROCYTE_PX_RANGE
    if not low <= value <= high:
        raise DataError(
            f"{where}: erythrocyte diameter {text!r}; give a number of px from {low:g} to {high:g}"
        )
    return value
