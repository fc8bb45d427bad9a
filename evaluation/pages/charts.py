"""Charts of lines and of points, legible in greyscale and to the colour-blind."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from reportlab.graphics.shapes import Drawing, Line, Polygon

from cells.errors import UsageError
from evaluation.pages.axes import (
    COLOURS,
    DASHES,
    FONT_SIZE,
    SHAPES,
    Axis,
    Entry,
    draw_axes,
    draw_legend,
    ink,
    legend_height,
    legend_rows,
    limits,
    log_ticks,
    marker,
    nice_ticks,
    note,
    stroke,
    write,
)
from reports.fonts import REGULAR, SEMIBOLD, plain, register
from reports.fonts import width as text_width

WIDTH, HEIGHT = 500.0, 270.0
"""Size of a chart in points, where none is given."""

Values = Sequence[float] | NDArray[np.float64]
"""Values of a chart."""

_MOST_MARKS = 24


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart.

    Parameters
    ----------
    name : str
        Its name in the legend.
    x, y : sequence of float
        Its points in order; where a value is not finite the line has a gap.
    low, high : sequence of float, optional
        Ends of the interval at each point, drawn as a grey band.
    points : bool, optional
        Whether its points are marked (of many, every so manieth).
    """

    name: str
    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    points: bool = True


@dataclass(frozen=True, slots=True)
class Points:
    """A cloud of points of a chart.

    Parameters
    ----------
    name : str
        Its name in the legend.
    x, y : sequence of float
        The points; those that are not finite are left out.
    """

    name: str
    x: Values
    y: Values


@dataclass(frozen=True, slots=True)
class Mark:
    """A place of a chart that is pointed out, such as an operating point.

    Parameters
    ----------
    x, y : float
        The place.
    text : str
        What it is.
    """

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A level that is drawn through the whole chart, such as a mean or a limit of agreement.

    Parameters
    ----------
    value : float
        Where it lies.
    text : str
        What it is.
    along : {"x", "y"}, optional
        The axis that the value is of: ``y`` for a level, ``x`` for an upright line.
    """

    value: float
    text: str
    along: Literal["x", "y"] = "y"


def line_chart(
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    marks: Sequence[Mark] = (),
    references: Sequence[Reference] = (),
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    x_log: bool = False,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Drawing:
    """Draw lines: each has a colour, a dash and a mark of its own.

    Parameters
    ----------
    series : sequence of Series
        The lines.
    x_label, y_label : str
        What the axes measure.
    marks : sequence of Mark, optional
        Places that are pointed out.
    references : sequence of Reference, optional
        Levels.
    x_range, y_range : tuple of float, optional
        Least range of the axes; None takes that of the values.
    x_log : bool, optional
        Whether the x axis is logarithmic; values of 0 or less then lie on its left end.
    width, height : float, optional
        Size in points.

    Returns
    -------
    Drawing
        Flowable of reportlab.

    Raises
    ------
    UsageError
        Where the values of a series are not equally many.
    """
    for item in series:
        _check_lengths(item.name, item.x, item.y, item.low, item.high)
    xs = [v for item in series for v in item.x] + [m.x for m in marks]
    ys = [v for item in series for part in (item.y, item.low, item.high) if part is not None for v in part]
    entries = [
        Entry(plain(item.name), number, point=item.points) for number, item in enumerate(series) if item.name
    ]
    x, y, drawing = _frame(
        (xs, ys + [m.y for m in marks]),
        (x_label, y_label),
        (x_range, y_range),
        entries,
        references=references,
        size=(width, height),
        x_log=x_log,
    )
    for item in series:
        _band(drawing, item, x, y)
    draw_axes(drawing, x, y)
    _references(drawing, references, x, y)
    for number, item in enumerate(series):
        _line(drawing, item, number, x, y)
    if not any(math.isfinite(a) and math.isfinite(b) for s in series for a, b in zip(s.x, s.y, strict=True)):
        note(drawing, "nothing to show", x, y)
    _marks(drawing, marks, x, y)
    return drawing


def scatter_chart(
    points: Sequence[Points],
    *,
    x_label: str,
    y_label: str,
    identity: bool = False,
    references: Sequence[Reference] = (),
    marks: Sequence[Mark] = (),
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Drawing:
    """Draw points: one method against another, or differences against means.

    Parameters
    ----------
    points : sequence of Points
        The clouds.
    x_label, y_label : str
        What the axes measure.
    identity : bool, optional
        Whether the line of equality is drawn; both axes then have one range.
    references : sequence of Reference, optional
        Levels: the mean difference and the limits of agreement.
    marks : sequence of Mark, optional
        Places that are pointed out.
    x_range, y_range : tuple of float, optional
        Least range of the axes; None takes that of the values.
    width, height : float, optional
        Size in points.

    Returns
    -------
    Drawing
        Flowable of reportlab.

    Raises
    ------
    UsageError
        Where the values of a cloud are not equally many.

    References
    ----------
    Bland & Altman 1986, doi 10.1016/S0140-6736(86)90837-8: differences against means, with limits of
    agreement.
    """
    for item in points:
        _check_lengths(item.name, item.x, item.y)
    xs, ys = [v for item in points for v in item.x], [v for item in points for v in item.y]
    if identity:
        xs = ys = [*xs, *ys]
    entries = [Entry(plain(item.name), n, line=False) for n, item in enumerate(points) if item.name]
    x, y, drawing = _frame(
        (xs, ys),
        (x_label, y_label),
        (x_range, y_range),
        entries,
        references=references,
        size=(width, height),
        x_log=False,
    )
    draw_axes(drawing, x, y)
    if identity:
        ends = max(x.ticks[0], y.ticks[0]), min(x.ticks[-1], y.ticks[-1])
        along = [value for end in ends for value in (x.place(end), y.place(end))]
        drawing.add(Line(*along, strokeColor=ink("muted"), strokeWidth=1, strokeDashArray=[4, 3]))
    _references(drawing, references, x, y)
    for number, item in enumerate(points):
        shape, colour = SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]
        for a, b in zip(item.x, item.y, strict=True):
            if math.isfinite(a) and math.isfinite(b):
                drawing.add(marker(shape, x.place(a), y.place(b), colour=colour, size=2.4, filled=False))
    if not any(len(item.x) for item in points):
        note(drawing, "nothing to show", x, y)
    _marks(drawing, marks, x, y)
    return drawing


def _check_lengths(name: str, *parts: Values | None) -> None:
    if len({len(part) for part in parts if part is not None}) > 1:
        raise UsageError(f"chart: the values of {name!r} are not equally many")


def _frame(
    values: tuple[Sequence[float], Sequence[float]],
    labels: tuple[str, str],
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None],
    entries: Sequence[Entry],
    *,
    references: Sequence[Reference],
    size: tuple[float, float],
    x_log: bool,
) -> tuple[Axis, Axis, Drawing]:
    register()
    across, down = size
    levels = [
        [item.value for item in references if item.along == along and math.isfinite(item.value)]
        for along in ("x", "y")
    ]
    low, high = limits([*values[0], *levels[0], *(ranges[0] or ())], log=x_log)
    x_ticks = log_ticks(low, high) if x_log else nice_ticks(low, high, count=8)
    y_ticks = nice_ticks(*limits([*values[1], *levels[1], *(ranges[1] or ())]))
    y_axis = Axis(plain(labels[1]), tuple(y_ticks), 0, 1)
    left = 2 * FONT_SIZE + 8 + max(text_width(text, REGULAR, FONT_SIZE) for text in y_axis.texts())
    rows = legend_rows(entries, across - left)
    x = Axis(plain(labels[0]), tuple(x_ticks), left, across - 16, x_log)
    y = Axis(y_axis.label, y_axis.ticks, 2 * FONT_SIZE + 14, down - legend_height(rows) - 8)
    drawing = Drawing(across, down)
    draw_legend(drawing, rows, x=left, top=down)
    return x, y, drawing


def _runs(item: Series, x: Axis, y: Axis, values: Values) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for a, b in zip(item.x, values, strict=True):
        if math.isfinite(a) and math.isfinite(b):
            runs[-1].append((x.place(a), y.place(b)))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _band(drawing: Drawing, item: Series, x: Axis, y: Axis) -> None:
    if item.low is None or item.high is None:
        return
    edges = [
        (x.place(a), y.place(low), y.place(high))
        for a, low, high in zip(item.x, item.low, item.high, strict=True)
        if all(map(math.isfinite, (a, low, high)))
    ]
    if len(edges) > 1:
        around = [(a, high) for a, _, high in edges] + [(a, low) for a, low, _ in reversed(edges)]
        flat = [value for point in around for value in point]
        drawing.add(Polygon(flat, fillColor=ink("panel"), strokeColor=ink("rule"), strokeWidth=0.4))


def _line(drawing: Drawing, item: Series, number: int, x: Axis, y: Axis) -> None:
    for run in _runs(item, x, y, item.y):
        if len(run) > 1:
            drawing.add(stroke([value for point in run for value in point], number))
        if item.points or len(run) == 1:
            every = max(1, math.ceil(len(run) / _MOST_MARKS))
            for place in run[::every]:
                shape, colour = SHAPES[number % len(SHAPES)], COLOURS[number % len(COLOURS)]
                drawing.add(marker(shape, *place, colour=colour, size=2.6))


def _references(drawing: Drawing, references: Sequence[Reference], x: Axis, y: Axis) -> None:
    for number, item in enumerate(references):
        if not math.isfinite(item.value):
            continue
        dash = DASHES[1 + number % (len(DASHES) - 1)]
        look = {"strokeColor": ink("ink"), "strokeWidth": 0.8, "strokeDashArray": dash}
        if item.along == "y":
            at = y.place(item.value)
            drawing.add(Line(x.start, at, x.end, at, **look))
            write(drawing, plain(item.text), x.end - 2, at + 2.5, anchor="end", size=FONT_SIZE - 0.5)
        else:
            at = x.place(item.value)
            drawing.add(Line(at, y.start, at, y.end, **look))
            right = at + 4 + text_width(plain(item.text), REGULAR, FONT_SIZE) <= x.end
            wide = text_width(plain(item.text), REGULAR, FONT_SIZE)
            left = at + 4 if right else at - 4 - wide
            base = (y.start + y.end) / 2 + 12 * number
            drawing.add(Polygon(_box(left, base, wide), fillColor=ink("paper"), strokeColor=None))
            write(drawing, plain(item.text), left, base)


def _marks(drawing: Drawing, marks: Sequence[Mark], x: Axis, y: Axis) -> None:
    for item in marks:
        if not (math.isfinite(item.x) and math.isfinite(item.y)):
            continue
        at, up = x.place(item.x), y.place(item.y)
        drawing.add(marker("circle", at, up, colour="paper", size=5.5))
        drawing.add(marker("circle", at, up, colour="ink", size=4.5, filled=False))
        drawing.add(marker("circle", at, up, colour="ink", size=1.6))
        text = plain(item.text)
        wide = text_width(text, SEMIBOLD, FONT_SIZE)
        left = at + 9 if at + 9 + wide <= x.end else max(at - 9 - wide, x.start + 1)
        base = up - 14 if up - 16 > y.start else up + 8
        drawing.add(Polygon(_box(left, base, wide), fillColor=ink("paper"), strokeColor=None))
        write(drawing, text, left, base, font=SEMIBOLD)


def _box(left: float, base: float, wide: float) -> list[float]:
    x0, x1, y0, y1 = left - 2, left + wide + 2, base - 2.5, base + FONT_SIZE
    return [x0, y0, x1, y0, x1, y1, x0, y1]
