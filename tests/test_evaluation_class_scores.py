"""Answers held against truth: pooled classes, right and wrong answers, figures of a small table."""

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from evaluation.class_scores import band_report, band_score, known_answers_only, pool_columns, report, score

BAND, SEGMENTED, NEUTROPHIL = CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED, CellClass.NEUTROPHIL
LYMPHOCYTE, ARTEFACT = CellClass.LYMPHOCYTE, CellClass.ARTEFACT


def answers(*chosen: dict[CellClass, float]) -> np.ndarray:
    return np.array([[row.get(c, 0.0) for c in CLASSIFIED] for row in chosen], np.float32)


def test_band_and_segmented_are_added_where_the_truth_does_not_split_them() -> None:
    probabilities = answers({BAND: 0.3, SEGMENTED: 0.3, LYMPHOCYTE: 0.4})
    columns, classes = pool_columns(probabilities, CLASSIFIED, [NEUTROPHIL, LYMPHOCYTE])
    assert columns[0, classes.index(NEUTROPHIL)] == pytest.approx(0.6)
    assert len(classes) == len(CLASSIFIED) - 1
    assert score(probabilities, CLASSIFIED, [NEUTROPHIL]).accuracy.value == 1.0


def test_they_are_kept_apart_where_it_does() -> None:
    probabilities = answers({BAND: 0.3, SEGMENTED: 0.2, LYMPHOCYTE: 0.4}, {BAND: 1.0})
    result = score(probabilities, CLASSIFIED, [NEUTROPHIL, BAND])
    assert set(CLASSIFIED) == set(result.answers)
    assert result.accuracy.hits == 1


def test_a_child_is_a_right_answer_to_a_pooled_truth() -> None:
    result = score(answers({BAND: 1.0}, {SEGMENTED: 1.0}), CLASSIFIED, [NEUTROPHIL, BAND])
    assert result.recall[NEUTROPHIL].hits == 1
    assert result.recall[BAND].hits == 0
    assert result.balanced_accuracy == 0.0


def test_an_answer_that_the_truth_does_not_know_is_an_error() -> None:
    result = score(answers({ARTEFACT: 1.0}, {LYMPHOCYTE: 1.0}), CLASSIFIED, [LYMPHOCYTE, LYMPHOCYTE])
    assert result.accuracy.value == 0.5
    assert result.confusion.sum() == 2


def test_figures_of_a_small_table() -> None:
    truth = [LYMPHOCYTE] * 10 + [CellClass.MONOCYTE] * 5
    given = [{LYMPHOCYTE: 1.0}] * 8 + [{CellClass.MONOCYTE: 1.0}] * 7
    result = score(answers(*given), CLASSIFIED, truth)
    assert result.accuracy.value == pytest.approx(13 / 15)
    assert result.balanced_accuracy == pytest.approx(0.9)
    assert result.precision[CellClass.MONOCYTE].value == pytest.approx(5 / 7)
    assert result.recall[LYMPHOCYTE].low == pytest.approx(0.4439, abs=1e-4)
    assert result.recall[LYMPHOCYTE].high == pytest.approx(0.9748, abs=1e-4)
    assert "13/15" in report(result)


def test_known_answers_leave_only_what_the_truth_knows() -> None:
    probabilities = np.full((1, len(CLASSIFIED)), 0.1, np.float32)
    probabilities[0, CLASSIFIED.index(CellClass.ARTEFACT)] = 0.9
    limited = known_answers_only(probabilities, CLASSIFIED, [CellClass.NEUTROPHIL, CellClass.MONOCYTE])
    left = {c for c, p in zip(CLASSIFIED, limited[0], strict=True) if p > 0}
    assert left == {CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED, CellClass.MONOCYTE}
    assert probabilities[0].max() == np.float32(0.9)


def test_bands_are_judged_together_and_by_themselves() -> None:
    given = answers(
        {BAND: 0.6, SEGMENTED: 0.4},
        {BAND: 0.6, SEGMENTED: 0.4},
        {BAND: 0.1, SEGMENTED: 0.3, LYMPHOCYTE: 0.35},
        {BAND: 0.2, SEGMENTED: 0.1, LYMPHOCYTE: 0.7},
        {SEGMENTED: 0.3, BAND: 0.3, LYMPHOCYTE: 0.4},
    )
    found = band_score(given, CLASSIFIED, [BAND, SEGMENTED, SEGMENTED, BAND, LYMPHOCYTE])
    assert found is not None
    assert (found.pooled.hits, found.pooled.total) == (3, 5)
    assert (found.called.hits, found.called.total) == (1, 4)
    assert (found.likelier.hits, found.likelier.total) == (3, 4)
    assert "3/5" in band_report(found).splitlines()[0]


def test_a_truth_without_bands_has_no_score_of_them() -> None:
    assert band_score(answers({LYMPHOCYTE: 1.0}), CLASSIFIED, [NEUTROPHIL]) is None
