"""The codes that results carry to other systems: LOINC where it has one, else codes of this project; units.

Names of LOINC codes are long common names (https://loinc.org, © Regenstrief Institute), most of them as HL7
published them in the value sets of mCODE STU 1; newer releases write "/Leukocytes" for "/100 leukocytes".
Units are those of UCUM (https://ucum.org).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cells.vocabulary import CellClass
from counting.records import Flag

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
LOCAL = "urn:leukoformula:codes"
"""Code system of this project: the keys of ``CODES`` and the flags of a formula."""

LOCAL_V2 = "99LKF"
"""The same code system in HL7 v2 (table 0396: 99zzz is a local one)."""

PANEL = ("69738-3", "Differential panel, method unspecified - Blood")
"""Code and name of the whole report."""

DOCUMENT = ("11502-2", "Laboratory report")
"""Code and name of the report as a printable document."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is observed.

    Parameters
    ----------
    key : str
        Code of this project, never reused for another meaning.
    name : str
        English name of that code.
    loinc : str
        LOINC code; empty where LOINC has none that is known to fit.
    loinc_name : str
        Its long common name.
    """

    key: str
    name: str
    loinc: str = ""
    loinc_name: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its UCUM code and how it is shown."""

    code: str
    text: str


PERCENT = Unit("%", "%")
BILLION_PER_LITRE = Unit("10*9/L", "10*9/L")
PER_100 = Unit("/100{WBC}", "/100 WBC")
RATIO = Unit("1", "1")
MICROMETRE = Unit("um", "µm")
AGE_UNITS: Mapping[str, Unit] = MappingProxyType(
    {"y": Unit("a", "years"), "m": Unit("mo", "months"), "w": Unit("wk", "weeks"), "d": Unit("d", "days")}
)
"""Units of an age, by the letter that :class:`counting.age.Age` uses."""

LOINC_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "26511-6": "Neutrophils/100 leukocytes in Blood",
        "26499-4": "Neutrophils [#/volume] in Blood",
        "26508-2": "Band form neutrophils/100 leukocytes in Blood",
        "26507-4": "Band form neutrophils [#/volume] in Blood",
        "26505-8": "Segmented neutrophils/100 leukocytes in Blood",
        "30451-9": "Segmented neutrophils [#/volume] in Blood",
        "26450-7": "Eosinophils/100 leukocytes in Blood",
        "26449-9": "Eosinophils [#/volume] in Blood",
        "30180-4": "Basophils/100 leukocytes in Blood",
        "26444-0": "Basophils [#/volume] in Blood",
        "26478-8": "Lymphocytes/100 leukocytes in Blood",
        "26474-7": "Lymphocytes [#/volume] in Blood",
        "26485-3": "Monocytes/100 leukocytes in Blood",
        "26484-6": "Monocytes [#/volume] in Blood",
        "38518-7": "Immature granulocytes/100 leukocytes in Blood",
        "51584-1": "Immature granulocytes [#/volume] in Blood",
        "28541-1": "Metamyelocytes/100 leukocytes in Blood",
        "30433-7": "Metamyelocytes [#/volume] in Blood",
        "26498-6": "Myelocytes/100 leukocytes in Blood",
        "30446-9": "Myelocytes [#/volume] in Blood",
        "26524-9": "Promyelocytes/100 leukocytes in Blood",
        "26523-1": "Promyelocytes [#/volume] in Blood",
        "26446-5": "Blasts/100 leukocytes in Blood",
        "30376-8": "Blasts [#/volume] in Blood",
        "30466-7": "Promonocytes/100 leukocytes in Blood",
        "34926-6": "Promonocytes [#/volume] in Blood",
        "13046-8": "Variant lymphocytes/100 leukocytes in Blood",
        "26477-0": "Variant lymphocytes [#/volume] in Blood",
        "13047-6": "Plasma cells/100 leukocytes in Blood",
        "30458-4": "Plasma cells [#/volume] in Blood",
        "34992-8": "Smudge cells/100 leukocytes in Blood",
        "34993-6": "Smudge cells [#/volume] in Blood",
        "18309-5": "Nucleated erythrocytes/Leukocytes [Ratio] in Blood by Manual count",
        "26464-8": "Leukocytes [#/volume] in Blood",
        "12227-5": "Leukocytes [#/volume] corrected for nucleated erythrocytes in Blood",
        "33255-1": "Cell Fractions/Differential [Interpretation] in Blood",
        "35659-2": "Age at specimen collection",
        "46098-0": "Sex",
    }
)
"""Long common name of every LOINC code of an observation."""

_OTHERS = (
    ("wbc", "Leukocyte count", "26464-8"),
    ("wbc_corrected", "Leukocyte count corrected for erythroblasts", "12227-5"),
    ("interpretation", "Interpretation of the formula", "33255-1"),
    ("leukocytes_counted", "Leukocytes counted: the denominator of the formula", ""),
    ("unidentified", "Cells left unidentified, outside the denominator", ""),
    ("missed.percent", "Leukocytes missed by the detector, estimated", ""),
    ("index.nuclear_shift", "Nuclear-shift index", ""),
    ("index.kalf_kalif", "Leukocyte index of intoxication (Kalf-Kalif)", ""),
    ("index.ostrovsky", "Leukocyte index of intoxication (Ostrovsky)", ""),
    ("index.neutrophil_lymphocyte", "Neutrophil-to-lymphocyte ratio", ""),
    ("smear", "Name of the smear", ""),
    ("fields", "Microscope fields analysed", ""),
    ("pixel_size", "Size of a pixel", ""),
    ("age", "Age as given", "35659-2"),
    ("sex", "Sex as given, where no patient is named", "46098-0"),
    ("n", "Cells counted", ""),
    ("interval.low", "Lower end of the 95 % interval", ""),
    ("interval.high", "Upper end of the 95 % interval", ""),
    ("interval", "95 % interval", ""),
)

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "image": "Automated image analysis of a stained blood smear, not reviewed",
        "reviewed": "Image analysis of a stained blood smear, reviewed by a qualified person",
        "counts": "Leukocyte formula of given counts",
        "given": "As given to the program, not measured by it",
        "calculated": "Calculated from the counts",
        "corrected": "Share corrected for errors of detection and classification",
    }
)
"""English name of every method, by its code of this project after ``method.``."""

FLAGS: Mapping[Flag, str] = MappingProxyType(
    {
        Flag.INSIDE: "Inside the reference range",
        Flag.LOW_WITHIN_ERROR: "Below the reference range, within counting error",
        Flag.LOW: "Below the reference range, beyond counting error",
        Flag.HIGH_WITHIN_ERROR: "Above the reference range, within counting error",
        Flag.HIGH: "Above the reference range, beyond counting error",
    }
)
"""English name of every flag, by its code of this project after ``flag.``."""

INTERPRETATIONS: Mapping[str, str] = MappingProxyType(
    {
        "N": "Normal",
        "A": "Abnormal",
        "AA": "Critical abnormal",
        "L": "Low",
        "LL": "Critical low",
        "H": "High",
        "HH": "Critical high",
    }
)
"""The codes of v3-ObservationInterpretation and HL7 table 0078 that are used, with their names."""


def _code(key: str, name: str, loinc: str | None) -> Code:
    return Code(key, name, loinc or "", LOINC_NAMES[loinc] if loinc else "")


def _codes() -> dict[str, Code]:
    found = [_code(*one) for one in _OTHERS]
    for label in CellClass:
        name = label.display("en")
        if label is CellClass.UNIDENTIFIED:
            continue
        if label.in_denominator or label is CellClass.SMUDGE_CELL:
            found += [
                _code(f"{label}.percent", f"{name}, share of leukocytes", label.loinc_percent),
                _code(f"{label}.absolute", f"{name}, absolute count", label.loinc_absolute),
            ]
        if label.in_denominator:
            found.append(_code(f"{label}.corrected", f"{name}, share corrected for errors", ""))
        else:
            found.append(_code(f"{label}.per_100", f"{name} per 100 leukocytes", label.loinc_percent))
    return {code.key: code for code in found}


CODES: Mapping[str, Code] = MappingProxyType(_codes())
"""Every code that a value or a part of it may carry, by its key."""


def code_rows() -> list[tuple[str, str, str]]:
    """Return the table of codes as the documentation prints it.

    Returns
    -------
    list of tuple of str
        Key, LOINC code (``—`` where there is none) and name: the LOINC name where there is one.
    """
    return [(code.key, code.loinc or "—", code.loinc_name or code.name) for code in CODES.values()]
