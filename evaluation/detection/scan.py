"""Every field scanned twice: as the detector is used, and down to a low score for the curves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cells.errors import InputError
from cells.records import Detection, RGBImage, WhitePoint
from cells.units import BOXED_PER_EDGE, CROP_PX, Pixels
from classifiers.base import Classifier
from detector.frame import leave_out_rim
from detector.samples import TrainingField
from detector.scanner import Scanner
from detector.truth import Box
from evaluation.detection.facts import Facts, measure, yardstick
from evaluation.detection.scale import Scale
from evaluation.detection.truth import DOUBTED, Fault, FieldTruth, field_lighting
from evaluation.finds import GATE, FieldOutcome, judge_field, truth_in_light
from features.crops import cut_cell
from leukoformula.decisions import NOT_A_LEUKOCYTE, decide
from leukoformula.settings import Settings
from slides.channel_order import SWAPPED_SHARE, measure_order, share_swapped
from slides.optics import white_point

FLOOR = -0.4
"""Least score of the finds that the curves are made of."""

SAMPLED = 60
"""Number of fields, evenly spread, whose order of colours is looked at."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """What the classifier says of a find.

    Parameters
    ----------
    label : str
        Most probable class, or ``unidentified``.
    probability : float
        Its probability.
    leukocyte : float
        Probability of all classes but ``artefact`` and ``platelet``.
    rejected : bool
        Whether it says "not a leukocyte".
    """

    label: str
    probability: float
    leukocyte: float
    rejected: bool


@dataclass(frozen=True, slots=True)
class Error:
    """A false find or a miss, with what can be measured of it.

    Parameters
    ----------
    field : int
        Number of the field.
    kind : {"false", "missed"}
        What it is.
    row, col : float
        Centre in pixels.
    size_px : float
        Estimated diameter of the find, or mean side of the box.
    score : float
        Score of the find; for a miss that of the best find on it in the low scan, minus infinity without.
    box : Box or None
        The box that was missed.
    facts : Facts
        What was measured there.
    answer : Answer or None
        The classifier's answer to a crop of the place.
    """

    field: int
    kind: str
    row: float
    col: float
    size_px: float
    score: float
    box: Box | None
    facts: Facts
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A find of the low scan.

    Parameters
    ----------
    field : int
        Number of the field.
    score : float
        Score.
    hit : bool
        Whether it finds a leukocyte that no better find has.
    ignored : bool
        Whether it counts neither as find nor as error where it is no hit.
    rejected : bool
        Whether the classifier says "not a leukocyte".
    """

    field: int
    score: float
    hit: bool
    ignored: bool
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Scanned:
    """What came of a set of fields.

    Parameters
    ----------
    fields : tuple of FieldTruth
        The fields that were scanned.
    scales : tuple of Scale
        Their erythrocyte diameters.
    outcomes : tuple of FieldOutcome
        The detector's finds against the truth, at the operating threshold.
    accepted : tuple of FieldOutcome
        The same without the finds that the classifier rejects; empty without classifier.
    answers : tuple of dict
        For each field the classifier's answer to each find, by (row, col).
    candidates : tuple of Candidate
        The finds of the low scan.
    accepted_candidates : tuple of Candidate
        The same without those that the classifier rejects, hits assigned anew; empty without classifier.
    errors : tuple of Error
        False finds and misses of the detector.
    faults : tuple of Fault
        Fields that could not be scanned, and the doubt that red and blue are swapped.
    floor : float
        Least score of the low scan.
    """

    fields: tuple[FieldTruth, ...]
    scales: tuple[Scale, ...]
    outcomes: tuple[FieldOutcome, ...]
    accepted: tuple[FieldOutcome, ...]
    answers: tuple[Mapping[tuple[float, float], Answer], ...]
    candidates: tuple[Candidate, ...]
    accepted_candidates: tuple[Candidate, ...]
    errors: tuple[Error, ...]
    faults: tuple[Fault, ...]
    floor: float


def unrestrained(scanner: Scanner) -> Scanner:
    """Return a scanner that gives every window its score, so that low scores mean what they say.

    Parameters
    ----------
    scanner : Scanner
        The detector.

    Returns
    -------
    Scanner
        The same ensemble without early rejection of windows.
    """
    return replace(scanner, cascade=scanner.cascade.ungated())


def scan_fields(
    scanner: Scanner,
    fields: Iterable[FieldTruth],
    scales: Mapping[str, Scale],
    *,
    threshold: float | None = None,
    classifier: Classifier | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Scanned:
    """Scan fields and hold the finds against the truth.

    Parameters
    ----------
    scanner : Scanner
        The detector.
    fields : iterable of FieldTruth
        Fields with their truth.
    scales : mapping of str to Scale
        Erythrocyte diameter of each; a field without one is passed over.
    threshold : float, optional
        Least score of a find; None takes that of the model.
    classifier : Classifier, optional
        Where given, figures without the finds that it calls no leukocyte are made, too.
    progress : callable, optional
        Receives the number of fields done.

    Returns
    -------
    Scanned
        Everything that the pages are made of; images are not kept.
    """
    operating = scanner.cascade.threshold if threshold is None else threshold
    floor = min(FLOOR, operating - 0.2)
    work = _Work(scanner, unrestrained(scanner), operating, floor, classifier)
    stride = max(1, len(scales) // SAMPLED)
    for field in fields:
        if field.name in scales:
            work.looks_at_colours = len(work.fields) % stride == 0
            work.add(field, scales[field.name])
            progress(len(work.fields))
    return work.result()


class _Work:
    def __init__(
        self, scanner: Scanner, low: Scanner, operating: float, floor: float, classifier: Classifier | None
    ) -> None:
        self._scanner, self._low, self._operating, self._floor = scanner, low, operating, floor
        self._classifier = classifier
        self.fields: list[FieldTruth] = []
        self._scales: list[Scale] = []
        self._outcomes: list[FieldOutcome] = []
        self._accepted: list[FieldOutcome] = []
        self._answers: list[Mapping[tuple[float, float], Answer]] = []
        self._candidates: list[Candidate] = []
        self._accepted_candidates: list[Candidate] = []
        self._errors: list[Error] = []
        self._faults: list[Fault] = []
        self._orders: list[float | None] = []
        self.looks_at_colours = True

    def add(self, field: FieldTruth, scale: Scale) -> None:
        try:
            lighting = field_lighting(field)
        except InputError as error:
            self._faults.append(Fault("image", field.name, str(error), left_out=True))
            return
        number, image, px = len(self.fields), lighting.image, scale.erythrocyte_px
        white = white_point(image)
        if self.looks_at_colours:
            self._orders.append(measure_order(image, white, px / BOXED_PER_EDGE))
        boxes = field.leukocytes, field.open, field.platelets
        truth = truth_in_light(TrainingField(field.name, image, white, px, *boxes, lighting.lit))
        finds, low = (
            leave_out_rim(
                scanner.detect(image, white=white, erythrocyte_px=px, threshold=limit),
                lighting.lit,
                shape=image.shape,
                erythrocyte_px=px,
            )
            for scanner, limit in ((self._scanner, self._operating), (self._low, self._floor))
        )
        outcome = judge_field(truth, finds)
        self.fields.append(field)
        self._scales.append(scale)
        self._outcomes.append(outcome)
        answers = self._classify(image, white, px, [*finds, *low])
        self._answers.append({(f.row, f.col): a for f, a in zip(finds, answers, strict=False)})
        self._candidates += _candidates(number, truth, low)
        if self._classifier is not None:
            rejected = [answer.rejected for answer in answers]
            kept = [find for find, no in zip(finds, rejected, strict=False) if not no]
            self._accepted.append(judge_field(truth, kept))
            low_kept = [find for find, no in zip(low, rejected[len(finds) :], strict=True) if not no]
            self._accepted_candidates += _candidates(number, truth, low_kept)
        self._errors += self._described(number, field, truth, outcome, low)

    def _described(
        self,
        number: int,
        field: FieldTruth,
        truth: TrainingField,
        outcome: FieldOutcome,
        low: Sequence[Detection],
    ) -> list[Error]:
        finds = [(find, None) for find in outcome.false]
        misses = [
            (Detection(*box.centre, Pixels(box.size), best_score(low, box)), box) for box in outcome.missed
        ]
        places: list[tuple[Detection, Box | None]] = [*finds, *misses]
        answers: Sequence[Answer | None] = self._classify(
            truth.image, truth.white, truth.erythrocyte_px, [place for place, _ in places]
        )
        if not places:
            return []
        yard = yardstick(truth)
        described = []
        for (place, box), answer in zip(places, answers or [None] * len(places), strict=True):
            row, col, size = place.row, place.col, float(place.diameter_px)
            facts = measure(
                truth, field, outcome, row=row, col=col, size_px=size, box=box, yard=yard, cut=place.at_border
            )
            kind = "false" if box is None else "missed"
            described.append(Error(number, kind, row, col, size, place.score, box, facts, answer))
        return described

    def _classify(
        self, image: RGBImage, white: WhitePoint, erythrocyte_px: float, finds: Sequence[Detection]
    ) -> list[Answer]:
        if self._classifier is None:
            return []
        answers: list[Answer] = []
        for start in range(0, len(finds), _BATCH):
            part = finds[start : start + _BATCH]
            crops = np.empty((len(part), CROP_PX, CROP_PX, 3), np.uint8)
            for crop, find in zip(crops, part, strict=True):
                crop[...] = cut_cell(image, find.row, find.col, erythrocyte_px=erythrocyte_px, white=white)
            whites = np.broadcast_to(np.asarray(white, np.float64), (len(part), 3))
            answers += [_answer(row, self._classifier) for row in self._classifier.predict(crops, whites)]
        return answers

    def result(self) -> Scanned:
        return Scanned(
            tuple(self.fields),
            tuple(self._scales),
            tuple(self._outcomes),
            tuple(self._accepted),
            tuple(self._answers),
            tuple(self._candidates),
            tuple(self._accepted_candidates),
            tuple(self._errors),
            (*self._faults, *_swapped(self._orders)),
            self._floor,
        )


def _swapped(orders: Sequence[float | None]) -> list[Fault]:
    share = share_swapped(orders)
    if share < SWAPPED_SHARE:
        return []
    said = (
        f"red and blue seem to be swapped (BGR instead of RGB?) in {100 * share:.0f} % of the images that"
        " tell; the figures are not to be trusted, correct the order of the channels"
    )
    return [Fault(DOUBTED, "all fields", said)]


def _answer(probabilities: NDArray[np.float32], classifier: Classifier) -> Answer:
    decision = decide(
        probabilities, classifier.classes, abstain_below=Settings().abstain_below, in_frame=True
    )
    leukocyte = sum(
        float(value)
        for label, value in zip(classifier.classes, probabilities, strict=True)
        if label.value not in {"artefact", "platelet"}
    )
    return Answer(decision.label.value, decision.probability, leukocyte, decision.reason == NOT_A_LEUKOCYTE)


def best_score(finds: Sequence[Detection], box: Box) -> float:
    """Return the best score of the finds within the gate of a box, minus infinity where there is none."""
    row, col = box.centre
    near = [f.score for f in finds if np.hypot(f.row - row, f.col - col) <= GATE * box.size]
    return max(near, default=-np.inf)


def _candidates(number: int, truth: TrainingField, finds: Sequence[Detection]) -> list[Candidate]:
    bare = replace(truth, leukocytes=())
    sound = {id(find) for find in judge_field(bare, finds).false}
    hits = first_hits(finds, truth.leukocytes)
    return [
        Candidate(number, find.score, hit, id(find) not in sound)
        for find, hit in zip(finds, hits, strict=True)
    ]


def first_hits(finds: Sequence[Detection], boxes: Sequence[Box]) -> list[bool]:
    """Tell which finds, taken from the best score down, raise the number of leukocytes found.

    Parameters
    ----------
    finds : sequence of Detection
        Finds by falling score.
    boxes : sequence of Box
        Leukocytes.

    Returns
    -------
    list of bool
        One for each find. At every threshold the number of hits at or above it is the number of pairs of
        `evaluation.detector.match_finds` on the finds at or above it: augmenting paths (Kuhn) reach the
        largest matching of each prefix, and a find once matched stays matched.
    """
    near: list[list[int]] = [[] for _ in finds]
    if finds and boxes:
        tree = cKDTree([(find.row, find.col) for find in finds])
        for number, box in enumerate(boxes):
            for find in tree.query_ball_point(box.centre, GATE * box.size):
                near[find].append(number)
    holder: dict[int, int] = {}

    def augment(find: int, seen: set[int]) -> bool:
        for box in near[find]:
            if box in seen:
                continue
            seen.add(box)
            if box not in holder or augment(holder[box], seen):
                holder[box] = find
                return True
        return False

    return [augment(number, set()) for number in range(len(finds))]
