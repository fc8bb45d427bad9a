"""The detector held against audited boxes: gated one-to-one matching, recall and false share.

Run ``python -m evaluation.detector --data DIR --model detector.npz --set txl_val`` for the table.
"""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from cells.errors import LeukoformulaError
from cells.files import atomic_path
from cells.records import Detection
from detector.samples import TrainingField
from detector.scanner import Scanner
from detector.truth import Box
from evaluation.boxes import SETS, truth_fields

GATE = 0.5
"""A find belongs to a box only if it lies within this share of the box's mean side of its centre."""

_IGNORE = 0.6
_FORBIDDEN = 1e6


def match_finds(
    points: NDArray[np.float64], boxes: Sequence[Box], *, gate: float = GATE
) -> list[tuple[int, int]]:
    """Match finds with boxes one to one: as many pairs as can be, then the least distance.

    Parameters
    ----------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in pixels.
    boxes : sequence of Box
        Truth.
    gate : float, optional
        Greatest distance of a pair in mean box sides.

    Returns
    -------
    list of (int, int)
        Index of the find and of the box, in the order of the finds. Pairs beyond the gate are excluded
        before matching, so that none of them can displace a true pair.
    """
    if not len(points) or not boxes:
        return []
    centres = np.array([box.centre for box in boxes])
    reach = gate * np.array([box.size for box in boxes])
    away = np.sqrt(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)) / reach
    cost = np.where(away <= 1.0, away, _FORBIDDEN)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(find), int(box)) for find, box in pairs if cost[find, box] <= 1.0]


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """What the detector did on one field.

    Parameters
    ----------
    name : str
        Name of the field.
    pairs : tuple of (Detection, Box)
        Finds with the leukocyte they belong to.
    false : tuple of Detection
        Finds that belong to none.
    missed : tuple of Box
        Leukocytes without a find.
    ignored : int
        Finds that are neither: on a smudge or sliver, or less than half in the field.
    erythrocyte_px : float
        Erythrocyte diameter in pixels.
    """

    name: str
    pairs: tuple[tuple[Detection, Box], ...]
    false: tuple[Detection, ...]
    missed: tuple[Box, ...]
    ignored: int
    erythrocyte_px: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The detector's figures over a set of fields.

    Parameters
    ----------
    fields, leukocytes, found, finds, false, ignored : int
        Counts; ``finds`` leaves out the ignored ones.
    recall, false_share : float
        ``found / leukocytes`` and ``false / finds``; NaN where the denominator is 0.
    recall_interval, false_interval : (float, float)
        Exact 95 % intervals (Clopper & Pearson).
    centre_error : float
        Median distance of find and box centre, in erythrocyte diameters.
    diameter_ratio, diameter_spread : float
        Median of estimated diameter / mean box side for whole cells, and the 90th percentile of its
        distance from 1.
    """

    fields: int
    leukocytes: int
    found: int
    finds: int
    false: int
    ignored: int
    recall: float
    false_share: float
    recall_interval: tuple[float, float]
    false_interval: tuple[float, float]
    centre_error: float
    diameter_ratio: float
    diameter_spread: float


def judge_field(field: TrainingField, finds: Sequence[Detection]) -> FieldOutcome:
    """Hold the finds of one field against its truth.

    Parameters
    ----------
    field : TrainingField
        Field with audited boxes.
    finds : sequence of Detection
        Finds of the detector.

    Returns
    -------
    FieldOutcome
        An unmatched find is ignored where it lies on an ignored box or where the counting frame leaves the
        cell out, as slivers among the boxes are ignored.
    """
    points = np.array([(find.row, find.col) for find in finds]).reshape(-1, 2)
    pairs = match_finds(points, field.leukocytes)
    matched, hit = {find for find, _ in pairs}, {box for _, box in pairs}
    false: list[Detection] = []
    ignored = 0
    for number, find in enumerate(finds):
        if number in matched:
            continue
        if not find.counted or any(_lies_on(find, box) for box in field.ignored):
            ignored += 1
        else:
            false.append(find)
    missed = tuple(box for number, box in enumerate(field.leukocytes) if number not in hit)
    together = tuple((finds[find], field.leukocytes[box]) for find, box in pairs)
    return FieldOutcome(field.name, together, tuple(false), missed, ignored, field.erythrocyte_px)


def summarise(outcomes: Iterable[FieldOutcome]) -> Figures:
    """Sum the outcomes of fields up to figures.

    Parameters
    ----------
    outcomes : iterable of FieldOutcome
        Outcomes of fields; empty fields and empty truths are normal.

    Returns
    -------
    Figures
        The figures.
    """
    known = list(outcomes)
    pairs = [(find, box, outcome.erythrocyte_px) for outcome in known for find, box in outcome.pairs]
    false, missed = sum(len(o.false) for o in known), sum(len(o.missed) for o in known)
    errors = [np.hypot(f.row - b.centre[0], f.col - b.centre[1]) / px for f, b, px in pairs]
    ratios = np.array([f.diameter_px / b.size for f, b, _ in pairs if not f.at_border])
    return Figures(
        fields=len(known),
        leukocytes=len(pairs) + missed,
        found=len(pairs),
        finds=len(pairs) + false,
        false=false,
        ignored=sum(o.ignored for o in known),
        recall=_share(len(pairs), len(pairs) + missed),
        false_share=_share(false, len(pairs) + false),
        recall_interval=_interval(len(pairs), len(pairs) + missed),
        false_interval=_interval(false, len(pairs) + false),
        centre_error=float(np.median(errors)) if errors else float("nan"),
        diameter_ratio=float(np.median(ratios)) if len(ratios) else float("nan"),
        diameter_spread=float(np.quantile(np.abs(ratios - 1), 0.9)) if len(ratios) else float("nan"),
    )


def run_detector(
    scanner: Scanner, fields: Iterable[TrainingField], *, threshold: float | None = None
) -> list[FieldOutcome]:
    """Scan fields, the erythrocyte diameter being given by their boxes, and judge each.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    fields : iterable of TrainingField
        Fields with audited boxes.
    threshold : float, optional
        Least score of a find; None takes that of the model.

    Returns
    -------
    list of FieldOutcome
        One for each field.
    """
    return [
        judge_field(
            field,
            scanner.detect(
                field.image, white=field.white, erythrocyte_px=field.erythrocyte_px, threshold=threshold
            ),
        )
        for field in fields
    ]


def _lies_on(find: Detection, box: Box) -> bool:
    away = float(np.hypot(find.row - box.centre[0], find.col - box.centre[1]))
    return away <= _IGNORE * max(box.width, box.height)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _interval(part: int, whole: int) -> tuple[float, float]:
    if not whole:
        return float("nan"), float("nan")
    exact = binomtest(part, whole).proportion_ci(confidence_level=0.95, method="exact")
    return float(exact.low), float(exact.high)


def _table(rows: Sequence[tuple[str, float, Figures]]) -> str:
    lines = [
        "| set | threshold | fields | leukocytes | found | recall (95 %) | finds | false | false share (95 %)"
        " | centre error | diameter ratio | within |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, threshold, f in rows:
        recall = f"{f.recall:.4f} ({f.recall_interval[0]:.3f}–{f.recall_interval[1]:.3f})"
        share = f"{f.false_share:.4f} ({f.false_interval[0]:.3f}–{f.false_interval[1]:.3f})"
        lines.append(
            f"| {name} | {threshold:.3f} | {f.fields} | {f.leukocytes} | {f.found} | {recall} | {f.finds} |"
            f" {f.false} | {share} | {f.centre_error:.3f} | {f.diameter_ratio:.2f} |"
            f" {f.diameter_spread:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _write_errors(path: Path, outcomes: Iterable[FieldOutcome]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["image", "kind", "row", "col", "size_px", "score"])
        for o in outcomes:
            for find in o.false:
                values = (find.row, find.col, find.diameter_px, find.score)
                table.writerow([o.name, "false", *(f"{value:.2f}" for value in values)])
            for box in o.missed:
                table.writerow([o.name, "missed", *(f"{value:.2f}" for value in (*box.centre, box.size)), ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of figures; returns the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; None takes that of the process.

    Returns
    -------
    int
        0, or the exit code of the error that is told on stderr.
    """
    parser = argparse.ArgumentParser(prog="python -m evaluation.detector", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the published images")
    parser.add_argument("--model", type=Path, required=True, help="detector.npz")
    parser.add_argument("--set", dest="sets", choices=sorted(SETS), action="append", help="may be repeated")
    parser.add_argument("--threshold", type=float, action="append", help="may be repeated")
    parser.add_argument("--audit", type=Path, help="another audit list; an empty one judges published boxes")
    parser.add_argument("--errors", type=Path, help="CSV file for the false finds and misses")
    options = parser.parse_args(arguments)
    try:
        scanner = Scanner.load(options.model)
        rows = []
        for name in options.sets or sorted(SETS):
            fields = list(truth_fields(options.data, name, audit=options.audit))
            for threshold in options.threshold or [scanner.cascade.threshold]:
                outcomes = run_detector(scanner, fields, threshold=threshold)
                rows.append((name, threshold, summarise(outcomes)))
                if options.errors is not None:
                    _write_errors(options.errors, outcomes)
    except LeukoformulaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(_table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
