"""What a rule of abstention flags, as Markdown tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from evaluation.abstention_measures import (
    Judged,
    area_under_curve,
    calibration_error,
    draws_alerted,
    patients_alerted,
)

ABNORMAL = (
    CellClass.BLAST,
    CellClass.PROMONOCYTE,
    CellClass.SMUDGE_CELL,
    CellClass.PLASMA_CELL,
    CellClass.PLATELET_AGGREGATE,
)
"""Abnormal classes that no classifier answers with."""


def tables(classifier: str, sets: Sequence[Judged], level: float) -> str:
    """Return the tables of one classifier as markdown.

    Parameters
    ----------
    classifier : str
        Its name.
    sets : sequence of Judged
        The sets; those with abnormal cells get a line in the second table.
    level : float
        Level of the flags.

    Returns
    -------
    str
    """
    lines = [f"## {classifier}, flags at {level:g}", ""]
    lines += _table(
        (
            "set",
            "normal",
            "flagged",
            "accuracy",
            "of unflagged",
            "ECE",
            "of unflagged",
            "drawn smears alerted",
        ),
        [_normal_row(one, level) for one in sets],
    )
    with_abnormal = [one for one in sets if _is(one, ABNORMAL).any()]
    names = [str(c) for c in ABNORMAL]
    lines += ["", "Called a normal kind without a flag (called one at all):", ""]
    lines += _table(
        ("set", *names, "AUC abnormal", "AUC blast", "patients alerted"),
        [_abnormal_row(one, level) for one in with_abnormal],
    )
    return "\n".join([*lines, ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def _is(cells: Judged, classes: Sequence[CellClass]) -> NDArray[np.bool_]:
    return np.array([label in classes for label in cells.labels], np.bool_)


def _normal_row(cells: Judged, level: float) -> list[str]:
    normal = cells.part(cells.kinds >= 0, cells.name)
    flags, right = normal.flagged(level), normal.called == normal.kinds
    kept = normal.part(~flags, cells.name)
    return [
        cells.name,
        str(len(normal.labels)),
        f"{100 * flags.mean():.1f} %",
        f"{right.mean():.4f}",
        f"{right[~flags].mean():.4f}",
        f"{calibration_error(normal.probabilities, normal.labels):.3f}",
        f"{calibration_error(kept.probabilities, kept.labels):.3f}",
        f"{100 * draws_alerted(cells, level):.1f} %",
    ]


def _abnormal_row(cells: Judged, level: float) -> list[str]:
    called, passed = cells.called >= 0, (cells.called >= 0) & ~cells.flagged(level)
    shares = []
    for label in ABNORMAL:
        own = _is(cells, [label])
        shares.append(f"{passed[own].mean():.2f} ({called[own].mean():.2f})" if own.any() else "–")
    areas = []
    for labels in (ABNORMAL, (CellClass.BLAST,)):
        abnormal = _is(cells, labels)
        kept = abnormal | (cells.kinds >= 0)
        areas.append(f"{area_under_curve(cells.scores[kept], abnormal[kept]):.3f}")
    alerted, patients = patients_alerted(cells, level)
    return [cells.name, *shares, *areas, f"{alerted} of {patients}"]
