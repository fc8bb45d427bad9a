"""The cells of a smear as CSV: one line per find, with the probability of every class."""

import csv
from pathlib import Path

from cells.files import atomic_path
from cells.records import Cell
from cells.vocabulary import CLASSIFIED
from leukoformula.result import SmearResult

COLUMNS: tuple[str, ...] = (
    "cell_id",
    "image",
    "row",
    "col",
    "diameter_px",
    "score",
    "label",
    "probability",
    "counted",
    "reason",
    *(label.value for label in CLASSIFIED),
)
"""Titles of the columns."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(result: SmearResult, path: Path) -> None:
    """Write every find of a smear, in order of ``cell_id``.

    Coordinates are pixels of the image as read, origin at the centre of the top left pixel. The decimal
    sign is a point in every language. A name of an image that a spreadsheet would take for a formula gets an
    apostrophe before it.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written, UTF-8.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row_of(cell) for cell in result.cells)


def row_of(cell: Cell) -> list[str]:
    """Return the line of one cell.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    list of str
        A text for each of ``COLUMNS``.
    """
    find = cell.detection
    return [
        str(cell.cell_id),
        harmless(cell.image),
        f"{find.row:.2f}",
        f"{find.col:.2f}",
        f"{find.diameter_px:.2f}",
        f"{find.score:.4f}",
        cell.label.value,
        f"{cell.probability:.4f}",
        "true" if cell.counted else "false",
        harmless(cell.reason),
        *(f"{cell.probabilities.get(label, 0.0):.4f}" for label in CLASSIFIED),
    ]


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it where needed.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The text, safe for a spreadsheet.

    References
    ----------
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
    """
    return (
        f"'{text}"
        if text.lstrip(" ").startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS)
        else text
    )
