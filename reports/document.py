"""The result as one JSON document of the schema ``leukoformula.result/1``."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from cells.files import atomic_path
from cells.records import Cell
from counting.formula import LeukocyteFormula
from counting.ranges import Range
from leukoformula.reference import ranges_document
from leukoformula.result import SmearResult
from reports.explanations import explanation_records

SCHEMA = "leukoformula.result/1"
"""Name and version of the document's schema."""

_NO_SHARE = dict.fromkeys(("percent", "low", "high", "absolute", "absolute_low", "absolute_high"))


def write_json(result: SmearResult, path: Path, *, pictures: Mapping[str, object] | None = None) -> None:
    """Write the result as JSON, UTF-8; pictures are left out.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written.
    pictures : mapping, optional
        The files beside it that hold the pictures: ``reports.stored_pictures.StoredPictures.record``.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = json.dumps(
        result_document(result, pictures=pictures), ensure_ascii=False, allow_nan=False, indent=1
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace", newline="\n")


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document.

    Returns
    -------
    dict
        The schema.
    """
    text = files("reports").joinpath("schemas", "result-1.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def result_document(result: SmearResult, *, pictures: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the result as JSON values.

    Parameters
    ----------
    result : SmearResult
        What was found.
    pictures : mapping, optional
        The files beside it that hold the pictures.

    Returns
    -------
    dict
        The document. A number that is infinite or not known is null; probabilities have six decimals,
        coordinates two.
    """
    scale = result.calibration
    return {
        "schema": SCHEMA,
        "name": result.name,
        "source": result.source,
        "status": result.status,
        "signature": None if result.signature is None else _record(result.signature),
        "superseded": [
            {**_record(one.signature), "classes": [label.value for label in one.classes]}
            for one in result.superseded
        ],
        "relabelled": None if result.relabelled is None else list(result.relabelled),
        "identity": _record(result.identity),
        "formula": formula_document(result.formula),
        "calibration": {
            "um_per_px": _number(scale.um_per_px),
            "erythrocyte_px": _number(scale.erythrocyte_px),
            "source": str(scale.source),
            "erythrocytes": scale.erythrocytes,
            "spread": _number(scale.spread),
        },
        "fields": [_record(field) for field in result.fields],
        "refused": [_record(refusal) for refusal in result.refused],
        "findings": [_record(finding) for finding in result.findings],
        "classifier": result.classifier,
        "eosinophil_border": _number(result.eosinophil_border),
        "models": [_record(model) for model in result.models],
        "settings": _value(result.settings),
        "versions": dict(sorted(result.versions.items())),
        "pictures": None if pictures is None else _value(pictures),
        "reference_set": None if result.ranges is None else ranges_document(result.ranges),
        "cells": [_cell(cell) for cell in result.cells],
        "explanations": explanation_records(result),
    }


def formula_document(formula: LeukocyteFormula) -> dict[str, Any]:
    """Return a formula as JSON values: ``formula`` of the schema.

    Parameters
    ----------
    formula : LeukocyteFormula
        The counts.

    Returns
    -------
    dict
        Lines with intervals, ranges and flags, counts outside, indices, comments and notes. With no
        leukocyte counted nothing is known of the shares and concentrations: they are null.
    """
    correction = formula.correction
    return {
        "total": formula.total,
        "unidentified": formula.unidentified,
        "wbc": _number(formula.wbc),
        "wbc_corrected": _number(formula.wbc_corrected),
        "wbc_range": _value(formula.wbc_range),
        "wbc_flag": formula.wbc_flag.value,
        "smudge_policy": formula.smudge_policy,
        "lines": [{**_record(line), **({} if formula.total else _NO_SHARE)} for line in formula.lines],
        "outside": [_record(line) for line in formula.outside],
        "indices": [_record(index) for index in formula.indices],
        "comments": [_record(comment) for comment in formula.comments],
        "notes": list(formula.notes),
        "correction": None
        if correction is None
        else {**_record(correction), "shares": [_record(share) for share in correction.shares]},
        "ranges": {
            "name": formula.ranges_name,
            "version": formula.ranges_version,
            "title_en": formula.ranges_title_en,
            "title_ru": formula.ranges_title_ru,
            "source": formula.ranges_source,
            "stratum_id": formula.stratum_id,
            "stratum_en": formula.stratum,
            "stratum_ru": formula.stratum_ru,
            "from_days": formula.stratum_from_days,
            "until_days": formula.stratum_until_days,
            "sex": formula.stratum_sex,
        },
    }


def _cell(cell: Cell) -> dict[str, Any]:
    find = cell.detection
    return {
        "cell_id": cell.cell_id,
        "image": cell.image,
        "row": round(float(find.row), 2),
        "col": round(float(find.col), 2),
        "diameter_px": round(float(find.diameter_px), 2),
        "score": _number(find.score),
        "at_border": bool(find.at_border),
        "in_frame": bool(find.counted),
        "label": cell.label.value,
        "probability": round(float(cell.probability), 6),
        "probabilities": {label.value: round(float(p), 6) for label, p in cell.probabilities.items()},
        "counted": bool(cell.counted),
        "reason": cell.reason,
    }


def _record(record: Any) -> dict[str, Any]:
    return {field.name: _value(getattr(record, field.name)) for field in fields(record)}


def _value(value: object) -> Any:
    if isinstance(value, Range):
        return {"low": value.low, "high": value.high}
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {str(key): _value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return str(value)


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(value)
