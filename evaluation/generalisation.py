"""How classifiers do on a laboratory that is left out of their training, laboratory by laboratory.

Run as
``python -m evaluation.generalisation train --data DIR --out WORK --classifier cnn --leave-out raabin_wbc
--artefacts MANIFEST``, once for each laboratory that is trained on, then
``python -m evaluation.generalisation table --data DIR --models DIR --out WORK``.
"""

import argparse
import copy
import json
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from cells.errors import DataError
from cells.model_files import open_model
from cells.vocabulary import NORMAL_FIVE, CellClass, pooled
from classifiers.train_mlp import train as train_mlp
from evaluation.answers import predict_set
from evaluation.class_scores import Share, known_answers_only, score
from evaluation.classifier_sets import LabelledSet, labelled_set
from evaluation.command_line import add_data, command_parser, exit_code_of
from features.segmenter import NetworkSegmenter
from leukoformula.store import SHIPPED, load_classifier

LABORATORIES = {
    "pbc_barcelona": "pbc_val",
    "raabin_wbc": "raabin_test_a",
    "bcisc": "bcisc",
    "bccd": "bccd",
    "jtsc": "jtsc",
    "deepbionet": "deepbionet",
}
"""Each laboratory and the set that it is judged by."""

CLASSIFIERS = ("cnn", "mlp", "ensemble")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one classifier reaches on one laboratory.

    Parameters
    ----------
    accuracy : Share
        All ten answers left.
    known : Share
        Only the answers left that the set's truth knows.
    balanced : float
        Mean recall over the classes of the truth, all ten answers left.
    short : bool
        Whether a shorter training than that of the shipped model was judged.
    """

    accuracy: Share
    known: Share
    balanced: float
    short: bool


def settings_without(settings: dict[str, Any], laboratory: str, *, epochs: int | None) -> dict[str, Any]:
    """Return the settings of a training that never sees a laboratory.

    Parameters
    ----------
    settings : dict
        A settings file of ``classifiers/settings``.
    laboratory : str
        Name of a source.
    epochs : int or None
        Epochs of the first stage, which then stands alone; None keeps all stages as they are.

    Returns
    -------
    dict
        A copy of the settings.

    Raises
    ------
    DataError
        Where the settings do not train on the laboratory: the shipped model serves then.
    """
    if not settings["sources"].get(laboratory):
        raise DataError(f"{laboratory} is not trained on; judge the model that ships")
    changed = copy.deepcopy(settings)
    changed["sources"][laboratory] = 0.0
    if epochs is not None and "stages" in changed:
        changed["stages"] = [changed["stages"][0] | {"epochs": epochs}]
        changed.pop("averaged_stages", None)
    return changed


def figure(name: str, cells: LabelledSet, root: Path, *, short: bool) -> Figure:
    """Judge a classifier on a labelled set, every image counted.

    Parameters
    ----------
    name : str
        One of ``CLASSIFIERS``.
    cells : LabelledSet
        The set.
    root : Path
        Folder of the models.
    short : bool
        Whether its training was a shorter one.

    Returns
    -------
    Figure

    Raises
    ------
    ModelError
        Where the models are missing or altered.
    """
    classifier, _ = load_classifier(name, root=root)
    probabilities = predict_set(classifier, cells.crops, cells.whites)
    full = score(probabilities, classifier.classes, cells.labels)
    left = known_answers_only(probabilities, classifier.classes, cells.labels)
    known = score(left, classifier.classes, cells.labels).accuracy
    return Figure(full.accuracy, known, full.balanced_accuracy, short)


def models_without(laboratory: str, name: str, models: Path, work: Path) -> tuple[Path, bool] | None:
    """Return the folder of the models that have not seen a laboratory, where there are such models.

    Parameters
    ----------
    laboratory : str
        One of ``LABORATORIES``.
    name : str
        One of ``CLASSIFIERS``.
    models : Path
        Folder of the shipped models.
    work : Path
        Folder that ``train`` wrote to.

    Returns
    -------
    root : Path
        Folder of the models.
    short : bool
        Whether they were trained for this table.
    None
        Where a model that the classifier needs was trained on the laboratory and was not trained without it.

    Raises
    ------
    ModelError
        Where a shipped model is missing.
    """
    parts = ("cnn", "mlp") if name == "ensemble" else (name,)
    seen = [part for part in parts if _trained_on(models / part, laboratory)]
    if not seen:
        return models, False
    root = work / f"without-{laboratory}"
    ready = all((root / part / "manifest.json").exists() for part in parts)
    return (root, True) if ready else None


def five_kinds(cells: LabelledSet) -> LabelledSet:
    """Keep the cells of the five normal kinds, with their neutrophils pooled.

    Parameters
    ----------
    cells : LabelledSet
        A set.

    Returns
    -------
    LabelledSet
        Those cells in their order, without files and groups.
    """
    kinds = [pooled(label, [CellClass(kind) for kind in NORMAL_FIVE]) for label in cells.labels]
    kept = [index for index, kind in enumerate(kinds) if kind is not None]
    labels = tuple(kind for kind in kinds if kind is not None)
    return LabelledSet(cells.crops[kept], cells.whites[kept], labels)


def markdown(rows: Sequence[tuple[str, int, dict[str, Figure | None]]]) -> str:
    """Return the table of docs/generalisation.md.

    Parameters
    ----------
    rows : sequence of (str, int, dict)
        Laboratory, number of images, and the figure of each classifier; None where it was not trained.

    Returns
    -------
    str
        Lines of a table in Markdown: accuracy with ten answers, with the known ones only, balanced accuracy.
    """
    heads = [f"{name}, {what}" for name in CLASSIFIERS for what in ("ten", "known", "balanced")]
    lines = [
        "| laboratory left out | images | " + " | ".join(heads) + " |",
        "|---|--:|" + "--:|" * len(heads),
    ]
    for laboratory, images, figures in rows:
        cells = [cell for name in CLASSIFIERS for cell in _cells(figures[name])]
        lines.append(f"| `{laboratory}` | {images} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train classifiers without a laboratory, or print what each reaches on the laboratory it has not seen.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    options = _parser().parse_args(arguments)
    return exit_code_of(_train if options.job == "train" else _table, options)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("generalisation", main.__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    train = jobs.add_parser("train", help="train a classifier without one laboratory")
    train.add_argument("--classifier", choices=("cnn", "mlp"), required=True)
    train.add_argument("--leave-out", choices=LABORATORIES, required=True)
    train.add_argument("--epochs", type=int, help="epochs of the CNN (default: as the shipped one)")
    train.add_argument("--artefacts", type=Path, required=True, help="manifest of the detector's false finds")
    table = jobs.add_parser("table", help="print the table of docs/generalisation.md")
    table.add_argument("--models", type=Path, default=SHIPPED, help="folder of the shipped models")
    for job in (train, table):
        add_data(job)
        job.add_argument("--out", type=Path, required=True, help="folder of the models without a laboratory")
    return parser


def _train(options: argparse.Namespace) -> None:
    stored = resources.files("classifiers").joinpath("settings", f"{options.classifier}.toml")
    whole = tomllib.loads(stored.read_text(encoding="utf-8"))
    settings = settings_without(whole, options.leave_out, epochs=options.epochs)
    out = options.out / f"without-{options.leave_out}" / options.classifier
    given: dict[str, Any] = {"data": options.data, "out": out, "artefacts": options.artefacts, "log": _say}
    if options.classifier == "cnn":
        from classifiers.train_cnn import train as train_cnn  # noqa: PLC0415 - needs TensorFlow

        train_cnn(settings, segmenter=NetworkSegmenter.load(SHIPPED / "segmenter"), **given)
        return
    network = settings.get("segmentation") == "network"
    weights = open_model(SHIPPED / "segmenter", kind="segmenter").weights if network else None
    train_mlp(settings, segmenter=weights, **given)


def _table(options: argparse.Namespace) -> None:
    rows = []
    for laboratory, judged_by in LABORATORIES.items():
        cells = labelled_set(judged_by, options.data)
        judged = {laboratory: cells}
        if judged_by == "pbc_val":
            judged[f"{laboratory}, five kinds"] = five_kinds(cells)
        if judged_by == "bccd":
            judged[f"{laboratory}, classes read again"] = labelled_set("bccd_read", options.data)
        for title, part in judged.items():
            figures: dict[str, Figure | None] = {}
            for name in CLASSIFIERS:
                found = models_without(laboratory, name, options.models, options.out)
                figures[name] = None if found is None else figure(name, part, found[0], short=found[1])
            rows.append((title, len(part.labels), figures))
    sys.stdout.write(markdown(rows) + "\n")


def _trained_on(folder: Path, laboratory: str) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        counts = manifest["training"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"cannot tell what {folder} was trained on: {error}; train it again") from error
    return any(str(key).partition("/")[0] == laboratory for key in counts)


def _cells(found: Figure | None) -> tuple[str, str, str]:
    if found is None:
        return "–", "–", "–"
    mark = " *" if found.short else ""
    full = f"{found.accuracy.value:.3f} ({found.accuracy.low:.2f}–{found.accuracy.high:.2f}){mark}"
    return full, f"{found.known.value:.3f}", f"{found.balanced:.3f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
