"""The temperature at which the ensemble's probabilities are the most likely on crops that training held out.

Run as ``python -m evaluation.ensemble_temperature --data DIR --models DIR``; it prints one number for the
crops as they are, one for the same restained, and one for both, by which
``leukoformula.store.ensemble_temperature`` is set.
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass
from classifiers.abstention_fitting import NormalCells, answers_to, read_normal
from classifiers.ensemble import EnsembleClassifier
from classifiers.labels import allowed_answers
from classifiers.probabilities import fit_temperature
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.settings import Settings
from leukoformula.store import load_classifier

_NEUTROPHIL = allowed_answers(CellClass.NEUTROPHIL)


def joint_logarithms(ensemble: EnsembleClassifier, cells: NormalCells) -> NDArray[np.float32]:
    """Return the logarithms of the members' weighted mean probabilities of each answer.

    Parameters
    ----------
    ensemble : EnsembleClassifier
        Its own temperature plays no part.
    cells : NormalCells
        The crops.

    Returns
    -------
    ndarray of shape (N, K), float32
        Band and segmented neutrophils are one column, the first.
    """
    mean = np.zeros((len(cells.kinds), len(CLASSIFIED)))
    for member, weight in zip(ensemble.members, ensemble.weights, strict=True):
        mean += weight * answers_to(member, cells.crops, cells.whites).probabilities
    answers = np.column_stack([mean @ _NEUTROPHIL, mean[:, _NEUTROPHIL == 0]])
    return np.log(np.maximum(answers, 1e-12)).astype(np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the temperature and print it.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("ensemble_temperature", main.__doc__)
    add_data(parser)
    add_models(parser)
    return exit_code_of(_fit, parser.parse_args(arguments))


def _fit(options: argparse.Namespace) -> None:
    members = [load_classifier(name, root=options.models)[0] for name in ("cnn", "mlp")]
    share = Settings().cnn_share
    ensemble = EnsembleClassifier(members, [share, 1.0 - share])
    _, held_out = read_normal(options.data)
    plain, changed = (joint_logarithms(ensemble, c) for c in (held_out, held_out.restained(every=1)))
    answers = [CellClass.NEUTROPHIL, *(c for c, n in zip(CLASSIFIED, _NEUTROPHIL, strict=True) if not n)]
    allowed = np.array([[float(answer is kind) for answer in answers] for kind in NORMAL_FIVE], np.float32)
    targets = allowed[held_out.kinds]
    both = np.concatenate([plain, changed]), np.concatenate([targets, targets])
    for name, pair in (("as they are", (plain, targets)), ("restained", (changed, targets)), ("both", both)):
        sys.stdout.write(f"{len(pair[1])} crops {name}: temperature {fit_temperature(*pair):.3f}\n")


if __name__ == "__main__":
    raise SystemExit(main())
