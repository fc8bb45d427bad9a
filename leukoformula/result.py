"""The result of analysing one smear: what the reports print and the documents store."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cells.records import Cell, Finding, Refusal, RGBImage
from counting.formula import LeukocyteFormula
from slides.calibration import Calibration


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
class ModelInfo:
    """A model that took part: its name, kind (``detector``, ``cnn``, ``mlp``), version and sha256."""

    name: str
    kind: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """One field kept as a picture, shape (M, N, 3), for drawing the finds on it."""

    field: str
    image: RGBImage


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
