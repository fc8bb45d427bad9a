"""The detector held against a laboratory's own truth: figures, curves, pictures of errors, exports."""

from collections.abc import Mapping
from pathlib import Path

from evaluation.detection.evaluate import Evaluation, Request, evaluate_detector
from evaluation.detection.record import evaluation_document, schema, write_json
from evaluation.detection.report import pages
from evaluation.detection.tables import (
    holds_verdicts,
    read_filled_audit,
    write_audit,
    write_fields,
    write_finds,
    write_negatives,
)
from evaluation.pages import write_html, write_pdf

__all__ = [
    "Evaluation",
    "Request",
    "evaluate_detector",
    "evaluation_document",
    "holds_verdicts",
    "read_filled_audit",
    "schema",
    "write_evaluation",
]


def write_evaluation(evaluation: Evaluation, folder: Path) -> Mapping[str, int]:
    """Write every file of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    folder : Path
        Folder for ``evaluation.html``, ``evaluation.pdf``, ``evaluation.json``, ``fields.csv``,
        ``finds.csv``, ``audit.csv``, ``hard_negatives.csv`` and ``hard_negatives/``.

    Returns
    -------
    mapping of str to int
        Number of ``hard_negatives``.

    Raises
    ------
    InputError
        Where a file cannot be written.
    """
    document = pages(evaluation)
    write_html(document, folder / "evaluation.html")
    write_pdf(document, folder / "evaluation.pdf")
    write_json(evaluation, folder / "evaluation.json")
    write_fields(evaluation, folder / "fields.csv")
    write_finds(evaluation, folder / "finds.csv")
    write_audit(evaluation, folder / "audit.csv")
    return {"hard_negatives": write_negatives(evaluation, folder)}
