"""The remarks that a person must see on the terminal too: those that forbid to trust a result."""

from typing import TYPE_CHECKING

from commands.console import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cells.records import Finding
    from slides.calibration import Calibration


_NAMED = 3


def warn_of_remarks(findings: "Sequence[Finding]", calibration: "Calibration", *, lang: str = "en") -> None:
    """Name on standard error what forbids to trust a smear or fields of it, and fields of another stain.

    Parameters
    ----------
    findings : sequence of Finding
        The remarks on the smear and its fields.
    calibration : Calibration
        The pixel size that was used.
    lang : {"en", "ru"}
        Language of the remarks.
    """
    from reports.texts import Language
    from reports.view_facts import NOT_TO_BE_TRUSTED, finding
    from slides.field_colour import MIXED

    language = Language(lang)
    named = (*NOT_TO_BE_TRUSTED, MIXED)
    for code in dict.fromkeys(one.code for one in findings if one.code in named):
        found = sorted((one for one in findings if one.code == code), key=lambda one: bool(one.where))
        fields = _listed([one.where for one in found if one.where])
        said = finding(found[0], calibration, language, str)
        say(f"warning: {said} ({fields})" if fields else f"warning: {said}")


def warn_of_repeats(findings: "Sequence[Finding]") -> None:
    """Name on standard error the fields that show cells of an earlier field.

    Parameters
    ----------
    findings : sequence of Finding
        The remarks on the smear and its fields.
    """
    from leukoformula.repeats import SEEN_BEFORE

    fields = [one for one in findings if one.code == SEEN_BEFORE and one.where]
    if fields:
        cells = sum(int(one.value or 0) for one in fields)
        names = _listed([one.where for one in fields])
        say(
            f"warning: cells that look the same as in an earlier field: {cells}, in {names}; they are "
            f"counted twice ({SEEN_BEFORE} in cells.csv); leave fields out, or call the second an artefact"
        )


def _listed(names: "Sequence[str]") -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
