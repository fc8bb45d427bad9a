"""What stands in an output folder from an earlier report: what must not be lost, and what must not stay."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from leukoformula.result import SmearResult

RESULT = "result.json"
"""File that holds the result of a smear."""

CELLS = "cells.csv"
"""Table of its cells, which a person edits on review."""

FORMULA = "formula.json"
"""File that ``leukoformula formula`` writes in the place of both."""

_FORMULA_SCHEMA = "leukoformula.formula/"


def check_nothing_is_lost(
    out: Path,
    *,
    successor: "SmearResult | None" = None,
    reviewed: Path | None = None,
    with_cells: bool = True,
) -> None:
    """Check that an output folder holds no signed result and no labels of a person that would be overwritten.

    Parameters
    ----------
    out : Path
        Folder that a report is about to be written to; it need not exist.
    successor : SmearResult or None, optional
        The result that will be written, where it is known: it may replace itself and what it corrects.
    reviewed : Path or None, optional
        The table of labels that the successor was made with: its labels are not lost.
    with_cells : bool, optional
        Whether a table of cells will be written.

    Raises
    ------
    UsageError
        Where something would be lost, or ``result.json`` cannot be read and so nobody can tell; the message
        says what to do.
    """
    from reports.reading import read_result

    path, table = out / RESULT, out / CELLS
    if not path.exists():
        if with_cells and table.exists() and not _is_known(table, successor, reviewed):
            raise UsageError(
                f"{table} would be overwritten, and without a {RESULT} beside it nobody can tell whether a "
                "person gave labels in it; choose another folder with --out, or remove it"
            )
        return
    try:
        earlier = read_result(path)
    except RefusedError as error:
        raise UsageError(
            f"{path} would be overwritten and cannot be read ({error}); choose another folder with --out, "
            "or remove it"
        ) from error
    if earlier.signature is not None and not _succeeds(successor, earlier):
        raise UsageError(
            f"{out} holds a result signed by {earlier.signature.by} at {earlier.signature.at}; choose "
            "another folder with --out, or remove it"
        )
    if earlier.relabelled and earlier.signature is None and not _is_reviewed(successor):
        raise UsageError(
            f"{path} holds labels that a person gave (cells: {len(earlier.relabelled)}); choose another "
            "folder with --out, or remove it"
        )
    if table.exists() and not _is_same_file(table, reviewed) and _is_in_work(table, earlier):
        raise UsageError(
            f"{table} holds labels that {path} does not: it seems to be in review; choose another folder "
            f"with --out, or hand it in with `leukoformula render {out} --reviewed {table}`, or remove it"
        )


def outdated_files(out: Path) -> Callable[[str], bool]:
    """Return which files of an output folder belong to the report that is about to be replaced.

    Parameters
    ----------
    out : Path
        Folder that a report is about to be written to.

    Returns
    -------
    callable
        Says so of the name of a file; it looks at the folder when it is first asked, so that a report that
        another run has written meanwhile counts. Where the folder holds no report nothing is outdated, so
        that a user's own file is never removed.
    """
    from reports.stored_pictures import is_picture

    @cache
    def there() -> tuple[bool, bool]:
        return (out / RESULT).exists(), _is_formula(out / FORMULA)

    def is_outdated(name: str) -> bool:
        of_smear, of_counts = there()
        if name == FORMULA:
            return of_counts
        return of_smear and (name in {RESULT, CELLS} or is_picture(name))

    return is_outdated


def _is_formula(path: Path) -> bool:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and str(document.get("schema")).startswith(_FORMULA_SCHEMA)


def _succeeds(successor: "SmearResult | None", earlier: "SmearResult") -> bool:
    if successor is None:
        return False
    if any(one.signature == earlier.signature for one in successor.superseded):
        return True
    return successor.signature == earlier.signature and successor.cells == earlier.cells


def _is_reviewed(successor: "SmearResult | None") -> bool:
    return successor is not None and successor.relabelled is not None


def _is_known(table: Path, successor: "SmearResult | None", reviewed: Path | None) -> bool:
    if _is_same_file(table, reviewed):
        return True
    return successor is not None and not _is_in_work(table, successor)


def _is_same_file(table: Path, reviewed: Path | None) -> bool:
    return reviewed is not None and reviewed.exists() and table.samefile(reviewed)


def _is_in_work(table: Path, earlier: "SmearResult") -> bool:
    from reports.reviewed_table import read_reviewed

    try:
        labels = read_reviewed(table, earlier)
    except RefusedError:
        return True
    return any(labels[cell.cell_id] is not cell.label for cell in earlier.cells)
