"""``leukoformula evaluate``: a part of the program held against a laboratory's own truth."""

import hashlib
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import InputError, PartialFailure, UsageError
from commands.console import TerminalProgress, one_line, positive_number, put_document, say
from commands.exits import SHOWN
from commands.options import CLASSIFIERS, add_threshold_option, erythrocyte_px
from commands.output import staged_folder
from commands.paths import Inputs

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from classifiers.base import Classifier
    from detector.scanner import Scanner
    from evaluation.detection import Evaluation, Request

FORMATS = ("voc", "yolo", "coco")
"""The same as ``evaluation.detection.truth.FORMATS``, which a test holds true."""


_PICTURES = ("hard_negatives/[0-9][0-9][0-9][0-9].png",)
_WRITTEN = ("audit.csv", "evaluation.json", "fields.csv", "finds.csv", "hard_negatives.csv")


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "evaluate",
        help="hold the detector against your own boxes",
        description="Figures with intervals, curves, pictures of errors, exports.",
        allow_abbrev=False,
    )
    parts = parser.add_subparsers(title="what", metavar="WHAT", required=True, dest="part")
    detector = parts.add_parser(
        "detector",
        help="misses and false finds of the window scanner",
        description=(
            "Writes evaluation.html, evaluation.pdf, evaluation.json, fields.csv, finds.csv, audit.csv and"
            " hard_negatives.csv with its pictures. Faults of images and truth are listed in the report;"
            " exit code 4 where images had to be left out."
        ),
        allow_abbrev=False,
    )
    _add_input(detector)
    _add_detector(detector)
    detector.add_argument("--json", action="store_true", help="print the JSON document as well")
    parser.set_defaults(run=run)


def _add_input(parser: "ArgumentParser") -> None:
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of fields")
    parser.add_argument(
        "--truth",
        type=Path,
        required=True,
        metavar="PATH",
        help="folder of VOC or YOLO files named as the images, or COCO JSON file",
    )
    parser.add_argument(
        "--format", dest="form", choices=FORMATS, required=True, help="how the truth is written"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--leukocytes",
        type=labels,
        default=(),
        metavar="NAMES",
        help="labels that are leukocytes, with commas (default: WBC, leukocyte and the kinds of leukocytes)",
    )
    parser.add_argument(
        "--class-names",
        type=Path,
        metavar="FILE",
        help="names of the YOLO classes, one a line, or data.yaml (default: classes.txt, obj.names or"
        " data.yaml beside the boxes or up to two folders above, else WBC, RBC, platelet)",
    )
    parser.add_argument(
        "--missing-empty",
        action="store_true",
        help="take an image without annotation for one without leukocytes instead of leaving it out",
    )
    parser.add_argument(
        "--audit", type=Path, metavar="FILE", help="audit list whose verdicts correct the boxes"
    )


def _add_detector(parser: "ArgumentParser") -> None:
    parser.add_argument("--model", type=Path, metavar="FILE", help="detector.npz (default: the shipped one)")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument(
        "--erythrocyte-px",
        type=erythrocyte_px,
        metavar="N",
        help="diameter of a box around an erythrocyte, in px (default: from the boxes, else measured)",
    )
    scale.add_argument("--um-per-px", type=positive_number, metavar="X", help="pixel size in µm")
    add_threshold_option(parser, "threshold")
    parser.add_argument(
        "--classifier",
        choices=CLASSIFIERS,
        help="also give the figures without the finds that it calls no leukocyte",
    )


def labels(text: str) -> tuple[str, ...]:
    """Read labels separated by commas.

    Parameters
    ----------
    text : str
        What the user wrote.

    Returns
    -------
    tuple of str
        The labels.

    Raises
    ------
    ArgumentTypeError
        Where there is none.
    """
    found = tuple(part.strip() for part in text.split(",") if any(sign.isalnum() for sign in part))
    if not found:
        raise ArgumentTypeError(f"{one_line(text)!r} names no label; give for example WBC,lymphocyte")
    return found


def run(options: Namespace) -> int:
    """Evaluate the detector.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0, or 4 where images were left out; errors are raised.
    """
    from evaluation.detection import (
        evaluate_detector,
        evaluation_document,
        holds_verdicts,
        read_filled_audit,
        write_evaluation,
    )

    given = (options.audit, options.truth, options.class_names)
    Inputs(path for path in given if path is not None).spare(*(options.out / name for name in _WRITTEN))
    listed = options.out / "audit.csv"
    if holds_verdicts(listed):
        raise UsageError(
            f"{listed} would be overwritten with the verdicts that a person gave in it; choose another folder"
            " with --out and hand it in with --audit, or remove it"
        )
    audit = read_filled_audit(options.audit) if options.audit is not None else None
    facts: dict[str, str] = {}
    scanner = _scanner(options, facts)
    classifier = _classifier(options, facts)
    with TerminalProgress() as progress:
        evaluation = evaluate_detector(
            scanner, _request(options), audit=audit, classifier=classifier, facts=facts, progress=progress
        )
        progress("writing", 0, 1)
        before = (options.out / "evaluation.json").exists()
        with staged_folder(options.out, replaced=_PICTURES if before else ()) as stage:
            written = write_evaluation(evaluation, stage)
    _warn(evaluation)
    counts = evaluation.judgements[0].counts
    say(
        f"{len(evaluation.scanned.fields)} fields, {counts.leukocytes} leukocytes, {counts.found} found,"
        f" {counts.false} false finds, {written['hard_negatives']} hard negatives; report in"
        f" {options.out / 'evaluation.html'}"
    )
    if options.json:
        put_document(evaluation_document(evaluation))
    return PartialFailure.exit_code if evaluation.left_out else 0


def _request(options: Namespace) -> "Request":
    from evaluation.detection import Request
    from evaluation.detection.labels import Roles

    return Request(
        options.images,
        options.truth,
        options.form,
        roles=Roles.of(options.leukocytes),
        classes=options.class_names,
        missing="empty" if options.missing_empty else "left_out",
        erythrocyte_px=options.erythrocyte_px,
        um_per_px=options.um_per_px,
        threshold=options.threshold,
    )


def _scanner(options: Namespace, facts: dict[str, str]) -> "Scanner":
    from leukoformula.versions import versions

    facts["leukoformula"] = versions()["leukoformula"]
    if options.model is not None:
        from detector.scanner import Scanner

        if not options.model.is_file():
            raise InputError(f"no file {options.model}; give detector.npz with --model")
        scanner = Scanner.load(options.model)
        digest = hashlib.sha256(options.model.read_bytes()).hexdigest()
        facts["Detector"] = f"{options.model}, sha256 {digest[:16]}…"
        return scanner
    from leukoformula import store

    scanner, models = store.load_detector()
    facts["Detector"] = _told(models)
    return scanner


def _classifier(options: Namespace, facts: dict[str, str]) -> "Classifier | None":
    if options.classifier is None:
        return None
    from leukoformula import store

    classifier, models = store.load_classifier(options.classifier)
    facts["Classifier"] = f"{options.classifier} ({_told(models)})"
    return classifier


def _told(models: "tuple[object, ...]") -> str:
    return ", ".join(
        f"{getattr(model, 'name', '')} {getattr(model, 'version', '')}, sha256"
        f" {getattr(model, 'sha256', '')[:16]}…"
        for model in models
    )


def _warn(evaluation: "Evaluation") -> None:
    from evaluation.detection.evaluate import CLASS_NUMBERS
    from evaluation.detection.truth import ALL_FIELDS, DOUBTED

    if CLASS_NUMBERS in evaluation.facts:
        say(f"class numbers: {evaluation.facts[CLASS_NUMBERS]}")
    unnamed = sum("unknown class '" in fault.what for fault in evaluation.faults)
    if unnamed:
        say(
            f"warning: {unnamed} boxes are left unused, as their class numbers have no name; give names with"
            " --class-names"
        )
    left_out = [fault for fault in evaluation.faults if fault.left_out]
    for fault in left_out[:SHOWN]:
        say(f"warning: {fault.where} is left out: {fault.what}")
    if len(left_out) > SHOWN:
        say(f"warning: {len(left_out) - SHOWN} more are left out")
    labels = [fault for fault in evaluation.faults if fault.kind == "label" and fault.where == ALL_FIELDS]
    for fault in labels[:SHOWN]:
        say(f"warning: {fault.what}")
    doubts = [fault for fault in evaluation.faults if fault.kind == DOUBTED]
    for fault in doubts:
        say(f"warning: {fault.what}")
    others = len(evaluation.faults) - len(left_out) - len(labels[:SHOWN]) - len(doubts)
    if others:
        say(f"warning: {others} other faults of images and truth are listed in the report")
