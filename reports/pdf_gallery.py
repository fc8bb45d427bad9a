"""The pictures of the PDF: cells by class, and one field with its finds drawn on it."""

import io
from typing import Any

from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepTogether,
    Spacer,
    Table,
    TableStyle,
)

from reports.fonts import SEMIBOLD, shorten
from reports.fonts import width as text_width
from reports.pdf_style import Flowables, colour, heading, para
from reports.texts import Language
from reports.view import Group, Mark, OverviewPage, Thumb

_COLUMNS = 8
_GAP = 1.6 * mm
_LABEL_SIZE = 6.2
_LEAST_ROOM = 60 * mm


def gallery(groups: tuple[Group, ...], note: str, language: Language, *, width: float) -> Flowables:
    """Lay out the cells by class.

    Parameters
    ----------
    groups : tuple of Group
        The cells of each class.
    note : str
        What the pictures show, or why there are none.
    language : Language
        Language of the report.
    width : float
        Width of the text in points.

    Returns
    -------
    list of flowables
        Starts on a new page where little is left of one.
    """
    parts: Flowables = [CondPageBreak(_LEAST_ROOM), heading(language.text("gallery")), para(note, "small")]
    for group in groups:
        title = heading(f"{group.name} · {group.count}", style="group", level=1)
        rows = [
            _strip(group.thumbs[start : start + _COLUMNS], width)
            for start in range(0, len(group.thumbs), _COLUMNS)
        ]
        if rows:
            parts += [KeepTogether([title, rows[0]]), *rows[1:]]
        else:
            parts.append(title)
    return parts


def _strip(thumbs: tuple[Thumb, ...], width: float) -> Table:
    column = width / _COLUMNS
    side = column - _GAP
    cells: list[object] = [_thumb(thumb, side) for thumb in thumbs]
    cells += [""] * (_COLUMNS - len(cells))
    table = Table([cells], colWidths=[column] * _COLUMNS)
    table.setStyle(
        TableStyle(
            [
                ("ALIGN", (0, 0), (-1, -1), "CENTER"),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), _GAP / 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), _GAP / 2),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ]
        )
    )
    return table


def _thumb(thumb: Thumb, side: float) -> Flowables:
    line = f"{thumb.number} · {thumb.probability}" if thumb.probability else thumb.number
    parts: Flowables = [
        Image(io.BytesIO(thumb.picture.jpeg), width=side, height=side),
        para(line, "thumb"),
    ]
    parts += [para(text, "thumb", tone="accent") for text in thumb.said]
    for line in thumb.others:
        parts.append(para(shorten(line, font=SEMIBOLD, size=7, room=side), "thumb", tone="muted"))
    return parts


def overview(page: OverviewPage, language: Language, *, width: float, height: float) -> Flowables:
    """Lay out the field with its finds.

    Parameters
    ----------
    page : OverviewPage
        Picture and finds.
    language : Language
        Language of the report.
    width, height : float
        Room of a page in points.

    Returns
    -------
    list of flowables
        Starts on a new page where it would not fit on what is left of one.
    """
    room = height - 60
    scale = min(width / page.picture.width, room / page.picture.height)
    drawn = page.picture.height * scale
    return [
        CondPageBreak(drawn + 60),
        heading(language.text("overview")),
        para(page.intro, "small"),
        Spacer(1, 3),
        FieldPicture(page, scale),
    ]


class FieldPicture(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A field with its finds drawn on it.

    Parameters
    ----------
    page : OverviewPage
        Picture and finds.
    scale : float
        Points per px of the picture.
    """

    def __init__(self, page: OverviewPage, scale: float) -> None:
        super().__init__()
        self._page, self._scale = page, scale
        self.width, self.height = page.picture.width * scale, page.picture.height * scale

    def draw(self) -> None:
        """Draw the picture, the circles and their labels."""
        canvas = self.canv
        canvas.drawImage(ImageReader(io.BytesIO(self._page.picture.jpeg)), 0, 0, self.width, self.height)
        canvas.saveState()
        clip = canvas.beginPath()
        clip.rect(0, 0, self.width, self.height)
        canvas.clipPath(clip, stroke=0, fill=0)
        for mark in self._page.marks:
            self._circle(canvas, mark)
        canvas.restoreState()
        for mark in self._page.marks:
            self._label(canvas, mark)

    def _circle(self, canvas: Any, mark: Mark) -> None:
        x, y, radius = self._place(mark)
        for role, stroke in (("paper", 2.2), ("accent", 1.1)):
            canvas.setStrokeColor(colour(role))
            canvas.setLineWidth(stroke)
            canvas.setDash([] if mark.counted else [2.5, 2.0])
            canvas.circle(x, y, radius, stroke=1, fill=0)

    def _label(self, canvas: Any, mark: Mark) -> None:
        x, y, radius = self._place(mark)
        wide = text_width(mark.text, SEMIBOLD, _LABEL_SIZE) + 3
        left = min(max(x - wide / 2, 0), max(0.0, self.width - wide))
        base = y + radius + 1.5
        if base + _LABEL_SIZE + 1 > self.height:
            base = y - radius - _LABEL_SIZE - 2.5
        base = min(max(base, 0), self.height - _LABEL_SIZE)
        canvas.setFillColor(colour("paper"))
        canvas.rect(left, base, wide, _LABEL_SIZE + 1, stroke=0, fill=1)
        canvas.setFillColor(colour("accent"))
        canvas.setFont(SEMIBOLD, _LABEL_SIZE)
        canvas.drawString(left + 1.5, base + 1.6, mark.text)

    def _place(self, mark: Mark) -> tuple[float, float, float]:
        return mark.x * self._scale, self.height - mark.y * self._scale, mark.radius * self._scale
