"""The whole way with the shipped models: drawn fields with a known truth, and published fields."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from cells.vocabulary import CellClass
from commands.main import main
from leukoformula import Settings, analyse
from slides.synthetic import draw_smear

C = CellClass
FORMULA = {C.NEUTROPHIL_SEGMENTED: 20, C.LYMPHOCYTE: 12, C.EOSINOPHIL: 4, C.MONOCYTE: 4}


@pytest.mark.model
@pytest.mark.parametrize("um_per_px", [0.1, 0.17])
def test_a_drawn_smear_gives_its_formula_back(tmp_path: Path, um_per_px: float) -> None:
    draw_smear(tmp_path, formula=FORMULA, fields=5, seed=11, um_per_px=um_per_px)
    result = analyse(tmp_path)
    leukocytes = result.formula.total + result.formula.unidentified
    assert 0.9 * sum(FORMULA.values()) <= leukocytes <= 1.05 * sum(FORMULA.values())
    assert result.calibration.um_per_px == pytest.approx(um_per_px, rel=0.05)
    found = {line.label: line.n for line in result.formula.lines}
    assert found[C.NEUTROPHIL] == pytest.approx(20, abs=4)
    assert found[C.LYMPHOCYTE] == pytest.approx(12, abs=4)


@pytest.mark.model
def test_the_same_smear_gives_the_same_result_however_many_look(tmp_path: Path) -> None:
    draw_smear(tmp_path, formula=FORMULA, fields=4, seed=12, um_per_px=0.15)
    one, many = (analyse(tmp_path, settings=Settings(workers=n)) for n in (1, 3))
    assert one.cells == many.cells
    assert one.formula == many.formula


@pytest.mark.model
@pytest.mark.data
def test_published_fields(data: Path, tmp_path: Path) -> None:
    (tmp_path / "smear").mkdir()
    for number in range(12):
        shutil.copy(data / "bccd" / "JPEGImages" / f"BloodImage_{number:05d}.jpg", tmp_path / "smear")
    out = tmp_path / "out"
    assert main(["report", str(tmp_path / "smear"), "--out", str(out), "--lang", "ru"]) == 0
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert document["calibration"]["source"] == "erythrocytes"
    assert {model["name"] for model in document["models"]} == {"detector", "cnn", "mlp", "abstention"}
    with (out / "cells.csv").open(newline="", encoding="utf-8") as handle:
        counted = [row for row in csv.DictReader(handle) if row["counted"] in {"1", "true", "True", "yes"}]
    assert 10 <= len(counted) <= 14
