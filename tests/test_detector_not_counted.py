"""False finds of the detector that the shipped classifiers take for no leukocyte: they are not counted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from test_detector_cases import BLUE, MODEL, UM, burn, drawn
from test_detector_real_cases import Case, read, scan

from detector.scanner import Scanner
from evaluation.detector_runs import keep_leukocytes
from evaluation.finds import judge_field
from leukoformula import Settings, SmearResult, analyse
from leukoformula.store import load_classifier

CLUMPS = {"clumps": 3, "platelets_per_mm2": 3000.0}


def counted(fields: dict[str, np.ndarray], folder: Path) -> list[str]:
    for name, image in fields.items():
        cv2.imwrite(str(folder / f"{name}.png"), image[..., ::-1])
    result: SmearResult = analyse(folder, settings=Settings(um_per_px=UM, workers=1))
    assert not result.refused
    return [f"{Path(c.image).stem}: {c.label.value}" for c in result.cells if c.counted]


def test_clumps_and_marks_are_not_counted(tmp_path: Path) -> None:
    plain = drawn(7).image
    fields = {f"clumps {seed}": drawn(seed, **CLUMPS).image for seed in (60, 61, 62)}
    fields |= {kind: burn(plain, kind, BLUE) for kind in ("frame", "edge line", "scale bar", "label", "grid")}
    assert counted(fields, tmp_path) == []


def test_large_drawn_clumps_are_not_counted(tmp_path: Path) -> None:
    assert counted({"clumps": drawn(63, **CLUMPS).image}, tmp_path) == []


@pytest.mark.data
@pytest.mark.parametrize("name", ["1362.jpg", "294.jpg"])
def test_a_platelet_on_erythrocytes_is_not_counted(data: Path, name: str) -> None:
    field = read(data, Case("deepbionet", name))
    finds = scan(Scanner.load(MODEL), field)
    kept = keep_leukocytes(finds, field, load_classifier("ensemble")[0])
    assert judge_field(field, kept).false == ()
