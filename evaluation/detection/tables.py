"""The tables of an evaluation: fields, finds, the audit list, the hard negatives."""

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from cells.errors import DataError, InputError
from cells.files import atomic_path
from detector.audit import VERDICTS, AuditRows
from detector.truth import LEUKOCYTE, Box
from evaluation.detection.causes import Cause, is_negative
from evaluation.detection.evaluate import Evaluation
from evaluation.detection.scan import Answer, Error
from evaluation.detection.truth import field_image
from slides.optics import white_point
from slides.own_pictures import mark_png

FIELD_COLUMNS = (
    *("image", "height", "width", "erythrocyte_px", "scale_source", "leukocytes"),
    *("found", "missed", "finds", "false", "ignored"),
)
"""Columns of ``fields.csv``."""

FIND_COLUMNS = (
    *("image", "verdict", "row", "col", "size_px", "score", "x0", "y0", "x1", "y1"),
    *("suggested_cause", "answer", "probability"),
)
"""Columns of ``finds.csv``: verdict is true, false or missed; x0 to y1 is the box found or missed."""

_AUDITED = ("image", "x0", "y0", "x1", "y1", "verdict")

AUDIT_COLUMNS = (
    *("image", "x0", "y0", "x1", "y1", "verdict"),
    *("kind", "score", "suggested_cause", "reason"),
)
"""Columns of ``audit.csv``; verdict and reason are for a person to fill in."""

DETECTOR_ERROR = "detector_error"
"""Verdict of an audited error that is the detector's own; the truth stays as it is."""

NEGATIVE_COLUMNS = (
    *("path", "row", "col", "erythrocyte_px", "white_r", "white_g", "white_b"),
    *("image", "image_row", "image_col", "score", "suggested_cause"),
)
"""Columns of ``hard_negatives.csv``."""

_NEGATIVE_SIDE = 10.0


def write_fields(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each field.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    path : Path
        File to be written.
    """
    scanned = evaluation.scanned
    rows = (
        (
            field.name,
            field.height,
            field.width,
            f"{scale.erythrocyte_px:.2f}",
            scale.source,
            len(outcome.pairs) + len(outcome.missed),
            len(outcome.pairs),
            len(outcome.missed),
            len(outcome.pairs) + len(outcome.false),
            len(outcome.false),
            outcome.ignored,
        )
        for field, scale, outcome in zip(scanned.fields, scanned.scales, scanned.outcomes, strict=True)
    )
    _write(path, FIELD_COLUMNS, rows)


def write_finds(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each find and each miss.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    path : Path
        File to be written.
    """
    scanned = evaluation.scanned
    rows: list[Sequence[object]] = []
    wrong: dict[int, list[tuple[Error, Cause]]] = {}
    for error, cause in evaluation.errors("false") + evaluation.errors("missed"):
        wrong.setdefault(error.field, []).append((error, cause))
    for number, (field, outcome) in enumerate(zip(scanned.fields, scanned.outcomes, strict=True)):
        for find, box in outcome.pairs:
            place = (find.row, find.col, float(find.diameter_px), find.score)
            answer = scanned.answers[number].get((find.row, find.col))
            rows.append(_find_row(field.name, "true", place, box=box, answer=answer))
        for error, cause in wrong.get(number, ()):
            place = (error.row, error.col, error.size_px, error.score)
            row = _find_row(
                field.name, error.kind, place, box=error.box, cause=cause.value, answer=error.answer
            )
            rows.append(row)
    _write(path, FIND_COLUMNS, rows)


def _find_row(
    name: str,
    verdict: str,
    place: tuple[float, float, float, float],
    *,
    box: Box | None,
    cause: str = "",
    answer: Answer | None = None,
) -> Sequence[object]:
    numbers = [f"{value:.2f}" for value in place[:3]]
    corners = [f"{v:.1f}" for v in (box.x0, box.y0, box.x1, box.y1)] if box is not None else [""] * 4
    said = (answer.label, f"{answer.probability:.4f}") if answer is not None else ("", "")
    return (name, verdict, *numbers, score_text(place[3]), *corners, cause, *said)


def score_text(score: float) -> str:
    """Return a score with four decimals; empty where there is none."""
    return f"{score:.4f}" if math.isfinite(score) else ""


def write_audit(evaluation: Evaluation, path: Path) -> None:
    """Write the errors as an audit list for a person to fill in.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    path : Path
        File to be written. A false find stands with the square of its diameter, a miss with its box.
    """
    rows: list[Sequence[object]] = []
    for kind in ("false", "missed"):
        for error, cause in evaluation.errors(kind):
            field = evaluation.scanned.fields[error.field]
            corners = [f"{value:.1f}" for value in _corners(error, field.height, field.width)]
            rows.append((field.name, *corners, "", kind, score_text(error.score), cause.value, ""))
    _write(path, AUDIT_COLUMNS, rows)


def _corners(error: Error, height: int, width: int) -> tuple[float, float, float, float]:
    if error.box is not None:
        return error.box.x0, error.box.y0, error.box.x1, error.box.y1
    half = error.size_px / 2
    x, y = error.col + 0.5, error.row + 0.5
    return max(x - half, 0.0), max(y - half, 0.0), min(x + half, width), min(y + half, height)


def read_filled_audit(path: Path) -> AuditRows:
    """Read an audit list, whole or in part filled in.

    Parameters
    ----------
    path : Path
        CSV file with the columns image, x0, y0, x1, y1, verdict, as `write_audit` writes it or as they lie
        in ``evaluation/audits``.

    Returns
    -------
    AuditRows
        Audited boxes by image; rows without verdict, and errors of the detector, are left out.

    Raises
    ------
    DataError
        Where the file cannot be read, lacks a column, or a row has an unknown verdict or no numbers.
    """
    rows: AuditRows = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in _AUDITED if name not in (table.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}: no readable audit list, it has no column {missing[0]}; check --audit, and that "
                    "commas part the columns"
                )
            for number, row in enumerate(table, 2):
                verdict = (row["verdict"] or "").strip()
                if verdict in {"", DETECTOR_ERROR}:
                    continue
                if verdict not in VERDICTS:
                    allowed = ", ".join((*VERDICTS, DETECTOR_ERROR))
                    raise DataError(f"{path} line {number}: verdict {verdict[:40]!r} is none of {allowed}")
                x0, y0, x1, y1 = (float(row[key]) for key in ("x0", "y0", "x1", "y1"))
                if not (math.isfinite(x0 + y0 + x1 + y1) and x1 > x0 and y1 > y0):
                    raise DataError(f"{path} line {number}: no box with an area; mend it")
                box = Box(x0, y0, x1, y1, LEUKOCYTE)
                rows[row["image"]] = (*rows.get(row["image"], ()), (box, verdict))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: no readable audit list ({error}); restore or mend it") from error
    return rows


def holds_verdicts(path: Path) -> bool:
    """Tell whether a person has given a verdict in an audit list.

    Parameters
    ----------
    path : Path
        The list; it need not exist.

    Returns
    -------
    bool
        True also where it has no readable column of verdicts, so that nobody can tell.
    """
    if not path.exists():
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            named = "verdict" in (table.fieldnames or ())
            return not named or any((row["verdict"] or "").strip() for row in table)
    except (OSError, ValueError, csv.Error):
        return True


def write_negatives(evaluation: Evaluation, folder: Path) -> int:
    """Write false finds that are hardly leukocytes as hard negatives for ``train detector``.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    folder : Path
        Folder for ``hard_negatives.csv`` and the squares of 10 erythrocyte diameters in
        ``hard_negatives/``, in the pixels of the fields.

    Returns
    -------
    int
        Number of squares. Where the suggested cause is a leukocyte, boxed or not, none is written.
    """
    rows: list[Sequence[object]] = []
    for error, cause in evaluation.errors("false"):
        if is_negative(error, cause):
            row = _negative(evaluation, error, cause, folder, f"hard_negatives/{len(rows) + 1:04d}.png")
            if row is not None:
                rows.append(row)
    _write(folder / "hard_negatives.csv", NEGATIVE_COLUMNS, rows)
    return len(rows)


def _negative(
    evaluation: Evaluation, error: Error, cause: Cause, folder: Path, name: str
) -> Sequence[object] | None:
    field = evaluation.scanned.fields[error.field]
    px = evaluation.scanned.scales[error.field].erythrocyte_px
    try:
        image = field_image(field)
    except InputError:
        return None
    half = 0.5 * _NEGATIVE_SIDE * px
    top, left = max(0, math.floor(error.row - half)), max(0, math.floor(error.col - half))
    part = image[top : math.ceil(error.row + half) + 1, left : math.ceil(error.col + half) + 1]
    with atomic_path(folder / name) as temporary:
        done, data = cv2.imencode(".png", np.ascontiguousarray(part[..., ::-1]))
        if not done:
            return None
        temporary.write_bytes(mark_png(data.tobytes()))
    white = [f"{value:.3f}" for value in white_point(image)]
    here = (f"{error.row - top:.2f}", f"{error.col - left:.2f}", f"{px:.3f}")
    there = (f"{error.row:.2f}", f"{error.col:.2f}", score_text(error.score))
    return (name, *here, *white, field.name, *there, cause.value)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
