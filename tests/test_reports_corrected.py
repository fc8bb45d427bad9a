"""Corrected shares beside the plain ones, and the signature, in every form of the report."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from report_cases import case

from cells.errors import DataError, UsageError
from cells.vocabulary import CellClass
from counting.notes import note_text
from counting.records import CorrectedShare, Correction
from leukoformula.result import Signature, SmearResult
from reports.document import write_json
from reports.formula_csv import write_formula_csv
from reports.html import render_html
from reports.pdf import write_pdf
from reports.pictures import checked_logo
from reports.reading import read_result
from reports.stored_pictures import StoredPictures, encode_pictures, with_pictures
from reports.texts import Language

C = CellClass
SHARES = (
    CorrectedShare(C.NEUTROPHIL, 63.94, 57.01, 71.28),
    CorrectedShare(C.EOSINOPHIL, 2.11, 0.52, 5.49),
    CorrectedShare(C.IMMATURE_GRANULOCYTE, 0.31, 0.01, 1.24),
)


def with_correction(correction: Correction) -> SmearResult:
    result = case("normal_adult")
    return replace(result, formula=replace(result.formula, correction=correction))


def text_of(result: SmearResult, path: Path, lang: str) -> str:
    write_pdf(result, path, lang=lang)
    return " ".join(PdfReader(path).pages[0].extract_text().split())


def test_corrected_shares_stand_beside_the_plain_ones(tmp_path: Path) -> None:
    result = with_correction(Correction(SHARES, fit_p=0.4, missed_percent=0.7))
    english, russian = render_html(result, lang="en"), render_html(result, lang="ru")
    assert "63.9 (57.0–71.3)" in english
    assert "63,9 (57,0–71,3)" in russian
    assert "Corrected, % (95" in english
    page = text_of(result, tmp_path / "a.pdf", "ru")
    assert "63,9 (57,0–71,3)" in page
    assert "63.9" not in page
    assert "Просмотрено и утверждено" in page


def test_why_nothing_was_corrected_is_said(tmp_path: Path) -> None:
    for code in ("many_unidentified", "validation_of_other_models"):
        result = with_correction(Correction(uncorrected=code))
        for lang in ("en", "ru"):
            assert note_text(code, lang) in render_html(result, lang=lang)
            assert note_text(code, lang) in text_of(result, tmp_path / "a.pdf", lang)
    assert "Corrected, %" not in render_html(result, lang="en")


def test_the_table_of_the_formula(tmp_path: Path) -> None:
    result = with_correction(Correction(SHARES))
    write_formula_csv(result.formula, tmp_path / "formula.csv")
    with (tmp_path / "formula.csv").open(newline="", encoding="utf-8") as handle:
        rows = {row["class"]: row for row in csv.DictReader(handle)}
    assert rows["neutrophil"]["corrected_low"] == "57.0100"
    assert float(rows["eosinophil"]["percent"]) == pytest.approx(2.5)
    assert rows["immature_granulocyte"]["n"] == "0"
    assert rows["basophil"]["corrected_percent"] == ""
    assert float(rows["lymphocyte"]["absolute"]) == pytest.approx(6.4 * 0.265)


def test_with_nothing_counted_no_share_is_given(tmp_path: Path) -> None:
    result = case("nothing_found")
    write_formula_csv(result.formula, tmp_path / "formula.csv")
    with (tmp_path / "formula.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    shares = ("percent", "percent_low", "percent_high", "absolute", "absolute_low", "absolute_high")
    assert rows and all(row["n"] == "0" and not any(row[name] for name in shares) for row in rows)
    write_json(result, tmp_path / "result.json")
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    shares = ("percent", "low", "high", "absolute", "absolute_low", "absolute_high")
    for line in document["formula"]["lines"]:
        assert line["n"] == 0
        assert [line[name] for name in shares] == [None] * 6
    again = read_result(tmp_path / "result.json")
    assert [(line.percent, line.low, line.high) for line in again.formula.lines] == [(0, 0, 100)] * len(rows)


@pytest.mark.parametrize(
    ("by", "at"),
    [
        ("", "2026-11-20T14:05:00+03:00"),
        ("a\nb", "2026-11-20T14:05:00+03:00"),
        ("x" * 101, "2026-11-20T14:05:00+03:00"),
        ("A. Ivanova", "2026-11-20T14:05:00"),
        ("A. Ivanova", "yesterday"),
    ],
)
def test_impossible_signatures(by: str, at: str) -> None:
    with pytest.raises(UsageError):
        Signature(by, at)


def test_a_signed_result_is_final() -> None:
    result = case("few_cells")
    assert result.status == "preliminary"
    signed = replace(result, relabelled=(), signature=Signature("A. Ivanova", "2026-11-20T14:05:00+03:00"))
    assert signed.status == "final"
    page = render_html(signed, lang="ru")
    assert "20.11.2026\u00a014:05 (UTC+03:00)" in page
    assert Language("ru").text("final") in page


def test_times_in_both_languages() -> None:
    assert Language("en").moment("2026-11-20T14:05:59-04:30") == "2026-11-20\u00a014:05 (UTC-04:30)"
    assert Language("ru").moment("2026-11-20T14:05+00:00") == "20.11.2026\u00a014:05 (UTC)"
    assert Language("en").moment("soon") == "soon"


def test_pictures_survive_storing() -> None:
    result = case("few_cells")
    stored = encode_pictures(result)
    assert stored is not None
    again = with_pictures(result, stored)
    assert set(again.crops) == set(result.crops)
    off = [np.abs(again.crops[n].astype(int) - result.crops[n]).mean() for n in result.crops]
    assert max(off) < 4
    assert again.overview is not None
    assert again.overview.image.shape == (480, 640, 3)
    assert with_pictures(result, None).crops == {}


def test_sheets_that_lie_about_their_size_are_refused() -> None:
    result = case("few_cells")
    stored = encode_pictures(result)
    assert stored is not None
    sheet = stored.record["crops"][0]
    for change in (
        {"side_px": 10_000},
        {"columns": 7},
        {"cell_ids": [*sheet["cell_ids"]] * 2},
        {"side_px": 56},
    ):
        record = {**stored.record, "crops": [{**sheet, **change}]}
        with pytest.raises(DataError, match=r"crops\.jpg"):
            with_pictures(result, StoredPictures(stored.files, record))
    broken = StoredPictures({**stored.files, "crops.jpg": b"\xff\xd8\xff"}, stored.record)
    with pytest.raises(DataError, match="no readable JPEG"):
        with_pictures(result, broken)


def flat_png(side: int) -> bytes:
    """A PNG that is small as a file and large as a picture."""
    stream = io.BytesIO()
    Image.new("1", (side, side)).save(stream, "PNG")
    return stream.getvalue()


def test_logos_that_would_fill_the_memory_are_refused() -> None:
    assert checked_logo(flat_png(600)) == ("png", 600, 600)
    with pytest.raises(DataError, match="at most 4000"):
        checked_logo(flat_png(4001))
    with pytest.raises(DataError, match="logo"):
        checked_logo(flat_png(12_000))
