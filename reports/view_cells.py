"""The cells of a report: the gallery by class and the finds drawn on one field."""

import numpy as np

from cells.records import Cell
from cells.vocabulary import CellClass
from leukoformula.decisions import NOT_A_LEUKOCYTE, UNLIKE, label_of
from leukoformula.repeats import SEEN_BEFORE
from leukoformula.result import SmearResult
from reports.pictures import OVERVIEW_PX, encode
from reports.texts import Language
from reports.view import Clean, Group, Mark, OverviewPage, Thumb

CAP = 24
"""Cells of one class in the gallery, at most."""

CAP_OUTSIDE = 8
"""Cells of one class outside the formula in the gallery, at most."""

_REMARKED = {UNLIKE: "gallery.unlike", SEEN_BEFORE: "gallery.again"}
"""Reasons of counted cells that a person should look at, the weightiest first, and what the gallery says."""


def groups(result: SmearResult, language: Language) -> tuple[Group, ...]:
    """Arrange the counted cells by class, the least certain first.

    Parameters
    ----------
    result : SmearResult
        The result; its ``crops`` give the pictures.
    language : Language
        Language of the report.

    Returns
    -------
    tuple of Group
        First what waits for a decision (unidentified), then the classes in clinical order; in a class, the
        cells that a person named stand first, then those unlike the known ones.
    """
    by_class: dict[CellClass, list[Cell]] = {}
    for cell in result.cells:
        if cell.counted or cell.reason == NOT_A_LEUKOCYTE:
            by_class.setdefault(cell.label, []).append(cell)
    places = {label: place for place, label in enumerate(CellClass)}
    places[CellClass.UNIDENTIFIED] = -1
    order = sorted(by_class, key=lambda label: places[label])
    return tuple(_group(label, by_class[label], result, language) for label in order)


def _group(label: CellClass, cells: list[Cell], result: SmearResult, language: Language) -> Group:
    cap = CAP if label.in_denominator or label is CellClass.UNIDENTIFIED else CAP_OUTSIDE
    pictured = [cell for cell in cells if cell.cell_id in result.crops]
    named = set(result.relabelled or ())
    shown = sorted(
        pictured,
        key=lambda cell: (cell.cell_id not in named, _weight(cell), cell.probability, cell.cell_id),
    )[:cap]
    are_counted = any(cell.counted for cell in cells)
    count = [language.text("gallery.count" if are_counted else "gallery.finds", n=len(cells))]
    if not are_counted:
        count.append(language.text("gallery.uncounted"))
    if len(shown) < len(cells):
        count.append(language.text("gallery.shown", shown=len(shown), n=len(cells)))
    return Group(
        name=language.label(label),
        count=" · ".join(count),
        thumbs=tuple(_thumb(cell, result, language) for cell in shown),
    )


def _weight(cell: Cell) -> int:
    return list(_REMARKED).index(cell.reason) if cell.reason in _REMARKED else len(_REMARKED)


def _thumb(cell: Cell, result: SmearResult, language: Language) -> Thumb:
    ranked = sorted(cell.probabilities.items(), key=lambda pair: -pair[1])
    said: tuple[str, ...] = ()
    if cell.cell_id in (result.relabelled or ()):
        first, rest, said = "", [], _named_by_a_person(cell, language)
    elif cell.label is CellClass.UNIDENTIFIED:
        first, rest = "", ranked[:2]
    else:
        first = language.percent(100 * cell.probability, 0)
        rest = [pair for pair in ranked if pair[0] is not cell.label][:1]
    unusual = (language.text(_REMARKED[cell.reason]),) if cell.reason in _REMARKED else ()
    return Thumb(
        number=language.text("number", n=cell.cell_id),
        probability=first,
        said=said,
        others=unusual
        + tuple(
            _share(label, share, language)
            for label, share in rest
            if share >= 0.005  # what would print as 0 % says nothing
        ),
        picture=encode(result.crops[cell.cell_id]),
    )


def _named_by_a_person(cell: Cell, language: Language) -> tuple[str, ...]:
    said = (language.text("gallery.named"),)
    if not cell.probabilities:
        return said
    answer, share = label_of(
        np.array(list(cell.probabilities.values()), np.float32), tuple(cell.probabilities)
    )
    return (*said, language.text("gallery.program", answer=_share(answer, share, language)))


def _share(label: CellClass, share: float, language: Language) -> str:
    return f"{language.text(f'short.{label.value}')} {language.percent(100 * share, 0)}"


def overview(result: SmearResult, language: Language, clean: Clean) -> OverviewPage | None:
    """Place the finds of one field on its picture.

    Parameters
    ----------
    result : SmearResult
        The result; its ``overview`` gives the picture.
    language : Language
        Language of the report.
    clean : Clean
        Makes a name fit to be shown.

    Returns
    -------
    OverviewPage or None
        The picture and its finds, or None where no field was kept.
    """
    if result.overview is None:
        return None
    picture = encode(result.overview.image, longest_px=OVERVIEW_PX)
    scale = picture.scale * result.overview.scale
    found = [cell for cell in result.cells if cell.image == result.overview.field]
    marks = tuple(
        Mark(
            x=(cell.detection.col + 0.5) * scale,
            y=(cell.detection.row + 0.5) * scale,
            radius=max(cell.detection.diameter_px * scale / 2, 4.0),
            text=f"{cell.cell_id} {language.text(f'short.{cell.label.value}')}",
            counted=cell.counted,
        )
        for cell in found
    )
    intro = language.text(
        "overview.intro",
        field=clean(result.overview.field),
        finds=language.text("gallery.finds", n=len(found)),
    )
    return OverviewPage(intro, picture, marks)
