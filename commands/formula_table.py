"""The leukocyte formula as a plain text table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counting.formula import LeukocyteFormula
    from reports.texts import Language
    from reports.view import Row, Table

_OUTSIDE = {"en": "Outside the formula, per 100 leukocytes", "ru": "Вне формулы, на 100 лейкоцитов"}

_NOTES = (
    "unsplit_neutrophils",
    "wbc_correction_uncertain",
    "no_range_for_age",
    "sex_needed",
)


def formula_table(formula: "LeukocyteFormula", *, lang: str) -> str:
    """Write a formula as a table for a terminal, in the words of the reports.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    lang : {"en", "ru"}
        Language.

    Returns
    -------
    str
        Lines of text without an end of line at the last.

    Raises
    ------
    UsageError
        Where there are no texts in the language.
    """
    from counting.notes import note_text
    from reports.texts import Language
    from reports.view_formula import notice, table

    language = Language(lang)
    body = table(formula, language)
    lines = [] if body is None else [*_aligned(_cells(body, language)), ""]
    correction = formula.correction
    if correction is not None and (code := correction.uncorrected or correction.unsplit):
        lines.append(note_text(code, lang))
    urgent = [f"{one.text(lang)} [{one.rule}]" for one in formula.comments if one.urgency == "alert"]
    if urgent:
        lines.append(f"{language.text('alerts')}: {' '.join(urgent)}")
    if warning := notice(formula, language):
        lines.append(warning.heading)
    beside = [
        f"{language.label(line.label)} {_ratio(line.per_100, language)} (n = {line.n})"
        for line in formula.outside
        if line.n
    ]
    if beside:
        lines.append(f"{_OUTSIDE[lang]}: {', '.join(beside)}")
    if formula.unidentified:
        lines.append(
            language.text("unidentified") + ": " + language.text("unidentified.bare", n=formula.unidentified)
        )
    lines.append(
        language.text(
            "ranges", name=f"{formula.ranges_name} {formula.ranges_version}, {_stratum(formula, lang)}"
        )
    )
    lines += [note_text(code, lang) for code in _NOTES if code in formula.notes]
    if body is not None and "unverified_ranges" in formula.notes:
        lines.append(f"* {note_text('unverified_ranges', lang)}")
    return "\n".join(lines)


def _ratio(value: float | None, language: "Language") -> str:
    return language.text("none") if value is None else language.number(value, 1)


def _stratum(formula: "LeukocyteFormula", lang: str) -> str:
    return (formula.stratum_ru if lang == "ru" else formula.stratum) or "—"


def _cells(body: "Table", language: "Language") -> "list[tuple[str, ...]]":
    head = ["column.cells", "column.n", "column.percent", "column.interval"]
    head += ["column.corrected_share"] if body.with_corrected else []
    head += ["column.range"]
    if body.with_absolute:
        head += ["column.absolute", "column.absolute_range"]
    rows = [(*(language.text(key) for key in head), language.text("column.flag"))]
    rows += [_row(row, body) for row in body.rows]
    blank = [""] * (4 if body.with_corrected else 3)
    total: tuple[str, ...] = (language.text("row.total"), body.total_n, *blank)
    if body.with_absolute:
        total = (*total, f"{body.total_absolute} {body.total_sign}".strip(), body.total_limits)
    return [*rows, (*total, "")]


def _row(row: "Row", body: "Table") -> tuple[str, ...]:
    corrected = [row.corrected] if body.with_corrected else []
    cells: tuple[str, ...] = (
        "  " * row.child + row.name,
        row.n,
        row.percent,
        row.interval,
        *corrected,
        row.limits,
    )
    if body.with_absolute:
        cells = (*cells, f"{row.absolute} {row.absolute_sign}".strip(), row.absolute_limits)
    return (*cells, f"{row.flag} {row.flag_detail}".strip())


def _aligned(rows: "Sequence[tuple[str, ...]]") -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            text.rjust(width) if 0 < column < len(row) - 1 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
