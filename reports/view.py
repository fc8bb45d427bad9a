"""What a report says, in one language and in order, before any page is laid out."""

from collections.abc import Callable
from dataclasses import dataclass

from reports.bars import Bar
from reports.pictures import Picture
from reports.texts import Language

Clean = Callable[[str], str]
"""Makes a text from outside fit to be shown: one line, no control characters."""


@dataclass(frozen=True, slots=True)
class Header:
    """The laboratory that hands the report over.

    Parameters
    ----------
    laboratory : str
        Its name.
    lines : tuple of str
        Address, telephone and the like, a line each.
    logo : bytes or None
        Its sign as a PNG or JPEG file.
    """

    laboratory: str
    lines: tuple[str, ...] = ()
    logo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A term and what is said of it."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the formula table, as text; ``tone`` is ``"high"``, ``"low"`` or empty."""

    name: str
    child: bool
    n: str
    percent: str
    interval: str
    corrected: str
    limits: str
    flag: str
    flag_detail: str
    tone: str
    absolute: str
    absolute_sign: str
    absolute_tone: str
    absolute_limits: str
    bar: Bar | None


@dataclass(frozen=True, slots=True)
class Table:
    """The formula table: its rows, the total, whether absolute counts and corrected shares are given."""

    rows: tuple[Row, ...]
    total_n: str
    total_absolute: str
    total_sign: str
    total_tone: str
    total_limits: str
    with_absolute: bool
    with_corrected: bool


@dataclass(frozen=True, slots=True)
class GlanceItem:
    """One value that stands out: its sign, its text and its tone."""

    sign: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Glance:
    """A line of what stands out, under a heading; without items the heading says it all."""

    heading: str
    items: tuple[GlanceItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning that stands above everything else."""

    heading: str
    detail: str


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A leukocyte index: its name, its value with the interval, what is usual; withheld with the reason."""

    name: str
    value: str
    usual: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A comment of the coded library: its urgency (``alert``, ``review``, ``info``), text and rule."""

    urgency: str
    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class Thumb:
    """One cell of the gallery: number, probability and the next likely classes, a line each.

    Of a cell that a person named there is no probability; ``said`` holds by whom it was named and what the
    program had answered.
    """

    number: str
    probability: str
    said: tuple[str, ...]
    others: tuple[str, ...]
    picture: Picture


@dataclass(frozen=True, slots=True)
class Group:
    """The cells of one class: its name, how many there are and how many are shown."""

    name: str
    count: str
    thumbs: tuple[Thumb, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A find on the overview: centre and radius in px of the picture, its text, whether it is counted."""

    x: float
    y: float
    radius: float
    text: str
    counted: bool


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """One field with its finds."""

    intro: str
    picture: Picture
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table of the method page: heading, an introduction, column titles, rows of text."""

    heading: str
    intro: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a report says, in the order of its pages; a report of counts alone has no gallery."""

    language: Language
    name: str
    subject: str
    program: str
    status: str
    signed: tuple[str, str] | None
    header: Header | None
    identity: tuple[Item, ...]
    notice: Notice | None
    glance: tuple[Glance, ...]
    comments: tuple[Said, ...]
    table: Table | None
    notes: tuple[str, ...]
    indices: tuple[IndexLine, ...]
    legends: tuple[str, ...]
    counted: tuple[Item, ...]
    quality: tuple[Item, ...]
    models_line: str
    groups: tuple[Group, ...]
    gallery_note: str
    overview: OverviewPage | None
    method: tuple[Item, ...]
    grids: tuple[Grid, ...]
