"""The way of the data: from a smear to its leukocyte formula."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import NoSmearError
from cells.records import Cell, Detection, Field, Finding, Refusal, WhitePoint
from cells.units import CROP_PX
from cells.vocabulary import CellClass
from classifiers.abstention import Abstention, answer_and_measure
from classifiers.base import Classifier
from classifiers.smear_border import border_shift, move_border, neutrophil_odds
from counting.age import Age
from counting.counts import checked_sex, checked_wbc
from counting.formula import make_formula
from detector.ink import remark_on_ink
from detector.scanner import Scanner
from features.crops import cut_cell
from leukoformula import store
from leukoformula.alerts import NO_RULE, eosinophil_remark, outlier_alert
from leukoformula.decisions import UNLIKE, Decision, decide, likeliest
from leukoformula.explaining import explain_least_certain
from leukoformula.fields import Progress, calibrate_smear, map_fields, silent
from leukoformula.folders import folders_remark
from leukoformula.reference import load_ranges
from leukoformula.repeats import mark_repeats
from leukoformula.result import FieldSummary, Identity, Overview, SmearResult
from leukoformula.settings import Settings
from leukoformula.validation import correction_of
from leukoformula.versions import versions
from slides.calibration import Calibration
from slides.quality import assess_field, assess_smear
from slides.reader import Smear, open_smear

_BATCH_CELLS = 128
_BATCH_PIXELS = 64_000_000


def analyse(
    smear_path: Path,
    *,
    settings: Settings | None = None,
    identity: Identity | None = None,
    wbc: float | None = None,
    progress: Progress = silent,
) -> SmearResult:
    """Find, classify and count the leukocytes of a smear.

    Parameters
    ----------
    smear_path : Path
        A folder of fields, one image, or a multi-page TIFF.
    settings : Settings, optional
        Thresholds and choices; the defaults where it is None.
    identity : Identity, optional
        Patient and sample as given; age and sex choose the reference ranges.
    wbc : float, optional
        Leukocyte count of the blood, 10⁹/L, above 0; gives absolute counts.
    progress : callable, optional
        Is told of each step.

    Returns
    -------
    SmearResult
        Everything that is known of the smear. It does not depend on the number of workers.

    Raises
    ------
    InputError
        Where nothing readable stands at the path; NoSmearError where no field shows a smear.
    CalibrationError
        Where no pixel size can be had.
    ModelError
        Where a model is missing or altered.
    UsageError
        Where age, sex or count are impossible.
    """
    settings = settings or Settings()
    identity = identity or Identity()
    age = Age.parse(identity.age) if identity.age else None
    wbc, sex = checked_wbc(wbc), checked_sex(identity.sex or None)
    ranges = load_ranges(settings.ranges)
    smear = open_smear(smear_path)
    scanner, detector_models = store.load_detector(root=settings.models)
    classifier, classifier_models = store.load_classifier(
        settings.classifier, root=settings.models, cnn_share=settings.cnn_share
    )
    calibration = calibrate_smear(smear, settings=settings, progress=progress)
    abstention, abstention_models = store.load_abstention(
        settings.classifier, classifier_models, root=settings.models, cnn_share=settings.cnn_share
    )
    survey = _Survey(classifier, abstention, settings)
    look = _looker(scanner, calibration, settings.detection_threshold)
    for item in map_fields(smear, look, workers=settings.workers, progress=progress):
        survey.add(item)
    survey.finish()
    _check_something_was_read(smear, survey)
    models = (*detector_models, *classifier_models, *abstention_models)
    correction = correction_of(
        survey.cells, settings=settings, models=models, strange=survey.strange, seed=settings.rules.seed
    )
    return SmearResult(
        name=smear.name,
        source=str(smear.source),
        fields=tuple(survey.summaries),
        refused=tuple(survey.refused),
        calibration=calibration,
        findings=(*calibration.findings, *survey.remarks()),
        cells=tuple(survey.cells),
        formula=make_formula(
            survey.counts(),
            ranges=ranges,
            wbc=wbc,
            age=age,
            sex=sex,
            rules=settings.rules,
            correction=correction,
        ),
        identity=identity,
        classifier=classifier.name,
        eosinophil_border=survey.border,
        models=models,
        settings=settings.record(),
        versions=versions(),
        crops=survey.crops,
        overview=survey.overview,
        explanations=explain_least_certain(classifier, survey.cells, survey.crops, survey.whites),
        ranges=ranges,
    )


def _check_something_was_read(smear: Smear, survey: "_Survey") -> None:
    if not survey.summaries:
        first = survey.refused[0] if survey.refused else Refusal(smear.name, "it is empty")
        raise NoSmearError(
            f"no field of {smear.source} can be analysed ({first.name}: {first.reason});"
            " give the microscope fields of a stained smear"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What one field gives: its remarks, its finds in reading order, and a crop of each."""

    field: Field
    findings: list[Finding]
    detections: list[Detection]
    crops: NDArray[np.uint8]


def _looker(scanner: Scanner, calibration: Calibration, threshold: float | None) -> Callable[[Field], _Look]:
    boxed_px = calibration.boxed_erythrocyte_px

    def look(field: Field) -> _Look:
        white = field.white_point
        found = scanner.detect(field.image, white=white, erythrocyte_px=boxed_px, threshold=threshold)
        detections = sorted(found, key=lambda d: (d.row, d.col))
        crops = np.empty((len(detections), CROP_PX, CROP_PX, 3), np.uint8)
        for crop, find in zip(crops, detections, strict=True):
            crop[...] = cut_cell(field.image, find.row, find.col, erythrocyte_px=boxed_px, white=white)
        remarks = assess_field(field, calibration.erythrocyte_px)
        remarks += remark_on_ink(field, detections, erythrocyte_px=boxed_px)
        return _Look(field, remarks, detections, crops)

    return look


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
class _Survey:
    """Gathers what the fields give, classifies their cells in batches, and decides once all are known."""

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
    _pending: list[_Look] = field(default_factory=list)
    _answered: list[_Answered] = field(default_factory=list)
    _of_smear: list[Finding] = field(default_factory=list)
    _most: int = 0
    _tested: int = 0
    _unlike: int = 0

    def add(self, look: _Look | Refusal) -> None:
        if isinstance(look, Refusal):
            self.refused.append(look)
            return
        self._pending.append(look)
        pixels = sum(waiting.field.image.size for waiting in self._pending)
        if pixels > _BATCH_PIXELS or sum(len(waiting.crops) for waiting in self._pending) >= _BATCH_CELLS:
            self._classify_pending()

    def finish(self) -> None:
        """Classify what waits, let the smear set its border, decide on every cell, and find those seen twice."""
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

    def _keep(self, look: _Look, answers: NDArray[np.float32], values: NDArray[np.float64]) -> None:
        name, image = look.field.name, look.field.image
        shape, white = image.shape[:2], look.field.white_point
        self._answered.append(_Answered(name, shape, white, look.detections, look.crops, answers, values))
        self.findings.extend(look.findings)
        decisions = map(self._decide, look.detections, answers, values)
        leukocytes = sum(one.counted and one.label.in_denominator for one in decisions)
        if self.overview is None or leukocytes > self._most:
            self.overview, self._most = Overview(name, image), leukocytes

    def remarks(self) -> tuple[Finding, ...]:
        folders = folders_remark(summary.name for summary in self.summaries)
        of_smear = assess_smear(self.findings, len(self.summaries))
        folders_too = [folders] if folders else []
        return (*self.alerts(), *self._of_smear, *folders_too, *of_smear, *self.findings)

    def alerts(self) -> list[Finding]:
        if not self.settings.flag_outliers:
            return []
        if self.abstention is None:
            return [Finding(NO_RULE, "info")]
        alert = outlier_alert(self._unlike, self._tested, level=self.settings.flag_outliers)
        return [alert] if alert else []

    @property
    def strange(self) -> bool:
        return any(alert.code == UNLIKE for alert in self.alerts())

    def _assess(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        if self.abstention is None or not len(crops):
            return self.classifier.predict(crops, whites), np.ones(len(crops))
        answers, features = answer_and_measure(self.classifier, crops, whites)
        return answers, self.abstention.p_values(answers, features)

    def counts(self) -> Counter[CellClass]:
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
