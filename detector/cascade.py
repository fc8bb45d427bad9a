"""The strong classifier as plain arrays: a gate of few trees before the boosted ensemble."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

NODES = 3
"""Nodes of a tree of depth two: root, left and right child."""

LEAVES = 4
"""Leaves of a tree of depth two, from left to right."""

GATE_TOTAL = 255
"""Sum of the weights of a gate's trees."""

_EXACT = 2.0**50


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees of depth two at most that vote for or against a leukocyte.

    Parameters
    ----------
    feature : ndarray of shape (T, 3), int32
        Feature of the root, of its left and of its right child, 0 to FEATURES - 1.
    cut : ndarray of shape (T, 3), int16
        A value of at most ``cut`` goes left.
    vote : ndarray of shape (T, 4), int8
        Vote of the leaves from left to right: 1 for a leukocyte, -1 against.
    """

    feature: NDArray[np.int32]
    cut: NDArray[np.int16]
    vote: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.feature)


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """The first stage: a few trees that nearly every window off leukocytes fails.

    Parameters
    ----------
    trees : Trees
        The trees.
    weight : ndarray of shape (G,), uint8
        Their weights, `GATE_TOTAL` together.
    bound : int
        A window passes where the weights of the trees that vote for it sum up to at least this; 0 lets
        every window pass.
    """

    trees: Trees
    weight: NDArray[np.uint8]
    bound: int


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """A boosted ensemble behind a gate.

    Parameters
    ----------
    gate : Gate
        Windows that fail it have no score.
    trees : Trees
        The boosted trees.
    weight : ndarray of shape (T,), float64
        Weights of the trees, above 0.
    threshold : float
        Least score of a find; the operating point chosen in training.
    diameter : ndarray of shape (RINGS + 1,), float64
        Coefficients that estimate a find's diameter.
    """

    gate: Gate
    trees: Trees
    weight: NDArray[np.float64]
    threshold: float
    diameter: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.trees)

    @property
    def share(self) -> NDArray[np.float64]:
        """What a vote for a leukocyte adds to the score and one against it takes off, shape (T,).

        Rounded to multiples of 2**-50: sums are then exact, so that they do not depend on the order in which
        windows and trees are worked on.
        """
        share: NDArray[np.float64] = np.rint(2.0 * self.weight / self.weight.sum() * _EXACT) / _EXACT
        return share

    def ungated(self) -> "Cascade":
        """Return the same classifier with a gate that lets every window pass."""
        return replace(self, gate=replace(self.gate, bound=0))


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """The nodes of a boosted ensemble in the order in which they are compared most quickly.

    Roots, left and right children of T trees one after another, the trees sorted so that nodes which vote
    for a leukocyte below their cut stand together; a node whose leaves agree has a cut that no value or every
    value exceeds.

    Parameters
    ----------
    feature : ndarray of shape (3 * T,), intp
        Feature of each node.
    cut : ndarray of shape (3 * T, 1), int16
        A value of at most ``cut`` goes left.
    runs : tuple of (slice, callable)
        Stretches of nodes with the comparison that tells their vote.
    share : ndarray of shape (T,), float64
        `Cascade.share` in this order of the trees.
    """

    feature: NDArray[np.intp]
    cut: NDArray[np.int16]
    runs: tuple[tuple[slice, Callable[..., Any]], ...]
    share: NDArray[np.float64]

    def scores(self, values: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return the scores of N windows from their values of ``feature``, shape (3 * T, N), at least 0."""
        votes = np.empty(values.shape, np.bool_)
        for part, compare in self.runs:
            compare(values[part], self.cut[part], out=votes[part])
        root, left, right = votes.reshape(NODES, len(self.share), -1)
        right ^= left
        right &= root
        right ^= left
        scores: NDArray[np.float64] = 2.0 * (self.share @ right) - self.share.sum()
        return scores


@lru_cache(maxsize=8)
def ballot_of(cascade: Cascade) -> Ballot:
    """Return the nodes of a cascade's boosted trees sorted for quick comparison."""
    trees, vote = cascade.trees, cascade.trees.vote > 0
    below = vote[:, 0::2] & ~vote[:, 1::2]
    order = np.lexsort((below[:, 1], below[:, 0]))
    cut = trees.cut.copy()
    cut[:, 1:][vote[:, 0::2] & vote[:, 1::2]] = -1
    cut[:, 1:][~vote[:, 0::2] & ~vote[:, 1::2]] = np.iinfo(np.int16).max
    flipped = np.concatenate([np.zeros(len(trees), np.bool_), *below[order].T])
    edges = [0, *(np.flatnonzero(flipped[1:] != flipped[:-1]) + 1).tolist(), len(flipped)]
    runs = tuple(
        (slice(start, stop), np.less_equal if flipped[start] else np.greater)
        for start, stop in pairwise(edges)
    )
    feature = trees.feature[order].T.ravel().astype(np.intp)
    return Ballot(feature, cut[order].T.reshape(-1, 1).copy(), runs, cascade.share[order])


def tree_votes(trees: Trees, values: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the votes of trees on windows.

    Parameters
    ----------
    trees : Trees
        T trees.
    values : ndarray of shape (T * 3, N), int16
        Feature values of N windows at the nodes of the trees.

    Returns
    -------
    ndarray of shape (T, N), bool
        Whether the tree votes for a leukocyte.
    """
    beyond = values.reshape(len(trees), NODES, -1) > trees.cut[:, :, None]
    vote = trees.vote > 0
    left = (beyond[:, 1] & (vote[:, :1] ^ vote[:, 1:2])) ^ vote[:, :1]
    right = (beyond[:, 2] & (vote[:, 2:3] ^ vote[:, 3:])) ^ vote[:, 2:3]
    votes: NDArray[np.bool_] = left ^ (beyond[:, 0] & (left ^ right))
    return votes


def partial_scores(cascade: Cascade, windows: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the score of windows after every tree, whatever the gate says.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier of T trees.
    windows : ndarray of shape (N, FEATURES), int16
        Feature values of the windows.

    Returns
    -------
    ndarray of shape (N, T), float64
        The last column is what ``decision_function`` of scikit-learn's ensemble gives, -2 to 2.
    """
    votes = tree_votes(cascade.trees, windows.T[cascade.trees.feature.ravel()])
    sums: NDArray[np.float64] = np.cumsum(np.where(votes.T, cascade.share, -cascade.share), axis=1)
    return sums


def gate_scores(gate: Gate, windows: NDArray[np.int16]) -> NDArray[np.intp]:
    """Return the summed weights of the gate's trees that vote for windows.

    Parameters
    ----------
    gate : Gate
        The gate.
    windows : ndarray of shape (N, FEATURES), int16
        Feature values of the windows.

    Returns
    -------
    ndarray of shape (N,), intp
        0 to `GATE_TOTAL`.
    """
    votes = tree_votes(gate.trees, windows.T[gate.trees.feature.ravel()])
    summed: NDArray[np.intp] = gate.weight.astype(np.intp) @ votes
    return summed
