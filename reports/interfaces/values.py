"""A result as the list of values that FHIR and HL7 v2 both carry, so that the two never differ."""

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from cells.errors import UsageError
from counting.age import Age
from leukoformula.result import SmearResult
from reports.interfaces import estimates
from reports.interfaces import formula as formula_values
from reports.interfaces.codes import AGE_UNITS, MICROMETRE
from reports.interfaces.numbers import fixed
from reports.interfaces.observed import Observed
from reports.interfaces.remarks import interpretation
from reports.interfaces.texts import fit
from reports.interfaces.withdrawn import withdrawn
from reports.texts import Language

_MONTHS = 12


def observed(result: SmearResult, language: Language) -> tuple[Observed, ...]:
    """Return every value that a result hands to other systems.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of names and remarks.

    Returns
    -------
    tuple of Observed
        The formula in clinical order, what stands beside it, the leukocyte count, indices, corrected
        shares, facts of the smear and the interpretation; then what a review has emptied, to be withdrawn.
        What a value pools or was calculated from is among them.
    """
    formula = result.formula
    method = counting_method(result)
    found = [
        formula_values.total(formula, language, method),
        *formula_values.shares(formula, language, method),
        *formula_values.absolutes(formula, language),
        *formula_values.beside(formula, language, method),
        formula_values.unidentified(formula, language, method),
        *formula_values.leukocytes(formula, language),
        *estimates.indices(formula, language),
        *estimates.corrected(formula, language),
        *_smear(result, language),
        *_person(result, language),
        interpretation(result, language),
    ]
    given = {one.key for one in found}
    found += withdrawn(result, language, given)
    return tuple(_finished(one, given) for one in found)


def _finished(one: Observed, given: set[str]) -> Observed:
    limits = one.limits
    return replace(
        one,
        name=fit(one.name),
        value=fit(one.value) if isinstance(one.value, str) else one.value,
        limits=None if limits is None else replace(limits, group=fit(limits.group)),
        notes=tuple(text for note in one.notes if (text := fit(note))),
        parts=tuple(key for key in one.parts if key in given),
        sources=tuple(key for key in one.sources if key in given),
    )


def counting_method(result: SmearResult) -> str:
    """Return how the cells were counted.

    Parameters
    ----------
    result : SmearResult
        What was found.

    Returns
    -------
    str
        A code of ``METHODS``: ``counts`` where the formula was made from counts alone, ``reviewed`` where a
        person went through the cells or signed, else ``image``.
    """
    if not result.fields and not result.cells:
        return "counts"
    return "image" if result.signature is None and result.relabelled is None else "reviewed"


def _smear(result: SmearResult, language: Language) -> Iterator[Observed]:
    name = fit(result.name)
    if name:
        yield Observed("smear", language.text("smear"), name)
    if result.fields:
        yield Observed("fields", language.text("counted.fields"), len(result.fields))
    size = result.calibration.um_per_px
    if (result.fields or result.cells) and math.isfinite(size) and size > 0:
        yield Observed("pixel_size", language.text("pixel"), fixed(size, 4), MICROMETRE)


def _person(result: SmearResult, language: Language) -> Iterator[Observed]:
    who = result.identity
    age, sex = fit(who.age), fit(who.sex)
    if age:
        value, unit = _age(age)
        of = None if unit is None else AGE_UNITS[unit]
        yield Observed("age", language.text("age"), value, of, method="given")
    if sex and (sex not in ("f", "m") or not fit(who.patient)):
        key = f"sex.{sex}"
        text = language.text(key) if language.has(key) else sex
        yield Observed("sex", language.text("sex"), text, method="given")


def _age(text: str) -> tuple[Decimal | str, str | None]:
    try:
        age = Age.parse(text)
    except UsageError:
        return text, None
    if len(age.parts) == 1:
        number, unit = age.parts[0]
        return Decimal(number), unit
    if {unit for _, unit in age.parts} == {"y", "m"}:
        return Decimal(sum(number * (_MONTHS if unit == "y" else 1) for number, unit in age.parts)), "m"
    return Decimal(age.days), "d"
