"""The bar beside each row of the formula: reference interval, confidence interval and value on one line."""

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup
from reportlab.graphics.shapes import Circle, Drawing, Polygon, Rect
from reportlab.graphics.shapes import Line as Stroke
from reportlab.lib.colors import HexColor

from counting.records import Flag, Line
from reports.palette import PALETTE

_THIRD = 1.0 / 3.0
_TRIANGLES = {
    Flag.HIGH: (1, True),
    Flag.HIGH_WITHIN_ERROR: (1, False),
    Flag.LOW: (-1, True),
    Flag.LOW_WITHIN_ERROR: (-1, False),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Places along a bar, each a fraction of its width, 0 to 1.

    Parameters
    ----------
    band : tuple of float or None
        Ends of the reference interval, or None where there is none.
    line : tuple of float
        Ends of the confidence interval.
    mark : float
        The value.
    flag : Flag
        State of the value; it gives the shape and colour of the mark.
    """

    band: tuple[float, float] | None
    line: tuple[float, float]
    mark: float
    flag: Flag

    @property
    def colour(self) -> str:
        """Colour of the mark, ``#rrggbb``."""
        return mark_colour(self.flag)


def mark_colour(flag: Flag) -> str:
    """Return the colour of a flag, ``#rrggbb``.

    Parameters
    ----------
    flag : Flag
        State of a value.

    Returns
    -------
    str
        Colour of the palette.
    """
    if flag in (Flag.HIGH, Flag.HIGH_WITHIN_ERROR):
        return PALETTE["high"]
    return PALETTE["low"] if flag in (Flag.LOW, Flag.LOW_WITHIN_ERROR) else PALETTE["mark"]


def place(line: Line) -> Bar:
    """Place the percentages of a row on its bar.

    The reference interval fills the middle third of every bar, so that the column reads at a glance. The
    left third runs from 0 to its lower limit, the right third from its upper limit to twice that limit, or
    past the end of the confidence interval where that is further. Where the lower limit is 0 there is no
    left third and the reference interval fills two thirds. Without a reference interval the bar runs evenly
    from 0 to 100 %.

    Parameters
    ----------
    line : Line
        Row of the formula.

    Returns
    -------
    Bar
        Places, each 0 to 1, in the order of the values they stand for.
    """
    limits = line.range_percent
    if limits is None:
        knots = [(0.0, 0.0), (100.0, 1.0)]
        band = None
    else:
        top = max(2.0 * limits.high, 1.1 * line.high, limits.high + 1.0)
        low = _THIRD if limits.low > 0 else 0.0
        knots = [(0.0, 0.0)] if limits.low > 0 else []
        knots += [(limits.low, low), (limits.high, 2 * _THIRD), (top, 1.0)]
        band = (low, 2 * _THIRD)
    return Bar(
        band=band,
        line=(_along(line.low, knots), _along(line.high, knots)),
        mark=_along(line.percent, knots),
        flag=line.flag,
    )


def _along(value: float, knots: list[tuple[float, float]]) -> float:
    for (x0, y0), (x1, y1) in pairwise(knots):
        if value <= x1:
            return y0 if x1 <= x0 else max(0.0, y0 + (value - x0) / (x1 - x0) * (y1 - y0))
    return 1.0


def draw_bar(bar: Bar, *, width: float, height: float) -> Drawing:
    """Draw a bar for the PDF.

    Parameters
    ----------
    bar : Bar
        Places along the bar.
    width, height : float
        Size in points.

    Returns
    -------
    Drawing
        Drawing of reportlab, a flowable.
    """
    drawing = Drawing(width, height)
    pad, middle = 4.0, height / 2
    room = width - 2 * pad
    if bar.band:
        x0, x1 = (pad + room * end for end in bar.band)
        drawing.add(Rect(x0, 0, x1 - x0, height, fillColor=HexColor(PALETTE["band"]), strokeColor=None))
    drawing.add(
        Stroke(pad, middle, pad + room, middle, strokeColor=HexColor(PALETTE["rule"]), strokeWidth=0.4)
    )
    colour = HexColor(bar.colour)
    x0, x1 = (pad + room * end for end in bar.line)
    drawing.add(Stroke(x0, middle, x1, middle, strokeColor=colour, strokeWidth=1.3))
    for x in (x0, x1):
        drawing.add(Stroke(x, middle - 2.2, x, middle + 2.2, strokeColor=colour, strokeWidth=1.0))
    drawing.add(_mark(bar, pad + room * bar.mark, middle))
    return drawing


def _mark(bar: Bar, x: float, y: float) -> Circle | Polygon:
    colour = HexColor(bar.colour)
    if bar.flag not in _TRIANGLES:
        return Circle(x, y, 2.7, fillColor=colour, strokeColor=HexColor(PALETTE["paper"]), strokeWidth=0.6)
    sign, filled = _TRIANGLES[bar.flag]
    points = [x - 3.5, y - 2.8 * sign, x + 3.5, y - 2.8 * sign, x, y + 3.6 * sign]
    paper = HexColor(PALETTE["paper"])
    return Polygon(
        points,
        fillColor=colour if filled else paper,
        strokeColor=paper if filled else colour,
        strokeWidth=0.5 if filled else 1.1,
    )


def svg_bar(bar: Bar, *, label: str, width: int = 170, height: int = 22) -> Markup:
    """Draw a bar for the HTML.

    Parameters
    ----------
    bar : Bar
        Places along the bar.
    label : str
        What the bar shows, for those who cannot see it; escaped here.
    width, height : int, optional
        Size in CSS pixels.

    Returns
    -------
    Markup
        An ``svg`` element.
    """
    pad, middle = 6, height / 2
    room = width - 2 * pad

    def x(place: float) -> str:
        return f"{pad + room * place:.1f}"

    parts = [
        Markup('<svg class="bar" role="img" viewBox="0 0 {} {}" aria-label="{}">').format(
            width, height, label
        )
    ]
    if bar.band:
        wide = f"{room * (bar.band[1] - bar.band[0]):.1f}"
        parts.append(
            Markup('<rect x="{}" y="0" width="{}" height="{}" fill="{}"/>').format(
                x(bar.band[0]), wide, height, PALETTE["band"]
            )
        )
    low, high = x(bar.line[0]), x(bar.line[1])
    axis = Markup('<path d="M{} {}H{}" stroke="{}" stroke-width=".6"/>')
    parts.append(axis.format(pad, middle, pad + room, PALETTE["rule"]))
    whisker = Markup('<path d="M{0} {2}H{1}M{0} {3}V{4}M{1} {3}V{4}" stroke="{5}" stroke-width="1.8"/>')
    parts.append(whisker.format(low, high, middle, middle - 3, middle + 3, bar.colour))
    parts.append(_svg_mark(bar, pad + room * bar.mark, middle))
    return Markup("").join([*parts, Markup("</svg>")])


def _svg_mark(bar: Bar, x: float, y: float) -> Markup:
    if bar.flag not in _TRIANGLES:
        circle = Markup('<circle cx="{:.1f}" cy="{}" r="4" fill="{}" stroke="{}"/>')
        return circle.format(x, y, bar.colour, PALETTE["paper"])
    sign, filled = _TRIANGLES[bar.flag]
    shape = Markup('<path d="M{:.1f} {:.1f}h10l-5 {:.1f}z" fill="{}" stroke="{}" stroke-width="1.4"/>')
    fill, edge = (bar.colour, PALETTE["paper"]) if filled else (PALETTE["paper"], bar.colour)
    return shape.format(x - 5, y + 4 * sign, -9.0 * sign, fill, edge)
