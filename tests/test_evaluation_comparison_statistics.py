"""The statistics of a comparison, against other programs and hand-worked values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, linregress, theilslopes
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_recall_fscore_support

from cells.errors import UsageError
from cells.vocabulary import CLASSIFIED, CellClass
from evaluation.comparison import report_text
from evaluation.comparison.bootstrap import Estimate, by_group, group_numbers, interval, resampled
from evaluation.comparison.formulas import ClassAgreement
from evaluation.comparison.judging import Judgement, judge
from evaluation.comparison.pairs import compare_pairs
from evaluation.comparison.regression import Line, bland_altman, correlation, passing_bablok, ranked_alike
from evaluation.comparison.reliability import reliability
from evaluation.comparison.significance import holm, mcnemar

C = CellClass


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_of_a_fair_coin(one: int, other: int) -> None:
    expected = binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
    assert mcnemar(one, other) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(one, other) == mcnemar(other, one)


def test_mcnemar_by_hand() -> None:
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)
    assert mcnemar(3, 3) == 1.0
    with pytest.raises(UsageError):
        mcnemar(-1, 2)


def test_holm_by_hand() -> None:
    # 0.01 × 4, 0.02 × 3, 0.03 × 2 raised to what stands before it, 0.5 × 1
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_its_steps_reject(values: list[float]) -> None:
    order = sorted(range(len(values)), key=values.__getitem__)
    rejected = set()
    for rank, number in enumerate(order):
        if values[number] * (len(values) - rank) >= 0.05:
            break
        rejected.add(number)
    assert {k for k, p in enumerate(holm(values)) if p < 0.05} == rejected


METHOD_1 = np.arange(1.0, 21.0)
METHOD_2 = np.array(
    [
        *(1.03, 2.05, 2.79, 3.67, 5.00, 5.82, 7.16, 7.69, 8.53, 10.38),
        *(11.11, 12.17, 13.47, 13.83, 15.15, 16.12, 16.94, 18.09, 19.13, 19.54),
    ]
)


def test_passing_bablok_gives_what_mcr_gives() -> None:
    """Values of mcreg(method.reg="PaBa", method.ci="analytical") of the R package mcr."""
    line = passing_bablok(METHOD_1, METHOD_2)
    assert line.slope.value == pytest.approx(1.0050, abs=1e-4)
    assert (line.slope.low, line.slope.high) == pytest.approx((0.9848077, 1.0265805), rel=2e-3)
    assert line.intercept.value == pytest.approx(0.0125, abs=1e-4)
    assert (line.intercept.low, line.intercept.high) == pytest.approx((-0.2975146, 0.1393271), abs=0.02)


def test_without_falling_slopes_it_is_the_line_of_theil_and_sen() -> None:
    expected = theilslopes(METHOD_2, METHOD_1, method="joint")
    line = passing_bablok(METHOD_1, METHOD_2)
    assert (line.slope.value, line.intercept.value) == pytest.approx((expected.slope, expected.intercept))
    assert (line.slope.low, line.slope.high) == pytest.approx((expected.low_slope, expected.high_slope))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_passing_bablok_prefers_neither_method(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.normal(10, 3, 25)
    second = 1.3 * first + rng.normal(0, 1, 25)
    there, back = passing_bablok(first, second).slope, passing_bablok(second, first).slope
    assert there.value == pytest.approx(1 / back.value, rel=0.02)  # medians of an even number differ a little
    assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))


def test_passing_bablok_of_equal_points_has_no_line() -> None:
    same = np.full(6, 3.0)
    assert math.isnan(passing_bablok(same, same).slope.value)
    assert math.isnan(passing_bablok(same, np.arange(6.0)).slope.value)


def test_bland_altman_by_hand() -> None:
    limits = bland_altman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 5.0, 5.0]))
    assert limits.bias.value == 1.0
    assert limits.sd == pytest.approx(math.sqrt(2 / 3))
    assert (limits.low, limits.high) == pytest.approx((1 - 1.96 * limits.sd, 1 + 1.96 * limits.sd))
    assert limits.bias.high - 1 == pytest.approx(3.182446 * limits.sd / 2, rel=1e-6)


def test_correlation() -> None:
    assert correlation(METHOD_1, METHOD_2) == pytest.approx(linregress(METHOD_1, METHOD_2).rvalue)
    assert math.isnan(correlation(np.ones(4), np.arange(4.0)))


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.65, 0.65, 0.65, 0.65, 0.95, 0.95])
    right = np.array([True, True, False, False, True, True])
    found = reliability(confidence, right, seed=0, bins=10)
    assert [one.right.hits for one in found.bins] == [2, 2]
    assert found.error == pytest.approx((4 * 0.15 + 2 * 0.05) / 6)
    assert found.confidence == pytest.approx(0.75)


def test_bins_hold_their_upper_end_and_probability_0() -> None:
    found = reliability(np.array([0.0, 0.5, 1.0]), np.array([False, True, True]), seed=0, bins=2)
    assert [(one.low, one.high, one.right.total) for one in found.bins] == [(0.0, 0.5, 2), (0.5, 1.0, 1)]


def test_a_calibrated_classifier_errs_no_more_than_by_chance_and_a_boastful_one_does() -> None:
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.3, 1.0, 3000)
    honest = reliability(confidence, rng.random(3000) < confidence, seed=1)
    boastful = reliability(confidence, rng.random(3000) < confidence - 0.15, seed=1)
    assert honest.error < honest.by_chance < boastful.error


def test_groups_stay_together() -> None:
    assert group_numbers(["a", "", "b", "a", ""]).tolist() == [0, 1, 2, 0, 3]
    sums = by_group(np.array([[1.0], [2.0], [4.0], [8.0], [16.0]]), group_numbers(["a", "", "b", "a", ""]))
    assert sums.ravel().tolist() == [9.0, 2.0, 4.0, 16.0]


def test_drawings_follow_the_seed_and_keep_the_number_of_groups() -> None:
    sums = np.stack([np.arange(7.0), np.ones(7)], axis=1)
    draws = resampled(sums, seed=3, resamples=500)
    assert (draws[:, 1] == 7).all()
    assert (draws == resampled(sums, seed=3, resamples=500)).all()
    assert abs(draws[:, 0].mean() - 21) < 1.0


def test_the_interval_of_a_mean_covers_as_it_should() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        values = rng.normal(5, 2, (60, 1))
        low, high = interval(resampled(values, seed=seed, resamples=400)[:, 0] / 60)
        covered += low <= 5 <= high
    assert 180 <= covered <= 199


def test_cells_of_one_group_widen_the_interval() -> None:
    right = np.repeat(np.array([True, False] * 5), 20)
    labels = [C.LYMPHOCYTE] * 200
    other = np.zeros(200, np.bool_)
    single = compare_pairs(["a", "b"], [right, other], labels, [""] * 200, seed=0)[0].gain
    grouped = compare_pairs(["a", "b"], [right, other], labels, [str(k // 20) for k in range(200)], seed=0)[0]
    assert grouped.gain.high - grouped.gain.low > 3 * (single.high - single.low)


KINDS = [C.LYMPHOCYTE, C.MONOCYTE, C.EOSINOPHIL]


def _judged(seed: int, *, known_answers: bool = False) -> tuple[Judgement, list[CellClass], list[CellClass]]:
    rng = np.random.default_rng(seed)
    labels = [KINDS[k] for k in rng.integers(0, 3, 300)]
    probabilities = rng.dirichlet(np.full(len(CLASSIFIED), 0.3), 300).astype(np.float32)
    for row, label in zip(probabilities, labels, strict=True):
        row[CLASSIFIED.index(label)] += 0.4
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    answers = [CLASSIFIED[k] for k in probabilities.argmax(axis=1)]
    found = judge(
        "x", probabilities, CLASSIFIED, labels, [""] * 300, seed=0, known_answers=known_answers, resamples=300
    )
    return found, labels, answers


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_figures_are_those_of_scikit_learn() -> None:
    found, labels, answers = _judged(2)
    truth, said = [str(label) for label in labels], [str(answer) for answer in answers]
    names = [str(label) for label in found.score.truths]
    precision, recall, f1, _ = precision_recall_fscore_support(truth, said, labels=names, zero_division=0)
    for k, label in enumerate(found.score.truths):
        assert found.score.precision[label].value == pytest.approx(precision[k])
        assert found.score.recall[label].value == pytest.approx(recall[k])
        assert found.f1[label].value == pytest.approx(f1[k])
        assert found.f1[label].low < f1[k] < found.f1[label].high
    assert found.balanced.value == pytest.approx(balanced_accuracy_score(truth, said))
    assert found.macro_f1.value == pytest.approx(f1_score(truth, said, labels=names, average="macro"))
    assert found.balanced.low < found.balanced.value < found.balanced.high
    assert found.right.mean() == pytest.approx(found.score.accuracy.value)


def test_known_answers_leave_probabilities_that_sum_to_1() -> None:
    free, _, _ = _judged(3)
    held, _, _ = _judged(3, known_answers=True)
    assert set(held.answers) <= set(KINDS)
    assert held.score.accuracy.hits > free.score.accuracy.hits
    assert (held.probability >= free.probability - 1e-6).all()


def test_labels_that_name_a_parent_are_scored_as_the_parent() -> None:
    row = np.zeros(len(CLASSIFIED), np.float32)
    row[CLASSIFIED.index(C.NEUTROPHIL_BAND)] = 0.3
    row[CLASSIFIED.index(C.NEUTROPHIL_SEGMENTED)] = 0.25
    row[CLASSIFIED.index(C.MONOCYTE)] = 0.45
    pooled_truth = judge("x", row[None], CLASSIFIED, [C.NEUTROPHIL], [""], seed=0, resamples=10)
    split_truth = judge("x", row[None], CLASSIFIED, [C.NEUTROPHIL_BAND], [""], seed=0, resamples=10)
    assert pooled_truth.answers == (C.NEUTROPHIL,)
    assert pooled_truth.finest == (C.NEUTROPHIL_BAND,)
    assert pooled_truth.probability[0] == pytest.approx(0.55)
    assert pooled_truth.right.all()
    assert split_truth.answers == (C.MONOCYTE,)
    assert not split_truth.right.any()


def test_pairs_count_whom_the_other_misses() -> None:
    labels = [C.MONOCYTE] * 6 + [C.BASOPHIL] * 4
    first = np.array([1, 1, 1, 1, 1, 1, 0, 0, 1, 1], np.bool_)
    second = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 0], np.bool_)
    (pair,) = compare_pairs(["a", "b"], [first, second], labels, [""] * 10, seed=0)
    assert (pair.whole.only_first, pair.whole.only_second) == (7, 2)
    assert pair.whole.p == pytest.approx(binomtest(2, 9).pvalue) == pair.whole.p_adjusted
    assert pair.gain.value == pytest.approx(0.5)
    assert pair.gain.low < 0.5 < pair.gain.high
    monocytes = pair.classes[C.MONOCYTE]
    assert (monocytes.only_first, monocytes.only_second, monocytes.cells) == (6, 0, 6)
    assert monocytes.p_adjusted == pytest.approx(2 * 2 / 2**6)
    assert not monocytes.beyond_chance


def test_a_line_through_points_without_an_order_is_not_accepted() -> None:
    rng = np.random.default_rng(5)
    truth = np.linspace(20, 40, 20)
    noise = rng.permutation(truth)
    assert ranked_alike(truth, truth + rng.normal(0, 1, 20))
    assert not ranked_alike(truth, noise)
    assert not ranked_alike(truth, truth[::-1])
    assert not ranked_alike(truth, np.full(20, 30.0))
    line = Line(Estimate(1.0), Estimate(0.0))
    limits = bland_altman(truth, noise)
    shuffled = ClassAgreement(CellClass.MONOCYTE, truth, noise, line, 0.0, limits)
    ordered = ClassAgreement(CellClass.MONOCYTE, truth, truth, line, 1.0, limits)
    assert shuffled.accepted is None
    assert ordered.accepted is True


def test_a_rounded_zero_has_no_sign() -> None:
    assert report_text.number(-0.001, 2) == "0.00"
    assert report_text.number(-0.006, 2) == "−0.01"
