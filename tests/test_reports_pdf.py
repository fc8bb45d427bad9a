"""The PDF: the same bytes each time, text that can be selected, nothing that breaks or runs off the page."""

import io
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader
from report_cases import CASES, LONG, case, make_result
from report_words import foreign_words

from cells.errors import DataError, RefusedError, UsageError
from cells.records import Finding
from cells.vocabulary import CellClass
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from leukoformula.result import SmearResult
from reports import fonts
from reports.html import render_html
from reports.pdf import PAGES, write_pdf
from reports.texts import Language
from reports.view import Header

C = CellClass
HEADER = Header("Лаборатория № 4", ("ул. Главная, 12", "т. 000-00-00"))


@pytest.fixture(scope="module")
def pdfs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Every case in both languages."""
    folder = tmp_path_factory.mktemp("pdf")
    made = {}
    for name in CASES:
        for lang in ("en", "ru"):
            made[name, lang] = folder / f"{name}.{lang}.pdf"
            write_pdf(case(name), made[name, lang], lang=lang)
    return made


def text_of(path: Path, *, first_page: bool = False) -> str:
    pages = PdfReader(path).pages
    joined = "\n".join(page.extract_text() for page in (pages[:1] if first_page else pages))
    return re.sub(r"\s+", " ", joined)


def test_the_same_result_gives_the_same_bytes(pdfs: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    write_pdf(CASES["erythroblasts"](), tmp_path / "again.pdf", lang="ru")
    assert (tmp_path / "again.pdf").read_bytes() == pdfs["erythroblasts", "ru"].read_bytes()


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("name", sorted(set(CASES) - {"nothing_found"}))
def test_the_first_page_prints_every_row(name: str, lang: str, pdfs: dict[tuple[str, str], Path]) -> None:
    result, language = case(name), Language(lang)
    text = text_of(pdfs[name, lang], first_page=True)
    for line in result.formula.lines:
        percent = re.escape(language.number(line.percent, 1))
        span = re.escape(language.span(line.low, line.high, digits=1))
        assert re.search(rf"\b{line.n} {percent} {span}", text), line.label
    assert language.text("footer").split(".")[0] in text


@pytest.mark.parametrize("name", sorted(set(CASES) - {"hostile_names"}))
def test_the_first_page_holds_the_signature(name: str, pdfs: dict[tuple[str, str], Path]) -> None:
    for lang in ("en", "ru"):
        language = Language(lang)
        text = text_of(pdfs[name, lang], first_page=True)
        assert language.text("signature") in text
        assert language.text("disclaimer") in text


def test_flags_are_told_by_sign_and_word(pdfs: dict[tuple[str, str], Path]) -> None:
    english = text_of(pdfs["eosinophilia_within_error", "en"], first_page=True)
    assert "△ above within error" in english
    assert "Eosinophils 8.0 % (0–5.5); about" in english
    russian = text_of(pdfs["left_shift", "ru"], first_page=True)
    assert "▲ Палочкоядерные нейтрофилы 18,0 % (1–6)" in russian
    assert "▲ выше" in russian and "▼ ниже" in russian


def test_a_corrected_count_and_what_stands_outside_are_printed(pdfs: dict[tuple[str, str], Path]) -> None:
    english = text_of(pdfs["erythroblasts", "en"], first_page=True)
    assert "8.0 per 100 leukocytes" in english
    assert "16.11 × 10⁹/L, corrected for erythroblasts (by their counting error" in english
    assert "no. " in english


@pytest.mark.parametrize(
    ("name", "lang", "notice"),
    [
        ("nothing_found", "en", "No leukocyte found – no formula given"),
        ("nothing_found", "ru", "Лейкоциты не найдены – формула не приводится"),
        ("few_cells", "en", "Only 37 leukocytes counted"),
        ("few_cells", "ru", "Подсчитано только 37 лейкоцитов"),
    ],
)
def test_no_and_few_leukocytes_are_said_aloud(
    name: str, lang: str, notice: str, pdfs: dict[tuple[str, str], Path]
) -> None:
    assert notice in text_of(pdfs[name, lang], first_page=True)


def test_nothing_found_prints_no_percentage(pdfs: dict[tuple[str, str], Path]) -> None:
    assert not re.search(r"\d\.\d %", text_of(pdfs["nothing_found", "en"], first_page=True))


@pytest.mark.parametrize("name", sorted(set(CASES) - {"hostile_names"}))
def test_the_russian_report_keeps_no_english_word(name: str, pdfs: dict[tuple[str, str], Path]) -> None:
    assert foreign_words(text_of(pdfs[name, "ru"]), case(name)) == set()


def test_pages_are_numbered_and_marked(pdfs: dict[tuple[str, str], Path]) -> None:
    reader = PdfReader(pdfs["left_shift", "ru"])
    total = len(reader.pages)
    assert total > 3
    for number, page in enumerate(reader.pages, start=1):
        assert f"Страница {number} из {total}" in page.extract_text()
    titles = [entry["/Title"] for entry in reader.outline if not isinstance(entry, list)]
    assert titles == ["Формула", "Клетки по классам", "Поле зрения с найденными клетками", "Метод и версии"]
    places = [
        reader.get_destination_page_number(entry) for entry in reader.outline if not isinstance(entry, list)
    ]
    assert places == sorted(places) and places[0] == 0 and places[-1] == total - 1
    assert reader.metadata is not None
    assert reader.metadata.title == "Лейкоцитарная формула, мазок smear-0417"
    assert reader.metadata.creator == "leukoformula 0.1.0"
    assert reader.trailer["/Root"]["/Lang"] == "ru"


@pytest.mark.parametrize("page", sorted(PAGES))
def test_page_sizes(page: str, tmp_path: Path) -> None:
    write_pdf(case("few_cells"), tmp_path / "report.pdf", lang="en", page=page, header=HEADER)
    reader = PdfReader(tmp_path / "report.pdf")
    for sheet in reader.pages:
        assert (float(sheet.mediabox.width), float(sheet.mediabox.height)) == pytest.approx(
            PAGES[page], abs=0.01
        )
    assert "Лаборатория № 4" in reader.pages[0].extract_text()
    assert reader.metadata is not None and reader.metadata.author == "Лаборатория № 4"


def test_captions_of_neighbouring_cells_stand_apart(tmp_path: Path) -> None:
    result = case("normal_adult")
    labels = {cell.cell_id: cell.label for cell in result.cells}
    changed = [number for number, label in labels.items() if label is C.NEUTROPHIL_SEGMENTED]
    write_pdf(replace(result, relabelled=tuple(changed)), tmp_path / "r.pdf", lang="ru")
    lines: dict[float, list[tuple[float, float]]] = {}

    def visit(text: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
        for part in text.splitlines():
            if part.startswith("программа:"):
                x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
                end = x + fonts.width(part.strip(), fonts.SEMIBOLD, 7)
                lines.setdefault(round(y, 1), []).append((x, end))

    for page in PdfReader(tmp_path / "r.pdf").pages:
        page.extract_text(visitor_text=visit)
    gaps = [other[0] - one[1] for row in lines.values() for one, other in itertools.pairwise(sorted(row))]
    assert len(gaps) > 10
    assert min(gaps) > 4


@pytest.mark.parametrize("number", [3, 60])
def test_no_cell_stands_between_the_values_and_the_signature(number: int, tmp_path: Path) -> None:
    write_pdf(make_result({C.UNIDENTIFIED: number}), tmp_path / "r.pdf", lang="en")
    first, second = (page.extract_text() for page in PdfReader(tmp_path / "r.pdf").pages[:2])
    said = Language("en").text
    assert said("signature") in first and said("gallery") not in first
    assert said("gallery") in second


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_large_counts_stand_in_one_line(lang: str, tmp_path: Path) -> None:
    counts = {C.NEUTROPHIL_SEGMENTED: 60_000, C.LYMPHOCYTE: 3_900_000, C.MONOCYTE: 40_000}
    formula = make_formula(counts, ranges=load_builtin("ru"), wbc=999.0)
    write_pdf(replace(case("normal_adult"), formula=formula), tmp_path / "r.pdf", lang=lang)
    lines = PdfReader(tmp_path / "r.pdf").pages[0].extract_text().splitlines()
    words = {" ".join(line.split()) for line in lines}
    language = Language(lang)
    said = [" ".join(language.integer(n).split()) for n in (*counts.values(), sum(counts.values()))]
    assert words >= {*said, "▲ " + language.number(974.025, 2), "▲ " + language.number(999.0, 2)}


@pytest.mark.parametrize("name", ["hostile_names", "left_shift"])
def test_no_text_runs_off_the_page(name: str, pdfs: dict[tuple[str, str], Path]) -> None:
    reader = PdfReader(pdfs[name, "ru"])
    for page in reader.pages:
        across, down = float(page.mediabox.width), float(page.mediabox.height)
        seen = 0

        def visit(text: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
            nonlocal seen
            if not text.strip():
                return
            seen += 1
            x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
            assert x >= 10, text
            assert 10 <= y <= down - 10, text  # noqa: B023
            longest = max(text.splitlines(), key=len)
            if "\n" not in text.strip():
                assert x + fonts.width(longest.strip(), fonts.REGULAR, size) <= across - 10, text  # noqa: B023

        page.extract_text(visitor_text=visit)
        assert seen > 3


def test_hostile_names_are_shown_not_obeyed(pdfs: dict[tuple[str, str], Path]) -> None:
    text = text_of(pdfs["hostile_names", "en"])
    assert "<b>&amp;</b>" in text
    assert "¿ stands for characters" in text
    assert "\u202e" not in text
    assert LONG[:20] in text
    assert "30 more in result.json" in text


def test_printable_drops_what_cannot_be_drawn() -> None:
    assert fonts.printable("a\u202eb\tc\n漢字d") == "ab c ¿d"
    assert fonts.printable("Ёж №\u00a05 ▲") == "Ёж №\u00a05 ▲"
    assert fonts.printable("e\u0301") == "é"


@pytest.mark.parametrize("room", [3, 20, 60, 500])
def test_shortened_text_keeps_within_its_room(room: float) -> None:
    short = fonts.shorten(LONG, font=fonts.REGULAR, size=8, room=room)
    assert "…" in short or short == LONG
    assert fonts.width(short, fonts.REGULAR, 8) <= max(room, fonts.width("…", fonts.REGULAR, 8))
    assert fonts.shorten("short", font=fonts.REGULAR, size=8, room=500) == "short"


def test_a_logo_is_printed_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (300, 100), (10, 80, 140)).save(stream, "PNG")
    logo = Header("Lab", (), stream.getvalue())
    write_pdf(case("nothing_found"), tmp_path / "a.pdf", lang="en", header=logo)
    assert len(PdfReader(tmp_path / "a.pdf").pages[0].images) == 1
    with pytest.raises(DataError, match="logo"):
        write_pdf(case("nothing_found"), tmp_path / "b.pdf", lang="en", header=Header("Lab", (), b"GIF89a"))
    assert not (tmp_path / "b.pdf").exists()


def test_choices_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a4, letter"):
        write_pdf(case("nothing_found"), tmp_path / "a.pdf", lang="en", page="a5")
    with pytest.raises(UsageError, match="en, ru"):
        write_pdf(case("nothing_found"), tmp_path / "a.pdf", lang="fr")


def test_a_result_without_pictures_is_printed_too(tmp_path: Path) -> None:
    bare = replace(case("normal_adult"), crops={}, overview=None)
    write_pdf(bare, tmp_path / "report.pdf", lang="en")
    assert "not stored with this result" in text_of(tmp_path / "report.pdf")


def test_fonts_are_there_and_missing_ones_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Source Sans Pro" in fonts.check()
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    with pytest.raises(RefusedError, match="pip install"):
        fonts.folder()


def test_a_damaged_font_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / f"{fonts.REGULAR}.ttf").write_bytes(b"no font")
    monkeypatch.setattr(fonts, "folder", lambda: tmp_path)
    with pytest.raises(RefusedError, match=r"Regular\.ttf.*pip install"):
        fonts.register.__wrapped__()


def overfull() -> SmearResult:
    """Many classes and remarks beside few cells: more than a first page holds."""
    counts = {C.NEUTROPHIL_SEGMENTED: 3, C.NEUTROPHIL_BAND: 1, C.LYMPHOCYTE: 2, C.BLAST: 1}
    return make_result(
        {**counts, C.UNIDENTIFIED: 2, C.ERYTHROBLAST: 2},
        identity=case("blasts").identity,
        wbc=46.2,
        fields=6,
        findings=case("left_shift").findings,
    )


def test_remarks_without_room_follow_and_the_signature_stays_with_the_values(tmp_path: Path) -> None:
    write_pdf(case("left_shift"), tmp_path / "r.pdf", lang="ru", page="letter", header=Header("КДЛ", ("1",)))
    first, second = (
        " ".join(page.extract_text().split()) for page in PdfReader(tmp_path / "r.pdf").pages[:2]
    )
    said = Language("ru").text
    assert said("signature") in first
    assert "На следующей странице: Лейкоцитарные индексы" in first
    assert said("index.kalf_kalif") in second and said("index.kalf_kalif") not in first
    assert said("gallery") in second


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_long_warnings_stand_on_the_first_page_with_the_signature(lang: str, tmp_path: Path) -> None:
    codes = ("other_magnification", "mixed_stains", "seen_before", "unlike_known_cells", "blurred")
    counts = {C.NEUTROPHIL_SEGMENTED: 15, C.EOSINOPHIL: 2, C.LYMPHOCYTE: 5, C.MONOCYTE: 3, C.UNIDENTIFIED: 2}
    result = make_result(counts, wbc=5.0, findings=tuple(Finding(code, "warning") for code in codes))
    write_pdf(result, tmp_path / "r.pdf", lang=lang)
    first = " ".join(PdfReader(tmp_path / "r.pdf").pages[0].extract_text().split())
    said = Language(lang).text
    for words in (said("signature"), *(said(f"finding.{code}") for code in codes)):
        assert words in first


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_signature_on_the_second_page_repeats_what_is_signed(lang: str, tmp_path: Path) -> None:
    write_pdf(overfull(), tmp_path / "r.pdf", lang=lang, page="letter")
    first, second = (
        " ".join(page.extract_text().split()) for page in PdfReader(tmp_path / "r.pdf").pages[:2]
    )
    language = Language(lang)
    said = language.text
    assert said("disclaimer") not in first and first.count(said("signature")) == 1
    hint = first[first.index(said("next_page", sections=said("counted")).rstrip(".")) :]
    assert said("quality") in hint and said("signature") in hint
    total = f"{said('row.total')}: 7"
    for text in (said("signature"), total, f"{language.label(C.BLAST)} {language.number(14.3, 1)}"):
        assert text in second
    place = second.index(total)
    for text in (f"{said('patient')}: F-5", f"{said('sample')}: 2024-9", said("preliminary")):
        assert second.rindex(text, 0, place) < place < second.index(said("signature"))


def test_a_formula_of_counts_alone_has_no_heading_with_nothing_under_it(tmp_path: Path) -> None:
    result = replace(
        case("normal_adult"), fields=(), cells=(), crops={}, overview=None, models=(), findings=()
    )
    write_pdf(result, tmp_path / "r.pdf", lang="en")
    text = PdfReader(tmp_path / "r.pdf").pages[0].extract_text()
    assert Language("en").text("quality") not in text
    assert Language("en").text("quality") not in render_html(result, lang="en")
    assert Language("en").text("quality") in render_html(case("normal_adult"), lang="en")
