"""The detector held against audited boxes: gated one-to-one matching, recall and false share.

Run ``python -m evaluation.detector --data DIR --model detector.npz --set txl_val`` for the table.
"""

import argparse
import csv
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cells.files import atomic_path
from detector.samples import TrainingField
from detector.scanner import Scanner
from evaluation.boxes import SETS, truth_fields
from evaluation.cameras import as_read, dimmed, through_eyepiece, with_contrast
from evaluation.command_line import add_data, command_parser, exit_code_of
from evaluation.detector_runs import laid_together, run_detector, same_cells
from evaluation.finds import FieldOutcome, Figures, share_of, summarise
from leukoformula.settings import CLASSIFIERS
from leukoformula.store import load_classifier


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
    parser.add_argument(
        "--clusters",
        action="store_true",
        help="lay more leukocytes of each field against those that it shows",
    )
    parser.add_argument(
        "--fall",
        type=float,
        action="append",
        help="dim the lamp by this share from left to right, read as the program does; may be repeated",
    )
    parser.add_argument("--eyepiece", action="store_true", help="the same as behind an eyepiece, to the rim")
    parser.add_argument("--uneven", action="store_true", help="with --fall: leave the lamp uneven")
    parser.add_argument(
        "--contrast", type=float, action="append", help="exponent on the pixel values; may be repeated"
    )
    parser.add_argument("--no-cluster-look", action="store_true", help="scan without the look at clusters")
    parser.add_argument("--errors", type=Path, help="CSV file for the false finds and misses")
    return exit_code_of(_judge, parser.parse_args(arguments))


def _judge(options: argparse.Namespace) -> None:
    scanner = Scanner.load(options.model)
    if options.no_cluster_look:
        scanner = replace(scanner, clusters=None)
    classifier = load_classifier(options.classifier)[0] if options.classifier else None
    rows, again = [], []
    for name in options.sets or sorted(SETS):
        fields = list(truth_fields(options.data, name, audit=options.audit))
        if options.clusters:
            fields = laid_together(fields)
        limits = options.threshold or [scanner.cascade.threshold]
        sights = list(_sights(fields, options))
        for (sight, seen), threshold, scale in itertools.product(sights, limits, options.scale or [1.0]):
            start = time.process_time()
            outcomes = run_detector(
                scanner,
                seen,
                threshold=threshold,
                classifier=classifier,
                scale=scale,
                windows=options.windows,
            )
            spent = time.process_time() - start
            title = name if scale == 1.0 else f"{name} ×{scale:g}"
            title += sight
            rows.append((title, threshold, summarise(outcomes), spent))
            if options.errors is not None:
                _write_errors(options.errors, outcomes)
        for factor in options.resample or []:
            again.append((name, factor, *same_cells(scanner, fields, factor=factor)))
    sys.stdout.write(_table(rows))
    if again:
        lines = ["", "| set | resampled | cells | the same | share | more |", "|---|---|---|---|---|---|"]
        lines += [f"| {n} | {f:g} | {c} | {s} | {share_of(s, c):.4f} | {m} |" for n, f, c, s, m in again]
        sys.stdout.write("\n".join(lines) + "\n")


def _sights(
    fields: list[TrainingField], options: argparse.Namespace
) -> Iterator[tuple[str, list[TrainingField]]]:
    """Give the fields as they are, or as every lamp and camera asked for would have shown them."""
    if not (options.fall or options.contrast):
        yield "", fields
    lamp = through_eyepiece if options.eyepiece else dimmed
    for fall in options.fall or ():
        shown = [lamp(field, fall=fall) for field in fields]
        yield f", lamp −{100 * fall:g} %", shown if options.uneven else [as_read(field) for field in shown]
    for exponent in options.contrast or ():
        yield f", contrast {exponent:g}", [with_contrast(field, exponent=exponent) for field in fields]


if __name__ == "__main__":
    sys.exit(main())
