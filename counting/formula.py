"""Making a leukocyte formula from counts: shares, exact intervals, absolute counts, ranges and flags."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from cells.vocabulary import CellClass
from counting.age import Age
from counting.cells_needed import cells_needed
from counting.comments import comment_on
from counting.counts import checked_counts, checked_sex, checked_wbc, pooled_count
from counting.denominator import apply_smudge_policy, corrected_wbc, counts_in_denominator, denominator
from counting.flags import judge
from counting.indices import leukocyte_indices
from counting.intervals import Interval, clopper_pearson_percent, per_100
from counting.ranges import ADULT, Range, RangeRow, ReferenceSet, Stratum
from counting.records import Correction, Flag, Index, LeukocyteFormula, Line, OutsideLine
from counting.rules import CountingRules

__all__ = ["Flag", "LeukocyteFormula", "Line", "OutsideLine", "Range", "make_formula"]

ALWAYS = (
    CellClass.NEUTROPHIL,
    CellClass.NEUTROPHIL_BAND,
    CellClass.NEUTROPHIL_SEGMENTED,
    CellClass.EOSINOPHIL,
    CellClass.BASOPHIL,
    CellClass.LYMPHOCYTE,
    CellClass.MONOCYTE,
)
"""Rows that every formula has; the others appear where they are not zero."""

NEWBORN_DAYS = 28
"""Until this day of life a child is a newborn."""

DEFAULT_RULES = CountingRules()
"""The rules that apply where a laboratory sets none."""


def make_formula(
    counts: Mapping[CellClass, int],
    *,
    ranges: ReferenceSet,
    wbc: float | None = None,
    age: Age | None = None,
    sex: str | None = None,
    rules: CountingRules = DEFAULT_RULES,
    correction: Correction | None = None,
) -> LeukocyteFormula:
    """Make a leukocyte formula from the cells counted.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class; each cell stands under one class. ``neutrophil`` and ``immature_granulocyte``
        hold the cells that were not split further.
    ranges : ReferenceSet
        Reference ranges.
    wbc : float or None, optional
        Leukocyte count in 10⁹/L, above 0 and at most 1000; without it there are no absolute counts.
    age : Age or None, optional
        Age at sampling; without it the ranges of adults apply.
    sex : str or None, optional
        ``f`` or ``m``.
    rules : CountingRules, optional
        The laboratory's rules.
    correction : Correction or None, optional
        What ``counting.correction.correct`` made of the classifier's answers; the formula carries it as it
        is. Leave it out for counts that a person made or reviewed.

    Returns
    -------
    LeukocyteFormula
        The formula.

    Raises
    ------
    UsageError
        Where a count, the leukocyte count or the sex is not possible.

    Examples
    --------
    >>> from counting.ranges_file import load_builtin
    >>> counts = {CellClass.LYMPHOCYTE: 31, CellClass.NEUTROPHIL: 69}
    >>> formula = make_formula(counts, ranges=load_builtin("ru"))
    >>> [line.percent for line in formula.lines if line.n]
    [69.0, 31.0]
    """
    given = checked_counts(counts)
    wbc, sex = checked_wbc(wbc), checked_sex(sex)
    counted = apply_smudge_policy(given, rules.smudge)
    total = denominator(counted, rules.smudge)
    stratum = ranges.select(age, sex)
    outside = _outside(counted, total, rules)
    corrected = _corrected(wbc, outside, rules)
    effective = wbc if corrected is None else corrected
    lines = tuple(_lines(counted, total, effective, stratum, rules))
    wbc_range = stratum.wbc if stratum else None
    formula = LeukocyteFormula(
        total=total,
        lines=lines,
        outside=outside,
        unidentified=given.get(CellClass.UNIDENTIFIED, 0),
        wbc=wbc,
        wbc_corrected=corrected,
        ranges_name=ranges.name,
        ranges_source="; ".join(source.text for source in stratum.sources) if stratum else "",
        ranges_version=ranges.version,
        stratum=stratum.label_en if stratum else "",
        notes=(),
        stratum_ru=stratum.label_ru if stratum else "",
        stratum_id=stratum.stratum_id if stratum else "",
        stratum_from_days=stratum.age_from_days if stratum else None,
        stratum_until_days=stratum.age_until_days if stratum else None,
        stratum_sex=stratum.sex if stratum else None,
        ranges_title_en=ranges.title_en,
        ranges_title_ru=ranges.title_ru,
        wbc_range=wbc_range,
        wbc_flag=_wbc_flag(effective, wbc_range),
        smudge_policy=str(rules.smudge),
        indices=_indices(counted, age, rules),
        correction=correction,
    )
    notes = (
        *_count_notes(formula, given, rules),
        *_class_notes(formula, given, age),
        *_range_notes(formula, ranges, age, sex),
    )
    return replace(formula, notes=notes, comments=comment_on(formula, age=age, rules=rules))


def _lines(
    counts: Mapping[CellClass, int],
    total: int,
    wbc: float | None,
    stratum: Stratum | None,
    rules: CountingRules,
) -> Iterator[Line]:
    for label in CellClass:
        if not counts_in_denominator(label, rules.smudge):
            continue
        n = pooled_count(counts, label)
        if n or label in ALWAYS:
            row = stratum.row(label) if stratum else None
            # Where the parent holds cells that nobody split, the child's count is only a lower bound.
            judged = total > 0 and not (label.parent is not None and counts.get(label.parent))
            yield _line(label, n, total, wbc, row, judged=judged)


def _line(
    label: CellClass, n: int, total: int, wbc: float | None, row: RangeRow | None, *, judged: bool
) -> Line:
    interval = clopper_pearson_percent(n, total)
    percent = 100.0 * n / total if total else 0.0
    limits = row.percent if row else None
    flag = judge(percent, interval, limits) if judged else Flag.NONE
    line = Line(
        label=label,
        n=n,
        percent=percent,
        low=interval.low,
        high=interval.high,
        range_percent=limits,
        range_absolute=row.absolute if row else None,
        flag=flag,
        cells_needed=cells_needed(n, total, limits) if limits and flag.borderline else None,
        range_source=row.source.text if row else "",
        range_status=row.status if row else "",
    )
    if wbc is None:
        return line
    # One factor for all three keeps their order under rounding.
    factor = wbc / 100.0
    absolute, scaled = percent * factor, interval.scaled(factor)
    limits = line.range_absolute
    flag = judge(absolute, scaled, limits) if judged else Flag.NONE
    share = Range(100.0 * limits.low / wbc, 100.0 * limits.high / wbc) if limits else None
    return replace(
        line,
        absolute=absolute,
        absolute_low=scaled.low,
        absolute_high=scaled.high,
        flag_absolute=flag,
        cells_needed_absolute=cells_needed(n, total, share) if share and flag.borderline else None,
    )


def _outside(counts: Mapping[CellClass, int], total: int, rules: CountingRules) -> tuple[OutsideLine, ...]:
    found = []
    for label, n in counts.items():
        if label is CellClass.UNIDENTIFIED or counts_in_denominator(label, rules.smudge):
            continue
        if total:
            interval = per_100(n, total)
            found.append(OutsideLine(label, n, 100.0 * n / total, interval.low, interval.high))
        else:
            found.append(OutsideLine(label, n, None, None, None))
    return tuple(found)


def _indices(counts: Mapping[CellClass, int], age: Age | None, rules: CountingRules) -> tuple[Index, ...]:
    adult = age is None or age.days >= ADULT.days
    return leukocyte_indices(counts, np.random.default_rng(rules.seed), rules=rules, adult=adult)


def _wbc_flag(wbc: float | None, limits: Range | None) -> Flag:
    return Flag.NONE if wbc is None else judge(wbc, Interval(wbc, wbc), limits)


def _corrected(wbc: float | None, outside: tuple[OutsideLine, ...], rules: CountingRules) -> float | None:
    ratios = [line.per_100 for line in outside if line.label is CellClass.ERYTHROBLAST]
    if wbc is None or not ratios or ratios[0] is None:
        return None
    return corrected_wbc(wbc, ratios[0], threshold=rules.nrbc_correction_from)


def _count_notes(
    formula: LeukocyteFormula, given: Mapping[CellClass, int], rules: CountingRules
) -> Iterator[str]:
    if formula.total == 0:
        yield "no_leukocytes"
    elif formula.total < rules.few_cells:
        yield "few_cells"
    if formula.unidentified:
        yield "unidentified_cells"
    if formula.wbc_corrected is not None:
        yield "wbc_corrected"
        if _may_be_too_few(formula, rules):
            yield "wbc_correction_uncertain"
    if formula.wbc is not None:
        yield "absolute_counting_error_only"
    smudges = given.get(CellClass.SMUDGE_CELL, 0)
    if smudges:
        yield f"smudge_{rules.smudge}"
        if 100 * smudges >= rules.smudge_warning_from * max(1, formula.total):
            yield "many_smudge_cells"


def _may_be_too_few(formula: LeukocyteFormula, rules: CountingRules) -> bool:
    found = formula.beside(CellClass.ERYTHROBLAST)
    least = rules.nrbc_correction_from
    return found is not None and found.low is not None and least is not None and found.low < least


def _range_notes(
    formula: LeukocyteFormula, ranges: ReferenceSet, age: Age | None, sex: str | None
) -> Iterator[str]:
    if not formula.stratum_id:
        yield "sex_needed" if sex is None and ranges.needs_sex(age) else "no_range_for_age"
    elif age is None:
        yield "adult_assumed"
    if any(line.range_status == "unverified" for line in formula.lines):
        yield "unverified_ranges"


def _class_notes(formula: LeukocyteFormula, given: Mapping[CellClass, int], age: Age | None) -> Iterator[str]:
    if given.get(CellClass.NEUTROPHIL):
        yield "unsplit_neutrophils"
    if given.get(CellClass.NEUTROPHIL_BAND):
        yield "bands_low_reproducibility"
    if given.get(CellClass.IMMATURE_GRANULOCYTE):
        yield "unsplit_immature_granulocytes"
    unusual = {
        line.label.parent or line.label
        for line in formula.lines
        if line.label not in ALWAYS and line.label is not CellClass.SMUDGE_CELL and line.range_percent is None
    }
    ranged = {line.label for line in formula.lines if line.range_percent is not None}
    newborn = age is not None and age.days < NEWBORN_DAYS
    if newborn and CellClass.IMMATURE_GRANULOCYTE in unusual:
        unusual.remove(CellClass.IMMATURE_GRANULOCYTE)
        yield "immature_in_newborn"
    if unusual - ranged:
        yield "expected_absent"
