"""``leukoformula formula``: a leukocyte formula from counts alone."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from commands.console import put_document, say
from commands.formula_table import formula_table
from commands.options import add_formula_options, identity_of, settings_of
from commands.output import staged_folder

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from counting.formula import LeukocyteFormula
    from leukoformula.result import Identity

SCHEMA = "leukoformula.formula/1"
"""Format of the JSON document: ``identity`` and ``formula`` as in ``leukoformula.result/1``."""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "formula",
        help="make the formula from counts alone",
        description="Prints the formula with exact 95 %% intervals, ranges and flags for given counts.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--counts",
        required=True,
        metavar="CLASS=N,…",
        help="cells of each class, for example neutrophil_segmented=58,lymphocyte=31",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for report.pdf, report.html and formula.json"
    )
    add_formula_options(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the formula of the counts given.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0; errors are raised.
    """
    from counting.age import Age
    from counting.counts import parse_counts
    from counting.formula import make_formula
    from leukoformula.reference import load_ranges
    from reports.document import formula_document

    identity = identity_of(options)
    formula = make_formula(
        parse_counts(options.counts),
        ranges=load_ranges(settings_of(options).ranges),
        wbc=options.wbc,
        age=Age.parse(identity.age) if identity.age else None,
        sex=identity.sex or None,
    )
    document: dict[str, object] = {
        "schema": SCHEMA,
        "identity": asdict(identity),
        "formula": formula_document(formula),
    }
    if options.out is not None:
        with staged_folder(options.out) as stage:
            _write(stage, formula, identity, document, lang=options.lang)
        say(f"report in {options.out / 'report.pdf'}")
    if options.json:
        put_document(document)
    else:
        print(formula_table(formula, lang=options.lang))
    return 0


def _write(
    stage: Path,
    formula: "LeukocyteFormula",
    identity: "Identity",
    document: dict[str, object],
    *,
    lang: str,
) -> None:
    from leukoformula.result import SmearResult
    from leukoformula.versions import versions
    from reports.html import write_html
    from reports.pdf import write_pdf
    from slides.calibration import Calibration

    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (stage / "formula.json").write_text(text + "\n", encoding="utf-8")
    result = SmearResult(
        name=identity.sample or identity.patient or "formula",
        source="",
        fields=(),
        refused=(),
        calibration=Calibration.from_um_per_px(0.1, "option"),  # no report without fields shows it
        findings=(),
        cells=(),
        formula=formula,
        identity=identity,
        classifier="",
        models=(),
        settings={},
        versions=versions(),
    )
    write_pdf(result, stage / "report.pdf", lang=lang)
    write_html(result, stage / "report.html", lang=lang)
