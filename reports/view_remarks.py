"""What is said beside the formula: comments, notes, indices, shares corrected for classification errors."""

from counting.notes import NOTES, note_text
from counting.records import Index, LeukocyteFormula
from reports.texts import Language
from reports.view import Clean, Grid, IndexLine, Said

_SAID_ELSEWHERE = frozenset(
    {
        "no_leukocytes",
        "few_cells",
        "unidentified_cells",
        "wbc_corrected",
        "bands_low_reproducibility",
        "absolute_counting_error_only",
    }
)


def comments(formula: LeukocyteFormula, language: Language) -> tuple[Said, ...]:
    """Return the comments of the coded library, the urgent ones first.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    tuple of Said
        The comments.
    """
    return tuple(Said(one.urgency, one.text(language.code), one.rule) for one in formula.comments)


def notes(formula: LeukocyteFormula, language: Language, clean: Clean) -> tuple[str, ...]:
    """Return the notes on how the formula was made, save those that stand elsewhere on the page.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of str
        The notes.
    """
    elsewhere = _SAID_ELSEWHERE if formula.total else _SAID_ELSEWHERE | {"unverified_ranges"}
    codes = [code for code in formula.notes if code not in elsewhere]
    if formula.correction is not None:
        codes += [code for code in (formula.correction.uncorrected, formula.correction.unsplit) if code]
    return tuple(_note(code, language, clean) for code in codes)


def _note(code: str, language: Language, clean: Clean) -> str:
    if code not in NOTES:
        return language.text("note.unknown", code=clean(code))
    star = "* " if code == "unverified_ranges" else ""
    return star + note_text(code, language.code)


def indices(formula: LeukocyteFormula, language: Language) -> tuple[IndexLine, ...]:
    """Return the leukocyte indices with their intervals, or why one is not given.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    tuple of IndexLine
        The indices; empty where few or no leukocytes were counted.
    """
    if formula.total == 0 or "few_cells" in formula.notes:
        return ()
    told = tuple(_index(one, language) for one in formula.indices)
    reasons = {one.usual for one in told}
    if len(told) > 1 and len(reasons) == 1 and all(one.value is None for one in formula.indices):
        return (IndexLine(reasons.pop(), "", ""),)
    return told


def _index(one: Index, language: Language) -> IndexLine:
    key = f"index.{one.code}"
    name = language.text(key) if language.has(key) else one.code
    if one.value is None or one.low is None or one.high is None:
        known = one.suppressed in NOTES
        return IndexLine(
            name,
            language.text("none"),
            note_text(one.suppressed, language.code) if known else "",
            withheld=True,
        )
    value = f"{language.number(one.value, 2)} ({language.span(one.low, one.high, digits=2)})"
    if one.usual is None:
        return IndexLine(name, value, "")
    usual = language.text("index.usual", limits=language.limits(one.usual.low, one.usual.high))
    return IndexLine(name, value, usual + ("*" if one.status == "unverified" else ""))


def correction(formula: LeukocyteFormula, language: Language) -> tuple[Grid, ...]:
    """Return the table of shares corrected for the classifier's errors, or why there is none.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.
    language : Language
        Language of the report.

    Returns
    -------
    tuple of Grid
        One table, or none where no correction was asked for.
    """
    found = formula.correction
    if found is None:
        return ()
    if found.uncorrected:
        known = found.uncorrected in NOTES
        why = note_text(found.uncorrected, language.code) if known else language.text("none")
        return (Grid(language.text("correction"), why, (), ()),)
    intro = language.text("correction.intro")
    if found.missed_percent is not None:
        missed = language.percent(found.missed_percent)
        intro += " " + language.text("correction.missed", value=missed)
    plain = {line.label: line for line in formula.lines}
    rows = tuple(
        (
            language.label(share.label),
            language.percent(plain[share.label].percent) if share.label in plain else language.text("none"),
            language.percent(share.percent),
            language.span(share.low, share.high, digits=1),
        )
        for share in found.shares
    )
    columns = ("column.cells", "column.plain", "column.corrected", "column.interval")
    return (Grid(language.text("correction"), intro, tuple(language.text(key) for key in columns), rows),)
