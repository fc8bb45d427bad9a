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
        description="Writes report.pdf, report.html, result.json and cells.csv, and prints the formula.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "smear", type=Path, metavar="SMEAR", help="folder of fields, one image, or a slide file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    add_model_options(parser, classifier=True)
    add_scale_option(parser)
    add_formula_options(parser)
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

    settings, identity = settings_of(options), identity_of(options)
    with staged_folder(options.out) as stage:
        with TerminalProgress() as progress:
            result = analyse(
                options.smear, settings=settings, identity=identity, wbc=options.wbc, progress=progress
            )
        write_reports(result, stage, lang=options.lang)
    warn_of(result.refused)
    if options.json:
        put_document(result_document(result))
    else:
        print(formula_table(result.formula, lang=options.lang))
    say(f"{len(result.cells)} finds in {len(result.fields)} fields; report in {options.out / 'report.pdf'}")
    return 0


def write_reports(result: "SmearResult", folder: Path, *, lang: str) -> None:
    """Write every form of the report into a folder.

    Parameters
    ----------
    result : SmearResult
        What was found.
    folder : Path
        Gets report.pdf, report.html, result.json and cells.csv.
    lang : {"en", "ru"}
        Language of PDF and HTML.

    Raises
    ------
    InputError
        Where a file cannot be written.
    """
    from reports.document import write_json
    from reports.html import write_html
    from reports.pdf import write_pdf
    from reports.table import write_csv

    write_pdf(result, folder / "report.pdf", lang=lang)
    write_html(result, folder / "report.html", lang=lang)
    write_json(result, folder / "result.json")
    write_csv(result, folder / "cells.csv")
