"""The HL7 v2.5.1 message: read back by public libraries, the same numbers as FHIR, nothing breaks it."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st
from interface_cases import (
    PDF,
    SIGNATURE,
    at,
    bundle_text,
    message,
    observations,
    plain,
    signed,
    value_of,
)
from report_cases import CASES, HOSTILE, LONG, case

from cells.vocabulary import CellClass
from leukoformula.result import Identity, SmearResult
from reports.document import write_json
from reports.interfaces.hl7 import oru_message, write_hl7
from reports.interfaces.hl7_text import escaped, formatted
from reports.reading import read_result

C = CellClass
SENT = datetime(2026, 11, 20, 14, 6, tzinfo=UTC)


def field(text: str, name: str, number: int) -> str:
    return str(hl7.parse(text).segment(name)[number])


def lines(text: str, name: str) -> list[str]:
    return [line for line in text.split("\r") if line.startswith(f"{name}|")]


@pytest.mark.parametrize("name", CASES)
def test_the_structure_is_that_of_oru_r01(name: str) -> None:
    # Not STRICT while parsing: hl7apy then holds FT to 199 signs, the standard to 65,536.
    text = oru_message(case(name), lang="ru", pdf=PDF, sent=SENT)
    parsed = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=True)
    assert parsed.validate()
    group = parsed.oru_r01_patient_result
    assert len(group) == 1
    order = group.oru_r01_order_observation
    assert order.orc.orc_3.to_er7() == order.obr.obr_3.to_er7() != ""
    assert len(order.oru_r01_observation) == text.count("\rOBX|")
    read = [line.split("|")[:5] for line in parsed.to_er7().split("\r") if line.startswith(("OBX", "NTE"))]
    sent = [line.split("|")[:5] for line in text.split("\r") if line.startswith(("OBX", "NTE"))]
    assert [one[:2] for one in read] == [one[:2] for one in sent]


def test_a_message_whose_texts_are_short_passes_the_strict_check() -> None:
    text = oru_message(signed("normal_adult"), lang="en", pdf=None, sent=SENT)
    short = "\r".join(
        line
        if len(line) < 400 and "|FT|" not in line
        else line.split("|FT|")[0] + "|FT|33255-1^x^LN|1|x||||||F"
        for line in text.split("\r")
        if not line.startswith("NTE|")
    )
    parsed = parse_message(short, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    assert parsed.validate()


def test_numbers_keep_their_digits() -> None:
    text = message("erythroblasts")
    assert "|64.0|%^%^UCUM|48-78|N|" in text
    assert "|8.70|10*9/L^10*9/L^UCUM|2.00-5.50|H|" in text
    assert "|^0.0^-^1.9|%^%^UCUM|" in text
    assert "|8.0|/100{WBC}^/100 WBC^UCUM|" in text
    assert {at(one["value"], 2) for one in observations(text).values()} == {"NM", "ST", "FT"}


def test_the_head_names_version_and_character_set() -> None:
    text = oru_message(case("normal_adult"), lang="ru", sent=SENT)
    fields = text.split("\r")[0].split("|")
    assert fields[:3] == ["MSH", "^~\\&", "leukoformula"]
    assert (fields[6], fields[8], fields[10], fields[11]) == (
        "20261120140600+0000",
        "ORU^R01^ORU_R01",
        "P",
        "2.5.1",
    )
    assert fields[17:] == ["UNICODE UTF-8", "ru^Russian^ISO639"]
    assert len(fields[9]) == 20


def test_without_a_time_none_is_made_up() -> None:
    assert message("normal_adult").split("|")[6] == ""
    assert oru_message(signed("normal_adult"), lang="en").split("|")[6] == "20261120140500+0300"


def test_the_control_id_follows_the_content() -> None:
    first = oru_message(case("few_cells"), lang="en")
    assert oru_message(case("few_cells"), lang="en") == first
    other = {
        oru_message(case("few_cells"), lang="ru"),
        oru_message(case("few_cells"), lang="en", pdf=PDF),
        oru_message(signed("few_cells"), lang="en"),
        first,
    }
    assert len({text.split("|")[9] for text in other}) == 4


def test_a_signed_message_is_final_and_names_who_signed() -> None:
    text = oru_message(signed("left_shift"), lang="ru", pdf=PDF)
    assert field(text, "OBR", 25) == "F"
    assert field(text, "OBR", 22) == "20261120140500+0300"
    assert field(text, "OBR", 32) == f"&{SIGNATURE.by}"
    assert {at(one, 11) for one in hl7.parse(text).segments("OBX")} == {"F"}
    assert {at(one, 16) for one in hl7.parse(text).segments("OBX")} == {f"^{SIGNATURE.by}"}
    first = message("left_shift", "ru")
    assert field(first, "OBR", 25) == "P"
    assert SIGNATURE.by not in first
    assert field(first, "OBR", 3) == field(text, "OBR", 3)


def test_the_report_number_is_that_of_fhir() -> None:
    number = field(message("blasts"), "OBR", 3).split("^")[0]
    assert f"urn:uuid:{number}" in bundle_text("blasts")


def test_what_cannot_be_given_is_marked_so() -> None:
    found = observations(message("nothing_found"))
    shares = [one["value"] for key, one in found.items() if key.endswith(".percent")]
    assert [(at(one, 5), at(one, 11)) for one in shares] == [("", "X")] * 7


def test_patient_and_sample_stand_as_given() -> None:
    text = message("normal_adult")
    assert lines(text, "PID") == ["PID|1||A-1042||^^^^^^U|||F"]
    assert lines(text, "SPM") == ["SPM|1|^2024-05531||BLD^Whole blood^HL70487|||||||||||||20240531"]
    assert field(text, "OBR", 7) == "20240531"
    named = oru_message(
        case("normal_adult"),
        lang="en",
        patient_system="urn:oid:1.2.643.1",
        sample_system="https://lab.example/s",
    )
    assert "|A-1042^^^&1.2.643.1&ISO|" in named
    assert "|^2024-05531&&https://lab.example/s&URI|" in named
    nobody = oru_message(replace(case("few_cells"), identity=Identity(sex="m")), lang="en")
    assert not lines(nobody, "PID") + lines(nobody, "SPM")
    assert value_of(observations(nobody)["sex"]["value"]) == "male"


def test_program_and_models_have_their_segments() -> None:
    found = lines(message("normal_adult"), "SFT")
    assert found[0].startswith("SFT|leukoformula|0.1.0|leukoformula|leukoformula 0.1.0|")
    assert found[2].endswith(f"model cnn cnn, SHA-256 {'a7' * 32}")
    segments = hl7.parse(message("normal_adult")).segments("OBX")
    assert {at(one, 18) for one in segments} == {"", "leukoformula 0.1.0^leukoformula"}


def test_the_pdf_is_the_last_observation() -> None:
    last = hl7.parse(message("blasts")).segments("OBX")[-1]
    assert (at(last, 2), at(last, 3)) == ("ED", "11502-2^Laboratory report^LN")
    parts = [str(part) for part in last[5][0]]
    assert parts[:4] == ["leukoformula", "AP", "PDF", "Base64"]
    assert base64.b64decode(parts[4], validate=True) == PDF
    assert "|ED|" not in oru_message(case("blasts"), lang="en")


def test_observations_are_numbered_through_and_grouped() -> None:
    segments = hl7.parse(message("erythroblasts")).segments("OBX")
    assert [at(one, 1) for one in segments] == [str(number) for number in range(1, len(segments) + 1)]
    groups = [int(at(one, 4)) for one in segments]
    assert sorted(set(groups)) == list(range(1, max(groups) + 1))
    assert groups == sorted(groups)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_names_from_outside_come_through_whole(lang: str) -> None:
    text = message("hostile_names", lang)
    assert plain(field(text, "PID", 3)) == case("hostile_names").identity.patient.strip()
    assert plain(field(text, "SPM", 2).removeprefix("^")) == LONG
    assert plain(value_of(observations(text)["smear"]["value"])) == HOSTILE.strip()
    assert plain(field(text, "SPM", 14)).endswith("<i>yesterday</i>")


@pytest.mark.parametrize(
    "name", ["a|b", "a^b~c&d\\e", "line\r\nMSH|^~\\&|evil", "\\.br\\", "\\X0D\\", "🩸 «кровь»", "x" * 5000]
)
def test_no_name_breaks_the_message(name: str, tmp_path: Path) -> None:
    result = replace(case("few_cells"), name=name, identity=Identity(name, name, taken=name))
    path = tmp_path / "report.hl7"
    write_hl7(result, path, lang="en")
    text = path.read_bytes().decode("utf-8")
    assert "\n" not in text
    assert text.endswith("\r")
    assert [line[:3] for line in text.split("\r")].count("MSH") == 1
    usual = oru_message(replace(result, name="x", identity=Identity("x", "x", taken="x")), lang="en")
    assert [line[:3] for line in text.split("\r")] == [line[:3] for line in usual.split("\r")]
    # hl7 undoes one escape after the other, so texts that look like an escape are undone here.
    assert undone(field(text, "PID", 3)) == name


def undone(text: str) -> str:
    signs = {"E": "\\", "F": "|", "S": "^", "R": "~", "T": "&", "X0D": "\r", "X0A": "\n", ".br": "\n"}
    pieces = text.split("\\")
    assert len(pieces) % 2 == 1
    return "".join(piece if number % 2 == 0 else signs[piece] for number, piece in enumerate(pieces))


@settings(deadline=None)
@given(st.text())
def test_escaping_is_undone_to_the_same_text(text: str) -> None:
    safe = escaped(text)
    assert not set("|^~&\r\n") & set(safe)
    assert undone(safe) == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp"])), st.text(st.sampled_from("ab|\\^")))
def test_formatted_text_keeps_its_lines(first: str, second: str) -> None:
    assert undone(formatted(f"{first}!\n{second}!")) == f"{first}!\n{second}!"


@pytest.mark.parametrize("name", ["normal_adult", "nothing_found", "erythroblasts"])
def test_a_stored_result_gives_the_same_message(name: str, tmp_path: Path) -> None:
    write_json(case(name), tmp_path / "result.json")
    read: SmearResult = read_result(tmp_path / "result.json")
    assert oru_message(read, lang="ru", pdf=PDF) == message(name, "ru")


def test_values_are_those_of_the_formula() -> None:
    found = observations(message("left_shift"))
    for line in case("left_shift").formula.lines:
        assert value_of(found[f"{line.label}.percent"]["value"]) == f"{line.percent:.1f}"
        assert value_of(found[f"{line.label}.percent"]["n"]) == str(line.n)
        low, _, high = value_of(found[f"{line.label}.percent"]["interval"]).partition("-")
        assert Decimal(low) <= Decimal(f"{line.percent:.1f}") <= Decimal(high)
