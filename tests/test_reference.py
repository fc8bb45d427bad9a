"""The set of reference ranges that a result carries, and names that a laboratory's file must not have."""

import json
from pathlib import Path

import pytest
from test_counting_ranges import own_set

from cells.errors import DataError
from counting.ranges_file import BUILTIN, load_builtin
from leukoformula.reference import load_ranges, ranges_document, stored_ranges


@pytest.mark.parametrize("name", BUILTIN)
def test_a_stored_set_is_read_back_the_same(name: str) -> None:
    ranges = load_builtin(name)
    document = json.loads(json.dumps(ranges_document(ranges)))
    assert stored_ranges(document, where="here") == ranges


def test_a_set_of_ones_own_is_read_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own_set()), encoding="utf-8")
    ranges = load_ranges(str(path))
    assert stored_ranges(ranges_document(ranges), where="here") == ranges


@pytest.mark.parametrize("name", ["ru", "Western", " ru "])
def test_a_file_with_the_name_of_a_builtin_set_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps({**own_set(), "name": name}), encoding="utf-8")
    with pytest.raises(DataError, match="a name of its own") as refusal:
        load_ranges(str(path))
    assert str(path) in str(refusal.value)


def test_a_stored_builtin_set_that_was_altered_is_refused() -> None:
    document = ranges_document(load_builtin("ru"))
    document["strata"][-1]["wbc"] = [1.0, 20.0]
    with pytest.raises(DataError, match="here: the reference ranges are not those of ru"):
        stored_ranges(document, where="here")
