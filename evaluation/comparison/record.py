"""The comparison as one JSON document of the schema ``leukoformula.comparison/1``."""

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from cells.files import atomic_path
from evaluation.class_scores import Share
from evaluation.comparison.bootstrap import Estimate
from evaluation.comparison.compare import Comparison, SetResult
from evaluation.comparison.cost import Cost
from evaluation.comparison.formulas import (
    INTERCEPT,
    LEAST_CELLS,
    LEAST_GROUPS,
    SLOPES,
    Agreement,
    ClassAgreement,
)
from evaluation.comparison.judging import Judgement
from evaluation.comparison.pairs import Difference, Pair
from evaluation.comparison.record_cases import case_record
from evaluation.comparison.systems import System
from evaluation.comparison.verdict import verdict

SCHEMA = "leukoformula.comparison/1"
"""Name and version of the document's schema."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document.

    Returns
    -------
    dict
        The schema.
    """
    place = files("evaluation.comparison").joinpath("schemas", "comparison-1.json")
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return found


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    dict
        The document; a figure that is not defined is null.
    """
    options, overall = comparison.options, comparison.overall
    return {
        "schema": SCHEMA,
        "facts": dict(comparison.facts),
        "settings": {
            "known_answers": options.known_answers,
            "allow_overlap": options.allow_overlap,
            "seed": options.seed,
            "resamples": options.resamples,
            "accepted_slope": list(SLOPES),
            "accepted_intercept_of_mean": INTERCEPT,
            "least_leukocytes_per_group": LEAST_CELLS,
            "least_groups": LEAST_GROUPS,
        },
        "verdict": list(verdict(comparison)),
        "systems": [_system(system, comparison.costs.get(system.name)) for system in comparison.systems],
        "overlaps": [
            {
                "set": one.cells,
                "system": one.system,
                "checked": one.checked,
                "shared": one.shared,
                "images": one.total,
            }
            for one in comparison.overlaps
        ],
        "sets": [_set(result) for result in comparison.results],
        "cases": [case_record(comparison, place) for place in range(len(comparison.cases))],
        "overall": None
        if overall is None
        else {
            "accuracy": {
                system.name: _share(share)
                for system, share in zip(comparison.systems, overall.accuracy, strict=True)
            },
            "pairs": _pairs(overall.pairs),
            "agreements": [_agreement(one) for one in overall.agreements],
        },
    }


def write_json(comparison: Comparison, path: Path) -> None:
    """Write the comparison as JSON, UTF-8.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    path : Path
        File to be written.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = json.dumps(comparison_document(comparison), ensure_ascii=False, allow_nan=False, indent=1)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace", newline="\n")


def _system(system: System, cost: Cost | None) -> dict[str, Any]:
    return {
        "name": system.name,
        "models": [
            {
                "name": model.name,
                "kind": model.kind,
                "version": model.version,
                "sha256": model.sha256,
                "size_bytes": model.size_bytes,
                "training_images": None if model.hashes is None else len(model.hashes.prefixes),
            }
            for model in system.models
        ],
        "size_bytes": system.size_bytes,
        "cost": None
        if cost is None
        else {
            "first_answer_s": _number(cost.first_answer_s),
            "ms_per_cell": _number(cost.ms_per_cell),
            "cpu_ms_per_cell": _number(cost.cpu_ms_per_cell),
            "peak_memory_mib": _number(cost.peak_memory_mib),
            "fault": cost.fault,
        },
    }


def _set(result: SetResult) -> dict[str, Any]:
    cells = result.cells
    return {
        "name": cells.name,
        "images": len(cells),
        "groups": len({group for group in cells.groups if group}),
        "repeated": cells.repeated,
        "assumed_scale": cells.assumed_scale,
        "doubts": list(result.warnings),
        "scored_as": {str(label): str(scored) for label, scored in result.coarsened.items()},
        "refused": [{"path": one.name, "reason": one.reason} for one in cells.refused],
        "disagreements": len(result.differing),
        "wrong_by_all": result.wrong_by_all,
        "judgements": [_judgement(one) for one in result.judgements],
        "pairs": _pairs(result.pairs),
        "agreements": [_agreement(one) for one in result.agreements],
    }


def _judgement(one: Judgement) -> dict[str, Any]:
    found, calibration = one.score, one.calibration
    return {
        "system": one.system,
        "accuracy": _share(found.accuracy),
        "balanced_accuracy": _estimate(one.balanced),
        "macro_f1": _estimate(one.macro_f1),
        "classes": {
            str(label): {
                "recall": _share(found.recall[label]),
                "precision": _share(found.precision[label]),
                "f1": _estimate(one.f1[label]),
            }
            for label in found.truths
        },
        "confusion": {
            "truths": [str(label) for label in found.truths],
            "answers": [str(label) for label in found.answers],
            "counts": found.confusion.tolist(),
        },
        "calibration": {
            "expected_error": _number(calibration.error),
            "expected_error_by_chance": _number(calibration.by_chance),
            "mean_probability": _number(calibration.confidence),
            "bins": [
                {
                    "low": _number(item.low),
                    "high": _number(item.high),
                    "mean_probability": _number(item.confidence),
                    "right": _share(item.right),
                }
                for item in calibration.bins
            ],
        },
    }


def _pairs(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    return [
        {
            "first": pair.first,
            "second": pair.second,
            **_difference(pair.whole),
            "gain": _estimate(pair.gain),
            "classes": {str(label): _difference(one) for label, one in pair.classes.items()},
        }
        for pair in pairs
    ]


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "images": one.cells,
        "only_first": one.only_first,
        "only_second": one.only_second,
        "p": one.p,
        "p_adjusted": one.p_adjusted,
        "beyond_chance": one.beyond_chance,
    }


def _agreement(one: Agreement) -> dict[str, Any]:
    return {
        "system": one.system,
        "groups": one.groups,
        "left_out": one.left_out,
        "reason": one.reason,
        "classes": {str(item.label): _class(item) for item in one.classes},
    }


def _class(item: ClassAgreement) -> dict[str, Any]:
    return {
        "mean_percent": _number(item.mean),
        "slope": _estimate(item.line.slope),
        "intercept": _estimate(item.line.intercept),
        "r": _number(item.r),
        "bias": _estimate(item.limits.bias),
        "sd": _number(item.limits.sd),
        "limits_of_agreement": [_number(item.limits.low), _number(item.limits.high)],
        "accepted": item.accepted,
        "certain": item.certain,
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "hits": share.hits,
        "total": share.total,
        "value": _number(share.value),
        "interval": [_number(share.low), _number(share.high)],
    }


def _estimate(value: Estimate) -> dict[str, Any]:
    return {"value": _number(value.value), "interval": [_number(value.low), _number(value.high)]}


def _number(value: float | None) -> float | None:
    return round(float(value), 6) if value is not None and math.isfinite(value) else None
