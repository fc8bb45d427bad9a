"""The interpretation of a formula in words, with every comment and note, for other systems."""

from collections.abc import Iterator

from counting.notes import NOTES, note_text
from leukoformula.result import SmearResult
from reports.interfaces.observed import Observed
from reports.interfaces.texts import fit
from reports.texts import Language
from reports.view_facts import corrected_status, method, models_line, quality
from reports.view_formula import glance, notice


def interpretation(result: SmearResult, language: Language) -> Observed:
    """Return the interpretation: what a physician must see, what stands out; remarks below.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the text.

    Returns
    -------
    Observed
        The text with ``AA`` where a comment is an alert; its notes are comments, notes on the count,
        quality, models, reference intervals and the disclaimer.
    """
    alerts = any(comment.urgency == "alert" for comment in result.formula.comments)
    return Observed(
        "interpretation",
        language.text("interface.interpretation"),
        conclusion(result, language),
        interpretation="AA" if alerts else "",
        notes=tuple(_notes(result, language)),
    )


def conclusion(result: SmearResult, language: Language) -> str:
    """Return what the report says at a glance, a line each, the alerts first.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the text.

    Returns
    -------
    str
        The lines; the last one says that the report is decision support.
    """
    return "\n".join(_lines(result, language))


def _lines(result: SmearResult, language: Language) -> Iterator[str]:
    formula = result.formula
    alerts = [one for one in formula.comments if one.urgency == "alert"]
    if alerts:
        said = " ".join(one.text(language.code) for one in alerts)
        yield f"{language.text('alerts')}: {said}"
    warning = notice(formula, language)
    if warning is not None:
        yield f"{warning.heading}."
    for group in glance(formula, language):
        items = "; ".join(f"{item.sign} {item.text}".strip() for item in group.items)
        yield f"{group.heading}: {items}." if items else group.heading
    if result.signature is None:
        reviewed = "" if result.relabelled is None else ".reviewed"
        yield f"{language.text(f'preliminary{reviewed}')}."
    elif result.is_corrected:
        yield f"{corrected_status(result, language, fit)}."
    yield language.text("footer")


def _notes(result: SmearResult, language: Language) -> Iterator[str]:
    formula = result.formula
    for comment in formula.comments:
        yield f"{comment.text(language.code)} [{comment.rule}]"
    for code in formula.notes:
        yield note_text(code, language.code) if code in NOTES else language.text("note.unknown", code=code)
    if result.relabelled is not None:
        yield language.text("counted.relabelled", n=len(result.relabelled))
    found = formula.correction
    if found is not None and found.uncorrected in NOTES:
        yield note_text(found.uncorrected, language.code)
    for item in quality(result, language, fit):
        yield f"{item.term}: {item.text}"
    version = result.versions.get("leukoformula", "")
    yield models_line(result, language, f"leukoformula {version}".strip())
    lead = language.text("lead.ranges")
    for item in method(result, language, fit):
        if item.term == lead:
            yield f"{item.term}: {item.text}"
    yield language.text("disclaimer")
