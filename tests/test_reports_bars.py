"""The bars: every value in its place against its reference interval."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from cells.vocabulary import CellClass
from counting.flags import judge
from counting.intervals import Interval, clopper_pearson_percent
from counting.ranges import Range
from counting.records import Flag, Line
from reports.bars import Bar, draw_bar, place, svg_bar

RANGES = st.one_of(
    st.none(),
    st.tuples(st.sampled_from([0.0, 0.5, 1.0, 19.0, 47.0]), st.floats(0.5, 40)).map(
        lambda pair: Range(pair[0], pair[0] + pair[1])
    ),
)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    total = draw(st.integers(1, 1000))
    n = draw(st.integers(0, total))
    limits = draw(RANGES)
    interval = clopper_pearson_percent(n, total)
    percent = 100.0 * n / total
    return Line(
        label=CellClass.LYMPHOCYTE,
        n=n,
        percent=percent,
        low=interval.low,
        high=interval.high,
        range_percent=limits,
        flag=judge(percent, interval, limits),
    )


@given(line=lines())
def test_places_keep_the_order_of_the_values(line: Line) -> None:
    bar = place(line)
    assert 0 <= bar.line[0] <= bar.mark <= bar.line[1] <= 1
    assert bar.flag is line.flag
    if line.range_percent is None:
        assert bar.band is None
        return
    assert bar.band is not None
    tiny = 1e-9
    low, high = bar.band
    assert (line.percent < line.range_percent.low) == (bar.mark < low - tiny) or abs(bar.mark - low) < 1e-6
    assert (line.percent > line.range_percent.high) == (bar.mark > high + tiny) or abs(bar.mark - high) < 1e-6


@given(line=lines())
def test_a_flag_beyond_error_shows_a_line_off_the_band(line: Line) -> None:
    bar = place(line)
    if bar.band and line.flag is Flag.HIGH:
        assert bar.line[0] > bar.band[1] - 1e-9
    if bar.band and line.flag is Flag.LOW:
        assert bar.line[1] < bar.band[0] + 1e-9


def test_values_without_a_reference_interval_lie_evenly_from_0_to_100() -> None:
    bar = place(Line(CellClass.BLAST, 25, 25.0, 20.0, 50.0))
    assert (bar.line, bar.mark) == ((0.2, 0.5), 0.25)


def test_shapes_differ_by_flag_so_that_no_colour_is_needed() -> None:
    shapes = {svg_bar(Bar((0.3, 0.6), (0.7, 0.9), 0.8, flag), label="x") for flag in Flag}
    assert len(shapes) == 5  # none and inside share the dot
    kinds = {
        type(draw_bar(Bar(None, (0.1, 0.2), 0.15, flag), width=90, height=14).contents[-1]) for flag in Flag
    }
    assert len(kinds) == 2


def test_the_label_of_a_bar_is_escaped_and_the_svg_is_well_formed() -> None:
    text = svg_bar(Bar((0.3, 0.6), (0.4, 0.5), 0.45, Flag.INSIDE), label='<b>"&')
    assert ET.fromstring(text).get("aria-label") == '<b>"&'


def test_the_mark_stands_where_the_bar_says() -> None:
    bar = place(
        Line(CellClass.LYMPHOCYTE, 28, 28.0, 19.4, 37.9, range_percent=Range(19, 37), flag=Flag.INSIDE)
    )
    mark = draw_bar(bar, width=108, height=14).contents[-1]
    assert mark.cx == 4 + 100 * bar.mark
    assert abs(bar.mark - 0.5) < 1e-9
    assert judge(28.0, Interval(19.4, 37.9), Range(19, 37)) is bar.flag
