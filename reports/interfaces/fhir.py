"""The result as a FHIR R4 transaction that a hospital's server takes in at once."""

from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from cells.files import atomic_path
from leukoformula.result import SmearResult
from reports.interfaces.fhir_json import encode
from reports.interfaces.fhir_observations import Frame, observation
from reports.interfaces.fhir_resources import (
    device,
    diagnostic_report,
    patient,
    person_name,
    report_status,
    specimen,
)
from reports.interfaces.fhir_types import URI, Resource, filled, reference
from reports.interfaces.identity import device_uuid, part_uuid, report_uuid
from reports.interfaces.numbers import fhir_time
from reports.interfaces.texts import fit
from reports.interfaces.values import observed
from reports.texts import Language


def write_fhir(
    result: SmearResult,
    path: Path,
    *,
    lang: str,
    pdf: bytes | None = None,
    patient_system: str = "",
    sample_system: str = "",
) -> None:
    """Write a result as a FHIR R4 transaction Bundle in JSON, UTF-8.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written.
    lang : {"en", "ru"}
        Language of the texts; names of codes are English.
    pdf : bytes or None, optional
        The report to be printed, sent along as ``presentedForm``.
    patient_system, sample_system : str, optional
        Who gave the patient's and the sample's number, as a URI.

    Raises
    ------
    UsageError
        Where the language is not known.
    InputError
        Where the file cannot be written.
    """
    bundle = fhir_bundle(
        result, lang=lang, pdf=pdf, patient_system=patient_system, sample_system=sample_system
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes((encode(bundle) + "\n").encode("utf-8"))


def fhir_bundle(
    result: SmearResult,
    *,
    lang: str,
    pdf: bytes | None = None,
    patient_system: str = "",
    sample_system: str = "",
) -> Resource:
    """Return a result as a FHIR R4 transaction Bundle.

    Parameters
    ----------
    result : SmearResult
        What was found.
    lang : {"en", "ru"}
        Language of the texts; names of codes are English.
    pdf : bytes or None, optional
        The report to be printed, sent along as ``presentedForm``.
    patient_system, sample_system : str, optional
        Who gave the patient's and the sample's number, as a URI. With it the server's own patient and
        specimen of that number are taken where it has them; without it new ones are made, because equal
        numbers of two laboratories are two people.

    Returns
    -------
    dict
        The Bundle as JSON values with ``Decimal`` numbers, which
        :func:`reports.interfaces.fhir_json.encode` writes. The same result gives the same Bundle. Report and
        observations are updated where the server knows their identifiers, so that a signed report replaces
        the preliminary one.

    Raises
    ------
    UsageError
        Where the language is not known.

    References
    ----------
    HL7 FHIR R4 (4.0.1), http://hl7.org/fhir/R4/: http.html#transaction, diagnosticreport.html,
    observation.html.
    """
    language = Language(lang)
    report = report_uuid(result)
    person = patient(result, system=fit(patient_system))
    subject = None if person is None else reference(part_uuid(report, "patient"), "Patient")
    sample = specimen(result, language, system=fit(sample_system), subject=subject)
    frame = Frame(
        report=report,
        language=language,
        status=report_status(result),
        shared=_shared(result, report, subject, has_sample=sample is not None),
        device=reference(device_uuid(result), "Device"),
    )
    values = observed(result, language)
    conclusion = next(str(one.value) for one in values if one.key == "interpretation")
    valid = [frame.uuid(one.key) for one in values if not one.withdrawn]
    bound = diagnostic_report(
        result,
        language,
        conclusion=conclusion,
        observations=[reference(uuid, "Observation") for uuid in valid],
        shared=frame.shared,
        pdf=pdf,
    )
    entries = [
        _update(part_uuid(report, "report"), bound),
        *(_update(frame.uuid(one.key), observation(one, frame)) for one in values),
        _create(device_uuid(result), device(result, language)),
    ]
    if sample is not None:
        entries.append(_create(part_uuid(report, "specimen"), sample))
    if person is not None:
        entries.append(_create(part_uuid(report, "patient"), person))
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _shared(result: SmearResult, report: UUID, subject: Resource | None, *, has_sample: bool) -> Resource:
    signature = result.signature
    return filled(
        {
            "subject": subject,
            "effectiveDateTime": fhir_time(fit(result.identity.taken)),
            "issued": "" if signature is None else fhir_time(signature.at),
            "performer": []
            if signature is None
            else [{"type": "Practitioner", "display": person_name(result)}],
            "specimen": reference(part_uuid(report, "specimen"), "Specimen") if has_sample else None,
        }
    )


def _update(uuid: UUID, resource: Resource) -> Resource:
    request = {"method": "PUT", "url": f"{resource['resourceType']}?{_query(resource)}"}
    return {"fullUrl": uuid.urn, "resource": resource, "request": request}


def _create(uuid: UUID, resource: Resource) -> Resource:
    request = filled(
        {"method": "POST", "url": str(resource["resourceType"]), "ifNoneExist": _query(resource)}
    )
    return {"fullUrl": uuid.urn, "resource": resource, "request": request}


def _query(resource: Resource) -> str:
    """Return the search for a resource by its identifier; empty where that would not tell it apart."""
    identifiers = resource.get("identifier")
    if not isinstance(identifiers, list) or not identifiers or "system" not in identifiers[0]:
        return ""
    system, value = identifiers[0]["system"], identifiers[0]["value"]
    kept = ":" if system == URI else ""
    return f"identifier={quote(system, safe=kept)}%7C{quote(value, safe=kept)}"
