"""Fitting the rule of abstention on crops of normal leukocytes: usual forms, and scores for its p-values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.vocabulary import NORMAL_FIVE, CellClass, pooled
from classifiers.abstention import Abstention, Forms, answer_and_measure, log_odds, nearest_kinds
from classifiers.base import Classifier
from classifiers.manifest import Sample, read_manifest
from classifiers.published_sets.bcisc import read_bcisc
from classifiers.restaining import restain
from classifiers.training_data import is_held_out, read_crops
from slides.optics import white_point

SOURCES = ("pbc_barcelona", "raabin_wbc", "bcisc")
"""Training sources that hold normal leukocytes."""

LEAST_SCORES = 19
"""Normal leukocytes of a kind that a p-value of 0.05 takes."""

CHANGE: Mapping[str, Any] = MappingProxyType(
    {
        "scale": 0.08,
        "shift_px": 4.0,
        "white": 0.03,
        "gain": 0.25,
        "common_gain": [0.4, 1.5],
        "fade_probability": 0.2,
        "gamma": 0.18,
        "mix": 0.35,
        "blur_px": [0.3, 1.5],
        "blur_probability": 0.6,
        "cut_probability": 0.0,
        "cut_share": 0.0,
        "noise": 0.015,
        "sharpen": 1.0,
        "sharpen_probability": 0.0,
        "jpeg_quality": [50, 96],
        "jpeg_probability": 0.0,
    }
)
"""What another laboratory may change, as in training the feature classifier, but that no cell is cut."""

_SHRINKAGE = 0.1
_SEED = 20261121
_BATCH = 256
_LEAST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class NormalCells:
    """Crops of normal leukocytes.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops.
    whites : ndarray of shape (N, 3), float64
        Colour of the empty slide.
    kinds : ndarray of shape (N,), int
        Number of the true kind in ``NORMAL_FIVE``.
    """

    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]
    kinds: NDArray[np.intp]

    def restained(self, *, every: int, seed: int = _SEED) -> "NormalCells":
        """Return the cells with some of them as another laboratory might have shown them.

        Parameters
        ----------
        every : int
            1 changes all of them, 2 every other one, and so on.
        seed : int, optional
            Seed of the changes.

        Returns
        -------
        NormalCells
            As many cells, in the same order.
        """
        rng = np.random.default_rng([seed, every])
        crops, whites = self.crops.copy(), self.whites.copy()
        for index in range(0, len(crops), every):
            crops[index], whites[index] = restain(crops[index], whites[index], rng=rng, settings=dict(CHANGE))
        return NormalCells(crops, whites, self.kinds)


def read_normal(data: Path, *, per_class: int = 150) -> tuple[NormalCells, NormalCells]:
    """Read normal leukocytes of the training sources.

    Parameters
    ----------
    data : Path
        Folder that holds the data sets by name.
    per_class : int, optional
        Largest number of cells of a kind that is taken from the training crops of a source.

    Returns
    -------
    fitting : NormalCells
        Crops that the classifiers were trained on.
    calibration : NormalCells
        All those that training left out.

    Raises
    ------
    DataError
        Where a source is missing or faulty.
    """
    fitting: list[_Item] = []
    held_out: list[_Item] = []
    for number, source in enumerate(SOURCES):
        items = _bcisc(data / source) if source == "bcisc" else _listed(data / source / "manifest.csv")
        rng = np.random.default_rng([_SEED, number])
        held_out += [item for item in items if is_held_out(item[0])]
        for kind in range(len(NORMAL_FIVE)):
            trained = [item for item in items if item[1] == kind and not is_held_out(item[0])]
            fitting += [trained[k] for k in sorted(rng.permutation(len(trained))[:per_class])]
    return _cells(fitting), _cells(held_out)


_Item = tuple[str, int, Sample | NDArray[np.uint8]]


def _kind(label: CellClass) -> int | None:
    found = pooled(label, NORMAL_FIVE)
    return None if found is None else NORMAL_FIVE.index(found)


def _listed(manifest: Path) -> list[_Item]:
    samples = read_manifest(manifest, {"train", ""})
    kinds = [(sample, _kind(sample.label)) for sample in samples]
    return [(sample.path.name, kind, sample) for sample, kind in kinds if kind is not None]


def _bcisc(folder: Path) -> list[_Item]:
    return [(cell.name, NORMAL_FIVE.index(cell.label), cell.crop) for cell in read_bcisc(folder)]


def _cells(items: list[_Item]) -> NormalCells:
    listed = [item[2] for item in items if isinstance(item[2], Sample)]
    read = iter(read_crops(listed))
    crops = np.stack([next(read) if isinstance(item[2], Sample) else item[2] for item in items])
    whites = np.stack([white_point(crop) for crop in crops]).astype(np.float64)
    return NormalCells(crops, whites, np.array([item[1] for item in items], np.intp))


class Answers(NamedTuple):
    """What a classifier says of cells.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        Its answers.
    features : ndarray of shape (N, F), float32, or None
        Standardised features; None where it measures none.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32] | None


def answers_to(classifier: Classifier, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> Answers:
    """Let a classifier answer and measure in batches; see ``classifiers.abstention.answer_and_measure``.

    Parameters
    ----------
    classifier : Classifier
        The classifier.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops of 27 µm; N at least 1.
    whites : ndarray of shape (N, 3), float64
        Colour of the empty slide for each crop.

    Returns
    -------
    Answers
    """
    found = [
        answer_and_measure(classifier, crops[k : k + _BATCH], whites[k : k + _BATCH])
        for k in range(0, len(crops), _BATCH)
    ]
    measured = [part[1] for part in found if part[1] is not None]
    return Answers(
        np.concatenate([part[0] for part in found]), np.concatenate(measured) if measured else None
    )


def fit_abstention(fitting: Answers, kinds: NDArray[np.intp], calibration: Answers) -> Abstention:
    """Fit the rule of one classifier.

    Parameters
    ----------
    fitting : Answers
        On normal leukocytes that may have been trained on, for the usual forms.
    kinds : ndarray of shape (N,), int
        Number of the true kind of each in ``NORMAL_FIVE``; every kind occurs.
    calibration : Answers
        On normal leukocytes that were not trained on.

    Returns
    -------
    Abstention

    Raises
    ------
    DataError
        Where the classifier holds fewer than ``LEAST_SCORES`` cells of the calibration for one of the kinds.
    """
    odds = log_odds(fitting.probabilities)
    forms, distances = None, np.array([-1.0, 1.0])
    if fitting.features is not None:
        forms = fit_forms(fitting.features, kinds)
        distances = forms.distances(fitting.features, nearest_kinds(fitting.probabilities))
    standard = (
        float(odds.mean()),
        max(float(odds.std()), _LEAST_DEVIATION),
        float(distances.mean()),
        max(float(distances.std()), _LEAST_DEVIATION),
    )
    scores = Abstention(standard, (), forms).score(*calibration)
    held_for = nearest_kinds(calibration.probabilities)
    sorted_scores = tuple(np.sort(scores[held_for == kind]) for kind in range(len(NORMAL_FIVE)))
    for name, found in zip(NORMAL_FIVE, sorted_scores, strict=True):
        if len(found) < LEAST_SCORES:
            raise DataError(f"{len(found)} cells held for {name}, {LEAST_SCORES} are needed; give more data")
    return Abstention(standard, sorted_scores, forms)


def fit_forms(features: NDArray[np.float32], kinds: NDArray[np.intp]) -> Forms:
    """Fit the usual form of each normal kind.

    Parameters
    ----------
    features : ndarray of shape (N, F), float32
        Standardised features.
    kinds : ndarray of shape (N,), int
        True kind of each; every kind occurs.

    Returns
    -------
    Forms

    References
    ----------
    Lee et al. 2018, arXiv 1807.03888: class means and one covariance for all. Differs from it in measured
    features in place of a network's, and in a covariance that is shrunk towards a multiple of unity.
    """
    centres = np.stack([features[kinds == kind].mean(axis=0) for kind in range(len(NORMAL_FIVE))])
    away = (features - centres[kinds]).astype(np.float64)
    covariance = away.T @ away / len(away)
    covariance += _SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return Forms(centres.astype(np.float32), whitening.astype(np.float32))
