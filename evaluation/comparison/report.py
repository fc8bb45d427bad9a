"""The pages of a comparison."""

from classifiers.mlp import MlpClassifier
from evaluation.class_scores import Share
from evaluation.comparison.compare import Comparison, SetResult
from evaluation.comparison.disagreements import tiles_in_row, word
from evaluation.comparison.report_agreement import agreement_blocks
from evaluation.comparison.report_set import set_blocks
from evaluation.comparison.report_text import METHOD, estimate, number
from evaluation.comparison.verdict import share_text, verdict
from evaluation.pages import (
    Bar,
    Block,
    Chart,
    Document,
    Gallery,
    GalleryPicture,
    Heading,
    Paragraph,
    Table,
    bar_chart,
)

_MOST_REFUSED = 200
_MIB = 1 << 20


def pages(comparison: Comparison) -> Document:
    """Lay out a comparison.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    Document
        Verdict, figures of all sets, each set, formulas, disagreements, cost, method.
    """
    names = ", ".join(system.name for system in comparison.systems)
    sets = ", ".join(result.cells.name for result in comparison.results)
    blocks: list[Block] = [
        *_warnings(comparison),
        Heading("Verdict"),
        *(Paragraph(text) for text in verdict(comparison)),
        *_summary(comparison),
    ]
    for result in comparison.results:
        blocks += set_blocks(result)
    blocks += agreement_blocks(comparison)
    blocks += [*_gallery(comparison), *_cost(comparison), *_overlaps(comparison), *_refused(comparison)]
    blocks += [Heading("Method"), *(Paragraph(text, style="small") for text in METHOD)]
    program = f"leukoformula {comparison.facts.get('leukoformula', '')}".strip()
    return Document(
        "Comparison of classifiers", f"{names} on {sets}", tuple(blocks), program, _facts(comparison)
    )


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    options = comparison.options
    rows = [(system.name, system.told) for system in comparison.systems]
    for result in comparison.results:
        groups = len({group for group in result.cells.groups if group})
        told = f"{len(result.cells)} images, {len(result.cells.refused)} not readable"
        rows.append((result.cells.name, f"{told}, {f'{groups} groups' if groups else 'no groups named'}"))
    answers = "only those that the truth knows" if options.known_answers else "all that each classifier has"
    rows.append(("Answers", answers))
    rows.append(("Drawings", f"{options.resamples}, seed {options.seed}"))
    rows += [(key, value) for key, value in comparison.facts.items() if key != "leukoformula"]
    return tuple(rows)


def _warnings(comparison: Comparison) -> list[Block]:
    told = [one.words for one in comparison.overlaps if one.shared or not one.checked]
    for result in comparison.results:
        cells = result.cells
        told += result.warnings
        if cells.refused:
            told.append(
                f"{len(cells.refused)} of {len(cells) + len(cells.refused)} images of {cells.name} could not"
                " be read; they are listed at the end and stand in no figure. Counted as wrong answers they"
                f" would leave accuracies of {_with_refused(result)}."
            )
        if cells.repeated:
            told.append(f"{cells.repeated} images of {cells.name} are copies of others under another name.")
        if cells.assumed_scale:
            told.append(
                f"{cells.assumed_scale} images of {cells.name} have no known scale: their shorter side was"
                " taken for 27 µm, 3.2 erythrocyte diameters."
            )
        if result.coarsened:
            pairs = [f"{word(label)} as {word(scored)}" for label, scored in result.coarsened.items()]
            told.append(
                f"{cells.name}: not every classifier tells them apart, so {', '.join(pairs)} is scored."
            )
        outside = _unanswerable(result)
        if outside:
            told.append(
                f"{cells.name}: no classifier can answer {', '.join(outside)}; every such cell counts as"
                " an error."
            )
    return [Paragraph(text, style="warning") for text in told]


def _unanswerable(result: SetResult) -> list[str]:
    answers = {answer for one in result.judgements for answer in one.score.answers}
    known = answers | {answer.parent for answer in answers}
    return [str(label) for label in result.judgements[0].score.truths if label not in known]


def _with_refused(result: SetResult) -> str:
    total = len(result.cells) + len(result.cells.refused)
    return ", ".join(f"{one.score.accuracy.hits / total:.3f} ({one.system})" for one in result.judgements)


def _summary(comparison: Comparison) -> list[Block]:
    rows: list[tuple[str, ...]] = []
    bars: list[Bar] = []
    for result in comparison.results:
        for place, one in enumerate(result.judgements):
            accuracy = one.score.accuracy
            rows.append(
                (
                    result.cells.name,
                    one.system,
                    f"{accuracy.hits}/{accuracy.total}",
                    share_text(accuracy),
                    estimate(one.balanced),
                    estimate(one.macro_f1),
                    number(one.calibration.error, 3),
                )
            )
            bars.append(_bar(f"{one.system}, {result.cells.name}", accuracy, place))
    if comparison.overall is not None:
        for system, share in zip(comparison.systems, comparison.overall.accuracy, strict=True):
            row = ("all sets", system.name, f"{share.hits}/{share.total}", share_text(share), "–", "–", "–")
            rows.append(row)
    header = ("set", "classifier", "right", "accuracy", "balanced accuracy", "macro F1", "calibration error")
    told = "; ".join(f"{bar.name} {bar.value:.3f}" for bar in bars)
    return [
        Heading("Figures"),
        Table(
            header,
            tuple(rows),
            numbers=frozenset(range(2, 7)),
            note="In brackets 95 % intervals: exact for accuracy, from drawing groups for the others.",
        ),
        Chart(
            bar_chart(bars, x_label="accuracy", x_range=(0.0, 1.0)),
            "Accuracy with exact 95 % intervals.",
            f"Accuracy: {told}.",
        ),
    ]


def _bar(name: str, share: Share, place: int) -> Bar:
    return Bar(name, share.value, share.low, share.high, f"{share.value:.3f}", place)


def _gallery(comparison: Comparison) -> list[Block]:
    if len(comparison.systems) < 2:
        return []
    heading = Heading("Cells on which the classifiers disagree, worst first")
    alone = sum(result.wrong_by_all for result in comparison.results)
    total = sum(len(result.cells) for result in comparison.results)
    said = (
        f"They disagree on {comparison.differing} of {total} cells; on {alone} cells all are wrong, alike"
        " or not. All cells stand in cells.csv."
    )
    if not comparison.cases:
        return [heading, Paragraph(said)]
    shown = comparison.cases[0].tiles
    across = tiles_in_row(len(shown))
    rows = f", {across} in a row" if across < len(shown) else ""
    caption = (
        f"{len(comparison.cases)} of {comparison.differing}, by the probability of the surest wrong"
        f" answer. From the left{rows}: {'; '.join(shown)}. A map of occlusion shows in vermilion"
        " what speaks for the answer, in blue what speaks against it: the fall of the log odds where the"
        " place is covered with the colour of the empty slide."
    )
    if any(isinstance(system.classifier, MlpClassifier) for system in comparison.systems):
        caption += " Outlines are nucleus (vermilion) and cell (blue) as the features were measured on."
    if any(case.saliency for case in comparison.cases):
        caption += (
            " Grad-CAM and integrated gradients cover in green what speaks for the network's answer, in"
            " yellow what speaks strongest; the maps lie in the folder saliency as well."
        )
    pictures = tuple(
        GalleryPicture(
            case.picture,
            (
                f"{number_} · truth: {word(case.truth)}",
                *(f"{name}: {text}" for name, text in case.answers),
                f"{case.cells} · {case.path}",
            ),
        )
        for number_, case in enumerate(comparison.cases, 1)
    )
    return [heading, Paragraph(said), Gallery(pictures, caption, 2 if len(shown) > 1 else 4)]


def _cost(comparison: Comparison) -> list[Block]:
    if not comparison.costs:
        return []
    rows = []
    for system in comparison.systems:
        cost = comparison.costs[system.name]
        rows.append(
            (
                system.name,
                number(cost.ms_per_cell, 2),
                number(cost.cpu_ms_per_cell, 2),
                number(1000.0 / cost.ms_per_cell if cost.ms_per_cell else None, 0),
                number(cost.first_answer_s, 2),
                number(cost.peak_memory_mib, 0),
                number(cost.size_bytes / _MIB, 2),
                cost.fault,
            )
        )
    header = (
        "classifier",
        "ms per cell",
        "CPU ms per cell",
        "cells per s",
        "first answer, s",
        "peak memory, MiB",
        "models, MiB",
        "",
    )
    return [
        Heading("Time, memory, size"),
        Table(
            header,
            tuple(rows),
            numbers=frozenset(range(1, 7)),
            note=(
                "Each in a fresh process on this machine: first answer from the start of the process, imports"
                " and loading included; time per cell with 128 cells at once, the fastest of three runs; peak"
                " resident memory of that process. Where a cell takes longer by the clock than of the"
                " processor the machine was busy with other things: trust the latter."
            ),
        ),
    ]


def _overlaps(comparison: Comparison) -> list[Block]:
    clean = {
        result.cells.name: [
            one.system
            for one in comparison.overlaps
            if one.cells == result.cells.name and one.checked and not one.shared
        ]
        for result in comparison.results
    }
    said = [
        f"No image file of {name} is among the training images of {', '.join(systems)}."
        for name, systems in clean.items()
        if systems
    ]
    if not said:
        return []
    return [
        Heading("Overlap with training images"),
        *(Paragraph(text) for text in said),
        Paragraph(
            "By the SHA-256 of the image files. The same cell saved anew, cut otherwise, or another cell of"
            " the same smear is not found this way.",
            style="small",
        ),
    ]


def _refused(comparison: Comparison) -> list[Block]:
    rows = [
        (result.cells.name, one.name, one.reason)
        for result in comparison.results
        for one in result.cells.refused
    ]
    if not rows:
        return []
    more = f"{len(rows) - _MOST_REFUSED} more stand in cells.csv." if len(rows) > _MOST_REFUSED else ""
    header = ("set", "image", "why")
    return [
        Heading("Images that could not be read"),
        Table(header, tuple(rows[:_MOST_REFUSED]), note=more),
    ]
