"""Answers on a labelled set held against its truth: accuracy, recall, precision, confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass, clinical_order, pooled
from counting.intervals import clopper_pearson

_BANDS = CellClass.NEUTROPHIL.children


@dataclass(frozen=True, slots=True)
class Share:
    """A share of images with its exact 95 % interval.

    Parameters
    ----------
    hits, total : int
        Images that count and all images.
    value, low, high : float
        Share and interval, 0 to 1; NaN, 0 and 1 where there are no images.
    """

    hits: int
    total: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Agreement of answers with truth.

    Parameters
    ----------
    truths : tuple of CellClass
        Classes of the truth, in clinical order: rows of ``confusion``.
    answers : tuple of CellClass
        Classes answered, in clinical order: columns of ``confusion``.
    confusion : ndarray of shape (len(truths), len(answers)), int64
        Numbers of images.
    accuracy : Share
        Share of right answers among all images.
    balanced_accuracy : float
        Mean recall over the classes of the truth; a pooled class beside its own children is left out.
    recall, precision : dict of CellClass to Share
        For each class of the truth.
    """

    truths: tuple[CellClass, ...]
    answers: tuple[CellClass, ...]
    confusion: NDArray[np.int64]
    accuracy: Share
    balanced_accuracy: float
    recall: dict[CellClass, Share]
    precision: dict[CellClass, Share]


def pool_columns(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], labels: Sequence[CellClass]
) -> tuple[NDArray[np.float32], tuple[CellClass, ...]]:
    """Add up the probabilities of classes that the truth does not tell apart.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One column for each of ``classes``.
    classes : sequence of CellClass
        Classes answered.
    labels : sequence of CellClass
        True classes; where a pooled class is among them and none of its children is, the children's columns
        become one.

    Returns
    -------
    ndarray of shape (N, J), float32
        Probabilities of the classes returned beside it.
    tuple of CellClass
        Classes of the columns, in clinical order.
    """
    present = set(labels)
    target = []
    for c in classes:
        split = c.parent is None or c.parent not in present or present & set(c.parent.children)
        target.append(c if split or c.parent is None else c.parent)
    kept = tuple(clinical_order(target))
    result = np.zeros((len(probabilities), len(kept)), np.float32)
    for column, c in enumerate(target):
        result[:, kept.index(c)] += probabilities[:, column]
    return result, kept


def score(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], labels: Sequence[CellClass]
) -> Score:
    """Hold the most probable classes against the truth.

    An answer is right where it is the true class, or a child of a true class that is pooled. Answers that the
    truth does not know (``artefact`` in a set of leukocytes) are errors.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One row for each image; N at least 1.
    classes : sequence of CellClass
        Classes of the columns.
    labels : sequence of CellClass
        True class of each image.

    Returns
    -------
    Score
    """
    columns, answers = pool_columns(probabilities, classes, labels)
    truths = tuple(clinical_order(labels))
    chosen = columns.argmax(axis=1)
    confusion = np.zeros((len(truths), len(answers)), np.int64)
    np.add.at(confusion, ([truths.index(label) for label in labels], chosen), 1)
    right = np.array([[pooled(a, [t]) is t for a in answers] for t in truths])
    recall = {
        t: _share(int(confusion[k, right[k]].sum()), int(confusion[k].sum())) for k, t in enumerate(truths)
    }
    precision = {
        t: _share(int(confusion[:, right[k]][right[:, right[k]]].sum()), int(confusion[:, right[k]].sum()))
        for k, t in enumerate(truths)
    }
    whole = [t for t in truths if not set(t.children) & set(truths)]
    return Score(
        truths,
        answers,
        confusion,
        _share(int(confusion[right].sum()), len(labels)),
        float(np.mean([recall[t].value for t in whole])),
        recall,
        precision,
    )


@dataclass(frozen=True, slots=True)
class BandScore:
    """How band and segmented neutrophils are told apart, and how the rest does without that.

    Parameters
    ----------
    pooled : Share
        Right answers among all images where band and segmented neutrophils are one answer.
    called : Share
        Right answers among the cells that the truth calls band or segmented.
    likelier : Share
        The same where only the likelier of these two counts.
    """

    pooled: Share
    called: Share
    likelier: Share


def band_score(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], labels: Sequence[CellClass]
) -> BandScore | None:
    """Hold the answers against the truth with band and segmented neutrophils together and by themselves.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One row for each image; N at least 1.
    classes : sequence of CellClass
        Classes of the columns, band and segmented neutrophils among them.
    labels : sequence of CellClass
        True class of each image.

    Returns
    -------
    BandScore or None
        None where the truth does not hold both.
    """
    if not set(_BANDS) <= set(labels):
        return None
    parents = [label.parent if label in _BANDS else label for label in labels]
    columns, answers = pool_columns(probabilities, classes, [p for p in parents if p is not None])
    together = sum(answers[k] is parent for k, parent in zip(columns.argmax(axis=1), parents, strict=True))
    places = [index for index, label in enumerate(labels) if label in _BANDS]
    two = [classes.index(c) for c in _BANDS]
    called = sum(
        classes[k] is labels[n] for n, k in zip(places, probabilities[places].argmax(1), strict=True)
    )
    likelier = sum(
        _BANDS[k] is labels[n]
        for n, k in zip(places, probabilities[np.ix_(places, two)].argmax(1), strict=True)
    )
    return BandScore(
        _share(together, len(labels)), _share(called, len(places)), _share(likelier, len(places))
    )


def band_report(result: BandScore) -> str:
    """Return how band and segmented neutrophils are told apart as three lines of text."""
    return "\n".join(
        (
            f"band and segmented as one answer: accuracy {_text(result.pooled)}",
            f"band and segmented: called as labelled {_text(result.called)}",
            f"band against segmented, the likelier of the two: {_text(result.likelier)}",
        )
    )


def known_answers_only(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], labels: Sequence[CellClass]
) -> NDArray[np.float32]:
    """Leave a classifier only the answers that a set's truth knows, as a classifier trained on it has.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One column for each of ``classes``.
    classes : sequence of CellClass
        Classes answered.
    labels : sequence of CellClass
        True classes.

    Returns
    -------
    ndarray of shape (N, K), float32
        The same with 0 for every other answer; the rows no longer sum to 1.
    """
    known = np.array([pooled(c, labels) is not None for c in classes], np.float32)
    return np.asarray(probabilities * known, np.float32)


def report(result: Score) -> str:
    """Return a score as text: accuracy, a line for each class, and the confusion matrix.

    Parameters
    ----------
    result : Score
        The score.

    Returns
    -------
    str
        Lines of text.
    """
    lines = [
        f"accuracy {_text(result.accuracy)}   balanced accuracy {result.balanced_accuracy:.4f}",
        f"{'class':24}{'recall':>40}{'precision':>40}",
    ]
    lines += [f"{t:24}{_text(result.recall[t]):>40}{_text(result.precision[t]):>40}" for t in result.truths]
    heads = [a[:11] for a in result.answers]
    lines.append("truth \\ answer".ljust(24) + "".join(f"{h:>12}" for h in heads))
    for t, row in zip(result.truths, result.confusion, strict=True):
        lines.append(f"{t:24}" + "".join(f"{n:>12}" for n in row))
    return "\n".join(lines)


def _share(hits: int, total: int) -> Share:
    if total == 0:
        return Share(0, 0, float("nan"), 0.0, 1.0)
    interval = clopper_pearson(hits, total)
    return Share(hits, total, hits / total, interval.low, interval.high)


def _text(share: Share) -> str:
    return f"{share.value:.4f} ({share.low:.3f}–{share.high:.3f}) {share.hits}/{share.total}"
