"""The look of the PDF: sizes, paragraph styles, headings, boxes."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, Table, TableStyle

from reports.fonts import BOLD, REGULAR, SEMIBOLD
from reports.palette import PALETTE

MARGIN = 14 * mm
"""Margin on every side of a page, in points; the running lines stand inside it."""

Flowables = list[Any]
"""Flowables of reportlab, which has no types."""


def colour(role: str) -> Any:
    """Return a colour of the palette for reportlab.

    Parameters
    ----------
    role : str
        Role of the palette.

    Returns
    -------
    Color
        Colour of reportlab.
    """
    return HexColor(PALETTE[role])


def _style(name: str, size: float, **more: object) -> ParagraphStyle:
    basic: dict[str, object] = {
        "fontName": REGULAR,
        "fontSize": size,
        "leading": size * 1.22,
        "textColor": colour("ink"),
    }
    return ParagraphStyle(name, **{**basic, **more})


STYLES: dict[str, ParagraphStyle] = {
    style.name: style
    for style in (
        _style("title", 20, fontName=BOLD, textColor=colour("accent")),
        _style("subtitle", 9, textColor=colour("muted")),
        _style("laboratory", 11, fontName=SEMIBOLD, alignment=TA_RIGHT),
        _style("laboratory_line", 8, textColor=colour("muted"), alignment=TA_RIGHT),
        _style("status", 8.5, fontName=SEMIBOLD, textColor=colour("high"), alignment=TA_RIGHT),
        _style("heading", 13, fontName=BOLD, textColor=colour("accent"), spaceBefore=8, spaceAfter=3),
        _style("group", 10.5, fontName=SEMIBOLD, spaceBefore=7, spaceAfter=2),
        _style("block", 8.5, fontName=BOLD, textColor=colour("accent"), spaceAfter=2),
        _style("term", 7.2, textColor=colour("muted")),
        _style("value", 10, fontName=SEMIBOLD),
        _style("text", 9, spaceAfter=4),
        _style("line", 8.3),
        _style("strong_line", 8.3, fontName=SEMIBOLD),
        _style("glance", 9.5, leading=12.5),
        _style("small", 7.2, textColor=colour("muted")),
        _style("column", 7, textColor=colour("muted"), leading=8),
        _style("column_right", 7, textColor=colour("muted"), leading=8, alignment=TA_RIGHT),
        _style("column_center", 7, textColor=colour("muted"), leading=8, alignment=TA_CENTER),
        _style("name", 9.5, fontName=SEMIBOLD),
        _style("child", 9.5, leftIndent=9),
        _style("number", 9.5, alignment=TA_RIGHT),
        _style("small_number", 7.8, alignment=TA_RIGHT),
        _style("strong", 10, fontName=BOLD, alignment=TA_RIGHT),
        _style("flag", 9, fontName=SEMIBOLD, leading=9.4),
        _style("notice", 13.5, fontName=BOLD, textColor=colour("high")),
        _style("alert", 9.5, fontName=BOLD, textColor=colour("high")),
        _style("thumb", 7, alignment=TA_CENTER, leading=8),
        _style("cell", 7.6, leading=9),
    )
}
"""Paragraph styles by name."""


def para(text: str, style: str, *, tone: str = "") -> Paragraph:
    """Return a paragraph of plain text; markup in the text is shown, not obeyed.

    Parameters
    ----------
    text : str
        Text to be shown.
    style : str
        Name of a style.
    tone : str, optional
        Role of a colour of the palette, for text that stands out.

    Returns
    -------
    Paragraph
        The paragraph.
    """
    return rich(escape(text), style, tone=tone)


def rich(markup: str, style: str, *, tone: str = "") -> Paragraph:
    """Return a paragraph of reportlab markup whose texts are escaped already.

    Parameters
    ----------
    markup : str
        Markup of our own making.
    style : str
        Name of a style.
    tone : str, optional
        Role of a colour of the palette.

    Returns
    -------
    Paragraph
        The paragraph.
    """
    if tone:
        markup = f'<font color="{PALETTE[tone]}">{markup}</font>'
    return Paragraph(markup, STYLES[style])


def heading(text: str, *, style: str = "heading", level: int = 0) -> Paragraph:
    """Return a heading that also becomes a bookmark of the document at ``level``.

    Parameters
    ----------
    text : str
        The text.
    style : str, optional
        Name of a style.
    level : int, optional
        Depth of the bookmark, from 0.

    Returns
    -------
    Paragraph
        The heading.
    """
    paragraph = para(text, style)
    paragraph.outline = (text, level)
    return paragraph


def box(content: Sequence[object], *, width: float, edge: str = "accent", fill: str = "panel") -> Table:
    """Return flowables in a tinted box with a coloured left edge.

    Parameters
    ----------
    content : sequence of flowables
        What stands in the box, each in a row of its own so that the box may break.
    width : float
        Width in points.
    edge, fill : str, optional
        Roles of the palette.

    Returns
    -------
    Table
        The box.
    """
    table = Table([[one] for one in content], colWidths=[width])
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), colour(fill)),
                ("LINEBEFORE", (0, 0), (0, -1), 3, colour(edge)),
                ("LEFTPADDING", (0, 0), (-1, -1), 9),
                ("RIGHTPADDING", (0, 0), (-1, -1), 7),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
                ("TOPPADDING", (0, 0), (-1, 0), 4.5),
                ("BOTTOMPADDING", (0, -1), (-1, -1), 5),
            ]
        )
    )
    return table


def bare(rows: Sequence[Sequence[object]], widths: Sequence[float], *more: tuple[object, ...]) -> Table:
    """Return a table without padding or rules, with further commands of ``TableStyle`` where given.

    Parameters
    ----------
    rows : sequence of sequences
        What stands in the cells.
    widths : sequence of float
        Widths of the columns in points.
    *more : tuple
        Further commands of ``TableStyle``.

    Returns
    -------
    Table
        The table.
    """
    table = Table([list(row) for row in rows], colWidths=list(widths))
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
                *more,
            ]
        )
    )
    return table
