"""The second look: what just misses the threshold is looked at again with a smaller window."""

import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade
from detector.centres import find_centres
from detector.channels import ChannelPicture
from detector.look import Look
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

NEAR_MISS = 0.06
"""A window that scores less than this under the threshold is looked at again with a smaller window."""

SMALLER = 0.87
"""Side of that window in sides of the first; a leukocyte no larger than an erythrocyte fills it better."""

SURE = 0.1
"""What the smaller window must score above the threshold."""

_SAME_CELL = 0.6


def find_with_second_look(
    cascade: Cascade, look: Look, picture: ChannelPicture, *, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the cells of a field; where a window just misses the threshold, a smaller one decides.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    look : Look
        The field.
    picture : ChannelPicture
        Its channels for the usual window.
    threshold : float
        Least score of a find.

    Returns
    -------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions of ``picture``. A near miss (`NEAR_MISS`) is a find where
        the smaller window (`SMALLER`) scores `SURE` above the threshold at the same place.
    scores : ndarray of shape (K,), float64
        Their scores, those of the smaller window for near misses; both ordered by (-score, row, column).
    missed : ndarray of shape (J, 2), float64
        The near misses that are no finds.
    """
    points, scores = find_centres(cascade, picture, threshold=threshold, floor=threshold - NEAR_MISS)
    if not len(scores) or scores[-1] >= threshold:
        return points, scores, points[len(points) :]
    again = look.picture(SMALLER)
    second, second_scores = find_centres(cascade, again, threshold=threshold + SURE)
    steps = again.row_step / picture.row_step, again.col_step / picture.col_step
    return _settled(points, scores, second * steps, second_scores, threshold=threshold)


def _settled(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    second: NDArray[np.float64],
    second_scores: NDArray[np.float64],
    *,
    threshold: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Keep of the near misses those that the smaller window found, with the score that it gave."""
    away = np.sqrt(((points[:, None] - second[None]) ** 2).sum(axis=2))
    near = away <= _SAME_CELL * BLOCKS_PER_ERYTHROCYTE
    best = np.where(near, second_scores, -np.inf).max(axis=1, initial=-np.inf)
    settled = np.where(scores >= threshold, scores, best)
    order = np.lexsort((points[:, 1], points[:, 0], -settled))
    found = order[settled[order] >= threshold]
    return points[found], settled[found], points[settled < threshold]
