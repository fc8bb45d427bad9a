"""The window scanner: from a field to its leukocytes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import Detection, RGBImage, WhitePoint
from cells.units import Pixels
from detector.cascade import Cascade
from detector.channels import (
    BLOCKS_PER_ERYTHROCYTE,
    ChannelPicture,
    RowReader,
    channel_picture,
    release_pages,
)
from detector.clumps import HEAP_REACH, is_heap, may_be_heap
from detector.frame import place_in_frame
from detector.ink import Ink, dull_inks, rows_without_ink
from detector.measure import border_depths, estimate_diameters, refine_centres, ring_profiles
from detector.scan import scan
from detector.storage import load_cascade, save_cascade
from detector.suppression import suppress

SPACING = 1.1
"""Least distance of two finds in erythrocyte diameters: 0.39 of the window."""

NEAR_MISS = 0.06
"""A window that scores less than this under the threshold is looked at again with a smaller window."""

SMALLER = 0.87
"""Side of that window in sides of the first; a leukocyte no larger than an erythrocyte fills it better."""

SURE = 0.1
"""What the smaller window must score above the threshold."""

SURE_LEUKOCYTE = 0.4
"""Finds that score less are checked for being a heap of platelets."""

_SAME_CELL = 0.6
_INKS = 4
_GROUP = 100
_MARGIN = 0.25
_RIM = 8
_REFINE_RADIUS = 0.8
_REFINE_DEPTH = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """Finds leukocytes with a window of 21 µm that scans the whole field.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    """

    cascade: Cascade

    @classmethod
    def load(cls, path: Path, *, sha256: str | None = None) -> "Scanner":
        """Read a scanner from an ``.npz`` file.

        Parameters
        ----------
        path : Path
            File written by `save`.
        sha256 : str, optional
            Hash that the file must have.

        Returns
        -------
        Scanner
            The scanner.

        Raises
        ------
        ModelError
            Where the file is missing, altered or no detector.
        """
        return cls(load_cascade(path, sha256=sha256))

    def save(self, path: Path) -> str:
        """Write the scanner to an ``.npz`` file and return the SHA-256 of the file."""
        return save_cascade(self.cascade, path)

    def detect(
        self,
        image: RGBImage,
        *,
        white: WhitePoint,
        erythrocyte_px: float,
        threshold: float | None = None,
        tile_rows: int = 2048,
    ) -> list[Detection]:
        """Find the leukocytes of a field.

        Parameters
        ----------
        image : ndarray of shape (M, N, 3), uint8
            RGB pixels; may be a ``numpy.memmap``, which is read tile by tile.
        white : ndarray of shape (3,), float64
            Colour of the empty slide.
        erythrocyte_px : float
            Erythrocyte diameter in pixels of the image, above 0.
        threshold : float, optional
            Least score of a find; None takes that of the model.
        tile_rows : int, optional
            Rows of the image that are read together; does not alter the result.

        Returns
        -------
        list of Detection
            Ordered by (-score, row, column); no two of them closer than `SPACING`. Where a window scores just
            under the threshold (`NEAR_MISS`) and a smaller one there clearly above it (`SURE`), it is a find
            with the score of the smaller window. Where the window around a find is full of one dull ink
            (`detector.ink.dull_inks`), the field is looked at again without that ink. Heaps of platelets
            (`detector.clumps`) are left out.

        Raises
        ------
        UsageError
            Where ``erythrocyte_px`` is not above 0.
        """
        if not (np.isfinite(erythrocyte_px) and erythrocyte_px > 0):
            raise UsageError(f"erythrocyte diameter is {erythrocyte_px} px; it must be above 0")
        limit = self.cascade.threshold if threshold is None else threshold
        inks: tuple[Ink, ...] = ()
        for _ in range(_INKS + 1):
            look = _Look(image, white, erythrocyte_px, tile_rows, inks)
            found = self._found(look, limit)
            more: set[Ink] = set()
            for start in range(0, len(found), _GROUP):
                more.update(dull_inks(image, found[start : start + _GROUP], erythrocyte_px=erythrocyte_px))
                release_pages(image)
            more -= set(inks)
            if not more:
                break
            inks = (*inks, *sorted(more))
        return found

    def _found(self, look: "_Look", limit: float) -> list[Detection]:
        picture = look.picture(1.0)
        points, scores = find_centres(self.cascade, picture, threshold=limit, floor=limit - NEAR_MISS)
        if len(scores) and scores[-1] < limit:
            again = look.picture(SMALLER)
            second = find_centres(self.cascade, again, threshold=limit + SURE)
            steps = again.row_step / picture.row_step, again.col_step / picture.col_step
            points, scores = _settled(points, scores, second[0] * steps, second[1], threshold=limit)
        relative = estimate_diameters(ring_profiles(picture, points), self.cascade.diameter)
        found: list[Detection] = []
        for (row, col), score, size in zip(points.tolist(), scores.tolist(), relative.tolist(), strict=True):
            if score < SURE_LEUKOCYTE and self._is_heap(look, picture, (row, col)):
                continue
            diameter = size * BLOCKS_PER_ERYTHROCYTE
            depths = border_depths(picture, (row, col), diameter=diameter)
            place = place_in_frame(depths, diameter=diameter)
            found.append(
                Detection(
                    row * picture.row_step - 0.5,
                    col * picture.col_step - 0.5,
                    Pixels(size * look.erythrocyte_px),
                    score,
                    place.at_border,
                    place.counted,
                )
            )
        return found

    def _is_heap(self, look: "_Look", picture: ChannelPicture, point: tuple[float, float]) -> bool:
        if not may_be_heap(picture, point):
            return False
        window = look.window(point[0] * picture.row_step, point[1] * picture.col_step)
        return is_heap(window, look.white, erythrocyte_green=picture.erythrocyte_green)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A field and how it is looked at."""

    image: RGBImage
    white: WhitePoint
    erythrocyte_px: float
    tile_rows: int
    inks: tuple[Ink, ...]

    def picture(self, window: float) -> ChannelPicture:
        """Return the channels for a window of so many times the usual side."""
        told = window * self.erythrocyte_px
        return channel_picture(
            self.image, self.white, erythrocyte_px=told, tile_rows=self.tile_rows, read=self._reader(told)
        )

    def window(self, row: float, col: float) -> RGBImage:
        """Return the square around a point that `is_heap` looks at, mirrored beyond the border."""
        half = HEAP_REACH * self.erythrocyte_px
        side = max(round(2 * half), 1)
        top, left = round(row - half), round(col - half)
        above, before = max(-top, 0), max(-left, 0)
        rows = slice(top + above, min(top + side, len(self.image)))
        margin = round(_MARGIN * self.erythrocyte_px) + _RIM
        first = max(left + before - margin, 0)
        columns = self.image[:, first : left + side + margin]
        part = self._reader(self.erythrocyte_px)(columns, rows)[
            :, left + before - first : left + side - first
        ]
        release_pages(self.image)
        below, behind = (side - above - part.shape[0], side - before - part.shape[1])
        return np.asarray(
            cv2.copyMakeBorder(part, above, below, before, behind, cv2.BORDER_REFLECT), np.uint8
        )

    def _reader(self, erythrocyte_px: float) -> RowReader:
        return partial(rows_without_ink, white=self.white, erythrocyte_px=erythrocyte_px, inks=self.inks)


def find_centres(
    cascade: Cascade, picture: ChannelPicture, *, threshold: float, floor: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scan a channel picture and reduce the accepted windows to one find per cell.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    picture : ChannelPicture
        The field.
    threshold : float
        Least score of a find.
    floor : float, optional
        Least score of what is returned, near misses among it; None takes the threshold. What scores above the
        threshold does not depend on it.

    Returns
    -------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions from the top left corner of the field.
    scores : ndarray of shape (K,), float64
        Their scores; both ordered by (-score, row, column).
    """
    scores = scan(cascade, picture)
    places = np.stack(np.nonzero(scores >= (threshold if floor is None else floor)), axis=1)
    values = scores[places[:, 0], places[:, 1]]
    spacing = SPACING * BLOCKS_PER_ERYTHROCYTE
    peaks = suppress(places.astype(np.float64), values, spacing=spacing)
    radius = _REFINE_RADIUS * BLOCKS_PER_ERYTHROCYTE
    points = refine_centres(scores, places[peaks], threshold=threshold - _REFINE_DEPTH, radius=radius)
    kept = suppress(points, values[peaks], spacing=spacing)
    return points[kept], values[peaks][kept]


def _settled(
    points: NDArray[np.float64],
    scores: NDArray[np.float64],
    second: NDArray[np.float64],
    second_scores: NDArray[np.float64],
    *,
    threshold: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keep of the near misses those that the smaller window found, with the score that it gave."""
    away = np.sqrt(((points[:, None] - second[None]) ** 2).sum(axis=2))
    near = away <= _SAME_CELL * BLOCKS_PER_ERYTHROCYTE
    best = np.where(near, second_scores, -np.inf).max(axis=1, initial=-np.inf)
    settled = np.where(scores >= threshold, scores, best)
    order = np.lexsort((points[:, 1], points[:, 0], -settled))
    order = order[settled[order] >= threshold]
    return points[order], settled[order]
