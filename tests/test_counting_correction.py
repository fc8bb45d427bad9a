"""Correction for classifier errors: recovery, coverage, golden values, refusals, speed of thought."""

import numpy as np
import pytest

from cells.errors import DataError
from cells.vocabulary import CLASSIFIED, CellClass
from counting.correction import ConfusionMatrix, check_of_fit, correct, sample
from counting.formula import make_formula
from counting.notes import NOTES
from counting.ranges_file import load_builtin

C = CellClass
FIVE = (C.NEUTROPHIL, C.EOSINOPHIL, C.LYMPHOCYTE, C.MONOCYTE, C.ARTEFACT)
SHARES = np.array([0.58, 0.03, 0.28, 0.07, 0.04])
VALIDATION = (2660, 322, 1034, 234, 300)
NONE_SOUGHT = (np.zeros(5, np.int64), np.zeros(5, np.int64))


def rates(recall: float = 0.93, missed: float = 0.05) -> np.ndarray:
    table = np.full((5, 5), (1 - recall) / 4)
    np.fill_diagonal(table, recall)
    return np.c_[table * (1 - missed), np.full(5, missed)]


def validation(
    table: np.ndarray, rng: np.random.Generator, classes: tuple[CellClass, ...] = FIVE
) -> ConfusionMatrix:
    drawn = np.stack([rng.multinomial(n, row) for n, row in zip(VALIDATION, table, strict=True)])
    return ConfusionMatrix(classes, classes, drawn[:, :-1], drawn[:, -1], drawn.sum(axis=1))


def answers(table: np.ndarray, cells: int, rng: np.random.Generator) -> dict[CellClass, int]:
    behind = rng.multinomial(cells, SHARES)
    found = sum(rng.multinomial(n, row) for n, row in zip(behind, table, strict=True))
    return {label: int(n) for label, n in zip(FIVE, found[:-1], strict=True)}


def test_covers_the_true_shares() -> None:
    """Of 60 intervals for each class, nominal 95 %, fewer than 52 holding has odds of about 1 in 1,000."""
    rng, table = np.random.default_rng(3), rates()
    truth = 100 * SHARES[:4] / SHARES[:4].sum()
    held = np.zeros(4)
    for _ in range(60):
        correction = correct(answers(table, 1000, rng), validation(table, rng), rng)
        assert correction.uncorrected == ""
        held += [
            share.low <= true <= share.high for share, true in zip(correction.shares, truth, strict=True)
        ]
    assert held.min() >= 52


def test_takes_bias_away() -> None:
    rng, table = np.random.default_rng(4), rates(recall=0.85)
    expected = np.round(20_000 * SHARES @ table)[:-1]
    counts = {label: int(n) for label, n in zip(FIVE, expected, strict=True)}
    correction = correct(counts, validation(table, rng), rng)
    truth = 100 * SHARES[:4] / SHARES[:4].sum()
    plain = np.array([counts[label] for label in FIVE[:4]])
    corrected = np.array([share.percent for share in correction.shares])
    assert np.abs(100 * plain / plain.sum() - truth).max() > 3
    assert np.abs(corrected - truth).max() < 2
    assert correction.missed_percent == pytest.approx(5, abs=1.5)


def test_a_faultless_classifier_leaves_the_shares() -> None:
    confusion = ConfusionMatrix(FIVE, FIVE, np.eye(5, dtype=np.int64) * 100_000, *NONE_SOUGHT)
    counts = dict(zip(FIVE, (600, 30, 300, 70, 50), strict=True))
    correction = correct(counts, confusion, np.random.default_rng(0))
    for share, percent in zip(correction.shares, (60, 3, 30, 7), strict=True):
        assert share.percent == pytest.approx(percent, abs=0.5)
        assert share.low < percent < share.high
    assert correction.missed_percent is None


def test_pooled_rows_and_order() -> None:
    confusion = ConfusionMatrix(
        CLASSIFIED, CLASSIFIED, np.eye(10, dtype=np.int64) * 500 + 2, np.full(10, 5), np.full(10, 525)
    )
    counts = dict.fromkeys(CLASSIFIED, 20)
    shares = {share.label: share for share in correct(counts, confusion, np.random.default_rng(0)).shares}
    assert list(shares) == [label for label in CellClass if label in shares]
    assert set(shares) == {C.NEUTROPHIL} | {label for label in CLASSIFIED if label.in_denominator}
    pooled = shares[C.NEUTROPHIL_BAND].percent + shares[C.NEUTROPHIL_SEGMENTED].percent
    assert shares[C.NEUTROPHIL].percent == pytest.approx(pooled)
    total = sum(share.percent for label, share in shares.items() if label is not C.NEUTROPHIL)
    assert total == pytest.approx(100)


def test_same_seed_same_answer_and_inputs_untouched() -> None:
    table = rates()
    confusion = validation(table, np.random.default_rng(1))
    counts = answers(table, 300, np.random.default_rng(2))
    before = confusion.counts.copy(), confusion.missed.copy(), dict(counts)
    first = correct(counts, confusion, np.random.default_rng(7))
    assert correct(counts, confusion, np.random.default_rng(7)) == first
    assert np.array_equal(before[0], confusion.counts)
    assert np.array_equal(before[1], confusion.missed)
    assert before[2] == counts


def test_posterior_holds_probabilities() -> None:
    confusion = validation(rates(), np.random.default_rng(1))
    posterior = sample(
        np.array([0, 5, 0, 0, 0]),
        confusion.counts,
        np.random.default_rng(0),
        missed=confusion.missed,
        sought=confusion.sought,
        chains=2,
        kept=50,
    )
    assert posterior.shares.shape == (100, 5)
    assert posterior.rates.shape == (100, 5, 6)
    assert np.isfinite(posterior.shares).all()
    assert posterior.shares.min() >= 0
    np.testing.assert_allclose(posterior.shares.sum(axis=1), 1)
    np.testing.assert_allclose(posterior.rates.sum(axis=2), 1)


# QuaPy 0.2.3 with jax 0.6.2 and numpyro 0.19.0: quapy.method._bayesian.sample_posterior(found, table,
# num_warmup=1000, num_samples=20000, seed=1), that is its BayesianCC with all priors 1; mean, 2.5 % and
# 97.5 % quantile of P_test(Y), in percent.
QUAPY_TABLE = np.array([[2520, 20, 70, 50], [9, 300, 5, 8], [30, 4, 980, 20], [10, 4, 12, 208]])
QUAPY = [
    (
        [230, 14, 120, 36],
        [[59.00, 3.18, 29.44, 8.38], [53.56, 1.34, 24.65, 5.36], [64.21, 5.46, 34.48, 11.89]],
    ),
    (
        [70, 3, 20, 7],
        [[71.10, 3.36, 18.86, 6.68], [60.86, 0.39, 11.02, 1.78], [80.41, 8.36, 28.01, 13.41]],
    ),
]


@pytest.mark.parametrize(("found", "golden"), QUAPY)
def test_agrees_with_quapy(found: list[int], golden: list[list[float]]) -> None:
    rng = np.random.default_rng(0)
    drawn = 100 * sample(np.array(found), QUAPY_TABLE, rng, chains=8, kept=1000, prior=1.0).shares
    np.testing.assert_allclose(drawn.mean(axis=0), golden[0], atol=0.3)
    np.testing.assert_allclose(np.quantile(drawn, [0.025, 0.975], axis=0), golden[1:], atol=0.7)


def test_fit_is_good_under_the_model_and_poor_outside() -> None:
    rng = np.random.default_rng(5)
    counts = np.diag([2000, 2000, 2000]) + 250
    for found, fits in (([500, 200, 80], True), ([780, 0, 0], False)):
        posterior = sample(np.array(found), counts, rng)
        assert (check_of_fit(np.array(found), posterior, rng) > 0.05) is fits
    three = (C.NEUTROPHIL, C.LYMPHOCYTE, C.MONOCYTE)
    confusion = ConfusionMatrix(three, three, counts, np.zeros(3, np.int64), np.zeros(3, np.int64))
    correction = correct({C.NEUTROPHIL: 780}, confusion, rng)
    assert (correction.uncorrected, correction.shares) == ("poor_fit", ())


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({C.NEUTROPHIL: 19}, "few_cells_for_correction"),
        ({}, "few_cells_for_correction"),
        ({C.NEUTROPHIL: 200, C.BLAST: 1}, "class_not_validated"),
        ({C.NEUTROPHIL: 200, C.UNIDENTIFIED: 1}, "class_not_validated"),
    ],
)
def test_says_why_nothing_is_corrected(counts: dict[CellClass, int], reason: str) -> None:
    correction = correct(counts, validation(rates(), np.random.default_rng(0)), np.random.default_rng(0))
    assert (correction.uncorrected, correction.shares) == (reason, ())
    assert reason in NOTES


def test_small_validation_is_not_trusted() -> None:
    counts = np.eye(5, dtype=np.int64) * 100
    counts[3, 3] = 19
    confusion = ConfusionMatrix(FIVE, FIVE, counts, *NONE_SOUGHT)
    assert correct({C.NEUTROPHIL: 200}, confusion, np.random.default_rng(0)).uncorrected == "small_validation"


@pytest.mark.parametrize(
    ("classes", "counts", "missed"),
    [
        (FIVE, np.zeros((4, 5), np.int64), np.zeros(5, np.int64)),
        (FIVE, np.zeros((5, 5), np.int64), np.zeros(4, np.int64)),
        (FIVE[:1], np.zeros((1, 1), np.int64), np.zeros(1, np.int64)),
        ((C.BLAST, C.BLAST), np.zeros((2, 2), np.int64), np.zeros(2, np.int64)),
        (FIVE[:2], np.array([[3, -1], [0, 2]]), np.zeros(2, np.int64)),
    ],
)
def test_faulty_matrices(classes: tuple[CellClass, ...], counts: np.ndarray, missed: np.ndarray) -> None:
    with pytest.raises(DataError, match="confusion matrix"):
        ConfusionMatrix(classes, classes, counts, missed, missed)


def test_more_missed_than_sought_and_a_class_that_is_no_answer() -> None:
    counts = np.eye(5, dtype=np.int64) * 30
    with pytest.raises(DataError, match="negative"):
        ConfusionMatrix(FIVE, FIVE, counts, np.full(5, 3), np.full(5, 2))
    with pytest.raises(DataError, match="among its answers"):
        ConfusionMatrix(FIVE, (*FIVE[:4], C.UNIDENTIFIED), counts, *NONE_SOUGHT)


def abstaining(share: float) -> ConfusionMatrix:
    """A classifier that leaves this share of each class unidentified."""
    counts = np.c_[np.eye(5, dtype=np.int64) * 1000 + 5, np.full(5, round(1000 * share))]
    return ConfusionMatrix(FIVE, (*FIVE, C.UNIDENTIFIED), counts, *NONE_SOUGHT)


def test_unidentified_cells_belong_to_some_class() -> None:
    counts = {C.NEUTROPHIL: 120, C.EOSINOPHIL: 8, C.LYMPHOCYTE: 60, C.MONOCYTE: 14, C.UNIDENTIFIED: 11}
    correction = correct(counts, abstaining(0.05), np.random.default_rng(0))
    assert correction.uncorrected == ""
    total = sum(share.percent for share in correction.shares)
    assert total == pytest.approx(100)


def test_many_unidentified_cells_speak_against_the_validation() -> None:
    counts = {C.NEUTROPHIL: 120, C.EOSINOPHIL: 8, C.LYMPHOCYTE: 60, C.MONOCYTE: 14, C.UNIDENTIFIED: 40}
    assert correct(counts, abstaining(0.02), np.random.default_rng(0)).uncorrected == "many_unidentified"


def test_a_split_of_little_weight_is_wide_and_adds_up() -> None:
    pair = (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED)
    none = np.zeros(2, np.int64)
    sure = ConfusionMatrix(pair, pair, np.array([[96, 9], [34, 76]]), none, none)
    loose = ConfusionMatrix(pair, pair, sure.counts, none, none, effective=4.0)
    assert sure.evidence.sum() == 215
    assert loose.evidence.sum(axis=1) == pytest.approx([4, 4])
    matrix = ConfusionMatrix(FIVE, FIVE, np.eye(5, dtype=np.int64) * 1000 + 3, *NONE_SOUGHT)
    found = {C.NEUTROPHIL_BAND: 50, C.NEUTROPHIL_SEGMENTED: 70, C.LYMPHOCYTE: 70, C.MONOCYTE: 10}
    widths = {}
    for name, split in (("sure", sure), ("loose", loose)):
        correction = correct(found, matrix, np.random.default_rng(0), split=split)
        shares = {share.label: share for share in correction.shares}
        assert correction.unsplit == ""
        total = shares[pair[0]].percent + shares[pair[1]].percent
        assert total == pytest.approx(shares[C.NEUTROPHIL].percent)
        widths[name] = shares[pair[0]].high - shares[pair[0]].low
    assert widths["loose"] > 1.3 * widths["sure"]


def test_a_split_that_does_not_fit_leaves_the_pooled_class() -> None:
    pair = (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED)
    none = np.zeros(2, np.int64)
    split = ConfusionMatrix(pair, pair, np.array([[960, 90], [340, 760]]), none, none)
    matrix = ConfusionMatrix(FIVE, FIVE, np.eye(5, dtype=np.int64) * 1000 + 3, *NONE_SOUGHT)
    found = {C.NEUTROPHIL_BAND: 3, C.NEUTROPHIL_SEGMENTED: 117, C.LYMPHOCYTE: 70, C.MONOCYTE: 10}
    correction = correct(found, matrix, np.random.default_rng(0), split=split)
    assert correction.unsplit == "split_poor_fit"
    assert correction.unsplit in NOTES
    labels = {share.label for share in correction.shares}
    assert C.NEUTROPHIL in labels
    assert not labels & set(pair)


def test_a_class_that_the_detector_misses_gains() -> None:
    """Every second eosinophil is missed: their true share is near twice the plain one."""
    counts = np.eye(5, dtype=np.int64) * 2000 + 5
    missed, sought = np.array([0, 1000, 0, 0, 0]), np.full(5, 2000)
    confusion = ConfusionMatrix(FIVE, FIVE, counts, missed, sought)
    found = {C.NEUTROPHIL: 600, C.EOSINOPHIL: 50, C.LYMPHOCYTE: 300, C.MONOCYTE: 50}
    correction = correct(found, confusion, np.random.default_rng(0))
    shares = {share.label: share for share in correction.shares}
    assert shares[C.EOSINOPHIL].percent == pytest.approx(100 * 100 / 1050, abs=1.5)
    assert correction.missed_percent == pytest.approx(100 * 50 / 1050, abs=1)


def test_formula_carries_the_correction_beside_the_counts() -> None:
    counts = answers(rates(), 200, np.random.default_rng(1))
    correction = correct(counts, validation(rates(), np.random.default_rng(0)), np.random.default_rng(0))
    plain = make_formula(counts, ranges=load_builtin("ru"))
    corrected = make_formula(counts, ranges=load_builtin("ru"), correction=correction)
    assert plain.correction is None
    assert corrected.correction is correction
    assert corrected.correction.shares
    assert corrected.lines == plain.lines
