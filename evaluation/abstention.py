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
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from cells.errors import ModelError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass, pooled
from classifiers.abstention import ARRAYS, Abstention, nearest_kinds, write_arrays
from classifiers.abstention_fitting import Answers, answers_to, fit_abstention, read_normal
from classifiers.ensemble import EnsembleClassifier
from classifiers.manifest import read_manifest
from classifiers.training_data import read_crops
from evaluation.classifier_sets import labelled_set
from evaluation.classifiers import pool_columns
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from leukoformula.alerts import LEAST_CELLS, too_many
from leukoformula.settings import CLASSIFIERS, Settings
from leukoformula.store import ABSTENTION, load_abstention, load_classifier, load_ensemble, model_info
from slides.optics import white_point

SETS = ("raabin_test_a", "pbc_val", "bccd", "bccd_read", "jtsc")
"""Labelled sets of the table of normal leukocytes; the last three are of laboratories never trained on."""

ABNORMAL = (
    CellClass.BLAST,
    CellClass.PROMONOCYTE,
    CellClass.SMUDGE_CELL,
    CellClass.PLASMA_CELL,
    CellClass.PLATELET_AGGREGATE,
)
"""Abnormal classes that no classifier answers with."""

_BINS = 15
_DRAWS = 400
_SMEAR = 100


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Cells of one set with the answers of one classifier and the p-values of its rule.

    Parameters
    ----------
    name : str
        Name of the set.
    labels : tuple of CellClass
        True class of each cell.
    groups : tuple of str
        Patient of each, or empty.
    probabilities : ndarray of shape (N, K), float32
        Answers.
    scores, p_values : ndarray of shape (N,), float64
        Of the rule.
    """

    name: str
    labels: tuple[CellClass, ...]
    groups: tuple[str, ...]
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]

    @property
    def kinds(self) -> NDArray[np.intp]:
        """Number of the true kind of each cell in ``NORMAL_FIVE``; -1 where it is none of them."""
        found = [pooled(label, NORMAL_FIVE) for label in self.labels]
        return np.array([-1 if kind is None else NORMAL_FIVE.index(kind) for kind in found], np.intp)

    @property
    def called(self) -> NDArray[np.intp]:
        """Number of the normal kind that each cell is called; -1 where it is called none of them."""
        kinds = [pooled(c, NORMAL_FIVE) for c in CLASSIFIED]
        together = np.zeros((len(self.labels), len(NORMAL_FIVE)))
        for column, kind in enumerate(kinds):
            if kind is not None:
                together[:, NORMAL_FIVE.index(kind)] += self.probabilities[:, column]
        others = self.probabilities[:, [kind is None for kind in kinds]].max(axis=1)
        return np.where(together.max(axis=1) >= others, nearest_kinds(self.probabilities), -1)

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which cells are called a leukocyte, normal or immature, and so count for the alert."""
        immature = CLASSIFIED.index(CellClass.IMMATURE_GRANULOCYTE)
        return np.asarray((self.called >= 0) | (self.probabilities.argmax(axis=1) == immature))

    def flagged(self, level: float) -> NDArray[np.bool_]:
        """Return which cells are called a normal kind and are unlike it at a level, shape (N,)."""
        return np.asarray((self.called >= 0) & (self.p_values <= level))

    def part(self, chosen: NDArray[np.bool_], name: str) -> "Judged":
        """Return some of the cells as a set of another name."""
        return Judged(
            name,
            tuple(label for label, take in zip(self.labels, chosen, strict=True) if take),
            tuple(group for group, take in zip(self.groups, chosen, strict=True) if take),
            self.probabilities[chosen],
            self.scores[chosen],
            self.p_values[chosen],
        )


def in_development(patient: str) -> bool:
    """Return whether a patient of ``apl_aml_jhu`` was in view while the rule was developed."""
    return zlib.crc32(patient.partition(":")[0].encode()) % 2 == 0


def area_under_curve(scores: NDArray[np.float64], abnormal: NDArray[np.bool_]) -> float:
    """Return the probability that an abnormal cell has the higher score; ties count half.

    Parameters
    ----------
    scores : ndarray of shape (N,), float64
        Larger is more abnormal.
    abnormal : ndarray of shape (N,), bool
        The truth.

    Returns
    -------
    float
        0 to 1; NaN where one of the two kinds is missing.
    """
    count, others = int(abnormal.sum()), int((~abnormal).sum())
    if not count or not others:
        return float("nan")
    return float((rankdata(scores)[abnormal].sum() - count * (count + 1) / 2) / (count * others))


def calibration_error(probabilities: NDArray[np.float32], labels: Sequence[CellClass]) -> float:
    """Return the expected calibration error of the most probable class over 15 equal bins.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        Answers of a classifier with the classes ``CLASSIFIED``.
    labels : sequence of CellClass
        True classes; children that the truth does not tell apart are pooled.

    Returns
    -------
    float
        0 to 1; NaN without cells.

    References
    ----------
    Guo et al. 2017, arXiv 1706.04599.
    """
    if not labels:
        return float("nan")
    together, classes = pool_columns(probabilities, CLASSIFIED, labels)
    sure = together.max(axis=1)
    answers = together.argmax(axis=1)
    right = np.array([pooled(label, classes) is classes[k] for label, k in zip(labels, answers, strict=True)])
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = [abs(sure[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    return float(sum(gaps))


def patients_alerted(cells: Judged, level: float) -> tuple[int, int]:
    """Count the patients whose cells raise the alert of a smear.

    Parameters
    ----------
    cells : Judged
        Cells with their patients as groups.
    level : float
        Level of the flags.

    Returns
    -------
    alerted, patients : int
        Of the patients with at least ``LEAST_CELLS`` cells.
    """
    tested, groups = cells.tested, np.array(cells.groups)
    unlike = tested & (cells.p_values <= level)
    alerted = patients = 0
    for patient in sorted(set(cells.groups)):
        own = groups == patient
        if own.sum() >= LEAST_CELLS:
            patients += 1
            alerted += too_many(int(unlike[own].sum()), int(tested[own].sum()), level=level)
    return alerted, patients


def draws_alerted(cells: Judged, level: float) -> float:
    """Return the share of drawn smears of 100 normal leukocytes of a set that raise the alert.

    Parameters
    ----------
    cells : Judged
        A set with normal leukocytes.
    level : float
        Level of the flags.

    Returns
    -------
    float
        0 to 1, over 400 draws with replacement.
    """
    normal = np.flatnonzero(cells.kinds >= 0)
    tested = cells.tested
    unlike = tested & (cells.p_values <= level)
    rng = np.random.default_rng(1)
    drawn = [rng.choice(normal, _SMEAR) for _ in range(_DRAWS)]
    return float(np.mean([too_many(int(unlike[d].sum()), int(tested[d].sum()), level=level) for d in drawn]))


def fit(data: Path, models: Path) -> Path:
    """Fit the rules of all classifiers and write them beside their models.

    Parameters
    ----------
    data, models : Path
        Folders of the published images and of the models.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    LeukoformulaError
        Where data or models are missing or faulty.
    """
    share = Settings().cnn_share
    fitting, held_out = read_normal(data)
    views = (fitting.restained(every=2), held_out, held_out.restained(every=1))
    ensemble = load_ensemble(models)
    answers: dict[str, list[Answers]] = {}
    for classifier in ensemble.members:
        answers[classifier.name] = [answers_to(classifier, view.crops, view.whites) for view in views]
    answers["ensemble"] = [
        together(ensemble, cnn, mlp) for cnn, mlp in zip(answers["cnn"], answers["mlp"], strict=True)
    ]
    rules = {
        name: fit_abstention(first, fitting.kinds, _joined(plain, changed))
        for name, (first, plain, changed) in answers.items()
    }
    folder = models / ABSTENTION
    write_arrays(folder / ARRAYS, rules)
    return write_manifest(
        folder,
        name=ABSTENTION,
        kind=ABSTENTION,
        version="1",
        files=[ARRAYS],
        details={
            "models": {name: model_info(name, root=models).sha256 for name in ("cnn", "mlp")},
            "cnn_share": share,
            "fitted_on": len(fitting.kinds),
            "calibrated_on": 2 * len(held_out.kinds),
        },
    )


def together(ensemble: EnsembleClassifier, cnn: Answers, mlp: Answers) -> Answers:
    """Return what the ensemble answers where its members answer so.

    Parameters
    ----------
    ensemble : EnsembleClassifier
        Of the network and the feature classifier, in this order.
    cnn, mlp : Answers
        Answers of the members to the same cells.

    Returns
    -------
    Answers
    """
    return Answers(ensemble.combined([cnn.probabilities, mlp.probabilities]), mlp.features)


def _joined(first: Answers, second: Answers) -> Answers:
    features = None
    if first.features is not None and second.features is not None:
        features = np.concatenate([first.features, second.features])
    return Answers(np.concatenate([first.probabilities, second.probabilities]), features)


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


def tables(classifier: str, sets: Sequence[Judged], level: float) -> str:
    """Return the tables of one classifier as markdown.

    Parameters
    ----------
    classifier : str
        Its name.
    sets : sequence of Judged
        The sets; those with abnormal cells get a line in the second table.
    level : float
        Level of the flags.

    Returns
    -------
    str
    """
    lines = [f"## {classifier}, flags at {level:g}", ""]
    lines += _table(
        (
            "set",
            "normal",
            "flagged",
            "accuracy",
            "of unflagged",
            "ECE",
            "of unflagged",
            "drawn smears alerted",
        ),
        [_normal_row(one, level) for one in sets],
    )
    with_abnormal = [one for one in sets if _is(one, ABNORMAL).any()]
    names = [str(c) for c in ABNORMAL]
    lines += ["", "Called a normal kind without a flag (called one at all):", ""]
    lines += _table(
        ("set", *names, "AUC abnormal", "AUC blast", "patients alerted"),
        [_abnormal_row(one, level) for one in with_abnormal],
    )
    return "\n".join([*lines, ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def _is(cells: Judged, classes: Sequence[CellClass]) -> NDArray[np.bool_]:
    return np.array([label in classes for label in cells.labels], np.bool_)


def _normal_row(cells: Judged, level: float) -> list[str]:
    normal = cells.part(cells.kinds >= 0, cells.name)
    flags, right = normal.flagged(level), normal.called == normal.kinds
    kept = normal.part(~flags, cells.name)
    return [
        cells.name,
        str(len(normal.labels)),
        f"{100 * flags.mean():.1f} %",
        f"{right.mean():.4f}",
        f"{right[~flags].mean():.4f}",
        f"{calibration_error(normal.probabilities, normal.labels):.3f}",
        f"{calibration_error(kept.probabilities, kept.labels):.3f}",
        f"{100 * draws_alerted(cells, level):.1f} %",
    ]


def _abnormal_row(cells: Judged, level: float) -> list[str]:
    called, passed = cells.called >= 0, (cells.called >= 0) & ~cells.flagged(level)
    shares = []
    for label in ABNORMAL:
        own = _is(cells, [label])
        shares.append(f"{passed[own].mean():.2f} ({called[own].mean():.2f})" if own.any() else "–")
    areas = []
    for labels in (ABNORMAL, (CellClass.BLAST,)):
        abnormal = _is(cells, labels)
        kept = abnormal | (cells.kinds >= 0)
        areas.append(f"{area_under_curve(cells.scores[kept], abnormal[kept]):.3f}")
    alerted, patients = patients_alerted(cells, level)
    return [cells.name, *shares, *areas, f"{alerted} of {patients}"]


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
