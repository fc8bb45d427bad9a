"""Intervals: published points, the vectors of the exact interval, properties, scipy as oracle."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cells.errors import UsageError
from counting.intervals import (
    Interval,
    cells_to_see,
    clopper_pearson,
    clopper_pearson_percent,
    per_100,
    rumke,
    zero_seen_upper,
)

VECTORS = {
    # observed percent: {n: (low, high, Rümke low, Rümke high)}
    0: {
        100: (0.00, 3.62, 0, 4),
        200: (0.00, 1.83, 0, 2),
        400: (0.00, 0.92, 0, 1),
        500: (0.00, 0.74, 0, 1),
        1000: (0.00, 0.37, 0, 1),
    },
    1: {
        100: (0.03, 5.45, 0, 6),
        200: (0.12, 3.57, 0, 4),
        400: (0.27, 2.54, 0, 3),
        500: (0.33, 2.32, 0, 3),
        1000: (0.48, 1.83, 0, 2),
    },
    5: {
        100: (1.64, 11.28, 1, 12),
        200: (2.42, 9.00, 2, 10),
        400: (3.08, 7.62, 3, 8),
        500: (3.26, 7.29, 3, 8),
        1000: (3.73, 6.54, 3, 7),
    },
    10: {
        100: (4.90, 17.62, 4, 18),
        200: (6.22, 15.02, 6, 16),
        400: (7.24, 13.37, 7, 14),
        500: (7.51, 12.97, 7, 13),
        1000: (8.21, 12.03, 8, 13),
    },
    15: {
        100: (8.65, 23.53, 8, 24),
        200: (10.35, 20.72, 10, 21),
        400: (11.65, 18.88, 11, 19),
        500: (11.98, 18.44, 11, 19),
        1000: (12.84, 17.37, 12, 18),
    },
    50: {
        100: (39.83, 60.17, 39, 61),
        200: (42.87, 57.13, 42, 58),
        400: (44.99, 55.01, 44, 56),
        500: (45.53, 54.47, 45, 55),
        1000: (46.85, 53.15, 46, 54),
    },
}
ROWS = [(percent, n, row[:2], row[2:]) for percent, rows in VECTORS.items() for n, row in rows.items()]
counted = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("percent", "n", "exact", "rounded"), ROWS)
def test_exact_interval_and_rumke_rounding(
    percent: int, n: int, exact: tuple[float, float], rounded: tuple[int, int]
) -> None:
    k = percent * n // 100
    interval = clopper_pearson_percent(k, n)
    assert (round(interval.low, 2), round(interval.high, 2)) == exact
    assert rumke(k, n) == rounded


@pytest.mark.parametrize(("k", "printed"), [(5, (1, 12)), (9, (4, 17)), (10, (4, 18)), (15, (8, 24))])
def test_published_rumke_points(k: int, printed: tuple[int, int]) -> None:
    assert rumke(k, 100) == printed


@settings(deadline=None)
@given(counted)
def test_agrees_with_scipy(pair: tuple[int, int]) -> None:
    k, n = pair
    oracle = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    interval = clopper_pearson(k, n)
    assert interval.low == pytest.approx(oracle.low, abs=1e-9)
    assert interval.high == pytest.approx(oracle.high, abs=1e-9)


@settings(deadline=None)
@given(counted)
def test_contains_the_point_and_lies_within_bounds(pair: tuple[int, int]) -> None:
    k, n = pair
    interval = clopper_pearson(k, n)
    assert 0 <= interval.low <= k / n <= interval.high <= 1
    low, high = rumke(k, n)
    assert low <= 100 * interval.low
    assert high >= 100 * interval.high


@settings(deadline=None)
@given(counted)
def test_grows_with_the_finds_and_mirrors(pair: tuple[int, int]) -> None:
    k, n = pair
    interval = clopper_pearson(k, n)
    if k < n:
        above = clopper_pearson(k + 1, n)
        assert above.low > interval.low
        assert above.high >= interval.high
    mirror = clopper_pearson(n - k, n)
    assert mirror.low == pytest.approx(1 - interval.high, abs=1e-9)


@settings(deadline=None)
@given(counted, st.integers(2, 5))
def test_narrows_with_more_cells(pair: tuple[int, int], times: int) -> None:
    k, n = pair
    one, more = clopper_pearson(k, n), clopper_pearson(k * times, n * times)
    assert more.high - more.low < one.high - one.low


@settings(deadline=None)
@given(counted, st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_widens_with_confidence(pair: tuple[int, int], one: float, other: float) -> None:
    less, more = (clopper_pearson(*pair, confidence=c) for c in sorted((one, other)))
    assert more.low <= less.low
    assert more.high >= less.high


def test_nothing_counted_says_nothing() -> None:
    assert clopper_pearson(0, 0) == Interval(0.0, 1.0)
    assert rumke(0, 0) == (0, 100)


@pytest.mark.parametrize(("k", "n"), [(-1, 10), (11, 10), (0, -1), (math.nan, 10), (1, math.inf)])
def test_impossible_counts(k: float, n: float) -> None:
    with pytest.raises(UsageError, match="0 <= k <= n"):
        clopper_pearson(k, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, math.nan])
def test_impossible_confidence(confidence: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        clopper_pearson(1, 10, confidence=confidence)


@pytest.mark.parametrize(("n", "printed"), [(100, 2.95), (200, 1.49), (400, 0.75), (1000, 0.30)])
def test_unseen_class(n: int, printed: float) -> None:
    assert round(zero_seen_upper(n), 2) == printed
    assert (1 - zero_seen_upper(n) / 100) ** n == pytest.approx(0.05)


@settings(deadline=None)
@given(st.floats(0.05, 100))
def test_cells_to_see_is_the_smallest_number(percent: float) -> None:
    n, miss = cells_to_see(percent), 1 - percent / 100
    assert miss**n <= 0.05 + 1e-12
    assert n == 1 or miss ** (n - 1) > 0.05 - 1e-12


def test_cells_to_see_one_percent() -> None:
    assert cells_to_see(1.0) == 299
    with pytest.raises(UsageError, match="above 0"):
        cells_to_see(0.0)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 1000))
def test_ratio_per_100_contains_the_point(k: int, n: int) -> None:
    interval = per_100(k, n)
    assert interval.low <= 100 * k / n * (1 + 1e-12)
    assert interval.high >= 100 * k / n


def test_ratio_per_100_may_exceed_100_and_is_open_without_leukocytes() -> None:
    assert per_100(150, 100).high > 150
    assert per_100(3, 0).high == math.inf


def test_ratio_near_poisson_where_leukocytes_are_many() -> None:
    ratio = per_100(8, 1_000_000)
    low, high = stats.chi2.ppf(0.025, 16) / 2, stats.chi2.ppf(0.975, 18) / 2
    assert ratio.low * 10_000 == pytest.approx(low, rel=1e-4)
    assert ratio.high * 10_000 == pytest.approx(high, rel=1e-4)
