"""The dense scan: a gate on whole planes of windows, the boosted ensemble on the windows that pass it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade, Gate, Trees, ballot_of
from detector.channels import CHANNELS, WINDOW, ChannelPicture

STATISTICS = ("sum", "min", "max")
"""What a feature takes over the eight mirrored and turned places of a window."""


def _orbits() -> NDArray[np.intp]:
    places = np.arange(WINDOW * WINDOW).reshape(WINDOW, WINDOW)
    turned = [np.rot90(side, turn).ravel() for side in (places, places.T) for turn in range(4)]
    return np.unique(np.sort(np.stack(turned, axis=1), axis=1), axis=0)


ORBITS = _orbits()
"""Places of the window (row * WINDOW + column) that mirroring and quarter turns carry into each other:
shape (28, 8), those on a diagonal twice."""

FEATURES = len(STATISTICS) * len(CHANNELS) * len(ORBITS)
"""Number of features of a window: statistic, channel, orbit, in C order."""

_HALF = WINDOW // 2
_REACHES = [(_HALF - orbit[0] // WINDOW, _HALF - orbit[0] % WINDOW) for orbit in ORBITS.tolist()]
_PLACE_ROW, _PLACE_COL = np.divmod(ORBITS.T, WINDOW)
_PACKED = 16
_CHUNK = 512
_BAND_ROWS = 128


def scan(cascade: Cascade, picture: ChannelPicture, *, band: int = _BAND_ROWS) -> NDArray[np.float64]:
    """Score the window at every position of a channel picture that passes the gate.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    picture : ChannelPicture
        The field, with R x C window positions.
    band : int, optional
        Rows of window positions that are worked on together; bounds the memory, does not alter the result.

    Returns
    -------
    ndarray of shape (R, C), float64
        Score of the window centred on each corner between map positions; minus infinity where it fails the
        gate. A mirrored or turned field gives the mirrored or turned scores.

    References
    ----------
    Viola & Jones 2001, doi 10.1109/CVPR.2001.990517 (cascade). Differs from it in having two stages only:
    the gate on whole planes, then every feature of a surviving window at once, which in array code costs
    less than rejecting it tree by tree (Bourdev & Brandt 2005, doi 10.1109/CVPR.2005.310).
    """
    rows, cols = picture.positions
    scores = np.full((rows, cols), -np.inf)
    for top in range(0, rows, band):
        bottom = min(rows, top + band)
        maps = picture.maps[:, top : bottom + WINDOW - 1]
        row, col = np.nonzero(_passed(cascade.gate, maps, (bottom - top, cols)))
        if len(row):
            scores[top + row, col] = _scores(cascade, maps, row, col)
    return scores


def _passed(gate: Gate, maps: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell the windows that pass the gate.

    The planes of windows are worked on as rows of the maps one after another: a place of the window is then
    one stretch of memory. What stands in the last columns, where no window fits, is cut off at the end.
    """
    if gate.bound <= 0:
        return np.ones(shape, np.bool_)
    (rows, cols), width = shape, maps.shape[2]
    total = np.zeros(rows * width, np.uint8)
    windows = total[: (rows - 1) * width + cols]
    planes = _Planes(maps.reshape(len(maps), -1), width, len(windows), {})
    for weight, tree in zip(gate.weight, _listed(gate.trees), strict=True):
        windows += weight * _plane_vote(planes, tree).view(np.uint8)
    return total.reshape(rows, width)[:, :cols] >= np.uint8(gate.bound)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A tree with its features named (statistic, channel, across, down) and its votes as truth values."""

    feature: list[tuple[int, int, int, int]]
    cut: list[int]
    vote: list[bool]


@lru_cache(maxsize=8)
def _listed(trees: Trees) -> list[_Tree]:
    parts = zip(trees.feature.tolist(), trees.cut.tolist(), (trees.vote > 0).tolist(), strict=True)
    return [_Tree([_named(number) for number in feature], cut, vote) for feature, cut, vote in parts]


@dataclass(frozen=True, slots=True)
class _Planes:
    """Flat channel maps, their width, and the number of windows that are looked at one after another.

    Sums are made from planes of 16 bits, each widened once: numpy adds numbers of one type several times
    faster than it widens and adds.
    """

    flat: NDArray[np.uint8]
    width: int
    count: int
    wide: dict[int, NDArray[np.uint16]]

    def of(self, feature: tuple[int, int, int, int]) -> NDArray[Any]:
        """Return a feature of all windows: down and across one after the other, then the same turned."""
        statistic, channel, across, down = feature
        if statistic:
            pick = np.minimum if statistic == 1 else np.maximum
            best = self._four(pick, self.flat[channel], across, down)
            if across != down:
                best = np.asarray(pick(best, self._four(pick, self.flat[channel], down, across)))
            return best
        if channel not in self.wide:
            self.wide[channel] = self.flat[channel].astype(np.uint16)
        total = self._four(np.add, self.wide[channel], across, down)
        other = total if across == down else self._four(np.add, self.wide[channel], down, across)
        return np.asarray(total + other)

    def _four(self, pick: np.ufunc, plane: NDArray[Any], across: int, down: int) -> NDArray[Any]:
        left, right = _HALF - across, _HALF - 1 + across
        above, below = (_HALF - down) * self.width, (_HALF - 1 + down) * self.width
        end = below + self.count
        two = pick(plane[above + left : end + left], plane[above + right : end + right])
        return np.asarray(pick(two[: self.count], two[below - above :]))


def _plane_vote(planes: _Planes, tree: _Tree) -> NDArray[np.bool_]:
    """Evaluate one tree on a plane of windows; nodes whose leaves agree need not be looked at."""
    left, right = _plane_leaves(planes, tree, 1), _plane_leaves(planes, tree, 2)
    root, cut = planes.of(tree.feature[0]), tree.cut[0]
    if isinstance(left, bool):
        if isinstance(right, bool):
            return root <= cut if left else root > cut if right else np.zeros(planes.count, np.bool_)
        return (root <= cut) | right if left else (root > cut) & right
    if isinstance(right, bool):
        return (root > cut) | left if right else (root <= cut) & left
    return left ^ ((root > cut) & (left ^ right))


def _plane_leaves(planes: _Planes, tree: _Tree, node: int) -> bool | NDArray[np.bool_]:
    low, high = tree.vote[2 * node - 2], tree.vote[2 * node - 1]
    if low == high:
        return low
    values = planes.of(tree.feature[node])
    return values <= tree.cut[node] if low else values > tree.cut[node]


def _named(feature: int) -> tuple[int, int, int, int]:
    statistic, rest = divmod(feature, len(CHANNELS) * len(ORBITS))
    channel, orbit = divmod(rest, len(ORBITS))
    across, down = _REACHES[orbit]
    return statistic, channel, across, down


def _scores(
    cascade: Cascade, maps: NDArray[np.uint8], row: NDArray[np.intp], col: NDArray[np.intp]
) -> NDArray[np.float64]:
    packed, corner = _packed(maps), row * maps.shape[2] + col
    ballot = ballot_of(cascade)
    scores = np.empty(len(row))
    for start in range(0, len(row), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        values = _orbit_values(packed, corner[chunk], maps.shape[2])
        scores[chunk] = ballot.scores(values.take(ballot.feature, axis=0))
    return scores


def _packed(maps: NDArray[np.uint8]) -> NDArray[np.complex128]:
    """Put the channels of each position side by side in 16 bytes, so that one item fetches all of them."""
    planes = np.zeros((_PACKED, maps.shape[1] * maps.shape[2]), np.uint8)
    planes[: len(CHANNELS)] = maps.reshape(len(CHANNELS), -1)
    return np.asarray(cv2.transpose(planes)).reshape(-1).view(np.complex128)


def _orbit_values(packed: NDArray[np.complex128], corner: NDArray[np.intp], width: int) -> NDArray[np.int16]:
    """Return the features of windows, shape (FEATURES, N)."""
    count = len(corner)
    places = (_PLACE_ROW * width + _PLACE_COL)[:, :, None] + corner
    fetched = packed.take(places).view(np.uint8).reshape(-1, _PACKED)
    eight = np.asarray(cv2.transpose(fetched))[: len(CHANNELS)].reshape(len(CHANNELS), 8, -1)
    values = np.empty((len(STATISTICS), len(CHANNELS), len(ORBITS) * count), np.int16)
    np.add.reduce(eight, axis=1, dtype=np.int16, out=values[0])
    values[1] = np.minimum.reduce(eight, axis=1)
    values[2] = np.maximum.reduce(eight, axis=1)
    return values.reshape(FEATURES, count)


def window_features(picture: ChannelPicture, positions: NDArray[np.intp]) -> NDArray[np.int16]:
    """Return the feature values of the windows at some positions.

    Parameters
    ----------
    picture : ChannelPicture
        The field.
    positions : ndarray of shape (N, 2), intp
        Row and column of the window positions.

    Returns
    -------
    ndarray of shape (N, FEATURES), int16
        Sum, least and largest value of every channel over every orbit of window places.
    """
    packed, width = _packed(picture.maps), picture.maps.shape[2]
    found = np.empty((len(positions), FEATURES), np.int16)
    for start in range(0, len(positions), _CHUNK):
        part = positions[start : start + _CHUNK]
        found[start : start + _CHUNK] = _orbit_values(packed, part[:, 0] * width + part[:, 1], width).T
    return found
