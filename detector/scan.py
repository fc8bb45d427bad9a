"""The dense scan: a gate on whole planes of windows, the boosted ensemble on the windows that pass it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade, Gate, tree_votes
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

_TWICE = [[divmod(place, WINDOW) for place in orbit] for orbit in ORBITS.tolist()]
_ONCE = [sorted(set(places)) for places in _TWICE]
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
    flat = [plane.reshape(-1) for plane in maps]
    total = np.zeros(rows * width, np.uint8)
    windows = total[: (rows - 1) * width + cols]
    trees = gate.trees
    planes = _Planes(flat, width, len(windows))
    for number in range(len(trees)):
        vote = _plane_vote(planes, trees.feature[number], trees.cut[number], trees.vote[number] > 0)
        windows += vote.view(np.uint8) * gate.weight[number]
    return total.reshape(rows, width)[:, :cols] >= np.uint8(gate.bound)


@dataclass(frozen=True, slots=True)
class _Planes:
    """Flat channel maps, their width, and the number of windows that are looked at one after another."""

    flat: list[NDArray[np.uint8]]
    width: int
    count: int

    def of(self, feature: int) -> NDArray[np.uint16 | np.uint8]:
        statistic, channel, orbit = _named(feature)
        places = _TWICE[orbit] if statistic == 0 else _ONCE[orbit]
        plane, width, count = self.flat[channel], self.width, self.count
        starts = [row * width + col for row, col in places]
        views = [plane[start : start + count] for start in starts]
        if statistic == 0:
            total = np.add(views[0], views[1], dtype=np.uint16)
            for view in views[2:]:
                total += view
            return total
        pick = np.minimum if statistic == 1 else np.maximum
        best = pick(views[0], views[1])
        for view in views[2:]:
            pick(best, view, out=best)
        return best


def _plane_vote(
    planes: _Planes, feature: NDArray[np.int32], cut: NDArray[np.int16], vote: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Evaluate one tree on a plane of windows; nodes whose leaves agree need not be looked at."""
    sides = []
    for node in (1, 2):
        low, high = vote[2 * node - 2], vote[2 * node - 1]
        if low == high:
            sides.append(np.full(planes.count, low))
        else:
            beyond = planes.of(int(feature[node])) > cut[node]
            sides.append(~beyond if low else beyond)
    root = planes.of(int(feature[0])) > cut[0]
    left, right = sides
    chosen: NDArray[np.bool_] = left ^ (root & (left ^ right))
    return chosen


def _named(feature: int) -> tuple[int, int, int]:
    statistic, rest = divmod(feature, len(CHANNELS) * len(ORBITS))
    return (statistic, *divmod(rest, len(ORBITS)))


def _scores(
    cascade: Cascade, maps: NDArray[np.uint8], row: NDArray[np.intp], col: NDArray[np.intp]
) -> NDArray[np.float64]:
    packed = _packed(maps)
    corner = row * maps.shape[2] + col
    nodes, share = _packed_index(cascade.trees.feature.ravel()), cascade.share
    scores = np.empty(len(row))
    for start in range(0, len(row), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        values = _orbit_values(packed, corner[chunk], maps.shape[2])
        votes = tree_votes(cascade.trees, values.take(nodes, axis=0))
        scores[chunk] = 2.0 * (share @ votes) - share.sum()
    return scores


def _packed(maps: NDArray[np.uint8]) -> NDArray[np.complex128]:
    """Put the channels of each position side by side in 16 bytes, so that one item fetches all of them."""
    _, rows, cols = maps.shape
    together = np.zeros((rows, cols, _PACKED), np.uint8)
    together[..., : len(CHANNELS)] = maps.transpose(1, 2, 0)
    return together.reshape(-1).view(np.complex128)


def _orbit_values(packed: NDArray[np.complex128], corner: NDArray[np.intp], width: int) -> NDArray[np.int16]:
    place_row, place_col = np.divmod(ORBITS.T, WINDOW)
    places = (place_row * width + place_col)[:, :, None] + corner
    eight = packed.take(places).view(np.uint8).reshape(*places.shape, _PACKED)
    least, most = np.minimum(eight[0], eight[1]), np.maximum(eight[0], eight[1])
    total = np.add(eight[0], eight[1], dtype=np.uint16)
    for place in eight[2:]:
        np.minimum(least, place, out=least)
        np.maximum(most, place, out=most)
        total += place
    values = np.empty((len(STATISTICS), len(ORBITS), _PACKED, len(corner)), np.int16)
    for number, found in enumerate((total, least, most)):
        values[number] = found.transpose(0, 2, 1)
    return values.reshape(-1, len(corner))


def _packed_index(features: NDArray[np.int32]) -> NDArray[np.intp]:
    statistic, rest = np.divmod(features.astype(np.intp), len(CHANNELS) * len(ORBITS))
    channel, orbit = np.divmod(rest, len(ORBITS))
    return (statistic * len(ORBITS) + orbit) * _PACKED + channel


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
    index = _packed_index(np.arange(FEATURES, dtype=np.int32))
    found = np.empty((len(positions), FEATURES), np.int16)
    for start in range(0, len(positions), _CHUNK):
        part = positions[start : start + _CHUNK]
        found[start : start + _CHUNK] = _orbit_values(packed, part[:, 0] * width + part[:, 1], width)[index].T
    return found
