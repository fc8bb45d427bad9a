"""The pages of a comparison on one set."""

from evaluation.comparison.compare import SetResult
from evaluation.comparison.disagreements import word
from evaluation.comparison.judging import Judgement
from evaluation.comparison.reliability import BINS
from evaluation.comparison.report_text import estimate, number
from evaluation.comparison.verdict import p_text, share_text
from evaluation.pages import Block, Chart, Heading, Series, Table, line_chart, matrix_chart

LEAST_IN_BIN = 5
"""Images that a bin needs to be drawn."""


def set_blocks(result: SetResult) -> list[Block]:
    """Lay out the figures of all classifiers on one set.

    Parameters
    ----------
    result : SetResult
        The result.

    Returns
    -------
    list of Block
        Classes, pairs, confusion matrices, calibration.
    """
    return [
        Heading(f"Set {result.cells.name}"),
        _classes(result),
        *_pairs(result),
        Heading("Confusion matrices", 2),
        *(_matrix(one, result.cells.name) for one in result.judgements),
        *_calibration(result),
    ]


def _classes(result: SetResult) -> Table:
    rows = []
    for label in result.judgements[0].score.truths:
        for one in result.judgements:
            found = one.score
            rows.append(
                (
                    word(label),
                    f"{found.recall[label].total}",
                    one.system,
                    share_text(found.recall[label]),
                    share_text(found.precision[label]),
                    estimate(one.f1[label]),
                )
            )
    return Table(
        ("class", "images", "classifier", "recall", "precision", "F1"),
        tuple(rows),
        "Classes",
        frozenset({1, 3, 4, 5}),
        "In brackets 95 % intervals: exact for recall and precision, from drawing groups for F1. A dash:"
        " nothing to divide by.",
    )


def _pairs(result: SetResult) -> list[Block]:
    if not result.pairs:
        return []
    rows = tuple(
        (
            f"{pair.first} against {pair.second}",
            f"{pair.whole.only_first}",
            f"{pair.whole.only_second}",
            p_text(pair.whole.p),
            p_text(pair.whole.p_adjusted),
            estimate(pair.gain),
            "yes" if pair.whole.beyond_chance else "no",
        )
        for pair in result.pairs
    )
    header = ("pair", "only first right", "only second right", "p", "p after Holm", "lead", "beyond chance")
    blocks: list[Block] = [
        Heading("Pairs: exact McNemar tests", 2),
        Table(
            header,
            rows,
            numbers=frozenset(range(1, 6)),
            note="Lead: accuracy of the first less that of the second; in brackets its 95 % interval.",
        ),
    ]
    by_class = [
        (
            word(label),
            f"{pair.first} against {pair.second}",
            f"{one.cells}",
            f"{one.only_first}",
            f"{one.only_second}",
            p_text(one.p_adjusted),
            "yes" if one.beyond_chance else "no",
        )
        for pair in result.pairs
        for label, one in pair.classes.items()
        if one.only_first + one.only_second
    ]
    if by_class:
        head = (
            "class",
            "pair",
            "images",
            "only first right",
            "only second right",
            "p after Holm",
            "beyond chance",
        )
        caption = "By true class; classes on which both are right and wrong alike are left out"
        blocks.append(Table(head, tuple(by_class), caption, frozenset(range(2, 6))))
    return blocks


def _matrix(one: Judgement, name: str) -> Chart:
    found = one.score
    given = [k for k, a in enumerate(found.answers) if a in found.truths or found.confusion[:, k].any()]
    drawing = matrix_chart(
        found.confusion[:, given],
        row_names=[word(label) for label in found.truths],
        column_names=[word(found.answers[k]) for k in given],
        row_label="truth",
        column_label=f"answer of {one.system}",
    )
    recalls = ", ".join(f"{word(t)} {number(found.recall[t].value, 3)}" for t in found.truths)
    return Chart(
        drawing,
        f"{one.system} on {name}: images by true class (rows) and answer (columns), per cent of each row.",
        f"Confusion matrix of {one.system} on {name}. Recall: {recalls}.",
    )


def _calibration(result: SetResult) -> list[Block]:
    series = [Series("perfect", (0.0, 1.0), (0.0, 1.0), points=False)]
    rows = []
    for one in result.judgements:
        found = one.calibration
        shown = [item for item in found.bins if item.right.total >= LEAST_IN_BIN]
        series.append(
            Series(one.system, [item.confidence for item in shown], [item.right.value for item in shown])
        )
        sure = found.confidence - one.score.accuracy.value
        rows.append(
            (
                one.system,
                number(found.error, 3),
                number(found.by_chance, 3),
                number(found.confidence, 3),
                number(one.score.accuracy.value, 3),
                "beyond chance" if found.error > found.by_chance else "no more than chance",
                "too sure" if sure > 0 else "too unsure",
            )
        )
    drawing = line_chart(
        series,
        x_label="probability of the answer (mean of each bin)",
        y_label="share of right answers",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
    )
    told = ", ".join(f"{row[0]} {row[1]}" for row in rows)
    header = (
        "classifier",
        "calibration error",
        "by chance",
        "mean probability",
        "accuracy",
        "error",
        "on the whole",
    )
    return [
        Heading("Calibration", 2),
        Chart(
            drawing,
            "Share of right answers against the probability with which they were given, in 15 bins;"
            f" bins of fewer than {LEAST_IN_BIN} images are not drawn. Below the line of the perfect"
            " classifier answers are surer than they should be.",
            f"Calibration curves. Expected calibration error: {told}.",
        ),
        Table(header, tuple(rows), numbers=frozenset({1, 2, 3, 4})),
        _bins(result),
    ]


def _bins(result: SetResult) -> Table:
    by_bin = [{item.low: item for item in one.calibration.bins} for one in result.judgements]
    rows = []
    for low in sorted({low for bins in by_bin for low in bins}):
        row = [f"{low:.2f}–{low + 1 / BINS:.2f}"]
        for bins in by_bin:
            item = bins.get(low)
            row += [f"{item.right.total}", share_text(item.right)] if item is not None else ["0", "–"]
        rows.append(tuple(row))
    header = ["probability"]
    for one in result.judgements:
        header += ["images", f"right, {one.system}"]
    return Table(tuple(header), tuple(rows), numbers=frozenset(range(1, len(header))))
