"""Classes that a person's review emptied: an earlier report, unreviewed or signed, may have carried them."""

from collections.abc import Collection, Iterator

import numpy as np

from cells.vocabulary import CellClass, clinical_order
from leukoformula.decisions import label_of
from leukoformula.result import SmearResult
from reports.interfaces.codes import CODES
from reports.interfaces.observed import Observed
from reports.texts import Language

_BESIDE = (CellClass.ERYTHROBLAST, CellClass.SMUDGE_CELL)


def withdrawn(result: SmearResult, language: Language, given: Collection[str]) -> tuple[Observed, ...]:
    """Return the values of classes that the classifier or an earlier review found and a person took away.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the names.
    given : collection of str
        Keys of the values that hold.

    Returns
    -------
    tuple of Observed
        Values to be withdrawn where they were sent before; empty where nobody changed a label.
    """
    return tuple(
        Observed(key, language.text(f"interface.{kind}", name=name), None, withdrawn=True)
        for key, kind, name in _keys(result, language)
        if key in CODES and key not in given
    )


def _keys(result: SmearResult, language: Language) -> Iterator[tuple[str, str, str]]:
    known = result.formula.wbc is not None
    for label in clinical_order(_answered(result)):
        name = language.label(label)
        yield f"{label}.percent" if label.in_denominator else f"{label}.per_100", _kind(label), name
        if known and label.in_denominator:
            yield f"{label}.absolute", "absolute", name
        if known and label is CellClass.ERYTHROBLAST:
            yield "wbc_corrected", "wbc_corrected", name


def _kind(label: CellClass) -> str:
    return "percent" if label.in_denominator else "per_100"


def _answered(result: SmearResult) -> set[CellClass]:
    """Return the classes, with those that they belong to, that an earlier report may have carried."""
    changed = set(result.relabelled or ())
    found = {
        label_of(np.array(list(cell.probabilities.values()), np.float32), tuple(cell.probabilities))[0]
        for cell in result.cells
        if cell.cell_id in changed and cell.probabilities
    }
    found |= {label for one in result.superseded for label in one.classes}
    found |= {label.parent for label in found if label.parent is not None}
    return {label for label in found if label.in_denominator or label in _BESIDE}
