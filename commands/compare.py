"""``leukoformula compare``: classifiers held against each other on labelled cells."""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import PartialFailure, UsageError
from commands.console import TerminalProgress, one_line, put_document, say
from commands.exits import warn_of
from commands.options import erythrocyte_px, seed
from commands.output import staged_folder
from commands.paths import Inputs

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from evaluation.comparison.compare import Comparison
    from evaluation.comparison.labelled import LabelledCells

SETS = ("raabin_test_a", "pbc_val", "bccd", "bccd_read", "jtsc", "bcisc", "deepbionet", "apl_aml")
"""The same as ``evaluation.classifier_sets.SETS``, which a test holds true."""

_PICTURES = tuple(f"saliency/cell_[0-9][0-9]_*.{kind}" for kind in ("png", "npz"))


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "compare",
        help="compare classifiers on your own labelled cells",
        description=(
            "Writes comparison.html, comparison.pdf, comparison.json and cells.csv: figures with intervals,"
            " tests of every pair, calibration, agreement of formulas, cells on which the classifiers"
            " disagree, time and memory, a verdict in words. Refuses images that a classifier was trained on."
        ),
        allow_abbrev=False,
    )
    _add_cells(parser)
    parser.add_argument(
        "--classifiers",
        type=listed,
        default=("mlp", "cnn", "ensemble"),
        metavar="LIST",
        help="names or folders of trained models, with commas (default: mlp,cnn,ensemble)",
    )
    parser.add_argument(
        "--names",
        type=listed,
        default=(),
        metavar="LIST",
        help="what to call them in the report, with commas",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="folder of models that names refer to (default: those shipped)",
    )
    parser.add_argument(
        "--known-answers",
        action="store_true",
        help="leave only the answers that the truth of a set knows, as in papers on five classes",
    )
    parser.add_argument(
        "--allow-overlap", action="store_true", help="judge on training images too, and say so in the report"
    )
    parser.add_argument(
        "--no-timing", dest="timing", action="store_false", help="do not measure time and memory"
    )
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="seed of every drawing (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON document as well")
    parser.set_defaults(run=run)


def _add_cells(parser: "ArgumentParser") -> None:
    parser.add_argument(
        "manifests",
        nargs="*",
        type=Path,
        metavar="MANIFEST",
        help="CSV file with the columns path,label and, where known, group and erythrocyte_px",
    )
    parser.add_argument(
        "--set",
        dest="sets",
        action="append",
        choices=SETS,
        default=[],
        help="a published set, found in the folder of --data; may be given again",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the published sets")
    parser.add_argument("--split", metavar="NAME", help="read only the rows of a manifest with this split")
    parser.add_argument(
        "--erythrocyte-px",
        type=erythrocyte_px,
        metavar="N",
        help="erythrocyte diameter in the images of the manifests, in px (default: that of the manifest, else"
        " shorter side / 3.2)",
    )


def listed(text: str) -> tuple[str, ...]:
    """Read words separated by commas.

    Parameters
    ----------
    text : str
        What the user wrote.

    Returns
    -------
    tuple of str
        The words.

    Raises
    ------
    ArgumentTypeError
        Where one is empty.
    """
    found = tuple(part.strip() for part in text.split(","))
    if not all(found):
        raise ArgumentTypeError(f"{one_line(text)!r} leaves a name empty; give for example mlp,cnn")
    return found


def run(options: Namespace) -> int:
    """Compare classifiers.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0, or 4 where images could not be read; errors are raised.
    """
    from evaluation.comparison.compare import Options, compare
    from evaluation.comparison.record import comparison_document
    from evaluation.comparison.systems import open_systems
    from evaluation.comparison.writing import write_comparison
    from leukoformula.versions import versions

    if not options.manifests and not options.sets:
        raise UsageError("no cells to compare on; give a MANIFEST, or --set NAME with --data DIR")
    if options.sets and options.data is None:
        raise UsageError("--set needs --data DIR, the folder of the published sets")
    Inputs(options.manifests).spare(options.out / "cells.csv")
    if (options.out / "result.json").exists():
        raise UsageError(
            f"{options.out} holds a report, whose cells.csv would be overwritten; choose another folder with"
            " --out"
        )
    systems = open_systems(options.classifiers, names=options.names, models=options.models)
    chosen = Options(
        known_answers=options.known_answers,
        allow_overlap=options.allow_overlap,
        timing=options.timing,
        models=options.models,
        seed=options.seed,
    )
    with TerminalProgress() as progress:
        sets = list(_labelled(options, progress))
        facts = {"leukoformula": versions()["leukoformula"]}
        comparison = compare(systems, sets, options=chosen, facts=facts, progress=progress)
        progress("writing", 0, 1)
        before = (options.out / "comparison.json").exists()
        with staged_folder(options.out, replaced=_PICTURES if before else ()) as stage:
            write_comparison(comparison, stage)
    _tell(comparison, options.out)
    if options.json:
        put_document(comparison_document(comparison))
    return PartialFailure.exit_code if comparison.refused else 0


def _labelled(options: Namespace, progress: TerminalProgress) -> "Iterator[LabelledCells]":
    from evaluation.comparison.labelled import published_cells, read_manifest_cells

    total = len(options.manifests) + len(options.sets)
    stems = [path.stem for path in options.manifests]
    for number, (path, stem) in enumerate(zip(options.manifests, stems, strict=True)):
        progress("reading", number, total)
        name = stem if stems.count(stem) == 1 and stem not in options.sets else str(path)
        yield read_manifest_cells(path, name=name, split=options.split, erythrocyte_px=options.erythrocyte_px)
    for number, name in enumerate(dict.fromkeys(options.sets), len(options.manifests)):
        progress("reading", number, total)
        yield published_cells(name, options.data)


def _tell(comparison: "Comparison", out: Path) -> None:
    from evaluation.comparison.verdict import verdict

    for overlap in comparison.overlaps:
        if overlap.shared or not overlap.checked:
            say(f"warning: {overlap.words}")
    for result in comparison.results:
        for text in result.warnings:
            say(f"warning: {text}")
    for result in comparison.results:
        if result.cells.assumed_scale:
            say(
                f"no scale for {result.cells.assumed_scale} images of {result.cells.name}: their shorter side"
                " is taken for 27 µm, 3.2 erythrocyte diameters"
            )
    warn_of([refusal for result in comparison.results for refusal in result.cells.refused])
    for text in verdict(comparison):
        say(text)
    say(f"report in {out / 'comparison.html'}")
