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


def rates(recall: float = 0.93, missed: float = 0.05) -> np.ndarray:
    table = np.full((5, 5), (1 - recall) / 4)
    np.fill_diagonal(table, recall)
    return np.c_[table * (1 - missed), np.full(5, missed)]


def validation(
    table: np.ndarray, rng: np.random.Generator, classes: tuple[CellClass, ...] = FIVE
) -> ConfusionMatrix:
    drawn = np.stack([rng.multinomial(n, row) for n, row in zip(VALIDATION, table, strict=True)])
    return ConfusionMatrix(classes, drawn[:, :-1], drawn[:, -1])


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
    confusion = ConfusionMatrix(FIVE, np.eye(5, dtype=np.int64) * 100_000, np.zeros(5, np.int64))
    counts = dict(zip(FIVE, (600, 30, 300, 70, 50), strict=True))
    correction = correct(counts, confusion, np.random.default_rng(0))
    for share, percent in zip(correction.shares, (60, 3, 30, 7), strict=True):
        assert share.percent == pytest.approx(percent, abs=0.5)
        assert share.low < percent < share.high
    assert correction.missed_percent is None


def test_pooled_rows_and_order() -> None:
    confusion = ConfusionMatrix(CLASSIFIED, np.eye(10, dtype=np.int64) * 500 + 2, np.full(10, 5))
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
        np.array([0, 5, 0, 0, 0]), confusion.table, np.random.default_rng(0), chains=2, kept=50
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
    table = np.c_[QUAPY_TABLE, np.zeros(4, np.int64)]
    rng = np.random.default_rng(0)
    drawn = 100 * sample(np.array(found), table, rng, chains=8, kept=1000, prior=1.0).shares
    np.testing.assert_allclose(drawn.mean(axis=0), golden[0], atol=0.3)
    np.testing.assert_allclose(np.quantile(drawn, [0.025, 0.975], axis=0), golden[1:], atol=0.7)


def test_fit_is_good_under_the_model_and_poor_outside() -> None:
    rng = np.random.default_rng(5)
    counts = np.diag([2000, 2000, 2000]) + 250
    table = np.c_[counts, np.zeros(3, np.int64)]
    for found, fits in (([500, 200, 80], True), ([780, 0, 0], False)):
        posterior = sample(np.array(found), table, rng)
        assert (check_of_fit(np.array(found), posterior, rng) > 0.05) is fits
    confusion = ConfusionMatrix((C.NEUTROPHIL, C.LYMPHOCYTE, C.MONOCYTE), counts, np.zeros(3, np.int64))
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
    confusion = ConfusionMatrix(FIVE, counts, np.zeros(5, np.int64))
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
        ConfusionMatrix(classes, counts, missed)


def test_formula_carries_the_correction_beside_the_counts() -> None:
    confusion = validation(rates(), np.random.default_rng(0))
    counts = answers(rates(), 200, np.random.default_rng(1))
    plain = make_formula(counts, ranges=load_builtin("ru"))
    corrected = make_formula(counts, ranges=load_builtin("ru"), confusion=confusion)
    assert plain.correction is None
    assert corrected.correction is not None
    assert corrected.correction.shares
    assert corrected.lines == plain.lines
