"""``leukoformula report``: a smear in, a leukocyte formula report out."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from commands.console import TerminalProgress, put_document, say
from commands.earlier_report import check_nothing_is_lost, outdated_files
from commands.exits import warn_of
from commands.formula_table import formula_table
from commands.options import (
    add_formula_options,
    add_model_options,
    add_scale_option,
    identity_of,
    settings_of,
)
from commands.output import staged_folder
from commands.paths import Inputs, stands
from commands.remarks import warn_of_remarks, warn_of_repeats
from commands.report_files import add_look_options, laboratory_settings, look_of, write_reports

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from leukoformula.result import SmearResult


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "report",
        help="find, classify and count the leukocytes of a smear and write the report",
        description="Writes report.pdf, report.html, fhir.json, report.hl7, result.json with its pictures, "
        "cells.csv and formula.csv, and prints the formula.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "smear", type=Path, metavar="SMEAR", help="folder of fields, one image, or a slide file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    add_model_options(parser, classifier=True)
    add_scale_option(parser)
    add_formula_options(parser)
    add_look_options(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Analyse a smear and write its report.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0; errors are raised.
    """
    from leukoformula.pipeline import analyse
    from reports.document import result_document
    from reports.reading import as_stored
    from reports.stored_pictures import encode_pictures

    laboratory = laboratory_settings(options)
    look, settings, identity = (
        look_of(options, laboratory),
        settings_of(options, laboratory),
        identity_of(options),
    )
    _spare_fields(options)
    check_nothing_is_lost(options.out)
    with staged_folder(options.out, outdated=outdated_files(options.out)) as stage:
        with TerminalProgress() as progress:
            result = analyse(
                options.smear, settings=settings, identity=identity, wbc=options.wbc, progress=progress
            )
        pictures = encode_pictures(result)
        result = as_stored(result, pictures)
        write_reports(result, stage, look=look, pictures=pictures)
        check_nothing_is_lost(options.out)  # again: somebody may have signed or begun a review meanwhile
    warn_of(result.refused)
    _warn_of_folders(result, options.smear)
    warn_of_repeats(result.findings)
    warn_of_remarks(result.findings, result.calibration, lang=look.lang)
    if options.json:
        put_document(result_document(result, pictures=pictures.record if pictures else None))
    else:
        print(formula_table(result.formula, lang=look.lang))
    say(f"{len(result.cells)} finds in {len(result.fields)} fields; report in {options.out / 'report.pdf'}")
    return 0


def _spare_fields(options: Namespace) -> None:
    """Refuse to lay the pictures of the report over fields that bear their names."""
    from slides.reader import open_smear

    pictures = [options.out / "overview.jpg", options.out / "crops.jpg", *options.out.glob("crops-*.jpg")]
    there = [path for path in pictures if stands(path)]
    if there:
        Inputs(open_smear(options.smear).files).spare(*there)


def _warn_of_folders(result: "SmearResult", smear: Path) -> None:
    from leukoformula.folders import count_folders

    folders = count_folders(field.name for field in result.fields)
    if folders > 1:
        say(
            f"warning: the {len(result.fields)} fields come from {folders} folders of {smear} and are counted"
            " as one smear; give the folder of one patient if they are not all of one"
        )
