"""The denominator and the corrected leukocyte count."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.denominator import apply_smudge_policy, corrected_wbc, corrected_wbc_interval, denominator
from counting.intervals import Interval, per_100
from counting.rules import SmudgePolicy


@pytest.mark.parametrize(("wbc", "nrbc", "corrected"), [(17_400, 8, 16_111), (15_000, 6, 14_151)])
def test_published_corrections(wbc: float, nrbc: float, corrected: int) -> None:
    result = corrected_wbc(wbc, nrbc)
    assert result is not None
    assert round(result) == corrected


@pytest.mark.parametrize(
    ("nrbc", "threshold", "changes"),
    [(4.9, 5.0, False), (5.0, 5.0, True), (0.0, 0.0, False), (0.1, 0.0, True), (50.0, None, False)],
)
def test_threshold(nrbc: float, threshold: float | None, changes: bool) -> None:
    assert (corrected_wbc(10.0, nrbc, threshold=threshold) is not None) is changes


@settings(deadline=None)
@given(st.floats(0.1, 1000), st.floats(5, 1000))
def test_correction_takes_the_erythroblasts_away(wbc: float, nrbc: float) -> None:
    corrected = corrected_wbc(wbc, nrbc)
    assert corrected is not None
    assert corrected < wbc
    assert corrected + corrected * nrbc / 100 == pytest.approx(wbc)


@pytest.mark.parametrize(
    ("wbc", "nrbc"), [(0.0, 5.0), (-1.0, 5.0), (5.0, -1.0), (math.nan, 5.0), (5.0, math.nan)]
)
def test_impossible(wbc: float, nrbc: float) -> None:
    with pytest.raises(UsageError, match="cannot correct"):
        corrected_wbc(wbc, nrbc)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(CellClass)), st.integers(0, 100)), st.sampled_from(SmudgePolicy))
def test_no_cell_is_lost(counts: dict[CellClass, int], policy: SmudgePolicy) -> None:
    before = dict(counts)
    changed = apply_smudge_policy(counts, policy)
    assert counts == before
    assert sum(changed.values()) == sum(counts.values())
    smudges = 0 if policy is SmudgePolicy.EXCLUDE else counts.get(CellClass.SMUDGE_CELL, 0)
    assert denominator(changed, policy) == smudges + sum(n for c, n in counts.items() if c.in_denominator)


def test_the_corrected_count_has_the_interval_of_the_erythroblasts() -> None:
    found = corrected_wbc_interval(2.1, per_100(1, 19))
    assert found.low < corrected_wbc(2.1, 100 / 19) < found.high < 2.1
    assert found.low == pytest.approx(1.57, abs=0.1)
    assert corrected_wbc_interval(2.1, Interval(0.0, 5.0)) == Interval(2.0, 2.1)
