"""The table of a comparison: every cell with every classifier's answer."""

import csv
from collections.abc import Iterator
from pathlib import Path

from cells.files import atomic_path
from evaluation.comparison.compare import Comparison, SetResult

COLUMNS = ("set", "path", "group", "label", "scored_as", "disagree", "reason")
"""First columns of ``cells.csv``; three for each classifier follow."""


def write_cells(comparison: Comparison, path: Path) -> None:
    """Write one row for each image, those that could not be read at the end of their set.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    path : Path
        File to be written: columns set, path, group, label, scored_as (the label or its parent), disagree (1
        where the classifiers differ), reason (why an image could not be read), then
        for each classifier its name with ``_answer``, ``_probability`` and ``_right``.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    names = [system.name for system in comparison.systems]
    own = [f"{name}_{column}" for name in names for column in ("answer", "probability", "right")]
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as handle,
    ):
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow((*COLUMNS, *own))
        for result in comparison.results:
            writer.writerows(_rows(result))
            for refusal in result.cells.refused:
                row = (result.cells.name, refusal.name, "", "", "", "", refusal.reason)
                writer.writerow((*row, *[""] * len(own)))


def _rows(result: SetResult) -> Iterator[tuple[str, ...]]:
    cells, differing = result.cells, set(result.differing)
    for number in range(len(cells)):
        row = [
            cells.name,
            cells.paths[number],
            cells.groups[number],
            str(cells.labels[number]),
            str(result.labels[number]),
            str(int(number in differing)),
            "",
        ]
        for one in result.judgements:
            right = str(int(one.right[number]))
            row += [str(one.answers[number]), f"{one.probability[number]:.4f}", right]
        yield tuple(row)
