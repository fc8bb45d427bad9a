"""JSON with decimals as they stand: 5.0 remains 5.0, because in FHIR digits tell the precision."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from cells.errors import DataError


def encode(value: object) -> str:
    """Return JSON text of values that hold ``Decimal``.

    Parameters
    ----------
    value : object
        Mappings, lists, tuples, texts, whole numbers, booleans and finite ``Decimal``; no floats, because
        their digits are not those that were meant, and no None, which FHIR does not know.

    Returns
    -------
    str
        The text, one space of indent a level, UTF-8 signs as they are.

    Raises
    ------
    DataError
        Where a value is of another type or no finite number.

    References
    ----------
    FHIR R4, decimal: "the precision of the decimal value has significance",
    http://hl7.org/fhir/R4/datatypes.html#decimal
    """
    return "".join(_pieces(value, "\n"))


def _pieces(value: object, line: str) -> Iterator[str]:
    if isinstance(value, str | bool | int):
        yield json.dumps(value, ensure_ascii=False)
    elif isinstance(value, Decimal) and value.is_finite():
        yield format(value, "f")
    elif isinstance(value, Mapping):
        keys = (json.dumps(str(key), ensure_ascii=False) + ": " for key in value)
        yield from _joined("{", "}", zip(keys, value.values(), strict=True), line)
    elif isinstance(value, list | tuple):
        yield from _joined("[", "]", (("", one) for one in value), line)
    else:
        raise DataError(f"a FHIR document cannot hold {value!r}; this is a fault of the program, report it")


def _joined(opening: str, closing: str, pairs: Iterator[tuple[str, object]], line: str) -> Iterator[str]:
    yield opening
    inner, comma = f"{line} ", ""
    for lead, one in pairs:
        yield f"{comma}{inner}{lead}"
        yield from _pieces(one, inner)
        comma = ","
    yield f"{line}{closing}"
