"""Reading ``cells.csv`` back after a person edited its column ``label``."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cells.errors import DataError, InputError
from cells.records import Cell
from cells.vocabulary import CellClass
from leukoformula.result import SmearResult
from reports.table import COLUMNS, row_of

_LARGEST_FILE = 64 << 20
_NUMBERS = frozenset(COLUMNS) - {"image", "label", "counted", "reason"}
_TOLERANCE = 1.1e-4


def read_reviewed(path: Path, result: SmearResult) -> dict[int, CellClass]:
    """Read the labels that a person gave to the cells of a result.

    The file is ``cells.csv`` of the result with other words in the column ``label`` and nothing else changed.
    What spreadsheets do to a table is understood: a byte-order mark, semicolons with decimal commas, numbers
    without zeros at their end, TRUE for true, columns and rows in another order.

    Parameters
    ----------
    path : Path
        The edited table.
    result : SmearResult
        The result that it was written from.

    Returns
    -------
    dict of int to CellClass
        Label of every cell, by ``cell_id``.

    Raises
    ------
    InputError
        Where the file cannot be read.
    DataError
        Where a column is missing, doubled or unknown, a cell is missing, doubled or unknown, a label is no
        class, or another column was changed; the message names the line.
    """
    lines = _lines(path)
    known = {cell.cell_id: cell for cell in result.cells}
    labels: dict[int, CellClass] = {}
    for number, line in lines:
        place = f"{path}, line {number}"
        cell = _cell(line, known, place)
        if cell.cell_id in labels:
            raise DataError(f"{place}: cell {cell.cell_id} stands twice; keep one line for each cell")
        _check_unchanged(line, cell, place)
        labels[cell.cell_id] = _label(line["label"], place)
    missing = [str(number) for number in known if number not in labels]
    if missing:
        shown = ", ".join(missing[:8]) + (", …" if len(missing) > 8 else "")
        raise DataError(f"{path}: {len(missing)} cells are missing (no. {shown}); keep every line")
    return labels


def _lines(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path} is larger than 64 MiB; give the cells.csv of the result")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save the table as CSV in UTF-8") from error
    first = text.partition("\n")[0]
    semicolons = first.count(";") > first.count(",")
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if semicolons else ",", strict=True)
        return list(_named(rows, path, decimal_comma=semicolons))
    except csv.Error as error:
        raise DataError(f"{path} is no CSV table ({error}); save it as CSV in UTF-8") from error


def _named(
    rows: Iterator[Sequence[str]], path: Path, *, decimal_comma: bool
) -> Iterator[tuple[int, Mapping[str, str]]]:
    head = [title.strip() for title in next(rows, [])]
    if sorted(head) != sorted(COLUMNS):
        odd = [f"{title!r} is missing" for title in COLUMNS if title not in head]
        odd += [f"{title!r} is not known" for title in head if title not in COLUMNS]
        odd += ["a column stands twice"]
        raise DataError(f"{path}: column {odd[0]}; give the cells.csv of the result")
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        if len(row) != len(head):
            raise DataError(f"{path}, line {number}: {len(row)} columns, not {len(head)}; correct the line")
        line = {title: text.strip() for title, text in zip(head, row, strict=True)}
        if decimal_comma:
            line |= {title: line[title].replace(",", ".") for title in _NUMBERS}
        yield number, line


def _cell(line: Mapping[str, str], known: Mapping[int, Cell], place: str) -> Cell:
    text = line["cell_id"]
    if not text.isascii() or not text.isdigit() or int(text) not in known:
        raise DataError(f"{place}: the result has no cell {text!r}; keep the column cell_id as it was")
    return known[int(text)]


def _label(text: str, place: str) -> CellClass:
    try:
        return CellClass(text)
    except ValueError as error:
        known = ", ".join(CellClass)
        raise DataError(f"{place}: {text!r} is no class; use one of {known}") from error


def _check_unchanged(line: Mapping[str, str], cell: Cell, place: str) -> None:
    for title, before in zip(COLUMNS, row_of(cell), strict=True):
        if title != "label" and not _same(title, before.strip(), line[title]):
            raise DataError(
                f"{place}: column {title} was changed from {before!r} to {line[title]!r}; "
                "only the column label may be edited"
            )


def _same(title: str, before: str, after: str) -> bool:
    if title in _NUMBERS:
        try:
            return abs(float(before) - float(after)) <= _TOLERANCE
        except ValueError:
            return False
    return before.lower() == after.lower() if title == "counted" else before == after
