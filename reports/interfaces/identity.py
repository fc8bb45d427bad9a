"""The lasting identity of a report, so that a signed one replaces the preliminary one."""

import json
from uuid import NAMESPACE_URL, UUID, uuid5

from leukoformula.result import SmearResult
from reports.interfaces.codes import LOCAL

NAMESPACE = uuid5(NAMESPACE_URL, LOCAL)
"""Namespace of every identifier that this project makes."""


def report_uuid(result: SmearResult) -> UUID:
    """Return the identifier of a report.

    Parameters
    ----------
    result : SmearResult
        What was found.

    Returns
    -------
    UUID
        The same for the same analysis, whatever labels a person changes and whether it is signed: made from
        the name of the smear, patient and sample, the fields and the places of the finds; for a formula made
        from counts alone, from the counts.
    """
    who = result.identity
    key: list[object] = [result.name, who.patient, who.sample, who.taken]
    key.append([[field.name, field.height, field.width] for field in result.fields])
    key.append([_place(cell.image, cell.detection.row, cell.detection.col) for cell in result.cells])
    if not result.fields and not result.cells:
        formula = result.formula
        key.append([[line.label.value, line.n] for line in formula.lines])
        key.append([[line.label.value, line.n] for line in formula.outside])
        key.append([formula.unidentified, formula.wbc])
    return _named(key)


def device_uuid(result: SmearResult) -> UUID:
    """Return the identifier of the program with its models and libraries.

    Parameters
    ----------
    result : SmearResult
        What was found.

    Returns
    -------
    UUID
        The same for the same versions and models.
    """
    models = [[model.name, model.kind, model.version, model.sha256] for model in result.models]
    return _named([sorted(result.versions.items()), models])


def part_uuid(report: UUID, part: str) -> UUID:
    """Return the identifier of a part of a report.

    Parameters
    ----------
    report : UUID
        Identifier of the report.
    part : str
        What the part is, once in a report.

    Returns
    -------
    UUID
        Its identifier.
    """
    return uuid5(report, part)


def _named(key: list[object]) -> UUID:
    # JSON escapes every sign that is not ASCII, so that broken names of files are keys as well.
    return uuid5(NAMESPACE, json.dumps(key, ensure_ascii=True, separators=(",", ":")))


def _place(image: str, row: float, col: float) -> list[str]:
    return [image, f"{row:.2f}", f"{col:.2f}"]
