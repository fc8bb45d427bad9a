"""Every file of a comparison."""

from pathlib import Path

from evaluation.comparison.compare import Comparison
from evaluation.comparison.record import write_json
from evaluation.comparison.report import pages
from evaluation.comparison.tables import write_cells
from evaluation.pages import write_html, write_pdf


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.html``, ``comparison.pdf``, ``comparison.json`` and ``cells.csv``.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    folder : Path
        Folder for them.

    Raises
    ------
    InputError
        Where a file cannot be written.
    """
    document = pages(comparison)
    write_html(document, folder / "comparison.html")
    write_pdf(document, folder / "comparison.pdf")
    write_json(comparison, folder / "comparison.json")
    write_cells(comparison, folder / "cells.csv")
