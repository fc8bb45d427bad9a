"""Pages of an evaluation: a document of texts, tables, charts and pictures, written as HTML and PDF."""

from evaluation.pages.bars import Bar, bar_chart
from evaluation.pages.charts import Mark, Points, Reference, Series, line_chart, scatter_chart
from evaluation.pages.document import (
    Block,
    Chart,
    Document,
    Gallery,
    GalleryPicture,
    Heading,
    Paragraph,
    Table,
)
from evaluation.pages.html import render_html, write_html
from evaluation.pages.matrix import matrix_chart
from evaluation.pages.pdf import write_pdf

__all__ = [
    "Bar",
    "Block",
    "Chart",
    "Document",
    "Gallery",
    "GalleryPicture",
    "Heading",
    "Mark",
    "Paragraph",
    "Points",
    "Reference",
    "Series",
    "Table",
    "bar_chart",
    "line_chart",
    "matrix_chart",
    "render_html",
    "scatter_chart",
    "write_html",
    "write_pdf",
]
