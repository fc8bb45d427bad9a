"""``leukoformula formula``: a leukocyte formula from counts alone."""

import json
from argparse import Namespace
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from commands.comparison_table import comparison_document, comparison_table
from commands.console import put_document, say
from commands.earlier_report import FORMULA, check_nothing_is_lost, outdated_files
from commands.formula_table import formula_table
from commands.options import add_formula_options, identity_of, settings_of
from commands.output import staged_folder
from commands.report_files import Look, add_look_options, laboratory_settings, look_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Mapping

    from cells.records import Finding
    from cells.vocabulary import CellClass
    from counting.comparison import Comparison
    from counting.formula import LeukocyteFormula
    from counting.rules import CountingRules
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
        description="Prints the formula with exact 95 % intervals, ranges and flags for given counts; with "
        "--second-counts also where two counts of one sample differ beyond counting error.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--counts",
        required=True,
        metavar="CLASS=N,…",
        help="cells of each class, for example neutrophil_segmented=58,lymphocyte=31",
    )
    parser.add_argument(
        "--second-counts",
        metavar="CLASS=N,…",
        help="another count of the same sample (second slide or observer), to be compared with the first;"
        " the comparison is printed and stands in formula.json, not in the report",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for report.pdf, report.html, fhir.json, report.hl7, formula.json and formula.csv",
    )
    add_formula_options(parser)
    add_look_options(parser)
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

    laboratory = laboratory_settings(options)
    look, identity = look_of(options, laboratory), identity_of(options)
    settings = settings_of(options, laboratory)
    counts = parse_counts(options.counts)
    count = partial(
        make_formula,
        ranges=load_ranges(settings.ranges),
        wbc=options.wbc,
        age=Age.parse(identity.age) if identity.age else None,
        sex=identity.sex or None,
        rules=settings.rules,
    )
    formula, comparison = count(counts), None
    findings: tuple[Finding, ...] = ()
    if options.second_counts is not None:
        second = parse_counts(options.second_counts)
        comparison = _compared(counts, second, settings.rules)
        findings = _second_count_findings(formula, count(second), comparison)
    document: dict[str, object] = {
        "schema": SCHEMA,
        "identity": asdict(identity),
        "formula": formula_document(formula),
    }
    if comparison is not None:
        document["comparison"] = comparison_document(comparison)
    if options.out is not None:
        check_nothing_is_lost(options.out, with_cells=False)
        with staged_folder(options.out, outdated=outdated_files(options.out)) as stage:
            _write(stage, formula, identity, document, findings, look=look)
        say(f"report in {options.out / 'report.pdf'}")
    if options.json:
        put_document(document)
    else:
        print(formula_table(formula, lang=look.lang))
        if comparison is not None:
            print()
            print(comparison_table(comparison, lang=look.lang))
    return 0


def _compared(
    first: "Mapping[CellClass, int]", second: "Mapping[CellClass, int]", rules: "CountingRules"
) -> "Comparison":
    import numpy as np

    from counting.comparison import compare_counts

    return compare_counts(first, second, np.random.default_rng(rules.seed), smudge=rules.smudge)


def _second_count_findings(
    first: "LeukocyteFormula", second: "LeukocyteFormula", comparison: "Comparison"
) -> "tuple[Finding, ...]":
    from cells.records import Finding
    from reports.view_facts import SECOND_COUNT

    alerts, others = ({one.rule for one in f.comments if one.urgency == "alert"} for f in (first, second))
    differs = comparison.differs or any(one.differs for one in comparison.classes)
    return (Finding(SECOND_COUNT, "warning"),) if differs or others - alerts else ()


def _write(
    stage: Path,
    formula: "LeukocyteFormula",
    identity: "Identity",
    document: dict[str, object],
    findings: "tuple[Finding, ...]",
    *,
    look: Look,
) -> None:
    from leukoformula.result import SmearResult
    from leukoformula.versions import versions
    from reports.formula_csv import write_formula_csv
    from reports.html import write_html
    from reports.interfaces.fhir import write_fhir
    from reports.interfaces.hl7 import write_hl7
    from reports.pdf import write_pdf
    from slides.calibration import Calibration

    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (stage / FORMULA).write_text(text + "\n", encoding="utf-8")
    result = SmearResult(
        name=identity.sample or identity.patient or "formula",
        source="",
        fields=(),
        refused=(),
        calibration=Calibration.from_um_per_px(0.1, "option"),  # no report without fields shows it
        findings=findings,
        cells=(),
        formula=formula,
        identity=identity,
        classifier="",
        models=(),
        settings={},
        versions=versions(),
    )
    pdf = stage / "report.pdf"
    write_pdf(result, pdf, lang=look.lang, page=look.paper, header=look.header)
    write_html(result, stage / "report.html", lang=look.lang, header=look.header)
    write_fhir(result, stage / "fhir.json", lang=look.lang, pdf=pdf.read_bytes())
    message = stage / "report.hl7"
    write_hl7(result, message, lang=look.lang, pdf=pdf.read_bytes(), sent=datetime.now(UTC))
    write_formula_csv(formula, stage / "formula.csv")
