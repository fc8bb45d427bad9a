"""The numbers of a stored result held against its cells: a report must not print what was not counted."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from cells.errors import DataError, RefusedError, UsageError
from cells.records import Cell
from cells.vocabulary import CellClass
from counting.formula import make_formula
from counting.ranges import RangeRow, ReferenceSet, Source, Stratum
from counting.ranges_file import BUILTIN, load_builtin
from counting.records import LeukocyteFormula, Line
from counting.rules import SmudgePolicy
from leukoformula.result import SmearResult
from leukoformula.reviewed import check_signable
from leukoformula.settings import recorded_rules
from reports.differing import differing, said
from reports.recount_remarks import remark_faults

_PROBABILITY_TOLERANCE = 5e-6


def check_recount(result: SmearResult, *, where: str) -> None:
    """Check that the numbers of a stored result are those of its cells.

    What depends on wording or on random draws (comments, notes, intervals of the indices, corrected shares)
    is reckoned again where the result was made by this version of the program, so that one of another version
    is not refused for it.

    Parameters
    ----------
    result : SmearResult
        The result as it was read. One without fields and cells is held against its own counts.
    where : str
        What the result is, for the message.

    Raises
    ------
    DataError
        Where a cell stands twice or contradicts itself, a number differs from what the cells give, or the
        result is signed and must not be; the message names the first difference.
    """
    try:
        for fault in _faults(result):
            raise DataError(fault)
        if result.signature is not None:
            check_signable(result)
    except (UsageError, RefusedError) as error:
        raise DataError(
            f"{where}: {error}; the file was altered: restore it, or analyse the smear again"
        ) from error


def _faults(result: SmearResult) -> Iterator[str]:
    yield from _cell_faults(result)
    yield from _field_faults(result)
    yield from _formula_faults(result.formula, _recounted(result))
    yield from remark_faults(result, counts=_counts(result), ranges=_known_set(result))


def _cell_faults(result: SmearResult) -> Iterator[str]:
    changed = set(result.relabelled or ())
    known: set[int] = set()
    for cell in result.cells:
        if cell.cell_id in known:
            yield f"cell {cell.cell_id} stands twice"
        known.add(cell.cell_id)
        if cell.cell_id not in changed and _contradicts(cell):
            yield (
                f"cell {cell.cell_id} is called {cell.label} without a person, and its probability "
                f"({cell.probability:g}) is not that of this class"
            )
    for number in sorted(changed - known):
        yield f"cell {number} is said to be relabelled, and there is no such cell"


def _contradicts(cell: Cell) -> bool:
    share = cell.probabilities.get(cell.label)
    return share is not None and abs(share - cell.probability) > _PROBABILITY_TOLERANCE


def _field_faults(result: SmearResult) -> Iterator[str]:
    names = {field.name for field in result.fields}
    finds = Counter(cell.image for cell in result.cells)
    counted = Counter(cell.image for cell in result.cells if cell.counted)
    for image in finds:
        if image not in names:
            yield f"there are cells of the field {image!r}, which is not among the fields"
    for field in result.fields:
        if (field.detections, field.counted) != (finds[field.name], counted[field.name]):
            yield (
                f"field {field.name!r} has {field.detections} finds, {field.counted} of them counted, and "
                f"its cells give {finds[field.name]} and {counted[field.name]}"
            )


def _recounted(result: SmearResult) -> LeukocyteFormula:
    formula = result.formula
    rules = recorded_rules(result.settings)
    stored = str(rules.smudge) if "counting" in result.settings else formula.smudge_policy
    if stored != formula.smudge_policy or stored not in set(SmudgePolicy):
        raise DataError(f"smudge_policy is {formula.smudge_policy!r}, and the settings say {stored!r}")
    if formula.wbc_corrected is not None and not 0 < formula.wbc_corrected <= (formula.wbc or 0):
        raise DataError(f"wbc_corrected is {formula.wbc_corrected:g}, and wbc is {said(formula.wbc)}")
    # The corrected count is taken as it stands: the rule that led to it may be that of an earlier version.
    effective = formula.wbc if formula.wbc_corrected is None else formula.wbc_corrected
    return make_formula(
        _counts(result),
        ranges=_ranges(result),
        wbc=effective,
        rules=replace(rules, smudge=SmudgePolicy(stored), nrbc_correction_from=None),
    )


def _counts(result: SmearResult) -> Mapping[CellClass, int]:
    if result.cells or result.fields:
        return Counter(cell.label for cell in result.cells if cell.counted)
    formula = result.formula
    pooled = {line.label: line.n for line in formula.lines}
    apart = {label: n - sum(pooled.get(child, 0) for child in label.children) for label, n in pooled.items()}
    beside = {line.label: line.n for line in formula.outside}
    return {**apart, **beside, CellClass.UNIDENTIFIED: formula.unidentified}


def _ranges(result: SmearResult) -> ReferenceSet:
    """Return the reference set of a result with the one group that applies, for a patient of any age."""
    formula = result.formula
    known = _known_set(result)
    found = [one for one in known.strata if one.stratum_id == formula.stratum_id] if known else []
    if known is not None and formula.stratum_id and not found:
        raise DataError(f"the reference ranges {known.name} have no group {formula.stratum_id!r}")
    rows = tuple(_row(line) for line in formula.lines if line.range_percent or line.range_absolute)
    as_printed = Stratum("", "", "", 0, None, None, formula.wbc_range, rows)
    strata = found if known else [as_printed]
    return ReferenceSet(
        name=formula.ranges_name,
        version=formula.ranges_version,
        title_en="",
        title_ru="",
        strata=tuple(replace(one, age_from_days=0, age_until_days=None, sex=None) for one in strata),
    )


def _known_set(result: SmearResult) -> ReferenceSet | None:
    formula = result.formula
    if result.ranges is not None:
        stored = (result.ranges.name, result.ranges.version)
        if stored != (formula.ranges_name, formula.ranges_version):
            raise DataError(
                f"the formula names the ranges {formula.ranges_name} {formula.ranges_version}, and those of "
                f"{' '.join(stored)} are stored"
            )
        return result.ranges
    if formula.ranges_name in BUILTIN:
        shipped = load_builtin(formula.ranges_name)
        return shipped if shipped.version == formula.ranges_version else None
    return None


def _row(line: Line) -> RangeRow:
    return RangeRow(
        line.label, line.range_percent, line.range_absolute, Source(line.range_source), line.range_status
    )


def _formula_faults(stored: LeukocyteFormula, counted: LeukocyteFormula) -> Iterator[str]:
    yield from differing("total", stored.total, counted.total)
    yield from differing("unidentified", stored.unidentified, counted.unidentified)
    yield from differing("wbc_flag", str(stored.wbc_flag), str(counted.wbc_flag))
    yield from differing("wbc_range", stored.wbc_range, counted.wbc_range)
    lines = {line.label: line for line in stored.lines}
    yield from _doubled("lines", len(lines), len(stored.lines))
    for line in counted.lines:
        if line.n and line.label not in lines:
            yield f"formula.lines lacks {line.label}, of which there are {line.n}"
    for line in stored.lines:
        again = counted.line(line.label)
        if again is None:
            yield from differing(f"{line.label}.n", line.n, 0)
        else:
            yield from _line_faults(line, again, empty=stored.total == 0)
    beside = {line.label: line for line in stored.outside}
    yield from _doubled("outside", len(beside), len(stored.outside))
    for label in [*beside, *(line.label for line in counted.outside if line.label not in beside)]:
        was, now = stored.beside(label), counted.beside(label)
        yield from differing(f"{label}.n", was.n if was else 0, now.n if now else 0)
        for name in ("per_100", "low", "high") if was and now else ():
            yield from differing(f"{label}.{name}", getattr(was, name), getattr(now, name))
    values = {index.code: index.value for index in counted.indices}
    for index in stored.indices:
        if index.value is not None and values.get(index.code) is not None:
            yield from differing(index.code, index.value, values[index.code])


def _line_faults(stored: Line, counted: Line, *, empty: bool) -> Iterator[str]:
    names = ["n", "range_percent", "range_absolute", "flag", "flag_absolute"]
    if not empty:
        names += ["percent", "low", "high", "absolute", "absolute_low", "absolute_high"]
    for name in names:
        yield from differing(f"{stored.label}.{name}", getattr(stored, name), getattr(counted, name))


def _doubled(name: str, different: int, listed: int) -> Iterator[str]:
    if different != listed:
        yield f"formula.{name} lists a class twice"
