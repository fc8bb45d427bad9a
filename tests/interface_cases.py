"""Documents for other systems made of the cases of the reports, once for the whole run."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import hl7
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from fhirclient.models.bundle import Bundle as BundleR4
from report_cases import case

from cells.vocabulary import CellClass
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from counting.records import CorrectedShare, Correction
from leukoformula.result import Signature, SmearResult
from reports.interfaces.fhir import fhir_bundle
from reports.interfaces.fhir_json import encode
from reports.interfaces.hl7 import oru_message

PDF = b"%PDF-1.4\n" + bytes(range(256)) + b"\n%%EOF\n"
SIGNATURE = Signature("Иванова А. Б.", "2026-11-20T14:05:00+03:00")
LOCAL = "urn:leukoformula:codes"


def corrected(name: str) -> SmearResult:
    """Return a case whose shares were corrected for errors of classification."""
    shares = (
        CorrectedShare(CellClass.NEUTROPHIL, 63.04, 55.51, 69.87),
        CorrectedShare(CellClass.IMMATURE_GRANULOCYTE, 0.31, 0.0, 1.44),
    )
    found = case(name)
    return replace(found, formula=replace(found.formula, correction=Correction(shares, missed_percent=1.96)))


@cache
def signed(name: str) -> SmearResult:
    """Return a case that a person has signed."""
    return replace(case(name), signature=SIGNATURE)


@cache
def bundle_text(name: str, lang: str = "en") -> str:
    """Return the FHIR document of a case, with a PDF."""
    return encode(fhir_bundle(case(name), lang=lang, pdf=PDF))


@cache
def message(name: str, lang: str = "en") -> str:
    """Return the HL7 v2 message of a case, with a PDF."""
    return oru_message(case(name), lang=lang, pdf=PDF)


def loads(text: str) -> dict[str, Any]:
    """Read JSON with its decimals as they stand."""
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def resources(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the resources of one kind."""
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def key_of(concept: dict[str, Any]) -> str:
    """Return the project's own code of a concept."""
    return next(coding["code"] for coding in concept["coding"] if coding["system"] == LOCAL)


def by_key(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the observations by the project's own code; each stands once."""
    found = resources(bundle, "Observation")
    named = {key_of(one["code"]): one for one in found}
    assert len(named) == len(found)
    return named


def everywhere(value: object) -> Iterator[dict[str, Any]]:
    """Yield every JSON object of a document."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from everywhere(one)
    elif isinstance(value, list):
        for one in value:
            yield from everywhere(one)


def observations(text: str) -> dict[str, dict[str, hl7.Segment]]:
    """Return the OBX segments by the project's own code of their value, then by what they tell of it.

    The second key is ``value``, ``n`` or ``interval``.
    """
    parsed = hl7.parse(text)
    groups: dict[str, dict[str, hl7.Segment]] = {}
    names: dict[str, str] = {}
    for one in parsed.segments("OBX"):
        if str(one[2]) == "ED":
            continue
        parts = [str(part) for part in one[3][0]]
        key = parts[3] if parts[2] == "LN" else parts[0]
        if key in ("n", "interval"):
            groups[names[str(one[4])]][key] = one
        else:
            names[str(one[4])] = key
            groups[key] = {"value": one}
    assert len(names) == len(groups)
    return groups


def plain(text: str) -> str:
    """Undo the escaping of HL7 v2 with the public library; line breaks of FT become line feeds."""
    found: str = hl7.parse("MSH|^~\\&|\r").unescape(text.replace("\\.br\\", "\\X0A\\"))
    return found


def made(result: SmearResult, lang: str = "en", **more: Any) -> dict[str, Any]:
    """Return the FHIR document of a result as it is read back."""
    return loads(encode(fhir_bundle(result, lang=lang, **more)))


def check(text: str) -> None:
    """Hold a document against FHIR R4 with two libraries: one knows R4, the other R4B more strictly."""
    BundleR4(json.loads(text), strict=True)
    BundleR4B.model_validate_json(text)


def references_resolve(bundle: dict[str, Any]) -> None:
    """Hold every reference of a bundle to what is in it."""
    kinds = {one["fullUrl"]: one["resource"]["resourceType"] for one in bundle["entry"]}
    assert len(kinds) == len(bundle["entry"])
    for entry in bundle["entry"]:
        resource = entry["resource"]
        contained = {f"#{one['id']}" for one in resource.get("contained", [])}
        for one in everywhere(resource):
            if "reference" in one:
                target = one["reference"]
                assert target in contained or kinds[target] == one["type"]


def counted(counts: dict[CellClass, int], **more: Any) -> SmearResult:
    """Return a result that was made from counts alone."""
    return replace(
        case("few_cells"),
        formula=make_formula(counts, ranges=load_builtin("ru"), **more),
        fields=(),
        cells=(),
        crops={},
    )


def at(segment: hl7.Segment, number: int) -> str:
    """Return a field of a segment; empty where the segment ends before it."""
    return str(segment[number]) if len(segment) > number else ""


def value_of(segment: hl7.Segment) -> str:
    """Return the value of an OBX segment, the parts of an SN joined."""
    return at(segment, 5).replace("^", "") if at(segment, 2) == "SN" else at(segment, 5)
