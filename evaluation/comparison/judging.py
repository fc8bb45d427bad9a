"""One classifier on one set: right and wrong, figures with intervals, calibration."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass, pooled
from evaluation.class_scores import Score, known_answers_only, pool_columns, score
from evaluation.comparison.bootstrap import (
    RESAMPLES,
    Estimate,
    Floats,
    by_group,
    group_numbers,
    interval,
    resampled,
)
from evaluation.comparison.reliability import Reliability, reliability


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A classifier's answers on a set, held against the truth.

    Parameters
    ----------
    system : str
        Name of the classifier.
    score : Score
        Confusion matrix; accuracy, recall and precision with exact intervals.
    balanced : Estimate
        Mean recall over the classes.
    macro_f1 : Estimate
        Mean F1 over the classes.
    f1 : dict of CellClass to Estimate
        For each class of the truth.
    answers : tuple of CellClass
        The answer to each of N cells, children pooled where the truth pools them.
    finest : tuple of CellClass
        The same, as fine as the classifier answers.
    probability : ndarray of shape (N,), float64
        Probability of each answer.
    right : ndarray of shape (N,), bool
        Whether it is right.
    calibration : Reliability
        Calibration of these probabilities.
    """

    system: str
    score: Score
    balanced: Estimate
    macro_f1: Estimate
    f1: dict[CellClass, Estimate]
    answers: tuple[CellClass, ...]
    finest: tuple[CellClass, ...]
    probability: Floats
    right: NDArray[np.bool_]
    calibration: Reliability


def judge(
    name: str,
    probabilities: NDArray[np.float32],
    classes: Sequence[CellClass],
    labels: Sequence[CellClass],
    groups: Sequence[str],
    *,
    seed: int,
    known_answers: bool = False,
    resamples: int = RESAMPLES,
) -> Judgement:
    """Judge a classifier's probabilities.

    Parameters
    ----------
    name : str
        Name of the classifier.
    probabilities : ndarray of shape (N, K), float32
        One row for each cell, N at least 1.
    classes : sequence of CellClass
        Classes of the columns.
    labels : sequence of CellClass
        True class of each cell. Where it is a pooled class that no cell of the set splits, the probabilities
        of its children are added up.
    groups : sequence of str
        Smear or patient of each cell, empty where unknown; drawn as a whole for the intervals.
    seed : int
        Seed of the drawings.
    known_answers : bool, optional
        Whether only answers that the truth knows are left to the classifier, scaled to sum to 1.
    resamples : int, optional
        Number of drawings.

    Returns
    -------
    Judgement
    """
    if known_answers:
        kept = known_answers_only(probabilities, classes, labels)
        probabilities = np.asarray(kept / np.maximum(kept.sum(axis=1, keepdims=True), 1e-12), np.float32)
    columns, answered = pool_columns(probabilities, classes, labels)
    found = score(probabilities, classes, labels)
    chosen = columns.argmax(axis=1)
    truth = np.array([found.truths.index(label) for label in labels])
    allowed = _allowed(found)
    tables = np.zeros((len(labels), *found.confusion.shape))
    tables[np.arange(len(labels)), truth, chosen] = 1.0
    sums = by_group(tables.reshape(len(labels), -1), group_numbers(groups))
    draws = resampled(sums, seed=seed, resamples=resamples).reshape(-1, *found.confusion.shape)
    whole = [k for k, t in enumerate(found.truths) if not set(t.children) & set(found.truths)]
    recall, f1 = _figures(found.confusion[None].astype(np.float64), allowed)
    recalls, f1s = _figures(draws, allowed)
    right = allowed[truth, chosen]
    probability = columns[np.arange(len(labels)), chosen].astype(np.float64)
    return Judgement(
        name,
        found,
        Estimate(float(recall[0, whole].mean()), *interval(_mean(recalls[:, whole]))),
        Estimate(float(f1[0, whole].mean()), *interval(_mean(f1s[:, whole]))),
        {t: Estimate(float(f1[0, k]), *interval(f1s[:, k])) for k, t in enumerate(found.truths)},
        tuple(answered[k] for k in chosen),
        _finest(probabilities, classes, [answered[k] for k in chosen]),
        probability,
        right,
        reliability(np.clip(probability, 0.0, 1.0), right, seed=seed),
    )


def _allowed(found: Score) -> NDArray[np.bool_]:
    """Whether an answer (column) is right for a true class (row)."""
    return np.array([[pooled(a, [t]) is t for a in found.answers] for t in found.truths])


def _figures(tables: Floats, allowed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Recall and F1 of each class for each of many confusion matrices; NaN where a class has no cell."""
    cells = tables.sum(axis=2)
    hits = (tables * allowed).sum(axis=2)
    said = tables.sum(axis=1) @ allowed.T
    said_right = (tables * allowed).sum(axis=1) @ allowed.T
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = np.where(cells > 0, hits / cells, math.nan)
        precision = np.where(said > 0, said_right / said, 0.0)
        f1 = np.where(recall + precision > 0, 2 * recall * precision / (recall + precision), 0.0)
    return recall, np.where(cells > 0, f1, math.nan)


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), math.nan), np.float64)


def _finest(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], answers: Sequence[CellClass]
) -> tuple[CellClass, ...]:
    columns = {a: [k for k, c in enumerate(classes) if c is a or c.parent is a] for a in set(answers)}
    found = []
    for row, answer in zip(probabilities, answers, strict=True):
        among = columns[answer]
        found.append(classes[max(among, key=lambda k: float(row[k]))])
    return tuple(found)
