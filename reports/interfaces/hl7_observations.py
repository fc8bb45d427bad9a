"""The OBX and NTE segments of HL7 v2.5.1: one group for each value of a report."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reports.interfaces.codes import CODES, DOCUMENT, LOCAL_V2, Code, Unit
from reports.interfaces.hl7_text import components, escaped, formatted, segment
from reports.interfaces.observed import Observed
from reports.texts import Language


@dataclass(frozen=True, slots=True)
class Frame:
    """What all observations of a message share.

    Parameters
    ----------
    language : Language
        Language of the texts.
    status : str
        OBX-11: ``P``, ``F`` or ``C``.
    taken : str
        OBX-14, the time of the sample; empty where it is not known.
    observer : str
        OBX-16, who signed, as an XCN; empty where nobody has.
    equipment : str
        OBX-18, the program, as an EI.
    """

    language: Language
    status: str
    taken: str
    observer: str
    equipment: str


def observation_segments(values: tuple[Observed, ...], frame: Frame, pdf: bytes | None) -> Iterator[str]:
    """Yield the segments of all values, numbered through.

    Parameters
    ----------
    values : tuple of Observed
        The values.
    frame : Frame
        What they share.
    pdf : bytes or None
        The report to be printed.

    Yields
    ------
    str
        OBX segments, those of one value with the same OBX-4, each value followed by its NTE segments.
    """
    number = 0
    for group, one in enumerate(values, start=1):
        number += 1
        yield segment("OBX", {1: str(number), 4: str(group), **_main(one, frame)})
        for place, note in enumerate(one.notes, start=1):
            yield comment(place, note)
        for fields in _parts(one, frame):
            number += 1
            yield segment("OBX", {1: str(number), 4: str(group), **fields})
    if pdf is not None:
        yield segment("OBX", {1: str(number + 1), 4: str(len(values) + 1), **_document(pdf, frame)})


def comment(place: int, text: str) -> str:
    """Return a remark as an NTE segment."""
    return segment(
        "NTE", {1: str(place), 2: "L", 3: formatted(text), 4: components("RE", "Remark", "HL70364")}
    )


def identifier(code: Code, name: str) -> str:
    """Return OBX-3: LOINC with the project's own code beside it, or the own code alone."""
    own = (code.key, name, LOCAL_V2)
    return components(code.loinc, code.loinc_name, "LN", *own) if code.loinc else components(*own)


def _main(one: Observed, frame: Frame) -> dict[int, str]:
    kind, text = _value(one)
    limits = one.limits
    return {
        2: kind,
        3: identifier(one.code, one.name),
        5: text,
        6: _unit(one.unit) if kind in ("NM", "SN") else "",
        7: "" if limits is None else f"{limits.low:f}-{limits.high:f}",
        8: one.interpretation,
        **_ending(one, frame, known=one.value is not None),
        **({11: "D"} if one.withdrawn else {}),
    }


def _parts(one: Observed, frame: Frame) -> Iterator[dict[int, str]]:
    found = []
    if one.n is not None:
        found.append(("n", "NM", str(one.n), ""))
    if one.low is not None:
        found.append(("interval", "SN", _interval(one.low, one.high), _unit(one.unit)))
    for key, kind, text, unit in found:
        name = identifier(CODES[key], frame.language.text(f"interface.{key}"))
        yield {2: kind, 3: name, 5: text, 6: unit, **_ending(one, frame, known=True)}


def _ending(one: Observed, frame: Frame, *, known: bool) -> dict[int, str]:
    method = f"method.{one.method}"
    return {
        11: frame.status if known else "X",
        14: frame.taken,
        16: frame.observer,
        17: components(method, frame.language.text(f"interface.{method}"), LOCAL_V2) if one.method else "",
        18: "" if one.method == "given" else frame.equipment,
    }


def _value(one: Observed) -> tuple[str, str]:
    value = one.value
    if value is None:
        return "NM", ""
    if isinstance(value, str):
        return ("FT", formatted(value)) if "\n" in value or "\r" in value else ("ST", escaped(value))
    if one.at_least:
        return "SN", components(">=", _digits(value))
    return "NM", _digits(value)


def _interval(low: Decimal, high: Decimal | None) -> str:
    if high is None:
        return components(">=", _digits(low))
    return components("", _digits(low), "-", _digits(high))


def _digits(value: Decimal | int) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _unit(unit: Unit | None) -> str:
    return "" if unit is None else components(unit.code, unit.text, "UCUM")


def _document(pdf: bytes, frame: Frame) -> dict[int, str]:
    data = base64.b64encode(pdf).decode("ascii")
    return {
        2: "ED",
        3: components(*DOCUMENT, "LN"),
        5: components("leukoformula", "AP", "PDF", "Base64", data),
        11: frame.status,
        16: frame.observer,
        18: frame.equipment,
    }
