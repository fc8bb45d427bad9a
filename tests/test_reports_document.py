"""result.json: fits its schema, can be read back, and names its faults."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import CASES, case

from cells.errors import DataError, InputError
from reports.document import SCHEMA, result_document, schema, write_json
from reports.reading import read_result
from reports.schema_check import KEYWORDS, check

VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_document_fits_the_schema_and_reads_back_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(case(name), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(document)
    assert document["schema"] == SCHEMA == "leukoformula.result/1"
    assert result_document(read_result(path)) == document


def test_the_document_holds_what_was_found() -> None:
    result = case("erythroblasts")
    document = result_document(result)
    by_label = {line["label"]: line for line in document["formula"]["lines"]}
    assert by_label["neutrophil"]["n"] == 128
    assert by_label["neutrophil_band"]["percent"] == pytest.approx(10.0)
    assert by_label["neutrophil_band"]["flag"] == "high"
    assert document["formula"]["wbc_corrected"] == pytest.approx(17.4 * 100 / 108)
    assert document["formula"]["ranges"]["source"]
    assert document["calibration"]["source"] == "erythrocytes"
    assert [model["sha256"] for model in document["models"]] == [model.sha256 for model in result.models]
    assert len(document["cells"]) == len(result.cells)


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    result = case("normal_adult")
    odd = replace(result, settings={"a": math.nan, "b": [math.inf], "c": {"d": Path("x")}})
    write_json(odd, tmp_path / "result.json")
    text = (tmp_path / "result.json").read_text(encoding="utf-8")
    assert "NaN" not in text and "Infinity" not in text
    assert json.loads(text)["settings"] == {"a": None, "b": [None], "c": {"d": "x"}}


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write_json(case("left_shift"), tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def words(part: Any) -> set[str]:
    """Return every word of JSON Schema that a schema uses."""
    found = set()
    if isinstance(part, dict):
        for key, value in part.items():
            found.add(key)
            if key in ("properties", "$defs"):
                found |= set().union(*(words(one) for one in value.values()))
            elif key not in ("const", "enum", "required"):
                found |= words(value)
    elif isinstance(part, list):
        found |= set().union(*(words(one) for one in part), set())
    return found


def test_the_schema_uses_only_words_that_the_check_understands() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert words(schema()) <= KEYWORDS


def paths(part: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a document, the first two of each list alone."""
    inside = part.items() if isinstance(part, dict) else enumerate(part[:2]) if isinstance(part, list) else ()
    return [at, *(way for key, value in inside for way in paths(value, (*at, key)))]


BASE = json.loads(json.dumps(result_document(case("left_shift"))))
BASE["cells"] = BASE["cells"][:2]
WAYS = [way for way in paths(BASE) if way]


@settings(max_examples=150, deadline=None)
@given(
    way=st.sampled_from(WAYS),
    new=st.sampled_from([None, True, "x", -1, 0, 1.5, 101, [], {}, {"low": 1}, "DELETE", "ADD"]),
)
def test_the_check_agrees_with_jsonschema_on_changed_documents(way: tuple[Any, ...], new: object) -> None:
    document = copy.deepcopy(BASE)
    holder = document
    for key in way[:-1]:
        holder = holder[key]
    if new == "DELETE":
        del holder[way[-1]]
    elif new == "ADD" and isinstance(holder, dict):
        holder["added"] = 1
    else:
        holder[way[-1]] = new
    if VALIDATOR.is_valid(document):
        check(document, schema(), where="document")
    else:
        with pytest.raises(DataError, match=r"^document: \$"):
            check(document, schema(), where="document")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "leukoformula.result/2"}', "[" * 100_000]
)
def test_what_is_no_result_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"result\.json"):
        read_result(path)


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(InputError, match="cannot read"):
        read_result(path)
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="UTF-8"):
        read_result(path)
