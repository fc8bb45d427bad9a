"""Charts of horizontal bars with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.graphics.shapes import Drawing, Line, Rect

from evaluation.pages.axes import FONT_SIZE, Axis, draw_axes, ink, limits, nice_ticks, note, write
from reports.fonts import REGULAR, SEMIBOLD, plain, register, shorten
from reports.fonts import width as text_width

_ROW = 17.0
_THICK = 9.0
_FILLS = ("accent", "paper", "band", "muted")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar.

    Parameters
    ----------
    name : str
        What it stands for.
    value : float
        Its length; nothing is drawn where it is not finite.
    low, high : float or None, optional
        Ends of the interval of the value.
    text : str, optional
        What stands at its end; the value where it is empty.
    group : int, optional
        0 to 3: filling of the bar, where several stand side by side for one thing.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    group: int = 0


def bar_chart(
    bars: Sequence[Bar],
    *,
    x_label: str,
    x_range: tuple[float, float] | None = None,
    width: float = 500.0,
) -> Drawing:
    """Draw horizontal bars, one below the other, with the interval as a whisker.

    Parameters
    ----------
    bars : sequence of Bar
        The bars from the top; values of 0 or more.
    x_label : str
        What their length measures.
    x_range : tuple of float, optional
        Least range of the axis; it always holds 0.
    width : float, optional
        Width in points; the height follows from the number of bars.

    Returns
    -------
    Drawing
        Flowable of reportlab.
    """
    register()
    names = [shorten(plain(bar.name), font=REGULAR, size=FONT_SIZE, room=0.4 * width) for bar in bars]
    left = 10 + max((text_width(name, REGULAR, FONT_SIZE) for name in names), default=0.0)
    texts = [_text(bar) for bar in bars]
    ends = [end for bar in bars for end in (bar.value, bar.high) if end is not None]
    room = 12 + max((text_width(text, SEMIBOLD, FONT_SIZE) for text in texts), default=0.0)
    ticks = nice_ticks(*limits([0.0, *ends, *(x_range or ())]))
    height = max(len(bars), 1) * _ROW + 2 * FONT_SIZE + 22
    x = Axis(plain(x_label), tuple(ticks), left, width - room)
    y = Axis("", (0.0, max(len(bars), 1)), 2 * FONT_SIZE + 14, height - 8)
    drawing = Drawing(width, height)
    draw_axes(drawing, x, Axis("", (0.0, 1.0), y.start, y.end))
    drawing.contents = [shape for shape in drawing.contents if getattr(shape, "textAnchor", "") != "end"]
    for number, (bar, name, text) in enumerate(zip(bars, names, texts, strict=True)):
        middle = y.place(len(bars) - number - 0.5)
        write(drawing, name, left - 5, middle - 0.35 * FONT_SIZE, anchor="end")
        end = _draw(drawing, bar, x, middle)
        write(drawing, text, end + 5, middle - 0.35 * FONT_SIZE, font=SEMIBOLD)
    if not bars:
        note(drawing, "nothing to show", x, y)
    return drawing


def _text(bar: Bar) -> str:
    if bar.text:
        return plain(bar.text)
    return f"{bar.value:g}" if math.isfinite(bar.value) else "–"


def _draw(drawing: Drawing, bar: Bar, x: Axis, middle: float) -> float:
    if not math.isfinite(bar.value):
        return x.place(0)
    start, end = x.place(0), x.place(bar.value)
    fill = ink(_FILLS[bar.group % len(_FILLS)])
    drawing.add(
        Rect(
            start,
            middle - _THICK / 2,
            end - start,
            _THICK,
            fillColor=fill,
            strokeColor=ink("accent"),
            strokeWidth=0.8,
        )
    )
    if bar.low is None or bar.high is None or not (math.isfinite(bar.low) and math.isfinite(bar.high)):
        return end
    low, high = x.place(bar.low), x.place(bar.high)
    for wide, colour in ((2.4, "paper"), (1.0, "ink")):
        look = {"strokeColor": ink(colour), "strokeWidth": wide}
        drawing.add(Line(low, middle, high, middle, **look))
        for at in (low, high):
            drawing.add(Line(at, middle - 3, at, middle + 3, **look))
    return max(end, high)
