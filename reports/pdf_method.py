"""The last pages of the PDF: method, models, versions, refused inputs, settings."""

from xml.sax.saxutils import escape

from reportlab.platypus import KeepTogether, PageBreak, Spacer, Table, TableStyle

from reports.pdf_style import Flowables, colour, heading, para, rich
from reports.view import Grid, View

_SHARES = {
    0: (0.42, 0.58),
    2: (0.42, 0.58),
    4: (0.17, 0.23, 0.1, 0.5),
}
_KEPT_ROWS = 12


def method_pages(view: View, *, width: float) -> Flowables:
    """Lay out how the result was made.

    Parameters
    ----------
    view : View
        What the report says.
    width : float
        Width of the text in points.

    Returns
    -------
    list of flowables
        Starts on a new page.
    """
    parts: Flowables = [PageBreak(), heading(view.language.text("method"))]
    parts += [rich(f"<b>{escape(item.term)}.</b> {escape(item.text)}", "text") for item in view.method]
    for grid in view.grids:
        parts += _grid(grid, width)
    return parts


def _grid(grid: Grid, width: float) -> Flowables:
    head: Flowables = [heading(grid.heading, style="group", level=1)]
    if grid.intro:
        head += [para(grid.intro, "small"), Spacer(1, 2)]
    if not grid.rows:
        return head
    table = _table(grid, width)
    return [KeepTogether([*head, table])] if len(grid.rows) <= _KEPT_ROWS else [*head, table]


def _table(grid: Grid, width: float) -> Table:
    rows = [[para(text, "cell") for text in row] for row in grid.rows]
    if grid.columns:
        rows.insert(0, [para(text, "column") for text in grid.columns])
    shares = _SHARES[len(grid.columns)]
    table = Table(rows, colWidths=[width * share for share in shares], repeatRows=1 if grid.columns else 0)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 1.2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
                ("LINEBELOW", (0, 0), (-1, -1), 0.3, colour("rule")),
            ]
        )
    )
    return table
