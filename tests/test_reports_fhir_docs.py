"""docs/interfaces.md names what is sent, code by code."""

import re
from pathlib import Path

import pytest
from interface_cases import bundle_text, everywhere, loads, message
from report_cases import CASES

from reports.interfaces.codes import (
    AGE_UNITS,
    BILLION_PER_LITRE,
    INTERPRETATIONS,
    LOCAL,
    LOCAL_V2,
    METHODS,
    MICROMETRE,
    PANEL,
    PER_100,
    PERCENT,
    RATIO,
    code_rows,
)

TEXT = (Path(__file__).parents[1] / "docs" / "interfaces.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_table_of_codes_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\S+) \| (.+) \|$", section("Codes"), re.MULTILINE)
    assert rows == code_rows()


def test_units_systems_and_interpretations_are_named() -> None:
    units = [PERCENT, BILLION_PER_LITRE, PER_100, RATIO, MICROMETRE, *AGE_UNITS.values()]
    named = set(re.findall(r"`([^`]+)`", section("Codes").split("Units (UCUM)")[1]))
    assert named == {unit.code for unit in units}
    rows = re.findall(r"^\| (`.+?) \|", section("What both carry"), re.MULTILINE)
    assert {code for row in rows for code in re.findall(r"`(\w+)`", row)} == set(INTERPRETATIONS)
    for word in (f"`{LOCAL}`", f"`{LOCAL_V2}`", PANEL[0], "`method.image`", "`method.reviewed`"):
        assert word in TEXT
    assert {"image", "reviewed"} <= set(METHODS)


@pytest.mark.parametrize("name", CASES)
def test_every_resource_and_segment_is_named(name: str) -> None:
    kinds = {one["resource"]["resourceType"] for one in loads(bundle_text(name))["entry"]}
    named = set(re.findall(r"^\| `(\w+)` \|", section("FHIR R4"), re.MULTILINE))
    assert kinds <= named
    rows = re.findall(r"^\| (`.+?) \|", section("HL7 v2.5.1"), re.MULTILINE)
    segments = {code for row in rows for code in re.findall(r"`(\w+)`", row)}
    assert {line[:3] for line in message(name).split("\r") if line} <= segments


def test_every_element_that_is_named_exists() -> None:
    used = {key for name in CASES for one in everywhere(loads(bundle_text(name))) for key in one}
    used |= {"issued", "performer", "resultsInterpreter", "ifNoneExist"}
    for row in re.findall(r"^\| `\w+` \| (.+) \|$", section("FHIR R4"), re.MULTILINE):
        for word in re.findall(r"`([a-z]\w+)`", row):
            assert word in used | {"n"}, word
