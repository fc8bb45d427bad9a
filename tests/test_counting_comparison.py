"""Two counts of one sample: Fisher's test against scipy, the whole table, pooling, level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.comparison import compare_counts, fisher_exact
from counting.counts import parse_counts

C = CellClass
NORMAL = parse_counts(
    "neutrophil_segmented=57,neutrophil_band=3,eosinophil=3,basophil=1,lymphocyte=29,monocyte=7"
)
two_shares = st.tuples(st.integers(1, 200), st.integers(1, 200)).flatmap(
    lambda n: st.tuples(st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


@settings(deadline=None)
@given(two_shares)
def test_fisher_agrees_with_scipy(table: tuple[int, int, int, int]) -> None:
    a, n, b, m = table
    oracle = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert fisher_exact(a, n, b, m) == pytest.approx(oracle, rel=1e-6, abs=1e-12)
    assert fisher_exact(b, m, a, n) == pytest.approx(fisher_exact(a, n, b, m))


def test_equal_counts_agree() -> None:
    comparison = compare_counts(NORMAL, NORMAL, np.random.default_rng(0))
    assert comparison.p == 1.0
    assert not comparison.differs
    assert {row.p_adjusted for row in comparison.classes} == {1.0}
    assert comparison.total_first == comparison.total_second == 100


def test_different_counts_differ_and_the_class_is_named() -> None:
    other = {**NORMAL, C.LYMPHOCYTE: 60, C.NEUTROPHIL_SEGMENTED: 26}
    comparison = compare_counts(NORMAL, other, np.random.default_rng(0))
    assert comparison.differs
    assert {row.label for row in comparison.classes if row.differs} == {
        C.NEUTROPHIL,
        C.NEUTROPHIL_SEGMENTED,
        C.LYMPHOCYTE,
    }
    row = next(row for row in comparison.classes if row.label is C.LYMPHOCYTE)
    assert (row.n_first, row.n_second) == (29, 60)
    assert row.low_first < row.percent_first < row.high_first < row.percent_second


def test_whole_table_agrees_with_scipy_chi_square() -> None:
    other = {**NORMAL, C.LYMPHOCYTE: 40, C.MONOCYTE: 12, C.NEUTROPHIL_SEGMENTED: 41}
    first, second = ({label: 5 * n for label, n in counts.items()} for counts in (NORMAL, other))
    second[C.LYMPHOCYTE] = 165
    second[C.NEUTROPHIL_SEGMENTED] = 265
    table = [[counts[label] for label in NORMAL] for counts in (first, second)]
    oracle = stats.chi2_contingency(table, lambda_="log-likelihood").pvalue
    comparison = compare_counts(first, second, np.random.default_rng(0))
    assert 0.001 < oracle < 0.5
    assert comparison.p == pytest.approx(oracle, abs=0.02)


def test_level_is_kept() -> None:
    """Of 200 pairs of counts of one sample, more than 20 called different has odds of about 1 in 1,000."""
    rng = np.random.default_rng(2)
    shares = np.array(list(NORMAL.values())) / 100
    called = 0
    for _ in range(200):
        one, other = (dict(zip(NORMAL, map(int, rng.multinomial(100, shares)), strict=True)) for _ in "12")
        called += compare_counts(one, other, rng, replicates=199).differs
    assert called <= 20


def test_what_one_observer_did_not_split_is_compared_pooled() -> None:
    pooled = {**NORMAL, C.NEUTROPHIL: 60}
    del pooled[C.NEUTROPHIL_BAND], pooled[C.NEUTROPHIL_SEGMENTED]
    comparison = compare_counts(NORMAL, pooled, np.random.default_rng(0))
    labels = [row.label for row in comparison.classes]
    assert C.NEUTROPHIL in labels
    assert C.NEUTROPHIL_BAND not in labels
    assert comparison.p == 1.0


def test_finds_outside_the_denominator_do_not_matter() -> None:
    with_platelets = {**NORMAL, C.PLATELET: 300, C.UNIDENTIFIED: 9}
    plain = compare_counts(NORMAL, NORMAL, np.random.default_rng(0))
    assert compare_counts(NORMAL, with_platelets, np.random.default_rng(0)) == plain


def test_one_class_alone() -> None:
    assert compare_counts({C.LYMPHOCYTE: 5}, {C.LYMPHOCYTE: 50}, np.random.default_rng(0)).p == 1.0


@pytest.mark.parametrize("empty", [{}, {C.PLATELET: 5}])
def test_an_empty_count_is_refused(empty: dict[CellClass, int]) -> None:
    with pytest.raises(UsageError, match="second count"):
        compare_counts(NORMAL, empty, np.random.default_rng(0))
