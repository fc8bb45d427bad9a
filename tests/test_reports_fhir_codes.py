"""The FHIR R4 document is valid and whole, and its codes and units are the right ones."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interface_cases import (
    LOCAL,
    bundle_text,
    by_key,
    check,
    everywhere,
    key_of,
    loads,
    references_resolve,
    resources,
)
from report_cases import CASES, case

from cells.vocabulary import CellClass
from counting.age import Age
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from reports.interfaces.codes import CODES, DOCUMENT, PANEL
from reports.interfaces.fhir import fhir_bundle
from reports.interfaces.fhir_json import encode

C = CellClass
ALL = [(name, lang) for name in CASES for lang in ("en", "ru")]
# Read off LOINC; a wrong code is a wrong result in the hospital's record.
LOINC = {
    "neutrophil.percent": ("26511-6", "Neutrophils/100 leukocytes in Blood"),
    "neutrophil.absolute": ("26499-4", "Neutrophils [#/volume] in Blood"),
    "neutrophil_band.percent": ("26508-2", "Band form neutrophils/100 leukocytes in Blood"),
    "neutrophil_band.absolute": ("26507-4", "Band form neutrophils [#/volume] in Blood"),
    "neutrophil_segmented.percent": ("26505-8", "Segmented neutrophils/100 leukocytes in Blood"),
    "neutrophil_segmented.absolute": ("30451-9", "Segmented neutrophils [#/volume] in Blood"),
    "eosinophil.percent": ("26450-7", "Eosinophils/100 leukocytes in Blood"),
    "eosinophil.absolute": ("26449-9", "Eosinophils [#/volume] in Blood"),
    "basophil.percent": ("30180-4", "Basophils/100 leukocytes in Blood"),
    "basophil.absolute": ("26444-0", "Basophils [#/volume] in Blood"),
    "lymphocyte.percent": ("26478-8", "Lymphocytes/100 leukocytes in Blood"),
    "lymphocyte.absolute": ("26474-7", "Lymphocytes [#/volume] in Blood"),
    "monocyte.percent": ("26485-3", "Monocytes/100 leukocytes in Blood"),
    "monocyte.absolute": ("26484-6", "Monocytes [#/volume] in Blood"),
    "immature_granulocyte.percent": ("38518-7", "Immature granulocytes/100 leukocytes in Blood"),
    "immature_granulocyte.absolute": ("51584-1", "Immature granulocytes [#/volume] in Blood"),
    "metamyelocyte.percent": ("28541-1", "Metamyelocytes/100 leukocytes in Blood"),
    "metamyelocyte.absolute": ("30433-7", "Metamyelocytes [#/volume] in Blood"),
    "myelocyte.percent": ("26498-6", "Myelocytes/100 leukocytes in Blood"),
    "myelocyte.absolute": ("30446-9", "Myelocytes [#/volume] in Blood"),
    "promyelocyte.percent": ("26524-9", "Promyelocytes/100 leukocytes in Blood"),
    "promyelocyte.absolute": ("26523-1", "Promyelocytes [#/volume] in Blood"),
    "blast.percent": ("26446-5", "Blasts/100 leukocytes in Blood"),
    "blast.absolute": ("30376-8", "Blasts [#/volume] in Blood"),
    "promonocyte.percent": ("30466-7", "Promonocytes/100 leukocytes in Blood"),
    "promonocyte.absolute": ("34926-6", "Promonocytes [#/volume] in Blood"),
    "lymphocyte_variant.percent": ("13046-8", "Variant lymphocytes/100 leukocytes in Blood"),
    "lymphocyte_variant.absolute": ("26477-0", "Variant lymphocytes [#/volume] in Blood"),
    "plasma_cell.percent": ("13047-6", "Plasma cells/100 leukocytes in Blood"),
    "plasma_cell.absolute": ("30458-4", "Plasma cells [#/volume] in Blood"),
    "smudge_cell.percent": ("34992-8", "Smudge cells/100 leukocytes in Blood"),
    "smudge_cell.per_100": ("34992-8", "Smudge cells/100 leukocytes in Blood"),
    "smudge_cell.absolute": ("34993-6", "Smudge cells [#/volume] in Blood"),
    "erythroblast.per_100": (
        "18309-5",
        "Nucleated erythrocytes/Leukocytes [Ratio] in Blood by Manual count",
    ),
    "wbc": ("26464-8", "Leukocytes [#/volume] in Blood"),
    "wbc_corrected": ("12227-5", "Leukocytes [#/volume] corrected for nucleated erythrocytes in Blood"),
    "interpretation": ("33255-1", "Cell Fractions/Differential [Interpretation] in Blood"),
    "age": ("35659-2", "Age at specimen collection"),
    "sex": ("46098-0", "Sex"),
}
WITHOUT_LOINC = {
    *(f"{label}.corrected" for label in C if label.in_denominator),
    *(f"{one}.per_100" for one in ("platelet", "giant_platelet", "platelet_aggregate", "artefact")),
    *(f"index.{one}" for one in ("nuclear_shift", "kalf_kalif", "ostrovsky", "neutrophil_lymphocyte")),
    *("leukocytes_counted", "unidentified", "missed.percent", "smear", "fields", "pixel_size"),
    *("n", "interval", "interval.low", "interval.high"),
}
UNITS = {
    "%": "%",
    "10*9/L": "10*9/L",
    "/100{WBC}": "/100 WBC",
    "1": "1",
    "um": "µm",
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
}
SUFFIX_UNITS = {"percent": "%", "corrected": "%", "absolute": "10*9/L", "per_100": "/100{WBC}"}
CODINGS = {
    ("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory"),
    ("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory"),
    ("http://terminology.hl7.org/CodeSystem/v2-0074", "HM", "Hematology"),
    ("http://terminology.hl7.org/CodeSystem/v2-0487", "BLD", "Whole blood"),
    ("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown", "Unknown"),
    ("http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal", "Normal Range"),
    *(
        ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", code, name)
        for code, name in {
            "N": "Normal",
            "A": "Abnormal",
            "AA": "Critical abnormal",
            "L": "Low",
            "LL": "Critical low",
            "H": "High",
            "HH": "Critical high",
        }.items()
    ),
    ("http://loinc.org", "69738-3", "Differential panel, method unspecified - Blood"),
}


def test_codes_are_those_of_the_table() -> None:
    assert {key: (code.loinc, code.loinc_name) for key, code in CODES.items() if code.loinc} == LOINC
    assert {key for key, code in CODES.items() if not code.loinc} == WITHOUT_LOINC
    assert PANEL == ("69738-3", "Differential panel, method unspecified - Blood")
    assert DOCUMENT == ("11502-2", "Laboratory report")
    for label in C:
        assert CODES.get(f"{label}.absolute", CODES["n"]).loinc == (label.loinc_absolute or "")


@pytest.mark.parametrize(("name", "lang"), ALL)
def test_a_document_is_valid_and_whole(name: str, lang: str) -> None:
    text = bundle_text(name, lang)
    check(text)
    bundle = loads(text)
    references_resolve(bundle)
    report = resources(bundle, "DiagnosticReport")[0]
    observed = [one["fullUrl"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"]
    assert [one["reference"] for one in report["result"]] == observed
    for one in everywhere(bundle):
        assert all(value not in ("", [], {}, None) for value in one.values())


@pytest.mark.parametrize(("name", "lang"), ALL)
def test_every_code_and_unit_in_a_document_is_known(name: str, lang: str) -> None:
    bundle = loads(bundle_text(name, lang))
    loinc = {("http://loinc.org", *pair) for pair in LOINC.values()}
    for one in everywhere(bundle):
        if one.get("system") == "http://unitsofmeasure.org":
            assert UNITS[one["code"]] == one["unit"]
        elif {"system", "code", "display"} <= set(one):
            assert one["system"] == LOCAL or (one["system"], one["code"], one["display"]) in CODINGS | loinc
    for key, one in by_key(bundle).items():
        codings = [(coding["code"], coding["display"]) for coding in one["code"]["coding"]]
        assert (codings[0] == LOINC[key]) if key in LOINC else (codings[0][0] == key)
        wanted = SUFFIX_UNITS.get(key.rpartition(".")[2])
        if wanted and "valueQuantity" in one:
            assert one["valueQuantity"]["code"] == wanted


@pytest.mark.parametrize("name", CASES)
def test_a_value_is_there_or_its_absence_is_told(name: str) -> None:
    """Invariant obs-6 of FHIR R4, which the libraries do not check, and its like for components."""
    for one in by_key(loads(bundle_text(name))).values():
        for part in (one, *one.get("component", [])):
            assert len([key for key in part if key.startswith("value") or key == "dataAbsentReason"]) == 1
        codes = [key_of(part["code"]) for part in one.get("component", [])]
        assert len({*codes, key_of(one["code"])}) == len(codes) + 1


COUNTS = st.dictionaries(st.sampled_from(list(C)), st.integers(0, 400), max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    counts=COUNTS,
    wbc=st.none() | st.floats(0.1, 500.0).map(lambda number: round(number, 2)),
    age=st.none() | st.integers(0, 30000),
    ranges=st.sampled_from(["ru", "western"]),
)
def test_any_formula_makes_a_valid_document(
    counts: dict[CellClass, int], wbc: float | None, age: int | None, ranges: str
) -> None:
    formula = make_formula(
        counts,
        ranges=load_builtin(ranges),
        wbc=wbc,
        age=None if age is None else Age.of(days=age),
    )
    text = encode(fhir_bundle(replace(case("few_cells"), formula=formula, cells=()), lang="ru"))
    check(text)
    bundle = loads(text)
    references_resolve(bundle)
    found = by_key(bundle)
    shown = {key.removesuffix(".percent") for key in found if key.endswith(".percent")}
    assert {line.label.value for line in formula.lines} == shown - {"missed"}
    assert {outside.label.value for outside in formula.outside if outside.n} == {
        key.removesuffix(".per_100") for key in found if key.endswith(".per_100")
    }
