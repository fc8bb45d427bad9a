"""The window scanner: from a field to its leukocytes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import Detection, RGBImage, WhitePoint
from cells.units import Pixels
from detector.cascade import Cascade
from detector.channels import BLOCKS_PER_ERYTHROCYTE, ChannelPicture, channel_picture
from detector.frame import place_in_frame
from detector.measure import border_depths, estimate_diameters, refine_centres, ring_profiles
from detector.scan import scan
from detector.storage import load_cascade, save_cascade
from detector.suppression import suppress

SPACING = 1.1
"""Least distance of two finds in erythrocyte diameters: 0.39 of the window."""

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
            Ordered by (-score, row, column); no two of them closer than `SPACING`.

        Raises
        ------
        UsageError
            Where ``erythrocyte_px`` is not above 0.
        """
        if not (np.isfinite(erythrocyte_px) and erythrocyte_px > 0):
            raise UsageError(f"erythrocyte diameter is {erythrocyte_px} px; it must be above 0")
        limit = self.cascade.threshold if threshold is None else threshold
        picture = channel_picture(image, white, erythrocyte_px=erythrocyte_px, tile_rows=tile_rows)
        points, scores = find_centres(self.cascade, picture, threshold=limit)
        relative = estimate_diameters(ring_profiles(picture, points), self.cascade.diameter)
        found: list[Detection] = []
        for (row, col), score, size in zip(points.tolist(), scores.tolist(), relative.tolist(), strict=True):
            diameter = size * BLOCKS_PER_ERYTHROCYTE
            depths = border_depths(picture, (row, col), diameter=diameter)
            place = place_in_frame(depths, diameter=diameter)
            found.append(
                Detection(
                    row * picture.row_step - 0.5,
                    col * picture.col_step - 0.5,
                    Pixels(size * erythrocyte_px),
                    score,
                    place.at_border,
                    place.counted,
                )
            )
        return found


def find_centres(
    cascade: Cascade, picture: ChannelPicture, *, threshold: float
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

    Returns
    -------
    points : ndarray of shape (K, 2), float64
        Row and column of the finds in map positions from the top left corner of the field.
    scores : ndarray of shape (K,), float64
        Their scores; both ordered by (-score, row, column).
    """
    scores = scan(cascade, picture)
    places = np.stack(np.nonzero(scores >= threshold), axis=1)
    values = scores[places[:, 0], places[:, 1]]
    spacing = SPACING * BLOCKS_PER_ERYTHROCYTE
    peaks = suppress(places.astype(np.float64), values, spacing=spacing)
    radius = _REFINE_RADIUS * BLOCKS_PER_ERYTHROCYTE
    points = refine_centres(scores, places[peaks], threshold=threshold - _REFINE_DEPTH, radius=radius)
    kept = suppress(points, values[peaks], spacing=spacing)
    return points[kept], values[peaks][kept]
