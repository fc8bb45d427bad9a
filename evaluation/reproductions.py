"""Published results, trained again on the published split and beside it on one that does not leak.

``python -m evaluation.reproductions manifests --data DIR --out WORK`` writes a manifest for each task;
``… run --task blood_cells_four --split group --architecture three_cascades --out WORK`` trains one network;
``… leaks --out WORK`` counts, by pixels alone, the test copies with a training copy of the same field;
``… table --out WORK`` puts every finished run into one Markdown table.

====================  ==================================================================================
``blood_cells_four``  the Blood Cell Images, four classes
``blood_cells_two``   the same, mononuclear against polymorphonuclear
``blasts``            blasts against lymphocytes of ``apl_aml_jhu``, group = patient
====================  ==================================================================================

Every run is made by the same code as ``leukoformula train network``. Nothing that it makes ships.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from cells.errors import InputError
from classifiers.architectures import SCHEDULES
from classifiers.network_plan import Plan
from classifiers.published_sets.fields import blood_cell_images, group_copies, same_field_share
from classifiers.published_sets.registry import prepared
from classifiers.published_sets.rows import ImageRow, read_rows, relabelled, write_rows
from classifiers.splitting import SPLITS, shared_groups, split_rows
from evaluation.command_line import command_parser, exit_code_of
from evaluation.reproduction_table import MONONUCLEAR, table

_LOOKED_AT, _LOOKED_FOR = 60, 800
_MONONUCLEAR = dict.fromkeys(MONONUCLEAR, "mononuclear")
_POLYMORPHONUCLEAR = {"neutrophil": "polymorphonuclear", "eosinophil": "polymorphonuclear"}

TASKS: Mapping[str, tuple[str, Mapping[str, str] | None]] = MappingProxyType(
    {
        "blood_cells_four": ("blood_cells.csv", None),
        "blood_cells_two": ("blood_cells.csv", MappingProxyType(_MONONUCLEAR | _POLYMORPHONUCLEAR)),
        "blasts": ("blasts.csv", None),
    }
)
"""Manifest and labels of each task."""


def task_rows(task: str, work: Path) -> list[ImageRow]:
    """Return the images of a task.

    Parameters
    ----------
    task : str
        A key of ``TASKS``.
    work : Path
        Folder that ``manifests`` wrote to.

    Returns
    -------
    list of ImageRow

    Raises
    ------
    InputError
        Where the manifest is not there yet.
    """
    file, labels = TASKS[task]
    if not (work / file).is_file():
        raise InputError(f"no {work / file}; write it with: python -m evaluation.reproductions manifests")
    rows = read_rows(work / file)
    return rows if labels is None else relabelled(rows, labels)


def _manifests(options: argparse.Namespace) -> None:
    rows = prepared(options.data / "apl_aml_jhu")
    write_rows([row for row in rows if row.label in {"blast", "lymphocyte"}], options.out / "blasts.csv")
    copies = [r for r in blood_cell_images(options.data / "kaggle_blood_cells") if r.split != "test_simple"]
    grouped, matches = group_copies(copies, options.data / "bccd", log=_say)
    write_rows(grouped, options.out / "blood_cells.csv")
    known = np.array([not row.group.startswith("unknown_") for row in grouped])
    correlations = np.array([match.correlation for match in matches])[known]
    _say(
        f"{known.sum()} of {len(known)} copies have their original among BCCD,"
        f" {len({row.group for row in grouped})} groups; correlation with it: median"
        f" {np.median(correlations):.3f}, 1 % below {np.percentile(correlations, 1):.3f}"
    )


def _run(options: argparse.Namespace) -> None:
    from classifiers.train_network import train  # noqa: PLC0415 - needs TensorFlow

    plan = Plan(
        tuple(options.architecture.split(",")),
        split=options.split,
        seed=options.seed,
        size=None if options.size is None else (options.size[0], options.size[1]),
        epochs=options.epochs,
        batch=options.batch,
        augmentation=None if options.augmentation is None else tuple(options.augmentation),
        learning_rate=options.learning_rate,
        schedule=options.schedule,
        weights=options.weights,
    )
    out = options.out / options.task / f"{options.architecture}-{options.split}"
    train(task_rows(options.task, options.out), plan, out=out, log=_say)


def _leaks(options: argparse.Namespace) -> None:
    lines = ["| task | split | training | test | groups on both sides | test images with a training twin |"]
    lines.append("|---|---|--:|--:|--:|--:|")
    rows = task_rows("blood_cells_four", options.out)
    for split in SPLITS:
        side = split_rows(rows, by=split, seed=options.seed)
        test, training = ([r for r, s in zip(rows, side, strict=True) if s == k] for k in (1, 0))
        twins = same_field_share(test, training, test_images=_LOOKED_AT, training_images=_LOOKED_FOR)
        counts = f"{len(training)} | {len(test)} | {shared_groups(rows, side)}"
        lines.append(f"| blood_cells_four | {split} | {counts} | {twins:.3f} |")
    _put("\n".join(lines))


def _table(options: argparse.Namespace) -> None:
    _put(table(options.out))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _put(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("reproductions", main.__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("manifests", "run", "leaks", "table"):
        steps.add_parser(name).add_argument("--out", type=Path, required=True, help="folder of the runs")
    steps.choices["manifests"].add_argument("--data", type=Path, required=True, help="the data sets by name")
    run = steps.choices["run"]
    run.add_argument("--task", choices=tuple(TASKS), required=True)
    run.add_argument("--split", choices=SPLITS, required=True)
    run.add_argument("--architecture", required=True, help="NAME or NAME,NAME,NAME")
    run.add_argument("--size", type=int, nargs=2, metavar=("H", "W"), help="input size, px")
    run.add_argument("--epochs", type=int)
    run.add_argument("--batch", type=int)
    run.add_argument("--augmentation", nargs="*", help="names; none where it is empty")
    run.add_argument("--learning-rate", type=float)
    run.add_argument("--schedule", choices=SCHEDULES)
    run.add_argument("--weights", help="file of weights to start from, or imagenet")
    run.add_argument("--seed", type=int, default=0)
    leaks = steps.choices["leaks"]
    leaks.add_argument("--seed", type=int, default=0)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train published networks again and tabulate what they reach.

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
    steps = {"manifests": _manifests, "run": _run, "leaks": _leaks, "table": _table}
    return exit_code_of(steps[options.step], options)


if __name__ == "__main__":
    sys.exit(main())
