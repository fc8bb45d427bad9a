"""Splits of labelled images into training and test: by original or patient, by image, or as published."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, UsageError
from classifiers.published_sets.rows import ImageRow

SPLITS = ("group", "image", "published")
"""The ways to split: by original cell or patient, by image, by the splits of the publication."""

_TRIALS = 200


def split_rows(rows: Sequence[ImageRow], *, by: str, share: float = 0.2, seed: int = 0) -> NDArray[np.int8]:
    """Say of each image whether it trains or tests.

    Parameters
    ----------
    rows : sequence of ImageRow
        The images.
    by : str
        ``group`` keeps all images of an original or a patient on one side; ``image`` draws image by image,
        as papers do that put copies of one cell on both sides; ``published`` takes the splits of the set
        (``train…`` and ``fold…`` train, ``test``, ``test_a…``, ``val`` test, others are left out).
    share : float, optional
        Share of the images that test, above 0 and below 1; not used by ``published``.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    ndarray of shape (N,), int8
        0 trains, 1 tests, −1 is left out.

    Raises
    ------
    UsageError
        Where ``by`` or ``share`` is not possible.
    DataError
        Where the rows have no groups or splits, or a class would be on one side only.
    """
    if by not in SPLITS:
        raise UsageError(f"no way to split {by!r}; choose one of {', '.join(SPLITS)}")
    if not 0.0 < share < 1.0:
        raise UsageError(f"a test share of {share}; give a number above 0 and below 1")
    labels = np.array([row.label for row in rows])
    if by == "published":
        side = np.array([_published(row.split) for row in rows], np.int8)
    elif by == "image":
        side = _by_image(labels, share, seed)
    else:
        side = _by_group(rows, labels, share, seed)
    for label in sorted(set(labels[side >= 0])):
        if set(side[labels == label]) & {0, 1} != {0, 1}:
            raise DataError(f"the split leaves {label} on one side only; split otherwise or drop the class")
    if not (side == 0).any() or not (side == 1).any():
        raise DataError("the images have no splits train and test; split them by group or by image")
    return side


def _published(split: str) -> int:
    if split.startswith(("train", "fold")):
        return 0
    return 1 if split.startswith(("test", "val")) and split != "test_simple" else -1


def _by_image(labels: NDArray[np.str_], share: float, seed: int) -> NDArray[np.int8]:
    rng = np.random.default_rng([seed, 1])
    side = np.zeros(len(labels), np.int8)
    for label in np.unique(labels):
        where = rng.permutation(np.flatnonzero(labels == label))
        side[where[: max(1, round(share * len(where)))]] = 1
    return side


def _by_group(
    rows: Sequence[ImageRow], labels: NDArray[np.str_], share: float, seed: int
) -> NDArray[np.int8]:
    without = sum(not row.group for row in rows)
    if without:
        raise DataError(f"{without} of {len(rows)} images have no group; fill it in or split by image")
    names, groups = np.unique([row.group for row in rows], return_inverse=True)
    classes, kinds = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (groups, kinds), 1.0)
    rng = np.random.default_rng([seed, 2])
    best, best_fault = np.zeros(len(names), np.bool_), np.inf
    for _ in range(_TRIALS):
        chosen = _draw(rng, counts, share)
        fault = float(np.abs(counts[chosen].sum(axis=0) / counts.sum(axis=0) - share).max())
        if fault < best_fault:
            best, best_fault = chosen, fault
    return np.asarray(best[groups], np.int8)


def _draw(rng: np.random.Generator, counts: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    order = rng.permutation(len(counts))
    want = share * counts.sum()
    reached = np.cumsum(counts[order].sum(axis=1))
    chosen = np.zeros(len(counts), np.bool_)
    chosen[order[: int(np.searchsorted(reached, want)) + 1]] = True
    return chosen


def shared_groups(rows: Sequence[ImageRow], side: NDArray[np.int8]) -> int:
    """Return the number of groups with images on both sides; rows without a group are not counted.

    Parameters
    ----------
    rows : sequence of ImageRow
        The images.
    side : ndarray of shape (N,), int8
        Of ``split_rows``.

    Returns
    -------
    int
    """
    sides = [{r.group for r, s in zip(rows, side, strict=True) if s == which and r.group} for which in (0, 1)]
    return len(sides[0] & sides[1])
