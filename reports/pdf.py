"""The report as PDF: A4 or Letter, bookmarks, selectable text, the same bytes for the same result."""

import io
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from cells.errors import UsageError
from cells.files import atomic_path
from leukoformula.result import SmearResult
from reports import fonts
from reports.content import build_view
from reports.pdf_first_page import first_page
from reports.pdf_gallery import gallery, overview
from reports.pdf_method import method_pages
from reports.pdf_style import MARGIN, Flowables, colour
from reports.texts import Language
from reports.view import Header, View

PAGES: dict[str, tuple[float, float]] = {"a4": A4, "letter": LETTER}
"""Width and height of each kind of page, in points."""

_NO_GLYPH = "¿"


def write_pdf(
    result: SmearResult, path: Path, *, lang: str, page: str = "a4", header: Header | None = None
) -> None:
    """Write the report as PDF.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written.
    lang : {"en", "ru"}
        Language.
    page : {"a4", "letter"}, optional
        Size of the pages.
    header : Header or None, optional
        The laboratory that hands the report over.

    Raises
    ------
    UsageError
        Where the language or the page size is unknown.
    RefusedError
        Where the fonts are missing or the logo cannot be read.
    InputError
        Where the file cannot be written.
    """
    if page not in PAGES:
        raise UsageError(f"no page size {page!r}; choose one of {', '.join(PAGES)}")
    language = Language(lang)
    fonts.register()
    view = build_view(result, language=language, clean=fonts.printable, header=header)
    pages = _build(view, io.BytesIO(), page=page, pages=0)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        _build(view, stream, page=page, pages=pages)


def _build(view: View, stream: Any, *, page: str, pages: int) -> int:
    across, down = PAGES[page]
    width, height = across - 2 * MARGIN, down - 2 * MARGIN
    document = BaseDocTemplate(
        stream,
        pagesize=(across, down),
        title=view.subject,
        author=view.header.laboratory if view.header else view.program,
        subject=view.language.text("subtitle"),
        creator=view.program,
        keywords=view.language.text("title"),
        lang=view.language.code,
        invariant=1,
        initialFontName=fonts.REGULAR,
    )
    frame = Frame(MARGIN, MARGIN, width, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)

    def furnish(canvas: Any, built: Any) -> None:
        _running_lines(canvas, view, page=built.page, pages=pages, across=across, down=down)

    document.addPageTemplates([PageTemplate("page", [frame], onPage=furnish)])
    document.afterFlowable = lambda flowable: _bookmark(document.canv, flowable)
    document.build(_story(view, width, height))
    return int(document.page)


def _story(view: View, width: float, height: float) -> Flowables:
    parts = first_page(view, width=width, height=height)
    if view.gallery_note:
        parts += gallery(view.groups, view.gallery_note, view.language, width=width)
    if view.overview:
        parts += overview(view.overview, view.language, width=width, height=height)
    return parts + method_pages(view, width=width)


def _bookmark(canvas: Any, flowable: Any) -> None:
    outline = getattr(flowable, "outline", None)
    if outline is None:
        return
    title, level = outline
    key = f"heading-{canvas.getPageNumber()}-{title}"
    canvas.bookmarkHorizontal(key, 0, flowable.height)
    canvas.addOutlineEntry(title, key, level, closed=0)


def _running_lines(canvas: Any, view: View, *, page: int, pages: int, across: float, down: float) -> None:
    said = view.language.text
    canvas.saveState()
    canvas.setFillColor(colour("muted"))
    canvas.setFont(fonts.REGULAR, 7.5)
    if page == 1:
        canvas.bookmarkPage("first")
        canvas.addOutlineEntry(said("formula"), "first", 0, closed=0)
        canvas.showOutline()
    else:
        who = " · ".join(f"{item.term}: {item.text}" for item in (view.identity[0], view.identity[3]))
        running = f"{said('title')} · {who} · {said('smear')}: {view.name}"
        room = across - 2 * MARGIN
        canvas.drawString(
            MARGIN, down - MARGIN * 0.62, fonts.shorten(running, font=fonts.REGULAR, size=7.5, room=room)
        )
    base = MARGIN * 0.5
    canvas.drawString(MARGIN, base, f"{said('footer')} {view.program}")
    canvas.drawRightString(across - MARGIN, base, said("page", page=page, pages=pages))
    if _NO_GLYPH in "".join((view.name, *(item.text for item in (*view.identity, *view.counted)))):
        canvas.drawString(MARGIN, base - 9, said("unprintable"))
    canvas.restoreState()
