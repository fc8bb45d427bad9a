"""A result after a person looked at its cells: new labels, new counts, and the signature."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from cells.errors import DataError, UsageError
from cells.records import Cell
from cells.vocabulary import CellClass, clinical_order
from counting.age import Age
from counting.formula import make_formula
from counting.ranges import ReferenceSet
from counting.records import Correction
from leukoformula.decisions import COUNTING_FRAME, NOT_A_LEUKOCYTE, NOT_LEUKOCYTES, UNCERTAIN
from leukoformula.result import Signature, SmearResult, Superseded
from leukoformula.settings import recorded_rules

REVIEWED = "reviewed"
"""Code of ``counting.notes`` that shares are not corrected since a person has reviewed the cells."""

EARLIEST_YEAR = 2020
"""No report of this program was signed before."""

_NAMED = 8
_AHEAD = timedelta(days=1)  # clocks and time zones may disagree by so much


def apply_review(
    result: SmearResult, labels: Mapping[int, CellClass], *, ranges: ReferenceSet
) -> SmearResult:
    """Give the cells the labels of a person and count them anew.

    Parameters
    ----------
    result : SmearResult
        The result as the program left it.
    labels : mapping of int to CellClass
        Label of every cell, by ``cell_id``.
    ranges : ReferenceSet
        Reference ranges; those of the result.

    Returns
    -------
    SmearResult
        The result with new labels and a new formula by the rules of the result. Where its shares were to be
        corrected for errors of the classifier they are so no more, and the formula says so: a person's labels
        carry none. It is not signed; where the result was, it stands among the reports that the new one
        replaces.

    Raises
    ------
    DataError
        Where the labels are not those of the result's cells, or the ranges are not those of the result.
    """
    if set(labels) != {cell.cell_id for cell in result.cells}:
        raise DataError("the reviewed labels do not belong to this result; each cell needs one label")
    old = result.formula
    if (ranges.name, ranges.version) != (old.ranges_name, old.ranges_version):
        raise DataError(
            f"the result was made with the ranges {old.ranges_name} {old.ranges_version}, not "
            f"{ranges.name} {ranges.version}; analyse the smear again for other ranges"
        )
    cells = tuple(_relabelled(cell, labels[cell.cell_id]) for cell in result.cells)
    changed = {cell.cell_id for cell in result.cells if labels[cell.cell_id] is not cell.label}
    who = result.identity
    formula = make_formula(
        Counter(cell.label for cell in cells if cell.counted),
        ranges=ranges,
        wbc=old.wbc,
        age=Age.parse(who.age) if who.age else None,
        sex=who.sex or None,
        rules=recorded_rules(result.settings),
        correction=None if old.correction is None else Correction(uncorrected=REVIEWED),
    )
    fields = tuple(
        replace(field, counted=sum(cell.counted for cell in cells if cell.image == field.name))
        for field in result.fields
    )
    return replace(
        result,
        cells=cells,
        formula=formula,
        fields=fields,
        relabelled=tuple(sorted(changed | set(result.relabelled or ()))),
        signature=None,
        superseded=_superseded(result),
    )


def sign(result: SmearResult, signature: Signature, *, now: datetime | None = None) -> SmearResult:
    """Make a reviewed result final.

    Parameters
    ----------
    result : SmearResult
        A result whose cells a person has reviewed.
    signature : Signature
        Who releases it, and when.
    now : datetime or None, optional
        The present time, with its offset from UTC; that of the clock where it is None.

    Returns
    -------
    SmearResult
        The final result.

    Raises
    ------
    DataError
        Where nobody reviewed the cells, or some are still unidentified.
    UsageError
        Where the time lies more than a day ahead, or before this program, the sample or a signature that is
        replaced.
    """
    check_signable(result)
    _check_time(result, datetime.fromisoformat(signature.at), now or datetime.now(UTC))
    return replace(result, signature=signature)


def check_signable(result: SmearResult) -> None:
    """Check that a result may be final.

    Parameters
    ----------
    result : SmearResult
        A result.

    Raises
    ------
    DataError
        Where nobody reviewed the cells, or some are still unidentified.
    """
    if result.relabelled is None:
        raise DataError("the cells of this result were not reviewed; review them before signing")
    waiting = [
        str(cell.cell_id) for cell in result.cells if cell.label is CellClass.UNIDENTIFIED and cell.counted
    ]
    if waiting:
        more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
        raise DataError(
            f"{len(waiting)} cells are unidentified (no. {', '.join(waiting[:_NAMED])}{more}); "
            "decide on them before signing: a class, or artefact for what must not count"
        )


def _check_time(result: SmearResult, at: datetime, now: datetime) -> None:
    if at > now + _AHEAD:
        raise UsageError(
            f"the time of signing, {at.isoformat()}, lies in the future; correct --signed-at or the clock"
        )
    if at.year < EARLIEST_YEAR:
        raise UsageError(
            f"the time of signing, {at.isoformat()}, lies before this program; correct --signed-at"
        )
    taken = _date(result.identity.taken)
    if taken is not None and at.date() < taken - _AHEAD:
        raise UsageError(
            f"the time of signing, {at.isoformat()}, lies before the sample was taken ({taken}); correct one "
            "of the two"
        )
    for one in result.superseded:
        if at < datetime.fromisoformat(one.signature.at):
            raise UsageError(
                f"the time of signing, {at.isoformat()}, lies before the signature that it replaces "
                f"({one.signature.at}); correct --signed-at"
            )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _superseded(result: SmearResult) -> tuple[Superseded, ...]:
    if result.signature is None:
        return result.superseded
    given = {line.label for line in result.formula.lines if line.n}
    given |= {line.label for line in result.formula.outside if line.n}
    return (*result.superseded, Superseded(result.signature, tuple(clinical_order(given))))


def _relabelled(cell: Cell, label: CellClass) -> Cell:
    if label is cell.label:
        return cell
    in_frame = cell.detection.counted
    if label in NOT_LEUKOCYTES:
        return replace(cell, label=label, counted=False, reason=NOT_A_LEUKOCYTE)
    reason = "" if in_frame else COUNTING_FRAME
    if label is CellClass.UNIDENTIFIED:
        reason = UNCERTAIN
    return replace(cell, label=label, counted=in_frame, reason=reason)
