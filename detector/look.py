"""A field as the scanner looks at it: drawn ink taken out, whole or around a find."""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from cells.records import RGBImage, WhitePoint
from detector.channels import MOST_GREEN, ChannelPicture, channel_picture
from detector.ink import Ink, rows_without_ink
from detector.working_scale import RowReader, release_pages

_MARGIN = 0.25
_RIM = 8


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A field and how it is looked at.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels; may be a ``numpy.memmap``.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.
    tile_rows : int
        Rows of the image that are read together.
    inks : tuple of (int, int, int)
        Colours of dull inks, taken out of the pixels together with the saturated ones.
    """

    image: RGBImage
    white: WhitePoint
    erythrocyte_px: float
    tile_rows: int
    inks: tuple[Ink, ...]

    def picture(self, window: float = 1.0) -> ChannelPicture:
        """Return the channels for a window of so many times the usual side, above 0."""
        told = window * self.erythrocyte_px
        return channel_picture(
            self.image,
            self.white,
            erythrocyte_px=told,
            tile_rows=self.tile_rows,
            read=self._reader(told),
            most_green=MOST_GREEN,
        )

    def square(self, row: float, col: float, *, reach: float) -> RGBImage:
        """Return the square around a point of the image, mirrored beyond its border.

        Parameters
        ----------
        row, col : float
            The point, in pixels of the image.
        reach : float
            Half the side, in erythrocyte diameters, above 0.

        Returns
        -------
        ndarray of shape (S, S, 3), uint8
            RGB pixels without ink.
        """
        half = reach * self.erythrocyte_px
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
