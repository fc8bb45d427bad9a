"""The comparison itself: classifiers on labelled sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, UsageError
from cells.vocabulary import CellClass
from classifiers.ensemble import EnsembleClassifier
from evaluation.class_scores import Share
from evaluation.comparison.bootstrap import RESAMPLES
from evaluation.comparison.cost import Cost, measure_cost
from evaluation.comparison.disagreements import Case, disagreeing, explain_case, worst
from evaluation.comparison.formulas import Agreement, agree
from evaluation.comparison.judging import Judgement, judge
from evaluation.comparison.labelled import LabelledCells
from evaluation.comparison.overlap import Overlap, find_overlaps, refuse_overlaps
from evaluation.comparison.pairs import Pair, compare_pairs
from evaluation.comparison.reliability import share_of
from evaluation.comparison.systems import System
from slides.crop_check import CropDoubts

GALLERY = 24
"""So many cells on which the classifiers disagree are shown, at most."""

_BATCH = 256

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How classifiers are compared.

    Parameters
    ----------
    known_answers : bool, optional
        Whether only answers that the truth knows are left.
    allow_overlap : bool, optional
        Whether training images may be judged on.
    timing : bool, optional
        Whether time and memory are measured, in fresh processes.
    models : Path or None, optional
        Folder of models that names refer to, for the timing.
    seed : int, optional
        Seed of every drawing.
    resamples : int, optional
        Drawings behind an interval.
    gallery : int, optional
        Most cells shown.
    """

    known_answers: bool = False
    allow_overlap: bool = False
    timing: bool = True
    models: Path | None = None
    seed: int = 0
    resamples: int = RESAMPLES
    gallery: int = GALLERY


@dataclass(frozen=True, slots=True, eq=False)
class SetResult:
    """All classifiers on one set.

    Parameters
    ----------
    cells : LabelledCells
        The set.
    labels : tuple of CellClass
        Class that each cell is scored as: its label, or the parent where a classifier has no finer answer.
    judgements : tuple of Judgement
        One for each classifier.
    pairs : tuple of Pair
        Every two of them.
    agreements : tuple of Agreement
        Formulas of each classifier over smears or patients.
    differing : tuple of int
        Cells on which they disagree, worst first.
    doubts : CropDoubts
        What speaks against the colours and the scale of the crops.
    shared : int, optional
        Number of cells whose image an earlier set of the comparison holds as well.
    """

    cells: LabelledCells
    labels: tuple[CellClass, ...]
    judgements: tuple[Judgement, ...]
    pairs: tuple[Pair, ...]
    agreements: tuple[Agreement, ...]
    differing: tuple[int, ...]
    doubts: CropDoubts
    shared: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """The doubts in sentences."""
        told = []
        if self.shared:
            told.append(
                f"{self.cells.name}: the images of {self.shared} cells stand in an earlier set as well, so"
                " that the figures of all sets together count them twice; do not trust those."
            )
        if self.doubts.grey:
            told.append(
                f"{self.cells.name}: the images are grey, but cells are told by the colours of their stain;"
                " do not trust the figures."
            )
        if self.doubts.swapped:
            told.append(
                f"{self.cells.name}: red and blue seem to be swapped (BGR instead of RGB?), since nuclei"
                " absorb blue more than red; do not trust the figures, correct the order of the channels and"
                " run again."
            )
        if self.doubts.size is not None:
            told.append(
                f"{self.cells.name}: the erythrocytes beside the cells are {self.doubts.size:.2f} times as"
                f" large as their scale says ({self.doubts.outlines} outlines); do not trust the figures,"
                " give their diameter in the manifest or with --erythrocyte-px."
            )
        return tuple(told)

    @property
    def coarsened(self) -> dict[CellClass, CellClass]:
        """Labels that are scored as their parent, and that parent."""
        pairs = dict(zip(self.cells.labels, self.labels, strict=True))
        return {label: scored for label, scored in pairs.items() if label is not scored}

    @property
    def wrong_by_all(self) -> int:
        """Number of cells that no classifier answered rightly."""
        return int((~np.stack([one.right for one in self.judgements])).all(axis=0).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Overall:
    """All classifiers on all sets together.

    Parameters
    ----------
    accuracy : tuple of Share
        For each classifier.
    pairs : tuple of Pair
        Every two of them.
    agreements : tuple of Agreement
        Formulas over the smears or patients of all sets; a set that names none is one smear.
    """

    accuracy: tuple[Share, ...]
    pairs: tuple[Pair, ...]
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A comparison of classifiers.

    Parameters
    ----------
    systems : tuple of System
        The classifiers.
    results : tuple of SetResult
        One for each set.
    overall : Overall or None
        None where there is one set alone.
    overlaps : tuple of Overlap
        Whether classifiers were trained on the images.
    costs : dict of str to Cost
        By the classifier's name; empty where not measured.
    cases : tuple of Case
        Cells on which the classifiers disagree.
    options : Options
        How it was made.
    facts : mapping of str to str
        Versions and the like, for the report.
    """

    systems: tuple[System, ...]
    results: tuple[SetResult, ...]
    overall: Overall | None
    overlaps: tuple[Overlap, ...]
    costs: dict[str, Cost]
    cases: tuple[Case, ...]
    options: Options
    facts: Mapping[str, str]

    @property
    def differing(self) -> int:
        """Number of cells on which the classifiers disagree."""
        return sum(len(result.differing) for result in self.results)

    @property
    def refused(self) -> int:
        """Number of images that could not be read."""
        return sum(len(result.cells.refused) for result in self.results)


def compare(
    systems: Sequence[System],
    sets: Sequence[LabelledCells],
    *,
    options: Options | None = None,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare classifiers.

    Parameters
    ----------
    systems : sequence of System
        The classifiers, at least one.
    sets : sequence of LabelledCells
        The labelled cells, at least one set.
    options : Options, optional
        How.
    facts : mapping of str to str, optional
        What else the report shall state.
    progress : callable, optional
        Told what is being done, steps done and steps in all.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        Where no set or no classifier is given, or two sets have one name.
    DataError
        Where a classifier was trained on images of a set and this is not allowed, or a set has one class
        alone and only known answers are left.
    """
    chosen, tell = options or Options(), progress or _silent
    names = [cells.name for cells in sets]
    if not systems or not sets or len(set(names)) != len(names):
        raise UsageError(
            f"{len(systems)} classifiers on the sets {names}: give each at least once, by its name"
        )
    for cells in sets:
        if chosen.known_answers and len(set(cells.labels)) == 1:
            raise DataError(
                f"all cells of {cells.name} are labelled {cells.labels[0]}: with known answers alone every"
                " answer is right; leave --known-answers out"
            )
    overlaps = find_overlaps(sets, systems)
    if not chosen.allow_overlap:
        refuse_overlaps(overlaps)
    results = tuple(
        replace(_judged(systems, cells, chosen, tell), shared=_shared(cells, sets[:place]))
        for place, cells in enumerate(sets)
    )
    return Comparison(
        tuple(systems),
        results,
        _overall(systems, results, chosen) if len(results) > 1 else None,
        overlaps,
        _costs(systems, sets[0], chosen, tell),
        _cases(systems, results, chosen, tell),
        chosen,
        dict(facts or {}),
    )


def _shared(cells: LabelledCells, earlier: Sequence[LabelledCells]) -> int:
    known = {found for other in earlier for found in other.hashes}
    return sum(found in known for found in cells.hashes)


def _silent(stage: str, done: int, total: int) -> None:
    del stage, done, total


def scored_labels(
    labels: Sequence[CellClass], answers: Sequence[Sequence[CellClass]]
) -> tuple[CellClass, ...]:
    """Return the class that each cell is scored as, the same for all classifiers.

    Parameters
    ----------
    labels : sequence of CellClass
        Labels of the cells.
    answers : sequence of sequence of CellClass
        Classes that each classifier answers with.

    Returns
    -------
    tuple of CellClass
        The label; its parent where a classifier answers with the parent but not with the label.
    """
    coarse = {
        label: label.parent
        for label in set(labels)
        if any(label not in classes and label.parent in classes for classes in answers)
    }
    return tuple(coarse.get(label) or label for label in labels)


def _judged(systems: Sequence[System], cells: LabelledCells, options: Options, tell: Progress) -> SetResult:
    labels = scored_labels(cells.labels, [system.classifier.classes for system in systems])
    judgements = tuple(
        judge(
            system.name,
            answers,
            system.classifier.classes,
            labels,
            cells.groups,
            seed=options.seed,
            known_answers=options.known_answers,
            resamples=options.resamples,
        )
        for system, answers in zip(systems, _all_predicted(systems, cells, tell), strict=True)
    )
    pairs = compare_pairs(
        [system.name for system in systems],
        [one.right for one in judgements],
        labels,
        cells.groups,
        seed=options.seed,
        resamples=options.resamples,
    )
    agreements = tuple(agree(one.system, labels, one.answers, cells.groups) for one in judgements)
    differing = tuple(disagreeing(judgements))
    return SetResult(cells, labels, judgements, pairs, agreements, differing, cells.doubts)


def _all_predicted(
    systems: Sequence[System], cells: LabelledCells, tell: Progress
) -> list[NDArray[np.float32]]:
    """Each classifier's probabilities; an ensemble takes those that its members have given already."""
    known: dict[Path, NDArray[np.float32]] = {}
    found: dict[str, NDArray[np.float32]] = {}
    for system in sorted(systems, key=lambda one: isinstance(one.classifier, EnsembleClassifier)):
        parts = [known.get(model.folder) for model in system.models]
        given = [part for part in parts if part is not None]
        if isinstance(system.classifier, EnsembleClassifier) and len(given) == len(parts):
            found[system.name] = system.classifier.combined(given)
            continue
        found[system.name] = _predicted(system, cells, tell)
        if len(system.models) == 1:
            known[system.models[0].folder] = found[system.name]
    return [found[system.name] for system in systems]


def _predicted(system: System, cells: LabelledCells, tell: Progress) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(cells), _BATCH):
        stop = start + _BATCH
        tell(f"{system.name} on {cells.name}", start, len(cells))
        parts.append(system.classifier.predict(cells.crops[start:stop], cells.whites[start:stop]))
    return np.concatenate(parts)


def _overall(systems: Sequence[System], results: Sequence[SetResult], options: Options) -> Overall:
    labels = [label for result in results for label in result.labels]
    groups = [
        f"{result.cells.name}\n{group}" if group else ""
        for result in results
        for group in result.cells.groups
    ]
    smears = [
        f"{result.cells.name}\n{group}" if group or not any(result.cells.groups) else ""
        for result in results
        for group in result.cells.groups
    ]
    right = [np.concatenate([result.judgements[k].right for result in results]) for k in range(len(systems))]
    answers = [
        [answer for result in results for answer in result.judgements[k].answers] for k in range(len(systems))
    ]
    return Overall(
        tuple(share_of(int(one.sum()), len(one)) for one in right),
        compare_pairs(
            [system.name for system in systems],
            right,
            labels,
            groups,
            seed=options.seed,
            resamples=options.resamples,
        ),
        tuple(
            agree(system.name, labels, given, smears) for system, given in zip(systems, answers, strict=True)
        ),
    )


def _costs(
    systems: Sequence[System], cells: LabelledCells, options: Options, tell: Progress
) -> dict[str, Cost]:
    if not options.timing:
        return {}
    found = {}
    for number, system in enumerate(systems):
        tell("measuring time and memory", number, len(systems))
        found[system.name] = measure_cost(system, cells.crops, cells.whites, models=options.models)
    return found


def _cases(
    systems: Sequence[System], results: Sequence[SetResult], options: Options, tell: Progress
) -> tuple[Case, ...]:
    ranked = sorted(
        (-worst(result.judgements, number), place, number)
        for place, result in enumerate(results)
        for number in result.differing[: options.gallery]
    )[: options.gallery]
    cases = []
    for done, (_, place, number) in enumerate(ranked):
        tell("explaining", done, len(ranked))
        cases.append(explain_case(systems, results[place].judgements, results[place].cells, number))
    return tuple(cases)
