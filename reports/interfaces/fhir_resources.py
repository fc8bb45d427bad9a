"""The FHIR R4 resources beside the observations: report, program, patient, specimen."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from leukoformula.result import SmearResult
from reports.interfaces.codes import LOCAL, LOINC, PANEL
from reports.interfaces.fhir_types import (
    SERVICE,
    SPECIMEN_TYPE,
    Resource,
    coding,
    filled,
    own_identifier,
)
from reports.interfaces.identity import device_uuid, report_uuid
from reports.interfaces.numbers import fhir_time
from reports.interfaces.texts import fit
from reports.texts import Language

PROGRAM = "leukoformula"
_GENDERS = {"f": "female", "m": "male"}
_SIGNER = "signer"
_DAY = len("2024-05-31")


def patient(result: SmearResult, *, system: str) -> Resource | None:
    """Return the patient by the identifier that was given, or None where none was.

    Parameters
    ----------
    result : SmearResult
        What was found.
    system : str
        System of the patient's identifier, as a URI; empty where it is not known.

    Returns
    -------
    dict or None
        The resource: identifier and, where given, sex; no name, no birth date.
    """
    number = fit(result.identity.patient)
    if not number:
        return None
    return filled(
        {
            "resourceType": "Patient",
            "identifier": [filled({"system": system, "value": number})],
            "gender": _GENDERS.get(fit(result.identity.sex)),
        }
    )


def specimen(
    result: SmearResult, language: Language, *, system: str, subject: Resource | None
) -> Resource | None:
    """Return the blood sample where its number or date was given, else None.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of remarks.
    system : str
        System of the sample's number, as a URI; empty where it is not known.
    subject : dict or None
        Reference to the patient.

    Returns
    -------
    dict or None
        The resource; a date that is none stands in a note as it was given.
    """
    number, taken = fit(result.identity.sample), fit(result.identity.taken)
    if not number and not taken:
        return None
    when = fhir_time(taken)
    unread = taken and (not when or len(when) == _DAY < len(taken))
    return filled(
        {
            "resourceType": "Specimen",
            "identifier": [filled({"system": system, "value": number})] if number else [],
            "type": {"coding": [coding(SPECIMEN_TYPE, "BLD", "Whole blood")]},
            "subject": subject,
            "collection": {"collectedDateTime": when} if when else None,
            "note": [{"text": language.text("interface.taken", text=taken)}] if unread else [],
        }
    )


def device(result: SmearResult, language: Language) -> Resource:
    """Return the program with its version, its libraries and the hash of every model.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the disclaimer.

    Returns
    -------
    dict
        The resource.
    """
    versions = [
        {"type": {"text": fit(name)}, "value": fit(version)}
        for name, version in sorted(result.versions.items())
        if fit(name) and fit(version)
    ]
    models = [
        filled(
            {
                "type": {"text": f"{fit(model.kind)}: {fit(model.name)}"},
                "component": {"system": f"{LOCAL}:sha256", "value": fit(model.sha256)}
                if fit(model.sha256)
                else None,
                "value": fit(model.version) or "—",
            }
        )
        for model in result.models
    ]
    hashes = [
        {
            "type": {"coding": [coding(LOCAL, "sha256", "SHA-256 of a model's manifest")]},
            "valueCode": [{"text": f"{fit(model.name)} {fit(model.sha256)}".strip()}],
        }
        for model in result.models
    ]
    return filled(
        {
            "resourceType": "Device",
            "identifier": [own_identifier(device_uuid(result))],
            "status": "active",
            "manufacturer": "The leukoformula authors",
            "deviceName": [{"name": PROGRAM, "type": "model-name"}],
            "type": {"text": language.text("interface.device")},
            "version": versions + models,
            "property": hashes,
            "note": [{"text": language.text("disclaimer")}],
        }
    )


def signer(result: SmearResult) -> Resource | None:
    """Return the person who signed, by name, or None where nobody has."""
    if result.signature is None:
        return None
    return {"resourceType": "Practitioner", "id": _SIGNER, "name": [{"text": fit(result.signature.by)}]}


def diagnostic_report(
    result: SmearResult,
    language: Language,
    *,
    conclusion: str,
    observations: Sequence[Resource],
    shared: Resource,
    pdf: bytes | None,
) -> Resource:
    """Return the report that binds the observations together.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the texts.
    conclusion : str
        What stands out, a line each.
    observations : sequence of dict
        References to the observations, in order.
    shared : dict
        Subject, effective time, issued and specimen as the observations have them.
    pdf : bytes or None
        The report to be printed.

    Returns
    -------
    dict
        The resource: preliminary until somebody signed, then final with who and when; amended where it
        replaces a signed one.
    """
    person = signer(result)
    by = [{"reference": f"#{_SIGNER}", "display": person_name(result)}] if person else []
    specimens = {"specimen": [shared["specimen"]]} if "specimen" in shared else {}
    kept = {key: value for key, value in shared.items() if key not in ("performer", "specimen")}
    return filled(
        {
            "resourceType": "DiagnosticReport",
            "language": language.code,
            "text": {"status": "generated", "div": _narrative(conclusion, language)},
            "contained": [person] if person else [],
            "identifier": [own_identifier(report_uuid(result))],
            "status": report_status(result),
            "category": [
                {"coding": [coding(SERVICE, "LAB", "Laboratory")]},
                {"coding": [coding(SERVICE, "HM", "Hematology")]},
            ],
            "code": {"coding": [coding(LOINC, *PANEL)], "text": language.text("title")},
            **kept,
            "performer": by,
            "resultsInterpreter": by,
            **specimens,
            "result": list(observations),
            "conclusion": conclusion,
            "presentedForm": [] if pdf is None else [attachment(result, language, pdf)],
        }
    )


def report_status(result: SmearResult) -> str:
    """Return the status of the report and its observations: preliminary, final or amended."""
    return "amended" if result.is_corrected else result.status


def person_name(result: SmearResult) -> str:
    """Return the name of the person who signed; empty where nobody has."""
    return "" if result.signature is None else fit(result.signature.by)


def attachment(result: SmearResult, language: Language, pdf: bytes) -> Resource:
    """Return the printable report as an ``Attachment``.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    pdf : bytes
        The PDF file.

    Returns
    -------
    dict
        The file in base64 with its size in bytes and its SHA-1, as FHIR R4 asks for.
    """
    return filled(
        {
            "contentType": "application/pdf",
            "language": language.code,
            "data": base64.b64encode(pdf).decode("ascii"),
            "size": len(pdf),
            "hash": base64.b64encode(hashlib.sha1(pdf, usedforsecurity=False).digest()).decode("ascii"),
            "title": language.text("title"),
            "creation": None if result.signature is None else fhir_time(result.signature.at),
        }
    )


def _narrative(conclusion: str, language: Language) -> str:
    lines = "".join(f"<p>{escape(line)}</p>" for line in conclusion.splitlines())
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language.code}">{lines}</div>'
