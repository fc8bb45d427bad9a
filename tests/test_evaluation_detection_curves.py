"""Curves and intervals against plain counting, closed forms and known tables."""

import math

import numpy as np
import pytest
from detection_cases import box, find
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from cells.errors import UsageError
from evaluation.detection.curves import (
    LEVELS,
    average_precision,
    clopper_pearson,
    curve_estimates,
    curve_of,
    garwood,
    ratio_estimate,
    resampled,
)
from evaluation.detection.scan import Candidate, first_hits
from evaluation.finds import match_finds

PLACES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=9)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.integers(0, 3),
        st.sampled_from([-0.3, -0.1, 0.0, 0.1, 0.2, 0.5]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(PLACES, PLACES)
def test_hits_count_the_pairs_of_every_prefix(
    points: list[tuple[int, int]], centres: list[tuple[int, int]]
) -> None:
    boxes = [box(row, col, 20.0 + 3 * number) for number, (row, col) in enumerate(centres)]
    finds = [find(row, col, 1 - 0.01 * number) for number, (row, col) in enumerate(points)]
    hits = first_hits(finds, boxes)
    for count in range(len(finds) + 1):
        prefix = np.array(points[:count], np.float64).reshape(-1, 2)
        assert sum(hits[:count]) == len(match_finds(prefix, boxes))


def test_a_better_find_may_move_to_another_box() -> None:
    boxes = [box(50, 50, 40), box(50, 75, 40)]
    finds = [find(50, 62, 0.9), find(50, 45, 0.5)]
    assert first_hits(finds, boxes) == [True, True]


@settings(deadline=None, max_examples=60)
@given(CANDIDATES, st.sampled_from([-0.4, -0.1, 0.05, 0.5, 0.7]))
def test_the_curve_counts_what_stands_above_a_threshold(
    candidates: list[Candidate], threshold: float
) -> None:
    cells = sum(one.hit for one in candidates) + 2
    curve = curve_of(candidates, leukocytes=cells, fields=4)
    above = [one for one in candidates if one.score >= threshold]
    hits = sum(one.hit for one in above)
    false = sum(not one.hit and not one.ignored for one in above)
    recall, share, rate = curve.at(threshold)
    assert recall == pytest.approx(hits / cells)
    assert rate == pytest.approx(false / 4)
    if hits + false:
        assert share == pytest.approx(false / (hits + false))
    else:
        assert math.isnan(share)


def test_average_precision_of_worked_examples() -> None:
    def area(flags: str, cells: int) -> float:
        hit = np.array([flag == "h" for flag in flags])
        return float(average_precision(np.cumsum(hit) * 1.0, np.cumsum(~hit) * 1.0, np.float64(cells)))

    assert area("hhh", 3) == pytest.approx(1.0)
    assert area("hfh", 2) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert area("fh", 1) == pytest.approx(0.5)
    assert area("hh", 4) == pytest.approx(0.5)
    assert area("fhh", 2) == pytest.approx(2 / 3)
    assert math.isnan(area("f", 0))


def test_equal_scores_make_one_point() -> None:
    tied = [Candidate(0, 0.5, hit, False) for hit in (True, False, True)]
    curve = curve_of(tied, leukocytes=2, fields=1)
    assert curve.threshold.tolist() == [0.5]
    assert (curve.hits.tolist(), curve.false.tolist()) == ([2], [1])
    area, _ = curve_estimates(tied, [2], seed=0, resamples=10)
    assert area.value == pytest.approx(2 / 3)


def test_recall_at_levels_of_false_finds() -> None:
    candidates = [Candidate(n % 4, 0.9 - 0.1 * n, n != 1, False) for n in range(5)]
    _, recalls = curve_estimates(candidates, [1, 1, 1, 1], seed=0, resamples=10)
    by_level = dict(zip(LEVELS, (one.value for one in recalls), strict=True))
    assert by_level[0.125] == pytest.approx(0.25)
    assert by_level[0.25] == pytest.approx(1.0)


def test_nothing_found_and_nothing_there() -> None:
    area, recalls = curve_estimates([], [0, 0], seed=0, resamples=10)
    assert math.isnan(area.value)
    assert all(math.isnan(one.value) for one in recalls)
    area, recalls = curve_estimates([], [1, 0], seed=0, resamples=10)
    assert area.value == 0
    assert recalls[0].value == 0
    assert math.isnan(ratio_estimate([0, 0], [0, 0], seed=0, exact="binomial").value)


@pytest.mark.parametrize(("part", "whole"), [(0, 10), (10, 10), (3, 17), (209, 215)])
def test_clopper_pearson_equals_scipy(part: int, whole: int) -> None:
    exact = binomtest(part, whole).proportion_ci(0.95, method="exact")
    assert clopper_pearson(part, whole) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_garwood_equals_its_table() -> None:
    assert garwood(0, 1) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert garwood(10, 1) == pytest.approx((4.7954, 18.3904), abs=1e-4)
    assert garwood(10, 100) == pytest.approx((0.047954, 0.183904), abs=1e-6)
    assert all(math.isnan(end) for end in garwood(0, 0))


def test_bootstrap_is_seeded_and_does_not_depend_on_chunks() -> None:
    whole = np.concatenate(list(resampled(7, seed=3, width=1, resamples=50)))
    parts = np.concatenate(list(resampled(7, seed=3, width=4_000_000 // 3, resamples=50)))
    assert whole.shape == (50, 7)
    assert (whole == parts).all()
    assert (whole.sum(axis=1) == 7).all()
    assert not (whole == np.concatenate(list(resampled(7, seed=4, resamples=50)))).all()


def test_the_bootstrap_interval_approaches_the_normal_one() -> None:
    rng = np.random.default_rng(1)
    part = rng.binomial(1, 0.3, 800).tolist()
    made = ratio_estimate(part, [1] * 800, seed=2, exact="binomial")
    spread = 1.96 * math.sqrt(made.value * (1 - made.value) / 800)
    assert made.bootstrap == pytest.approx((made.value - spread, made.value + spread), abs=0.006)


def test_clustered_errors_widen_the_bootstrap_interval_only() -> None:
    even = ratio_estimate([1] * 20 + [0] * 180, [5] * 200, seed=1, exact="binomial")
    heaped = ratio_estimate([5] * 4 + [0] * 196, [5] * 200, seed=1, exact="binomial")
    assert even.exact == heaped.exact
    assert heaped.bootstrap[1] - heaped.bootstrap[0] > 1.5 * (even.bootstrap[1] - even.bootstrap[0])


def test_an_unknown_exact_interval_is_refused() -> None:
    with pytest.raises(UsageError, match="exact interval"):
        ratio_estimate([1], [1], seed=0, exact="wald")
