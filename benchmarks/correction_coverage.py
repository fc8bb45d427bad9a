"""Coverage of the corrected and of the plain 95 % interval, on simulated smears and validations.

Run from the root of the repository::

    python benchmarks/correction_coverage.py [--runs 500] [--seed 0]

Every run draws a validation, a smear, the detector's finds and the classifier's answers from one fixed set of
true shares and rates, corrects the answers, and looks whether the intervals hold the true share. The rates
are invented but of the size that published classifiers have; bands and segmented neutrophils are confused
as often as observers confuse them.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.vocabulary import CLASSIFIED, CellClass
from counting.correction import ConfusionMatrix, correct
from counting.intervals import clopper_pearson_percent

Floats = NDArray[np.float64]

SHARES = {
    CellClass.NEUTROPHIL_BAND: 3.0,
    CellClass.NEUTROPHIL_SEGMENTED: 54.5,
    CellClass.EOSINOPHIL: 2.8,
    CellClass.BASOPHIL: 0.6,
    CellClass.LYMPHOCYTE: 31.0,
    CellClass.MONOCYTE: 7.6,
    CellClass.IMMATURE_GRANULOCYTE: 0.5,
    CellClass.ERYTHROBLAST: 0.5,
    CellClass.PLATELET: 3.0,
    CellClass.ARTEFACT: 3.0,
}
"""True cells per 100 leukocytes."""

VALIDATION = (300, 2300, 1000, 300, 1000, 400, 600, 400, 600, 600)
"""Validation cells of each class, in the order of ``CLASSIFIED``."""

RECALL = (0.80, 0.955, 0.97, 0.93, 0.96, 0.93, 0.92, 0.95, 0.98, 0.95)
MISSED = (0.02, 0.02, 0.02, 0.03, 0.03, 0.02, 0.02, 0.05, 0.30, 0.30)


def true_rates() -> Floats:
    """Return the rates of the answers, shape (10, 11); the last column is that of being missed."""
    size = len(CLASSIFIED)
    rates = np.repeat((1 - np.array(RECALL))[:, None] / (size - 1), size, axis=1)
    np.fill_diagonal(rates, RECALL)
    rates[0] = [0.80, 0.15, 0, 0, 0, 0, 0.04, 0, 0, 0.01]
    rates[1] = [0.03, 0.955, 0.003, 0.001, 0.002, 0.002, 0.003, 0.001, 0.001, 0.002]
    missed = np.array(MISSED)[:, None]
    return np.concatenate([rates * (1 - missed), missed], axis=1)


def simulate(cells: int, runs: int, rng: np.random.Generator) -> tuple[Floats, Floats, float]:
    """Return coverage of corrected and plain intervals by class, and CPU seconds for one correction."""
    rates, shares = true_rates(), np.array([SHARES[label] for label in CLASSIFIED])
    leukocytes = np.array([label.in_denominator for label in CLASSIFIED])
    truth = 100 * shares * leukocytes / shares[leukocytes].sum()
    labels = [label for label in CLASSIFIED if label.in_denominator]
    held, plain, seconds = np.zeros(len(labels)), np.zeros(len(labels)), 0.0
    for _ in range(runs):
        table = np.stack([rng.multinomial(n, row) for n, row in zip(VALIDATION, rates, strict=True)])
        cells_by_class = rng.multinomial(round(cells * shares.sum() / 100), shares / shares.sum())
        answers = rng.multinomial(cells_by_class, rates).sum(axis=0)[:-1]
        counts = {label: int(n) for label, n in zip(CLASSIFIED, answers, strict=True)}
        start = time.process_time()
        correction = correct(counts, ConfusionMatrix(CLASSIFIED, table[:, :-1], table[:, -1]), rng)
        seconds += time.process_time() - start
        corrected = {share.label: share for share in correction.shares}
        total = int(answers[leukocytes].sum())
        for index, label in enumerate(labels):
            true = truth[CLASSIFIED.index(label)]
            if label in corrected:
                held[index] += corrected[label].low <= true <= corrected[label].high
            interval = clopper_pearson_percent(counts[label], total)
            plain[index] += interval.low <= true <= interval.high
    return held / runs, plain / runs, seconds / runs


def main() -> None:
    """Print the table of coverages."""
    parser = argparse.ArgumentParser(description="coverage of corrected and plain 95 % intervals")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 200, 400, 1000])
    options = parser.parse_args()
    labels = [label for label in CLASSIFIED if label.in_denominator]
    print("| cells | interval | " + " | ".join(map(str, labels)) + " | lowest | CPU ms |")
    print("|---" * (len(labels) + 4) + "|")
    for cells in options.cells:
        rng = np.random.default_rng([options.seed, cells])
        held, plain, seconds = simulate(cells, options.runs, rng)
        for name, row, spent in (("corrected", held, f"{1000 * seconds:.0f}"), ("plain", plain, "")):
            figures = " | ".join(f"{figure:.3f}" for figure in (*row, row.min()))
            print(f"| {cells} | {name} | {figures} | {spent} |", flush=True)


if __name__ == "__main__":
    main()
