"""How unlike the normal leukocytes that a classifier was calibrated on a cell is, as a conformal p-value.

Two signs are added: the odds that the classifier itself gives to "no normal leukocyte", and the distance of
the cell's measured form from that of the normal kind that it is held for. ``docs/abstention.md`` has the
method, its guarantee, and what else was tried.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.files import atomic_path
from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, pooled
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier
from classifiers.mlp import MlpClassifier

ARRAYS = "abstention.npz"
"""Name of the file in the folder of the model."""

_KINDS = len(NORMAL_FIVE)
_MEMBER = np.array([[pooled(c, NORMAL_FIVE) is kind for kind in NORMAL_FIVE] for c in CLASSIFIED], np.float64)
_LEAST = 1e-6

_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """The usual form of each normal kind.

    Parameters
    ----------
    centres : ndarray of shape (5, F), float32
        Mean standardised features of each kind, in the order of ``NORMAL_FIVE``.
    whitening : ndarray of shape (F, F), float32
        Features times this vary by 1 in every direction within a kind.
    """

    centres: _Array
    whitening: _Array

    def distances(self, features: _Array, kinds: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the logarithm of the squared Mahalanobis distance from the centre of a kind.

        Parameters
        ----------
        features : ndarray of shape (N, F), float32
            Standardised features.
        kinds : ndarray of shape (N,), int
            Numbers in ``NORMAL_FIVE``.

        Returns
        -------
        ndarray of shape (N,), float64
        """
        away = (features - self.centres[kinds]).astype(np.float64) @ self.whitening
        return np.asarray(np.log(np.maximum((away**2).sum(axis=1), _LEAST)))


@dataclass(frozen=True, slots=True, eq=False)
class Abstention:
    """The rule of one classifier.

    Parameters
    ----------
    standard : tuple of float
        Mean and standard deviation of the log odds, and of the distances, on cells that were trained on;
        deviations above 0. Only the first two count where ``forms`` is None.
    scores : tuple of ndarray of shape (n,), float64
        For each of ``NORMAL_FIVE`` the sorted scores of the normal leukocytes, held out of training, that the
        classifier holds for that kind.
    forms : Forms or None
        The usual forms; None where the classifier measures none.
    """

    standard: tuple[float, float, float, float]
    scores: tuple[NDArray[np.float64], ...]
    forms: Forms | None = None

    def score(self, probabilities: _Array, features: _Array | None) -> NDArray[np.float64]:
        """Return how abnormal cells look; larger is more abnormal.

        Parameters
        ----------
        probabilities : ndarray of shape (N, K), float32
            Answers of the classifier.
        features : ndarray of shape (N, F), float32, or None
            Standardised features; needed where there are ``forms``.

        Returns
        -------
        ndarray of shape (N,), float64

        Raises
        ------
        ModelError
            Where features are needed and missing or of another number.
        """
        mean, deviation, mean_distance, deviation_distance = self.standard
        score = (log_odds(probabilities) - mean) / deviation
        if self.forms is None:
            return score
        if features is None or features.shape[1] != self.forms.centres.shape[1]:
            raise ModelError("the rule of abstention is of other features; fit it again")
        distances = self.forms.distances(features, nearest_kinds(probabilities))
        return np.asarray(score + (distances - mean_distance) / deviation_distance)

    def p_values(self, probabilities: _Array, features: _Array | None) -> NDArray[np.float64]:
        """Return conformal p-values.

        Of the normal leukocytes of a laboratory like those of the calibration, whatever their kind, a share
        of at most α has a p-value of α or less. Of other laboratories nothing is promised.

        Parameters
        ----------
        probabilities : ndarray of shape (N, K), float32
            Answers of the classifier.
        features : ndarray of shape (N, F), float32, or None
            Standardised features; needed where there are ``forms``.

        Returns
        -------
        ndarray of shape (N,), float64
            Above 0, at most 1.

        References
        ----------
        Vovk, Gammerman & Shafer 2005, doi 10.1007/b106715 (Mondrian conformal predictors); Bates et al. 2023,
        doi 10.1214/22-AOS2244 (conformal p-values for outliers).
        """
        found = self.score(probabilities, features)
        kinds = nearest_kinds(probabilities)
        values = np.ones(len(found))
        for kind, scores in enumerate(self.scores):
            chosen = kinds == kind
            above = len(scores) - np.searchsorted(scores, found[chosen], side="left")
            values[chosen] = (1 + above) / (len(scores) + 1)
        return values


def log_odds(probabilities: _Array) -> NDArray[np.float64]:
    """Return the log odds of "none of the five normal kinds", shape (N,), of answers of shape (N, K)."""
    normal = (probabilities @ _MEMBER).sum(axis=1)
    rest = probabilities.astype(np.float64) @ (1.0 - _MEMBER.sum(axis=1))
    return np.asarray(np.log(np.maximum(rest, _LEAST)) - np.log(np.maximum(normal, _LEAST)))


def nearest_kinds(probabilities: _Array) -> NDArray[np.intp]:
    """Return the number in ``NORMAL_FIVE`` of the likeliest normal kind of each cell, shape (N,)."""
    return np.asarray((probabilities @ _MEMBER).argmax(axis=1))


def answer_and_measure(
    classifier: Classifier, crops: NDArray[np.uint8], whites: NDArray[np.float64]
) -> tuple[_Array, _Array | None]:
    """Let a classifier answer, and keep the features that it measures on the way.

    Parameters
    ----------
    classifier : Classifier
        The classifier.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops of 27 µm.
    whites : ndarray of shape (N, 3), float64
        Colour of the empty slide for each crop.

    Returns
    -------
    probabilities : ndarray of shape (N, K), float32
        What ``classifier.predict`` returns.
    features : ndarray of shape (N, F), float32, or None
        Standardised features of the feature classifier, alone or in an ensemble; None without one.
    """
    if isinstance(classifier, MlpClassifier):
        if not len(crops):
            return classifier.predict(crops, whites), None
        return classifier.answer(crops, whites)
    if not isinstance(classifier, EnsembleClassifier):
        return classifier.predict(crops, whites), None
    found, measured = zip(*(answer_and_measure(m, crops, whites) for m in classifier.members), strict=True)
    return classifier.combined(found), next((one for one in measured if one is not None), None)


def write_arrays(path: Path, rules: Mapping[str, Abstention]) -> None:
    """Write the rules of some classifiers, whole or not at all.

    Parameters
    ----------
    path : Path
        The ``.npz`` file.
    rules : mapping of str to Abstention
        Rule by name of the classifier; all that have forms have the same ones.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, rule in rules.items():
        arrays[f"{name}_standard"] = np.array(rule.standard, np.float64)
        arrays |= {
            f"{name}_{kind}": scores.astype(np.float32)
            for kind, scores in zip(NORMAL_FIVE, rule.scores, strict=True)
        }
        if rule.forms is not None:
            arrays |= {
                f"{name}_measures": np.array(1),
                "centres": rule.forms.centres,
                "whitening": rule.forms.whitening,
            }
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def read_arrays(content: bytes, classifier: str) -> Abstention:
    """Build the rule of a classifier from the bytes of the file.

    Parameters
    ----------
    content : bytes
        What ``write_arrays`` wrote.
    classifier : str
        Name of the classifier.

    Returns
    -------
    Abstention

    Raises
    ------
    ModelError
        Where the bytes are no such file, or hold no sound rule of this classifier.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            standard = tuple(float(value) for value in arrays[f"{classifier}_standard"])
            scores = tuple(np.asarray(arrays[f"{classifier}_{kind}"], np.float64) for kind in NORMAL_FIVE)
            measures = f"{classifier}_measures" in arrays.files
            forms = Forms(arrays["centres"], arrays["whitening"]) if measures else None
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"the rule of abstention cannot be read ({error}); fit it again") from error
    if not _sound(standard, scores, forms):
        raise ModelError("the rule of abstention does not hold together; fit it again")
    return Abstention((standard[0], standard[1], standard[2], standard[3]), scores, forms)


def _sound(standard: tuple[float, ...], scores: tuple[NDArray[np.float64], ...], forms: Forms | None) -> bool:
    if len(standard) != 4 or not np.isfinite(standard).all() or min(standard[1], standard[3]) <= 0:
        return False
    if not all(s.ndim == 1 and bool(np.isfinite(s).all()) and bool((np.diff(s) >= 0).all()) for s in scores):
        return False
    if forms is None:
        return True
    count = forms.centres.shape[-1]
    fits = forms.centres.shape == (_KINDS, count) and forms.whitening.shape == (count, count)
    return fits and bool(np.isfinite(forms.centres).all()) and bool(np.isfinite(forms.whitening).all())
