"""Removing repeated finds of one cell by the distances between them."""

import numpy as np
from numpy.typing import NDArray


def suppress(points: NDArray[np.float64], scores: NDArray[np.float64], *, spacing: float) -> NDArray[np.intp]:
    """Choose the best of all finds that lie too close together, greedily by score.

    Parameters
    ----------
    points : ndarray of shape (N, 2), float64
        Row and column of the finds.
    scores : ndarray of shape (N,), float64
        Score of each find; larger is better.
    spacing : float
        Two chosen finds are at least this far apart, in the unit of ``points``; 0 keeps all.

    Returns
    -------
    ndarray of shape (K,), intp
        Indices of the chosen finds, ordered by (-score, row, column). The chosen points do not depend on the
        order of the input, and choosing from them again chooses all of them.
    """
    order = np.lexsort((points[:, 1], points[:, 0], -scores))
    if spacing <= 0 or len(points) < 2:
        return order.astype(np.intp)
    bins = np.floor((points - points.min(axis=0)) / spacing).astype(np.intp) + 1
    chosen: list[int] = []
    taken: dict[tuple[int, int], list[int]] = {}
    for index in order:
        row, col = int(bins[index, 0]), int(bins[index, 1])
        near = [
            other
            for r in (row - 1, row, row + 1)
            for c in (col - 1, col, col + 1)
            for other in taken.get((r, c), ())
        ]
        if near and (((points[near] - points[index]) ** 2).sum(axis=1) < spacing**2).any():
            continue
        chosen.append(int(index))
        taken.setdefault((row, col), []).append(int(index))
    return np.array(chosen, np.intp)
