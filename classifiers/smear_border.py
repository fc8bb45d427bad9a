"""The border between eosinophils and neutrophils, moved in each smear by how clear its neutrophils are.

How red the granules of a neutrophil look is a matter of the stain, and a fixed border between the two kinds
then lies too near to one of them. The median odds of a smear's neutrophils tell how far they lie from it.
``docs/classifiers.md`` has what it gives and what else was tried.
"""

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass, pooled
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier

SLOPE = 0.5
"""By how much the border moves for each unit of the median log odds."""

USUAL = -7.0
"""Median log odds of neutrophils at which the border stays where it is."""

MOST = 1.0
"""The border moves no further than this, in log odds."""

_FEW = 5
_LEAST = 1e-5
_SURE = 3.0
_NORMAL_SHARE, _CLEAR_SHARE = 0.03, 0.11

_Array = NDArray[np.float32]


def border_shift(classifier: Classifier, probabilities: _Array) -> float:
    """Tell how far the border between eosinophils and neutrophils is to be moved in a smear.

    Parameters
    ----------
    classifier : Classifier
        The classifier that answered; an ensemble's temperature is taken out of its odds.
    probabilities : ndarray of shape (N, K), float32
        Its answers on the cells of one smear.

    Returns
    -------
    float
        Log odds of eosinophil against neutrophil from which on a cell is an eosinophil, -`MOST` to `MOST`:
        `SLOPE` times what the median of the cells that are called neutrophils exceeds `USUAL` by, drawn
        towards 0 where these are few. Above 0 it is drawn towards 0 by the share of sure eosinophils (log
        odds above 3) among both kinds: from 0.03 of them on, and at 0.11 it is 0, so that a smear with many
        eosinophils keeps them.

    Notes
    -----
    The cells bring no labels, and the classifier is not changed; of the adaptations to unlabelled cells
    (Saerens et al. 2002, doi 10.1162/089976602753284446, estimates the mix of classes) this moves one border
    by one number, since more freedom did harm.
    """
    odds = _odds_of_either(classifier, probabilities)
    neutrophils = odds[odds < 0]
    if not len(neutrophils):
        return 0.0
    shift = float(np.clip(SLOPE * (np.median(neutrophils) - USUAL), -MOST, MOST))
    if shift > 0:
        excess = (float(np.mean(odds > _SURE)) - _NORMAL_SHARE) / (_CLEAR_SHARE - _NORMAL_SHARE)
        shift *= 1.0 - min(max(excess, 0.0), 1.0)
    return shift * len(neutrophils) / (len(neutrophils) + _FEW)


def neutrophil_odds(classifier: Classifier, probabilities: _Array) -> float | None:
    """Return the median log odds of eosinophil against neutrophil of the cells called neutrophils.

    Parameters
    ----------
    classifier : Classifier
        The classifier that answered; an ensemble's temperature is taken out of its odds.
    probabilities : ndarray of shape (N, K), float32
        Its answers on the cells of one smear.

    Returns
    -------
    float or None
        Below 0; None where no cell is called a neutrophil.
    """
    odds = _odds_of_either(classifier, probabilities)
    return float(np.median(odds[odds < 0])) if (odds < 0).any() else None


def move_border(classifier: Classifier, probabilities: _Array, shift: float) -> _Array:
    """Return answers with the border between eosinophils and neutrophils moved.

    Parameters
    ----------
    classifier : Classifier
        The classifier that answered.
    probabilities : ndarray of shape (N, K), float32
        Its answers.
    shift : float
        What `border_shift` gave.

    Returns
    -------
    ndarray of shape (N, K), float32
        Probabilities: what both kinds have together, the share of bands among the neutrophils, and all other
        kinds are as before.
    """
    neutrophils, eosinophils = _columns(classifier)
    given = probabilities.astype(np.float64)
    two = [given[:, neutrophils].sum(axis=1), given[:, eosinophils].sum(axis=1)]
    factor = np.exp(-shift / _temperature(classifier))
    both, weighed = two[0] + two[1], two[0] + factor * two[1]
    scale = np.divide(both, weighed, out=np.ones_like(both), where=weighed > 0)
    given[:, neutrophils] *= scale[:, None]
    given[:, eosinophils] *= (factor * scale)[:, None]
    return given.astype(np.float32)


def _odds_of_either(classifier: Classifier, probabilities: _Array) -> NDArray[np.float64]:
    """Return the log odds of the cells whose likeliest answer is one of the two, neutrophils pooled."""
    columns = _columns(classifier)
    neutrophil, eosinophil = (probabilities[:, one].sum(axis=1, dtype=np.float64) for one in columns)
    others = np.delete(probabilities, [*columns[0], *columns[1]], axis=1).max(axis=1, initial=0.0)
    either = np.maximum(neutrophil, eosinophil) >= others
    temperature = _temperature(classifier)
    least = _LEAST ** (1.0 / temperature)
    odds = temperature * np.log((eosinophil + least) / (neutrophil + least))
    return np.asarray(odds[either])


def _columns(classifier: Classifier) -> tuple[list[int], list[int]]:
    kinds = (CellClass.NEUTROPHIL, CellClass.EOSINOPHIL)
    named = [pooled(label, kinds) for label in classifier.classes]
    first, second = ([n for n, name in enumerate(named) if name is kind] for kind in kinds)
    return first, second


def _temperature(classifier: Classifier) -> float:
    return classifier.temperature if isinstance(classifier, EnsembleClassifier) else 1.0
