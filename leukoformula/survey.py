"""What a smear gives, field by field, until every cell is decided on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cells.records import Cell, Detection, Field, Finding, Refusal, WhitePoint
from cells.vocabulary import CellClass
from classifiers.abstention import Abstention, answer_and_measure
from classifiers.base import Classifier
from classifiers.smear_border import border_shift, move_border, neutrophil_odds
from leukoformula.alerts import NO_RULE, eosinophil_remark, outlier_alert
from leukoformula.decisions import UNLIKE, Decision, decide, likeliest
from leukoformula.folders import folders_remark
from leukoformula.repeats import mark_repeats
from leukoformula.result import FieldSummary, Overview
from leukoformula.settings import Settings
from slides.field_colour import mixed_stains
from slides.quality import assess_smear

_BATCH_CELLS = 128
_BATCH_PIXELS = 64_000_000


@dataclass(frozen=True, slots=True, eq=False)
class FieldLook:
    """What the detector gives of one field.

    Parameters
    ----------
    field : Field
        The field.
    findings : list of Finding
        Remarks on it.
    detections : list of Detection
        Its finds in reading order.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        A crop of each.
    colour : ndarray of shape (5,), float64, or None
        Colour of its erythrocytes and empty slide, as from `slides.field_colour.field_colour`.
    """

    field: Field
    findings: list[Finding]
    detections: list[Detection]
    crops: NDArray[np.uint8]
    colour: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """What is left of a field once its cells are classified."""

    name: str
    shape: tuple[int, int]
    white: WhitePoint
    detections: list[Detection]
    crops: NDArray[np.uint8]
    answers: NDArray[np.float32]
    values: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Survey:
    """Gathers what the fields give, classifies their cells in batches, and decides once all are known.

    Parameters
    ----------
    classifier : Classifier
        The classifier.
    abstention : Abstention or None
        The rule that tells cells unlike the known ones; None where there is none.
    settings : Settings
        Thresholds and choices.
    summaries, refused, findings, cells, crops, whites, overview, border : optional
        What has been gathered, as in `leukoformula.result.SmearResult`; cells, crops and the border of
        eosinophils once `finish` was called.
    """

    classifier: Classifier
    abstention: Abstention | None
    settings: Settings
    summaries: list[FieldSummary] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    crops: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    whites: dict[int, WhitePoint] = field(default_factory=dict)
    overview: Overview | None = None
    border: float = 0.0
    _pending: list[FieldLook] = field(default_factory=list)
    _answered: list[_Answered] = field(default_factory=list)
    _of_smear: list[Finding] = field(default_factory=list)
    _colours: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    _most: int = 0
    _tested: int = 0
    _unlike: int = 0

    def add(self, look: FieldLook | Refusal) -> None:
        """Take a field; its cells are classified once enough wait."""
        if isinstance(look, Refusal):
            self.refused.append(look)
            return
        self._pending.append(look)
        pixels = sum(waiting.field.image.size for waiting in self._pending)
        if pixels > _BATCH_PIXELS or sum(len(waiting.crops) for waiting in self._pending) >= _BATCH_CELLS:
            self._classify_pending()

    def finish(self) -> None:
        """Classify what waits, set the border, decide on each cell, find repeats and mixed stains."""
        self._classify_pending()
        answered, self._answered = self._answered, []
        if answered:
            answers = np.concatenate([one.answers for one in answered])
            remark = eosinophil_remark(neutrophil_odds(self.classifier, answers), len(answers))
            self._of_smear.extend([remark] if remark else [])
            if self.settings.smear_border:
                self.border = border_shift(self.classifier, answers)
        for one in answered:
            self._enter(one)
        self.cells, remarks = mark_repeats(self.cells, self.crops)
        self.findings.extend(remarks)
        self._of_smear.extend(mixed_stains(self._colours))

    def _classify_pending(self) -> None:
        looks, self._pending = self._pending, []
        if not looks:
            return
        whites = [np.broadcast_to(look.field.white_point, (len(look.crops), 3)) for look in looks]
        answers, values = self._assess(np.concatenate([look.crops for look in looks]), np.concatenate(whites))
        start = 0
        for look in looks:
            part = slice(start, start + len(look.crops))
            self._keep(look, answers[part], values[part])
            start = part.stop

    def _keep(self, look: FieldLook, answers: NDArray[np.float32], values: NDArray[np.float64]) -> None:
        name, image = look.field.name, look.field.image
        shape, white = image.shape[:2], look.field.white_point
        self._answered.append(_Answered(name, shape, white, look.detections, look.crops, answers, values))
        self.findings.extend(look.findings)
        if look.colour is not None:
            self._colours[name] = look.colour
        decisions = map(self._decide, look.detections, answers, values)
        leukocytes = sum(one.counted and one.label.in_denominator for one in decisions)
        if self.overview is None or leukocytes > self._most:
            self.overview, self._most = Overview(name, image), leukocytes

    def remarks(self) -> tuple[Finding, ...]:
        """Return the remarks on the smear and its fields, alerts first."""
        folders = folders_remark(summary.name for summary in self.summaries)
        of_smear = assess_smear(self.findings, len(self.summaries))
        folders_too = [folders] if folders else []
        return (*self.alerts(), *self._of_smear, *folders_too, *of_smear, *self.findings)

    def alerts(self) -> list[Finding]:
        """Return the alert of too many cells unlike the known ones, or that no rule could tell."""
        if not self.settings.flag_outliers:
            return []
        if self.abstention is None:
            return [Finding(NO_RULE, "info")]
        alert = outlier_alert(self._unlike, self._tested, level=self.settings.flag_outliers)
        return [alert] if alert else []

    @property
    def strange(self) -> bool:
        """Whether that alert rose."""
        return any(alert.code == UNLIKE for alert in self.alerts())

    def _assess(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        if self.abstention is None or not len(crops):
            return self.classifier.predict(crops, whites), np.ones(len(crops))
        answers, features = answer_and_measure(self.classifier, crops, whites)
        return answers, self.abstention.p_values(answers, features)

    def counts(self) -> Counter[CellClass]:
        """Return the number of counted cells of each class."""
        return Counter(cell.label for cell in self.cells if cell.counted)

    def _enter(self, field: _Answered) -> None:
        answers = move_border(self.classifier, field.answers, self.border)
        counted = 0
        finds = zip(field.detections, field.crops, answers, field.values, strict=True)
        for detection, crop, answer, value in finds:
            cell = self._cell(field.name, detection, answer, float(value))
            self.cells.append(cell)
            self.crops[cell.cell_id] = crop
            self.whites[cell.cell_id] = field.white
            counted += cell.counted
            if detection.counted and likeliest(answer, self.classifier.classes).in_denominator:
                self._tested += 1
                self._unlike += bool(value <= self.settings.flag_outliers)
        self.summaries.append(FieldSummary(field.name, *field.shape, len(field.detections), counted))

    def _cell(self, name: str, detection: Detection, answer: NDArray[np.float32], value: float) -> Cell:
        classes: Sequence[CellClass] = self.classifier.classes
        decision = self._decide(detection, answer, value)
        return Cell(
            len(self.cells) + 1,
            name,
            detection,
            decision.label,
            decision.probability,
            {label: float(value) for label, value in zip(classes, answer, strict=True)},
            decision.counted,
            decision.reason,
        )

    def _decide(self, detection: Detection, answer: NDArray[np.float32], value: float) -> Decision:
        return decide(
            answer,
            self.classifier.classes,
            abstain_below=self.settings.abstain_below,
            in_frame=detection.counted,
            p_value=float(value),
            flag_outliers=self.settings.flag_outliers,
            abstain_outliers=self.settings.abstain_outliers,
        )
