"""cells.csv: its columns, its lines, and no formulae for a spreadsheet to run."""

import csv
from pathlib import Path

import pytest
from report_cases import case

from cells.vocabulary import CLASSIFIED
from reports.table import COLUMNS, harmless, write_csv


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    write_csv(case("normal_adult"), tmp_path / "cells.csv")
    head = (tmp_path / "cells.csv").read_text(encoding="utf-8").splitlines()[0]
    assert head == (
        "cell_id,image,row,col,diameter_px,score,label,probability,counted,reason,"
        + ",".join(label.value for label in CLASSIFIED)
    )
    assert head.split(",") == list(COLUMNS)


def test_every_find_has_its_line_and_the_counts_can_be_had_from_them(tmp_path: Path) -> None:
    result = case("left_shift")
    write_csv(result, tmp_path / "cells.csv")
    lines = read(tmp_path / "cells.csv")
    assert [line["cell_id"] for line in lines] == [str(cell.cell_id) for cell in result.cells]
    for row in result.formula.lines:
        if not row.label.children:
            counted = [line for line in lines if line["counted"] == "true" and line["label"] == row.label]
            assert len(counted) == row.n
    for line, cell in zip(lines, result.cells, strict=True):
        assert float(line["row"]) == pytest.approx(cell.detection.row, abs=0.005)
        assert float(line["probability"]) == pytest.approx(cell.probability, abs=5e-5)
        assert sum(float(line[label]) for label in CLASSIFIED) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  ="])
def test_a_name_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0").startswith("'")


def test_a_plain_name_stays_as_it_is() -> None:
    assert harmless("поле 1.png") == "поле 1.png"
    assert harmless("") == ""


def test_hostile_names_stay_one_field(tmp_path: Path) -> None:
    result = case("hostile_names")
    write_csv(result, tmp_path / "cells.csv")
    lines = read(tmp_path / "cells.csv")
    assert len(lines) == len(result.cells)
    assert {line["image"] for line in lines} == {f"'{cell.image}" for cell in result.cells}


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_csv(case("erythroblasts"), tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()
