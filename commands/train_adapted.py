"""``leukoformula train cnn --adapt``: the network adapted to a laboratory by its own labelled cells."""

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import DataError, InputError, UsageError
from commands.console import say
from commands.options import erythrocyte_px
from commands.output import staged_folder

if TYPE_CHECKING:
    from classifiers.adapt_cnn import SiteCells

_SMALLEST_SIDE = 2.0
_LARGEST_SIDE = 10.0
_NOT_WITH = ("data", "settings", "artefacts", "initial")
_ONLY_WITH = ("reviewed", "base", "erythrocyte_px")
_NAME = "cnn"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of ``train cnn``.
    """
    group = parser.add_argument_group(
        "adaptation to a laboratory",
        "Lays a correction over the answers of a trained network; needs 20 to 400 labelled cells, and"
        " neither --data nor the extra train. Refused (exit code 3) where cross-validation shows no gain."
        " --out is then a folder of models for --models: the adapted network in DIR/cnn, the other models"
        " copied beside it.",
    )
    group.add_argument(
        "--adapt",
        type=Path,
        metavar="MANIFEST|RESULT",
        help="CSV file with the columns path,label and, where known, group and erythrocyte_px; or the"
        " folder of a stored result, with --reviewed",
    )
    group.add_argument(
        "--reviewed", type=Path, metavar="FILE", help="cells.csv of that result whose labels a person checked"
    )
    group.add_argument(
        "--base", type=Path, metavar="DIR", help="folder of models to adapt (default: those shipped)"
    )
    group.add_argument(
        "--erythrocyte-px",
        type=erythrocyte_px,
        metavar="N",
        help="erythrocyte diameter in the images of the manifest, in px (default: that of the manifest, else"
        " shorter side / 3.2)",
    )


def wanted(options: Namespace) -> bool:
    """Say whether an adaptation is asked for.

    Parameters
    ----------
    options : Namespace
        Parsed arguments of ``train cnn``.

    Returns
    -------
    bool

    Raises
    ------
    UsageError
        Where options of an adaptation and of a training are mixed.
    """
    unwanted = _ONLY_WITH if options.adapt is None else _NOT_WITH
    mixed = [name for name in unwanted if getattr(options, name) is not None]
    if mixed:
        option = f"--{mixed[0].replace('_', '-')}"
        raise UsageError(
            f"{option} goes {'only' if options.adapt is None else 'not'} with --adapt; leave it out"
        )
    return options.adapt is not None


def run(options: Namespace) -> int:
    """Adapt the network.

    Parameters
    ----------
    options : Namespace
        Parsed arguments of ``train cnn``.

    Returns
    -------
    int
        0; errors are raised.
    """
    from classifiers.adapt_cnn import adapt
    from leukoformula.store import SHIPPED

    base = options.base or SHIPPED
    if options.out.resolve() in {base.resolve(), SHIPPED.resolve()}:
        raise UsageError(f"{options.out} holds the models to be adapted; choose another folder with --out")
    cells = _of_result(options) if options.adapt.is_dir() else _of_manifest(options)
    with staged_folder(options.out) as stage:
        adapt(cells, base=base / _NAME, out=stage / _NAME, log=say)
        for folder in sorted(path.parent for path in base.glob("*/manifest.json")):
            if folder.name != _NAME and not (options.out / folder.name).exists():
                shutil.copytree(folder, stage / folder.name, ignore=shutil.ignore_patterns("work"))
    say(f"models in {options.out}; use them with --models {options.out}")
    say(
        "the stored validation and the rule for outliers are those of the network before: formulas are not"
        " corrected for validated errors, and cells unlike the known ones are not flagged"
    )
    return 0


def _of_manifest(options: Namespace) -> "SiteCells":
    from classifiers.adapt_cnn import SiteCells
    from evaluation.comparison.labelled import read_manifest_cells

    if options.reviewed is not None:
        raise UsageError("--reviewed belongs to a stored result; give its folder with --adapt")
    found = read_manifest_cells(options.adapt, erythrocyte_px=options.erythrocyte_px)
    if found.refused:
        first = found.refused[0]
        raise InputError(
            f"{first.name}: {first.reason}; {len(found.refused)} images cannot be read, mend the list"
        )
    for path, (short, long) in zip(found.paths, found.sides, strict=True):
        if short < _SMALLEST_SIDE or long > _LARGEST_SIDE:
            raise DataError(
                f"{path}: {short:.1f} by {long:.1f} erythrocytes is no image of one centred cell, 3.2 by"
                " 3.2; cut the cells out, or give their scale with --erythrocyte-px"
            )
    if found.assumed_scale:
        say(f"no scale for {found.assumed_scale} images: their shorter side is taken for 27 µm")
    return SiteCells(found.crops, found.whites, found.labels, found.paths, found.hashes, found.groups)


def _of_result(options: Namespace) -> "SiteCells":
    import hashlib

    import numpy as np

    from classifiers.adapt_cnn import MOST, SiteCells
    from classifiers.labels import allowed_answers
    from leukoformula.repeats import SEEN_BEFORE
    from reports.reading import open_result
    from reports.reviewed_table import read_reviewed
    from slides.optics import white_point

    if options.reviewed is None:
        raise UsageError("a stored result needs --reviewed FILE, its cells.csv with the labels of a person")
    if options.erythrocyte_px is not None:
        raise UsageError("--erythrocyte-px belongs to a manifest; a stored result knows its scale")
    result = open_result(options.adapt / "result.json").result
    labels = read_reviewed(options.reviewed, result)
    # One cell in the part that is learnt and in the part that is judged would make the gain look larger.
    again = {cell.cell_id for cell in result.cells if cell.reason == SEEN_BEFORE}
    if again:
        say(f"{len(again)} cells that an earlier field shows as well are left out")
    labels = {number: label for number, label in labels.items() if number not in again}
    usable = [n for n in sorted(labels) if n in result.crops and allowed_answers(labels[n]).any()]
    if not usable:
        raise DataError(
            f"{options.adapt} holds no labelled cells with pictures; give a result with its crops.jpg"
        )
    if len(usable) < len(labels):
        say(f"{len(labels) - len(usable)} cells without a picture or an answer of the network are left out")
    if len(usable) > MOST:
        drawn = np.random.default_rng(0).choice(usable, MOST, replace=False)
        usable = sorted(map(int, drawn))
        say(f"{MOST} of the cells are drawn")
    crops = np.stack([result.crops[n] for n in usable])
    return SiteCells(
        crops,
        np.stack([white_point(crop) for crop in crops]),
        tuple(labels[n] for n in usable),
        tuple(f"cell {n}" for n in usable),
        tuple(hashlib.sha256(crop.tobytes()).hexdigest() for crop in crops),
        ("",) * len(usable),
    )
