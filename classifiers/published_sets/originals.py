"""Which original image an augmented copy was made from, found by matching local features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError

MIN_CORRELATION = 0.7
"""Lowest correlation of a copy with its warped original that counts as a match."""

MIN_COVERED = 0.9
"""Lowest share of the copy's own pixels that the warped original has to cover."""

OVERLAP_CORRELATION = 0.8
"""Lowest correlation of two originals, one warped, that counts as showing a part of the same field."""

OVERLAP_COVERED = 0.2
"""Lowest share of an original that the other has to cover for that."""

_CERTAIN = 0.9

_ZOOM = 4
_DARK = 25
_NEIGHBOURS = 3
_CANDIDATES = 8
_MIN_PAIRS = 4
_MIN_PIXELS = 3000
_PASSES = (0.04, 0.01)


@dataclass(frozen=True, slots=True)
class Match:
    """The original of a copy.

    Parameters
    ----------
    original : int
        Its number among the originals; −1 where none was found.
    correlation : float
        Correlation of the copy with the warped original where both have pixels, −1 to 1.
    covered : float
        Share of the copy's pixels that the warped original covers, 0 to 1.
    runner_up : float
        Correlation of the best other original that could be warped onto the copy, −1 where there is none.
    """

    original: int
    correlation: float
    covered: float
    runner_up: float


_NONE = Match(-1, -1.0, 0.0, -1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Keypoints:
    places: NDArray[np.float32]
    descriptors: NDArray[np.float32]


class OriginalFinder:
    """Finds the original of turned, mirrored, shifted, sheared and scaled copies.

    SIFT features of the copy are matched against those of all originals and of their mirror images; an
    affine transform is fitted to the matches of each likely original by RANSAC, the original is warped by
    it, and the correlation of both decides.

    References
    ----------
    Lowe 2004, doi 10.1023/B:VISI.0000029664.99615.94; descriptors compared by the Hellinger kernel as in
    Arandjelović & Zisserman 2012, doi 10.1109/CVPR.2012.6248018. Differs in that the pixels, not the number
    of inliers, decide.
    """

    def __init__(self, originals: Sequence[NDArray[np.uint8]]) -> None:
        """Describe the originals.

        Parameters
        ----------
        originals : sequence of ndarray of shape (M, N, 3), uint8
            The originals at the size of the copies; at least one.

        Raises
        ------
        DataError
            Where there are no originals or none has a feature.
        """
        self._count = len(originals)
        views = [_grey(view) for image in originals for view in (image, image[:, ::-1])]
        found = [_keypoints(view, None, _PASSES[-1]) for view in views]
        if not sum(len(f.places) for f in found):
            raise DataError("no feature in any original; give the images that the copies were made from")
        self._views = views
        self._places = np.concatenate([f.places for f in found])
        self._owner = np.concatenate([np.full(len(f.places), i) for i, f in enumerate(found)])
        self._index: Any = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 64})
        self._index.add([np.concatenate([f.descriptors for f in found])])
        cv2.setRNGSeed(0)
        self._index.train()

    def find(self, copy: NDArray[np.uint8], *, leave_out: int = -1) -> Match:
        """Return the original of a copy.

        Parameters
        ----------
        copy : ndarray of shape (M, N, 3), uint8
            The copy; what the augmentation left empty is black.
        leave_out : int
            Number of an original that is not looked at; −1 for none.

        Returns
        -------
        Match
        """
        grey, filled = _grey(copy), _filled(copy)
        best = _NONE
        for contrast in _PASSES:
            candidates = self._candidates(_keypoints(grey, filled, contrast), leave_out)
            best = _best([self._verify(grey, filled, *candidate) for candidate in candidates])
            if best.correlation >= _CERTAIN and best.covered >= MIN_COVERED:
                break
        return best

    def _candidates(self, found: _Keypoints, leave_out: int) -> list[tuple[int, Any, Any]]:
        if len(found.places) < _MIN_PAIRS:
            return []
        pairs: dict[int, tuple[list[Any], list[Any]]] = {}
        for matches in self._index.knnMatch(found.descriptors, k=_NEIGHBOURS):
            for match in matches:
                owner = int(self._owner[match.trainIdx])
                if owner // 2 != leave_out:
                    source, target = pairs.setdefault(owner, ([], []))
                    source.append(self._places[match.trainIdx])
                    target.append(found.places[match.queryIdx])
        likely = sorted(pairs, key=lambda owner: (-len(pairs[owner][0]), owner))[:_CANDIDATES]
        return [(owner, *pairs[owner]) for owner in likely if len(pairs[owner][0]) >= _MIN_PAIRS]

    def _verify(
        self, grey: NDArray[np.uint8], filled: NDArray[np.uint8], owner: int, source: Any, target: Any
    ) -> tuple[int, float, float]:
        cv2.setRNGSeed(owner)
        fitted: Any = cv2.estimateAffine2D(
            np.array(source, np.float32),
            np.array(target, np.float32),
            ransacReprojThreshold=1.5 * _ZOOM,
            maxIters=500,
        )
        matrix = fitted[0]
        if matrix is None or not 0.3 < abs(float(np.linalg.det(matrix[:, :2]))) < 3.0:
            return owner // 2, -1.0, 0.0
        view = self._views[owner]
        size = grey.shape[::-1]
        warped = cv2.warpAffine(view, matrix, size)
        inside = cv2.warpAffine(np.full(view.shape, 255, np.uint8), matrix, size)
        both = (inside == 255) & (filled > 0)
        if both.sum() < _MIN_PIXELS:
            return owner // 2, -1.0, 0.0
        a, b = warped[both].astype(np.float64), grey[both].astype(np.float64)
        if a.std() < 1.0 or b.std() < 1.0:
            return owner // 2, -1.0, 0.0
        return owner // 2, float(np.corrcoef(a, b)[0, 1]), float(both.sum() / (filled > 0).sum())


def _best(found: list[tuple[int, float, float]]) -> Match:
    ranked = sorted(found, key=lambda f: (-f[1] * f[2], f[0]))
    if not ranked or ranked[0][1] < 0:
        return _NONE
    original, correlation, covered = ranked[0]
    others = [f[1] for f in ranked if f[0] != original]
    return Match(original, correlation, covered, max(others, default=-1.0))


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC), np.uint8)


def _filled(copy: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bright = (copy.max(axis=2) > _DARK).astype(np.uint8)
    mask = cv2.erode(cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((5, 5))), np.ones((3, 3)))
    return np.asarray(
        cv2.resize(mask * 255, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST), np.uint8
    )


def _keypoints(grey: NDArray[np.uint8], mask: NDArray[np.uint8] | None, contrast: float) -> _Keypoints:
    sift: Any = cv2.SIFT_create  # type: ignore[attr-defined]
    places, descriptors = sift(nfeatures=160, contrastThreshold=contrast).detectAndCompute(grey, mask)
    if descriptors is None:
        return _Keypoints(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return _Keypoints(np.array([p.pt for p in places], np.float32), np.sqrt(shares).astype(np.float32))


def overlapping(originals: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return a group number for each original; originals that show a part of the same field share it.

    Parameters
    ----------
    originals : sequence of ndarray of shape (M, N, 3), uint8
        The originals, all of one size.

    Returns
    -------
    ndarray of shape (len(originals),), int64
        The lowest number of an original of the group.
    """
    finder = OriginalFinder(originals)
    group = np.arange(len(originals))
    for index, image in enumerate(originals):
        match = finder.find(image, leave_out=index)
        if match.correlation >= OVERLAP_CORRELATION and match.covered >= OVERLAP_COVERED:
            low, high = sorted((group[index], group[match.original]))
            group[group == high] = low
    return group


def find_originals(
    copies: Sequence[Path],
    originals: Sequence[NDArray[np.uint8]],
    *,
    read: Callable[[Path], NDArray[np.uint8]],
    log: Callable[[str], None],
) -> list[Match]:
    """Return the original of each copy.

    Parameters
    ----------
    copies : sequence of Path
        Image files.
    originals : sequence of ndarray of shape (M, N, 3), uint8
        The originals at the size of the copies.
    read : callable
        Reads an image file as RGB.
    log : callable
        Takes one line of progress.

    Returns
    -------
    list of Match
        In the order of the copies.
    """
    finder = OriginalFinder(originals)
    found = []
    for number, path in enumerate(copies, start=1):
        found.append(finder.find(read(path)))
        if number % 2000 == 0:
            log(f"{number} of {len(copies)} copies matched")
    return found
