"""What adapting the network to a laboratory gains, and whether it is refused where there is nothing to gain.

Run as ``python -m evaluation.adaptation --data DIR --models DIR``. For each labelled set it draws some cells
as they come, adapts the network to them as ``leukoformula train cnn --adapt`` does, and judges it on all the
other cells of the set; over and over with other cells. ``pbc_val_normal`` is ``pbc_val`` with cells of the
five normal kinds alone to adapt to: what becomes of the other classes is its question.

``jtsc`` was used to choose the method and its fixed numbers; ``raabin_test_a`` and ``pbc_val`` come from
laboratories that the network was trained on, and were in view when the rule of refusal was chosen.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass, pooled
from classifiers.adapt_cnn import SiteCells, adaptation_of, site_answers
from classifiers.adaptation_fitting import SiteAnswers, gain_of, try_out
from classifiers.cnn import CnnClassifier
from evaluation.answers import predict_set
from evaluation.class_scores import score
from evaluation.classifier_sets import labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.store import load_classifier

NORMAL = "_normal"
"""Ending of a set's name: only cells of the five normal kinds are adapted to."""

SITES: tuple[str, ...] = ("jtsc", "bccd", "raabin_test_a", "pbc_val", "pbc_val_normal")
"""The sets that are adapted to by default."""

CELLS = (20, 50, 100)
"""How many cells are labelled."""

_RUNS = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One adaptation and what became of the cells that it did not see.

    Parameters
    ----------
    accepted : bool
        Whether cross-validation on the labelled cells showed a gain.
    before, after : tuple of float
        Accuracy and balanced accuracy on the other cells, without and with the correction, whether it was
        accepted or not.
    absent_before, absent_after : float
        Accuracy on the cells whose class was not among the labelled ones; NaN where there are none.
    ensemble_before, ensemble_after : float
        Accuracy of the mean with the perceptron; NaN where that was not asked for.
    seconds : float
        Time of the processor for cross-validation and fit.
    """

    accepted: bool
    before: tuple[float, float]
    after: tuple[float, float]
    absent_before: float
    absent_after: float
    ensemble_before: float
    ensemble_after: float
    seconds: float


def runs(
    site: SiteAnswers,
    *,
    cells: int,
    count: int,
    seed: int,
    normal_only: bool = False,
    other: NDArray[np.float32] | None = None,
) -> Iterator[Run]:
    """Adapt to cells drawn from a set, over and over.

    Parameters
    ----------
    site : SiteAnswers
        What the network says of all cells of the set.
    cells : int
        How many are labelled in a run.
    count : int
        Number of runs.
    seed : int
        Seed of the drawings.
    normal_only : bool, optional
        Whether only cells of the five normal kinds are drawn.
    other : ndarray of shape (N, K), float32, optional
        Probabilities of the perceptron, for the ensemble.

    Yields
    ------
    Run

    Raises
    ------
    DataError
        Where the set does not hold more cells than are to be labelled.
    """
    usual = np.array([pooled(label, NORMAL_FIVE) is not None for label in site.labels])
    pool = np.flatnonzero(usual) if normal_only else np.arange(len(site))
    if len(pool) <= cells:
        raise DataError(f"the set holds {len(pool)} cells, too few to label {cells} and judge on others")
    for number in range(count):
        drawn = np.random.default_rng([seed, number]).choice(pool, cells, replace=False)
        rest = np.setdiff1d(np.arange(len(site)), drawn)
        start = time.process_time()
        labelled = site.take(drawn)
        accepted = gain_of(try_out(labelled, seed=number)).shown
        _, adaptation = adaptation_of(labelled, seed=number)
        seconds = time.process_time() - start
        judged = site.take(rest)
        given = adaptation.apply(judged.probabilities, judged.features)
        third = None if other is None else other[rest]
        yield _run(judged, given, third, accepted=accepted, shown=set(labelled.labels), seconds=seconds)


def _run(
    judged: SiteAnswers,
    given: NDArray[np.float32],
    other: NDArray[np.float32] | None,
    *,
    accepted: bool,
    shown: set[CellClass],
    seconds: float,
) -> Run:
    absent = np.array([not _related(label, shown) for label in judged.labels])
    part = tuple(label for label, one in zip(judged.labels, absent, strict=True) if one)
    means = [np.nan, np.nan]
    if other is not None:
        means = [_scores(_mean(p, other), judged.labels)[0] for p in (judged.probabilities, given)]
    return Run(
        accepted=accepted,
        before=_scores(judged.probabilities, judged.labels),
        after=_scores(given, judged.labels),
        absent_before=_scores(judged.probabilities[absent], part)[0],
        absent_after=_scores(given[absent], part)[0],
        ensemble_before=means[0],
        ensemble_after=means[1],
        seconds=seconds,
    )


def _mean(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((one + other) / 2, np.float32)


def _related(label: CellClass, shown: set[CellClass]) -> bool:
    return bool({label, label.parent, *label.children} & shown)


def _scores(probabilities: NDArray[np.float32], labels: Sequence[CellClass]) -> tuple[float, float]:
    if not len(labels):
        return np.nan, np.nan
    found = score(probabilities, CLASSIFIED, labels)
    return found.accuracy.value, found.balanced_accuracy


def line(name: str, cells: int, found: Sequence[Run]) -> str:
    """Return one row of the table.

    Parameters
    ----------
    name : str
        Name of the set.
    cells : int
        Labelled cells of each run.
    found : sequence of Run
        The runs, at least one.

    Returns
    -------
    str
        Markdown: set, labelled cells, share refused, then means over the runs without and with the
        correction, means of what would be used (the correction where it is accepted), and the worst change
        of accuracy in an accepted run.
    """
    accepted = [run for run in found if run.accepted]
    used = [run.after if run.accepted else run.before for run in found]
    worst = min((run.after[0] - run.before[0] for run in accepted), default=float("nan"))
    figures = (
        1 - len(accepted) / len(found),
        *_means([run.before[0] for run in found], [run.after[0] for run in found]),
        *_means([one[0] for one in used], [run.before[1] for run in found], [run.after[1] for run in found]),
        *_means([run.absent_before for run in found], [run.absent_after for run in found]),
        *_means([run.ensemble_before for run in found], [run.ensemble_after for run in found]),
        worst,
    )
    words = ["–" if np.isnan(value) else f"{value:.3f}" for value in figures]
    seconds = _means([run.seconds for run in found])[0]
    return f"| `{name}` | {cells} | {' | '.join(words)} | {seconds:.1f} |"


HEAD = (
    "| set | cells | refused | before | adapted | in use | balanced, before | balanced, adapted | classes not"
    " labelled, before | and adapted | ensemble, before | ensemble, adapted | worst accepted | seconds |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)
"""Head of the table."""


def _means(*values: Sequence[float]) -> list[float]:
    return [float(np.nanmean(one)) if np.isfinite(one).any() else float("nan") for one in values]


def measure(
    names: Sequence[str],
    *,
    data: Path,
    models: Path,
    cells: Sequence[int] = CELLS,
    count: int = _RUNS,
    seed: int = 0,
    perceptron: bool = False,
) -> Iterator[str]:
    """Adapt to every set, and write the table.

    Parameters
    ----------
    names : sequence of str
        Names of ``evaluation.classifier_sets.SETS``, with ``_normal`` at the end where only normal cells are
        to be adapted to.
    data, models : Path
        Folders of the published images and of the models.
    cells : sequence of int, optional
        Numbers of labelled cells.
    count : int, optional
        Runs of each.
    seed : int, optional
        Seed of the drawings.
    perceptron : bool, optional
        Whether the ensemble is judged too.

    Yields
    ------
    str
        The lines of the table.
    """
    yield HEAD
    classifier = CnnClassifier.load(models / "cnn")
    for name in names:
        found = labelled_set(name.removesuffix(NORMAL), data)
        blank = ("",) * len(found.labels)
        site = site_answers(
            classifier,
            SiteCells(found.crops, found.whites, found.labels, blank, blank, found.groups or blank),
        )
        other = None
        if perceptron:
            other = predict_set(load_classifier("mlp", root=models)[0], found.crops, found.whites)
        for number in cells:
            done = runs(
                site,
                cells=number,
                count=count,
                seed=seed,
                normal_only=name.endswith(NORMAL),
                other=other,
            )
            yield line(name, number, list(done))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what adaptation gains.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("adaptation", main.__doc__)
    add_data(parser)
    add_models(parser)
    parser.add_argument("--set", dest="sets", action="append", help="a set to adapt to (default: all)")
    parser.add_argument("--cells", type=int, action="append", help="labelled cells (default: 20, 50, 100)")
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"runs of each (default: {_RUNS})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the drawings (default: 0)")
    parser.add_argument("--ensemble", action="store_true", help="judge the mean with the perceptron too")
    return exit_code_of(_measure, parser.parse_args(arguments))


def _measure(options: argparse.Namespace) -> None:
    for row in measure(
        options.sets or SITES,
        data=options.data,
        models=options.models,
        cells=options.cells or CELLS,
        count=options.runs,
        seed=options.seed,
        perceptron=options.ensemble,
    ):
        sys.stdout.write(row + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
