"""What the rule of abstention flags on normal and abnormal cells, and how well probabilities are calibrated.

``python -m evaluation.abstention --data DIR --models DIR --fit`` fits the rule to the folder's models and
writes ``abstention`` beside them; it must be run again whenever ``cnn`` or ``mlp`` changes, since a rule of
other models is not used. Without ``--fit`` the command judges the rule that lies there and prints tables:
normal leukocytes flagged and the accuracy on the others, abnormal cells of ``apl_aml_jhu`` that pass as
normal, the alert of smears, and the expected calibration error.

``apl_aml_jhu`` is never trained on. Its patients are parted in two halves by the checksum of their names: one
was in view while the rule was developed, the other was not.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.vocabulary import CellClass
from classifiers.abstention import Abstention
from classifiers.abstention_fitting import Answers, answers_to
from classifiers.manifest import read_manifest
from classifiers.training_data import read_crops
from evaluation.abstention_measures import Judged, in_development
from evaluation.abstention_rules import fit, together
from evaluation.abstention_tables import tables
from evaluation.classifier_sets import labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.settings import CLASSIFIERS, Settings
from leukoformula.store import ABSTENTION, load_abstention, load_classifier, load_ensemble
from slides.optics import white_point

SETS = ("raabin_test_a", "pbc_val", "bccd", "bccd_read", "jtsc")
"""Labelled sets of the table of normal leukocytes; the last three are of laboratories never trained on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    name: str
    labels: tuple[CellClass, ...]
    groups: tuple[str, ...]
    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]


def _sets(data: Path) -> Iterator[_Set]:
    for name in SETS:
        one = labelled_set(name, data)
        yield _Set(name, one.labels, ("",) * len(one.labels), one.crops, one.whites)
    samples = read_manifest(data / "apl_aml_jhu" / "manifest.csv")
    crops = read_crops(samples)
    whites = np.stack([white_point(crop) for crop in crops]).astype(np.float64)
    labels, groups = tuple(s.label for s in samples), tuple(s.group for s in samples)
    yield _Set("apl_aml", labels, groups, crops, whites)


def judge(data: Path, models: Path) -> dict[str, list[Judged]]:
    """Let every classifier and its rule answer to every set.

    Parameters
    ----------
    data, models : Path
        Folders of the published images and of the models.

    Returns
    -------
    dict of str to list of Judged
        By classifier; ``apl_aml`` stands last, as its two halves.

    Raises
    ------
    LeukoformulaError
        Where data or models are missing or faulty, or there is no rule of these models.
    """
    share = Settings().cnn_share
    ensemble = load_ensemble(models)
    rules = {name: _rule(name, models, share) for name in CLASSIFIERS}
    found: dict[str, list[Judged]] = {name: [] for name in CLASSIFIERS}
    for one in _sets(data):
        answers = {m.name: answers_to(m, one.crops, one.whites) for m in ensemble.members}
        answers["ensemble"] = together(ensemble, answers["cnn"], answers["mlp"])
        for name, rule in rules.items():
            found[name] += _judged(one.name, one.labels, one.groups, answers[name], rule)
    return found


def _rule(classifier: str, models: Path, share: float) -> Abstention:
    _, infos = load_classifier(classifier, root=models, cnn_share=share)
    rule, _ = load_abstention(classifier, infos, root=models, cnn_share=share)
    if rule is None:
        raise ModelError(f"{models / ABSTENTION} holds no rule of these models; fit it with --fit")
    return rule


def _judged(
    name: str, labels: tuple[CellClass, ...], groups: tuple[str, ...], answers: Answers, rule: Abstention
) -> list[Judged]:
    all_cells = Judged(
        name, labels, groups, answers.probabilities, rule.score(*answers), rule.p_values(*answers)
    )
    if name != "apl_aml":
        return [all_cells]
    half = np.array([in_development(group) for group in groups])
    return [
        all_cells.part(half, "apl_aml, development half"),
        all_cells.part(~half, "apl_aml, final half"),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the rule of abstention, or judge the one that lies beside the models.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("abstention", main.__doc__)
    add_data(parser)
    add_models(parser)
    parser.add_argument("--fit", action="store_true", help="fit the rule and write it beside the models")
    parser.add_argument("--level", type=float, default=Settings().flag_outliers, help="level of the flags")
    options = parser.parse_args(arguments)
    if not 0 < options.level < 1:
        parser.error("--level must lie between 0 and 1")
    return exit_code_of(_fit_or_judge, options)


def _fit_or_judge(options: argparse.Namespace) -> None:
    if options.fit:
        sys.stdout.write(f"{fit(options.data, options.models)}\n")
        return
    for name, sets in judge(options.data, options.models).items():
        sys.stdout.write(tables(name, sets, options.level) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
