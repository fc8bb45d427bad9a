"""The formula as values for other systems: shares, absolute counts and what stands beside."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cells.vocabulary import CellClass
from counting.formula import ALWAYS
from counting.notes import note_text
from counting.ranges import Range
from counting.records import Flag, LeukocyteFormula, Line, OutsideLine
from reports.interfaces.codes import BILLION_PER_LITRE, CODES, PER_100, PERCENT
from reports.interfaces.numbers import ABSOLUTE_DIGITS, PERCENT_DIGITS, as_given, fixed, outward
from reports.interfaces.observed import Limits, Observed
from reports.texts import Language
from reports.view_formula import MOST_NEEDED

_SIDES: Mapping[Flag, str] = {
    Flag.INSIDE: "N",
    Flag.LOW: "L",
    Flag.LOW_WITHIN_ERROR: "L",
    Flag.HIGH: "H",
    Flag.HIGH_WITHIN_ERROR: "H",
}
_ALERTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "blast.percent": (("BLAST-1",), "AA"),
    "promonocyte.percent": (("PROMO-1",), "AA"),
    "unidentified": (("UNID-1",), "AA"),
    "neutrophil.absolute": (("NEUT-1",), "LL"),
    "erythroblast.per_100": (("NRBC-1", "NRBC-4"), "A"),
    "smudge_cell.per_100": (("SMUDGE-1",), "A"),
    "platelet_aggregate.per_100": (("CLUMP-1",), "A"),
}
"""Comments of the library that decide on the interpretation of a value."""


def total(formula: LeukocyteFormula, language: Language, method: str) -> Observed:
    """Return the number of leukocytes that percentages refer to."""
    return Observed("leukocytes_counted", language.text("row.total"), formula.total, method=method)


def shares(formula: LeukocyteFormula, language: Language, method: str) -> Iterator[Observed]:
    """Yield the share of each class; without a value where no leukocyte was counted.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of names and remarks.
    method : str
        How the cells were counted.

    Yields
    ------
    Observed
        The share with n, interval, reference interval and flag.
    """
    for line in formula.lines:
        key, known = f"{line.label}.percent", formula.total > 0
        partial = known and formula.is_lower_bound(line)
        empty = not known or (partial and line.n == 0)
        low, high = outward(line.low, line.high, PERCENT_DIGITS) if not empty else (None, None)
        limits = None if line.range_percent is None else _limits(line.range_percent, formula, language)
        yield Observed(
            key,
            language.text("interface.percent", name=language.label(line.label)),
            None if empty else fixed(line.percent, PERCENT_DIGITS),
            PERCENT,
            at_least=partial and not empty,
            n=line.n,
            low=low,
            high=None if partial else high,
            limits=limits,
            interpretation="" if empty else _interpret(key, line.flag, formula, line),
            flag=line.flag,
            method=method,
            notes=tuple(_remarks(line, line.flag, line.cells_needed, formula, language)),
            parts=tuple(f"{child}.percent" for child in line.label.children),
        )


def absolutes(formula: LeukocyteFormula, language: Language) -> Iterator[Observed]:
    """Yield the concentration of each class where the leukocyte count is known and cells were counted."""
    wbc = "wbc" if formula.wbc_corrected is None else "wbc_corrected"
    for line in formula.lines:
        partial = formula.is_lower_bound(line)
        if line.absolute is None or not formula.total or (partial and line.n == 0):
            continue
        key, flag = f"{line.label}.absolute", line.flag_absolute or Flag.NONE
        low, high = outward(line.absolute_low, line.absolute_high, ABSOLUTE_DIGITS)
        limits = line.range_absolute
        yield Observed(
            key,
            language.text("interface.absolute", name=language.label(line.label)),
            fixed(line.absolute, ABSOLUTE_DIGITS),
            BILLION_PER_LITRE,
            at_least=partial,
            low=low,
            high=None if partial else high,
            limits=None if limits is None else _limits(limits, formula, language, digits=ABSOLUTE_DIGITS),
            interpretation=_interpret(key, flag, formula, line),
            flag=flag,
            method="calculated",
            notes=tuple(_remarks(line, flag, line.cells_needed_absolute, formula, language)),
            parts=tuple(f"{child}.absolute" for child in line.label.children),
            sources=(f"{line.label}.percent", wbc),
        )


def beside(formula: LeukocyteFormula, language: Language, method: str) -> Iterator[Observed]:
    """Yield the finds outside the denominator per 100 leukocytes."""
    for line in formula.outside:
        key = f"{line.label}.per_100"
        if key in CODES and line.n:
            yield _outside(key, line, formula, language, method)


def _outside(
    key: str, line: OutsideLine, formula: LeukocyteFormula, language: Language, method: str
) -> Observed:
    low, high = outward(line.low, line.high, PERCENT_DIGITS)
    return Observed(
        key,
        language.text("interface.per_100", name=language.label(line.label)),
        None if line.per_100 is None else fixed(line.per_100, PERCENT_DIGITS),
        PER_100,
        n=line.n,
        low=low,
        high=high,
        interpretation=_alert(key, formula),
        method=method,
    )


def unidentified(formula: LeukocyteFormula, language: Language, method: str) -> Observed:
    """Return the number of cells that wait for a person's decision; 0 is told as well."""
    return Observed(
        "unidentified",
        language.text("unidentified"),
        formula.unidentified,
        interpretation=_alert("unidentified", formula),
        method=method,
        notes=(note_text("unidentified_cells", language.code),) if formula.unidentified else (),
    )


def leukocytes(formula: LeukocyteFormula, language: Language) -> Iterator[Observed]:
    """Yield the leukocyte count as given and, where it was, corrected for erythroblasts.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of names and remarks.

    Yields
    ------
    Observed
        The counts; the one that absolute counts are made of bears range and flag.
    """
    if formula.wbc is None:
        return
    given = Observed(
        "wbc",
        language.text("wbc"),
        as_given(formula.wbc, digits=1),
        BILLION_PER_LITRE,
        method="given",
    )
    if formula.wbc_corrected is None:
        yield _judged(given, formula, language)
        return
    yield given
    yield _judged(
        Observed(
            "wbc_corrected",
            language.text("interface.wbc_corrected"),
            fixed(formula.wbc_corrected, ABSOLUTE_DIGITS),
            BILLION_PER_LITRE,
            method="calculated",
            sources=("wbc", "erythroblast.per_100"),
        ),
        formula,
        language,
    )


def _judged(count: Observed, formula: LeukocyteFormula, language: Language) -> Observed:
    limits = formula.wbc_range
    return replace(
        count,
        limits=None if limits is None else _limits(limits, formula, language, digits=ABSOLUTE_DIGITS),
        interpretation=_judge_wbc(formula),
        flag=formula.wbc_flag,
    )


def _limits(limits: Range, formula: LeukocyteFormula, language: Language, *, digits: int = 0) -> Limits:
    low, high = (as_given(end, digits=digits) for end in (limits.low, limits.high))
    return Limits(
        low,
        high,
        language.limits(limits.low, limits.high, digits=digits),
        formula.stratum if language.code == "en" else formula.stratum_ru,
        formula.stratum_from_days,
        formula.stratum_until_days,
        formula.stratum_sex,
    )


def _remarks(
    line: Line, flag: Flag, needed: int | None, formula: LeukocyteFormula, language: Language
) -> Iterator[str]:
    if formula.is_lower_bound(line):
        yield note_text(f"unsplit_{line.label.parent}s", language.code)
    if flag.borderline:
        yield language.text("interface.within_error")
        if needed and needed <= MOST_NEEDED:
            yield language.text("glance.needed", n=needed)
    if line.label is CellClass.NEUTROPHIL_BAND and "bands_low_reproducibility" in formula.notes:
        yield note_text("bands_low_reproducibility", language.code)
    if line.range_status == "unverified":
        yield language.text("interface.unverified")


def _interpret(key: str, flag: Flag, formula: LeukocyteFormula, line: Line) -> str:
    alert = _alert(key, formula)
    if alert:
        return alert
    if flag is Flag.NONE and key.endswith(".percent") and _unusual(line, formula):
        return "A"
    return _SIDES.get(flag, "")


def _unusual(line: Line, formula: LeukocyteFormula) -> bool:
    """Whether a class was found that normal blood lacks."""
    label = line.label
    if label in ALWAYS or label is CellClass.SMUDGE_CELL or line.range_percent is not None or not line.n:
        return False
    newborn = "immature_in_newborn" in formula.notes
    immature = CellClass.IMMATURE_GRANULOCYTE in (label, label.parent)
    return "expected_absent" in formula.notes and not (newborn and immature)


def _alert(key: str, formula: LeukocyteFormula) -> str:
    rules, code = _ALERTS.get(key, ((), ""))
    return code if any(comment.rule in rules for comment in formula.comments) else ""


def _judge_wbc(formula: LeukocyteFormula) -> str:
    side = _SIDES.get(formula.wbc_flag, "")
    if not any(comment.rule in {"WBC-1", "WBC-2"} for comment in formula.comments):
        return side
    return {"L": "LL", "H": "HH"}.get(side, "AA")
