"""What adaptation gains, measured by drawing labelled cells over and over."""

import numpy as np
import pytest
from adaptation_cases import FakeNetwork, site_cells

from cells.errors import DataError
from cells.vocabulary import CellClass
from classifiers.adapt_cnn import site_answers
from evaluation import adaptation
from evaluation.adaptation import HEAD, SITES, Run, line, runs
from evaluation.classifier_sets import SETS


def test_a_systematic_error_is_gained_and_nothing_is_not() -> None:
    site = site_answers(FakeNetwork(), site_cells(count=60, wrong=True))  # type: ignore[arg-type]
    (wrong,) = runs(site, cells=24, count=1, seed=0, other=site.probabilities)
    assert wrong.accepted and wrong.before[0] == pytest.approx(0.5, abs=0.2) and wrong.after[0] > 0.9
    assert wrong.ensemble_before == wrong.before[0] and np.isnan(wrong.absent_before)
    site = site_answers(FakeNetwork(), site_cells(count=60))  # type: ignore[arg-type]
    (right,) = runs(site, cells=24, count=1, seed=0)
    assert not right.accepted and right.before == right.after == (1.0, 1.0)
    assert np.isnan(right.ensemble_after)


def test_classes_that_were_not_labelled_are_judged_by_themselves() -> None:
    labels = (CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL, CellClass.ERYTHROBLAST, CellClass.EOSINOPHIL)
    site = site_answers(FakeNetwork(), site_cells(count=80, labels=labels))  # type: ignore[arg-type]
    (run,) = runs(site, cells=24, count=1, seed=0, normal_only=True)
    assert run.absent_before == run.absent_after == 0.0


def test_too_small_a_set_is_refused() -> None:
    site = site_answers(FakeNetwork(), site_cells())  # type: ignore[arg-type]
    with pytest.raises(DataError, match="too few to label 24"):
        next(runs(site, cells=24, count=1, seed=0))


def test_the_table_says_what_would_be_used() -> None:
    nan = float("nan")
    good = Run(True, (0.5, 0.5), (0.7, 0.6), nan, nan, nan, nan, 1.0)
    bad = Run(False, (0.9, 0.9), (0.5, 0.5), nan, nan, nan, nan, 3.0)
    row = line("ward", 20, [good, bad])
    assert len(row.split("|")) == len(HEAD.splitlines()[0].split("|")) == len(HEAD.splitlines()[1].split("|"))
    assert row.split("|")[3:7] == [" 0.500 ", " 0.700 ", " 0.600 ", " 0.800 "]
    assert row.endswith("| 0.200 | 2.0 |") and "–" in row


def test_the_sets_are_known() -> None:
    assert {name.removesuffix(adaptation.NORMAL) for name in SITES} <= set(SETS)


def test_a_fault_is_an_exit_code(tmp_path: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert adaptation.main(["--data", str(tmp_path), "--models", str(tmp_path)]) == 3
    assert "cnn" in capsys.readouterr().err
