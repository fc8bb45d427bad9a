"""The result of analysing one smear: what the reports print and the documents store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.model_files import ModelInfo
from cells.records import Cell, Finding, Refusal, RGBImage
from cells.vocabulary import CellClass
from counting.formula import LeukocyteFormula
from counting.ranges import ReferenceSet
from slides.calibration import Calibration

LONGEST_NAME = 100
"""Signs that the name of who signs may have."""

FARTHEST_OFFSET = timedelta(hours=14)
"""No place on earth is farther from UTC; FHIR and HL7 know no other offset, and none with seconds."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who and what the smear belongs to, as given by the user; nothing is guessed.

    Parameters
    ----------
    patient, sample : str
        Identifiers of the laboratory, empty where not given.
    age : str
        Age as given (``34y``, ``5m``, ``12d``), empty where not given.
    sex : str
        ``"f"``, ``"m"`` or empty.
    taken : str
        Date of the sample in ISO 8601, empty where not given.
    """

    patient: str = ""
    sample: str = ""
    age: str = ""
    sex: str = ""
    taken: str = ""


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """What was found in one field: its name, its size in px, its finds and how many of them are counted."""

    name: str
    height: int
    width: int
    detections: int
    counted: int


@dataclass(frozen=True, slots=True)
class Signature:
    """Who released a result, and when.

    Parameters
    ----------
    by : str
        Name of the person, as it is to be printed.
    at : str
        Date and time in ISO 8601 with the offset from UTC, ``2026-11-20T14:05:00+03:00``.

    Raises
    ------
    UsageError
        Where the name is empty, too long or not printable, or the time is no such time.
    """

    by: str
    at: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.by.isprintable() or len(self.by) > LONGEST_NAME:
            raise UsageError(
                f"the name of who signs must have 1 to {LONGEST_NAME} printable signs; give the full name"
            )
        try:
            offset = datetime.fromisoformat(self.at).utcoffset()
        except ValueError:
            offset = None
        if offset is None or abs(offset) > FARTHEST_OFFSET or offset % timedelta(minutes=1):
            raise UsageError(
                f"{self.at!r} is no time of signing; give date, time and offset as 2026-11-20T14:05:00+03:00"
            )


@dataclass(frozen=True, slots=True)
class Superseded:
    """A signed report that a corrected one replaces.

    Parameters
    ----------
    signature : Signature
        Who had released it, and when.
    classes : tuple of CellClass
        The classes that it gave cells to, in clinical order.
    """

    signature: Signature
    classes: tuple[CellClass, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """One field kept as a picture, for drawing the finds on it.

    Parameters
    ----------
    field : str
        Name of the field.
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    scale : float
        Size of the picture over that of the field as read, above 0 to 1.
    """

    field: str
    image: RGBImage
    scale: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SmearResult:
    """Everything that is known of one smear after its analysis.

    Parameters
    ----------
    name, source : str
        Name of the smear and where it was read from.
    fields : tuple of FieldSummary
        The fields that were analysed, in reading order.
    refused : tuple of Refusal
        The inputs that were not read, each with its reason.
    calibration : Calibration
        Pixel size and where it comes from.
    findings : tuple of Finding
        Remarks on quality, of fields and of the smear.
    cells : tuple of Cell
        Every find, in order of field, row and column.
    formula : LeukocyteFormula
        The counts, percentages, intervals and flags.
    identity : Identity
        Patient and sample as given.
    classifier : str
        Name of the classifier that decided.
    models : tuple of ModelInfo
        Every model that took part.
    settings : dict
        Every setting in force, as JSON values.
    versions : dict of str to str
        Versions of this program and the libraries it ran on.
    crops : dict of int to ndarray of shape (112, 112, 3), uint8
        Crop of each cell by ``cell_id``.
    overview : Overview or None
        The field with most counted cells.
    relabelled : tuple of int or None
        Cells whose label a person changed on review, by ``cell_id``; None where nobody reviewed the cells.
    signature : Signature or None
        Who released the result; None until a person has reviewed and signed it.
    explanations : dict of int to object
        What speaks for the label of a cell, by ``cell_id``; empty where nothing is explained.
    ranges : ReferenceSet or None
        The reference ranges that the formula was made with; None in results of earlier versions.
    superseded : tuple of Superseded
        The signed reports that this result replaces, the oldest first.
    eosinophil_border : float
        Log odds of eosinophil against neutrophil from which on a cell is an eosinophil
        (``classifiers.smear_border``).
    """

    name: str
    source: str
    fields: tuple[FieldSummary, ...]
    refused: tuple[Refusal, ...]
    calibration: Calibration
    findings: tuple[Finding, ...]
    cells: tuple[Cell, ...]
    formula: LeukocyteFormula
    identity: Identity
    classifier: str
    models: tuple[ModelInfo, ...]
    settings: dict[str, object]
    versions: dict[str, str]
    crops: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    overview: Overview | None = None
    relabelled: tuple[int, ...] | None = None
    signature: Signature | None = None
    explanations: dict[int, object] = field(default_factory=dict)
    ranges: ReferenceSet | None = None
    superseded: tuple[Superseded, ...] = ()
    eosinophil_border: float = 0.0

    @property
    def status(self) -> Literal["preliminary", "final"]:
        """``"final"`` where a person has signed, else ``"preliminary"``."""
        return "preliminary" if self.signature is None else "final"

    @property
    def is_corrected(self) -> bool:
        """Whether this is a signed report that replaces an earlier signed one."""
        return self.signature is not None and bool(self.superseded)
