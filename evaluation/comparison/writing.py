"""Every file of a comparison."""

from pathlib import Path

from classifiers.saliency_maps import write_saliency
from evaluation.comparison.compare import Comparison
from evaluation.comparison.occlusion import grey
from evaluation.comparison.record import write_json
from evaluation.comparison.record_cases import saliency_files
from evaluation.comparison.report import pages
from evaluation.comparison.tables import write_cells
from evaluation.pages import write_html, write_pdf


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.html``, ``comparison.pdf``, ``comparison.json``, ``cells.csv`` and ``saliency``.

    The folder ``saliency`` is there only where a network of the registry takes part: the grey cell with each
    map over it as PNG, the map as a plain array.

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
    for place, case in enumerate(comparison.cases):
        names = saliency_files(comparison, place)
        for name, (_, _, saliency) in zip(names, case.saliency, strict=True):
            write_saliency(grey(case.crop), saliency.heat, folder / name.parent, name=name.name)
