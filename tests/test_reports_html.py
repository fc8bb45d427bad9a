"""The HTML: one file, no scripts, nothing from elsewhere, and the same contents as the PDF."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from report_cases import CASES, HOSTILE, case
from report_words import foreign_words

from cells.errors import DataError, UsageError
from reports.html import render_html, write_html
from reports.texts import Language
from reports.view import Header

_VOID = {"meta", "img", "br", "input", "link", "hr"}


class Reader(HTMLParser):
    """Gathers tags, attributes and text, and checks that every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.parts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.parts))


def read(name: str, lang: str, header: Header | None = None) -> Reader:
    reader = Reader()
    reader.feed(render_html(case(name), lang=lang, header=header))
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_page_is_whole_and_needs_nothing_else(name: str, lang: str) -> None:
    page = read(name, lang)
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert ("html", "lang", lang) in page.attributes
    for _, attribute, value in page.attributes:
        assert not attribute.startswith("on")
        if attribute in ("src", "href"):
            assert value.startswith("data:image/")
    assert any(value.startswith("default-src 'none'") for _, _, value in page.attributes)


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("name", sorted(set(CASES) - {"nothing_found"}))
def test_every_row_is_there(name: str, lang: str) -> None:
    language, text = Language(lang), read(name, lang).text
    for line in case(name).formula.lines:
        percent = re.escape(language.number(line.percent, 1))
        span = re.escape(language.span(line.low, line.high, digits=1))
        assert re.search(rf"\b{line.n} +{percent} +{span}", text), line.label
    for key in ("title", "disclaimer", "signature", "gallery", "overview", "method"):
        assert language.text(key) in text


@pytest.mark.parametrize("name", sorted(set(CASES) - {"hostile_names"}))
def test_the_russian_page_keeps_no_english_word(name: str) -> None:
    page = read(name, "ru")
    assert foreign_words(page.text, case(name)) == set()
    labels = " ".join(value for _, attribute, value in page.attributes if attribute in ("aria-label", "alt"))
    assert foreign_words(labels, case(name)) == set()


def test_the_russian_page_has_no_decimal_point() -> None:
    text = read("normal_adult", "ru").text
    for piece in ("1.0.0", "0.1.0", "3.11.9", "2.2.0", "1.7.0", "31.05.2024"):
        text = text.replace(piece, "")
    assert re.findall(r"\d\.\d", text) == []


def test_markup_in_names_is_shown_not_obeyed() -> None:
    page = read("hostile_names", "en")
    assert "script" not in page.tags and "b" not in page.tags and "i" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert "漢字" in page.text and "\u202e" not in page.text
    assert "\u202e" in HOSTILE


def test_the_gallery_shows_the_least_certain_first_and_says_how_many() -> None:
    text = read("left_shift", "en").text
    assert "Segmented neutrophils · 236 cells · 24 of 236 shown" in text
    assert "Artefacts · 21 finds · not counted · 8 of 21 shown" in text
    part = text.split("Segmented neutrophils · 236 cells")[1].split("Eosinophils ·")[0]
    shown = [int(share) for share in re.findall(r"no\.\s\d+ · (\d+)\s%", part)]
    assert len(shown) == 24 and shown == sorted(shown)
    assert text.index("Unidentified · 11 cells") < text.index("Band neutrophils · 72 cells")


def test_the_overview_marks_every_find_of_its_field() -> None:
    result = case("normal_adult")
    assert result.overview is not None
    inside = [cell for cell in result.cells if cell.image == result.overview.field]
    page = read("normal_adult", "en")
    marks = [(value) for tag, name, value in page.attributes if (tag, name) == ("circle", "stroke-width")]
    assert len(marks) == 2 * len(inside)
    dashed = [1 for tag, name, _ in page.attributes if (tag, name) == ("g", "stroke-dasharray")]
    assert len(dashed) == sum(not cell.counted for cell in inside) > 0


def test_a_formula_wider_than_the_screen_is_scrolled_with_the_keyboard() -> None:
    page = read("normal_adult", "ru")
    assert {("div", "tabindex", "0"), ("div", "aria-label", "Формула")} <= set(page.attributes)


def test_no_leukocyte_gives_no_table() -> None:
    page = read("nothing_found", "en")
    assert "No leukocyte found – no formula given" in page.text
    assert ("table", "class", "formula") not in page.attributes


def test_a_header_and_its_logo_are_shown() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (30, 10)).save(stream, "PNG")
    page = read("few_cells", "en", Header("Lab <4>", ("line & line",), stream.getvalue()))
    assert "Lab <4>" in page.text and "line & line" in page.text
    assert any(value.startswith("data:image/png") for _, _, value in page.attributes)
    with pytest.raises(DataError, match="logo"):
        render_html(case("few_cells"), lang="en", header=Header("Lab", (), b"<svg/>"))


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_html(CASES["few_cells"](), tmp_path / name, lang="ru")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_an_unknown_language_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="en, ru"):
        write_html(case("few_cells"), tmp_path / "a.html", lang="xx")
    assert list(tmp_path.iterdir()) == []
