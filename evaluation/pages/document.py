"""The neutral document: what stands on the pages of an evaluation, whatever they are written as."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; it becomes a bookmark of the PDF.

    Parameters
    ----------
    text : str
        The text.
    level : {1, 2}, optional
        1 for a part of the document, 2 for a part of that.
    """

    text: str
    level: Literal[1, 2] = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text.

    Parameters
    ----------
    text : str
        The text; signs of markup in it are shown, not obeyed.
    style : {"text", "small", "warning"}, optional
        How it looks: running text, a remark, or a warning in a box.
    """

    text: str
    style: Literal["text", "small", "warning"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Parameters
    ----------
    header : tuple of str
        Headings of the columns, at least one.
    rows : tuple of tuple of str
        The rows, each as long as the header; there may be none.
    caption : str, optional
        Stands above the table.
    numbers : frozenset of int, optional
        Columns that are set flush right, in figures of one width.
    note : str, optional
        Stands below the table in small letters.

    Raises
    ------
    UsageError
        Where a row is not as long as the header, or there is no column.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numbers: frozenset[int] = frozenset()
    note: str = ""

    def __post_init__(self) -> None:
        if not self.header or any(len(row) != len(self.header) for row in self.rows):
            raise UsageError(
                f"table {self.caption!r}: each row needs {len(self.header)} cells, one for each heading"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A chart.

    Parameters
    ----------
    drawing : reportlab.graphics.shapes.Drawing
        What `line_chart`, `bar_chart`, `matrix_chart` or `scatter_chart` returned.
    caption : str
        Stands below the chart.
    alt : str
        Says what the chart shows to those who cannot see it, with its main figures.
    """

    drawing: Any
    caption: str
    alt: str


@dataclass(frozen=True, slots=True, eq=False)
class GalleryPicture:
    """A picture of a gallery.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    lines : tuple of str
        Lines below it; the first stands out.
    """

    image: NDArray[np.uint8]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Pictures side by side.

    Parameters
    ----------
    pictures : tuple of GalleryPicture
        The pictures; there may be none.
    caption : str, optional
        Stands above them.
    columns : int, optional
        How many stand side by side on paper and on a wide screen, 1 to 8.

    Raises
    ------
    UsageError
        Where the number of columns is out of range or a picture is no RGB image.
    """

    pictures: tuple[GalleryPicture, ...]
    caption: str = ""
    columns: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.columns <= 8:
            raise UsageError(f"gallery {self.caption!r}: {self.columns} columns; give 1 to 8")
        for picture in self.pictures:
            image = picture.image
            if image.ndim != 3 or image.shape[2] != 3 or not image.size or image.dtype != np.uint8:
                raise UsageError(f"gallery {self.caption!r}: a picture is no RGB image of 8 bits")


Block = Heading | Paragraph | Table | Chart | Gallery
"""What a document is made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document.

    Parameters
    ----------
    title : str
        Its title.
    subtitle : str
        What it is about, in one line.
    blocks : tuple of Block
        What stands in it, in order.
    program : str, optional
        Name and version of the program that made it; for the footer and the metadata.
    facts : tuple of (str, str), optional
        Terms and what holds for each: model, images, settings; they stand below the title.
    """

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    program: str = ""
    facts: tuple[tuple[str, str], ...] = ()
