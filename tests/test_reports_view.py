"""What a report says, before it is laid out."""

from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from report_cases import case, make_result

from cells.records import Finding
from cells.vocabulary import CellClass
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from counting.records import CorrectedShare, Correction, Flag
from leukoformula.result import SmearResult
from leukoformula.reviewed import apply_review
from reports import view_cells, view_facts, view_formula, view_remarks
from reports.fonts import plain
from reports.html import render_html
from reports.pdf import write_pdf
from reports.texts import Language

C = CellClass
EN, RU = Language("en"), Language("ru")


def from_counts() -> SmearResult:
    """A formula made from counts alone: no fields, no cells, no models."""
    result = case("normal_adult")
    return replace(
        result, fields=(), cells=(), crops={}, overview=None, models=(), classifier="", findings=()
    )


def test_what_stands_out_is_sorted_by_how_sure_it_is() -> None:
    third, count, first, second = view_formula.glance(case("left_shift").formula, EN)
    assert [(item.sign, item.text) for item in count.items] == [("▲", "18.20\u00a0×\u00a010⁹/L (4.00–9.00)")]
    assert [item.text.split(" 1")[0] for item in first.items] == [
        "Neutrophils",
        "Band neutrophils",
        "Lymphocytes",
        "Monocytes",
    ]
    assert [item.sign for item in first.items] == ["▲", "▲", "▼", "▲"]
    assert second.items[0].text == "Eosinophils 0.2\u00a0% (0.5–5)"
    assert [item.text for item in third.items] == [
        "Immature granulocytes 3.5\u00a0%",
        "11 unidentified cells",
    ]


def test_segmented_neutrophils_are_named_where_the_pooled_value_does_not_tell_it() -> None:
    formula = make_result({C.NEUTROPHIL_BAND: 80, C.NEUTROPHIL_SEGMENTED: 50, C.LYMPHOCYTE: 60}).formula
    segmented = formula.line(C.NEUTROPHIL_SEGMENTED)
    assert segmented is not None and segmented.flag is Flag.LOW
    told = [item.text for line in view_formula.glance(formula, EN) for item in line.items]
    assert any(text.startswith("Segmented neutrophils") for text in told)


def test_a_leukocyte_count_outside_its_range_is_named_and_not_every_value_is_inside() -> None:
    counts = {C.NEUTROPHIL_SEGMENTED: 116, C.NEUTROPHIL_BAND: 4, C.EOSINOPHIL: 6, C.LYMPHOCYTE: 62}
    for wbc, sign in ((9.1, "▲"), (3.9, "▼"), (None, "")):
        formula = make_result({**counts, C.MONOCYTE: 12}, wbc=wbc).formula
        assert {line.flag_absolute for line in formula.lines} <= {None, Flag.INSIDE}
        (line,) = view_formula.glance(formula, EN)
        assert line.heading == EN.text("glance.wbc" if sign else "glance.inside")
        assert [item.sign for item in line.items] == [sign] * bool(sign)


def test_a_corrected_leukocyte_count_is_the_one_named() -> None:
    counts = {C.NEUTROPHIL_SEGMENTED: 60, C.LYMPHOCYTE: 40, C.ERYTHROBLAST: 300}
    texts = [
        item.text
        for line in view_formula.glance(make_result(counts, wbc=8.0).formula, RU)
        for item in line.items
    ]
    assert "2,00\u00a0×\u00a010⁹/л (4,00–9,00)" in texts


def test_rare_cells_that_normal_blood_lacks_are_not_rounded_to_none() -> None:
    counts = {C.LYMPHOCYTE: 2999, C.BLAST: 1, C.ERYTHROBLAST: 1}
    formula = make_formula(counts, ranges=load_builtin("ru"))
    for language, tiny in ((EN, "<\u00a00.1"), (RU, "<\u00a00,1")):
        also = [item.text for item in view_formula.glance(formula, language)[0].items]
        assert also[0] == f"{language.label(C.BLAST)} {tiny}\u00a0%"
        assert f" {tiny} " in also[1]


def test_no_asterisk_is_explained_where_no_range_is_printed() -> None:
    starred = [view_remarks.notes(case(name).formula, EN, str) for name in ("normal_adult", "nothing_found")]
    assert [any(note.startswith("* ") for note in notes) for notes in starred] == [True, False]


@pytest.mark.parametrize("number", [1, 3, 25, 31])
def test_cells_that_nobody_named_are_not_said_to_be_missing(number: int) -> None:
    formula = make_result({C.UNIDENTIFIED: number}, wbc=60.0).formula
    notices = [view_formula.notice(formula, language) for language in (EN, RU)]
    english, other = (notice for notice in notices if notice is not None)
    assert english.heading == "No leukocyte identified – no formula given"
    assert english.detail.startswith(f"Unidentified cells: {number}.")
    assert other.detail.startswith(f"Неопределённых клеток: {number}.")


def test_a_normal_formula_is_said_to_be_inside_and_a_missing_range_is_said_too() -> None:
    assert view_formula.glance(case("normal_adult").formula, EN)[0].heading == EN.text("glance.inside")
    assert view_formula.glance(case("few_cells").formula, RU)[0].heading == RU.text("glance.no_ranges")
    assert view_formula.glance(case("nothing_found").formula, EN) == ()


def test_findings_of_the_smear_stand_for_those_of_its_fields() -> None:
    items = {item.text.split(":")[0]: item for item in view_facts.quality(case("left_shift"), EN, plain)}
    assert items["Erythrocytes overlap"].text == "Erythrocytes overlap: 25\u00a0% of the fields"
    assert items["Out of focus"].text == "Out of focus: field_003.png, field_009.png"
    assert items["No stained nucleus seen"].text == "No stained nucleus seen: 4 fields"
    assert items["No stained nucleus seen"].term == "Note"


def test_an_unknown_remark_shows_its_code() -> None:
    odd = replace(case("normal_adult"), findings=(Finding("sticky", "warning", "a.png", 1.0),))
    assert any("“sticky”: a.png" in item.text for item in view_facts.quality(odd, EN, plain))


def test_a_doubtful_pixel_size_is_told_with_numbers_before_other_remarks() -> None:
    doubt = Finding("option_against_erythrocytes", "warning", "", 5.25)
    swapped = Finding("channels_swapped", "warning", "", 0.5)
    odd = replace(case("left_shift"), findings=(*case("left_shift").findings, doubt, swapped))
    first, second = view_facts.quality(odd, EN, plain)[1:3]
    assert first.text.startswith("Red and blue seem to be swapped")
    assert first.text.endswith(": 50\u00a0% of the fields")
    assert "given (0.2143 µm)" in second.text
    assert "would measure 5.2 µm" in second.text
    assert "it is 0.3061 µm" in second.text
    assert second.text.endswith(": whole smear")
    russian = view_facts.quality(odd, RU, plain)[2].text
    assert "(0,2143 мкм)" in russian
    assert "0,3061 мкм" in russian


def test_a_doubtful_pixel_size_without_its_number_shows_its_code() -> None:
    one = Finding("metadata_against_erythrocytes", "warning")
    shown = view_facts.finding(one, case("normal_adult").calibration, EN, plain)
    assert "“metadata_against_erythrocytes”" in shown


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("eosinophilia_within_error", "0.2143 µm, as stated in the image files."),
        ("few_cells", "0.2143 µm, as given by the user."),
        ("normal_adult", "0.2143 µm, measured on 2,314 erythrocytes of this smear: 35.0 px across = 7.5 µm."),
    ],
)
def test_the_way_to_the_pixel_size_is_told(source: str, sentence: str) -> None:
    assert view_facts.pixel_size(case(source), EN) == sentence


def test_finds_are_accounted_for() -> None:
    items = {item.term: item.text for item in view_facts.counted(case("normal_adult"), EN, plain)}
    assert items["Fields"] == "12"
    assert items["Finds"] == (
        "221; of them not leukocytes (platelets, artefacts): 16; "
        "left to a neighbouring field by the counting frame: 5"
    )


def test_settings_are_flattened_and_sorted() -> None:
    told = list(view_facts.flatten({"b": {"y": True, "x": 0.25}, "a": [1, None]}, RU))
    assert told == [("a", "1; —"), ("b.x", "0,25"), ("b.y", "да")]


def test_corrected_shares_stand_beside_the_counted_ones() -> None:
    share = CorrectedShare(C.EOSINOPHIL, 2.1, 0.44, 5.21)
    formula = replace(case("normal_adult").formula, correction=Correction((share,), missed_percent=1.24))
    (grid,) = view_remarks.correction(formula, EN)
    assert grid.rows == (("Eosinophils", "2.5\u00a0%", "2.1\u00a0%", "0.4–5.3"),)
    assert "missed: 1.2\u00a0%" in grid.intro
    not_done = replace(formula, correction=Correction(uncorrected="poor_fit"))
    (grid,) = view_remarks.correction(not_done, RU)
    assert grid.rows == () and "Без поправки" in grid.intro
    assert view_remarks.correction(case("normal_adult").formula, EN) == ()


def test_an_alert_stands_above_the_formula(tmp_path: Path) -> None:
    write_pdf(case("blasts"), tmp_path / "report.pdf", lang="ru")
    text = PdfReader(tmp_path / "report.pdf").pages[0].extract_text()
    alert = text.index(RU.text("alerts"))
    assert alert < text.index(RU.text("column.cells"))
    page = render_html(case("blasts"), lang="ru")
    assert page.index(RU.text("alerts")) < page.index('<table class="formula">')


def test_a_formula_from_counts_alone_has_no_gallery(tmp_path: Path) -> None:
    write_pdf(from_counts(), tmp_path / "report.pdf", lang="en")
    text = " ".join(page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages)
    page = render_html(from_counts(), lang="en")
    for said in (text, page):
        assert "made from counts alone" in said
        assert EN.text("gallery") not in said and "Pixel size" not in said
        assert "Detector" not in said and "Program: leukoformula 0.1.0." in said


def test_indices_that_are_all_withheld_for_one_reason_take_one_line() -> None:
    (line,) = view_remarks.indices(case("blasts").formula, RU)
    assert line.name == "Не приводится: при наличии бластных клеток индекс не имеет смысла."
    assert len(view_remarks.indices(case("normal_adult").formula, RU)) == 4
    assert view_remarks.indices(case("few_cells").formula, RU) == ()


@pytest.mark.parametrize(
    ("language", "named", "answer"),
    [
        (EN, "named by a person", "program: band "),
        (RU, "указано специалистом", "программа: п/я "),
    ],
)
def test_a_cell_that_a_person_named_has_no_probability_of_the_program(
    language: Language, named: str, answer: str, tmp_path: Path
) -> None:
    result = make_result({C.NEUTROPHIL_BAND: 3, C.BLAST: 2, C.LYMPHOCYTE: 30})
    changed = next(cell for cell in result.cells if cell.label is C.NEUTROPHIL_BAND)
    labels = {cell.cell_id: C.BLAST if cell is changed else cell.label for cell in result.cells}
    reviewed = apply_review(result, labels, ranges=load_builtin("ru"))
    pictured = replace(reviewed, crops=result.crops)
    group = next(one for one in view_cells.groups(pictured, language) if one.name == language.label(C.BLAST))
    first, *others = group.thumbs
    share = language.percent(100 * changed.probability, 0)
    assert first.number == language.text("number", n=changed.cell_id)
    assert (first.probability, first.others) == ("", ())
    assert first.said == (named, f"{answer}{share}")
    assert all(thumb.probability and not thumb.said for thumb in others)
    html = render_html(pictured, lang=language.code)
    assert html.count(named) == 1
    assert language.text("gallery.intro.reviewed") in html
    write_pdf(pictured, tmp_path / "r.pdf", lang=language.code)
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(tmp_path / "r.pdf").pages).split())
    assert named in text
    assert language.text("gallery.intro.reviewed") not in render_html(result, lang=language.code)
