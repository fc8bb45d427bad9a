"""The neutral document as HTML and PDF: everything shown, nothing obeyed, the same bytes each time."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from pypdf import PdfReader

from cells.errors import InputError, UsageError
from evaluation.pages import (
    Bar,
    Chart,
    Document,
    Gallery,
    GalleryPicture,
    Heading,
    Paragraph,
    Series,
    Table,
    bar_chart,
    line_chart,
    render_html,
    write_html,
    write_pdf,
)

HOSTILE = "<script>alert('x')</script> & \"q\" \x00\u202eevil\n漢字 ü я ≥"


def _picture(value: int = 90) -> GalleryPicture:
    return GalleryPicture(np.full((40, 80, 3), value, np.uint8), ("first line", HOSTILE))


def _document(**more: object) -> Document:
    blocks = (
        Heading("Figures"),
        Paragraph(HOSTILE),
        Paragraph("Beware.", style="warning"),
        Table(("name", "value"), ((HOSTILE, "0.99"), ("x" * 400, "1")), "Caption", frozenset({1}), "Note."),
        Heading("Curve"),
        Chart(line_chart([Series("a<b", [0, 1], [0, 1])], x_label="x", y_label="y"), "A curve.", 'alt "q"'),
        Heading("Detail", 2),
        Chart(bar_chart([Bar("b&c", 3)], x_label="finds"), "Bars.", "bars"),
        Heading("Pictures"),
        Gallery(tuple(_picture(40 * n) for n in range(5)), "Worst first.", 3),
        Gallery((), "None."),
    )
    return Document("Evaluation", f"set {HOSTILE}", blocks, "leukoformula 0", (("Model", HOSTILE),))


class _Outline(HTMLParser):
    VOID = ("meta", "img", "br", "link", "path", "rect", "line", "circle", "polyline", "polygon")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def _parsed(text: str) -> _Outline:
    parser = _Outline()
    parser.feed(text)
    assert parser.open == []
    return parser


def test_html_is_well_formed_and_loads_nothing() -> None:
    seen = _parsed(render_html(_document())).seen
    tags = [tag for tag, _ in seen]
    assert "script" not in tags
    assert tags.count("svg") == 2
    assert tags.count("img") == 5
    for _, attributes in seen:
        for key in ("src", "href", "xlink:href"):
            value = attributes.get(key)
            assert value is None or value.startswith(("data:image/jpeg;base64,", "#part-"))


def test_html_shows_hostile_text_as_text() -> None:
    text = render_html(_document())
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_html_names_charts_for_those_who_cannot_see_them() -> None:
    charts = [attributes for tag, attributes in _parsed(render_html(_document())).seen if tag == "svg"]
    assert [chart["aria-label"] for chart in charts] == ['alt "q"', "bars"]
    assert all(chart["role"] == "img" for chart in charts)
    assert not any("id" in chart for chart in charts)


def test_html_has_a_contents_list_that_leads_to_the_headings() -> None:
    seen = _parsed(render_html(_document())).seen
    targets = [a["href"] for tag, a in seen if tag == "a"]
    anchors = {a["id"] for tag, a in seen if tag in {"h2", "h3"}}
    assert len(targets) == 3
    assert {str(target)[1:] for target in targets} < anchors


def test_pdf_has_bookmarks_metadata_numbers_and_text(tmp_path: Path) -> None:
    write_pdf(_document(), tmp_path / "a.pdf")
    reader = PdfReader(tmp_path / "a.pdf")
    assert reader.metadata is not None
    assert reader.metadata.title == "Evaluation"
    assert reader.metadata.creator == "leukoformula 0"
    flat = [entry for entry in reader.outline if not isinstance(entry, list)]
    assert [entry["/Title"] for entry in flat] == ["Figures", "Curve", "Pictures"]
    text = " ".join(page.extract_text() for page in reader.pages)
    assert f"page 1 of {len(reader.pages)}" in text
    assert f"page {len(reader.pages)} of {len(reader.pages)}" in text
    assert "<script>alert('x')</script> & \"q\" evil ¿ ü я ≥" in re.sub(r"\s+", " ", text)


def test_pdf_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_pdf(_document(), tmp_path / "a.pdf")
    write_pdf(_document(), tmp_path / "b.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_html_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_html(_document(), tmp_path / "a.html")
    write_html(_document(), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_pdf_table_over_several_pages_repeats_its_header(tmp_path: Path) -> None:
    rows = tuple((f"row {number}", f"{number}") for number in range(150))
    document = Document("T", "s", (Table(("the heading", "n"), rows),))
    write_pdf(document, tmp_path / "a.pdf")
    pages = PdfReader(tmp_path / "a.pdf").pages
    assert len(pages) > 1
    assert all("the heading" in page.extract_text() for page in pages)


def test_pdf_does_not_leave_a_heading_alone_at_the_foot(tmp_path: Path) -> None:
    filler = tuple(Paragraph(f"line {number}") for number in range(38))
    chart = Chart(line_chart([], x_label="x", y_label="y"), "c", "a")
    write_pdf(Document("T", "s", (*filler, Heading("The curve"), chart)), tmp_path / "a.pdf")
    first, second = PdfReader(tmp_path / "a.pdf").pages
    assert "The curve" not in first.extract_text()
    assert "The curve" in second.extract_text()


def test_pdf_refuses_an_unknown_page(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no page size"):
        write_pdf(_document(), tmp_path / "a.pdf", page="a3")
    assert not (tmp_path / "a.pdf").exists()


def test_an_empty_document_is_one_page(tmp_path: Path) -> None:
    write_pdf(Document("T", "s", ()), tmp_path / "a.pdf")
    assert len(PdfReader(tmp_path / "a.pdf").pages) == 1
    _parsed(render_html(Document("T", "s", ())))


def test_a_file_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_html(_document(), tmp_path / "file" / "a.html")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Table(("a", "b"), (("1",),)),
        lambda: Table((), ()),
        lambda: Gallery((), columns=0),
        lambda: Gallery((GalleryPicture(np.zeros((4, 4), np.uint8), ()),)),
        lambda: Gallery((GalleryPicture(np.zeros((4, 4, 3)), ()),)),  # type: ignore[arg-type]
    ],
)
def test_blocks_that_make_no_sense_are_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


def test_many_columns_and_long_words_stay_on_the_page(tmp_path: Path) -> None:
    header = tuple(f"column {n}" for n in range(14))
    table = Table(header, (tuple("word" * 12 for _ in header),))
    write_pdf(Document("T", "s", (table,)), tmp_path / "a.pdf")
    assert len(PdfReader(tmp_path / "a.pdf").pages) == 1
