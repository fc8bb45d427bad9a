"""The result as an HL7 v2.5.1 message ORU^R01 for laboratory information systems."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cells.files import atomic_path
from leukoformula.result import SmearResult
from reports.interfaces.codes import PANEL
from reports.interfaces.hl7_observations import Frame, comment, observation_segments
from reports.interfaces.hl7_text import ENCODING, END, FIELD, SUBCOMPONENT, components, escaped, segment
from reports.interfaces.identity import NAMESPACE, part_uuid, report_uuid
from reports.interfaces.numbers import hl7_time
from reports.interfaces.texts import fit
from reports.interfaces.values import observed
from reports.texts import Language

PROGRAM = "leukoformula"
CONTROL_ID_LENGTH = 20
"""Signs that MSH-10 may have in v2.5.1; SFT-4 as well."""

_LANGUAGES = {"en": ("en", "English", "ISO639"), "ru": ("ru", "Russian", "ISO639")}
_STATUS = {"preliminary": "P", "final": "F"}
_CORRECTED = "C"


def write_hl7(
    result: SmearResult,
    path: Path,
    *,
    lang: str,
    pdf: bytes | None = None,
    sent: datetime | None = None,
    patient_system: str = "",
    sample_system: str = "",
) -> None:
    """Write a result as an HL7 v2.5.1 message ORU^R01, UTF-8, without the frame of MLLP.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written.
    lang : {"en", "ru"}
        Language of the texts; names of codes are English.
    pdf : bytes or None, optional
        The report to be printed, sent along in an OBX of the type ED.
    sent : datetime or None, optional
        Time of the message (MSH-7); the time of the signature where it is None.
    patient_system, sample_system : str, optional
        Who gave the patient's and the sample's number, as a URI.

    Raises
    ------
    UsageError
        Where the language is not known.
    InputError
        Where the file cannot be written.
    """
    message = oru_message(
        result, lang=lang, pdf=pdf, sent=sent, patient_system=patient_system, sample_system=sample_system
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(message.encode("utf-8"))


def oru_message(
    result: SmearResult,
    *,
    lang: str,
    pdf: bytes | None = None,
    sent: datetime | None = None,
    patient_system: str = "",
    sample_system: str = "",
) -> str:
    """Return a result as an HL7 v2.5.1 message ORU^R01.

    Parameters
    ----------
    result : SmearResult
        What was found.
    lang : {"en", "ru"}
        Language of the texts; names of codes are English.
    pdf : bytes or None, optional
        The report to be printed, sent along in an OBX of the type ED.
    sent : datetime or None, optional
        Time of the message (MSH-7). Where it is None, the time of the signature stands there, or nothing:
        the program that sends an unsigned message must then fill it in.
    patient_system, sample_system : str, optional
        Who gave the patient's and the sample's number, as a URI.

    Returns
    -------
    str
        The segments, each with a carriage return at its end. The same arguments give the same message; its
        control id is made from its content.

    Raises
    ------
    UsageError
        Where the language is not known.

    References
    ----------
    HL7 v2.5.1, chapters 2 (control), 3 (PID), 4 (ORC, OBR), 7 (OBX, SPM).
    """
    language = Language(lang)
    body = "".join(_body(result, language, pdf, fit(patient_system), fit(sample_system)))
    time = _time(sent) if sent is not None else _signed_at(result)
    control = part_uuid(NAMESPACE, f"message {time} {lang} {body}").hex[:CONTROL_ID_LENGTH]
    return _head(time, control, lang) + body


def _head(time: str, control: str, lang: str) -> str:
    fields = {
        3: PROGRAM,
        7: time,
        9: components("ORU", "R01", "ORU_R01"),
        10: control,
        11: "P",
        12: "2.5.1",
        18: "UNICODE UTF-8",
        19: components(*_LANGUAGES[lang]),
    }
    rest = FIELD.join(fields.get(number, "") for number in range(3, max(fields) + 1))
    return f"MSH{FIELD}{ENCODING}{FIELD}{rest}{END}"


def _body(
    result: SmearResult, language: Language, pdf: bytes | None, patient_system: str, sample_system: str
) -> Iterator[str]:
    taken = hl7_time(fit(result.identity.taken))
    frame = Frame(
        language=language,
        status=_status(result),
        taken=taken,
        observer="" if result.signature is None else components("", fit(result.signature.by)),
        equipment=components(f"{PROGRAM} {_version(result)}", PROGRAM),
    )
    yield from _software(result)
    yield from _patient(result, patient_system)
    yield from _order(result, report_uuid(result), taken)
    yield comment(1, language.text("disclaimer"))
    yield from observation_segments(observed(result, language), frame, pdf)
    yield from _specimen(result, language, taken, sample_system)


def _status(result: SmearResult) -> str:
    return _CORRECTED if result.is_corrected else _STATUS[result.status]


def _software(result: SmearResult) -> Iterator[str]:
    libraries = "; ".join(f"{fit(name)} {fit(version)}" for name, version in sorted(result.versions.items()))
    version = _version(result)
    yield _sft(version, PROGRAM, f"{PROGRAM} {version}"[:CONTROL_ID_LENGTH], libraries)
    for model in result.models:
        kind, name, hash_ = fit(model.kind), fit(model.name), fit(model.sha256)
        about = f"model {kind} {name}, SHA-256 {hash_}"
        yield _sft(fit(model.version) or "-", f"{PROGRAM} {name}", hash_[:CONTROL_ID_LENGTH], about)


def _sft(version: str, product: str, binary: str, about: str) -> str:
    texts = {1: PROGRAM, 2: version, 3: product, 4: binary or "-", 5: about}
    return segment("SFT", {number: escaped(text) for number, text in texts.items()})


def _version(result: SmearResult) -> str:
    return fit(result.versions.get(PROGRAM, "")) or "-"


def _patient(result: SmearResult, system: str) -> Iterator[str]:
    number, sex = fit(result.identity.patient), fit(result.identity.sex)
    if number:
        fields = {
            1: "1",
            3: f"{escaped(number)}^^^&{_assigner(system)}".rstrip("^&"),
            # XPN-7 U: the name is not known to the sender.
            5: components("", "", "", "", "", "", "U"),
            8: sex.upper() if sex in ("f", "m") else "",
        }
        yield segment("PID", fields)


def _assigner(system: str) -> str:
    """Return who assigned a number, as subcomponents: universal identifier and its type."""
    if not system:
        return ""
    oid = re.fullmatch(r"urn:oid:([0-9.]+)", system)
    name, kind = (oid[1], "ISO") if oid else (system, "URI")
    return f"{escaped(name)}{SUBCOMPONENT}{kind}"


def _order(result: SmearResult, report: UUID, taken: str) -> Iterator[str]:
    filler = components(str(report), PROGRAM)
    person = "" if result.signature is None else fit(result.signature.by)
    yield segment("ORC", {1: "RE", 3: filler})
    yield segment(
        "OBR",
        {
            1: "1",
            3: filler,
            4: components(*PANEL, "LN"),
            7: taken,
            22: _signed_at(result),
            24: "HM",
            25: _status(result),
            # NDL-1 is a CNN, whose second subcomponent is the family name.
            32: f"{SUBCOMPONENT}{escaped(person)}" if person else "",
        },
    )


def _specimen(result: SmearResult, language: Language, taken: str, system: str) -> Iterator[str]:
    number, given = fit(result.identity.sample), fit(result.identity.taken)
    if not number and not given:
        return
    fields = {
        1: "1",
        2: f"^{escaped(number)}&&{_assigner(system)}".rstrip("^&"),
        4: components("BLD", "Whole blood", "HL70487"),
        14: "" if taken or not given else escaped(language.text("interface.taken", text=given)),
        17: taken,
    }
    yield segment("SPM", fields)


def _signed_at(result: SmearResult) -> str:
    return "" if result.signature is None else hl7_time(result.signature.at)


def _time(sent: datetime) -> str:
    return hl7_time(sent.isoformat(timespec="seconds"))
