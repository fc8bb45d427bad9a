"""Removing repeated finds of one cell by the distances between them."""

import numpy as np
from numpy.typing import NDArray

_FEW = 100


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
    if len(points) <= _FEW:
        return _one_by_one(points.tolist(), scores.tolist(), spacing)
    order = np.lexsort((points[:, 1], points[:, 0], -scores)).astype(np.intp)
    if spacing <= 0:
        return order
    rank = _Ranks(points[order], spacing)
    chosen = np.zeros(len(points), np.bool_)
    while len(rank.alive):
        best = rank.best()
        chosen[best] = True
        rank.remove_near(best)
    return order[chosen]


def _one_by_one(points: list[list[float]], scores: list[float], spacing: float) -> NDArray[np.intp]:
    """Choose greedily without arrays, whose calls take longer than so few numbers."""
    ranked = sorted(
        (-score, row, col, n) for n, (score, (row, col)) in enumerate(zip(scores, points, strict=True))
    )
    limit = spacing**2 if spacing > 0 else -1.0
    chosen: list[tuple[float, float, int]] = []
    for _, row, col, n in ranked:
        for y, x, _ in chosen:
            if (row - y) * (row - y) + (col - x) * (col - x) < limit:
                break
        else:
            chosen.append((row, col, n))
    return np.array([n for _, _, n in chosen], np.intp)


class _Ranks:
    """Points in the order of their rank, in square bins as wide as the spacing.

    A point that leads its own and the eight bins around it can be displaced by no other: all such are chosen
    at once, which gives what choosing one by one gives.
    """

    def __init__(self, points: NDArray[np.float64], spacing: float) -> None:
        self._points, self._spacing = points, spacing
        bins = np.floor((points - points.min(axis=0)) / spacing).astype(np.intp) + 1
        self._width = int(bins[:, 1].max()) + 2
        known, self._bin = np.unique(bins[:, 0] * self._width + bins[:, 1], return_inverse=True)
        around = np.array([row * self._width + col for row in (-1, 0, 1) for col in (-1, 0, 1)])
        near = np.searchsorted(known, known[:, None] + around)
        near[near == len(known)] = 0
        self._near = np.where(known[near] == known[:, None] + around, near, len(known))
        self.alive = np.arange(len(points))

    def best(self) -> NDArray[np.intp]:
        self._lead = np.full(len(self._near) + 1, len(self._points), np.intp)
        np.minimum.at(self._lead, self._bin[self.alive], self.alive)
        own = self._lead[:-1]
        return np.sort(own[(own == self._lead[self._near].min(axis=1)) & (own < len(self._points))])

    def remove_near(self, best: NDArray[np.intp]) -> None:
        """Every bin holds at most one of the best: any two of them are at least one bin apart."""
        of_bin = np.full(len(self._near) + 1, -1, np.intp)
        of_bin[self._bin[best]] = best
        others = of_bin[self._near[self._bin[self.alive]]]
        away = ((self._points[others] - self._points[self.alive, None]) ** 2).sum(axis=2)
        close = ((others >= 0) & (away < self._spacing**2)).any(axis=1) | np.isin(self.alive, best)
        self.alive = self.alive[~close]
