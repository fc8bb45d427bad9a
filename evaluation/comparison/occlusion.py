"""What a classifier looked at: parts of the crop are covered, and the change of its answer is drawn."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from classifiers.base import Classifier

PATCH = 16
"""Side of the patch that covers a part, in px of the crop (3.9 µm)."""

STEP = 8
"""Distance of one patch from the next, in px."""

_LEAST = 1e-6
_FOR, _AGAINST = (184, 67, 0), (0, 99, 156)
_STRONGEST = 0.65

Map = NDArray[np.float64]


def occlusion_map(
    classifier: Classifier,
    crop: NDArray[np.uint8],
    white: NDArray[np.float64],
    *,
    label: CellClass,
    against: CellClass,
) -> Map:
    """Return how much each place of a crop speaks for one class against another.

    Parameters
    ----------
    classifier : Classifier
        Any classifier.
    crop : ndarray of shape (M, M, 3), uint8
        The crop; not written to.
    white : ndarray of shape (3,), float64
        Colour of the empty slide; covers the places.
    label, against : CellClass
        The two classes, both among the classifier's.

    Returns
    -------
    ndarray of shape (M, M), float64
        By how much the log odds of ``label`` against ``against`` fall where the place is covered, mean over
        the patches that cover it; above 0 the place speaks for ``label``.

    References
    ----------
    Zeiler & Fergus 2014, doi 10.1007/978-3-319-10590-1_53. Differs in covering with the colour of the empty
    slide, which a laboratory knows as "nothing there", and in the odds of two classes.
    """
    side = crop.shape[0]
    starts = sorted({*range(0, side - PATCH, STEP), side - PATCH})
    places = [(row, col) for row in starts for col in starts]
    covered = np.repeat(crop[None], len(places) + 1, axis=0)
    paint = np.clip(np.round(white), 0, 255).astype(np.uint8)
    for number, (row, col) in enumerate(places, start=1):
        covered[number, row : row + PATCH, col : col + PATCH] = paint
    answers = classifier.predict(covered, np.repeat(white[None], len(covered), axis=0))
    odds = _odds(answers, classifier.classes, label, against)
    sums, times = np.zeros((side, side)), np.zeros((side, side))
    for (row, col), fall in zip(places, odds[0] - odds[1:], strict=True):
        sums[row : row + PATCH, col : col + PATCH] += fall
        times[row : row + PATCH, col : col + PATCH] += 1
    return np.asarray(sums / times, np.float64)


def draw_map(crop: NDArray[np.uint8], values: Map) -> NDArray[np.uint8]:
    """Draw a map over its crop: vermilion speaks for the answer, blue against it.

    Parameters
    ----------
    crop : ndarray of shape (M, M, 3), uint8
        The crop; not written to.
    values : ndarray of shape (M, M), float64
        What ``occlusion_map`` returned.

    Returns
    -------
    ndarray of shape (M, M, 3), uint8
        The strongest place is nearly covered; where nothing speaks the grey crop shows.
    """
    base = grey(crop).astype(np.float64)
    strength = np.abs(values) / max(float(np.abs(values).max()), _LEAST) * _STRONGEST
    colour = np.where((values > 0)[..., None], np.array(_FOR, np.float64), np.array(_AGAINST, np.float64))
    return np.asarray(np.round(base + strength[..., None] * (colour - base)), np.uint8)


def grey(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop without its colours, which a map over it would be taken for; same shape, uint8."""
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, axis=2), np.uint8)


def _odds(
    answers: NDArray[np.float32], classes: Sequence[CellClass], label: CellClass, against: CellClass
) -> Map:
    one, other = (answers[:, list(classes).index(c)].astype(np.float64) for c in (label, against))
    return np.asarray(np.log(np.maximum(one, _LEAST) / np.maximum(other, _LEAST)), np.float64)
