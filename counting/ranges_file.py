"""Reading sets of reference ranges: the built-in ones and a laboratory's own, checked key by key."""

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

from cells.errors import DataError, InputError, UsageError
from cells.files import json_integer
from cells.vocabulary import CellClass
from counting.ranges import Range, RangeRow, ReferenceSet, Source, Stratum

SCHEMA = "leukoformula.ranges/1"
"""Format that this reader knows; the JSON Schema is ``counting/reference_ranges/schema.json``."""

BUILTIN = ("ru", "western")
"""Names of the sets that come with the program."""

STATUSES = ("published", "unverified")
LARGEST_FILE = 1_000_000
"""A range file above this many bytes is refused."""

_FOLDER = "reference_ranges"
_UNPRINTABLE = frozenset({"Cc", "Cs"})


def load_builtin(name: str) -> ReferenceSet:
    """Load a set of reference ranges that comes with the program.

    Parameters
    ----------
    name : str
        One of ``BUILTIN``.

    Returns
    -------
    ReferenceSet
        The set.

    Raises
    ------
    UsageError
        Where there is no set of this name.
    """
    if name not in BUILTIN:
        known = ", ".join(BUILTIN)
        raise UsageError(f"no built-in reference ranges {name!r}; choose one of {known}, or give a JSON file")
    text = resources.files("counting").joinpath(_FOLDER, f"{name}.json").read_text(encoding="utf-8")
    return parse_ranges(text, where=f"{name}.json")


def load_file(path: Path) -> ReferenceSet:
    """Load a laboratory's own set of reference ranges from a JSON file.

    Parameters
    ----------
    path : Path
        File in the format of ``counting/reference_ranges/schema.json``, UTF-8.

    Returns
    -------
    ReferenceSet
        The set.

    Raises
    ------
    InputError
        Where the file cannot be read or is too large.
    DataError
        Where its content is at fault; the message names the file, the key and the remedy.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"range file {path} is larger than {LARGEST_FILE} bytes; give a smaller file")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read range file {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"range file {path} is not UTF-8 text; save it as UTF-8 JSON") from error
    return parse_ranges(text, where=str(path))


def parse_ranges(text: str, *, where: str) -> ReferenceSet:
    """Read a set of reference ranges from JSON text.

    Parameters
    ----------
    text : str
        JSON in the format of ``counting/reference_ranges/schema.json``.
    where : str
        Name of the file, for messages.

    Returns
    -------
    ReferenceSet
        The set.

    Raises
    ------
    DataError
        Where the text is not JSON or a key is missing, unknown or at fault.
    """
    try:
        document = json.loads(
            text, object_pairs_hook=_no_doubles, parse_constant=_no_constant, parse_int=json_integer
        )
    except RecursionError as error:
        raise DataError(f"range file {where} is nested too deeply; see the schema") from error
    except ValueError as error:
        raise DataError(f"range file {where} is not valid JSON: {error}; correct it there") from error
    return _Node(document, where, "").reference_set()


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return table


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number that a range can have")


class _Node:
    """One value of the document together with its place, so that every fault can name it."""

    def __init__(self, value: object, where: str, place: str) -> None:
        self.value = value
        self.where = where
        self.place = place

    def fault(self, what: str) -> DataError:
        return DataError(f"range file {self.where}: {self.place or 'the document'} {what}")

    def table(self, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, "_Node"]:
        if not isinstance(self.value, Mapping):
            raise self.fault("must be an object {…}")
        unknown = [key for key in self.value if key not in (*needed, *optional)]
        if unknown:
            raise self.fault(
                f"has the unknown key {unknown[0]!r}; allowed: {', '.join((*needed, *optional))}"
            )
        missing = [key for key in needed if key not in self.value]
        if missing:
            raise self.fault(f"lacks the key {missing[0]!r}; add it")
        return {key: self.child(value, key) for key, value in self.value.items()}

    def child(self, value: object, key: str) -> "_Node":
        return _Node(value, self.where, f"{self.place}.{key}" if self.place else key)

    def items(self) -> Iterator["_Node"]:
        if not isinstance(self.value, list) or not self.value:
            raise self.fault("must be a list with at least one entry")
        for index, value in enumerate(self.value):
            yield _Node(value, self.where, f"{self.place}[{index}]")

    def text(self, *, among: Sequence[str] = ()) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.fault("must be a text that is not empty")
        if any(unicodedata.category(sign) in _UNPRINTABLE for sign in self.value):
            raise self.fault("holds a line break or another sign that cannot be printed; remove it")
        if among and self.value not in among:
            raise self.fault(f"is {self.value!r}; allowed: {', '.join(among)}")
        return self.value

    def day(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            raise self.fault("must be a whole number of days, 0 or more")
        return self.value

    def range(self, *, most: float) -> Range:
        pair = self.value
        if not isinstance(pair, list) or len(pair) != 2 or not all(_is_number(end) for end in pair):
            raise self.fault("must be a pair [low, high] of numbers")
        low, high = float(pair[0]), float(pair[1])
        if not 0 <= low < high <= most:
            raise self.fault(f"is [{low:g}, {high:g}]; low must be below high, both from 0 to {most:g}")
        return Range(low, high)

    def reference_set(self) -> ReferenceSet:
        table = self.table(("schema", "name", "version", "title", "sources", "strata"), ("note",))
        table["schema"].text(among=(SCHEMA,))
        title = table["title"].table(("en", "ru"))
        sources = table["sources"].sources()
        strata = [node.stratum(sources) for node in table["strata"].items()]
        _check_strata(strata, table["strata"])
        return ReferenceSet(
            name=table["name"].text(),
            version=table["version"].text(),
            title_en=title["en"].text(),
            title_ru=title["ru"].text(),
            strata=tuple(strata),
        )

    def sources(self) -> dict[str, Source]:
        if not isinstance(self.value, Mapping) or not self.value:
            raise self.fault("must be an object with at least one source")
        found = {}
        for key, value in self.value.items():
            table = self.child(value, str(key)).table(("title",), ("address",))
            address = table["address"].text() if "address" in table else ""
            found[str(key)] = Source(table["title"].text(), address)
        return found

    def stratum(self, sources: Mapping[str, Source]) -> Stratum:
        table = self.table(("id", "label", "age_from_days", "rows"), ("age_until_days", "sex", "wbc"))
        label = table["label"].table(("en", "ru"))
        until = table.get("age_until_days")
        start = table["age_from_days"].day()
        end = None if until is None or until.value is None else until.day()
        if until is not None and end is not None and end <= start:
            raise until.fault(f"is {end}; it must be above age_from_days, {start}")
        sex = table.get("sex")
        wbc = table.get("wbc")
        rows = [node.row(sources) for node in table["rows"].items()]
        labels = [row.label for row in rows]
        if len(set(labels)) != len(labels):
            raise table["rows"].fault("lists a class twice; keep one row for each class")
        order = list(CellClass)
        return Stratum(
            stratum_id=table["id"].text(),
            label_en=label["en"].text(),
            label_ru=label["ru"].text(),
            age_from_days=start,
            age_until_days=end,
            sex=None if sex is None or sex.value is None else sex.text(among=("f", "m")),
            wbc=None if wbc is None or wbc.value is None else wbc.range(most=1000.0),
            rows=tuple(sorted(rows, key=lambda row: order.index(row.label))),
        )

    def row(self, sources: Mapping[str, Source]) -> RangeRow:
        table = self.table(("class", "source"), ("percent", "absolute", "status"))
        allowed = [str(label) for label in CellClass if label.in_denominator]
        label = CellClass(table["class"].text(among=allowed))
        limits = {"percent": 100.0, "absolute": 1000.0}
        found = {
            key: table[key].range(most=most)
            for key, most in limits.items()
            if key in table and table[key].value is not None
        }
        if not found:
            raise self.fault("has neither percent nor absolute; give at least one")
        return RangeRow(
            label=label,
            percent=found.get("percent"),
            absolute=found.get("absolute"),
            source=sources[table["source"].text(among=tuple(sources))],
            status=table["status"].text(among=STATUSES) if "status" in table else "published",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_strata(strata: Sequence[Stratum], node: _Node) -> None:
    ids = [stratum.stratum_id for stratum in strata]
    if len(set(ids)) != len(ids):
        raise node.fault("uses an id twice; give each group its own")
    for index, one in enumerate(strata):
        for other in strata[index + 1 :]:
            if one.sex == other.sex and _overlap(one, other):
                raise node.fault(
                    f"has the groups {one.stratum_id!r} and {other.stratum_id!r} overlap in age; part them"
                )


def _overlap(one: Stratum, other: Stratum) -> bool:
    one_end = math.inf if one.age_until_days is None else one.age_until_days
    other_end = math.inf if other.age_until_days is None else other.age_until_days
    return one.age_from_days < other_end and other.age_from_days < one_end
