"""The first page of the PDF: who, what stands out, the formula, what it rests on, room to sign."""

import io
from itertools import zip_longest
from typing import NamedTuple
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Image, KeepTogether, PageBreak, Paragraph, Spacer, Table, TableStyle

from reports.fonts import BOLD, SEMIBOLD, printable
from reports.palette import PALETTE
from reports.pdf_style import Flowables, bare, box, colour, para, rich
from reports.pdf_table import formula_table
from reports.pictures import checked_logo
from reports.view import Glance, Header, IndexLine, Item, View

_LOGO_HEIGHT = 15 * mm
_LOGO_WIDTH = 40 * mm
_AIRY, _DENSE, _TIGHT = 3.6, 1.6, 1.0
_SLACK = 4
_FACTS_SHARES = (0.5, 0.42, 0.34)
_NO_BREAK = "\u00a0"


class _Section(NamedTuple):
    """Remarks under a title; ``run_on`` is their text in one paragraph, for a page that is nearly full."""

    title: str
    body: Flowables
    run_on: str = ""


class _AtFoot(Flowable):  # type: ignore[misc]
    """A part at the foot of the page; it takes the room that is left, so that nothing comes between."""

    def __init__(self, part: Table) -> None:
        super().__init__()
        self._part = part

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self._part.wrap(width, height)
        return width, height

    def draw(self) -> None:
        self._part.drawOn(self.canv, 0, 0)


def first_page(view: View, *, width: float, height: float) -> Flowables:
    """Lay out the first page, airily where it has room and densely where it has not.

    Parameters
    ----------
    view : View
        What the report says.
    width, height : float
        Width and height of the text in points.

    Returns
    -------
    list of flowables
        The page from top to bottom; it ends with the room to sign, at the foot of the page. Remarks that it
        has no room for follow on the next page, so that the signature stands below the values. Where even
        the values need more than a page, what is signed is repeated above the signature.
    """
    sections = _remarks(view, width)
    layouts = [(air, len(sections)) for air in (_AIRY, _DENSE, _TIGHT)]
    layouts += [(_TIGHT, kept) for kept in reversed(range(len(sections)))]
    for air, kept in layouts:
        parts = _parts(view, width, air, sections=sections, kept=kept)
        signature = _signature(view, width)
        if _needed([*parts, signature], width, height) + _SLACK <= height:
            moved = [part for section in sections[kept:] for part in _section(section, _DENSE)]
            return [*parts, _AtFoot(signature), *([PageBreak(), *moved] if moved else [])]
    parts, rest = (part(view, width, _TIGHT) for part in (_values, _closing))
    parts += [part for section in sections for part in _section(section, _TIGHT)]
    moved = ["signature"]
    if _needed([*parts, *rest], width, height) > height:
        moved = ["counted", *(["quality"] if view.quality else []), "signature"]
    hint = _next_page(view, [view.language.text(key) for key in moved], _TIGHT)
    if _needed([*parts, *hint], width, height) <= height:
        parts += hint
    signed = KeepTogether([_signed_values(view, width), Spacer(1, 4), _signature(view, width)])
    return [*parts, *rest, signed]


def _needed(parts: Flowables, width: float, height: float) -> float:
    return float(
        sum(part.wrap(width, height)[1] + part.getSpaceBefore() + part.getSpaceAfter() for part in parts)
    )


def _parts(view: View, width: float, air: float, *, sections: list[_Section], kept: int) -> Flowables:
    parts = _values(view, width, air)
    for section in sections[:kept]:
        parts += _section(section, air)
    if sections[kept:]:
        parts += _next_page(view, [section.title for section in sections[kept:]], air)
    return [*parts, *_closing(view, width, air)]


def _next_page(view: View, titles: list[str], air: float) -> Flowables:
    return [para(view.language.text("next_page", sections=", ".join(titles)), "line"), Spacer(1, 3.4 * air)]


def _closing(view: View, width: float, air: float) -> Flowables:
    gap = 3.4 * air
    return [_facts(view, width), Spacer(1, gap / 2), para(view.models_line, "small"), Spacer(1, gap)]


def _values(view: View, width: float, air: float) -> Flowables:
    gap = 3.4 * air
    parts: Flowables = [_head(view, width), Spacer(1, 5), _identity(view, width), Spacer(1, gap)]
    if view.notice:
        detail = para(view.notice.detail, "line")
        parts += [
            box([para(view.notice.heading, "notice"), detail], width=width, edge="high"),
            Spacer(1, gap),
        ]
    parts += _alerts(view, width, gap)
    if view.glance:
        parts += [box(_glance_lines(view.glance), width=width), Spacer(1, gap)]
    if view.table:
        parts += [formula_table(view.table, view.language, width=width, air=air), Spacer(1, 3)]
        parts += [rich(" ".join(escape(text) for text in view.legends), "small"), Spacer(1, gap)]
    return parts


def _head(view: View, width: float) -> Table:
    said = view.language.text
    left = [para(said("title"), "title"), Spacer(1, 2), para(said("subtitle"), "subtitle")]
    right: Flowables = []
    if view.header:
        right = _laboratory(view.header)
    right.append(para(view.status, "status", tone="accent" if view.signed else ""))
    return bare(
        [[left, right]],
        [width * 0.58, width * 0.42],
        ("LINEBELOW", (0, 0), (-1, -1), 1.4, colour("accent")),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
        ("VALIGN", (1, 0), (1, 0), "BOTTOM"),
    )


def _laboratory(header: Header) -> Flowables:
    parts: Flowables = []
    if header.logo is not None:
        parts += [_logo(header.logo), Spacer(1, 2)]
    parts.append(para(printable(header.laboratory)[:120], "laboratory"))
    parts += [para(printable(line)[:120], "laboratory_line") for line in header.lines[:5]]
    return parts


def _logo(data: bytes) -> Image:
    _, across, down = checked_logo(data)
    scale = min(_LOGO_WIDTH / across, _LOGO_HEIGHT / down)
    return Image(io.BytesIO(data), width=across * scale, height=down * scale, hAlign="RIGHT")


def _identity(view: View, width: float) -> Table:
    cells = [[para(item.term, "term"), para(item.text, "value")] for item in view.identity]
    half = len(cells) // 2
    return bare(
        [cells[:half], cells[half:]],
        [width * 0.44, width * 0.28, width * 0.28],
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 8),
    )


def _alerts(view: View, width: float, gap: float) -> Flowables:
    found = [one for one in view.comments if one.urgency == "alert"]
    if not found:
        return []
    lines: Flowables = [para(view.language.text("alerts"), "alert")]
    lines += [rich(f"{escape(one.text)} {_rule(one.rule)}", "line") for one in found]
    return [box(lines, width=width, edge="high"), Spacer(1, gap)]


def _rule(rule: str) -> str:
    return f'<font size="6.5" color="{PALETTE["muted"]}">[{escape(rule)}]</font>'


def _glance_lines(lines: tuple[Glance, ...]) -> list[Paragraph]:
    said = []
    for line in lines:
        items = " · ".join(
            f'<font name="{SEMIBOLD}" color="{PALETTE[item.tone or "ink"]}">'
            f"{escape(f'{item.sign}{_NO_BREAK}{item.text}' if item.sign else item.text)}</font>"
            for item in line.items
        )
        head = f'<font name="{BOLD}">{escape(line.heading)}{":" if items else ""}</font>'
        said.append(rich(f"{head} {items}", "glance"))
    return said


def _remarks(view: View, width: float) -> list[_Section]:
    said = view.language.text
    comments = [f"{escape(one.text)} {_rule(one.rule)}" for one in view.comments if one.urgency != "alert"]
    found = []
    if comments:
        found.append(
            _Section(said("comments"), [rich(line, "line") for line in comments], " ".join(comments))
        )
    if view.notes:
        found.append(_Section(said("notes"), [para(" ".join(view.notes), "line")]))
    if view.indices:
        found.append(_Section(said("indices"), [_indices(view, width)]))
    return found


def _section(section: _Section, air: float) -> Flowables:
    body = [rich(section.run_on, "line")] if section.run_on and air <= _TIGHT else section.body
    return [para(section.title, "block"), *body, Spacer(1, 3.4 * air)]


def _signed_values(view: View, width: float) -> Table:
    said = view.language.text
    who = " · ".join(f"{item.term}: {item.text}" for item in (view.identity[0], view.identity[3]))
    lines = [f"{who} · {said('smear')}: {view.name}", view.status]
    if view.table:
        shares = " · ".join(f"{row.name} {row.percent}\u00a0%" for row in view.table.rows)
        lines.append(f"{said('row.total')}: {view.table.total_n} · {shares}")
    elif view.notice:
        lines.append(view.notice.heading)
    return box([para(line, "line") for line in lines], width=width)


def _indices(view: View, width: float) -> Table | Paragraph:
    if len(view.indices) == 1:
        return para(" ".join((view.indices[0].name, view.indices[0].value, view.indices[0].usual)), "line")
    cells = [_index(one) for one in view.indices]
    pairs = [[*left, "", *(right or ["", "", ""])] for left, right in zip_longest(cells[::2], cells[1::2])]
    shares = [0.19, 0.13, 0.165, 0.03, 0.19, 0.13, 0.165]
    rules: list[tuple[object, ...]] = [
        ("LINEABOVE", (first, 0), (last, -1), 0.3, colour("rule")) for first, last in ((0, 2), (4, 6))
    ]
    rules += [
        ("SPAN", (4 * (place % 2) + 1, place // 2), (4 * (place % 2) + 2, place // 2))
        for place, one in enumerate(view.indices)
        if one.withheld
    ]
    return bare(
        pairs,
        [width * share for share in shares],
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2),
        *rules,
    )


def _index(one: IndexLine) -> Flowables:
    if one.withheld:
        return [para(one.name, "line"), para(f"{one.value} {one.usual}", "line"), ""]
    return [para(one.name, "line"), para(one.value, "strong_line"), para(one.usual, "line")]


def _facts(view: View, width: float) -> Table:
    laid = [_facts_at(view, width, share) for share in _FACTS_SHARES]
    return min(laid, key=lambda table: float(table.wrap(width, 0)[1]))


def _facts_at(view: View, width: float, share: float) -> Table:
    said = view.language.text
    gap = 10
    left = (width - gap) * share
    right = width - gap - left
    quality = _items(said("quality"), view.quality, right) if view.quality else ""
    return bare([[_items(said("counted"), view.counted, left), "", quality]], [left, gap, right])


def _items(title: str, items: tuple[Item, ...], width: float) -> Flowables:
    rows = [[para(item.term, "term"), para(item.text, "line")] for item in items]
    table = bare(
        rows,
        [width * 0.28, width * 0.72],
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("TOPPADDING", (0, 0), (0, -1), 2),
        ("RIGHTPADDING", (0, 0), (0, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2),
        ("LINEABOVE", (0, 0), (-1, -1), 0.3, colour("rule")),
    )
    return [para(title, "block"), table]


def _signature(view: View, width: float) -> Table:
    said = view.language.text
    head = para(said("signature"), "block")
    terms = [para(said(f"signature.{key}"), "term") for key in ("name", "sign", "date")]
    name, moment = view.signed or ("", "")
    filled = [para(name, "value"), "", para(moment, "name")]
    table = Table(
        [[head, "", ""], filled, terms, [para(said("disclaimer"), "small"), "", ""]],
        colWidths=[width * 0.42, width * 0.26, width * 0.32],
        rowHeights=[15, 17, 12, None],
    )
    table.setStyle(
        TableStyle(
            [
                ("NOSPLIT", (0, 0), (-1, -1)),
                ("SPAN", (0, 3), (-1, 3)),
                ("VALIGN", (0, 1), (-1, 1), "BOTTOM"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
                ("LINEABOVE", (0, 0), (-1, 0), 0.6, colour("rule")),
                *(("LINEBELOW", (column, 1), (column, 1), 0.6, colour("ink")) for column in range(3)),
            ]
        )
    )
    return table
