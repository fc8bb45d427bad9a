"""The confusion matrix as a chart: named axes, numbers, shares as shades of one hue."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from reportlab.graphics.shapes import Drawing, Group, Rect
from reportlab.lib.colors import linearlyInterpolatedColor

from cells.errors import UsageError
from evaluation.pages.axes import FONT_SIZE, ink, upright, write
from reports.fonts import REGULAR, SEMIBOLD, plain, register, shorten
from reports.fonts import width as text_width

_TALLEST = 34.0
_LEAST = 13.0
_LONGEST_NAME = 130.0
_DARK = 0.5


def matrix_chart(
    counts: ArrayLike,
    *,
    row_names: Sequence[str],
    column_names: Sequence[str],
    row_label: str,
    column_label: str,
    width: float = 500.0,
) -> Drawing:
    """Draw a confusion matrix; each field shows its count and the share of its row in per cent.

    Parameters
    ----------
    counts : array_like of shape (R, C)
        Counts, 0 or more.
    row_names, column_names : sequence of str
        Names of the R rows and C columns.
    row_label, column_label : str
        What rows and columns stand for.
    width : float, optional
        Width in points; the height follows from the number of rows.

    Returns
    -------
    Drawing
        Flowable of reportlab; the darker a field, the greater its share of the row.

    Raises
    ------
    UsageError
        Where the names do not suit the counts.
    """
    register()
    table = np.asarray(counts)
    if table.shape != (len(row_names), len(column_names)) or not table.size:
        raise UsageError(
            f"matrix of shape {table.shape}: {len(row_names)} names of rows, {len(column_names)} of columns"
        )
    names = _fitting(row_names)
    heads = _fitting(column_names)
    left = 2 * FONT_SIZE + 10 + max(text_width(name, REGULAR, FONT_SIZE) for name in names)
    side = _side(heads, width - left - 8)
    tall = max(min(_TALLEST, side * 0.7), _LEAST)
    slanted = max(text_width(head, REGULAR, FONT_SIZE) for head in heads) > side - 4
    head_room = 8 + (
        0.71 * max(text_width(head, REGULAR, FONT_SIZE) for head in heads) + 6 if slanted else 10
    )
    height = tall * len(names) + head_room + 2 * FONT_SIZE
    drawing = Drawing(width, height)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    for row, name in enumerate(names):
        base = height - 2 * FONT_SIZE - head_room - (row + 1) * tall
        write(drawing, name, left - 5, base + tall / 2 - 0.35 * FONT_SIZE, anchor="end")
        for column in range(len(heads)):
            at = left + column * side
            _field(drawing, (at, base, side, tall), float(table[row, column]), float(shares[row, column]))
    for column, head in enumerate(heads):
        at = left + (column + 0.5) * side
        _head(drawing, head, at, height - 2 * FONT_SIZE - head_room + 6, slanted=slanted)
    write(
        drawing,
        plain(column_label),
        left + side * len(heads) / 2,
        height - FONT_SIZE - 1,
        anchor="middle",
        font=SEMIBOLD,
    )
    upright(drawing, plain(row_label), FONT_SIZE, tall * len(names) / 2)
    return drawing


def _side(heads: list[str], room: float) -> float:
    side = min(room / len(heads), 2 * _TALLEST)
    longest = max(text_width(head, REGULAR, FONT_SIZE) for head in heads)
    if longest <= side - 4:
        return side
    overhang = 0.71 * max(text_width(head, REGULAR, FONT_SIZE) for head in heads[-3:])
    return min((room - overhang) / (len(heads) - 0.5), 2 * _TALLEST)


def _fitting(names: Sequence[str]) -> list[str]:
    return [shorten(plain(name), font=REGULAR, size=FONT_SIZE, room=_LONGEST_NAME) for name in names]


def _head(drawing: Drawing, text: str, x: float, y: float, *, slanted: bool) -> None:
    if not slanted:
        write(drawing, text, x, y, anchor="middle")
        return
    group = Group()
    write(group, text, 0, 0)
    group.transform = (0.7071, 0.7071, -0.7071, 0.7071, x, y)
    drawing.add(group)


def _field(drawing: Drawing, place: tuple[float, float, float, float], count: float, share: float) -> None:
    x, y, side, tall = place
    shade = linearlyInterpolatedColor(ink("paper"), ink("accent"), 0.0, 1.0, share)
    drawing.add(Rect(x, y, side, tall, fillColor=shade, strokeColor=ink("rule"), strokeWidth=0.5))
    colour = "paper" if share > _DARK else ("ink" if count else "rule")
    text, percent = f"{count:g}", f"{100 * share:.0f} %"
    size = min(FONT_SIZE + 1, (side - 3) / max(text_width(text, SEMIBOLD, 1.0), 1e-9))
    two = tall >= 24 and count > 0 and text_width(percent, REGULAR, 6.5) < side - 2
    base = y + tall / 2 + (0.5 if two else -0.35 * size)
    write(drawing, text, x + side / 2, base, anchor="middle", font=SEMIBOLD, size=size, colour=colour)
    if two:
        write(drawing, percent, x + side / 2, base - 9, anchor="middle", size=6.5, colour=colour)
