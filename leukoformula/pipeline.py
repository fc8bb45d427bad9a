"""The way of the data: from a smear to its leukocyte formula."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from cells.errors import NoSmearError
from cells.records import Field, Refusal
from cells.units import CROP_PX
from counting.age import Age
from counting.counts import checked_sex, checked_wbc
from counting.formula import make_formula
from detector.ink import remark_on_ink
from detector.scanner import Scanner
from features.crops import cut_cell
from leukoformula import store
from leukoformula.explaining import explain_least_certain
from leukoformula.fields import Progress, calibrate_smear, map_fields, silent
from leukoformula.reference import load_ranges
from leukoformula.result import Identity, SmearResult
from leukoformula.settings import Settings
from leukoformula.survey import FieldLook, Survey
from leukoformula.validation import correction_of
from leukoformula.versions import versions
from slides.calibration import Calibration
from slides.quality import measure_quality, remark_on
from slides.reader import Smear, open_smear


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
    settings, identity = settings or Settings(), identity or Identity()
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
    survey = Survey(classifier, abstention, settings)
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


def _check_something_was_read(smear: Smear, survey: Survey) -> None:
    if not survey.summaries:
        first = survey.refused[0] if survey.refused else Refusal(smear.name, "it is empty")
        raise NoSmearError(
            f"no field of {smear.source} can be analysed ({first.name}: {first.reason});"
            " give the microscope fields of a stained smear"
        )


def _looker(
    scanner: Scanner, calibration: Calibration, threshold: float | None
) -> Callable[[Field], FieldLook]:
    boxed_px = calibration.boxed_erythrocyte_px

    def look(field: Field) -> FieldLook:
        white = field.white_point
        found = scanner.find(field, erythrocyte_px=boxed_px, threshold=threshold)
        detections = sorted(found, key=lambda d: (d.row, d.col))
        crops = np.empty((len(detections), CROP_PX, CROP_PX, 3), np.uint8)
        for crop, find in zip(crops, detections, strict=True):
            crop[...] = cut_cell(field.image, find.row, find.col, erythrocyte_px=boxed_px, white=white)
        quality = measure_quality(field, calibration.erythrocyte_px)
        remarks = remark_on(field.name, quality)
        remarks += remark_on_ink(field, detections, erythrocyte_px=boxed_px)
        return FieldLook(field, remarks, detections, crops, quality.colour)

    return look
