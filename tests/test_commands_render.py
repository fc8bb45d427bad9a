"""``leukoformula render``: the same report from a stored result, review, signature, pictures, looks."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader
from report_cases import case, make_result
from test_counting_ranges import own_set

from cells.errors import UsageError
from cells.vocabulary import CellClass
from commands.main import main
from commands.report_files import Look, write_reports
from counting.formula import make_formula
from leukoformula.reference import load_ranges
from leukoformula.result import Signature
from leukoformula.reviewed import sign
from reports.reading import as_stored, open_result
from reports.stored_pictures import encode_pictures

SIGNED = ("--signed-by", "Dr A. Ivanova", "--signed-at", "2024-06-02T14:05:00+03:00")
C = CellClass


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The few cells of one result, as ``report`` stores them."""
    folder = tmp_path_factory.mktemp("stored")
    result = case("few_cells")
    pictures = encode_pictures(result)
    write_reports(as_stored(result, pictures), folder, look=Look("en", "a4", None), pictures=pictures)
    return folder


@pytest.fixture
def copied(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "stored"))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def write_table(path: Path, rows: list[dict[str, str]], *, delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def refused(words: list[str], capsys: pytest.CaptureFixture[str], out: Path) -> str:
    capsys.readouterr()
    assert main(["render", *words, "--out", str(out)]) in (2, 3)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert not out.exists()
    return shown.err


def test_the_same_files_come_out_again(stored: Path, tmp_path: Path) -> None:
    assert main(["render", str(stored / "result.json"), "--out", str(tmp_path / "again")]) == 0
    assert sorted(p.name for p in stored.iterdir()) == sorted(p.name for p in (tmp_path / "again").iterdir())
    for path in stored.iterdir():
        before, after = path.read_bytes(), (tmp_path / "again" / path.name).read_bytes()
        if path.name == "report.hl7":  # its first segment holds the time of the message
            before, after = before.partition(b"\r")[2], after.partition(b"\r")[2]
        assert after == before, path.name


def test_review_and_signature_make_a_final_report(stored: Path, tmp_path: Path) -> None:
    rows = table(stored / "cells.csv")
    changed = [row for row in rows if row["label"] == "monocyte"]
    for row in changed:
        row["label"] = "blast"
    reviewed, out = write_table(tmp_path / "reviewed.csv", rows), tmp_path / "out"
    words = ["render", str(stored), "--out", str(out), "--lang", "ru", "--paper", "letter"]
    assert main([*words, "--reviewed", str(reviewed), *SIGNED]) == 0
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert (document["status"], document["signature"]["by"]) == ("final", "Dr A. Ivanova")
    assert document["relabelled"] == [int(row["cell_id"]) for row in changed]
    assert document["formula"]["correction"] is None
    blasts = next(line for line in document["formula"]["lines"] if line["label"] == "blast")
    assert blasts["n"] == len(changed)
    page = PdfReader(out / "report.pdf").pages[0]
    assert [round(float(side)) for side in page.mediabox[2:]] == [612, 792]
    assert "Dr A. Ivanova" in page.extract_text()
    html = (out / "report.html").read_text(encoding="utf-8")
    for text in ("Окончательный результат", "Dr A. Ivanova", "02.06.2024"):
        assert text in html
    assert "Предварительно" not in html
    assert json.loads((out / "fhir.json").read_text(encoding="utf-8"))
    assert open_result(out / "result.json").result.status == "final"


def test_review_without_signature_stays_preliminary(stored: Path, tmp_path: Path) -> None:
    words = ["render", str(stored), "--out", str(tmp_path), "--reviewed", str(stored / "cells.csv")]
    assert main(words) == 0
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert (document["status"], document["relabelled"]) == ("preliminary", [])
    assert "cells reviewed, not signed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_half_a_signature_is_none(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reviewed = ["--reviewed", str(stored / "cells.csv")]
    for words in ([*SIGNED], [*reviewed, *SIGNED[:2]], [*reviewed, *SIGNED[2:]]):
        assert "--signed-by" in refused([str(stored), *words], capsys, tmp_path / "out")
    words = [*reviewed, "--signed-by", "X", "--signed-at", "2024-06-02 14:05"]
    assert "offset" in refused([str(stored), *words], capsys, tmp_path / "out")


def test_unidentified_cells_block_the_signature(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = table(stored / "cells.csv")
    rows[4]["label"] = "unidentified"
    reviewed = ["--reviewed", str(write_table(tmp_path / "r.csv", rows))]
    assert "no. 5" in refused([str(stored), *reviewed, *SIGNED], capsys, tmp_path / "out")
    assert main(["render", str(stored), *reviewed, "--out", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert document["formula"]["unidentified"] == 1


def _doubled(rows: list[dict[str, str]]) -> None:
    rows.append(rows[3])


def _moved(rows: list[dict[str, str]]) -> None:
    rows[2]["row"] = "1.00"


def _unknown_class(rows: list[dict[str, str]]) -> None:
    rows[2]["label"] = "segmented"


def _without_column(rows: list[dict[str, str]]) -> None:
    for row in rows:
        del row["score"]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_doubled, "twice"),
        (_moved, "column row was changed"),
        (_unknown_class, "'segmented' is no class"),
        (_without_column, "'score' is missing"),
        (lambda rows: rows.pop(), "missing (no. 37)"),
        (lambda rows: rows[0].update(cell_id="99"), "no cell '99'"),
        (lambda rows: rows[0].update(counted="false"), "column counted"),
    ],
)
def test_faulty_reviews_are_named(
    stored: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[list[dict[str, str]]], object],
    named: str,
) -> None:
    rows = table(stored / "cells.csv")
    spoil(rows)
    path = write_table(tmp_path / "r.csv", rows)
    said = refused([str(stored), "--reviewed", str(path)], capsys, tmp_path / "out")
    assert named in said
    assert str(path) in said


def test_what_a_spreadsheet_does_is_understood(stored: Path, tmp_path: Path) -> None:
    rows = [
        {
            title: f"{float(text):g}".replace(".", ",") if title in ("probability", "score") else text
            for title, text in row.items()
        }
        for row in reversed(table(stored / "cells.csv"))
    ]
    for row in rows:
        row["counted"] = row["counted"].upper()
    path = write_table(tmp_path / "r.csv", rows, delimiter=";")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert main(["render", str(stored), "--out", str(tmp_path / "out"), "--reviewed", str(path)]) == 0


def test_an_altered_picture_is_refused_and_a_missing_one_named(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = copied / "crops.jpg"
    content = bytearray(sheet.read_bytes())
    content[-3] ^= 1
    sheet.write_bytes(bytes(content))
    assert str(sheet) in refused([str(copied)], capsys, tmp_path / "out")
    sheet.unlink()
    assert main(["render", str(copied), "--out", str(tmp_path / "out")]) == 0
    assert f"{sheet} is missing" in capsys.readouterr().err
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "pictures of the cells are not stored" in html


def test_a_status_without_a_signature_is_refused(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"preliminary"', '"final"'), encoding="utf-8")
    assert "$.status" in refused([str(copied)], capsys, tmp_path / "out")


def test_a_number_that_no_result_holds_is_refused(
    copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied / "result.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["row"] = 10**400
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "has 401 digits" in refused([str(copied)], capsys, tmp_path / "out")


def test_pictures_of_another_smear_do_not_stay(copied: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    empty = replace(make_result({}), overview=None)
    write_reports(as_stored(empty, None), other, look=Look("en", "a4", None))
    for name in ("crops-2.jpg", "crops-of-mine.jpg"):
        (copied / name).write_bytes(b"x")
    assert main(["render", str(other), "--out", str(copied)]) == 0
    assert sorted(path.name for path in copied.glob("*.jpg")) == ["crops-of-mine.jpg"]
    (other / "result.json").rename(tmp_path / "result.json")
    (other / "overview.jpg").write_bytes(b"mine")
    assert main(["render", str(tmp_path / "result.json"), "--out", str(other)]) == 0
    assert (other / "overview.jpg").read_bytes() == b"mine"


LATER = ("--signed-by", "Dr B. Petrov", "--signed-at", "2024-06-03T09:00:00+03:00")


@pytest.fixture
def signed(stored: Path, tmp_path: Path) -> Path:
    """A final report: the monocytes of the program are blasts, a person said."""
    rows = table(stored / "cells.csv")
    for row in rows:
        row["label"] = "blast" if row["label"] == "monocyte" else row["label"]
    path = write_table(tmp_path / "first.csv", rows)
    out = tmp_path / "signed"
    assert main(["render", str(stored), "--out", str(out), "--reviewed", str(path), *SIGNED]) == 0
    return out


def corrected_labels(signed: Path, path: Path) -> Path:
    rows = table(signed / "cells.csv")
    for row in rows:
        row["label"] = "lymphocyte_variant" if row["label"] == "blast" else row["label"]
    return write_table(path, rows)


def test_a_second_signature_gives_a_corrected_report(signed: Path, tmp_path: Path) -> None:
    out, path = tmp_path / "out", corrected_labels(signed, tmp_path / "second.csv")
    assert main(["render", str(signed), "--out", str(out), "--reviewed", str(path), *LATER]) == 0
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert document["status"] == "final"
    assert [(one["by"], one["at"]) for one in document["superseded"]] == [(SIGNED[1], SIGNED[3])]
    assert "blast" in document["superseded"][0]["classes"]
    segments = [line.split("|") for line in (out / "report.hl7").read_bytes().decode().split("\r") if line]
    assert [line[25] for line in segments if line[0] == "OBR"] == ["C"]
    states = {line[11] for line in segments if line[0] == "OBX"}
    assert "C" in states and not states & {"P", "F"}
    blasts = [line for line in segments if line[0] == "OBX" and "blast.percent" in line[3]]
    assert [line[11] for line in blasts] == ["D"]
    bundle = json.loads((out / "fhir.json").read_text(encoding="utf-8"))
    found = [one["resource"] for one in bundle["entry"]]
    kinds = {(one["resourceType"], one["status"]) for one in found if "status" in one}
    assert ("DiagnosticReport", "amended") in kinds
    assert ("Observation", "amended") in kinds
    assert ("Observation", "final") not in kinds
    text = " ".join(PdfReader(out / "report.pdf").pages[0].extract_text().split())
    assert "replaces the report that Dr A. Ivanova signed 2024-06-02" in text
    assert "заменяет отчёт" not in text
    again = tmp_path / "again"
    assert main(["render", str(out), "--out", str(again), "--lang", "ru"]) == 0
    assert "заменяет отчёт" in (again / "report.html").read_text(encoding="utf-8")


def test_the_same_signature_again_corrects_nothing(signed: Path, tmp_path: Path) -> None:
    words = ["render", str(signed), "--out", str(tmp_path / "out")]
    assert main([*words, "--reviewed", str(signed / "cells.csv"), *SIGNED]) == 0
    assert (tmp_path / "out" / "result.json").read_bytes() == (signed / "result.json").read_bytes()


def test_a_signature_is_not_dropped_by_a_review(
    signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corrected_labels(signed, tmp_path / "second.csv")
    said = refused([str(signed), "--reviewed", str(path)], capsys, tmp_path / "out")
    assert "signed by Dr A. Ivanova" in said
    assert "--signed-by" in said


@pytest.mark.parametrize(
    ("at", "named"),
    [
        ("0001-01-01T00:00:00+00:00", "before this program"),
        ("2126-11-20T14:05:00+03:00", "in the future"),
        ("9999-12-31T23:59:59-12:00", "in the future"),
        ("2024-06-02T11:04:59+00:00", "before the signature that it replaces"),
        ("2024-06-03T11:04:59+03:00:30", "no time of signing"),
        ("2024-06-03T11:04:59-14:01", "no time of signing"),
    ],
)
def test_impossible_times_of_signing(
    signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], at: str, named: str
) -> None:
    path = corrected_labels(signed, tmp_path / "second.csv")
    words = [str(signed), "--reviewed", str(path), "--signed-by", "B", "--signed-at", at]
    assert named in refused(words, capsys, tmp_path / "out")


def test_nothing_is_signed_before_the_sample_was_taken_and_little_before_the_clock() -> None:
    result = replace(case("normal_adult"), relabelled=())
    noon = datetime(2024, 6, 2, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="before the sample was taken"):
        sign(result, Signature("A", "2024-05-29T12:00:00+00:00"), now=noon)
    with pytest.raises(UsageError, match="future"):
        sign(result, Signature("A", "2024-06-03T12:00:01+00:00"), now=noon)
    for at in ("2024-05-30T23:00:00+00:00", "2024-06-03T12:00:00+00:00"):
        assert sign(result, Signature("A", at), now=noon).status == "final"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_signed_result_is_replaced_by_its_correction_alone(
    stored: Path, signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(signed)
    words = ["render", str(stored), "--out", str(signed)]
    for more in ([], ["--reviewed", str(stored / "cells.csv"), *LATER]):
        capsys.readouterr()
        assert main([*words, *more]) == 2
        said = capsys.readouterr().err
        assert "signed by Dr A. Ivanova" in said and "--out" in said
        assert said.count("\n") == 1
    assert content(signed) == before
    assert main(["render", str(signed), "--out", str(signed), "--lang", "ru"]) == 0
    path = corrected_labels(signed, tmp_path / "second.csv")
    assert main(["render", str(signed), "--out", str(signed), "--reviewed", str(path), *LATER]) == 0
    assert len(open_result(signed / "result.json").result.superseded) == 1


def test_labels_in_work_are_not_overwritten(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = table(copied / "cells.csv")
    rows[0]["label"] = "blast"
    write_table(copied / "cells.csv", rows)
    before = content(copied)
    capsys.readouterr()
    words = ["render", str(copied), "--out", str(copied)]
    assert main(words) == 2
    assert "cells.csv holds labels" in capsys.readouterr().err
    assert content(copied) == before
    assert main([*words, "--reviewed", str(copied / "cells.csv"), *SIGNED]) == 0
    assert table(copied / "cells.csv")[0]["label"] == "blast"


def with_own_ranges(folder: Path, *, is_held: bool) -> Path:
    """Store a result made with a laboratory's own file, as this version does or as earlier ones did."""
    folder.mkdir()
    path = folder / "own.json"
    path.write_text(json.dumps(own_set()), encoding="utf-8")
    ranges = load_ranges(str(path))
    result = make_result({C.LYMPHOCYTE: 70, C.MONOCYTE: 30})
    result = replace(
        result,
        formula=make_formula({C.LYMPHOCYTE: 70, C.MONOCYTE: 30}, ranges=ranges),
        settings={"ranges": "own.json"},
        ranges=ranges if is_held else None,
    )
    write_reports(as_stored(result, None), folder, look=Look("en", "a4", None))
    document = own_set()
    document["strata"][1]["rows"][0]["percent"] = [2, 40]
    path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_a_review_uses_the_ranges_of_the_analysis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_own_ranges(tmp_path / "own", is_held=True)
    (tmp_path / "elsewhere").mkdir()
    for place in (folder, tmp_path / "elsewhere"):
        monkeypatch.chdir(place)
        words = ["render", str(folder), "--out", str(tmp_path / "out")]
        assert main([*words, "--reviewed", str(folder / "cells.csv"), *SIGNED]) == 0
        document = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
        monocytes = next(line for line in document["formula"]["lines"] if line["label"] == "monocyte")
        assert monocytes["range_percent"] == {"low": 2.0, "high": 9.0}
        assert monocytes["flag"] == "high"


def test_ranges_that_an_old_result_does_not_hold_must_not_have_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_own_ranges(tmp_path / "own", is_held=False)
    monkeypatch.chdir(folder)
    words = [str(folder), "--reviewed", str(folder / "cells.csv"), *SIGNED]
    assert "monocyte.range_percent is 2-9" in refused(words, capsys, tmp_path / "out")
    (folder / "own.json").write_text(json.dumps(own_set()), encoding="utf-8")
    assert main(["render", *words, "--out", str(tmp_path / "out")]) == 0


def test_header_and_logo_by_options_and_settings(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "laboratory.toml"
    settings.write_text('[report]\nlang = "ru"\nlaboratory = "КДЛ № 7"\nlines = ["ул. Мира, 2"]\n', "utf-8")
    words = ["render", str(stored), "--out", str(tmp_path / "out"), "--settings", str(settings)]
    assert main(words) == 0
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "КДЛ № 7" in html
    assert 'lang="ru"' in html
    assert main([*words, "--laboratory", "Other", "--lang", "en"]) == 0
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Other" in html
    assert "КДЛ" not in html
    hostile = tmp_path / "logo.png"
    hostile.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    said = refused([str(stored), "--laboratory", "A", "--logo", str(hostile)], capsys, tmp_path / "refused")
    assert "logo" in said


def test_one_file_that_fails_leaves_none(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reports.formula_csv.write_formula_csv", fail)
    assert main(["render", str(stored), "--out", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()
