"""The FHIR R4 report around its values: status, identity, transaction, texts from outside."""

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from interface_cases import (
    PDF,
    SIGNATURE,
    bundle_text,
    by_key,
    check,
    loads,
    made,
    observations,
    references_resolve,
    resources,
    signed,
)
from report_cases import HOSTILE, LONG, case

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.ranges_file import load_builtin
from leukoformula.result import Identity
from leukoformula.reviewed import apply_review, sign
from reports.document import write_json
from reports.interfaces.fhir import fhir_bundle, write_fhir
from reports.interfaces.fhir_json import encode
from reports.interfaces.hl7 import oru_message
from reports.reading import read_result

C = CellClass


def test_an_alert_reaches_the_conclusion_and_the_notes() -> None:
    bundle = loads(bundle_text("blasts"))
    report = resources(bundle, "DiagnosticReport")[0]
    assert report["conclusion"].startswith("A physician must see this now: Blasts suspected")
    notes = [one["text"] for one in by_key(bundle)["interpretation"]["note"]]
    assert notes[0] == "Blasts suspected: review by a physician now. [BLAST-1]"
    assert notes[-1].startswith("This report is decision support.")
    russian = resources(loads(bundle_text("blasts", "ru")), "DiagnosticReport")[0]
    assert russian["conclusion"].startswith("Требуется немедленный просмотр врачом: Подозрение на бласт")
    assert russian["language"] == "ru"


def test_a_report_is_preliminary_until_somebody_signs() -> None:
    first, second = made(case("left_shift"), pdf=PDF), made(signed("left_shift"), pdf=PDF)
    check(encode(fhir_bundle(signed("left_shift"), lang="ru", pdf=PDF)))
    references_resolve(second)
    statuses = [
        {one["resource"]["status"] for one in bundle["entry"] if "status" in one["resource"]} - {"active"}
        for bundle in (first, second)
    ]
    assert statuses == [{"preliminary"}, {"final"}]
    report = resources(second, "DiagnosticReport")[0]
    assert report["issued"] == SIGNATURE.at
    assert report["contained"] == [
        {"resourceType": "Practitioner", "id": "signer", "name": [{"text": SIGNATURE.by}]}
    ]
    assert report["resultsInterpreter"] == [{"reference": "#signer", "display": SIGNATURE.by}]
    assert report["performer"] == report["resultsInterpreter"]
    one = by_key(second)["monocyte.percent"]
    assert one["performer"] == [{"type": "Practitioner", "display": SIGNATURE.by}]
    assert one["issued"] == SIGNATURE.at
    assert one["method"]["coding"][0]["code"] == "method.reviewed"
    unsigned = json.dumps(first, default=str)
    for word in ("performer", "issued", "Practitioner", "resultsInterpreter"):
        assert word not in unsigned
    assert [one["request"] for one in first["entry"]] == [one["request"] for one in second["entry"]]


def test_a_label_changed_by_a_person_does_not_make_another_report() -> None:
    result = signed("left_shift")
    cells = (replace(result.cells[0], label=C.BLAST, reason="reviewed"), *result.cells[1:])
    url = made(result)["entry"][0]["request"]["url"]
    assert made(replace(result, cells=cells))["entry"][0]["request"]["url"] == url
    moved = replace(result.cells[0].detection, row=1.0)
    other = replace(result, cells=(replace(result.cells[0], detection=moved), *result.cells[1:]))
    assert made(other)["entry"][0]["request"]["url"] != url


def test_a_transaction_updates_what_is_its_own_and_makes_what_is_not() -> None:
    bundle = made(
        case("normal_adult"), patient_system="urn:oid:1.2.643.1", sample_system="https://lab.example/s"
    )
    assert bundle["type"] == "transaction"
    requests = {one["resource"]["resourceType"]: one for one in bundle["entry"]}
    for kind in ("DiagnosticReport", "Observation"):
        one = requests[kind]
        identifier = one["resource"]["identifier"][0]
        url = unquote(one["request"]["url"])
        assert one["request"]["method"] == "PUT"
        assert url == f"{kind}?identifier={identifier['system']}|{identifier['value']}"
    assert requests["Patient"]["request"] == {
        "method": "POST",
        "url": "Patient",
        "ifNoneExist": "identifier=urn%3Aoid%3A1.2.643.1%7CA-1042",
    }
    assert requests["Specimen"]["request"]["ifNoneExist"].endswith("%7C2024-05531")
    assert "ifNoneExist" in requests["Device"]["request"]


def test_numbers_without_their_giver_are_never_matched() -> None:
    bundle = loads(bundle_text("normal_adult"))
    for kind in ("Patient", "Specimen"):
        entry = next(one for one in bundle["entry"] if one["resource"]["resourceType"] == kind)
        assert entry["request"] == {"method": "POST", "url": kind}
    assert resources(bundle, "Patient") == [
        {"resourceType": "Patient", "identifier": [{"value": "A-1042"}], "gender": "female"}
    ]


def test_what_was_not_given_is_not_invented() -> None:
    nobody = replace(case("few_cells"), identity=Identity(sex="m"))
    bundle = made(nobody)
    text = json.dumps(bundle, default=str)
    for word in ("Patient", "Specimen", "subject", "effective", "birthDate", "gender"):
        assert word not in text
    assert by_key(bundle)["sex"]["valueString"] == "male"
    sample = loads(bundle_text("eosinophilia_within_error"))
    assert not resources(sample, "Patient")
    assert resources(sample, "Specimen")[0]["identifier"] == [{"value": "77120"}]
    assert "subject" not in resources(sample, "Specimen")[0]


@pytest.mark.parametrize(
    ("given", "value", "unit"), [("34y", 34, "a"), ("5m", 5, "mo"), ("2w", 2, "wk"), ("1y6m", 18, "mo")]
)
def test_an_age_is_told_as_given(given: str, value: int, unit: str) -> None:
    result = replace(case("few_cells"), identity=Identity("1", age=given))
    one = by_key(made(result))["age"]
    assert (one["valueQuantity"]["value"], one["valueQuantity"]["code"]) == (value, unit)
    assert one["method"]["coding"][0]["code"] == "method.given"
    assert "device" not in one


@pytest.mark.parametrize(
    ("taken", "time", "noted"),
    [
        ("2024-05-31", "2024-05-31", False),
        ("2024-05", "2024-05", False),
        ("2024-05-31T10:20:30+03:00", "2024-05-31T10:20:30+03:00", False),
        ("2024-05-31T10:20", "2024-05-31", True),
        ("2024-05-31T10:20+03:00:30", "2024-05-31", True),
        ("2024-05-31T10:20+23:00", "2024-05-31", True),
        ("2024-05-31T10:20+14:00", "2024-05-31T10:20:00+14:00", False),
        ("yesterday", None, True),
    ],
)
def test_the_time_of_the_sample(taken: str, time: str | None, noted: bool) -> None:
    result = replace(case("few_cells"), identity=Identity("1", taken=taken))
    bundle = made(result)
    specimen = resources(bundle, "Specimen")[0]
    assert specimen.get("collection", {}).get("collectedDateTime") == time
    assert resources(bundle, "DiagnosticReport")[0].get("effectiveDateTime") == time
    assert [one["text"] for one in specimen.get("note", [])] == [f"Sample taken, as given: {taken}"] * noted
    check(encode(fhir_bundle(result, lang="en")))


def test_names_from_outside_come_through_whole() -> None:
    bundle = loads(bundle_text("hostile_names"))
    identity = case("hostile_names").identity
    assert resources(bundle, "Patient")[0]["identifier"] == [{"value": identity.patient.strip()}]
    assert resources(bundle, "Specimen")[0]["identifier"] == [{"value": LONG}]
    found = by_key(bundle)
    assert found["smear"]["valueString"] == HOSTILE.strip()
    assert found["age"]["valueString"] == HOSTILE.strip()
    assert found["sex"]["valueString"] == "x"
    assert "<script>" not in resources(bundle, "DiagnosticReport")[0]["text"]["div"]
    assert "gender" not in resources(bundle, "Patient")[0]


def test_names_that_no_encoding_knows_do_not_break_the_document(tmp_path: Path) -> None:
    formula = replace(case("few_cells").formula, notes=("odd\x0bcode",))
    result = replace(
        case("few_cells"), name="a\udcffb\x00\x07|c", identity=Identity("\ud800 7"), formula=formula
    )
    path = tmp_path / "fhir.json"
    write_fhir(result, path, lang="en")
    bundle = loads(path.read_bytes().decode("utf-8"))
    assert by_key(bundle)["smear"]["valueString"] == "a\ufffdb  |c"
    assert "Remark “odd code”." in [one["text"] for one in by_key(bundle)["interpretation"]["note"]]
    assert resources(bundle, "Patient")[0]["identifier"] == [{"value": "\ufffd 7"}]


def test_the_pdf_is_sent_along_with_its_hash() -> None:
    form = resources(loads(bundle_text("normal_adult", "ru")), "DiagnosticReport")[0]["presentedForm"][0]
    assert base64.b64decode(form["data"], validate=True) == PDF
    assert base64.b64decode(form["hash"]) == hashlib.sha1(PDF, usedforsecurity=False).digest()
    assert (form["size"], form["contentType"], form["language"]) == (len(PDF), "application/pdf", "ru")
    assert "presentedForm" not in resources(made(case("few_cells")), "DiagnosticReport")[0]


def test_the_program_tells_its_version_and_models() -> None:
    one = resources(loads(bundle_text("normal_adult")), "Device")[0]
    versions = {part["type"]["text"]: part["value"] for part in one["version"]}
    assert versions["leukoformula"] == "0.1.0"
    assert versions["cnn: cnn"] == "1.0.0"
    hashes = [value["text"] for part in one["property"] for value in part["valueCode"]]
    assert f"cnn {'a7' * 32}" in hashes
    assert "udiCarrier" not in one


@pytest.mark.parametrize("name", ["normal_adult", "nothing_found", "erythroblasts", "hostile_names"])
def test_a_stored_result_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    stored = tmp_path / "result.json"
    write_json(replace(case(name), name="smear"), stored)
    write_fhir(replace(case(name), name="smear"), tmp_path / "a.json", lang="ru", pdf=PDF)
    write_fhir(read_result(stored), tmp_path / "b.json", lang="ru", pdf=PDF)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UsageError):
        fhir_bundle(case("few_cells"), lang="de")


def test_a_class_that_a_review_empties_is_withdrawn() -> None:
    first = case("erythroblasts")
    wrong = (C.ERYTHROBLAST, C.UNIDENTIFIED)
    labels = {cell.cell_id: C.LYMPHOCYTE if cell.label in wrong else cell.label for cell in first.cells}
    reviewed = apply_review(first, labels, ranges=load_builtin("ru"))
    bundle = made(sign(reviewed, SIGNATURE))
    found = by_key(bundle)
    before = by_key(made(first))
    emptied = {"erythroblast.per_100", "wbc_corrected"}
    assert emptied <= {key for key, one in found.items() if one["status"] == "entered-in-error"}
    for key in emptied:
        assert found[key]["identifier"] == before[key]["identifier"]
        assert not [
            element for element in found[key] if element.startswith(("value", "dataAbsent", "component"))
        ]
    listed = {one["reference"] for one in resources(bundle, "DiagnosticReport")[0]["result"]}
    urls = {one["resource"]["identifier"][0]["value"]: one["fullUrl"] for one in bundle["entry"][:-2]}
    for one in found.values():
        assert (urls[one["identifier"][0]["value"]] in listed) == (one["status"] == "final")
    assert [one["text"] for one in found["interpretation"]["note"]].count(
        "cells reviewed by a person; 18 labels changed"
    ) == 1
    assert found["monocyte.percent"]["method"]["coding"][0]["code"] == "method.reviewed"
    check(encode(fhir_bundle(reviewed, lang="ru")))
    segments = observations(oru_message(reviewed, lang="en"))
    assert {str(segments[key]["value"][11]) for key in emptied} == {"D"}
    assert str(segments["monocyte.percent"]["value"][11]) == "P"
    assert made(reviewed)["entry"][0]["resource"]["conclusion"].count("cells reviewed, not signed") == 1
