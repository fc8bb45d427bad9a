"""An evaluation of the detector from start to end, and its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cells.errors import InputError, UsageError
from classifiers.base import Classifier
from detector.audit import AuditRows
from detector.scanner import Scanner
from evaluation.detection.causes import Cause, suggest
from evaluation.detection.curves import RESAMPLES
from evaluation.detection.figures import Judgement, judge
from evaluation.detection.labels import Roles
from evaluation.detection.scale import Scale, scales_of
from evaluation.detection.scan import Error, Scanned, scan_fields
from evaluation.detection.truth import Fault, load_truth

SEED = 20261120
"""Seed of the bootstrap."""

CLASS_NUMBERS = "Class numbers"
"""Name of the fact that says what the class numbers of YOLO files stand for."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be evaluated, and how.

    Parameters
    ----------
    images : Path
        Folder of fields.
    truth : Path
        Folder of VOC or YOLO files, or a COCO document.
    form : {"voc", "yolo", "coco"}
        Format of the truth.
    roles : Roles, optional
        What each label stands for.
    classes : Path, optional
        Names of the YOLO classes.
    missing : {"left_out", "empty"}, optional
        What becomes of an image without annotation.
    erythrocyte_px, um_per_px : float, optional
        Erythrocyte diameter as a box measures it, in px, or pixel size in µm per px; at most one of them.
    threshold : float, optional
        Least score of a find; None takes that of the model.
    seed : int, optional
        Seed of the bootstrap.
    resamples : int, optional
        Number of resamples.
    """

    images: Path
    truth: Path
    form: str
    roles: Roles = field(default_factory=Roles)
    classes: Path | None = None
    missing: str = "left_out"
    erythrocyte_px: float | None = None
    um_per_px: float | None = None
    threshold: float | None = None
    seed: int = SEED
    resamples: int = RESAMPLES


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An evaluation of the detector.

    Parameters
    ----------
    request : Request
        What was asked for.
    threshold : float
        The operating threshold.
    judgements : tuple of Judgement
        The detector alone and, where asked for, with the classifier.
    scanned : Scanned
        Fields, finds, errors.
    causes : tuple of Cause
        Suggested cause of each error of ``scanned``.
    faults : tuple of Fault
        Everything that is wrong with images and truth.
    facts : mapping of str to str
        Model, classifier and versions, for the pages and the record.
    """

    request: Request
    threshold: float
    judgements: tuple[Judgement, ...]
    scanned: Scanned
    causes: tuple[Cause, ...]
    faults: tuple[Fault, ...]
    facts: Mapping[str, str]

    @property
    def left_out(self) -> int:
        """Number of fields that could not be judged."""
        return len({fault.where for fault in self.faults if fault.left_out})

    def errors(self, kind: str) -> list[tuple[Error, Cause]]:
        """Return the false finds (``"false"``) or the misses (``"missed"``), the worst first.

        Parameters
        ----------
        kind : {"false", "missed"}
            Which.

        Returns
        -------
        list of (Error, Cause)
            False finds by falling score, misses by rising score; ties by field and place.
        """
        sign = -1.0 if kind == "false" else 1.0
        chosen = [
            (error, cause)
            for error, cause in zip(self.scanned.errors, self.causes, strict=True)
            if error.kind == kind
        ]
        return sorted(chosen, key=lambda one: (sign * one[0].score, one[0].field, one[0].row, one[0].col))


def evaluate_detector(
    scanner: Scanner,
    request: Request,
    *,
    audit: AuditRows | None = None,
    classifier: Classifier | None = None,
    facts: Mapping[str, str] | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Evaluation:
    """Hold the detector against a truth.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    request : Request
        What is to be evaluated, and how.
    audit : AuditRows, optional
        Audit list that is applied to the boxes.
    classifier : Classifier, optional
        Where given, figures without the finds that it calls no leukocyte are made, too.
    facts : mapping of str to str, optional
        Model, classifier and versions, for the pages.
    progress : callable, optional
        Is told of each step.

    Returns
    -------
    Evaluation
        The same for the same input and seed.

    Raises
    ------
    InputError
        Where the folders are missing or no field at all can be judged.
    DataError
        Where a truth document cannot be read.
    UsageError
        Where options exclude each other or are out of range.
    CalibrationError
        Where the pixel size given is impossible.
    """
    _check(request)
    truth = load_truth(
        request.images,
        request.truth,
        form=request.form,
        roles=request.roles,
        classes=request.classes,
        audit=audit,
        missing=request.missing,
        progress=progress,
    )
    scales: dict[str, Scale]
    scales, unscaled = scales_of(
        truth.fields, erythrocyte_px=request.erythrocyte_px, um_per_px=request.um_per_px
    )
    total = len(scales)
    scanned = scan_fields(
        scanner,
        truth.fields,
        scales,
        threshold=request.threshold,
        classifier=classifier,
        progress=lambda done: progress("scanning", done, total),
    )
    faults = (*truth.faults, *unscaled, *scanned.faults)
    classes = {CLASS_NUMBERS: truth.classes} if truth.classes else {}
    if not scanned.fields:
        first = next((fault for fault in faults if fault.left_out), None)
        reason = f" ({first.where}: {first.what})" if first else ""
        raise InputError(f"no field of {request.images} can be judged{reason}; check --truth and --format")
    return Evaluation(
        request,
        scanner.cascade.threshold if request.threshold is None else request.threshold,
        judge(scanned, seed=request.seed, resamples=request.resamples),
        scanned,
        tuple(suggest(error) for error in scanned.errors),
        faults,
        {**(facts or {}), **classes},
    )


def _check(request: Request) -> None:
    if request.erythrocyte_px is not None and request.um_per_px is not None:
        raise UsageError("give --erythrocyte-px or --um-per-px, not both")
    if request.threshold is not None and not (np.isfinite(request.threshold) and abs(request.threshold) <= 1):
        raise UsageError(f"threshold {request.threshold} is out of range; scores lie between -1 and 1")
    if request.resamples < 1 or request.seed < 0:
        raise UsageError("the bootstrap needs at least 1 resample and a seed of 0 or more")
