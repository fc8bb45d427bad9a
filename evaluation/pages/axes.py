"""Axes of the charts: scales, round tick values, frame, grid, legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from reports.fonts import REGULAR, SEMIBOLD, width
from reports.palette import PALETTE

FONT_SIZE = 8.0
"""Size of the letters of a chart, in points."""

COLOURS = (PALETTE["accent"], PALETTE["high"], PALETTE["low"], "#5b4a00", "#7a3b78", PALETTE["muted"])
DASHES: tuple[list[float] | None, ...] = (None, [6, 2.5], [1.6, 2], [7, 2, 1.6, 2], [3, 1.5], [10, 3])
SHAPES = ("circle", "triangle", "square", "diamond", "cross", "down")
"""Colour, dash and mark of the first, second, … series: each of the three alone tells them apart."""

_LEAST_RANGE = 1e-12
_LEGEND_ROW = 13.0
_MOST_DECADES = 12


def ink(colour: str) -> Any:
    """Return reportlab's colour for ``#rrggbb`` or a role of the palette."""
    return HexColor(PALETTE.get(colour, colour))


def nice_ticks(low: float, high: float, *, count: int = 6) -> list[float]:
    """Return round values that cover a range in even steps of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high : float
        Ends of the range; finite, ``low <= high``.
    count : int, optional
        About how many values are wanted.

    Returns
    -------
    list of float
        Ascending; the first is at most ``low``, the last at least ``high``.
    """
    if high - low <= _LEAST_RANGE * max(1.0, abs(low), abs(high)):
        pad = 0.5 * abs(low) or 1.0
        low, high = low - pad, high + pad
    raw = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return values of a logarithmic axis, powers of ten and in a short range their 2 and 5 fold.

    Parameters
    ----------
    low, high : float
        Ends of the range, above 0.

    Returns
    -------
    list of float
        Ascending; they cover the range.
    """
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    factors = (1, 2, 5) if last - first <= 3 else (1,)
    ticks = [factor * 10.0**power for power in range(first, last) for factor in factors]
    ticks.append(10.0**last)
    start = max((number for number, tick in enumerate(ticks) if tick <= low * (1 + 1e-9)), default=0)
    end = min(
        (number for number, tick in enumerate(ticks) if tick >= high * (1 - 1e-9)), default=len(ticks) - 1
    )
    return ticks[start : max(end, start + 1) + 1]


def label_of(value: float, step: float) -> str:
    """Return a tick value in figures, with as many decimals as the step needs."""
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return f"{0.0 if abs(value) < step * 1e-6 else value:.{min(decimals, 8)}f}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a chart.

    Parameters
    ----------
    label : str
        What it measures, with the unit.
    ticks : tuple of float
        Values that are labelled; the first and the last are its ends.
    start, end : float
        Where those lie in the drawing, in points.
    log : bool, optional
        Whether it is logarithmic.
    """

    label: str
    ticks: tuple[float, ...]
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, in points; one beyond the ends of the axis lies on the nearer end."""
        low, high = self.ticks[0], self.ticks[-1]
        value = min(max(value, low), high)
        if self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def texts(self) -> list[str]:
        """Return the labels of the ticks."""
        if self.log:
            return [label_of(tick, 10.0 ** math.floor(math.log10(tick) + 1e-9)) for tick in self.ticks]
        return [label_of(tick, self.ticks[1] - self.ticks[0]) for tick in self.ticks]


def limits(values: Sequence[float], *, log: bool = False) -> tuple[float, float]:
    """Return the least and the greatest of the finite values (above 0 on a logarithmic axis); 0 to 1, or
    0.1 to 1, where there are none.

    Parameters
    ----------
    values : sequence of float
        The values.
    log : bool, optional
        Whether only values above 0 can be shown.

    Returns
    -------
    tuple of float
        Low and high.
    """
    known = [float(value) for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not known:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(known), max(known)
    return (max(low, high / 10.0**_MOST_DECADES), high) if log else (low, high)


def write(
    drawing: Any,
    text: str,
    x: float,
    y: float,
    *,
    anchor: str = "start",
    colour: str = "ink",
    font: str = REGULAR,
    size: float = FONT_SIZE,
) -> None:
    """Write a line of text into a drawing or group.

    Parameters
    ----------
    drawing : Drawing or Group
        Where to.
    text : str
        The text.
    x, y : float
        Its anchor on the base line, in points.
    anchor : {"start", "middle", "end"}, optional
        Which end of the text stands at ``x``.
    colour : str, optional
        Role of the palette or ``#rrggbb``.
    font : str, optional
        Registered font.
    size : float, optional
        Font size in points.
    """
    drawing.add(String(x, y, text, textAnchor=anchor, fillColor=ink(colour), fontName=font, fontSize=size))


def draw_axes(drawing: Drawing, x: Axis, y: Axis) -> None:
    """Draw the frame, the grid, the tick labels and the names of two axes.

    Parameters
    ----------
    drawing : Drawing
        Where to.
    x, y : Axis
        The axes.
    """
    for tick, text in zip(x.ticks, _thinned(x), strict=True):
        at = x.place(tick)
        drawing.add(Line(at, y.start, at, y.end, strokeColor=ink("band"), strokeWidth=0.5))
        write(drawing, text, at, y.start - FONT_SIZE - 3, anchor="middle", colour="muted")
    for tick, text in zip(y.ticks, y.texts(), strict=True):
        at = y.place(tick)
        drawing.add(Line(x.start, at, x.end, at, strokeColor=ink("band"), strokeWidth=0.5))
        write(drawing, text, x.start - 4, at - 0.35 * FONT_SIZE, anchor="end", colour="muted")
    drawing.add(Line(x.start, y.start, x.end, y.start, strokeColor=ink("muted"), strokeWidth=0.8))
    drawing.add(Line(x.start, y.start, x.start, y.end, strokeColor=ink("muted"), strokeWidth=0.8))
    write(drawing, x.label, (x.start + x.end) / 2, y.start - 2 * FONT_SIZE - 8, anchor="middle")
    upright(drawing, y.label, FONT_SIZE, (y.start + y.end) / 2)


def _thinned(axis: Axis) -> list[str]:
    texts, last = axis.texts(), -math.inf
    for number, (tick, text) in enumerate(zip(axis.ticks, texts, strict=True)):
        half = width(text, REGULAR, FONT_SIZE) / 2
        if axis.place(tick) - half < last + 3:
            texts[number] = ""
        else:
            last = axis.place(tick) + half
    return texts


def upright(drawing: Drawing, text: str, x: float, middle: float) -> None:
    """Write a line of text that runs upwards, centred on ``middle``.

    Parameters
    ----------
    drawing : Drawing
        Where to.
    text : str
        The text.
    x : float
        Its base line, in points.
    middle : float
        Height of its middle, in points.
    """
    group = Group()
    write(group, text, 0, 0, anchor="middle")
    group.transform = (0, 1, -1, 0, x, middle)
    drawing.add(group)


def marker(shape: str, x: float, y: float, *, colour: str, size: float = 3.0, filled: bool = True) -> Any:
    """Return the mark of a point.

    Parameters
    ----------
    shape : str
        One of `SHAPES`.
    x, y : float
        Its centre in points.
    colour : str
        Role of the palette or ``#rrggbb``.
    size : float, optional
        Half its height in points.
    filled : bool, optional
        Whether it is filled.

    Returns
    -------
    Shape
        The mark.
    """
    look = {
        "fillColor": ink(colour if filled else "paper"),
        "strokeColor": ink("paper" if filled else colour),
        "strokeWidth": 0.5 if filled else 1.2,
    }
    s = size
    if shape == "circle":
        return Circle(x, y, s, **look)
    if shape == "square":
        return Rect(x - 0.85 * s, y - 0.85 * s, 1.7 * s, 1.7 * s, **look)
    corners = {
        "triangle": [x - 1.1 * s, y - 0.8 * s, x + 1.1 * s, y - 0.8 * s, x, y + 1.2 * s],
        "down": [x - 1.1 * s, y + 0.8 * s, x + 1.1 * s, y + 0.8 * s, x, y - 1.2 * s],
        "diamond": [x - 1.2 * s, y, x, y - 1.2 * s, x + 1.2 * s, y, x, y + 1.2 * s],
        "cross": _cross(x, y, s),
    }
    return Polygon(corners[shape], **look)


def _cross(x: float, y: float, s: float) -> list[float]:
    a, b = 0.4 * s, 1.1 * s
    arms = [
        (-a, -b),
        (a, -b),
        (a, -a),
        (b, -a),
        (b, a),
        (a, a),
        (a, b),
        (-a, b),
        (-a, a),
        (-b, a),
        (-b, -a),
        (-a, -a),
    ]
    return [value for dx, dy in arms for value in (x + dx, y + dy)]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a legend.

    Parameters
    ----------
    text : str
        Name of the series.
    number : int
        Its place among the series; gives colour, dash and mark.
    line, point : bool
        Whether it is drawn with a line, with marks.
    """

    text: str
    number: int
    line: bool = True
    point: bool = True


def legend_rows(entries: Sequence[Entry], room: float) -> list[list[tuple[float, Entry]]]:
    """Lay out a legend: for each row the entries and where they start, from 0 to ``room`` points.

    Parameters
    ----------
    entries : sequence of Entry
        The entries.
    room : float
        Width in points.

    Returns
    -------
    list of list of (float, Entry)
        The rows from the top.
    """
    rows: list[list[tuple[float, Entry]]] = []
    at = math.inf
    for entry in entries:
        wide = 30 + width(entry.text, REGULAR, FONT_SIZE) + 14
        if at + wide - 14 > room:
            rows.append([])
            at = 0.0
        rows[-1].append((at, entry))
        at += wide
    return rows


def legend_height(rows: Sequence[object]) -> float:
    """Return the height of the rows of a legend in points."""
    return len(rows) * _LEGEND_ROW + (4 if rows else 0)


def draw_legend(
    drawing: Drawing, rows: Sequence[Sequence[tuple[float, Entry]]], *, x: float, top: float
) -> None:
    """Draw a legend.

    Parameters
    ----------
    drawing : Drawing
        Where to.
    rows : sequence
        What `legend_rows` returned.
    x, top : float
        Its left upper corner in points.
    """
    for number, row in enumerate(rows):
        base = top - (number + 1) * _LEGEND_ROW + 4
        for at, entry in row:
            colour = COLOURS[entry.number % len(COLOURS)]
            left, middle = x + at, base + 0.33 * FONT_SIZE
            if entry.line:
                drawing.add(stroke([left, middle, left + 24, middle], entry.number))
            if entry.point:
                shape = SHAPES[entry.number % len(SHAPES)]
                drawing.add(marker(shape, left + 12, middle, colour=colour))
            write(drawing, entry.text, left + 29, base)


def stroke(points: Sequence[float], number: int, *, wide: float = 1.4) -> Any:
    """Return the line of a series through ``x0, y0, x1, y1, …`` in its colour and dash."""
    return PolyLine(
        list(points),
        strokeColor=ink(COLOURS[number % len(COLOURS)]),
        strokeDashArray=DASHES[number % len(DASHES)],
        strokeWidth=wide,
        strokeLineJoin=1,
    )


def note(drawing: Drawing, text: str, x: Axis, y: Axis) -> None:
    """Write a text into the middle of an empty chart."""
    middle = (x.start + x.end) / 2, (y.start + y.end) / 2
    write(drawing, text, *middle, anchor="middle", colour="muted", font=SEMIBOLD)
