"""Faults of published boxes: audit lists, and slivers that the image border leaves of cells."""

import csv
from pathlib import Path

from cells.errors import DataError
from detector.truth import LEUKOCYTE, Box

_SLIVER = 0.5


def is_sliver(box: Box, *, height: int, width: int) -> bool:
    """Tell whether the image border leaves less than half of a cell visible.

    Parameters
    ----------
    box : Box
        Box of the cell.
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    bool
        True where the box touches the border (within 2 px) and measures, across that border, less than
        half of what it measures along it.
    """
    cut_down = box.y0 < 2 or box.y1 > height - 2
    cut_across = box.x0 < 2 or box.x1 > width - 2
    return (cut_down and box.height < _SLIVER * box.width) or (
        cut_across and box.width < _SLIVER * box.height
    )


AuditRows = dict[str, tuple[tuple[Box, str], ...]]
"""Audited boxes with their verdict, by image name."""

ADDED = "unboxed_leukocyte"
DROPPED = ("not_a_leukocyte", "doubled_box", "box_off_centre")
IGNORED = ("sliver", "smudge")
VERDICTS = (ADDED, *DROPPED, *IGNORED)
"""Verdicts of an audit list. A box ``box_off_centre`` is replaced by an ``unboxed_leukocyte`` of its own."""


def read_audit(path: Path) -> AuditRows:
    """Read an audit list.

    Parameters
    ----------
    path : Path
        CSV file with the columns image, x0, y0, x1, y1, verdict.

    Returns
    -------
    dict of str to tuple of (Box, str)
        Audited boxes with their verdict, by image name.

    Raises
    ------
    DataError
        Where the file is missing, lacks a column, or has a bad row.
    """
    rows: AuditRows = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                if row.get("verdict") not in VERDICTS:
                    raise DataError(
                        f"{path} line {number}: verdict '{row.get('verdict')}' is none of {VERDICTS}"
                    )
                x0, y0, x1, y1 = (float(row[key]) for key in ("x0", "y0", "x1", "y1"))
                box = Box(x0, y0, x1, y1, LEUKOCYTE)
                rows[row["image"]] = (*rows.get(row["image"], ()), (box, row["verdict"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: no readable audit list ({error}); restore or mend it") from error
    return rows


def apply_audit(
    boxes: tuple[Box, ...], verdicts: tuple[tuple[Box, str], ...], *, height: int, width: int
) -> tuple[tuple[Box, ...], tuple[Box, ...]]:
    """Split the leukocyte boxes of an image into the truth and what is neither find nor error.

    Parameters
    ----------
    boxes : tuple of Box
        Published boxes.
    verdicts : tuple of (Box, str)
        Audited boxes of the image with their verdict; one belongs to the published box that it covers by
        at least half (intersection over union).
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    truth : tuple of Box
        Leukocytes.
    ignored : tuple of Box
        Slivers by the rule of `is_sliver` or by audit, and smudges.
    """
    truth = [box for box in boxes if box.label == LEUKOCYTE]
    ignored: list[Box] = []
    for audited, verdict in verdicts:
        if verdict == ADDED:
            truth.append(audited)
            continue
        if verdict in IGNORED:
            ignored.append(audited)
        best = max(truth, key=lambda box: _overlap(box, audited), default=None)
        if best is not None and _overlap(best, audited) >= 0.5:
            truth.remove(best)
    slivers = [box for box in truth if is_sliver(box, height=height, width=width)]
    return tuple(box for box in truth if box not in slivers), (*ignored, *slivers)


def _overlap(one: Box, other: Box) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one.width * one.height + other.width * other.height - common)
