"""``leukoformula report``: a smear in, a leukocyte formula report out."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from commands.console import TerminalProgress, put_document, say
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
from commands.remarks import warn_of_remarks
from commands.report_files import add_look_options, laboratory_settings, look_of, write_reports

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction


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
    with staged_folder(options.out) as stage:
        with TerminalProgress() as progress:
            result = analyse(
                options.smear, settings=settings, identity=identity, wbc=options.wbc, progress=progress
            )
        pictures = encode_pictures(result)
        result = as_stored(result, pictures)
        write_reports(result, stage, look=look, pictures=pictures)
    warn_of(result.refused)
    warn_of_remarks(result.findings, result.calibration, lang=look.lang)
    if options.json:
        put_document(result_document(result, pictures=pictures.record if pictures else None))
    else:
        print(formula_table(result.formula, lang=look.lang))
    say(f"{len(result.cells)} finds in {len(result.fields)} fields; report in {options.out / 'report.pdf'}")
    return 0
