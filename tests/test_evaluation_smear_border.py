"""Drawn smears on which the smear's border is held against the fixed one."""

from pathlib import Path

import numpy as np
import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from evaluation.answers import predict_set
from evaluation.classifier_sets import labelled_set
from evaluation.smear_border import EOSINOPHILS, SMEAR, compare_borders, draw_smears, main
from leukoformula.store import load_classifier
from tests.fakes import FakeClassifier

C = CellClass
LABELS = (C.NEUTROPHIL,) * 40 + (C.EOSINOPHIL,) * 10 + (C.LYMPHOCYTE,) * 20 + (C.MONOCYTE,) * 5


def test_smears_have_the_mix_that_is_asked_for() -> None:
    drawn = list(draw_smears(LABELS, 0.25, smears=200, seed=0))
    assert {len(cells) for cells in drawn} == {SMEAR}
    kinds = np.array([LABELS[n] for n in np.concatenate(drawn)])
    assert np.mean(kinds == C.EOSINOPHIL) == pytest.approx(0.25, abs=0.01)
    assert np.mean(kinds == C.NEUTROPHIL) == pytest.approx(0.75 * 0.635 / 0.994, abs=0.015)
    again = list(draw_smears(LABELS, 0.25, smears=200, seed=0))
    assert all(np.array_equal(one, other) for one, other in zip(drawn, again, strict=True))


def test_neutrophils_near_the_border_are_won_back() -> None:
    given = np.full((len(LABELS), len(CLASSIFIED)), 1e-6, np.float32)
    eosinophil, segmented = CLASSIFIED.index(C.EOSINOPHIL), CLASSIFIED.index(C.NEUTROPHIL_SEGMENTED)
    for n, label in enumerate(LABELS):
        if label is C.NEUTROPHIL:
            odds = -5.0 if n % 10 else 0.5
            given[n, eosinophil] = 1 / (1 + np.exp(-odds))
            given[n, segmented] = 1 - given[n, eosinophil]
        else:
            given[n, CLASSIFIED.index(label)] = 1
    rows = compare_borders(FakeClassifier(), given, LABELS, smears=30)
    assert len(rows) == len(EOSINOPHILS)
    fixed, own, over, over_own = rows[0]
    assert own > fixed + 0.04
    assert over > 0.04
    assert abs(over_own) < 0.01


@pytest.mark.data
def test_an_unseen_stain_is_counted_better_with_its_own_border(data: Path) -> None:
    cells = labelled_set("jtsc", data)
    classifier, _ = load_classifier("ensemble")
    given = predict_set(classifier, cells.crops, cells.whites)
    normal, *_, many = compare_borders(classifier, given, cells.labels, smears=60)
    assert normal[1] > normal[0] + 0.02
    assert normal[1] > 0.92
    assert abs(normal[3]) < 0.5 * normal[2]
    assert many[1] > many[0] - 0.01


def test_wrong_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", "nowhere", "--models", "nowhere", "--smears", "0"])
    assert "--smears" in capsys.readouterr().err
