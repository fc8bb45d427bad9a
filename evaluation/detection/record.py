"""The evaluation as one JSON document of the schema ``leukoformula.detector_evaluation/1``."""

import json
import math
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from cells.files import atomic_path
from evaluation.detection.causes import Cause
from evaluation.detection.curves import LEVELS, Curve, Estimate
from evaluation.detection.evaluate import Evaluation
from evaluation.detection.figures import Judgement
from evaluation.finds import GATE

SCHEMA = "leukoformula.detector_evaluation/1"
"""Name and version of the document's schema."""

_MOST_POINTS = 400


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document.

    Returns
    -------
    dict
        The schema.
    """
    place = files("evaluation.detection").joinpath("schemas", "detector_evaluation-1.json")
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return found


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Return the evaluation as JSON values.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.

    Returns
    -------
    dict
        The document; a figure that has nothing to divide by is null.
    """
    request, scanned = evaluation.request, evaluation.scanned
    causes = {kind: Counter(cause for _, cause in evaluation.errors(kind)) for kind in ("false", "missed")}
    return {
        "schema": SCHEMA,
        "images": request.images.name,
        "truth": request.truth.name,
        "format": request.form,
        "facts": dict(evaluation.facts),
        "settings": {
            "threshold": evaluation.threshold,
            "floor": scanned.floor,
            "gate": GATE,
            "seed": request.seed,
            "resamples": request.resamples,
            "missing_annotation": request.missing,
            "erythrocyte_px": request.erythrocyte_px,
            "um_per_px": request.um_per_px,
            "leukocyte_labels": sorted(request.roles.leukocytes),
        },
        "fields": len(scanned.fields),
        "left_out": evaluation.left_out,
        "scale_sources": dict(sorted(Counter(scale.source for scale in scanned.scales).items())),
        "systems": [_system(one, evaluation.threshold) for one in evaluation.judgements],
        "causes": {
            kind: {cause.value: counted[cause] for cause in Cause if counted[cause]}
            for kind, counted in causes.items()
        },
        "faults": [
            {"kind": f.kind, "where": f.where, "what": f.what, "left_out": f.left_out}
            for f in evaluation.faults
        ],
    }


def _system(one: Judgement, threshold: float) -> dict[str, Any]:
    counts = one.counts
    at = one.curve.at(threshold)
    return {
        "name": one.name,
        "leukocytes": counts.leukocytes,
        "found": counts.found,
        "missed": counts.leukocytes - counts.found,
        "finds": counts.finds,
        "false": counts.false,
        "ignored": counts.ignored,
        "recall": _estimate(one.recall),
        "false_share": _estimate(one.false_share),
        "false_per_field": _estimate(one.per_field),
        "average_precision": _estimate(one.average_precision),
        "recall_at": [
            {"false_per_field": level, "recall": _estimate(value)}
            for level, value in zip(LEVELS, one.recalls, strict=True)
        ],
        "centre_error": _number(counts.centre_error),
        "diameter_ratio": _number(counts.diameter_ratio),
        "curve_at_threshold": {
            "recall": _number(at[0]),
            "false_share": _number(at[1]),
            "false_per_field": _number(at[2]),
        },
        "curve": _points(one.curve),
    }


def _points(curve: Curve) -> list[dict[str, float | None]]:
    count = len(curve.threshold)
    step = max(1, math.ceil(count / _MOST_POINTS))
    chosen = sorted({*range(0, count, step), *([count - 1] if count else [])})
    return [
        {
            "threshold": round(float(curve.threshold[k]), 6),
            "recall": _number(float(curve.recall[k])),
            "false_share": _number(float(curve.false_share[k])),
            "false_per_field": _number(float(curve.per_field[k])),
        }
        for k in chosen
    ]


def _estimate(value: Estimate) -> dict[str, Any]:
    return {
        "value": _number(value.value),
        "bootstrap": [_number(end) for end in value.bootstrap],
        "exact": [_number(end) for end in value.exact],
    }


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Write the evaluation as JSON, UTF-8.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    path : Path
        File to be written.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = json.dumps(evaluation_document(evaluation), ensure_ascii=False, allow_nan=False, indent=1)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace", newline="\n")
