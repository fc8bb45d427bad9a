"""The formula table of the PDF."""

from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Table, TableStyle

from reports import fonts
from reports.bars import draw_bar
from reports.fonts import REGULAR
from reports.palette import PALETTE
from reports.pdf_style import STYLES, colour, para, rich
from reports.texts import Language
from reports.view import Row
from reports.view import Table as FormulaTable

_PADDING = 2


def formula_table(table: FormulaTable, language: Language, *, width: float, air: float) -> Table:
    """Lay out the formula: a row per class with its bar and flag.

    Parameters
    ----------
    table : Table
        The rows in words.
    language : Language
        Language of the report.
    width : float
        Width in points.
    air : float
        Room above and below the text of a row, in points.

    Returns
    -------
    Table
        The table; it may break between rows and then repeats its head.
    """
    widths = _widths(width, table)
    bar = 6 if table.with_corrected else 5
    rows = [_head(language, table)]
    height = 2 * air + 13
    rows += [_row(row, (widths[bar], height), table) for row in table.rows]
    rows.append(_total(table, language))
    last = len(rows) - 1
    laid = Table(rows, colWidths=widths, repeatRows=1)
    laid.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
                ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
                ("LEFTPADDING", (bar + 1, 0), (bar + 1, -1), 5),
                ("TOPPADDING", (0, 0), (-1, -1), air),
                ("BOTTOMPADDING", (0, 0), (-1, -1), air + 0.5),
                ("TOPPADDING", (bar, 1), (bar, last - 1), 0),
                ("BOTTOMPADDING", (bar, 1), (bar, last - 1), 0),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, colour("accent")),
                ("LINEBELOW", (0, 1), (-1, last - 2), 0.3, colour("rule")),
                ("LINEABOVE", (0, last), (-1, last), 0.8, colour("accent")),
            ]
        )
    )
    return laid


def _widths(width: float, table: FormulaTable) -> list[float]:
    fixed = [39 * mm, 8.5 * mm, 11.5 * mm, 19 * mm, 17 * mm]
    tail = [14 * mm, 19 * mm] if table.with_absolute else []
    flag = 23 * mm if table.with_absolute else 28 * mm
    if table.with_corrected:
        fixed = [38 * mm, 7.5 * mm, 11 * mm, 17.5 * mm, 21.5 * mm, 17 * mm]
        tail = [14 * mm, 17.5 * mm] if table.with_absolute else []
        flag = 18 * mm if table.with_absolute else 26 * mm
    fixed[1] = max(fixed[1], _width_of(table.total_n, "number"))
    if tail:
        counts = [(row.absolute_sign, row.absolute) for row in table.rows]
        counts.append((table.total_sign, table.total_absolute))
        tail[0] = max(tail[0], *(_width_of(f"{sign} {count}", "strong") for sign, count in counts))
    return [*fixed, width - sum(fixed) - flag - sum(tail), flag, *tail]


def _width_of(text: str, style: str) -> float:
    look = STYLES[style]
    return fonts.width(text, look.fontName, look.fontSize) + 2 * _PADDING + 1


def _head(language: Language, table: FormulaTable) -> list[object]:
    said = language.text
    cells: list[object] = [para(said("column.cells"), "column")]
    keys = ["n", "percent", "interval", *(["corrected_share"] if table.with_corrected else []), "range"]
    cells += [para(said(f"column.{key}"), "column_right") for key in keys]
    cells += [para(said("column.bar"), "column_center"), para(said("column.flag"), "column")]
    if table.with_absolute:
        cells += [para(said(f"column.{key}"), "column_right") for key in ("absolute", "absolute_range")]
    return cells


def _row(row: Row, bar: tuple[float, float], table: FormulaTable) -> list[object]:
    flag = escape(row.flag)
    if row.flag_detail:
        face = f'name="{REGULAR}" size="6.3" color="{PALETTE["ink"]}"'
        flag += f"<br/><font {face}>{escape(row.flag_detail)}</font>"
    cells: list[object] = [
        para(row.name, "child" if row.child else "name"),
        para(row.n, "number"),
        para(row.percent, "strong", tone=row.tone),
        para(row.interval, "number"),
        *([para(row.corrected, "small_number")] if table.with_corrected else []),
        para(row.limits, "number"),
        draw_bar(row.bar, width=bar[0] - 4, height=bar[1]) if row.bar else "",
        rich(flag, "flag", tone=row.tone),
    ]
    if table.with_absolute:
        absolute = f"{row.absolute_sign} {row.absolute}".strip()
        cells += [
            para(absolute, "strong" if row.absolute_tone else "number", tone=row.absolute_tone),
            para(row.absolute_limits, "number"),
        ]
    return cells


def _total(table: FormulaTable, language: Language) -> list[object]:
    cells: list[object] = [
        para(language.text("row.total"), "name"),
        para(table.total_n, "number"),
        para(language.number(100, 0), "strong"),
        *[""] * (5 if table.with_corrected else 4),
    ]
    if table.with_absolute:
        absolute = f"{table.total_sign} {table.total_absolute}".strip()
        cells += [para(absolute, "strong", tone=table.total_tone), para(table.total_limits, "number")]
    return cells
