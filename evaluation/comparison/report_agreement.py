"""The pages of a comparison on the agreement of formulas."""

from collections.abc import Sequence

from evaluation.comparison.compare import Comparison
from evaluation.comparison.disagreements import word
from evaluation.comparison.formulas import (
    INTERCEPT,
    LEAST_CELLS,
    SLOPES,
    WANTED_GROUPS,
    Agreement,
    ClassAgreement,
)
from evaluation.comparison.report_text import estimate, number
from evaluation.pages import Block, Chart, Heading, Paragraph, Points, Reference, Table, scatter_chart


def agreement_blocks(comparison: Comparison) -> list[Block]:
    """Lay out the agreement of the formulas over smears or patients.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    list of Block
        For each set, and for all sets where there are several; a reason where there are no groups.
    """
    blocks: list[Block] = [Heading("Agreement of the leukocyte formulas")]
    for result in comparison.results:
        blocks += _blocks(result.cells.name, result.agreements)
    if comparison.overall is not None:
        blocks += _blocks("all sets", comparison.overall.agreements)
    return blocks


def _blocks(name: str, agreements: Sequence[Agreement]) -> list[Block]:
    kept = [one for one in agreements if one.classes]
    if not kept:
        return [Paragraph(f"{name}: left out, as {agreements[0].reason}.")]
    blocks: list[Block] = [Heading(f"Formulas of {name}", 2), *_remarks(name, kept), _table(kept)]
    for label in [item.label for item in kept[0].classes]:
        blocks += _charts(label, kept, name)
    return blocks


def _remarks(name: str, kept: Sequence[Agreement]) -> list[Block]:
    least = min(one.groups for one in kept)
    left = max(one.left_out for one in kept)
    said = f"{name}: {least} smears or patients"
    said += f"; {left} with fewer than {LEAST_CELLS} leukocytes are left out." if left else "."
    if least < WANTED_GROUPS:
        said += f" Fewer than {WANTED_GROUPS} leave wide intervals: take slopes as a hint."
    return [Paragraph(said)]


def _table(kept: Sequence[Agreement]) -> Table:
    rows = []
    for place, first in enumerate(kept[0].classes):
        for one in kept:
            item = one.classes[place]
            limits = item.limits
            rows.append(
                (
                    word(first.label),
                    one.system,
                    number(item.mean, 1),
                    estimate(item.line.slope, 2),
                    estimate(item.line.intercept, 2),
                    number(item.r, 3),
                    estimate(limits.bias, 2),
                    f"{number(limits.low, 1)} to {number(limits.high, 1)}",
                    _verdict(item),
                )
            )
    header = (
        "class",
        "classifier",
        "mean, %",
        "slope",
        "intercept",
        "r",
        "bias",
        "limits of agreement",
        "accepted",
    )
    return Table(
        header,
        tuple(rows),
        "Shares by answers against shares by truth",
        frozenset(range(2, 8)),
        "Slope and intercept: Passing–Bablok; intercept, bias and limits in percent points; in brackets 95 %"
        f" intervals. Accepted: slope {SLOPES[0]} to {SLOPES[1]} and intercept within {INTERCEPT} of the mean"
        " share; not certain where an interval reaches beyond these limits; no line where truth and answers"
        " do not rank the groups alike beyond chance (Kendall's rank correlation, one-sided p below 0.05).",
    )


def _verdict(item: ClassAgreement) -> str:
    if item.accepted is None:
        return "no line"
    if not item.accepted:
        return "no"
    return "yes" if item.certain else "yes, not certain"


def _charts(label: object, kept: Sequence[Agreement], name: str) -> list[Block]:
    found = [(one.system, next(item for item in one.classes if item.label is label)) for one in kept]
    title = word(found[0][1].label)
    scatter = scatter_chart(
        [Points(system, item.truth, item.found) for system, item in found],
        x_label=f"{title} by truth, %",
        y_label="by answers, %",
        identity=True,
        height=230.0,
    )
    differences = scatter_chart(
        [Points(system, (item.truth + item.found) / 2, item.found - item.truth) for system, item in found],
        x_label=f"{title}, mean of truth and answers, %",
        y_label="answers less truth",
        references=[
            Reference(value, f"{text} {system}")
            for system, item in found
            for value, text in (
                (item.limits.low, "lower limit"),
                (item.limits.bias.value, "bias"),
                (item.limits.high, "upper limit"),
            )
        ]
        if len(found) == 1
        else [Reference(0.0, "")],
        height=210.0,
    )
    slopes = ", ".join(f"{system} {number(item.line.slope.value, 2)}" for system, item in found)
    biases = ", ".join(f"{system} {number(item.limits.bias.value, 2)}" for system, item in found)
    return [
        Chart(
            scatter,
            f"{title}, {name}: each mark is a smear or patient; the line is equality.",
            f"{title}: share by answers against share by truth. Slopes: {slopes}.",
        ),
        Chart(
            differences,
            f"{title}, {name}: Bland–Altman plot; limits of agreement stand in the table.",
            f"{title}: differences against means. Mean difference in percent points: {biases}.",
        ),
    ]
