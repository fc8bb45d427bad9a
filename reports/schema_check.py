"""A check of JSON values against the part of JSON Schema 2020-12 that this project's schemas use."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cells.errors import DataError

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool)
        and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}
KEYWORDS = frozenset(
    {
        "$defs",
        "$id",
        "$ref",
        "$schema",
        "additionalProperties",
        "anyOf",
        "const",
        "description",
        "enum",
        "exclusiveMinimum",
        "items",
        "maximum",
        "minimum",
        "properties",
        "propertyNames",
        "required",
        "title",
        "type",
    }
)
"""The words of JSON Schema that are understood; a test holds the schemas to them."""


def check(document: object, schema: Mapping[str, Any], *, where: str) -> None:
    """Check a document against a schema.

    Parameters
    ----------
    document : object
        JSON values as ``json.loads`` gives them.
    schema : mapping
        The schema, made of ``KEYWORDS`` alone.
    where : str
        What the document is, for the message.

    Raises
    ------
    DataError
        Where it does not fit; the message names the first place that is at fault.
    """
    for place, fault in _faults(document, schema, schema, "$"):
        raise DataError(f"{where}: {place} {fault}; write the file anew with this version of the program")


def _faults(
    value: object, schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[tuple[str, str]]:
    if "$ref" in schema:
        yield from _faults(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, place)
    if "anyOf" in schema and not any(
        next(_faults(value, one, root, place), None) is None for one in schema["anyOf"]
    ):
        yield place, "fits none of the allowed forms"
    kinds = schema.get("type")
    if kinds is not None:
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(_TYPES[kind](value) for kind in kinds):
            yield place, f"is not of type {' or '.join(kinds)}"
            return
    yield from _value_faults(value, schema, place)
    if isinstance(value, dict):
        yield from _object_faults(value, schema, root, place)
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            yield from _faults(one, schema["items"], root, f"{place}[{number}]")


def _value_faults(value: object, schema: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    if "const" in schema and value != schema["const"]:
        yield place, f"is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield place, "is none of the allowed values"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and not math.isfinite(value):
            yield place, "is not a finite number"
        if value < schema.get("minimum", -math.inf) or value > schema.get("maximum", math.inf):
            yield place, "lies outside its bounds"
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            yield place, f"is not above {schema['exclusiveMinimum']}"


def _object_faults(
    value: dict[str, object], schema: Mapping[str, Any], root: Mapping[str, Any], place: str
) -> Iterator[tuple[str, str]]:
    known: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}.{name}", "is missing"
    others = schema.get("additionalProperties", True)
    for name, one in value.items():
        if "propertyNames" in schema:
            yield from _faults(name, schema["propertyNames"], root, f"{place}.{name}")
        if name in known:
            yield from _faults(one, known[name], root, f"{place}.{name}")
        elif others is False:
            yield f"{place}.{name}", "is not known"
        elif isinstance(others, Mapping):
            yield from _faults(one, others, root, f"{place}.{name}")
