"""``leukoformula classify``: the class of each of many images of single cells."""

import csv
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cells.files import atomic_path
from commands.cell_check import CellCheck
from commands.cell_images import add_erythrocyte_option, cell_images, image_files
from commands.console import TerminalProgress, say
from commands.exits import exit_code
from commands.options import add_model_options, settings_of
from commands.paths import Inputs, refuse_folder

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from cells.records import Refusal
    from classifiers.base import Classifier
    from commands.cell_images import CellImage

_BATCH = 256

Row = tuple[str, ...]
"""Path, label, probability and the probability of each class."""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "classify",
        help="classify images that hold one centred cell each",
        description=(
            "Writes one row for each image: path,label,probability, then the probability of each class."
            " The label is the most probable class, band and segmented neutrophils first taken together and"
            " then told apart; nothing is left unidentified. A path that a spreadsheet would run as a formula"
            " gets an apostrophe before it."
        ),
        allow_abbrev=False,
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="DIR|MANIFEST",
        help="folder, or CSV file with the columns path and, where known, erythrocyte_px",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="predictions.csv")
    add_erythrocyte_option(parser)
    add_model_options(parser, classifier=True)
    parser.add_argument(
        "--normalise",
        choices=("none", "reinhard", "macenko"),
        default="none",
        help="bring the stain to a reference first (default: none, the white point alone)",
    )
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Classify the images given.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0, or 4 where some images were refused; errors are raised.
    """
    from cells.records import Refusal
    from leukoformula.store import load_classifier

    settings = settings_of(options)
    refuse_folder(options.out)
    files = image_files(options.source)
    Inputs(files).spare(options.out)
    check = CellCheck(len(files))
    classifier, _ = load_classifier(settings.classifier, root=settings.models, cnn_share=settings.cnn_share)
    rows: list[Row] = []
    refused: list[Refusal] = []
    waiting: list[CellImage] = []
    with TerminalProgress() as progress:
        for item in cell_images(options.source, erythrocyte_px=options.erythrocyte_px):
            if not isinstance(item, Refusal):
                check.add(item)
                item = _normalised(item, options.normalise)  # noqa: PLW2901 - the same image, other colours
            if isinstance(item, Refusal):
                refused.append(item)
                continue
            waiting.append(item)
            if len(waiting) == _BATCH:
                rows += _answers(waiting, classifier)
                waiting.clear()
                progress("classifying", len(rows), len(rows))
        rows += _answers(waiting, classifier)
    code = exit_code(len(rows), refused)
    check.warn()
    with (
        atomic_path(options.out) as path,
        path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as handle,
    ):
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("path", "label", "probability", *classifier.classes))
        writer.writerows(rows)
    say(f"{len(rows)} images classified; table in {options.out}")
    return code


def _normalised(item: "CellImage", method: str) -> "CellImage | Refusal":
    from cells.errors import DataError
    from cells.records import Refusal
    from slides.normalisation import Normalisation, normalise

    try:
        image, white = normalise(item.image, item.white, method=Normalisation(method))
    except DataError as error:
        return Refusal(item.name, str(error))
    return replace(item, image=image, white=white)


def _answers(images: "Sequence[CellImage]", classifier: "Classifier") -> list[Row]:
    import numpy as np

    from features.crops import normalise_crop
    from leukoformula.decisions import label_of
    from reports.table import harmless

    if not images:
        return []
    crops = [normalise_crop(i.image, erythrocyte_px=i.erythrocyte_px, white=i.white) for i in images]
    answers = classifier.predict(np.stack(crops), np.stack([image.white for image in images]))
    called = [label_of(answer, classifier.classes) for answer in answers]
    return [
        (harmless(image.name), label, f"{probability:.4f}", *(f"{p:.4f}" for p in answer))
        for image, answer, (label, probability) in zip(images, answers, called, strict=True)
    ]
