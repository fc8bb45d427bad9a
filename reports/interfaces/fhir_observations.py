"""One FHIR R4 ``Observation`` for each value of a report."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from reports.interfaces.codes import AGE_UNITS, CODES, FLAGS, LOCAL, METHODS, Unit
from reports.interfaces.fhir_types import (
    CATEGORY,
    GENDER,
    RANGE_MEANING,
    Resource,
    absent,
    coding,
    concept,
    filled,
    interpretation,
    own_identifier,
    quantity,
    reference,
)
from reports.interfaces.identity import part_uuid
from reports.interfaces.observed import Limits, Observed
from reports.texts import Language

_SEXES = {"f": ("female", "Female"), "m": ("male", "Male")}


@dataclass(frozen=True, slots=True)
class Frame:
    """What all observations of a report share.

    Parameters
    ----------
    report : UUID
        Identifier of the report.
    language : Language
        Language of the texts.
    status : str
        ``"preliminary"``, ``"final"`` or ``"amended"``.
    shared : dict
        Elements that every observation has: subject, effective time, issued, performer, specimen.
    device : dict
        Reference to the program.
    """

    report: UUID
    language: Language
    status: str
    shared: Resource
    device: Resource

    def uuid(self, key: str) -> UUID:
        """Return the identifier of the observation of a key."""
        return part_uuid(self.report, f"observation {key}")


def observation(one: Observed, frame: Frame) -> Resource:
    """Return the observation of a value.

    Parameters
    ----------
    one : Observed
        The value.
    frame : Frame
        What all observations of the report share.

    Returns
    -------
    dict
        The resource. Where there is no value it says that the value is unknown; one that is withdrawn is
        ``entered-in-error`` and says nothing more.
    """
    return filled(
        {
            "resourceType": "Observation",
            "identifier": [own_identifier(frame.uuid(one.key))],
            "status": "entered-in-error" if one.withdrawn else frame.status,
            "category": [{"coding": [coding(CATEGORY, "laboratory", "Laboratory")]}],
            "code": concept(one.code, one.name),
            **frame.shared,
            **({} if one.withdrawn else _value(one.value, one.unit, at_least=one.at_least)),
            "interpretation": _interpretation(one, frame.language),
            "note": [{"text": note} for note in one.notes],
            "method": _method(one.method, frame.language),
            "device": None if one.method == "given" else frame.device,
            "referenceRange": None if one.limits is None else [_range(one.limits, one.unit)],
            "hasMember": [reference(frame.uuid(key), "Observation") for key in one.parts],
            "derivedFrom": [reference(frame.uuid(key), "Observation") for key in one.sources],
            "component": _components(one, frame.language),
        }
    )


def _value(value: Decimal | int | str | None, unit: Unit | None, *, at_least: bool = False) -> Resource:
    if value is None:
        return {"dataAbsentReason": absent()}
    if isinstance(value, str):
        return {"valueString": value}
    if unit is not None:
        return {"valueQuantity": quantity(value, unit, at_least=at_least)}
    return {"valueInteger": value}


def _interpretation(one: Observed, language: Language) -> list[Resource]:
    if not one.interpretation:
        return []
    name = FLAGS.get(one.flag, "")
    text = language.text(f"flag.{one.flag.value}")
    return [interpretation(one.interpretation, one.flag.value if name else "", name, text)]


def _method(method: str, language: Language) -> Resource | None:
    if not method:
        return None
    key = f"method.{method}"
    return {"coding": [coding(LOCAL, key, METHODS[method])], "text": language.text(f"interface.{key}")}


def _range(limits: Limits, unit: Unit | None) -> Resource:
    meaning = coding(RANGE_MEANING, "normal", "Normal Range")
    usual = f" ({limits.group})" if limits.usual else ""
    sex = [coding(GENDER, *_SEXES[limits.sex])] if limits.sex in _SEXES else []
    ends = {} if unit is None else {name: quantity(end, unit) for name, end in _ends(limits)}
    return filled(
        {
            **ends,
            "type": None if limits.usual else {"coding": [meaning]},
            "appliesTo": [{"coding": sex}] if sex else [],
            "age": None if limits.usual else _age(limits),
            "text": limits.text + (usual or (f" ({limits.group})" if limits.group else "")),
        }
    )


def _ends(limits: Limits) -> tuple[tuple[str, Decimal], ...]:
    return (("low", limits.low), ("high", limits.high))


def _age(limits: Limits) -> Resource:
    days = AGE_UNITS["d"]
    ends: Resource = {}
    if limits.from_days is not None:
        ends["low"] = quantity(limits.from_days, days)
    if limits.until_days is not None:
        ends["high"] = quantity(limits.until_days - 1, days)
    return ends


def _components(one: Observed, language: Language) -> list[Resource]:
    found = []
    if one.n is not None:
        found.append(_component("n", one.n, None, language))
    if one.low is not None or one.high is not None:
        found.append(_component("interval.low", one.low, one.unit, language))
        found.append(_component("interval.high", one.high, one.unit, language))
    return found


def _component(key: str, value: Decimal | int | None, unit: Unit | None, language: Language) -> Resource:
    return {"code": concept(CODES[key], language.text(f"interface.{key}")), **_value(value, unit)}
