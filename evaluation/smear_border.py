"""What it gives that each smear moves the border between eosinophils and neutrophils, on drawn smears.

Run as ``python -m evaluation.smear_border --data DIR --models leukoformula/models``: smears of 100 cells are
drawn, with replacement, from each labelled set, with the mix of normal blood and with more eosinophils;
answers with the fixed border stand beside those with the smear's own (``classifiers.smear_border``).
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CLASSIFIED, CellClass, pooled
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier
from evaluation.answers import as_one_smear, predict_set
from evaluation.classifier_sets import LabelledSet, labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.store import load_ensemble

SETS = ("bccd_read", "jtsc", "deepbionet", "apl_aml", "pbc_val", "raabin_test_a", "bcisc")
"""Labelled sets that smears are drawn from."""

EOSINOPHILS = (0.025, 0.1, 0.25)
"""Their shares in the drawn smears; the others keep their proportions."""

SMEAR = 100
"""Cells of a smear."""

_OTHERS: Mapping[CellClass, float] = {
    CellClass.NEUTROPHIL: 0.635,
    CellClass.LYMPHOCYTE: 0.287,
    CellClass.MONOCYTE: 0.072,
    CellClass.BASOPHIL: 0.006,
}
_KINDS = (*_OTHERS, CellClass.EOSINOPHIL)
_ANSWERS = tuple(pooled(label, _KINDS) or label for label in CLASSIFIED)
_NAMES = tuple(dict.fromkeys(_ANSWERS))
_TOGETHER = np.array([[one is name for name in _NAMES] for one in _ANSWERS], np.float64)
_EOSINOPHIL = _NAMES.index(CellClass.EOSINOPHIL)


def draw_smears(
    labels: Sequence[CellClass], eosinophils: float, *, smears: int, seed: int
) -> Iterator[NDArray[np.intp]]:
    """Draw smears of 100 cells from a labelled set, with replacement.

    Parameters
    ----------
    labels : sequence of CellClass
        True class of each cell.
    eosinophils : float
        Share of eosinophils, 0 to 1; kinds that the set lacks are left out.
    smears : int
        Number of smears.
    seed : int
        Seed.

    Yields
    ------
    ndarray of shape (100,), intp
        Cells of a smear.
    """
    kinds = [pooled(label, _KINDS) for label in labels]
    of_kind = {kind: np.flatnonzero([one is kind for one in kinds]) for kind in _KINDS}
    mix = {kind: share * (1.0 - eosinophils) for kind, share in _OTHERS.items()}
    mix[CellClass.EOSINOPHIL] = eosinophils
    held = [kind for kind in _KINDS if len(of_kind[kind])]
    shares = np.array([mix[kind] for kind in held])
    rng = np.random.default_rng([seed, round(1000 * eosinophils)])
    for _ in range(smears):
        counts = rng.multinomial(SMEAR, shares / shares.sum())
        yield np.concatenate([rng.choice(of_kind[kind], n) for kind, n in zip(held, counts, strict=True)])


def compare_borders(
    classifier: Classifier, probabilities: NDArray[np.float32], labels: Sequence[CellClass], *, smears: int
) -> list[tuple[float, float, float, float]]:
    """Hold the fixed border against the smear's own.

    Parameters
    ----------
    classifier : Classifier
        The classifier that answered.
    probabilities : ndarray of shape (N, K), float32
        Its answers on a labelled set.
    labels : sequence of CellClass
        True class of each cell.
    smears : int
        Smears drawn for each share of eosinophils.

    Returns
    -------
    list of (float, float, float, float)
        For each of `EOSINOPHILS`: share of right answers with the fixed border and with the smear's, and by
        how much the share of eosinophils is too large with either.
    """
    truth = np.array([_NAMES.index(kind) if (kind := pooled(label, _KINDS)) else -1 for label in labels])
    rows = []
    for share in EOSINOPHILS:
        found = []
        for cells in draw_smears(labels, share, smears=smears, seed=0):
            given = probabilities[cells]
            both = [(one @ _TOGETHER).argmax(axis=1) for one in (given, as_one_smear(classifier, given))]
            true = truth[cells]
            excess = [float((one == _EOSINOPHIL).mean() - (true == _EOSINOPHIL).mean()) for one in both]
            found.append([*(float((one == true).mean()) for one in both), *excess])
        fixed, own, over, over_own = np.mean(found, axis=0).tolist()
        rows.append((fixed, own, over, over_own))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table of all classifiers and sets to standard output.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("smear_border", main.__doc__)
    add_data(parser)
    add_models(parser)
    parser.add_argument(
        "--set", dest="sets", action="append", choices=SETS, help="this set alone; may be given again"
    )
    parser.add_argument("--smears", type=int, default=200, metavar="N", help="smears drawn of each mix")
    options = parser.parse_args(arguments)
    if options.smears < 1:
        parser.error("--smears must be at least 1")
    return exit_code_of(_write, options)


def _write(options: argparse.Namespace) -> None:
    ensemble = load_ensemble(options.models)
    shares = ", ".join(f"{100 * share:g} %" for share in EOSINOPHILS)
    sys.stdout.write(
        f"Eosinophils {shares}; right with the fixed border > the smear's (excess of eosinophils)\n"
    )
    for name in options.sets or SETS:
        cells = _normal(labelled_set(name, options.data))
        answers = [predict_set(member, cells.crops, cells.whites) for member in ensemble.members]
        tried: list[tuple[Classifier, NDArray[np.float32]]] = [
            *zip(ensemble.members, answers, strict=True),
            (ensemble, ensemble.combined(answers)),
        ]
        for classifier, given in tried:
            rows = compare_borders(classifier, given, cells.labels, smears=options.smears)
            told = " | ".join(f"{a:.3f} > {b:.3f} ({100 * c:+.1f} > {100 * d:+.1f})" for a, b, c, d in rows)
            sys.stdout.write(f"{name} {_name(classifier)}: {told}\n")
            sys.stdout.flush()


def _name(classifier: Classifier) -> str:
    return "ensemble" if isinstance(classifier, EnsembleClassifier) else classifier.name


def _normal(cells: LabelledSet) -> LabelledSet:
    kept = np.array([pooled(label, _KINDS) is not None for label in cells.labels])
    labels = tuple(label for label, keep in zip(cells.labels, kept, strict=True) if keep)
    return cells._replace(crops=cells.crops[kept], whites=cells.whites[kept], labels=labels)


if __name__ == "__main__":
    raise SystemExit(main())
