"""FHIR R4 and HL7 v2.5.1 say the same, value by value."""

from dataclasses import replace
from typing import Any

import hl7
import pytest
from interface_cases import (
    at,
    bundle_text,
    by_key,
    corrected,
    key_of,
    loads,
    message,
    observations,
    plain,
    signed,
    value_of,
)
from report_cases import CASES, case

from cells.vocabulary import CellClass
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from leukoformula.result import Identity
from reports.interfaces.fhir import fhir_bundle
from reports.interfaces.fhir_json import encode
from reports.interfaces.hl7 import oru_message

C = CellClass
ALL = [(name, lang) for name in CASES for lang in ("en", "ru")]


@pytest.mark.parametrize(("name", "lang"), ALL)
def test_both_documents_say_the_same_value_by_value(name: str, lang: str) -> None:
    same(bundle_text(name, lang), message(name, lang))


def test_both_documents_say_the_same_when_signed_corrected_and_unsplit() -> None:
    counts = {C.NEUTROPHIL: 40, C.NEUTROPHIL_SEGMENTED: 20, C.LYMPHOCYTE: 40, C.PLATELET_AGGREGATE: 3}
    formula = make_formula(counts, ranges=load_builtin("western"), wbc=5.0)
    for result in (
        signed("left_shift"),
        corrected("normal_adult"),
        replace(case("few_cells"), formula=formula, identity=Identity(sex="m", age="5m")),
    ):
        same(encode(fhir_bundle(result, lang="ru")), oru_message(result, lang="ru"))


def same(bundle: str, text: str) -> None:
    fhir, v2 = by_key(loads(bundle)), observations(text)
    assert list(fhir) == list(v2)
    for key, one in fhir.items():
        segment = v2[key]["value"]
        assert plain(value_of(segment)) == fhir_value(one)
        assert unit_of(segment) == one.get("valueQuantity", {}).get("code", unit_of(segment))
        coding = one["code"]["coding"][0]
        assert [str(part) for part in segment[3][0]][:2] == [
            coding["code"],
            coding["display"] if coding["system"] == "http://loinc.org" else one["code"]["text"],
        ]
        flags = [part["coding"][0]["code"] for part in one.get("interpretation", [])]
        assert at(segment, 8) == "".join(flags)
        assert at(segment, 7) == fhir_range(one)
        assert {"preliminary": "P", "final": "F"}[one["status"]] == at(segment, 11).replace(
            "X", "P" if one["status"] == "preliminary" else "F"
        )
        assert ("dataAbsentReason" in one) == (at(segment, 11) == "X")
        assert components(one) == parts_of(v2[key])
    assert notes(text) == {
        key: [n["text"] for n in one["note"]] for key, one in fhir.items() if "note" in one
    }


def unit_of(segment: hl7.Segment) -> str:
    return str(segment[6][0][0]) if at(segment, 6) else ""


def fhir_value(one: dict[str, Any]) -> str:
    if "valueQuantity" in one:
        quantity = one["valueQuantity"]
        return f"{quantity.get('comparator', '')}{quantity['value']}"
    return str(one.get("valueString", one.get("valueInteger", "")))


def fhir_range(one: dict[str, Any]) -> str:
    return "".join(f"{r['low']['value']}-{r['high']['value']}" for r in one.get("referenceRange", []))


def components(one: dict[str, Any]) -> dict[str, str]:
    parts = {key_of(part["code"]): fhir_value(part) for part in one.get("component", [])}
    low, high = parts.pop("interval.low", None), parts.pop("interval.high", None)
    if low is not None:
        parts["interval"] = f"{low}-{high}" if high else f">={low}"
    return parts


def parts_of(group: dict[str, hl7.Segment]) -> dict[str, str]:
    return {key: value_of(segment) for key, segment in group.items() if key != "value"}


def notes(text: str) -> dict[str, list[str]]:
    """Return the remarks by the value that they stand under."""
    found: dict[str, list[str]] = {}
    key = ""
    for line in text.split("\r"):
        fields = line.split("|")
        if fields[0] == "OBX":
            parts = fields[3].split("^")
            key = parts[3] if parts[2] == "LN" and len(parts) > 3 else parts[0]
        elif fields[0] == "NTE" and key:
            found.setdefault(key, []).append(plain(fields[3]))
    return found
