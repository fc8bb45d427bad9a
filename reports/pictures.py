"""Pictures of cells and fields as JPEG, and the places of the finds on an overview."""

import base64
import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from cells.errors import DataError

OVERVIEW_PX = 1600
"""Longer side of an overview in a report, in px at most."""

LOGO_PX = 4000
"""Longer side of a logo, in px at most."""

_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to be put into a document.

    Parameters
    ----------
    jpeg : bytes
        The JPEG file.
    width, height : int
        Size in px.
    scale : float
        Size of a pixel of the picture over one of the image it was made from, above 0 to 1.
    """

    jpeg: bytes
    width: int
    height: int
    scale: float = 1.0

    @property
    def data_uri(self) -> str:
        """The picture as a ``data:`` address."""
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")


def encode(image: NDArray[np.uint8], *, longest_px: int | None = None) -> Picture:
    """Encode an image as JPEG, made smaller where it is larger than wanted.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image; not written to.
    longest_px : int or None, optional
        Longer side of the picture in px at most; None keeps the size.

    Returns
    -------
    Picture
        The encoded picture; the same bytes for the same image and the same Pillow.
    """
    picture = Image.fromarray(np.ascontiguousarray(image))
    scale = 1.0
    if longest_px is not None and max(picture.size) > longest_px:
        scale = longest_px / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return Picture(stream.getvalue(), picture.width, picture.height, scale)


def checked_logo(data: bytes) -> tuple[str, int, int]:
    """Check the picture of a report header.

    Parameters
    ----------
    data : bytes
        A PNG or JPEG file.

    Returns
    -------
    tuple of str, int, int
        Kind (``png`` or ``jpeg``), width and height in px.

    Raises
    ------
    DataError
        Where it cannot be read, is of another kind or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
        with opened as picture:
            if max(picture.size) > LOGO_PX:
                raise DataError(
                    f"the logo of the report header is {picture.width}×{picture.height} pixels; "
                    f"give one of at most {LOGO_PX} a side"
                )
            picture.load()
            return str(picture.format).lower(), picture.width, picture.height
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise DataError(
            "the logo of the report header is no readable PNG or JPEG; give another file"
        ) from error


def encode_data_uri(logo: bytes) -> str:
    """Return the picture of a report header as a ``data:`` address; DataError where it cannot be read.

    Parameters
    ----------
    logo : bytes
        A PNG or JPEG file.

    Returns
    -------
    str
        The address.
    """
    kind, _, _ = checked_logo(logo)
    return f"data:image/{kind};base64," + base64.b64encode(logo).decode("ascii")
