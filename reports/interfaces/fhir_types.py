"""The data types of FHIR R4 that the resources share: codes, quantities, references, identifiers."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from reports.interfaces.codes import INTERPRETATIONS, LOCAL, LOINC, UCUM, Code, Unit

Resource = dict[str, object]
"""A resource or a data type as JSON values; numbers are whole or ``Decimal``."""

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
SPECIMEN_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0487"
RANGE_MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
GENDER = "http://hl7.org/fhir/administrative-gender"
URI = "urn:ietf:rfc:3986"
"""Identifier system of a value that is itself a URI."""


def coding(system: str, code: str, display: str) -> Resource:
    """Return a ``Coding``."""
    return {"system": system, "code": code, "display": display}


def concept(code: Code, text: str) -> Resource:
    """Return the ``CodeableConcept`` of a code: LOINC first where there is one, then the project's own."""
    codings = [coding(LOINC, code.loinc, code.loinc_name)] if code.loinc else []
    return {"coding": [*codings, coding(LOCAL, code.key, code.name)], "text": text}


def interpretation(code: str, flag: str, flag_name: str, text: str) -> Resource:
    """Return an interpretation: the code of HL7 and, where there is one, the flag of the formula.

    Parameters
    ----------
    code : str
        A code of ``INTERPRETATIONS``.
    flag, flag_name : str
        Code and English name of the flag; empty where there is none.
    text : str
        The flag in the report's language; may be empty.

    Returns
    -------
    dict
        A ``CodeableConcept``.
    """
    codings = [coding(INTERPRETATION, code, INTERPRETATIONS[code])]
    if flag:
        codings.append(coding(LOCAL, f"flag.{flag}", flag_name))
    return filled({"coding": codings, "text": text})


def quantity(value: Decimal | int, unit: Unit, *, at_least: bool = False) -> Resource:
    """Return a ``Quantity`` in a UCUM unit.

    Parameters
    ----------
    value : Decimal or int
        The number with its digits.
    unit : Unit
        Its unit.
    at_least : bool
        Whether the true value may be higher.

    Returns
    -------
    dict
        The quantity.
    """
    comparator = {"comparator": ">="} if at_least else {}
    return {"value": value, **comparator, "unit": unit.text, "system": UCUM, "code": unit.code}


def absent(reason: str = "unknown") -> Resource:
    """Return why a value is not there, as a ``CodeableConcept``."""
    return {"coding": [coding(DATA_ABSENT, reason, reason.capitalize())]}


def own_identifier(uuid: UUID) -> Resource:
    """Return the ``Identifier`` of something that this program made."""
    return {"system": URI, "value": uuid.urn}


def reference(uuid: UUID, kind: str) -> Resource:
    """Return a reference to a resource of the same bundle."""
    return {"reference": uuid.urn, "type": kind}


def filled(values: Mapping[str, object]) -> Resource:
    """Return the values that are there: FHIR knows no empty text, list or object."""
    return {key: value for key, value in values.items() if value is not None and value not in ("", [], {})}
