"""``leukoformula demo``: draws a smear with a known formula and reports on it."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import UsageError
from cells.vocabulary import CellClass
from commands.console import TerminalProgress, say
from commands.earlier_report import check_nothing_is_lost, outdated_files
from commands.formula_table import formula_table
from commands.options import add_model_options, settings_of
from commands.output import staged_folder
from commands.report_files import Look, write_reports

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from leukoformula.result import SmearResult

FORMULA = {
    CellClass.NEUTROPHIL_BAND: 4,
    CellClass.NEUTROPHIL_SEGMENTED: 64,
    CellClass.EOSINOPHIL: 4,
    CellClass.BASOPHIL: 2,
    CellClass.LYMPHOCYTE: 32,
    CellClass.MONOCYTE: 8,
}
"""The cells that are drawn on ``FIELDS`` fields; on fewer there is room for fewer."""

FIELDS = 25
"""The number of fields that are drawn where the user asks for none other."""

_SEED = 2026


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "demo",
        help="draw an example smear and report on it",
        description="Draws a smear with a known formula into DIR/smear and reports on it in DIR.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("demo-output"),
        metavar="DIR",
        help="folder to write to (default: demo-output)",
    )
    parser.add_argument(
        "--fields", type=_count, default=FIELDS, metavar="N", help=f"number of fields (default: {FIELDS})"
    )
    parser.add_argument("--lang", choices=("en", "ru"), default="en", help="language (default: en)")
    add_model_options(parser, classifier=True)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Draw the example smear and report on it.

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
    from leukoformula.result import Identity
    from reports.reading import as_stored
    from reports.stored_pictures import encode_pictures
    from slides.synthetic.smear import draw_smear

    share = min(1.0, options.fields / FIELDS)
    drawn = {label: max(1, round(share * n)) for label, n in FORMULA.items()}
    smear = options.folder / "smear"
    check_nothing_is_lost(options.folder)
    _clear(smear)
    say(f"drawing {options.fields} fields of an example smear into {smear}")
    with staged_folder(smear) as stage:
        draw_smear(stage, formula=drawn, fields=options.fields, seed=_SEED)
    with staged_folder(options.folder, outdated=outdated_files(options.folder)) as stage:
        with TerminalProgress() as progress:
            result = analyse(
                smear,
                settings=settings_of(options),
                identity=Identity(patient="DEMO", sample="drawn, not real"),
                progress=progress,
            )
        pictures = encode_pictures(result)
        result = as_stored(result, pictures)
        write_reports(result, stage, look=Look(options.lang, "a4", None), pictures=pictures)
    print(formula_table(result.formula, lang=options.lang))
    print()
    print(_drawn_and_found(drawn, result))
    print(f"report: {(options.folder / 'report.pdf').resolve()}")
    return 0


def _clear(smear: Path) -> None:
    """Remove the fields of an earlier run; whatever is not known to be one is not touched."""
    if not smear.exists():
        return
    if not (smear / "truth.csv").is_file():
        raise UsageError(f"{smear} holds something else than an example smear; choose another folder")
    for field in smear.glob("field_*.png"):
        field.unlink()


def _drawn_and_found(drawn: Mapping[CellClass, int], result: "SmearResult") -> str:
    lines = [f"{'drawn':>30}  found"]
    found = {line.label: line.n for line in result.formula.lines}
    lines += [f"{label.display('en'):<24}{n:>6}  {found.get(label, 0):>5}" for label, n in drawn.items()]
    lines.append(f"{'leukocytes':<24}{sum(drawn.values()):>6}  {result.formula.total:>5}")
    return "\n".join(lines)


def _count(text: str) -> int:
    from argparse import ArgumentTypeError

    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
        raise ArgumentTypeError("give a whole number from 1 to 10000")
    return int(text)
