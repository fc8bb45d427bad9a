"""The look at clusters: leukocytes that touch a find are found by a classifier trained on clusters."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade
from detector.centres import SPACING, find_centres
from detector.channels import PADDING, RED, ChannelPicture
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

REACH = 2.6
"""How far from a find others are looked for, in erythrocyte diameters: two large leukocytes touch."""

LINK = 2.0
"""How far from one of these the next may lie."""

SURE = 0.1
"""What two finds must exceed the limit by where no other find vouches for them."""

_SAME_CELL = 0.6
_OWN = 0.55
_DARK_SHARE = 0.5
_NUCLEUS_SHARE = 0.1
_NUCLEUS = 7
_LEAST_DARK = 8
_REACH = REACH * BLOCKS_PER_ERYTHROCYTE
_DISC = np.stack(np.nonzero(np.hypot(*(np.mgrid[-4:4, -4:4] + 0.5)) <= 4.3)) - 4
_CHUNK = 256
_FEW = 32

Points = NDArray[np.float64]


def find_in_clusters(
    clusters: Cascade,
    picture: ChannelPicture,
    points: Points,
    scores: NDArray[np.float64],
    *,
    sizes: NDArray[np.float64],
    missed: Points,
    threshold: float,
    limit: float,
) -> tuple[Points, NDArray[np.float64]]:
    """Add the leukocytes that touch a find, and part finds that lie between two.

    Parameters
    ----------
    clusters : Cascade
        The strong classifier that was trained on leukocytes laid against each other.
    picture : ChannelPicture
        The field.
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions.
    scores : ndarray of shape (K,), float64
        Their scores.
    sizes : ndarray of shape (K,), float64
        Their diameters in erythrocyte diameters.
    missed : ndarray of shape (J, 2), float64
        What just missed the threshold.
    threshold : float
        Least score of these finds.
    limit : float
        Least score of a find by ``clusters``.

    Returns
    -------
    points, scores : ndarray of shape (N, 2) and (N,), float64
        The finds, no two of them closer than `detector.centres.SPACING`, ordered by (-score, row, column).
        Finds by ``clusters`` count within `REACH` of another find; where two within `LINK` of each other
        exceed ``limit`` by `SURE` and one of them is a near miss; and within `LINK` of one that counts; but
        not within the radius of a find. A find with two of them within the spacing is left out for them where
        both exceed ``limit`` by as much as it exceeds ``threshold``. Where nothing dark is left beside the
        finds and nothing just missed, they are returned as given.

    Notes
    -----
    The window of 21 µm shows the neighbours of a cell that touches others; a classifier that has to accept
    them as well rejects less elsewhere, so it is asked only beside a find.
    """
    if not len(missed) and (not len(points) or not _dark_left(picture, points, sizes)):
        return points, scores
    found, found_scores = find_centres(clusters, picture, threshold=limit)
    near = np.zeros(len(found), np.bool_)
    near[_within(points, found, REACH)[1]] = True
    near |= _sure_pairs(found, found_scores >= limit + SURE, missed)
    near = _linked(near, found)
    between = _between(scores - threshold, found_scores - limit, points, found, near)
    kept, kept_scores = points[~between], scores[~between]
    near &= ~_inside(kept, sizes[~between], found)
    together = np.concatenate([kept, found[near]])
    all_scores = np.concatenate([kept_scores, found_scores[near]])
    order = np.lexsort((together[:, 1], together[:, 0], -all_scores))
    return together[order], all_scores[order]


def _inside(points: Points, sizes: NDArray[np.float64], found: Points) -> NDArray[np.bool_]:
    """Tell the finds within the spacing of another, or within its radius: they are the same cell."""
    first, second = _within(points, found, REACH)
    apart = np.sqrt(((points[first] - found[second]) ** 2).sum(axis=1)) / BLOCKS_PER_ERYTHROCYTE
    same = apart < np.maximum(SPACING, 0.5 * sizes[first])
    return np.asarray(np.bincount(second[same], minlength=len(found)) > 0)


def _sure_pairs(found: Points, sure: NDArray[np.bool_], missed: Points) -> NDArray[np.bool_]:
    """Tell the finds at a near miss that lie beside another, both being sure."""
    at_miss = np.zeros(len(found), np.bool_)
    at_miss[_within(missed, found, _SAME_CELL)[1]] = True
    first, second = _within(found, found, LINK)
    paired = (first != second) & sure[first] & sure[second] & at_miss[first]
    return np.asarray(np.bincount(first[paired], minlength=len(found)) > 0)


def _dark_left(picture: ChannelPicture, points: Points, sizes: NDArray[np.float64]) -> bool:
    """Tell whether beside the finds a body is left that is at least half as dark as their nuclei."""
    red = picture.maps[RED]
    corner = np.rint(points).astype(np.intp) + PADDING
    inside = red[corner[:, :1] + _DISC[0], corner[:, 1:] + _DISC[1]].ravel()
    place = int((1.0 - _NUCLEUS_SHARE) * (len(inside) - 1))
    level = _DARK_SHARE * float(np.partition(inside, place)[place])
    field = red[PADDING:-PADDING, PADDING:-PADDING]
    rows, cols = (field >= level).nonzero()
    near, own = np.zeros((2, len(rows)), np.bool_)
    order = np.argsort(points[:, 0], kind="stable")
    for start in range(0, len(order), _FEW):
        some = order[start : start + _FEW]
        ends = points[some[0], 0] - _REACH - 0.5, points[some[-1], 0] + _REACH - 0.5
        part = slice(*np.searchsorted(rows, ends))
        away = (rows[part, None] - (points[some, 0] - 0.5)) ** 2
        away += (cols[part, None] - (points[some, 1] - 0.5)) ** 2
        near[part] |= (away <= _REACH**2).any(axis=1)
        own[part] |= (away <= (_OWN * BLOCKS_PER_ERYTHROCYTE * sizes[some]) ** 2).any(axis=1)
    left = near & ~own
    if np.count_nonzero(left) < _LEAST_DARK:
        return False
    bodies = np.zeros(field.shape, np.uint8)
    bodies[rows[left], cols[left]] = 1
    together = cv2.boxFilter(bodies, cv2.CV_8U, (_NUCLEUS, _NUCLEUS), normalize=False)
    return int(together.max()) >= _LEAST_DARK


def _linked(near: NDArray[np.bool_], found: Points) -> NDArray[np.bool_]:
    first, second = _within(found, found, LINK)
    while True:
        more = near.copy()
        more[second[near[first]]] = True
        if np.array_equal(more, near):
            return near
        near = more


def _between(
    own: NDArray[np.float64],
    others: NDArray[np.float64],
    points: Points,
    found: Points,
    near: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Tell the finds that stand for two cells: two others within the spacing are as sure."""
    first, second = _within(points, found, SPACING)
    sure = near[second] & (others[second] >= own[first])
    return np.asarray(np.bincount(first[sure], minlength=len(points)) >= 2)


def _within(points: Points, others: Points, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of points less than so many erythrocyte diameters apart, as two index arrays."""
    limit = reach * BLOCKS_PER_ERYTHROCYTE
    mine, theirs = np.argsort(points[:, 0], kind="stable"), np.argsort(others[:, 0], kind="stable")
    rows = others[theirs, 0]
    pairs = [np.zeros((2, 0), np.intp)]
    for start in range(0, len(mine), _CHUNK):
        chunk = mine[start : start + _CHUNK]
        low, high = np.searchsorted(rows, (points[chunk[0], 0] - limit, points[chunk[-1], 0] + limit))
        some = theirs[low : high + 1]
        apart = ((points[chunk][:, None] - others[some][None]) ** 2).sum(axis=2)
        left, right = np.nonzero(apart < limit * limit)
        pairs.append(np.stack([chunk[left], some[right]]))
    together = np.concatenate(pairs, axis=1)
    return together[0], together[1]
