"""The detector held against audited boxes: gated one-to-one matching, recall and false share.

Run ``python -m evaluation.detector --data DIR --model detector.npz --set txl_val`` for the table.
"""

import argparse
import csv
import itertools
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import binomtest

from cells.files import atomic_path
from cells.records import Detection
from classifiers.base import Classifier
from detector.centres import SPACING
from detector.samples import TrainingField
from detector.scanner import Scanner
from detector.suppression import suppress
from detector.truth import Box
from evaluation.boxes import SETS, truth_fields
from evaluation.command_line import add_data, command_parser, exit_code_of
from features.crops import cut_cell
from leukoformula.decisions import likeliest
from leukoformula.settings import CLASSIFIERS
from leukoformula.store import load_classifier

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
    scanner: Scanner,
    fields: Iterable[TrainingField],
    *,
    threshold: float | None = None,
    classifier: Classifier | None = None,
    scale: float = 1.0,
    windows: Sequence[float] = (1.0,),
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
    classifier : Classifier, optional
        Where given, finds that it takes for no leukocyte are left out (`keep_leukocytes`).
    scale : float, optional
        Factor on the erythrocyte diameter that the detector is told, above 0: a wrong calibration.
    windows : sequence of float, optional
        Factors of the told diameter at which each field is scanned, above 0; the finds of several scans are
        merged (`merge_scans`). The program itself scans once.

    Returns
    -------
    list of FieldOutcome
        One for each field.
    """
    outcomes: list[FieldOutcome] = []
    for field in fields:
        told = field.erythrocyte_px * scale
        scans = [
            scanner.detect(field.image, white=field.white, erythrocyte_px=told * window, threshold=threshold)
            for window in windows
        ]
        finds = merge_scans(scans, erythrocyte_px=told)
        if classifier is not None:
            finds = keep_leukocytes(finds, replace(field, erythrocyte_px=told), classifier)
        outcomes.append(judge_field(field, finds))
    return outcomes


def merge_scans(scans: Sequence[Sequence[Detection]], *, erythrocyte_px: float) -> list[Detection]:
    """Merge the finds of several scans of one field as one scan removes repeated finds of a cell.

    Parameters
    ----------
    scans : sequence of sequence of Detection
        Finds of each scan; those of a single scan are returned as they are.
    erythrocyte_px : float
        Erythrocyte diameter in pixels, above 0: the unit of the distances.

    Returns
    -------
    list of Detection
        The finds chosen, unaltered, ordered by (-score, row, column); no two of them closer than
        `detector.centres.SPACING` erythrocyte diameters. Of finds equal in score and place, that of the
        earlier scan is chosen.
    """
    if len(scans) == 1:
        return list(scans[0])
    finds = [find for scan in scans for find in scan]
    points = np.array([(find.row, find.col) for find in finds], np.float64).reshape(-1, 2)
    scores = np.array([find.score for find in finds], np.float64)
    return [finds[number] for number in suppress(points, scores, spacing=SPACING * erythrocyte_px)]


def same_cells(
    scanner: Scanner, fields: Iterable[TrainingField], *, factor: float, threshold: float | None = None
) -> tuple[int, int, int]:
    """Hold the finds of fields against those of the same fields resampled.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    fields : iterable of TrainingField
        Fields; their boxes are not looked at.
    factor : float
        Scale of the resampled field, above 0.
    threshold : float, optional
        Least score of a find; None takes that of the model.

    Returns
    -------
    cells, same, more : int
        Counted finds of the fields as they are; those of them within half an erythrocyte diameter of a find
        of the resampled field, one to one; counted finds of the resampled fields that belong to no find of
        the field as it is.
    """
    cells = same = more = 0
    for field in fields:
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        image = np.asarray(
            cv2.resize(field.image, None, fx=factor, fy=factor, interpolation=method), np.uint8
        )
        before, after = (
            scanner.detect(
                pixels, white=field.white, erythrocyte_px=field.erythrocyte_px * scale, threshold=threshold
            )
            for pixels, scale in ((field.image, 1.0), (image, factor))
        )
        half = 0.5 * field.erythrocyte_px
        around = [Box(d.col - half, d.row - half, d.col + half, d.row + half, "find") for d in before]
        points = (np.array([(d.row, d.col) for d in after]).reshape(-1, 2) + 0.5) / factor - 0.5
        pairs = match_finds(points, around)
        cells += sum(d.counted for d in before)
        same += sum(before[box].counted for _, box in pairs)
        paired = {find for find, _ in pairs}
        more += sum(d.counted for number, d in enumerate(after) if number not in paired)
    return cells, same, more


def keep_leukocytes(
    finds: Sequence[Detection],
    field: TrainingField,
    classifier: Classifier,
) -> list[Detection]:
    """Leave out the finds that a classifier takes for no leukocyte.

    Parameters
    ----------
    finds : sequence of Detection
        Finds of the detector on the field.
    field : TrainingField
        The field.
    classifier : Classifier
        Classifier of cells with answers outside the denominator.

    Returns
    -------
    list of Detection
        The finds whose likeliest class is neither platelet, artefact, smudge cell nor erythroblast.
    """
    if not finds:
        return []
    crops = np.stack(
        [
            cut_cell(field.image, find.row, find.col, erythrocyte_px=field.erythrocyte_px, white=field.white)
            for find in finds
        ]
    )
    answers = classifier.predict(crops, np.broadcast_to(field.white, (len(crops), 3)))
    labels = [likeliest(answer, classifier.classes) for answer in answers]
    return [f for f, label in zip(finds, labels, strict=True) if label.in_denominator]


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


def _table(rows: Sequence[tuple[str, float, Figures, float]]) -> str:
    lines = [
        "| set | threshold | fields | leukocytes | found | recall (95 %) | finds | false | false share (95 %)"
        " | centre error | diameter ratio | within | ms per field |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, threshold, f, seconds in rows:
        recall = f"{f.recall:.4f} ({f.recall_interval[0]:.3f}–{f.recall_interval[1]:.3f})"
        share = f"{f.false_share:.4f} ({f.false_interval[0]:.3f}–{f.false_interval[1]:.3f})"
        lines.append(
            f"| {name} | {threshold:.3f} | {f.fields} | {f.leukocytes} | {f.found} | {recall} | {f.finds} |"
            f" {f.false} | {share} | {f.centre_error:.3f} | {f.diameter_ratio:.2f} |"
            f" {f.diameter_spread:.2f} | {1e3 * seconds / max(f.fields, 1):.2f} |"
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
    parser = command_parser("detector", __doc__)
    add_data(parser)
    parser.add_argument("--model", type=Path, required=True, help="detector.npz")
    parser.add_argument("--set", dest="sets", choices=sorted(SETS), action="append", help="may be repeated")
    parser.add_argument("--threshold", type=float, action="append", help="may be repeated")
    parser.add_argument("--audit", type=Path, help="another audit list; an empty one judges published boxes")
    parser.add_argument("--classifier", choices=CLASSIFIERS, help="leave out finds it takes for no leukocyte")
    parser.add_argument(
        "--scale", type=float, action="append", help="factor on the diameter; may be repeated"
    )
    parser.add_argument(
        "--windows", type=float, nargs="+", default=[1.0], help="factors on the diameter, scanned and merged"
    )
    parser.add_argument(
        "--resample", type=float, action="append", help="scale of the fields for the table of same cells"
    )
    parser.add_argument("--errors", type=Path, help="CSV file for the false finds and misses")
    return exit_code_of(_judge, parser.parse_args(arguments))


def _judge(options: argparse.Namespace) -> None:
    scanner = Scanner.load(options.model)
    classifier = load_classifier(options.classifier)[0] if options.classifier else None
    rows, again = [], []
    for name in options.sets or sorted(SETS):
        fields = list(truth_fields(options.data, name, audit=options.audit))
        limits = options.threshold or [scanner.cascade.threshold]
        for threshold, scale in itertools.product(limits, options.scale or [1.0]):
            start = time.process_time()
            outcomes = run_detector(
                scanner,
                fields,
                threshold=threshold,
                classifier=classifier,
                scale=scale,
                windows=options.windows,
            )
            spent = time.process_time() - start
            title = name if scale == 1.0 else f"{name} ×{scale:g}"
            rows.append((title, threshold, summarise(outcomes), spent))
            if options.errors is not None:
                _write_errors(options.errors, outcomes)
        for factor in options.resample or []:
            again.append((name, factor, *same_cells(scanner, fields, factor=factor)))
    sys.stdout.write(_table(rows))
    if again:
        lines = ["", "| set | resampled | cells | the same | share | more |", "|---|---|---|---|---|---|"]
        lines += [f"| {n} | {f:g} | {c} | {s} | {_share(s, c):.4f} | {m} |" for n, f, c, s, m in again]
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
