"""How well a classifier does on a labelled set of single cells, every image counted.

Run as
``python -m evaluation.classifiers --data DIR --models leukoformula/models --classifier mlp --set bccd``.
``--blur 0.3`` first blurs each crop by a Gaussian of 0.3 µm, as a photograph out of focus is blurred;
``--normalise`` brings its colours to the reference stain; ``--known-answers`` leaves only the answers that
the set's truth knows; ``--no-prior`` takes out the prior for the mix of normal blood, for sets that have
another; ``--as-smear`` takes the set for one smear, as an analysis does (``classifiers.smear_border``).
"""

import argparse
import sys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.units import CROP_PX, CROP_UM
from classifiers.base import Classifier
from classifiers.smear_border import border_shift, neutrophil_odds
from evaluation.answers import as_one_smear, predict_set, predict_without_prior
from evaluation.class_scores import band_report, band_score, known_answers_only, report, score
from evaluation.classifier_sets import SETS, LabelledSet, labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.store import load_classifier
from slides.normalisation import Normalisation, normalise


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
    parser.add_argument(
        "--no-prior",
        action="store_true",
        help="take out the prior for the mix of normal blood, for sets whose mix is another",
    )
    parser.add_argument(
        "--as-smear",
        action="store_true",
        help="take the set for one smear, which sets the border between eosinophils and neutrophils",
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


def _border(classifier: Classifier, probabilities: NDArray[np.float32]) -> str:
    median, shift = neutrophil_odds(classifier, probabilities), border_shift(classifier, probabilities)
    if median is None:
        return "border of eosinophils not moved, no neutrophils\n"
    return f"border of eosinophils moved by {shift:+.2f}, median log odds of neutrophils {median:.2f}\n"


def _score(options: argparse.Namespace) -> None:
    classifier, _ = load_classifier(options.classifier, root=options.models)
    cells = labelled_set(options.set, options.data)
    cells = cells._replace(crops=blurred(cells.crops, blur_um=options.blur))
    crops, whites, unchanged = normalised(cells, Normalisation(options.normalise))
    predict = predict_without_prior if options.no_prior else predict_set
    probabilities = predict(classifier, crops, whites)
    border = _border(classifier, probabilities) if options.as_smear else ""
    if options.as_smear:
        probabilities = as_one_smear(classifier, probabilities)
    if options.known_answers:
        probabilities = known_answers_only(probabilities, classifier.classes, cells.labels)
    result = score(probabilities, classifier.classes, cells.labels)
    prior = ", without prior" if options.no_prior else ""
    smear = ", as one smear" if options.as_smear else ""
    blur = f", blurred by {options.blur:g} µm" if options.blur else ""
    sys.stdout.write(
        f"{options.classifier} on {options.set}, {len(cells.labels)} images{prior}{smear}{blur}\n"
    )
    sys.stdout.write(f"{border}{report(result)}\n")
    bands = band_score(probabilities, classifier.classes, cells.labels)
    if bands is not None:
        sys.stdout.write(f"{band_report(bands)}\n")
    if unchanged:
        sys.stdout.write(f"{unchanged} images without a stain to normalise were taken as they are\n")


if __name__ == "__main__":
    raise SystemExit(main())
