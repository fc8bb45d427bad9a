"""The window scanner: from a field to its leukocytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cells.errors import UsageError
from cells.records import Detection, Field, RGBImage, WhitePoint
from cells.units import Pixels
from detector.cascade import Cascade
from detector.channels import ChannelPicture
from detector.clumps import SURE_LEUKOCYTE, lies_in_heap
from detector.cluster_look import find_in_clusters
from detector.frame import leave_out_rim, place_in_frame
from detector.ink import Ink, dull_inks
from detector.look import Look
from detector.measure import border_depths, estimate_diameters, ring_profiles
from detector.second_look import find_with_second_look
from detector.storage import CLUSTERS, load_cascade, save_cascade
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE, release_pages

_INKS = 4
_GROUP = 100


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """Finds leukocytes with a window of 21 µm that scans the whole field.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    clusters : Cascade, optional
        The classifier that looks for leukocytes that touch a find; None does without
        (`detector.cluster_look`).
    """

    cascade: Cascade
    clusters: Cascade | None = None

    @classmethod
    def load(cls, path: Path, *, sha256: str | None = None, clusters_sha256: str | None = None) -> "Scanner":
        """Read a scanner from an ``.npz`` file and ``clusters.npz`` where it lies beside it.

        Parameters
        ----------
        path : Path
            File written by `save`.
        sha256, clusters_sha256 : str, optional
            Hashes that the files must have; with the latter the second file must be there.

        Returns
        -------
        Scanner
            The scanner.

        Raises
        ------
        ModelError
            Where the file is missing, altered or no detector.
        """
        beside = path.with_name(CLUSTERS)
        asked = clusters_sha256 is not None or beside.is_file()
        clusters = load_cascade(beside, sha256=clusters_sha256) if asked else None
        return cls(load_cascade(path, sha256=sha256), clusters)

    def save(self, path: Path) -> str:
        """Write the scanner to an ``.npz`` file and return the SHA-256 of the file.

        The look at clusters is written to ``clusters.npz`` beside it.
        """
        if self.clusters is not None:
            save_cascade(self.clusters, path.with_name(CLUSTERS))
        return save_cascade(self.cascade, path)

    def find(self, field: Field, *, erythrocyte_px: float, threshold: float | None = None) -> list[Detection]:
        """Find the leukocytes of a field that the program has read.

        Parameters
        ----------
        field : Field
            The field.
        erythrocyte_px : float
            Erythrocyte diameter in pixels of the image, above 0.
        threshold : float, optional
            Least score of a find; None takes that of the model.

        Returns
        -------
        list of Detection
            Those of `detect`; where the field has a dark surround, without those in it, and those at its rim
            not counted (`detector.frame.leave_out_rim`).

        Raises
        ------
        UsageError
            Where ``erythrocyte_px`` is not above 0.
        """
        found = self.detect(
            field.image, white=field.white_point, erythrocyte_px=erythrocyte_px, threshold=threshold
        )
        return leave_out_rim(found, field.lit, shape=field.image.shape[:2], erythrocyte_px=erythrocyte_px)

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
            Ordered by (-score, row, column); no two of them closer than `detector.centres.SPACING`. Where a
            window scores just under the threshold and a smaller one there clearly above it, it is a find with
            the score of the smaller window (`detector.second_look`). Leukocytes that touch a find are found
            by the classifier for clusters, with its score (`detector.cluster_look`). Where the window around
            a find is full of one dull ink (`detector.ink.dull_inks`), the field is looked at again without
            that ink. Heaps of platelets (`detector.clumps`) are left out.

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
            found = self._found(Look(image, white, erythrocyte_px, tile_rows, inks), limit)
            more = _inks_around(found, image, erythrocyte_px) - set(inks)
            if not more:
                break
            inks = (*inks, *sorted(more))
        return found

    def _found(self, look: Look, limit: float) -> list[Detection]:
        picture = look.picture()
        points, scores, missed = find_with_second_look(self.cascade, look, picture, threshold=limit)
        sizes = estimate_diameters(ring_profiles(picture, points), self.cascade.diameter)
        if self.clusters is not None:
            close = self.clusters.threshold + limit - self.cascade.threshold
            found, scores = find_in_clusters(
                self.clusters,
                picture,
                points,
                scores,
                sizes=sizes,
                missed=missed,
                threshold=limit,
                limit=close,
            )
            if found is not points:
                points = found
                sizes = estimate_diameters(ring_profiles(picture, points), self.cascade.diameter)
        return [
            _detection(look, picture, point, score, size)
            for point, score, size in zip(points.tolist(), scores.tolist(), sizes.tolist(), strict=True)
            if score >= SURE_LEUKOCYTE or not lies_in_heap(look, picture, point)
        ]


def _inks_around(found: Sequence[Detection], image: RGBImage, erythrocyte_px: float) -> set[Ink]:
    inks: set[Ink] = set()
    for start in range(0, len(found), _GROUP):
        inks.update(dull_inks(image, found[start : start + _GROUP], erythrocyte_px=erythrocyte_px))
        release_pages(image)
    return inks


def _detection(
    look: Look, picture: ChannelPicture, point: tuple[float, float], score: float, size: float
) -> Detection:
    """Put a find back into the pixels and the counting frame of the image; size in erythrocyte diameters."""
    diameter = size * BLOCKS_PER_ERYTHROCYTE
    depths = border_depths(picture, point, diameter=diameter)
    place = place_in_frame(depths, diameter=diameter)
    return Detection(
        point[0] * picture.row_step - 0.5,
        point[1] * picture.col_step - 0.5,
        Pixels(size * look.erythrocyte_px),
        score,
        place.at_border,
        place.counted,
    )
