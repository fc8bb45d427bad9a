"""The validation that ships: true classes against answers, for each classifier, with the rules of decision.

Run as ``python -m evaluation.confusion --data DIR --models leukoformula/models``; it writes
``confusion/cnn.json``, ``mlp.json`` and ``ensemble.json`` and their manifest beside the models. It must be
run again whenever a model changes: a validation of other models is not used.

What enters the matrix was never trained on: ``raabin_test_a`` and ``pbc_val`` for the classifier, the false
finds of the detector, and its misses on audited fields. Neutrophils are pooled in the matrix; how band and
segmented ones are told apart stands beside it and comes from ``pbc_val`` alone, as ``raabin_test_a`` does not
split them. ``bccd_read`` and ``jtsc`` are laboratories that no training has seen, ``bcisc`` one that only the
network has; their tables stand in the file to show how far such a laboratory may differ, and do not enter the
matrix. Each set is taken for one smear when the border between eosinophils and neutrophils is set.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from cells.model_files import write_manifest
from cells.vocabulary import CellClass, pooled
from classifiers.base import Classifier
from classifiers.ensemble import EnsembleClassifier
from evaluation.answers import as_one_smear, predict_set
from evaluation.boxes import truth_fields
from evaluation.classifier_sets import labelled_set
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of
from evaluation.detector_runs import run_detector
from features.crops import cut_cell
from leukoformula.decisions import decide
from leukoformula.settings import CLASSIFIERS, Settings
from leukoformula.store import load_classifier, load_detector
from leukoformula.validation import FOLDER, SCHEMA, answer, deciding

CLASSES: tuple[CellClass, ...] = (
    CellClass.NEUTROPHIL,
    CellClass.EOSINOPHIL,
    CellClass.BASOPHIL,
    CellClass.LYMPHOCYTE,
    CellClass.MONOCYTE,
    CellClass.IMMATURE_GRANULOCYTE,
    CellClass.ERYTHROBLAST,
    CellClass.ARTEFACT,
)
"""True classes of the matrix; the answers are these and ``unidentified``."""

SPLIT = (CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED)
"""Children of a pooled class that are told apart in a table of their own."""

SPLIT_EFFECTIVE = 6.0
"""As how many cells each row of the split counts in a correction.

Laboratories draw the line between band and segmented neutrophils differently, and so the rate at which a
segmented one is called a band differs: 0.31 in ``pbc_val``, and below 0.04 in ``raabin_test_a``, where 99 of
2,596 neutrophils were called bands, true bands included. A beta distribution with the mean and the spread of
0.31 and 0.02 has the weight of 2 to 6 cells; with fewer than 6 the interval of the segmented ones fell short
of its 95 % at 100 cells (``benchmarks/correction_coverage.py``).
"""

HELD_OUT = ("raabin_test_a", "pbc_val")
"""Labelled sets that make the matrix."""

UNSEEN = ("bccd_read", "jtsc", "bcisc")
"""Labelled sets of other laboratories, for comparison alone."""

FIELDS = ("txl_val", "deepbionet", "bccd")
"""Audited fields that the detector is tried on."""

_ANSWERS = (*CLASSES, CellClass.UNIDENTIFIED)
_FULL = (*SPLIT, *CLASSES[1:], CellClass.UNIDENTIFIED)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Answers on one set of cells.

    Parameters
    ----------
    name : str
        Name of the set.
    labels : tuple of CellClass
        True class of each cell, as fine as the set gives it.
    answers : tuple of CellClass
        Answer to each.
    """

    name: str
    labels: tuple[CellClass, ...]
    answers: tuple[CellClass, ...]

    def table(self, classes: Sequence[CellClass], answers: Sequence[CellClass]) -> NDArray[np.int64]:
        """Count the answers to each true class.

        Parameters
        ----------
        classes : sequence of CellClass
            True classes, as rows; children count under a pooled class that stands for them, cells of other
            classes are left out.
        answers : sequence of CellClass
            Answers, as columns; likewise.

        Returns
        -------
        ndarray of shape (len(classes), len(answers)), int64
            Cells.
        """
        found = np.zeros((len(classes), len(answers)), np.int64)
        for label, given in zip(self.labels, self.answers, strict=True):
            row, column = pooled(label, classes), pooled(given, answers)
            if row is not None and column is not None:
                found[list(classes).index(row), list(answers).index(column)] += 1
        return found


@dataclass(frozen=True, slots=True, eq=False)
class DetectorTrial:
    """What the detector did on the fields of one set.

    Parameters
    ----------
    name : str
        Name of the set.
    fields, sought, missed : int
        Fields, leukocytes on them and those that were not found.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        The false finds, as the classifiers see them.
    whites : ndarray of shape (N, 3), float64
        White point of each.
    """

    name: str
    fields: int
    sought: int
    missed: int
    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]


def try_detector(name: str, data: Path, models: Path) -> DetectorTrial:
    """Run the detector on the audited fields of a set.

    Parameters
    ----------
    name : str
        One of ``FIELDS``.
    data, models : Path
        Folders of the published images and of the models.

    Returns
    -------
    DetectorTrial
        Misses, and crops of the false finds.
    """
    scanner, _ = load_detector(root=models)
    fields = sought = missed = 0
    crops: list[NDArray[np.uint8]] = []
    whites: list[NDArray[np.float64]] = []
    for field in truth_fields(data, name):
        (outcome,) = run_detector(scanner, [field])
        fields += 1
        missed += len(outcome.missed)
        sought += len(outcome.pairs) + len(outcome.missed)
        for find in outcome.false:
            crops.append(
                cut_cell(
                    field.image, find.row, find.col, erythrocyte_px=field.erythrocyte_px, white=field.white
                )
            )
            whites.append(np.asarray(field.white, np.float64))
    shape = (0, 112, 112, 3)
    return DetectorTrial(
        name,
        fields,
        sought,
        missed,
        np.stack(crops) if crops else np.zeros(shape, np.uint8),
        np.stack(whites) if whites else np.zeros((0, 3)),
    )


def decided(
    probabilities: NDArray[np.float32], classes: Sequence[CellClass], *, abstain_below: float
) -> tuple[CellClass, ...]:
    """Apply the rules of decision of an analysis to probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One row for each cell.
    classes : sequence of CellClass
        Classes of the columns.
    abstain_below : float
        Where the most probable answer is less probable, the cell is unidentified.

    Returns
    -------
    tuple of CellClass
        The answer to each cell, in the classes of a validation.
    """
    return tuple(
        answer(decide(row, classes, abstain_below=abstain_below, in_frame=True).label)
        for row in probabilities
    )


def validation_document(
    settings: Settings, hashes: dict[str, str], sources: Sequence[Source], trials: Sequence[DetectorTrial]
) -> dict[str, object]:
    """Put the validation of one classifier together.

    Parameters
    ----------
    settings : Settings
        Classifier and thresholds.
    hashes : dict of str to str
        The fingerprint of each model by its kind.
    sources : sequence of Source
        Answers on every set; those of ``HELD_OUT`` and the false finds make the matrix.
    trials : sequence of DetectorTrial
        The detector's misses; every true leukocyte class gets all of them, as the fields do not say the
        class, and so a rate of its own in the model of the correction.

    Returns
    -------
    dict
        The document of the schema ``leukoformula.validation/1``.
    """
    used = [source for source in sources if source.name not in UNSEEN]
    counts = np.sum([source.table(CLASSES, _ANSWERS) for source in used], axis=0)
    split = np.sum([source.table(SPLIT, SPLIT) for source in used], axis=0)
    sought, missed = sum(trial.sought for trial in trials), sum(trial.missed for trial in trials)
    tried = [label.in_denominator for label in CLASSES]
    return {
        "schema": SCHEMA,
        "classifier": settings.classifier,
        "models": hashes,
        "settings": deciding(settings),
        "classes": [str(label) for label in CLASSES],
        "answers": [str(label) for label in _ANSWERS],
        "counts": counts.tolist(),
        "missed": [missed if one else 0 for one in tried],
        "sought": [sought if one else 0 for one in tried],
        "split": {
            "classes": [str(label) for label in SPLIT],
            "counts": split.tolist(),
            "effective": SPLIT_EFFECTIVE,
        },
        "source_answers": [str(label) for label in _FULL],
        "sources": [_source(source) for source in sources],
        "detector": [
            {"name": t.name, "fields": t.fields, "leukocytes": t.sought, "missed": t.missed} for t in trials
        ],
    }


def _source(source: Source) -> dict[str, object]:
    truths = [label for label in CellClass if label in source.labels]
    return {
        "name": source.name,
        "in_matrix": source.name not in UNSEEN,
        "cells": len(source.labels),
        "classes": [str(label) for label in truths],
        "counts": source.table(truths, _FULL).tolist(),
    }


def measure(data: Path, models: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Validate every classifier.

    Parameters
    ----------
    data, models : Path
        Folders of the published images and of the models.

    Yields
    ------
    tuple of str and dict
        Name of the classifier and its validation.
    """
    trials = [try_detector(name, data, models) for name in FIELDS]
    cells = {name: labelled_set(name, data) for name in (*HELD_OUT, *UNSEEN)}
    _, detector = load_detector(root=models)
    share = Settings().cnn_share
    answers: dict[str, dict[str, NDArray[np.float32]]] = {}
    for kind in CLASSIFIERS:
        settings = Settings(classifier=kind)
        classifier, infos = load_classifier(kind, root=models, cnn_share=share)
        if isinstance(classifier, EnsembleClassifier):
            found = {
                name: classifier.combined([answers["cnn"][name], answers["mlp"][name]])
                for name in answers["cnn"]
            }
        else:
            found = {name: predict_set(classifier, one.crops, one.whites) for name, one in cells.items()}
            found["false_finds"] = _on_false_finds(classifier, trials)
            answers[kind] = found
        truths = {name: _merged(one.labels) for name, one in cells.items()}
        truths["false_finds"] = (CellClass.ARTEFACT,) * len(found["false_finds"])
        if settings.smear_border:
            found = {name: as_one_smear(classifier, given) for name, given in found.items()}
        sources = [
            Source(name, truths[name], decided(p, classifier.classes, abstain_below=settings.abstain_below))
            for name, p in found.items()
        ]
        hashes = {info.kind: info.sha256 for info in (*detector, *infos)}
        yield kind, validation_document(settings, hashes, sources, trials)


def _merged(labels: Sequence[CellClass]) -> tuple[CellClass, ...]:
    return tuple(answer(label) for label in labels)


def _on_false_finds(classifier: Classifier, trials: Sequence[DetectorTrial]) -> NDArray[np.float32]:
    crops = np.concatenate([trial.crops for trial in trials])
    whites = np.concatenate([trial.whites for trial in trials])
    if not len(crops):
        return np.zeros((0, len(classifier.classes)), np.float32)
    return predict_set(classifier, crops, whites)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the validation of every classifier.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("confusion", main.__doc__)
    add_data(parser)
    add_models(parser)
    parser.add_argument("--out", type=Path, help="folder to write to (default: confusion beside the models)")
    return exit_code_of(_write, parser.parse_args(arguments))


def _write(options: argparse.Namespace) -> None:
    out = options.out or options.models / FOLDER
    documents = dict(measure(options.data, options.models))
    names = [f"{name}.json" for name in documents]
    for name, document in documents.items():
        with atomic_path(out / f"{name}.json") as temporary:
            temporary.write_text(_text(document), encoding="utf-8")
    write_manifest(
        out,
        name=FOLDER,
        kind="confusion",
        version="1",
        files=names,
        details={"matrix_of": list(HELD_OUT), "for_comparison": list(UNSEEN), "fields": list(FIELDS)},
    )
    sys.stdout.write(f"{', '.join(names)} in {out}\n")


def _text(document: dict[str, object]) -> str:
    """Write a document with each row of a table on a line of its own."""
    lines = [f"  {json.dumps(key)}: {_value(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return "[\n" + ",\n".join(f"    {json.dumps(one)}" for one in value) + "\n  ]"
    return json.dumps(value)


if __name__ == "__main__":
    raise SystemExit(main())
