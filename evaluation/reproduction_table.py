"""The finished runs of the reproductions as one Markdown table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MONONUCLEAR = ("lymphocyte", "monocyte")
"""Classes of the Blood Cell Images whose nucleus has one segment; the others are polymorphonuclear."""

_FOUR = {"eosinophil", "lymphocyte", "monocyte", "neutrophil"}

HEADER = (
    "| task | network | px | epochs | start | split | test images | accuracy | precision | recall | F1"
    " | two classes, pooled | training, s | ms an image |",
    "|---|---|---|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
)
"""Head of the table, two lines."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that has its metrics.

    Parameters
    ----------
    task, name : str
        Task, and folder of the run: network and split.
    metrics : mapping
        Its ``metrics.json``.
    manifest : mapping
        Its ``manifest.json``; empty where there is none.
    """

    task: str
    name: str
    metrics: Mapping[str, Any]
    manifest: Mapping[str, Any]


def finished(work: Path) -> list[FinishedRun]:
    """Return every finished run below a folder.

    Parameters
    ----------
    work : Path
        The folder of the runs.

    Returns
    -------
    list of FinishedRun
        Sorted by task and name.
    """
    found = []
    for path in sorted(work.glob("*/*/metrics.json")):
        manifest = path.with_name("manifest.json")
        described = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
        metrics = json.loads(path.read_text(encoding="utf-8"))
        found.append(FinishedRun(path.parent.parent.name, path.parent.name, metrics, described))
    return found


def pooled_accuracy(metrics: Mapping[str, Any]) -> float | None:
    """Return the share of images on the right side of mononuclear against polymorphonuclear.

    Parameters
    ----------
    metrics : mapping
        ``metrics.json`` of a run.

    Returns
    -------
    float or None
        None where the classes are not the four of the Blood Cell Images.
    """
    names = list(metrics.get("classes", ()))
    if set(names) != _FOUR:
        return None
    one = [name in MONONUCLEAR for name in names]
    counts: Sequence[Sequence[int]] = metrics["confusion"]
    right = sum(
        n for row, t in zip(counts, one, strict=True) for n, a in zip(row, one, strict=True) if t is a
    )
    return right / sum(map(sum, counts))


def table(work: Path) -> str:
    """Return every finished run as a Markdown table.

    Parameters
    ----------
    work : Path
        The folder of the runs.

    Returns
    -------
    str
        One line a run: settings, accuracy, mean precision, recall and F1 of the classes, and times.
    """
    return "\n".join((*HEADER, *map(_line, finished(work))))


def _line(run: FinishedRun) -> str:
    m = run.metrics
    recipes, sizes = run.manifest.get("recipes", ()), run.manifest.get("members_input", ())
    px = ", ".join(dict.fromkeys(f"{height} × {width}" for height, width in sizes)) or "–"
    epochs = ", ".join(dict.fromkeys(str(recipe["epochs"]) for recipe in recipes)) or "–"
    start = str(run.manifest.get("weights", "–"))
    pooled = pooled_accuracy(m)
    return (
        f"| {run.task} | {run.name.rpartition('-')[0]} | {px} | {epochs}"
        f" | {'random' if start == 'none' else Path(start).name} | {m['split']} | {m['images']}"
        f" | {m['accuracy']:.4f} | {m['precision']:.4f} | {m['recall']:.4f} | {m['f1']:.4f}"
        f" | {'–' if pooled is None else f'{pooled:.4f}'} | {m['training_seconds']:.0f}"
        f" | {m['test_ms_per_image']:.2f} |"
    )
