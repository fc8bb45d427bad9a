"""``leukoformula render``: every file of a report again from a stored result, reviewed and signed."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import UsageError
from commands.console import put_document, say
from commands.earlier_report import check_nothing_is_lost, outdated_files
from commands.formula_table import formula_table
from commands.output import staged_folder
from commands.report_files import add_look_options, laboratory_settings, look_of, write_reports

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from leukoformula.result import SmearResult


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "render",
        help="make the report again from a stored result, with reviewed labels and a signature if given",
        description="Reads result.json and the pictures beside it and writes every file of the report anew. "
        "--reviewed takes the labels of an edited cells.csv; with --signed-by and --signed-at the report "
        "is final. Of a settings file only the section [report] is used.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "result", type=Path, metavar="RESULT", help="result.json, or the folder that holds it"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    parser.add_argument("--lang", choices=("en", "ru"), help="language (default: en)")
    add_look_options(parser)
    parser.add_argument(
        "--reviewed", type=Path, metavar="FILE", help="cells.csv whose column label a person has edited"
    )
    parser.add_argument("--signed-by", metavar="NAME", help="who releases the reviewed result")
    parser.add_argument(
        "--signed-at", metavar="TIME", help="when, as 2026-11-20T14:05:00+03:00 (ISO 8601 with offset)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Write the report of a stored result.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0; errors are raised.
    """
    from reports.document import result_document
    from reports.reading import open_result

    _check_signature(options)
    look = look_of(options, laboratory_settings(options))
    path = options.result / "result.json" if options.result.is_dir() else options.result
    stored = open_result(path)
    result, pictures = stored.result, stored.pictures
    if options.reviewed is not None:
        result = _reviewed(result, options)
    for name in pictures.missing if pictures else ():
        say(f"warning: {path.parent / name} is missing; the report is made without its pictures")
    check_nothing_is_lost(options.out, successor=result, reviewed=options.reviewed)
    with staged_folder(options.out, outdated=outdated_files(options.out)) as stage:
        write_reports(result, stage, look=look, pictures=pictures)
    if options.json:
        put_document(result_document(result, pictures=pictures.record if pictures else None))
    else:
        print(formula_table(result.formula, lang=look.lang))
    say(f"{'corrected' if result.is_corrected else result.status} report in {options.out / 'report.pdf'}")
    return 0


def _check_signature(options: Namespace) -> None:
    given = [options.signed_by is not None, options.signed_at is not None]
    if any(given) and not (all(given) and options.reviewed is not None):
        raise UsageError(
            "a signature needs --signed-by, --signed-at and --reviewed together: "
            "only reviewed cells are signed"
        )


def _reviewed(result: "SmearResult", options: Namespace) -> "SmearResult":
    from leukoformula.reference import load_ranges
    from leukoformula.result import Signature
    from leukoformula.reviewed import apply_review, sign
    from reports.recount import check_recount
    from reports.reviewed_table import read_reviewed

    if result.signature is not None and options.signed_by is None:
        raise UsageError(
            f"the result was signed by {result.signature.by} at {result.signature.at}; a new review needs "
            "--signed-by and --signed-at, and gives a corrected report"
        )
    labels = read_reviewed(options.reviewed, result)
    # A result of an earlier version names its ranges without holding them.
    ranges = result.ranges or load_ranges(str(result.settings.get("ranges", result.formula.ranges_name)))
    reviewed = apply_review(result, labels, ranges=ranges)
    if result.ranges is None:
        check_recount(replace(result, ranges=ranges), where=f"the ranges {ranges.name} {ranges.version}")
    if options.signed_by is None:
        return reviewed
    signature = Signature(options.signed_by.strip(), options.signed_at)
    if signature == result.signature and reviewed.cells == result.cells:
        return result
    return sign(reviewed, signature)
