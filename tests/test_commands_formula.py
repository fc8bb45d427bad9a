"""``leukoformula formula``: table, JSON and files from counts alone."""

import csv
import json
import re
from pathlib import Path

import pytest
from pypdf import PdfReader
from report_cases import case

from cells.vocabulary import CellClass
from commands.main import main
from commands.report_files import Look, write_reports
from leukoformula.reference import load_ranges
from leukoformula.result import SmearResult
from leukoformula.reviewed import apply_review
from reports.reading import as_stored
from reports.stored_pictures import encode_pictures

COUNTS = "neutrophil_segmented=58,neutrophil_band=4,lymphocyte=31,monocyte=5,eosinophil=2,erythroblast=6"


def test_table_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "--counts", COUNTS]) == 0
    english = capsys.readouterr().out.splitlines()
    assert main(["formula", "--counts", COUNTS, "--lang", "ru"]) == 0
    russian = capsys.readouterr().out.splitlines()
    lymphocytes = next(line for line in english if line.startswith("Lymphocytes"))
    assert lymphocytes.split()[1:4] == ["31", "31.0", "22.1–41.1"]
    assert next(line for line in russian if line.startswith("Лимфоциты")).split()[1:3] == ["31", "31,0"]
    assert any("Erythroblasts (NRBC) 6.0 (n = 6)" in line for line in english)


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    main(["formula", "--counts", COUNTS, "--wbc", "6,4"])
    lines = capsys.readouterr().out.splitlines()
    ends = {
        line.index(number) + len(number)
        for line, number in zip(lines[4:8], ("2", "0", "31", "5"), strict=True)
    }
    assert len(ends) == 1


def test_the_leukocyte_count_bears_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    main(["formula", "--counts", "neutrophil_segmented=60,lymphocyte=40", "--wbc", "9.3"])
    total = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("Leukocytes counted")
    )
    assert total.split()[-3:] == ["9.30", "▲", "4.00–9.00"]


def test_rows_that_are_lower_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = "neutrophil=50,neutrophil_segmented=3,lymphocyte=47,immature_granulocyte=2,myelocyte=1"
    for lang, share, words in (
        ("en", "≥\u00a02.9", "these two rows are lower bounds"),
        ("ru", "≥\u00a02,9", "нижние оценки"),
    ):
        given = ["formula", "--counts", counts, "--wbc", "6.4", "--lang", lang, "--out", str(tmp_path)]
        assert main(given) == 0
        lines = capsys.readouterr().out.splitlines()
        band, segmented = (line.split("  ") for line in lines[2:4])
        assert [text.strip() for text in band if text][:4] == [lines[2].split()[0], "0", "—", "—"]
        assert [text.strip() for text in segmented if text][2] == share
        assert any(words in line for line in lines)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert share in page
        pdf = PdfReader(tmp_path / "report.pdf").pages[0].extract_text()
        assert share.replace("\u00a0", " ") in pdf.replace("\u00a0", " ")
    with (tmp_path / "formula.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["class"]: row for row in csv.DictReader(handle)}
    names = [f"{kind}{end}" for kind in ("percent", "absolute") for end in ("", "_low", "_high")]
    assert [rows["neutrophil_band"][name] for name in names] == [""] * 6
    for label in ("neutrophil_segmented", "myelocyte"):
        assert [bool(rows[label][name]) for name in names] == [True, True, False] * 2
    for label in ("neutrophil", "immature_granulocyte", "eosinophil"):
        assert all(rows[label][name] for name in names)


def test_json_is_one_versioned_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "--counts", COUNTS, "--wbc", "6.4", "--sample", "S-1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "leukoformula.formula/1"
    assert document["identity"]["sample"] == "S-1"
    assert document["formula"]["total"] == 100
    assert document["formula"]["wbc"] == 6.4


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["formula", "--counts", COUNTS, "--lang", "ru", "--out", str(out)]) == 0
    files = ["fhir.json", "formula.csv", "formula.json", "report.hl7", "report.html", "report.pdf"]
    assert sorted(path.name for path in out.iterdir()) == files
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert "Лимфоциты" in (out / "report.html").read_text(encoding="utf-8")
    assert json.loads((out / "formula.json").read_text(encoding="utf-8"))["formula"]["total"] == 100
    header = (out / "report.hl7").read_text(encoding="utf-8").split("\r")[0].split("|")
    assert re.fullmatch(r"\d{14}\+0000", header[6]), "MSH-7, the time of the message, is required"
    assert str(out / "report.pdf") in capsys.readouterr().err


def test_nothing_is_left_where_the_folder_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["formula", "--counts", COUNTS, "--out", str(tmp_path / "file" / "below")]) == 3
    assert "--out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_leukocyte_is_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "--counts", "lymphocyte=0,erythroblast=3"]) == 0
    assert "no formula" in capsys.readouterr().out


def test_a_file_of_ranges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ours.json"
    path.write_text("[]")
    assert main(["formula", "--counts", COUNTS, "--ranges", str(path)]) == 3
    assert str(path) in capsys.readouterr().err


SECOND = "neutrophil_segmented=38,neutrophil_band=14,lymphocyte=41,monocyte=5,eosinophil=2"


def test_two_counts_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "--counts", COUNTS, "--second-counts", SECOND, "--lang", "ru"]) == 0
    shown = capsys.readouterr().out
    assert "Два подсчёта одной пробы" in shown
    row = next(line for line in shown.splitlines() if "n = 38" in line)
    assert "58,0 (47,7–67,9), n = 58" in row
    assert "больше ошибки счёта" in row
    assert main(["formula", "--counts", COUNTS, "--second-counts", "lymphocyte=31"]) == 0
    assert "The two counts differ beyond counting error (p < 0.001)." in capsys.readouterr().out
    assert main(["formula", "--counts", COUNTS, "--second-counts", COUNTS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert (found["differs"], found["p"]) == (False, 1.0)
    assert {one["p_adjusted"] for one in found["classes"]} == {1.0}


@pytest.mark.parametrize(
    ("second", "said"), [(SECOND, True), (f"{COUNTS},blast=1", True), (COUNTS, False), (None, False)]
)
def test_the_report_says_that_a_second_count_says_something_else(
    second: str | None, said: bool, tmp_path: Path
) -> None:
    more = ["--second-counts", second] if second else []
    assert main(["formula", "--counts", COUNTS, *more, "--out", str(tmp_path)]) == 0
    pages = PdfReader(tmp_path / "report.pdf").pages
    texts = [" ".join(pages[0].extract_text().split())]
    texts += [
        (tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "report.hl7", "fhir.json")
    ]
    words = "alert that this one lacks: settle which holds before signing"
    assert [words in text for text in texts] == [said] * 4


@pytest.mark.parametrize(
    ("smudge", "lymphocytes"), [("exclude", 60.0), ("as_lymphocytes", 80.0), ("as_other", 30.0)]
)
def test_a_second_count_is_compared_by_the_laboratory_s_rules(
    smudge: str, lymphocytes: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.toml").write_text(f'[counting]\nsmudge = "{smudge}"\n')
    first, second = (
        "neutrophil=40,lymphocyte=60,smudge_cell=100",
        "neutrophil=40,lymphocyte=150,smudge_cell=10",
    )
    counts = ["--counts", first, "--second-counts", second]
    assert main(["formula", *counts, "--settings", str(tmp_path / "lab.toml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (line,) = [one for one in document["formula"]["lines"] if one["label"] == "lymphocyte"]
    (row,) = [one for one in document["comparison"]["classes"] if one["label"] == "lymphocyte"]
    assert row["percent_first"] == line["percent"] == lymphocytes
    assert document["comparison"]["total_first"] == document["formula"]["total"]
    assert (smudge == "as_lymphocytes") != document["comparison"]["differs"]


def test_a_second_count_without_leukocytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formula", "--counts", COUNTS, "--second-counts", "erythroblast=3"]) == 2
    assert "second count" in capsys.readouterr().err


def test_settings_file_sets_rules_and_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "laboratory.toml"
    path.write_text('[counting]\nnrbc_correction_from = "never"\n[report]\nlang = "ru"\n', encoding="utf-8")
    words = ["formula", "--counts", COUNTS, "--wbc", "17.4", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["formula"]["wbc_corrected"] == pytest.approx(16.4151, abs=1e-4)
    assert main([*words, "--settings", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["formula"]["wbc_corrected"] is None
    assert main([*words[:-1], "--settings", str(path)]) == 0
    assert "Лимфоциты" in capsys.readouterr().out


def test_the_terminal_says_what_is_urgent_and_what_has_no_range(capsys: pytest.CaptureFixture[str]) -> None:
    counts = "neutrophil_segmented=69,lymphocyte=30,blast=1"
    assert main(["formula", "--counts", counts, "--age", "5m"]) == 0
    shown = capsys.readouterr().out
    assert "A physician must see this now: Blasts suspected" in shown
    assert "publishes no ranges for this age; nothing is flagged" in shown
    assert main(["formula", "--counts", counts, "--lang", "ru"]) == 0
    assert "Требуется немедленный просмотр врачом" in capsys.readouterr().out


def store(result: SmearResult, folder: Path) -> Path:
    pictures = encode_pictures(result)
    write_reports(as_stored(result, pictures), folder, look=Look("en", "a4", None), pictures=pictures)
    return folder


OF_COUNTS = {"fhir.json", "formula.csv", "formula.json", "report.hl7", "report.html", "report.pdf"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_no_file_of_an_earlier_report_stays_beside_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_smear, out = store(case("few_cells"), tmp_path / "smear"), tmp_path / "out"
    store(case("few_cells"), out)
    mine = {"crops-of-mine.jpg", "notes.txt"}
    for name in mine:
        (out / name).write_text("mine")
    assert main(["formula", "--counts", COUNTS, "--out", str(out)]) == 0
    assert names(out) == OF_COUNTS | mine
    assert main(["render", str(of_smear), "--out", str(out)]) == 0
    assert names(out) == names(of_smear) | mine


def test_a_table_or_a_document_of_another_kind_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cells.csv", "overview.jpg"):
        (tmp_path / name).write_text("mine")
    assert main(["formula", "--counts", COUNTS, "--out", str(tmp_path)]) == 0
    assert names(tmp_path) == OF_COUNTS | {"cells.csv", "overview.jpg"}
    out = tmp_path / "other"
    out.mkdir()
    (out / "formula.json").write_text('{"schema": "theirs/1"}')
    of_smear = store(case("few_cells"), tmp_path / "smear")
    assert main(["render", str(of_smear), "--out", str(out)]) == 0
    assert (out / "formula.json").read_text() == '{"schema": "theirs/1"}'


def test_labels_of_a_person_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = case("few_cells")
    first = result.cells[0].cell_id
    labels = {cell.cell_id: CellClass.BLAST if cell.cell_id == first else cell.label for cell in result.cells}
    ranges = load_ranges(result.formula.ranges_name)
    out = store(apply_review(result, labels, ranges=ranges), tmp_path / "out")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for words in (["formula", "--counts", COUNTS], ["render", str(store(result, tmp_path / "smear"))]):
        assert main([*words, "--out", str(out)]) == 2
        shown = capsys.readouterr().err
        assert "labels that a person gave (cells: 1)" in shown and "--out" in shown
        assert shown.count("\n") == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert main(["render", str(out), "--out", str(out), "--lang", "ru"]) == 0
