"""Runs of the detector over fields with boxes: as the program scans, and otherwise for comparison."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from cells.records import Detection
from classifiers.base import Classifier
from detector.centres import SPACING
from detector.frame import leave_out_rim
from detector.neighbours import with_neighbours
from detector.samples import TrainingField
from detector.scanner import Scanner
from detector.suppression import suppress
from detector.truth import Box
from evaluation.finds import FieldOutcome, judge_field, match_finds
from features.crops import cut_cell
from leukoformula.decisions import likeliest


def run_detector(
    scanner: Scanner,
    fields: Iterable[TrainingField],
    *,
    threshold: float | None = None,
    classifier: Classifier | None = None,
    scale: float = 1.0,
    windows: Sequence[float] = (1.0,),
) -> list[FieldOutcome]:
    """Scan fields, the erythrocyte diameter being given by their boxes, and judge each.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    fields : iterable of TrainingField
        Fields with audited boxes.
    threshold : float, optional
        Least score of a find; None takes that of the model.
    classifier : Classifier, optional
        Where given, finds that it takes for no leukocyte are left out (`keep_leukocytes`).
    scale : float, optional
        Factor on the erythrocyte diameter that the detector is told, above 0: a wrong calibration.
    windows : sequence of float, optional
        Factors of the told diameter at which each field is scanned, above 0; the finds of several scans are
        merged (`merge_scans`). The program itself scans once.

    Returns
    -------
    list of FieldOutcome
        One for each field.
    """
    outcomes: list[FieldOutcome] = []
    for field in fields:
        told = field.erythrocyte_px * scale
        scans = [
            scanner.detect(field.image, white=field.white, erythrocyte_px=told * window, threshold=threshold)
            for window in windows
        ]
        finds = merge_scans(scans, erythrocyte_px=told)
        finds = leave_out_rim(finds, field.lit, shape=field.image.shape, erythrocyte_px=told)
        if classifier is not None:
            finds = keep_leukocytes(finds, replace(field, erythrocyte_px=told), classifier)
        outcomes.append(judge_field(field, finds))
    return outcomes


def laid_together(fields: Iterable[TrainingField], *, seed: int = 0) -> list[TrainingField]:
    """Lay more leukocytes of each field, in its stain and under its lamp, against those that it shows.

    Parameters
    ----------
    fields : iterable of TrainingField
        Fields with audited boxes; those without a leukocyte are left out.
    seed : int, optional
        Seed of the choice.

    Returns
    -------
    list of TrainingField
        Each field with up to three copies of its leukocytes; see `detector.neighbours.with_neighbours`.
    """
    rng = np.random.default_rng(seed)
    return [with_neighbours(field, field, rng) for field in fields if field.leukocytes]


def merge_scans(scans: Sequence[Sequence[Detection]], *, erythrocyte_px: float) -> list[Detection]:
    """Merge the finds of several scans of one field as one scan removes repeated finds of a cell.

    Parameters
    ----------
    scans : sequence of sequence of Detection
        Finds of each scan; those of a single scan are returned as they are.
    erythrocyte_px : float
        Erythrocyte diameter in pixels, above 0: the unit of the distances.

    Returns
    -------
    list of Detection
        The finds chosen, unaltered, ordered by (-score, row, column); no two of them closer than
        `detector.centres.SPACING` erythrocyte diameters. Of finds equal in score and place, that of the
        earlier scan is chosen.
    """
    if len(scans) == 1:
        return list(scans[0])
    finds = [find for scan in scans for find in scan]
    points = np.array([(find.row, find.col) for find in finds], np.float64).reshape(-1, 2)
    scores = np.array([find.score for find in finds], np.float64)
    return [finds[number] for number in suppress(points, scores, spacing=SPACING * erythrocyte_px)]


def same_cells(
    scanner: Scanner, fields: Iterable[TrainingField], *, factor: float, threshold: float | None = None
) -> tuple[int, int, int]:
    """Hold the finds of fields against those of the same fields resampled.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    fields : iterable of TrainingField
        Fields; their boxes are not looked at.
    factor : float
        Scale of the resampled field, above 0.
    threshold : float, optional
        Least score of a find; None takes that of the model.

    Returns
    -------
    cells, same, more : int
        Counted finds of the fields as they are; those of them within half an erythrocyte diameter of a find
        of the resampled field, one to one; counted finds of the resampled fields that belong to no find of
        the field as it is.
    """
    cells = same = more = 0
    for field in fields:
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        image = np.asarray(
            cv2.resize(field.image, None, fx=factor, fy=factor, interpolation=method), np.uint8
        )
        before, after = (
            scanner.detect(
                pixels, white=field.white, erythrocyte_px=field.erythrocyte_px * scale, threshold=threshold
            )
            for pixels, scale in ((field.image, 1.0), (image, factor))
        )
        half = 0.5 * field.erythrocyte_px
        around = [Box(d.col - half, d.row - half, d.col + half, d.row + half, "find") for d in before]
        points = (np.array([(d.row, d.col) for d in after]).reshape(-1, 2) + 0.5) / factor - 0.5
        pairs = match_finds(points, around)
        cells += sum(d.counted for d in before)
        same += sum(before[box].counted for _, box in pairs)
        paired = {find for find, _ in pairs}
        more += sum(d.counted for number, d in enumerate(after) if number not in paired)
    return cells, same, more


def keep_leukocytes(
    finds: Sequence[Detection],
    field: TrainingField,
    classifier: Classifier,
) -> list[Detection]:
    """Leave out the finds that a classifier takes for no leukocyte.

    Parameters
    ----------
    finds : sequence of Detection
        Finds of the detector on the field.
    field : TrainingField
        The field.
    classifier : Classifier
        Classifier of cells with answers outside the denominator.

    Returns
    -------
    list of Detection
        The finds whose likeliest class is neither platelet, artefact, smudge cell nor erythroblast.
    """
    if not finds:
        return []
    crops = np.stack(
        [
            cut_cell(field.image, find.row, find.col, erythrocyte_px=field.erythrocyte_px, white=field.white)
            for find in finds
        ]
    )
    answers = classifier.predict(crops, np.broadcast_to(field.white, (len(crops), 3)))
    labels = [likeliest(answer, classifier.classes) for answer in answers]
    return [f for f, label in zip(finds, labels, strict=True) if label.in_denominator]
