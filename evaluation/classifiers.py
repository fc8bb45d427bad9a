"""How well a classifier does on a labelled set of single cells, every image counted.

Run as
``python -m evaluation.classifiers --data DIR --models leukoformula/models --classifier mlp --set bccd``.
``--blur 0.3`` first blurs each crop by a Gaussian of 0.3 µm, as a photograph out of focus is blurred;
``--normalise`` brings its colours to the reference stain; ``--known-answers`` leaves only the answers that
the set's truth knows.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.units import CROP_PX, CROP_UM
from cells.vocabulary import CellClass, clinical_order, pooled
from classifiers.base import Classifier
from counting.intervals import clopper_pearson
from evaluation.classifier_sets import SETS, LabelledSet, labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.store import load_classifier
from slides.normalisation import Normalisation, normalise

_BATCH = 256


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


def predict_set(
    classifier: Classifier, crops: NDArray[np.uint8], whites: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return a classifier's probabilities for many crops, in batches.

    Parameters
    ----------
    classifier : Classifier
        Any classifier.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops, N at least 1.
    whites : ndarray of shape (N, 3), float64
        Their white points.

    Returns
    -------
    ndarray of shape (N, K), float32
    """
    starts = range(0, len(crops), _BATCH)
    return np.concatenate([classifier.predict(crops[s : s + _BATCH], whites[s : s + _BATCH]) for s in starts])


def blurred(crops: NDArray[np.uint8], *, blur_um: float) -> NDArray[np.uint8]:
    """Blur crops as a photograph out of focus is blurred.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB squares of 27 µm.
    blur_um : float
        Standard deviation of the Gaussian, in µm; 0 leaves the crops as they are.

    Returns
    -------
    ndarray of shape (N, 112, 112, 3), uint8
        The crops, mirrored at the border for the blur.
    """
    if not blur_um:
        return crops
    sigma = blur_um * CROP_PX / CROP_UM
    soft = [cv2.GaussianBlur(crop, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) for crop in crops]
    return np.asarray(soft, np.uint8).reshape(crops.shape)


def normalised(
    cells: LabelledSet, method: Normalisation
) -> tuple[NDArray[np.uint8], NDArray[np.float64], int]:
    """Bring the crops of a set to the reference stain; crops that are refused stay as they are.

    Parameters
    ----------
    cells : LabelledSet
        The set.
    method : Normalisation
        How.

    Returns
    -------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        The crops.
    whites : ndarray of shape (N, 3), float64
        Their white points.
    refused : int
        Number of crops without a stain to go by.
    """
    crops, whites, refused = cells.crops.copy(), cells.whites.copy(), 0
    for number, (crop, white) in enumerate(zip(cells.crops, cells.whites, strict=True)):
        try:
            crops[number], whites[number] = normalise(crop, white, method=method)
        except DataError:
            refused += 1
    return crops, whites, refused


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Score one classifier on one labelled set and write the result to standard output.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("classifiers", main.__doc__)
    add_data(parser)
    add_models(parser)
    parser.add_argument("--classifier", choices=("cnn", "mlp", "ensemble"), required=True)
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument(
        "--known-answers",
        action="store_true",
        help="leave only the answers that the set's truth knows, as in papers on five classes",
    )
    parser.add_argument("--normalise", choices=[str(n) for n in Normalisation], default="none")
    parser.add_argument(
        "--blur",
        type=float,
        default=0.0,
        metavar="UM",
        help="standard deviation of a Gaussian blur of the crops, in µm (default: 0, none)",
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.blur < CROP_UM:
        parser.error(f"--blur must lie between 0 and {CROP_UM:.1f} µm")
    return exit_code_of(_score, options)


def _score(options: argparse.Namespace) -> None:
    classifier, _ = load_classifier(options.classifier, root=options.models)
    cells = labelled_set(options.set, options.data)
    cells = cells._replace(crops=blurred(cells.crops, blur_um=options.blur))
    crops, whites, unchanged = normalised(cells, Normalisation(options.normalise))
    probabilities = predict_set(classifier, crops, whites)
    if options.known_answers:
        probabilities = known_answers_only(probabilities, classifier.classes, cells.labels)
    result = score(probabilities, classifier.classes, cells.labels)
    blur = f", blurred by {options.blur:g} µm" if options.blur else ""
    sys.stdout.write(f"{options.classifier} on {options.set}, {len(cells.labels)} images{blur}\n")
    sys.stdout.write(f"{report(result)}\n")
    if unchanged:
        sys.stdout.write(f"{unchanged} images without a stain to normalise were taken as they are\n")


def _share(hits: int, total: int) -> Share:
    if total == 0:
        return Share(0, 0, float("nan"), 0.0, 1.0)
    interval = clopper_pearson(hits, total)
    return Share(hits, total, hits / total, interval.low, interval.high)


def _text(share: Share) -> str:
    return f"{share.value:.4f} ({share.low:.3f}–{share.high:.3f}) {share.hits}/{share.total}"


if __name__ == "__main__":
    raise SystemExit(main())
