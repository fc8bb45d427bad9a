"""Coverage of the corrected and of the plain 95 % interval with the shipped validation, on simulated smears.

Run from the root of the repository::

    python benchmarks/correction_coverage.py [--classifier ensemble] [--runs 500] [--seed 0]

The true rates of error are those of the shipped validation (half a cell added to each count). From them come,
in each run, a smear of normal mix, the detector's finds, the answers, and a validation of the shipped size;
the answers are corrected with that validation, and each interval is looked up for the true share. A second
table puts the cells of each single set of the validation, and of laboratories that it does not hold, in place
of the smear: what then becomes of the correction.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.vocabulary import CellClass, pooled
from counting.correction import PRIOR, ConfusionMatrix, correct
from counting.intervals import clopper_pearson_percent
from leukoformula.settings import CLASSIFIERS
from leukoformula.store import SHIPPED
from leukoformula.validation import Validation, load_validation

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
C = CellClass

SHARES = {
    C.NEUTROPHIL_BAND: 3.0,
    C.NEUTROPHIL_SEGMENTED: 54.5,
    C.EOSINOPHIL: 2.8,
    C.BASOPHIL: 0.6,
    C.LYMPHOCYTE: 31.0,
    C.MONOCYTE: 7.6,
    C.IMMATURE_GRANULOCYTE: 0.5,
    C.ERYTHROBLAST: 0.5,
    C.ARTEFACT: 3.0,
}
"""True cells per 100 leukocytes, and what lies beside them."""

JUDGED = (
    C.NEUTROPHIL,
    C.NEUTROPHIL_BAND,
    C.NEUTROPHIL_SEGMENTED,
    C.EOSINOPHIL,
    C.BASOPHIL,
    C.LYMPHOCYTE,
    C.MONOCYTE,
    C.IMMATURE_GRANULOCYTE,
)


def rates_of(counts: Ints) -> Floats:
    """Return the rates that stand for true ones; rows sum to 1."""
    raised = counts + PRIOR
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def drawn_table(counts: Ints, rates: Floats, rng: np.random.Generator) -> Ints:
    """Draw a validation of the same size from rates."""
    sizes = counts.sum(axis=1)
    return np.stack([rng.multinomial(n, row) for n, row in zip(sizes, rates, strict=True)])


def one_run(
    validation: Validation, cells: int, rng: np.random.Generator
) -> tuple[dict[CellClass, int], ConfusionMatrix, ConfusionMatrix]:
    """Return the answers on one simulated smear and the validation that they are corrected with."""
    matrix, split = validation.matrix, validation.split
    rates, parts = rates_of(matrix.counts), rates_of(split.counts)
    lost = np.where(matrix.sought > 0, (matrix.missed + PRIOR) / (matrix.sought + 2 * PRIOR), 0.0)
    per_100 = np.array(list(SHARES.values()))
    behind = dict(
        zip(SHARES, rng.multinomial(round(cells * per_100.sum() / 100), per_100 / per_100.sum()), strict=True)
    )
    answers = Counter[CellClass]()
    for label, n in behind.items():
        row = matrix.classes.index(pooled(label, matrix.classes) or label)
        found = rng.multinomial(rng.binomial(n, 1 - lost[row]), rates[row])
        for answer, number in zip(matrix.answers, found, strict=True):
            answers[answer] += int(number)
        if label in split.classes:
            called = found[matrix.answers.index(C.NEUTROPHIL)]
            pair = rng.multinomial(called, parts[split.classes.index(label)])
            answers[C.NEUTROPHIL] -= int(called)
            for answer, number in zip(split.answers, pair, strict=True):
                answers[answer] += int(number)
    # A neutrophil answer to another cell is called segmented or band as the true ones are, on average.
    rest = answers.pop(C.NEUTROPHIL, 0)
    answers[C.NEUTROPHIL_SEGMENTED] += rest
    missed = rng.binomial(matrix.sought, lost)
    table = ConfusionMatrix(
        matrix.classes, matrix.answers, drawn_table(matrix.counts, rates, rng), missed, matrix.sought
    )
    none = np.zeros(2, np.int64)
    pair_table = ConfusionMatrix(
        split.classes, split.answers, drawn_table(split.counts, parts, rng), none, none, split.effective
    )
    return dict(answers), table, pair_table


def simulate(
    validation: Validation, cells: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, float]:
    """Return coverage of corrected and plain intervals, share of runs corrected, CPU seconds of one."""
    leukocytes = sum(share for label, share in SHARES.items() if label.in_denominator)
    truth = {label: 100 * share / leukocytes for label, share in SHARES.items()}
    truth[C.NEUTROPHIL] = truth[C.NEUTROPHIL_BAND] + truth[C.NEUTROPHIL_SEGMENTED]
    held, given, plain = (np.zeros(len(JUDGED)) for _ in range(3))
    seconds = 0.0
    for _ in range(runs):
        answers, table, pair = one_run(validation, cells, rng)
        start = time.process_time()
        correction = correct(answers, table, rng, split=pair)
        seconds += time.process_time() - start
        corrected = {share.label: share for share in correction.shares}
        counted = plain_counts(answers)
        total = sum(n for label, n in counted.items() if label.in_denominator and label is not C.NEUTROPHIL)
        for index, label in enumerate(JUDGED):
            interval = clopper_pearson_percent(counted.get(label, 0), total)
            plain[index] += interval.low <= truth[label] <= interval.high
            if label in corrected:
                given[index] += 1
                held[index] += corrected[label].low <= truth[label] <= corrected[label].high
    return held / np.maximum(given, 1), plain / runs, given / runs, seconds / runs


def plain_counts(answers: Mapping[CellClass, int]) -> dict[CellClass, int]:
    """Return the counts as a report prints them, neutrophils pooled as well."""
    counted = dict(answers)
    counted[C.NEUTROPHIL] = sum(answers.get(label, 0) for label in C.NEUTROPHIL.children)
    return counted


def other_laboratories(classifier: str, cells: int, runs: int, rng: np.random.Generator) -> list[str]:
    """Return a line for each stored set: its answers resampled to a normal mix, corrected as shipped."""
    validation = load_validation(classifier)
    document = json.loads((SHIPPED / "confusion" / f"{classifier}.json").read_text(encoding="utf-8"))
    if validation is None:
        return []
    answers = [CellClass(name) for name in document["source_answers"]]
    lines = []
    for source in document["sources"]:
        classes = [CellClass(name) for name in source["classes"]]
        rows = {
            label: np.array(row)
            for label, row in zip(classes, source["counts"], strict=True)
            if sum(row) >= 20
        }
        if C.NEUTROPHIL in rows and not {C.EOSINOPHIL, C.LYMPHOCYTE} <= set(rows):
            continue
        if not {C.LYMPHOCYTE, C.EOSINOPHIL} <= set(rows):
            continue
        size = {"cells": cells, "runs": runs}
        lines.append(_source_line(source, rows, answers=answers, validation=validation, rng=rng, **size))
    return lines


def _source_line(
    source: Mapping[str, object],
    rows: Mapping[CellClass, Ints],
    *,
    answers: Sequence[CellClass],
    validation: Validation,
    cells: int,
    runs: int,
    rng: np.random.Generator,
) -> str:
    mix = {label: SHARES.get(label, 57.5 if label is C.NEUTROPHIL else 0.0) for label in rows}
    if C.NEUTROPHIL_BAND in rows:
        mix.pop(C.NEUTROPHIL, None)
    mix = {label: share for label, share in mix.items() if label.in_denominator and share}
    shares = np.array(list(mix.values())) / sum(mix.values())
    verdicts, held, wide, plain = Counter[str](), Counter[CellClass](), 0, Counter[CellClass]()
    judged = [
        label
        for label in (C.NEUTROPHIL, C.EOSINOPHIL, C.LYMPHOCYTE, C.MONOCYTE)
        if label is C.NEUTROPHIL or label in mix
    ]
    truth = {label: 100 * share for label, share in zip(mix, shares, strict=True)}
    truth[C.NEUTROPHIL] = sum(value for label, value in truth.items() if pooled(label, [C.NEUTROPHIL]))
    for _ in range(runs):
        found = Counter[CellClass]()
        for label, n in zip(mix, rng.multinomial(cells, shares), strict=True):
            row = rows[label]
            for answer, number in zip(answers, rng.multinomial(n, row / row.sum()), strict=True):
                found[answer] += int(number)
        correction = correct(found, validation.matrix, rng, split=validation.split)
        verdicts[correction.uncorrected or "corrected"] += 1
        counted = plain_counts(found)
        total = sum(n for label, n in counted.items() if label.in_denominator and label is not C.NEUTROPHIL)
        for label in judged:
            interval = clopper_pearson_percent(counted.get(label, 0), total)
            plain[label] += interval.low <= truth[label] <= interval.high
        for share in correction.shares:
            if share.label in judged:
                held[share.label] += share.low <= truth[share.label] <= share.high
        wide += bool(correction.shares)
    cover = ", ".join(f"{label} {held[label] / wide:.2f}" for label in judged) if wide else "–"
    bare = ", ".join(f"{label} {plain[label] / runs:.2f}" for label in judged)
    said = ", ".join(f"{name} {n / runs:.2f}" for name, n in verdicts.most_common())
    inside = "yes" if source["in_matrix"] else "no"
    return f"| {source['name']} | {inside} | {said} | {cover} | {bare} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="coverage of corrected and plain 95 % intervals")
    parser.add_argument("--classifier", choices=CLASSIFIERS, default="ensemble")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 200, 400, 1000])
    options = parser.parse_args()
    validation = load_validation(options.classifier)
    if validation is None:
        raise SystemExit("no validation is shipped; run `python -m evaluation.confusion`")
    print("| cells | interval | " + " | ".join(map(str, JUDGED)) + " | lowest | CPU ms |")
    print("|---" * (len(JUDGED) + 4) + "|")
    for cells in options.cells:
        rng = np.random.default_rng([options.seed, cells])
        held, plain, given, seconds = simulate(validation, cells, options.runs, rng)
        for name, row, spent in (("corrected", held, f"{1000 * seconds:.0f}"), ("plain", plain, "")):
            figures = " | ".join(f"{figure:.3f}" for figure in (*row, row.min()))
            print(f"| {cells} | {name} | {figures} | {spent} |", flush=True)
        figures = " | ".join(f"{figure:.3f}" for figure in given)
        print(f"| {cells} | share of runs corrected | {figures} |  |  |", flush=True)
    print(
        "\n| set in place of the smear, 200 cells | in the matrix | verdict | corrected holds | plain holds |"
    )
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(options.seed)
    for line in other_laboratories(options.classifier, 200, min(options.runs, 200), rng):
        print(line, flush=True)


if __name__ == "__main__":
    main()
