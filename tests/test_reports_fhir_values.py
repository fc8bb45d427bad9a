"""The values of the FHIR R4 document: the digits that were meant, flags, ranges, absences."""

import json
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interface_cases import (
    bundle_text,
    by_key,
    check,
    corrected,
    counted,
    key_of,
    loads,
    made,
)
from report_cases import CASES, case

from cells.errors import DataError
from cells.vocabulary import CellClass
from counting.age import Age
from counting.formula import make_formula
from counting.ranges import Range, RangeRow, ReferenceSet, Source, Stratum
from reports.interfaces.fhir import fhir_bundle
from reports.interfaces.fhir_json import encode

C = CellClass


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_the_formula_digit_by_digit(name: str) -> None:
    found, formula = by_key(loads(bundle_text(name))), case(name).formula
    for line in formula.lines:
        one = found[f"{line.label}.percent"]
        parts = {key_of(part["code"]): part for part in one["component"]}
        assert parts["n"]["valueInteger"] == line.n
        if formula.total:
            assert str(one["valueQuantity"]["value"]) == f"{line.percent:.1f}"
            low, high = (parts[f"interval.{end}"]["valueQuantity"]["value"] for end in ("low", "high"))
            assert re.fullmatch(r"\d+\.\d \d+\.\d", f"{low} {high}")
            assert line.low - 0.1 < float(low) <= line.low + 1e-9
            assert line.high - 1e-9 <= float(high) < line.high + 0.1
        if line.absolute is not None and formula.total:
            absolute = found[f"{line.label}.absolute"]
            assert str(absolute["valueQuantity"]["value"]) == f"{line.absolute:.2f}"
    for outside in formula.outside:
        one = found[f"{outside.label}.per_100"]
        assert str(one["valueQuantity"]["value"]) == f"{outside.per_100:.1f}"


def test_zeros_at_the_end_stay() -> None:
    text = bundle_text("erythroblasts")
    assert '"value": 64.0,' in text
    assert '"value": 8.70,' in text
    assert '"value": 17.4,' in text
    assert '"value": 0.0,' in text


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_decimals_keep_their_digits(number: Decimal) -> None:
    text = encode({"value": [number, {"n": 3, "yes": True, "text": 'a"\\\n\u2028б'}]})
    read = json.loads(text, parse_float=str)
    assert read == {"value": [f"{number:f}", {"n": 3, "yes": True, "text": 'a"\\\n\u2028б'}]}


@pytest.mark.parametrize("wrong", [1.5, None, Decimal("NaN"), {1, 2}])
def test_what_has_no_digits_of_its_own_is_not_written(wrong: object) -> None:
    with pytest.raises(DataError):
        encode({"value": [wrong]})


def test_the_usual_classes_always_stand_there_and_the_others_where_they_are_not_zero() -> None:
    normal, shift = by_key(loads(bundle_text("normal_adult"))), by_key(loads(bundle_text("left_shift")))
    usual = {"neutrophil", "neutrophil_band", "neutrophil_segmented", "eosinophil", "basophil"}
    for found in (normal, shift):
        assert {f"{one}.percent" for one in (*usual, "lymphocyte", "monocyte")} <= set(found)
    assert "immature_granulocyte.percent" not in normal
    assert str(shift["immature_granulocyte.percent"]["valueQuantity"]["value"]) == "3.5"
    assert "blast.percent" not in shift
    assert normal["unidentified"]["valueInteger"] == 0
    assert shift["unidentified"]["valueInteger"] == 11


def test_a_corrected_leukocyte_count_stands_beside_the_one_given() -> None:
    found = by_key(loads(bundle_text("erythroblasts")))
    assert str(found["wbc"]["valueQuantity"]["value"]) == "17.4"
    assert "device" not in found["wbc"]
    assert "interpretation" not in found["wbc"]
    assert str(found["wbc_corrected"]["valueQuantity"]["value"]) == "16.11"
    assert found["wbc_corrected"]["interpretation"][0]["coding"][0]["code"] == "H"
    assert str(found["erythroblast.per_100"]["valueQuantity"]["value"]) == "8.0"
    assert found["erythroblast.per_100"]["valueQuantity"]["code"] == "/100{WBC}"
    assert "erythroblast.percent" not in found


def interpretations(name: str) -> dict[str, list[str]]:
    return {
        key: [coding["code"] for coding in one["interpretation"][0]["coding"]]
        for key, one in by_key(loads(bundle_text(name))).items()
        if "interpretation" in one
    }


def test_interpretations_follow_the_flags() -> None:
    found = interpretations("blasts")
    assert found["blast.percent"] == ["AA"]
    assert found["wbc"] == ["HH", "flag.high"]
    assert found["neutrophil.percent"] == ["L", "flag.low"]
    assert found["lymphocyte.percent"] == ["L", "flag.low_within_error"]
    assert found["basophil.percent"] == ["N", "flag.inside"]
    assert found["unidentified"] == ["AA"]
    assert found["interpretation"] == ["AA"]
    assert interpretations("eosinophilia_within_error")["eosinophil.percent"] == [
        "H",
        "flag.high_within_error",
    ]
    shift = interpretations("left_shift")
    assert shift["immature_granulocyte.percent"] == ["A"]
    assert "interpretation" not in shift
    assert interpretations("nothing_found")["wbc"] == ["LL", "flag.low"]
    assert interpretations("erythroblasts")["erythroblast.per_100"] == ["A"]


def test_alert_values_are_critical() -> None:
    found = by_key(made(counted({C.NEUTROPHIL_SEGMENTED: 30, C.LYMPHOCYTE: 70}, wbc=1.5)))
    codes = {
        key: found[key]["interpretation"][0]["coding"][0]["code"]
        for key in ("neutrophil.absolute", "neutrophil.percent", "wbc", "interpretation")
    }
    assert codes == {
        "neutrophil.absolute": "LL",
        "neutrophil.percent": "L",
        "wbc": "LL",
        "interpretation": "AA",
    }


def test_without_leukocytes_no_share_is_made_up() -> None:
    found = by_key(loads(bundle_text("nothing_found")))
    shares = [one for key, one in found.items() if key.endswith(".percent")]
    assert len(shares) == 7
    for one in shares:
        assert "valueQuantity" not in one
        assert one["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        assert [key_of(part["code"]) for part in one["component"]] == ["n"]
    assert not [key for key in found if key.endswith(".absolute")]
    assert found["leukocytes_counted"]["valueInteger"] == 0


def test_finds_without_any_leukocyte_have_a_number_but_no_ratio() -> None:
    one = by_key(made(counted({C.ERYTHROBLAST: 4})))["erythroblast.per_100"]
    assert "valueQuantity" not in one
    assert [(key_of(part["code"]), part["valueInteger"]) for part in one["component"]] == [("n", 4)]


def test_cells_that_nobody_split_make_lower_bounds() -> None:
    result = counted({C.NEUTROPHIL: 40, C.NEUTROPHIL_SEGMENTED: 20, C.LYMPHOCYTE: 40}, wbc=5.0)
    found = by_key(made(result))
    segmented, band = found["neutrophil_segmented.percent"], found["neutrophil_band.percent"]
    assert segmented["valueQuantity"]["comparator"] == ">="
    assert str(segmented["valueQuantity"]["value"]) == "20.0"
    parts = {key_of(part["code"]): part for part in segmented["component"]}
    assert "valueQuantity" in parts["interval.low"]
    assert "dataAbsentReason" in parts["interval.high"]
    assert "interpretation" not in segmented
    assert "valueQuantity" not in band
    assert "comparator" not in found["neutrophil.percent"]["valueQuantity"]
    assert found["neutrophil_segmented.absolute"]["valueQuantity"]["comparator"] == ">="
    assert "neutrophil_band.absolute" not in found
    method = found["neutrophil.percent"]["method"]["coding"][0]["code"]
    assert method == "method.counts"


def test_members_and_sources_are_named() -> None:
    bundle = loads(bundle_text("erythroblasts"))
    urls = {
        one["fullUrl"]: key_of(one["resource"]["code"])
        for one in bundle["entry"]
        if one["resource"]["resourceType"] == "Observation"
    }

    def named(key: str, element: str) -> list[str]:
        return [urls[one["reference"]] for one in by_key(bundle)[key][element]]

    children = ["neutrophil_band.percent", "neutrophil_segmented.percent"]
    assert named("neutrophil.percent", "hasMember") == children
    assert named("monocyte.absolute", "derivedFrom") == ["monocyte.percent", "wbc_corrected"]
    assert named("wbc_corrected", "derivedFrom") == ["wbc", "erythroblast.per_100"]
    assert "neutrophil_band.percent" in named("index.nuclear_shift", "derivedFrom")


def test_reference_ranges_carry_age_and_sex() -> None:
    source = Source("Here")
    rows = (RangeRow(C.LYMPHOCYTE, Range(20.0, 40.5), Range(1.0, 3.25), source),)
    girls = Stratum("girls", "Girls", "Девочки", 365, 2556, "f", None, rows)
    ranges = ReferenceSet("own", "3", "Own", "Свой", (girls,))
    result = replace(
        case("few_cells"),
        formula=make_formula({C.LYMPHOCYTE: 100}, ranges=ranges, age=Age.parse("4y"), sex="f", wbc=6.0),
    )
    found = by_key(made(result, "ru"))["lymphocyte.percent"]["referenceRange"][0]
    assert [str(found[end]["value"]) for end in ("low", "high")] == ["20", "40.5"]
    assert [(found["age"][end]["value"], found["age"][end]["code"]) for end in ("low", "high")] == [
        (365, "d"),
        (2555, "d"),
    ]
    assert found["appliesTo"] == [
        {
            "coding": [
                {"system": "http://hl7.org/fhir/administrative-gender", "code": "female", "display": "Female"}
            ]
        }
    ]
    assert found["text"] == "20–40,5 (Девочки)"
    absolute = by_key(made(result))["lymphocyte.absolute"]["referenceRange"][0]
    assert [str(absolute[end]["value"]) for end in ("low", "high")] == ["1.00", "3.25"]
    check(encode(fhir_bundle(result, lang="ru")))


def test_adults_have_no_upper_age() -> None:
    found = by_key(loads(bundle_text("normal_adult")))["eosinophil.percent"]["referenceRange"][0]
    assert found["age"] == {
        "low": {"value": 6574, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    }
    assert "appliesTo" not in found
    assert [str(found[end]["value"]) for end in ("low", "high")] == ["0.5", "5"]


def test_corrected_shares_are_values_of_their_own() -> None:
    found = by_key(made(corrected("normal_adult")))
    one = found["neutrophil.corrected"]
    parts = {key_of(part["code"]): str(part["valueQuantity"]["value"]) for part in one["component"]}
    assert str(one["valueQuantity"]["value"]) == "63.0"
    assert parts == {"interval.low": "55.5", "interval.high": "69.9"}
    assert str(found["immature_granulocyte.corrected"]["valueQuantity"]["value"]) == "0.3"
    assert "derivedFrom" not in found["immature_granulocyte.corrected"]
    assert str(found["missed.percent"]["valueQuantity"]["value"]) == "2.0"
    check(encode(fhir_bundle(corrected("normal_adult"), lang="ru")))
