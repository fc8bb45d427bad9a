"""The pages of an evaluation of the detector."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.detection.causes import MEANING, Cause
from evaluation.detection.curves import LEVELS, Curve, Estimate
from evaluation.detection.evaluate import Evaluation
from evaluation.detection.figures import Judgement
from evaluation.detection.pictures import CLOSE, WIDE, error_pictures
from evaluation.detection.scan import Error
from evaluation.detection.truth import DOUBTED
from evaluation.finds import GATE
from evaluation.pages import (
    Bar,
    Block,
    Chart,
    Document,
    Gallery,
    GalleryPicture,
    Heading,
    Mark,
    Paragraph,
    Reference,
    Series,
    Table,
    bar_chart,
    line_chart,
)

GALLERY = 48
"""So many false finds, and as many misses, are shown as pictures."""

_MOST_FAULTS = 200
_WORST_FIELDS = 15
_STEP = 0.05
_MOST_CURVE = 300
_PLACE = re.compile(r"^\S+ (?:line|object|annotation) \d+: |^annotation \d+: ")


def pages(evaluation: Evaluation, *, gallery: int = GALLERY) -> Document:
    """Lay out an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    gallery : int, optional
        Most pictures of false finds, and of misses.

    Returns
    -------
    Document
        Figures, curves, causes, pictures, faults, method.
    """
    request = evaluation.request
    blocks: list[Block] = [
        *_warnings(evaluation),
        *_figures(evaluation),
        *_froc(evaluation),
        *_threshold(evaluation),
        *_causes(evaluation),
        *_gallery(evaluation, "false", gallery),
        *_gallery(evaluation, "missed", gallery),
        *_fields(evaluation),
        *_faults(evaluation),
        *_method(evaluation),
    ]
    subtitle = f"{_name(request.images)} · {len(evaluation.scanned.fields)} fields"
    program = f"leukoformula {evaluation.facts.get('leukoformula', '')}".strip()
    return Document("Evaluation of the detector", subtitle, tuple(blocks), program, _facts(evaluation))


def _name(path: Path) -> str:
    return path.name or str(path)


def _facts(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    scanned, request = evaluation.scanned, evaluation.request
    sources = Counter(scale.source for scale in scanned.scales)
    sizes = [scale.erythrocyte_px for scale in scanned.scales]
    spread = f"{np.median(sizes):.1f} px (median; {min(sizes):.1f} to {max(sizes):.1f})"
    told = ", ".join(f"{source}: {count} fields" for source, count in sorted(sources.items()))
    rows = [
        ("Images", f"{request.images}: {len(scanned.fields)} judged, {evaluation.left_out} left out"),
        ("Truth", f"{request.truth} ({request.form.upper()})"),
        ("Erythrocyte diameter", f"{spread}; from {told}"),
        ("Operating threshold", f"{evaluation.threshold:.3f}"),
    ]
    rows += [(key, value) for key, value in evaluation.facts.items() if key != "leukoformula"]
    return tuple(rows)


def _warnings(evaluation: Evaluation) -> list[Block]:
    said = [
        f"{fault.what[0].upper()}{fault.what[1:]}." for fault in evaluation.faults if fault.kind == DOUBTED
    ]
    if count := evaluation.left_out:
        were = "image was" if count == 1 else "images were"
        said.append(f"{count} {were} left out; see “Faults of images and truth”.")
    return [Paragraph(text, style="warning") for text in said]


def _figures(evaluation: Evaluation) -> list[Block]:
    systems = evaluation.judgements
    names = tuple(one.name for one in systems)
    counted = [
        ("leukocytes in the truth", [one.counts.leukocytes for one in systems]),
        ("found", [one.counts.found for one in systems]),
        ("missed", [one.counts.leukocytes - one.counts.found for one in systems]),
        ("false finds", [one.counts.false for one in systems]),
        ("neither find nor error", [one.counts.ignored for one in systems]),
    ]
    counts = tuple((label, *(f"{value}" for value in values)) for label, values in counted)
    figures: list[tuple[str, ...]] = []
    for one in systems:
        head = f"{one.name}: " if len(systems) > 1 else ""
        figures += [
            _figure_row(f"{head}recall", one.recall, 4),
            _figure_row(f"{head}false share", one.false_share, 4),
            _figure_row(f"{head}false finds per field", one.per_field, 3),
            _figure_row(f"{head}average precision", one.average_precision, 4),
        ]
    note = (
        "Bootstrap: percentiles over fields drawn with replacement. Exact: Clopper–Pearson for shares,"
        " Garwood for false finds per field; they take finds and cells as independent and hold where a"
        " bootstrap of no error at all has nothing to draw from."
    )
    first = systems[0].counts
    return [
        Heading("Figures at the operating threshold"),
        Table(("", *names), counts, numbers=frozenset(range(1, len(names) + 1))),
        Table(
            ("figure", "value", "95 %, bootstrap over fields", "95 %, exact"),
            tuple(figures),
            numbers=frozenset({1, 2, 3}),
            note=note,
        ),
        Paragraph(
            f"Found cells: median distance of find and box centre {_text(first.centre_error, 3)} erythrocyte"
            f" diameters; median of estimated diameter over box side {_text(first.diameter_ratio, 2)}.",
            style="small",
        ),
    ]


def _figure_row(name: str, value: Estimate, decimals: int) -> tuple[str, ...]:
    return (
        name,
        _text(value.value, decimals),
        _range(value.bootstrap, decimals),
        _range(value.exact, decimals),
    )


def _text(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if math.isfinite(value) else "–"


def _range(ends: tuple[float, float], decimals: int) -> str:
    return f"{_text(ends[0], decimals)} to {_text(ends[1], decimals)}" if math.isfinite(ends[0]) else "–"


def _froc(evaluation: Evaluation) -> list[Block]:
    systems = evaluation.judgements
    least = 0.5 / max(len(evaluation.scanned.fields), 1)
    series = [_froc_series(one, least) for one in systems]
    marks = [
        Mark(max(one.per_field.value, least), one.recall.value, f"threshold {evaluation.threshold:.2f}")
        for one in systems[:1]
    ]
    recalls = [value for one in series for value in one.y if math.isfinite(value)]
    low = min([value for value in recalls if value > 0] + [one.recall.value for one in systems], default=0.0)
    top = max([one.per_field[-1] for one in (s.curve for s in systems) if len(one.per_field)], default=1.0)
    drawing = line_chart(
        series,
        x_label="false finds per field (at the left end: fewer than one in the whole set)",
        y_label="recall",
        marks=marks,
        x_log=True,
        x_range=(least, max(top, 10 * least)),
        y_range=(max(0.0, math.floor(low * 20) / 20 if math.isfinite(low) else 0.0), 1.0),
    )
    rows = []
    for number, level in enumerate(LEVELS):
        row = [f"{level:g}"]
        for one in systems:
            value = one.recalls[number]
            row += [_text(value.value, 4), _range(value.bootstrap, 4)]
        rows.append(tuple(row))
    header = ["false finds per field, at most"]
    for one in systems:
        header += [f"recall, {one.name}", "95 %, bootstrap"]
    said = "; ".join(
        f"{one.name}: recall {_text(one.recall.value, 3)} at {_text(one.per_field.value, 3)} false finds per"
        " field"
        for one in systems
    )
    return [
        Heading("FROC curve"),
        Chart(
            drawing,
            "Recall against false finds per field over all thresholds down to"
            f" {_text(evaluation.scanned.floor, 2)}. The ring is the detector at the operating threshold.",
            f"FROC curve. At the operating threshold, {said}.",
        ),
        Table(
            tuple(header),
            tuple(rows),
            numbers=frozenset(range(len(header))),
            note="The greatest recall of the curve with at most so many false finds per field.",
        ),
    ]


def _froc_series(one: Judgement, least: float) -> Series:
    curve = one.curve
    keep = _thinned(curve)
    across = np.maximum(curve.per_field[keep], least)
    return Series(one.name, across, curve.recall[keep], points=False)


def _thinned(curve: Curve) -> list[int]:
    count = len(curve.threshold)
    if not count:
        return []
    step = max(1, math.ceil(count / _MOST_CURVE))
    corners = np.flatnonzero(np.diff(curve.hits, prepend=-1) > 0).tolist()[:_MOST_CURVE]
    return sorted({0, count - 1, *range(0, count, step), *corners})


def _threshold(evaluation: Evaluation) -> list[Block]:
    systems, floor = evaluation.judgements, evaluation.scanned.floor
    curve = systems[0].curve
    top = float(curve.threshold[0]) if len(curve.threshold) else evaluation.threshold + 0.2
    places = np.round(np.arange(math.ceil(floor / _STEP) * _STEP, top + _STEP, _STEP / 5), 4)
    series = []
    for one in systems:
        head = f"{one.name}: " if len(systems) > 1 else ""
        values = [one.curve.at(float(place)) for place in places]
        series.append(Series(f"{head}recall", places, [value[0] for value in values]))
        series.append(Series(f"{head}false share", places, [value[1] for value in values]))
    drawing = line_chart(
        series,
        x_label="threshold (least score of a find)",
        y_label="share",
        y_range=(0.0, 1.0),
        references=(Reference(evaluation.threshold, f"operating threshold {evaluation.threshold:.2f}", "x"),),
    )
    coarse = sorted(
        {*(np.round(np.arange(floor, top, _STEP), 4) + 0.0).tolist(), round(evaluation.threshold, 4)}
    )
    rows = tuple(_threshold_row(value, evaluation) for value in coarse)
    header = ["threshold"]
    for one in systems:
        tail = f", {one.name}" if len(systems) > 1 else ""
        header += [f"recall{tail}", f"false share{tail}", f"false finds per field{tail}"]
    real, drawn = systems[0], systems[0].curve.at(evaluation.threshold)
    note = (
        f"From the low scan. * the operating threshold, where the detector as it is used has a recall of"
        f" {_text(real.recall.value, 4)} and a false share of {_text(real.false_share.value, 4)}"
        f" (low scan: {_text(drawn[0], 4)} and {_text(drawn[1], 4)})."
    )
    return [
        Heading("Effect of the threshold"),
        Chart(
            drawing,
            "Recall and false share at every threshold of the low scan.",
            "Recall and false share against the threshold; the operating threshold is"
            f" {_text(evaluation.threshold, 2)}.",
        ),
        Table(tuple(header), rows, numbers=frozenset(range(len(header))), note=note),
    ]


def _threshold_row(value: float, evaluation: Evaluation) -> tuple[str, ...]:
    own = abs(value - evaluation.threshold) < 5e-5
    row = [f"{'* ' if own else ''}{_text(value, 3 if own else 2)}"]
    for one in evaluation.judgements:
        recall, share, rate = one.curve.at(value)
        row += [_text(recall, 4), _text(share, 4), _text(rate, 3)]
    return tuple(row)


def _causes(evaluation: Evaluation) -> list[Block]:
    blocks: list[Block] = [
        Heading("Suggested causes"),
        Paragraph(
            "Suggested by fixed rules on what is measured at the place; a person decides. The rules stand in"
            " docs/evaluate.md.",
            style="small",
        ),
    ]
    counted = {kind: Counter(cause for _, cause in evaluation.errors(kind)) for kind in ("false", "missed")}
    rows = tuple(
        (cause.value, f"{counted['false'][cause]}", f"{counted['missed'][cause]}", MEANING[cause])
        for cause in Cause
    )
    header = ("suggested cause", "false finds", "misses", "meaning")
    blocks.append(Table(header, rows, numbers=frozenset({1, 2})))
    for kind, label in (("false", "false finds"), ("missed", "misses")):
        bars = [Bar(cause.value, counted[kind][cause]) for cause in Cause if counted[kind][cause]]
        if bars:
            told = ", ".join(f"{bar.name} {bar.value:g}" for bar in bars)
            chart = bar_chart(bars, x_label=label)
            blocks.append(Chart(chart, f"Suggested causes of the {label}.", f"{label} by cause: {told}."))
    return blocks


def _gallery(evaluation: Evaluation, kind: str, most: int) -> list[Block]:
    title = "False finds, worst first" if kind == "false" else "Misses, worst first"
    errors = evaluation.errors(kind)
    if not errors:
        said = "There are no false finds." if kind == "false" else "There are no misses."
        return [Heading(title), Paragraph(said)]
    shown = errors[:most]
    drawn = error_pictures(evaluation.scanned, [error for error, _ in shown])
    pictures = tuple(
        GalleryPicture(image, _lines(number, error, cause, evaluation))
        for number, (image, (error, cause)) in enumerate(zip(drawn, shown, strict=True), 1)
    )
    order = "by falling score" if kind == "false" else "by rising score of the best find on the box"
    caption = (
        f"{len(shown)} of {len(errors)}, {order}. Left: {CLOSE:g} erythrocyte diameters; middle:"
        f" {WIDE:g} of them or the whole field, with finds (circles, vermilion), boxes of the truth"
        " (rectangles, blue) and the error thick; right: the detector's haemoglobin channel, where"
        " leukocytes are dark."
    )
    return [Heading(title), Gallery(pictures, caption, 2)]


def _lines(number: int, error: Error, cause: Cause, evaluation: Evaluation) -> tuple[str, ...]:
    field = evaluation.scanned.fields[error.field]
    score = f"score {_text(error.score, 3)}" if math.isfinite(error.score) else "no find above the floor"
    where = f"{field.name} · row {error.row:.0f}, column {error.col:.0f}"
    lines = [f"{number} · {cause.value}", f"{score} · {where}"]
    if error.answer is not None:
        lines.append(f"classifier: {error.answer.label} {error.answer.probability:.2f}")
    return tuple(lines)


def _fields(evaluation: Evaluation) -> list[Block]:
    scanned = evaluation.scanned
    ranked = sorted(
        (-len(one.false) - len(one.missed), number) for number, one in enumerate(scanned.outcomes)
    )
    rows = []
    for errors, number in ranked[:_WORST_FIELDS]:
        if not errors:
            break
        one = scanned.outcomes[number]
        cells = len(one.pairs) + len(one.missed)
        rows.append(
            (one.name, f"{cells}", f"{len(one.missed)}", f"{len(one.false)}", f"{one.erythrocyte_px:.1f}")
        )
    clean = sum(not errors for errors, _ in ranked)
    empty = sum(not (one.pairs or one.missed) for one in scanned.outcomes)
    said = (
        f"{clean} of {len(scanned.fields)} fields have no error; {empty} have no leukocyte in the truth."
        " All fields stand in fields.csv, all finds and misses in finds.csv."
    )
    blocks: list[Block] = [Heading("Fields"), Paragraph(said)]
    if rows:
        header = ("field", "leukocytes", "missed", "false finds", "erythrocyte, px")
        caption = "Fields with the most errors"
        blocks.append(Table(header, tuple(rows), caption, numbers=frozenset({1, 2, 3, 4})))
    return blocks


def _faults(evaluation: Evaluation) -> list[Block]:
    faults = evaluation.faults
    blocks: list[Block] = [Heading("Faults of images and truth")]
    if not faults:
        return [*blocks, Paragraph("None were met.")]
    ordered = sorted(faults, key=lambda fault: not fault.left_out)
    rows = tuple(
        (fault.kind, fault.where, fault.what, "left out" if fault.left_out else "")
        for fault in ordered[:_MOST_FAULTS]
    )
    note = (
        "" if len(faults) <= _MOST_FAULTS else f"{len(faults) - _MOST_FAULTS} more stand in evaluation.json."
    )
    counted = Counter(fault.kind for fault in faults)
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items()))
    blocks.append(Paragraph(f"Faults met: {len(faults)} ({told})."))
    return [*blocks, Table(("kind", "where", "fault", "field"), rows, note=note)]


def _method(evaluation: Evaluation) -> list[Block]:
    request = evaluation.request
    texts: Sequence[str] = (
        f"Matching. A find belongs to a box only if it lies within {GATE:g} of the box's mean side of its"
        " centre; among the pairs so allowed, as many as can be are formed, one to one, and of these the"
        " nearest. Neither find nor error: what lies on an open box or a sliver at the border, and finds that"
        " the counting frame leaves out.",
        "Recall = found / leukocytes; false share = false / (found + false); false finds per field = false /"
        " fields, empty fields included.",
        "Curves. One scan without early rejection down to the floor. A find is a hit if it raises the number"
        " of one-to-one pairs when finds are taken by falling score. FROC: Bunch et al. 1978, doi"
        " 10.1117/12.955926. Average precision: area under the precision envelope over all recall levels"
        " (Everingham et al. 2010, doi 10.1007/s11263-009-0275-4); recall below the floor adds nothing.",
        f"Bootstrap: {request.resamples} resamples of fields, seed {request.seed}, percentiles 2.5 and 97.5"
        " (Efron 1979, doi 10.1214/aos/1176344552).",
    )
    return [Heading("Method"), *(Paragraph(text, style="small") for text in texts)]
