"""The words of the formula: rows of the table, what stands out, the notices."""

import math

from cells.vocabulary import CellClass
from counting.formula import ALWAYS
from counting.ranges import Range
from counting.records import CorrectedShare, Flag, LeukocyteFormula, Line
from reports.bars import place
from reports.texts import Language
from reports.view import Glance, GlanceItem, Notice, Row, Table

MOST_NEEDED = 1000
"""More further cells than this are not asked for at a glance: nobody would count them."""

_DIGITS = 1
_NO_BREAK = "\u00a0"
_BEYOND = (Flag.LOW, Flag.HIGH)
_NEAR = (Flag.LOW_WITHIN_ERROR, Flag.HIGH_WITHIN_ERROR)
_TONES = {
    Flag.HIGH: "high",
    Flag.HIGH_WITHIN_ERROR: "high",
    Flag.LOW: "low",
    Flag.LOW_WITHIN_ERROR: "low",
}


def table(formula: LeukocyteFormula, language: Language) -> Table | None:
    """Put the formula into words, row by row.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    Table or None
        The table, or None where no leukocyte was counted.
    """
    if formula.total == 0:
        return None
    with_absolute = any(line.absolute is not None for line in formula.lines)
    listed = {line.label for line in formula.lines}
    wbc = formula.wbc if formula.wbc_corrected is None else formula.wbc_corrected
    shares = {share.label: share for share in formula.correction.shares} if formula.correction else {}
    return Table(
        rows=tuple(
            _row(line, formula, language, line.label.parent in listed, shares.get(line.label))
            for line in formula.lines
        ),
        total_n=language.integer(formula.total),
        total_absolute="" if wbc is None else language.number(wbc, 2),
        total_sign=language.text(f"sign.{formula.wbc_flag.value}"),
        total_tone=_TONES.get(formula.wbc_flag, ""),
        total_limits=_absolute_limits(language, formula.wbc_range) if formula.wbc_range else "",
        with_absolute=with_absolute,
        with_corrected=bool(shares),
    )


def _row(
    line: Line, formula: LeukocyteFormula, language: Language, is_child: bool, share: CorrectedShare | None
) -> Row:
    short = f"row.{line.label.value}"
    near = line.flag in _NEAR
    flag_absolute = line.flag_absolute or Flag.NONE
    limits, absolute_limits = line.range_percent, line.range_absolute
    dash = language.text("none")
    star = "*" if line.range_status == "unverified" else ""
    partial = formula.is_lower_bound(line)
    known, least = line.n > 0 or not partial, language.text("at_least") if partial else ""
    return Row(
        name=language.text(short) if is_child and language.has(short) else language.label(line.label),
        child=is_child,
        n=language.integer(line.n),
        percent=least + language.number(line.percent, 1) if known else dash,
        interval=language.span(line.low, math.inf if partial else line.high, digits=1) if known else dash,
        corrected=dash if share is None else corrected_share(share, language),
        limits=language.limits(limits.low, limits.high) + star if limits else dash,
        flag=language.text(f"flag.{line.flag.value}"),
        flag_detail=language.text("flag.within_error") if near else "",
        tone=_TONES.get(line.flag, ""),
        absolute=dash if line.absolute is None or not known else least + language.number(line.absolute, 2),
        absolute_sign=language.text(f"sign.{flag_absolute.value}"),
        absolute_tone=_TONES.get(flag_absolute, ""),
        absolute_limits=_absolute_limits(language, absolute_limits) + star if absolute_limits else dash,
        bar=None if partial else place(line),
    )


def _least(line: Line, formula: LeukocyteFormula, language: Language) -> str:
    least = language.text("at_least") if formula.is_lower_bound(line) else ""
    return f"{least}{_not_zero(line.percent, language)}{_NO_BREAK}%"


def _not_zero(value: float, language: Language) -> str:
    """Return a share of cells that were found, which must not be read as none."""
    tiny = value < 10.0**-_DIGITS / 2
    return (
        f"<{_NO_BREAK}{language.number(10.0**-_DIGITS, _DIGITS)}" if tiny else language.number(value, _DIGITS)
    )


def corrected_share(share: CorrectedShare, language: Language) -> str:
    """Return a corrected share with its interval: ``58.3 (51.0–65.2)``.

    Parameters
    ----------
    share : CorrectedShare
        The share.
    language : Language
        Language of the report.

    Returns
    -------
    str
        Share and interval in percent, without the sign.
    """
    return f"{language.number(share.percent, 1)} ({language.span(share.low, share.high, digits=1)})"


def _absolute_limits(language: Language, limits: Range) -> str:
    return language.limits(limits.low, limits.high, digits=2)


def notice(formula: LeukocyteFormula, language: Language) -> Notice | None:
    """Return the warning that no or few leukocytes were counted, or none identified; else None.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    Notice or None
        The warning.
    """
    if formula.total == 0 and formula.unidentified:
        detail = language.text("only_unidentified.detail", n=formula.unidentified)
        return Notice(language.text("only_unidentified"), detail)
    if formula.total == 0:
        return Notice(language.text("empty"), language.text("empty.detail"))
    if "few_cells" in formula.notes:
        return Notice(language.text("few", n=formula.total), language.text("few.detail"))
    return None


def glance(formula: LeukocyteFormula, language: Language) -> tuple[Glance, ...]:
    """Say what stands out: cells that normal blood lacks, the leukocyte count, values outside, surest first.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    tuple of Glance
        Lines with headings; empty where no leukocyte was counted.
    """
    if formula.total == 0:
        return ()
    also = _also(formula, language)
    told = [Glance(language.text("glance.also"), also)] if also else []
    outside = [
        Glance(language.text(f"glance.{key}"), items)
        for key, items in (
            ("wbc", _leukocyte_count(formula, language)),
            ("beyond", _flagged(formula, language, _BEYOND)),
            ("near", _flagged(formula, language, _NEAR)),
        )
        if items
    ]
    told += outside
    if not outside:
        known = any(line.range_percent or line.range_absolute for line in formula.lines)
        told.append(Glance(language.text("glance.inside" if known else "glance.no_ranges")))
    return tuple(told)


def _leukocyte_count(formula: LeukocyteFormula, language: Language) -> tuple[GlanceItem, ...]:
    count = formula.wbc if formula.wbc_corrected is None else formula.wbc_corrected
    if count is None or formula.wbc_range is None or formula.wbc_flag not in _TONES:
        return ()
    text = f"{language.absolute(count)} ({_absolute_limits(language, formula.wbc_range)})"
    sign = language.text(f"sign.{formula.wbc_flag.value}")
    return (GlanceItem(sign, text, _TONES[formula.wbc_flag]),)


def _flagged(
    formula: LeukocyteFormula, language: Language, flags: tuple[Flag, ...]
) -> tuple[GlanceItem, ...]:
    items = []
    for line in formula.lines:
        if _told_by_parent(line, formula):
            continue
        parts, state = [], Flag.NONE
        if line.flag_absolute in flags and line.absolute is not None:
            state = line.flag_absolute
            limits = line.range_absolute
            inside = f" ({_absolute_limits(language, limits)})" if limits else ""
            parts.append(language.absolute(line.absolute) + inside)
        if line.flag in flags:
            state = line.flag
            parts.insert(0, language.percent(line.percent) + _bracket(language, line.range_percent))
        if parts:
            needed = [
                number
                for number, flag in (
                    (line.cells_needed, line.flag),
                    (line.cells_needed_absolute, line.flag_absolute),
                )
                if number and number <= MOST_NEEDED and flag in flags
            ]
            if needed:
                parts.append(language.text("glance.needed", n=max(needed)))
            text = f"{language.label(line.label)} {'; '.join(parts)}"
            items.append(GlanceItem(language.text(f"sign.{state.value}"), text, _TONES[state]))
    return tuple(items)


def _bracket(language: Language, limits: Range | None) -> str:
    return "" if limits is None else f" ({language.limits(limits.low, limits.high)})"


def _told_by_parent(line: Line, formula: LeukocyteFormula) -> bool:
    if line.label is not CellClass.NEUTROPHIL_SEGMENTED:
        return False
    parent = formula.line(CellClass.NEUTROPHIL)
    if parent is None:
        return False
    pairs = ((line.flag, parent.flag), (line.flag_absolute, parent.flag_absolute))
    return all(own is above or own in (None, Flag.NONE, Flag.INSIDE) for own, above in pairs)


def _also(formula: LeukocyteFormula, language: Language) -> tuple[GlanceItem, ...]:
    items = [
        GlanceItem("", f"{language.label(line.label)} {_least(line, formula, language)}", "")
        for line in formula.lines
        if line.label not in ALWAYS and line.range_percent is None and line.n
    ]
    items += [
        GlanceItem("", language.text("glance.erythroblasts", value=_not_zero(line.per_100, language)), "")
        for line in formula.outside
        if line.label is CellClass.ERYTHROBLAST and line.per_100
    ]
    if formula.unidentified:
        items.append(GlanceItem("", language.text("glance.unidentified", n=formula.unidentified), ""))
    return tuple(items)
