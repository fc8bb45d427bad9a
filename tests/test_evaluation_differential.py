"""A formula held against a known count."""

import json
from collections import Counter
from pathlib import Path

import pytest

from cells.errors import DataError
from cells.vocabulary import CellClass
from evaluation.differential import compare_counts, known_labels, main

LABELS = ',Image,Category\n,0,NEUTROPHIL\n,1,"NEUTROPHIL, EOSINOPHIL"\n,2,\n'


def cell(image: str, label: str, *, counted: bool = True) -> dict[str, object]:
    return {"image": image, "label": label, "counted": counted}


def test_labels_are_read_by_image_and_blank_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(LABELS, encoding="utf-8")
    found = known_labels(path)
    assert found == {0: [CellClass.NEUTROPHIL], 1: [CellClass.NEUTROPHIL, CellClass.EOSINOPHIL]}


def test_readings_have_a_line_for_each_cell(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(
        "image,row,label\nBloodImage_00007.jpg,1.0,monocyte\nBloodImage_00007.jpg,9.0,lymphocyte\n"
        "BloodImage_00008.jpg,2.0,\n",
        encoding="utf-8",
    )
    assert known_labels(path) == {7: [CellClass.MONOCYTE, CellClass.LYMPHOCYTE]}


def test_an_unknown_category_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(",Image,Category\n,0,NEUTROFIL\n", encoding="utf-8")
    with pytest.raises(DataError, match="neutrofil"):
        known_labels(path)


def test_the_distance_is_put_in_words() -> None:
    known = Counter({CellClass.NEUTROPHIL: 60, CellClass.LYMPHOCYTE: 40})
    rows = {
        r.label: r
        for r in compare_counts(known, Counter({CellClass.NEUTROPHIL: 90, CellClass.LYMPHOCYTE: 10}))
    }
    assert (
        rows[CellClass.NEUTROPHIL].words == "far apart (30.0 points), the interval misses it, too many found"
    )
    assert (
        rows[CellClass.BASOPHIL].words
        == "equal to within a percent point (0.0 points), the interval holds it"
    )


def test_only_counted_leukocytes_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    document = {
        "fields": [{"name": f"BloodImage_0000{n}.jpg"} for n in range(3)],
        "cells": [
            cell("BloodImage_00000.jpg", "neutrophil_band"),
            cell("BloodImage_00001.jpg", "eosinophil"),
            cell("BloodImage_00001.jpg", "platelet"),
            cell("BloodImage_00002.jpg", "monocyte"),
            cell("BloodImage_00002.jpg", "monocyte", counted=False),
        ],
    }
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    assert main([str(tmp_path / "result.json"), "--labels", str(tmp_path / "labels.csv")]) == 0
    text = capsys.readouterr().out
    assert "every field: 3 known, 3 found" in text
    assert "fields with a published category: 3 known, 2 found" in text


def test_known_labels_are_pooled_as_the_finds_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "image,label\na_0.jpg,neutrophil_band\na_0.jpg,neutrophil_segmented\na_0.jpg,platelet\n"
    (tmp_path / "labels.csv").write_text(lines, encoding="utf-8")
    document = {"fields": [{"name": "a_0.jpg"}], "cells": [cell("a_0.jpg", "neutrophil_band")]}
    (tmp_path / "result.json").write_text(json.dumps(document), encoding="utf-8")
    assert main([str(tmp_path / "result.json"), "--labels", str(tmp_path / "labels.csv")]) == 0
    text = capsys.readouterr().out
    assert "every field: 2 known, 1 found" in text
    assert "| Neutrophils | 2 | 100.0 | 1 | 100.0 |" in text


def test_a_missing_result_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    assert main([str(tmp_path / "none.json"), "--labels", str(tmp_path / "labels.csv")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
