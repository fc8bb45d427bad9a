"""The charts: everything within the frame, told apart without colour, odd values left out."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String

from cells.errors import UsageError
from evaluation.pages import (
    Bar,
    Mark,
    Points,
    Reference,
    Series,
    bar_chart,
    line_chart,
    matrix_chart,
    scatter_chart,
)
from evaluation.pages.axes import COLOURS, DASHES, SHAPES, log_ticks, nice_ticks
from evaluation.pages.svg import svg_chart
from reports.fonts import width

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


def _shapes(drawing: Drawing | Group) -> Iterator[object]:
    for shape in drawing.contents:
        yield shape
        if isinstance(shape, Group):
            yield from _shapes(shape)


def _texts(drawing: Drawing) -> list[str]:
    return [shape.text for shape in _shapes(drawing) if isinstance(shape, String)]


def _corners(shape: object) -> list[tuple[float, float]]:
    if isinstance(shape, Line):
        return [(shape.x1, shape.y1), (shape.x2, shape.y2)]
    if isinstance(shape, PolyLine | Polygon):
        return list(zip(shape.points[::2], shape.points[1::2], strict=True))
    if isinstance(shape, Rect):
        return [(shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)]
    if isinstance(shape, Circle):
        return [(shape.cx - shape.r, shape.cy - shape.r), (shape.cx + shape.r, shape.cy + shape.r)]
    if isinstance(shape, String):
        wide = width(shape.text, shape.fontName, shape.fontSize)
        left = shape.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.textAnchor] * wide
        return [(left, shape.y), (left + wide, shape.y + shape.fontSize)]
    return []


def _within(drawing: Drawing, slack: float = 6.5) -> None:
    for shape in drawing.contents:
        for x, y in _corners(shape):
            assert -slack <= x <= drawing.width + slack, (shape, x)
            assert -slack <= y <= drawing.height + slack, (shape, y)


@settings(deadline=None, max_examples=50)
@given(FINITE, FINITE)
def test_nice_ticks_cover_the_range_in_even_steps(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    reach = max(abs(low), abs(high), 1e-300)
    assert ticks[0] <= low + 1e-6 * reach
    assert ticks[-1] >= high - 1e-6 * reach
    assert 2 <= len(ticks) <= 13
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[0], rtol=1e-3)


@settings(deadline=None, max_examples=50)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_log_ticks_cover_the_range(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = log_ticks(low, high)
    assert ticks[0] <= low * (1 + 1e-6)
    assert ticks[-1] >= high * (1 - 1e-6)
    assert len(ticks) >= 2
    assert ticks == sorted(ticks)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(-1, 1) | st.just(math.nan)), max_size=30),
    st.booleans(),
)
def test_a_line_chart_stays_in_its_frame(points: list[tuple[float, float]], log: bool) -> None:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    marks = [Mark(xs[-1], ys[-1], "operating point with a name that is rather long")] if points else []
    drawing = line_chart(
        [Series("one", xs, ys), Series("a second one with a long name", xs, ys)],
        x_label="x",
        y_label="y",
        marks=marks,
        references=[Reference(0.2, "level"), Reference(5.0, "operating", "x")],
        x_log=log,
    )
    _within(drawing)


def test_series_differ_in_dash_mark_and_colour() -> None:
    assert len({str(dash) for dash in DASHES}) == len(DASHES) == len(set(SHAPES)) == len(set(COLOURS))
    drawing = line_chart([Series(name, [0, 1], [0, 1]) for name in "abc"], x_label="x", y_label="y")
    lines = [shape for shape in drawing.contents if isinstance(shape, PolyLine)]
    assert len({str(line.strokeDashArray) for line in lines}) == 3
    assert {"a", "b", "c"} <= set(_texts(drawing))


def test_a_gap_breaks_the_line() -> None:
    series = Series("", [0, 1, 2, 3, 4], [0, 1, math.nan, 1, 0], points=False)
    drawing = line_chart([series], x_label="x", y_label="y")
    assert sum(isinstance(shape, PolyLine) for shape in drawing.contents) == 2


def test_nothing_to_show_is_said() -> None:
    assert "nothing to show" in _texts(line_chart([], x_label="x", y_label="y"))
    assert "nothing to show" in _texts(scatter_chart([], x_label="x", y_label="y"))
    assert "nothing to show" in _texts(bar_chart([], x_label="x"))


def test_values_of_different_number_are_refused() -> None:
    with pytest.raises(UsageError, match="not equally many"):
        line_chart([Series("a", [1], [1, 2])], x_label="x", y_label="y")
    with pytest.raises(UsageError, match="not equally many"):
        scatter_chart([Points("a", [1], [1, 2])], x_label="x", y_label="y")


def test_the_line_of_identity_runs_through_equal_values() -> None:
    drawing = scatter_chart(
        [Points("a", [1.0, 4.0, math.inf], [2.0, 3.0, 1.0])], x_label="x", y_label="y", identity=True
    )
    dashed = [s for s in drawing.contents if isinstance(s, Line) and s.strokeDashArray == [4, 3]]
    assert len(dashed) == 1
    circles = [s for s in drawing.contents if isinstance(s, Circle) and s.r < 2.5]
    assert len(circles) == 2
    _within(drawing)


def test_limits_of_agreement_are_named() -> None:
    drawing = scatter_chart(
        [Points("", [1.0, 2.0], [0.1, -0.1])],
        x_label="mean",
        y_label="difference",
        references=[Reference(0.0, "mean 0"), Reference(1.96, "upper"), Reference(math.nan, "none")],
    )
    assert {"mean 0", "upper"} <= set(_texts(drawing))
    assert "none" not in _texts(drawing)


@pytest.mark.parametrize("classes", [1, 2, 5, 12, 22])
def test_a_matrix_shows_every_count_within_its_frame(classes: int) -> None:
    counts = np.arange(classes * classes).reshape(classes, classes) * 7
    names = [f"Reactive lymphocytes of kind {n}" for n in range(classes)]
    drawing = matrix_chart(
        counts, row_names=names, column_names=names, row_label="truth", column_label="answer"
    )
    texts = _texts(drawing)
    assert all(f"{value:g}" in texts for value in counts.ravel())
    assert {"truth", "answer"} <= set(texts)
    _within(drawing)
    heads = [s for s in drawing.contents if isinstance(s, Group) and s.transform[0] > 0]
    for head in heads:
        text = head.contents[0]
        along = width(text.text, text.fontName, text.fontSize) * 0.7071
        assert head.transform[4] + along <= drawing.width + 1
        assert head.transform[5] + along <= drawing.height + 1


def test_a_matrix_is_darkest_where_the_share_of_the_row_is_greatest() -> None:
    drawing = matrix_chart(
        [[9, 1], [2, 8]], row_names=["a", "b"], column_names=["a", "b"], row_label="t", column_label="p"
    )
    fields = [shape for shape in drawing.contents if isinstance(shape, Rect)]
    darkness = [3 - sum(field.fillColor.rgb()) for field in fields]
    assert sorted(range(4), key=lambda n: darkness[n]) == [1, 2, 3, 0]


def test_a_matrix_of_another_shape_is_refused() -> None:
    with pytest.raises(UsageError, match="matrix"):
        matrix_chart([[1]], row_names=["a", "b"], column_names=["a"], row_label="t", column_label="p")


def test_bars_have_lengths_in_proportion_and_whiskers() -> None:
    drawing = bar_chart([Bar("a", 2, 1, 4), Bar("b", 4), Bar("c", math.nan), Bar("d" * 90, 0)], x_label="n")
    bars = [shape for shape in drawing.contents if isinstance(shape, Rect)]
    assert bars[1].width == pytest.approx(2 * bars[0].width)
    assert bars[2].width == 0
    assert "–" in _texts(drawing)
    _within(drawing)


def test_an_inline_chart_keeps_text_widths_and_has_no_identifiers() -> None:
    drawing = line_chart([Series("a & <b>", [0, 1], [0, 1])], x_label="x", y_label="y")
    text = str(svg_chart(drawing, alt='said "so" <b>'))
    assert text.startswith("<svg")
    assert " id=" not in text
    assert "clip" not in text
    assert "a &amp; &lt;b&gt;" in text
    assert 'aria-label="said &quot;so&quot; &lt;b&gt;"' in text
    assert text.count("textLength=") == text.count("<text")
