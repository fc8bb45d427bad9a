"""The border between eosinophils and neutrophils that each smear sets."""

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.ensemble import EnsembleClassifier
from classifiers.smear_border import MOST, SLOPE, USUAL, border_shift, move_border, neutrophil_odds
from tests.fakes import FakeClassifier

C = CellClass
BAND, SEGMENTED, EOSINOPHIL, LYMPHOCYTE = (
    CLASSIFIED.index(label)
    for label in (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED, C.EOSINOPHIL, C.LYMPHOCYTE)
)
ONE = FakeClassifier()


def answers(odds: list[float], *, lymphocyte: float = 0.0, band: float = 0.25) -> np.ndarray:
    """Answers whose log odds of eosinophil against neutrophil are these."""
    found = np.zeros((len(odds), len(CLASSIFIED)), np.float32)
    eosinophil = 1.0 / (1.0 + np.exp(-np.array(odds, float)))
    found[:, EOSINOPHIL] = (1 - lymphocyte) * eosinophil
    found[:, BAND] = (1 - lymphocyte) * (1 - eosinophil) * band
    found[:, SEGMENTED] = (1 - lymphocyte) * (1 - eosinophil) * (1 - band)
    found[:, LYMPHOCYTE] = lymphocyte
    return found


def test_usual_neutrophils_leave_the_border_where_it_is() -> None:
    assert border_shift(ONE, answers([USUAL] * 60)) == pytest.approx(0, abs=0.01)
    assert neutrophil_odds(ONE, answers([USUAL] * 60)) == pytest.approx(USUAL, abs=0.05)


@pytest.mark.parametrize("median", [-8.4, -7.6, -6.2, -5.4])
def test_the_border_follows_the_neutrophils(median: float) -> None:
    given = answers([median - 1, median, median + 1] * 300)
    assert border_shift(ONE, given) == pytest.approx(SLOPE * (median - USUAL), abs=0.1)


def test_the_border_moves_no_further_than_its_bound_and_less_for_few_cells() -> None:
    assert border_shift(ONE, answers([-2.0] * 995)) == pytest.approx(MOST, rel=0.01)
    assert border_shift(ONE, answers([-11.0] * 995)) == pytest.approx(-MOST, rel=0.01)
    assert border_shift(ONE, answers([-2.0] * 5)) == pytest.approx(MOST / 2)


def test_a_smear_without_neutrophils_moves_nothing() -> None:
    for given in (answers([]), answers([4.0] * 9), answers([-4.0] * 9, lymphocyte=0.9)):
        assert border_shift(ONE, given) == 0
        assert neutrophil_odds(ONE, given) is None


def test_many_sure_eosinophils_hold_the_border() -> None:
    few, some, many = ([-4.0] * 100 + [5.0] * n for n in (2, 7, 20))
    shifts = [border_shift(ONE, answers(odds)) for odds in (few, some, many)]
    assert shifts[0] == pytest.approx(MOST, rel=0.06)
    assert shifts[0] > shifts[1] > shifts[2] == 0
    clear = answers([-9.0] * 100 + [5.0] * 20)
    assert border_shift(ONE, clear) == pytest.approx(SLOPE * (-9 - USUAL), rel=0.1)


def test_eosinophils_do_not_move_the_median() -> None:
    alone, beside = answers([-4.0] * 50), answers([-4.0] * 50 + [0.5] * 40)
    assert border_shift(ONE, alone) == pytest.approx(border_shift(ONE, beside))


def test_cells_in_any_order_set_the_same_border() -> None:
    given = answers(list(np.linspace(-9, 5, 41)))
    turned = np.random.default_rng(1).permutation(given)
    assert border_shift(ONE, given) == border_shift(ONE, turned)


def test_moving_the_border_changes_nothing_else() -> None:
    given = answers(list(np.linspace(-6, 6, 25)), lymphocyte=0.3)
    moved = move_border(ONE, given, 0.8)
    assert np.allclose(moved.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(moved[:, LYMPHOCYTE], given[:, LYMPHOCYTE])
    assert np.allclose(moved[:, BAND] * 3, moved[:, SEGMENTED], rtol=1e-5)
    odds = [np.log(one[:, EOSINOPHIL] / (one[:, BAND] + one[:, SEGMENTED])) for one in (given, moved)]
    assert np.allclose(odds[0] - odds[1], 0.8, atol=1e-3)
    assert np.allclose(move_border(ONE, given, 0.0), given, atol=1e-7)
    nothing = answers([0.0], lymphocyte=1.0)
    assert np.array_equal(move_border(ONE, nothing, 1.0), nothing)


def test_the_temperature_of_an_ensemble_is_taken_out() -> None:
    plain = EnsembleClassifier([ONE, ONE], [1, 1])
    sharp = EnsembleClassifier([ONE, ONE], [1, 1], temperature=0.7)
    given = answers([-5.0, -4.0, -6.0] * 30 + [1.0, 2.5])
    sharpened = sharp.combined([given, given])
    shift = border_shift(plain, given)
    assert border_shift(sharp, sharpened) == pytest.approx(shift, abs=0.01)
    for shifted in (-0.9, shift):
        kinds = [
            move_border(one, p, shifted)[:, EOSINOPHIL] > 0.5
            for one, p in ((plain, given), (sharp, sharpened))
        ]
        assert np.array_equal(*kinds)
