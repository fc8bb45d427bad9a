"""A document as PDF: A4 or Letter, bookmarks, selectable text, the same bytes for the same document."""

import io
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_RIGHT
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Frame,
    Image,
    KeepTogether,
    LongTable,
    PageTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Words

from cells.errors import UsageError
from cells.files import atomic_path
from evaluation.pages.document import Block, Chart, Document, Gallery, Heading, Paragraph, Table
from reports import fonts
from reports.pdf import PAGES
from reports.pdf_style import MARGIN, STYLES, Flowables, bare, box, colour, heading, para
from reports.pictures import Picture, encode

_GAP = 8.0
_CELL_PAD = 3.0
_LEAST_COLUMN = 26.0
_MOST_LETTERS = 1500
_PICTURE_GAP = 7.0
_TALLEST_PICTURE = 260.0
_FRAMED = (("BOTTOMPADDING", (0, 0), (-1, -1), 5), ("RIGHTPADDING", (0, 0), (-1, -1), _PICTURE_GAP))
_RIGHT = STYLES["cell"].clone("cell_right", alignment=TA_RIGHT)


def write_pdf(document: Document, path: Path, *, page: str = "a4") -> None:
    """Write a document as PDF.

    Parameters
    ----------
    document : Document
        What stands in it.
    path : Path
        File to be written.
    page : {"a4", "letter"}, optional
        Size of the pages.

    Raises
    ------
    UsageError
        Where the page size is unknown.
    RefusedError
        Where the fonts are missing.
    InputError
        Where the file cannot be written.
    """
    if page not in PAGES:
        raise UsageError(f"no page size {page!r}; choose one of {', '.join(PAGES)}")
    fonts.register()
    pictures = {
        id(item): encode(item.image)
        for block in document.blocks
        if isinstance(block, Gallery)
        for item in block.pictures
    }
    pages = _build(document, pictures, io.BytesIO(), page=page, pages=0)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        _build(document, pictures, stream, page=page, pages=pages)


def _build(document: Document, pictures: dict[int, Picture], stream: Any, *, page: str, pages: int) -> int:
    across, down = PAGES[page]
    width, height = across - 2 * MARGIN, down - 2 * MARGIN
    title, subtitle = fonts.printable(document.title), fonts.printable(document.subtitle)
    built = BaseDocTemplate(
        stream,
        pagesize=(across, down),
        title=title,
        author=fonts.printable(document.program),
        subject=subtitle,
        creator=fonts.printable(document.program),
        lang="en",
        invariant=1,
        initialFontName=fonts.REGULAR,
    )
    frame = Frame(MARGIN, MARGIN, width, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)

    def furnish(canvas: Any, made: Any) -> None:
        _running_lines(canvas, document, page=made.page, pages=pages, across=across, down=down)

    built.addPageTemplates([PageTemplate("page", [frame], onPage=furnish)])
    built.afterFlowable = lambda flowable: _bookmark(built.canv, flowable)
    story: Flowables = [para(title, "title"), para(subtitle, "subtitle"), Spacer(1, _GAP)]
    if document.facts:
        story += [_facts(document.facts, width), Spacer(1, _GAP)]
    for number, block in enumerate(document.blocks):
        if isinstance(block, Heading):
            room = _room_below(document.blocks[number + 1 : number + 4], pictures, width)
            story.append(CondPageBreak(min(room, 0.9 * height)))
        story += _flowables(block, pictures, width=width, height=height)
    built.build(story)
    return int(built.page)


def _facts(facts: tuple[tuple[str, str], ...], width: float) -> Any:
    rows = [
        [para(fonts.printable(term), "small"), para(fonts.printable(text), "line")] for term, text in facts
    ]
    rule = ("LINEBELOW", (0, 0), (-1, -1), 0.4, colour("rule"))
    return bare(
        rows,
        (0.24 * width, 0.76 * width),
        rule,
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    )


def _room_below(blocks: tuple[Block, ...], pictures: dict[int, Picture], width: float) -> float:
    """Points that a heading needs so that it does not stand alone at the foot of a page."""
    room = 40.0
    for block in blocks:
        if isinstance(block, Heading):
            room += 24
        elif isinstance(block, Paragraph):
            room += 12 * (1 + fonts.width(block.text[:2000], fonts.REGULAR, 9) // width)
        elif isinstance(block, Table):
            return room + 50
        elif isinstance(block, Chart):
            return room + float(block.drawing.height) * min(width / float(block.drawing.width), 1.0) + 30
        else:
            first = block.pictures[: block.columns]
            column = width / block.columns - _PICTURE_GAP
            shapes = [(pictures[id(item)], len(item.lines)) for item in first]
            tall = [min(p.height * column / p.width, _TALLEST_PICTURE) + 10 * n for p, n in shapes]
            return room + max(tall, default=0.0) + 20
    return room


def _flowables(block: Block, pictures: dict[int, Picture], *, width: float, height: float) -> Flowables:
    if isinstance(block, Heading):
        style = "heading" if block.level == 1 else "group"
        return [heading(fonts.printable(block.text), style=style, level=block.level - 1)]
    if isinstance(block, Paragraph):
        return _paragraph(block, width)
    if isinstance(block, Table):
        return _table(block, width)
    if isinstance(block, Chart):
        return [_chart(block, width, height)]
    return _gallery(block, pictures, width)


def _paragraph(block: Paragraph, width: float) -> Flowables:
    text = fonts.printable(block.text)
    if block.style == "warning":
        return [box([para(text, "line")], width=width, edge="high"), Spacer(1, 5)]
    return [para(text, block.style)]


def _chart(block: Chart, width: float, height: float) -> Any:
    drawing = block.drawing
    factor = min(width / drawing.width, 0.8 * height / drawing.height, 1.0)
    if factor < 1.0:
        drawing = drawing.copy()
        drawing.scale(factor, factor)
        drawing.width, drawing.height = drawing.width * factor, drawing.height * factor
    return KeepTogether(
        [Spacer(1, 4), drawing, Spacer(1, 2), para(fonts.printable(block.caption), "small"), Spacer(1, _GAP)]
    )


def _table(block: Table, width: float) -> Flowables:
    cleaned = [[_shortened(fonts.printable(text)) for text in row] for row in (block.header, *block.rows)]
    styles = ["column_right" if number in block.numbers else "column" for number in range(len(block.header))]
    head = [para(text, style) for text, style in zip(cleaned[0], styles, strict=True)]
    body = [[_cell(text, right=n in block.numbers) for n, text in enumerate(row)] for row in cleaned[1:]]
    table = LongTable(
        [head, *body], colWidths=_widths(cleaned, width, block.numbers), repeatRows=1, hAlign="LEFT"
    )
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                ("VALIGN", (0, 1), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), _CELL_PAD),
                ("RIGHTPADDING", (0, 0), (-1, -1), _CELL_PAD),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LINEBELOW", (0, 0), (-1, 0), 1, colour("accent")),
                ("LINEBELOW", (0, 1), (-1, -1), 0.3, colour("rule")),
            ]
        )
    )
    parts: Flowables = [CondPageBreak(70)]
    if block.caption:
        parts.append(para(fonts.printable(block.caption), "strong_line"))
        parts.append(Spacer(1, 2))
    parts.append(table)
    if block.note:
        parts += [Spacer(1, 2), para(fonts.printable(block.note), "small")]
    return [*parts, Spacer(1, _GAP)]


def _cell(text: str, *, right: bool) -> Any:
    return Words(escape(text), _RIGHT if right else STYLES["cell"])


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…"


def _widths(rows: list[list[str]], width: float, numbers: frozenset[int]) -> list[float]:
    size = STYLES["cell"].fontSize
    pad = 2 * _CELL_PAD + 1.5
    natural, least = [], []
    for number in range(len(rows[0])):
        texts = [row[number] for row in rows[:300]]
        whole = max(fonts.width(text, fonts.REGULAR, size) for text in texts) + pad
        words = [word for text in texts for word in text.split()] or [""]
        longest = max(fonts.width(word, fonts.REGULAR, size) for word in words) + pad
        natural.append(whole)
        figures = max((fonts.width(row[number], fonts.REGULAR, size) for row in rows[1:300]), default=0.0)
        longest = max(longest, figures + pad) if number in numbers else longest
        least.append(min(max(longest, _LEAST_COLUMN), 0.4 * width))
    if sum(natural) <= width:
        return natural
    if sum(least) >= width:
        return [width * one / sum(least) for one in least]
    spare = width - sum(least)
    wanted = [max(one - low, 0.0) for one, low in zip(natural, least, strict=True)]
    return [low + spare * want / sum(wanted) for low, want in zip(least, wanted, strict=True)]


def _gallery(block: Gallery, pictures: dict[int, Picture], width: float) -> Flowables:
    parts: Flowables = []
    if block.caption:
        parts += [para(fonts.printable(block.caption), "small"), Spacer(1, 2)]
    column = width / block.columns
    for start in range(0, len(block.pictures), block.columns):
        row: list[object] = []
        for item in block.pictures[start : start + block.columns]:
            row.append(_framed(pictures[id(item)], item.lines, column - _PICTURE_GAP))
        row += [""] * (block.columns - len(row))
        parts.append(bare([row], [column] * block.columns, *_FRAMED))
    return [*parts, Spacer(1, _GAP)]


def _framed(picture: Picture, lines: tuple[str, ...], room: float) -> Flowables:
    factor = min(room / picture.width, _TALLEST_PICTURE / picture.height)
    shown: Flowables = [
        Image(
            io.BytesIO(picture.jpeg),
            width=picture.width * factor,
            height=picture.height * factor,
            hAlign="LEFT",
        ),
        Spacer(1, 1.5),
    ]
    for number, line in enumerate(lines):
        shown.append(para(_shortened(fonts.printable(line)), "small" if number else "strong_line"))
    return shown


def _bookmark(canvas: Any, flowable: Any) -> None:
    outline = getattr(flowable, "outline", None)
    if outline is None:
        return
    title, level = outline
    key = f"part-{canvas.getPageNumber()}-{title}"
    canvas.bookmarkHorizontal(key, 0, flowable.height)
    canvas.addOutlineEntry(title, key, level, closed=0)


def _running_lines(
    canvas: Any, document: Document, *, page: int, pages: int, across: float, down: float
) -> None:
    canvas.saveState()
    canvas.setFillColor(colour("muted"))
    canvas.setFont(fonts.REGULAR, 7.5)
    if page == 1:
        canvas.showOutline()
    else:
        running = f"{fonts.printable(document.title)} · {fonts.printable(document.subtitle)}"
        room = across - 2 * MARGIN
        canvas.drawString(
            MARGIN, down - MARGIN * 0.62, fonts.shorten(running, font=fonts.REGULAR, size=7.5, room=room)
        )
    canvas.drawString(MARGIN, MARGIN * 0.5, fonts.printable(document.program))
    canvas.drawRightString(across - MARGIN, MARGIN * 0.5, f"page {page} of {pages}")
    canvas.restoreState()
