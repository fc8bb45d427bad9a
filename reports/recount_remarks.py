"""What a stored result says of its counts, held against what this program says of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from cells.vocabulary import CellClass
from counting.age import Age
from counting.formula import make_formula
from counting.ranges import ReferenceSet
from counting.records import CorrectedShare, Correction, Index, LeukocyteFormula
from leukoformula.decisions import UNLIKE
from leukoformula.result import SmearResult
from leukoformula.settings import Settings, recorded_rules
from leukoformula.validation import DECIDING, correction_of, load_validation, misfit
from leukoformula.versions import versions
from reports.differing import differing

_DECIDES = ("leukoformula", "numpy")
_NOT_HELD = "no_validation"
_OF_A_LINE = ("cells_needed", "cells_needed_absolute", "range_source", "range_status")


def remark_faults(
    result: SmearResult, *, counts: Mapping[CellClass, int], ranges: ReferenceSet | None
) -> Iterator[str]:
    """Tell where comments, notes, indices or corrected shares are not those of the counts.

    Parameters
    ----------
    result : SmearResult
        A stored result whose counts are those of its cells.
    counts : mapping of CellClass to int
        Its cells of each class.
    ranges : ReferenceSet or None
        The reference set that it was made with; None where that is not known.

    Yields
    ------
    str
        A sentence for each difference. A result of another version of this program or of the library that
        draws at random, or without its rules or ranges, is held against nothing but the rule that a reviewed
        result has no corrected shares.
    """
    formula = result.formula
    if result.relabelled is not None and formula.correction is not None and formula.correction.shares:
        yield "formula: shares are corrected for errors of the classifier, though a person reviewed the cells"
    if not _is_of_this_program(result) or "counting" not in result.settings or ranges is None:
        return
    who = result.identity
    again = make_formula(
        counts,
        ranges=ranges,
        wbc=formula.wbc,
        age=Age.parse(who.age) if who.age else None,
        sex=who.sex or None,
        rules=recorded_rules(result.settings),
    )
    yield from _saying_faults(formula, again)
    if result.relabelled is None and formula.correction is not None:
        yield from _correction_faults(result, formula.correction)


def _is_of_this_program(result: SmearResult) -> bool:
    here = versions()
    return all(result.versions.get(name) == here[name] for name in _DECIDES)


def _saying_faults(stored: LeukocyteFormula, again: LeukocyteFormula) -> Iterator[str]:
    yield from differing("wbc_corrected", stored.wbc_corrected, again.wbc_corrected)
    yield from _listed("notes", stored.notes, again.notes)
    yield from _listed("comments", _rules(stored), _rules(again))
    for was, now in zip(stored.comments, again.comments, strict=True):
        if was != now:
            yield f"formula: the comment {was.rule} does not read as this program writes it"
    yield from _listed("indices", [one.code for one in stored.indices], [one.code for one in again.indices])
    for one, other in zip(stored.indices, again.indices, strict=True):
        yield from _all_differing(one.code, one, other, [field.name for field in fields(Index)])
    for line in stored.lines:
        if (counted := again.line(line.label)) is not None:
            yield from _all_differing(line.label, line, counted, _OF_A_LINE)


def _rules(formula: LeukocyteFormula) -> list[str]:
    return [comment.rule for comment in formula.comments]


def _listed(name: str, stored: Sequence[str], counted: Sequence[str]) -> Iterator[str]:
    yield from differing(name, ", ".join(stored) or None, ", ".join(counted) or None)


def _all_differing(name: str, stored: object, counted: object, parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        yield from differing(f"{name}.{part}", getattr(stored, part), getattr(counted, part))


def _correction_faults(result: SmearResult, stored: Correction) -> Iterator[str]:
    """Hold corrected shares against the validation that ships, where the result was made with its models."""
    settings = _deciding(result)
    validation = load_validation(settings.classifier)
    if validation is None or stored.uncorrected == _NOT_HELD:
        return
    if misfit(validation, settings=settings, models=result.models):
        return
    again = correction_of(
        result.cells,
        settings=settings,
        models=result.models,
        strange=any(one.code == UNLIKE and not one.where for one in result.findings),
        seed=recorded_rules(result.settings).seed,
    )
    for name in ("uncorrected", "unsplit"):
        yield from _listed(f"correction.{name}", [getattr(stored, name)], [getattr(again, name)])
    for name in ("fit_p", "missed_percent"):
        yield from differing(f"correction.{name}", getattr(stored, name), getattr(again, name))
    labels = ([share.label for share in one.shares] for one in (stored, again))
    yield from _listed("correction.shares", *labels)
    for was, now in zip(stored.shares, again.shares, strict=True):
        parts = [field.name for field in fields(CorrectedShare) if field.name != "label"]
        yield from _all_differing(f"correction.{was.label}", was, now, parts)


def _deciding(result: SmearResult) -> Settings:
    names = ("classifier", *DECIDING, "abstain_outliers")
    stored = {"smear_border": False, **result.settings}  # results from before there was such a border
    return Settings(**{name: stored[name] for name in names if name in stored})  # type: ignore[arg-type]
