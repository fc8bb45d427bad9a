"""Permutation importance of the features: what accuracy is lost where one of them is shuffled.

Run as ``python -m evaluation.importance --data DIR [--models DIR] [--set pbc_val] [--top 30]``.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from classifiers.explanation import FAMILIES, family
from classifiers.mlp import MlpClassifier
from evaluation.class_scores import score
from evaluation.classifier_sets import SETS, labelled_set
from evaluation.command_line import add_data, command_parser, exit_code_of
from features.vector import FEATURES, NAMES

_REPEATS = 5
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Importance:
    """What is lost where one feature, or all features of a family together, are shuffled among the cells.

    Parameters
    ----------
    name : str
        Name of the feature or of the family.
    features : int
        Number of features shuffled together.
    loss : float
        Mean loss of accuracy, 0 to 1; below 0 where shuffling helped by chance.
    spread : float
        Standard deviation of the loss over the repeats.
    """

    name: str
    features: int
    loss: float
    spread: float


def permutation_importance(
    classifier: MlpClassifier,
    features: NDArray[np.float32],
    labels: Sequence[CellClass],
    *,
    seed: int = 0,
    repeats: int = _REPEATS,
) -> list[Importance]:
    """Measure what each feature that the network takes is worth.

    Parameters
    ----------
    classifier : MlpClassifier
        The feature classifier.
    features : ndarray of shape (N, len(NAMES)), float32
        Feature vectors of labelled cells.
    labels : sequence of CellClass
        Their true classes.
    seed : int
        Seed of the shuffles.
    repeats : int
        Shuffles of each feature.

    Returns
    -------
    list of Importance
        One for each feature by itself, and one for each family of ``classifiers.explanation.FAMILIES``;
        largest loss first.

    References
    ----------
    Breiman 2001, Mach Learn 45:5-32, doi 10.1023/A:1010933404324. Differs from it in shuffling families whole
    as well: features that say the same stand in for each other, which makes each seem worth little.
    """
    taken = classifier.perceptron.names
    groups = {name: [name] for name in taken}
    for key in FAMILIES:
        groups[key] = [name for name in taken if family(name) == key]
    rng = np.random.default_rng(seed)
    whole = _accuracy(classifier, features, labels)
    found = []
    for key, members in groups.items():
        if not members:
            continue
        columns = [NAMES.index(name) for name in members]
        losses = []
        for _ in range(repeats):
            shuffled = features.copy()
            shuffled[:, columns] = features[rng.permutation(len(features))][:, columns]
            losses.append(whole - _accuracy(classifier, shuffled, labels))
        found.append(Importance(key, len(members), float(np.mean(losses)), float(np.std(losses))))
    return sorted(found, key=lambda one: (-one.loss, one.name))


def markdown(found: Sequence[Importance], *, top: int) -> str:
    """Return importances as two tables: families, and the features that matter most by themselves.

    Parameters
    ----------
    found : sequence of Importance
        Importances, largest first.
    top : int
        Features shown.

    Returns
    -------
    str
        Markdown without a line break at the end.
    """
    meanings = {f.name: f.meaning for f in FEATURES}
    lines = ["| family, shuffled whole | features | points lost |", "|---|--:|--:|"]
    lines += [f"| {i.name} | {i.features} | {_points(i)} |" for i in found if i.name in FAMILIES]
    lines += ["", "| feature, shuffled alone | meaning | points lost |", "|---|---|--:|"]
    alone = [i for i in found if i.name not in FAMILIES][:top]
    lines += [f"| `{i.name}` | {meanings[i.name]} | {_points(i)} |" for i in alone]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure permutation importance on a labelled set and write it to standard output as Markdown.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("importance", main.__doc__)
    add_data(parser)
    parser.add_argument(
        "--models", type=Path, default=Path("leukoformula/models"), help="folder of the models"
    )
    parser.add_argument("--set", choices=SETS, default="pbc_val")
    parser.add_argument("--top", type=int, default=_SHOWN, help="features shown")
    return exit_code_of(_measure, parser.parse_args(arguments))


def _measure(options: argparse.Namespace) -> None:
    classifier = MlpClassifier.load(options.models / "mlp")
    cells = labelled_set(options.set, options.data)
    features = classifier.measured(cells.crops, cells.whites)
    found = permutation_importance(classifier, features, cells.labels)
    sys.stdout.write(f"{options.set}, {len(cells.labels)} images\n\n{markdown(found, top=options.top)}\n")


def _accuracy(classifier: MlpClassifier, features: NDArray[np.float32], labels: Sequence[CellClass]) -> float:
    return score(classifier.predict_features(features), classifier.classes, labels).accuracy.value


def _points(one: Importance) -> str:
    return f"{100 * one.loss:.2f} ± {100 * one.spread:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
