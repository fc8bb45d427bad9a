"""Reference ranges: built-in sets, choice by age and sex, user files and their faults."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counting
from cells.errors import DataError, InputError, UsageError
from cells.vocabulary import CellClass
from counting.age import Age
from counting.ranges import DEFAULT_SET, Range
from counting.ranges_file import BUILTIN, load_builtin, load_file, parse_ranges

FOLDER = Path(counting.__file__).parent / "reference_ranges"
SCHEMA = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
CHECK = jsonschema.Draft202012Validator(SCHEMA)

Document = dict[str, Any]


def own_set() -> Document:
    return {
        "schema": "leukoformula.ranges/1",
        "name": "own",
        "version": "2024-05",
        "title": {"en": "Our laboratory", "ru": "Наша лаборатория"},
        "sources": {"own": {"title": "Own study", "address": "doi 10.0/0"}},
        "strata": [
            {
                "id": "women",
                "label": {"en": "Women", "ru": "Женщины"},
                "age_from_days": 6574,
                "age_until_days": None,
                "sex": "f",
                "wbc": [4.0, 10.0],
                "rows": [{"class": "lymphocyte", "percent": [20, 40], "absolute": None, "source": "own"}],
            },
            {
                "id": "adults",
                "label": {"en": "Adults", "ru": "Взрослые"},
                "age_from_days": 6574,
                "rows": [
                    {"class": "monocyte", "percent": [2, 9], "source": "own", "status": "unverified"},
                    {"class": "lymphocyte", "absolute": [1.0, 3.5], "source": "own"},
                ],
            },
        ],
    }


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_sets_meet_the_schema_and_load(name: str) -> None:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    CHECK.validate(document)
    loaded = load_builtin(name)
    assert loaded.name == name == document["name"]
    for stratum in loaded.strata:
        assert stratum.label("en")
        assert re.search("[а-яё]", stratum.label("ru"))
        for row in stratum.rows:
            assert row.source.title
            assert row.source.address or name == "ru"


def test_every_builtin_file_is_named() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted((*BUILTIN, "schema"))
    assert DEFAULT_SET in BUILTIN


ADULT = {
    "neutrophil": ([48, 78], [2.04, 5.8], "published"),
    "neutrophil_band": ([1, 6], [0.04, 0.3], "unverified"),
    "neutrophil_segmented": ([47, 72], [2.0, 5.5], "unverified"),
    "eosinophil": ([0.5, 5], [0.02, 0.3], "published"),
    "basophil": ([0, 1], [0, 0.065], "published"),
    "lymphocyte": ([19, 37], [1.2, 3.0], "published"),
    "monocyte": ([3, 11], [0.09, 0.6], "published"),
}


def test_russian_adults() -> None:
    stratum = load_builtin("ru").select(Age.of(years=34))
    assert stratum is not None
    assert stratum.wbc == Range(4.0, 9.0)
    assert [str(row.label) for row in stratum.rows] == list(ADULT)
    for row in stratum.rows:
        percent, absolute, status = ADULT[str(row.label)]
        assert row.percent == Range(*percent)
        assert row.absolute == Range(*absolute)
        assert row.status == status


@pytest.mark.parametrize(
    ("name", "age", "stratum"),
    [
        ("ru", "0d", None),
        ("ru", "11m", None),
        ("ru", "364d", None),
        ("ru", "1y", "1-6y"),
        ("ru", "6y11m", "1-6y"),
        ("ru", "7y", "7-12y"),
        ("ru", "13y", "13-17y"),
        ("ru", "17y", "13-17y"),
        ("ru", "18y", "adult"),
        ("ru", "99y", "adult"),
        ("western", "0d", "birth"),
        ("western", "1d", None),
        ("western", "29d", None),
        ("western", "1m", "1-23m"),
        ("western", "23m", "1-23m"),
        ("western", "24m", "2-9y"),
        ("western", "2y", "2-9y"),
        ("western", "10y", "10y"),
        ("western", "11y", "11y+"),
        ("western", "70y", "11y+"),
    ],
)
def test_choice_by_age(name: str, age: str, stratum: str | None) -> None:
    chosen = load_builtin(name).select(Age.parse(age))
    assert (chosen.stratum_id if chosen else None) == stratum


def test_without_age_an_adult_is_assumed() -> None:
    chosen = load_builtin("ru").select()
    assert chosen is not None
    assert chosen.stratum_id == "adult"


def test_one_sex_goes_before_both_and_never_to_the_unknown() -> None:
    own = parse_ranges(json.dumps(own_set()), where="own.json")
    chosen = {sex: own.select(Age.of(years=40), sex) for sex in ("f", "m", None)}
    assert {sex: one.stratum_id if one else None for sex, one in chosen.items()} == {
        "f": "women",
        "m": "adults",
        None: "adults",
    }
    assert not own.needs_sex()
    document = own_set()
    del document["strata"][1]
    assert parse_ranges(json.dumps(document), where="own.json").needs_sex()


def test_user_file(tmp_path: Path) -> None:
    path = tmp_path / "мои нормы.json"
    path.write_text("\ufeff" + json.dumps(own_set()), encoding="utf-8")
    loaded = load_file(path)
    row = loaded.strata[1].row(CellClass.MONOCYTE)
    assert row is not None
    assert (row.percent, row.absolute, row.status) == (Range(2, 9), None, "unverified")
    assert row.source.text == "Own study, doi 10.0/0"


def put(document: Document, place: str, value: object) -> Document:
    """Return a copy with the value at a place such as ``strata.0.rows.0.percent``; Ellipsis removes it."""
    changed = copy.deepcopy(document)
    node: Any = changed
    *path, last = (int(step) if step.isdigit() else step for step in place.split("."))
    for step in path:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed


FAULTS = [
    ("schema", "leukoformula.ranges/2", "schema"),
    ("schema", ..., "lacks the key 'schema'"),
    ("name", "", "name"),
    ("name", 5, "name"),
    ("version", ..., "version"),
    ("title.ru", ..., "title lacks the key 'ru'"),
    ("titel", {}, "unknown key 'titel'"),
    ("sources", {}, "sources"),
    ("sources.own.url", "x", "sources.own"),
    ("strata", [], "strata"),
    ("strata", {}, "strata"),
    ("strata.0", "x", "strata[0]"),
    ("strata.0.id", ..., "strata[0]"),
    ("strata.0.age_from_days", -1, "strata[0].age_from_days"),
    ("strata.0.age_from_days", True, "strata[0].age_from_days"),
    ("strata.0.age_from_days", 6574.5, "strata[0].age_from_days"),
    ("strata.0.sex", "w", "strata[0].sex"),
    ("strata.0.wbc", [4.0], "strata[0].wbc"),
    ("strata.0.rows.0.class", "lymphozyte", "strata[0].rows[0].class"),
    ("strata.0.rows.0.class", "platelet", "strata[0].rows[0].class"),
    ("strata.0.rows.0.percent", [20, 140], "strata[0].rows[0].percent"),
    ("strata.0.rows.0.percent", ["20", "40"], "strata[0].rows[0].percent"),
    ("strata.0.rows.0.percent", [True, 40], "strata[0].rows[0].percent"),
    ("strata.0.rows.0.percent", [-1, 40], "strata[0].rows[0].percent"),
    ("strata.0.rows.0.percent", None, "neither percent nor absolute"),
    ("strata.0.rows.0.percent", ..., "neither percent nor absolute"),
    ("strata.0.rows.0.status", "sure", "strata[0].rows[0].status"),
]
FAULTS_BEYOND_THE_SCHEMA = [
    ("strata.0.rows.0.percent", [40, 20], "low must be below high"),
    ("strata.0.rows.0.source", "theirs", "strata[0].rows[0].source"),
    ("strata.0.age_until_days", 6574, "must be above age_from_days"),
    ("strata.0.id", "adults", "uses an id twice"),
    ("strata.0.sex", None, "overlap in age"),
    ("title.en", "Own\ud800", "title.en holds a line break or another sign that cannot be printed"),
    ("name", "own\nset", "name holds a line break"),
]


@pytest.mark.parametrize(("place", "value", "said"), FAULTS + FAULTS_BEYOND_THE_SCHEMA)
def test_faults_are_named(place: str, value: object, said: str) -> None:
    document = put(own_set(), place, value)
    with pytest.raises(DataError) as caught:
        parse_ranges(json.dumps(document), where="own.json")
    message = str(caught.value)
    assert said in message
    assert message.startswith("range file own.json: ")
    assert "\n" not in message


@pytest.mark.parametrize(("place", "value", "said"), FAULTS)
def test_schema_refuses_the_same(place: str, value: object, said: str) -> None:
    assert not CHECK.is_valid(put(own_set(), place, value)), said


def test_schema_takes_the_example() -> None:
    CHECK.validate(own_set())


def test_class_twice() -> None:
    document = own_set()
    document["strata"][0]["rows"] *= 2
    with pytest.raises(DataError, match="lists a class twice"):
        parse_ranges(json.dumps(document), where="own.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"name": NaN}', '{"name": 1, "name": 2}', "[" * 100_000, '"\\ud800"']
)
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(DataError, match=re.escape("range file own.json")):
        parse_ranges(text, where="own.json")


@pytest.mark.parametrize("place", ["strata.0.rows.0.percent", "strata.0.age_from_days"])
def test_a_number_that_no_range_has(place: str) -> None:
    document = put(own_set(), place, [0, 10**400] if place.endswith("percent") else 10**400)
    with pytest.raises(DataError, match=r"own\.json is not valid JSON: the number 10000000… has 401 digits"):
        parse_ranges(json.dumps(document), where="own.json")


def test_infinity_is_no_range() -> None:
    text = json.dumps(own_set()).replace("[20, 40]", "[20, 1e999]")
    with pytest.raises(DataError, match="pair"):
        parse_ranges(text, where="own.json")


PLACES = [
    "schema",
    "name",
    "title",
    "sources",
    "strata",
    "strata.0.label",
    "strata.0.age_from_days",
    "strata.0.age_until_days",
    "strata.0.rows",
    "strata.0.rows.0.class",
    "strata.0.rows.0.percent",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(PLACES), VALUES)
def test_reader_takes_nothing_that_the_schema_refuses(place: str, value: object) -> None:
    document = put(own_set(), place, value)
    try:
        parse_ranges(json.dumps(document), where="own.json")
    except DataError:
        return
    assert CHECK.is_valid(json.loads(json.dumps(document)))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        load_file(tmp_path / "absent.json")
    with pytest.raises(InputError):
        load_file(tmp_path)
    (tmp_path / "latin.json").write_bytes('{"name": "нормы"}'.encode("cp1251"))
    with pytest.raises(DataError, match="UTF-8"):
        load_file(tmp_path / "latin.json")
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(InputError, match="larger"):
        load_file(tmp_path / "large.json")


@pytest.mark.parametrize("name", ["us", "", "schema", "RU"])
def test_unknown_builtin(name: str) -> None:
    with pytest.raises(UsageError, match="ru, western"):
        load_builtin(name)
