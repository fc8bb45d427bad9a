"""The shipped validation: whole, of the shipped models, and used with those alone."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cells.errors import ModelError
from cells.model_files import ModelInfo
from cells.records import Cell, Detection
from cells.units import Pixels
from cells.vocabulary import CellClass
from counting.notes import NOTES
from evaluation.confusion import CLASSES, SPLIT, DetectorTrial, Source, decided, validation_document
from leukoformula.settings import CLASSIFIERS, Settings
from leukoformula.store import SHIPPED, model_info
from leukoformula.validation import answers_of, correction_of, load_validation

C = CellClass
KINDS = ("detector", "cnn", "mlp")


MODELS = tuple(ModelInfo(kind, kind, "1", digit * 64) for kind, digit in zip(KINDS, "abc", strict=True))


def some_cells() -> list[Cell]:
    """Two hundred cells as a healthy adult has them, left by the classifier."""
    numbers = {C.NEUTROPHIL_SEGMENTED: 90, C.NEUTROPHIL_BAND: 30, C.LYMPHOCYTE: 56, C.MONOCYTE: 12}
    numbers |= {C.EOSINOPHIL: 7, C.BASOPHIL: 1, C.UNIDENTIFIED: 2, C.PLATELET: 2}
    labels = [label for label, n in numbers.items() for _ in range(n)]
    return [
        Cell(
            number,
            "a.png",
            Detection(10.0, 10.0, Pixels(60.0), 1.0),
            label,
            0.9,
            counted=label is not C.PLATELET,
            reason="not_a_leukocyte" if label is C.PLATELET else "",
        )
        for number, label in enumerate(labels, start=1)
    ]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_shipped_validation_is_that_of_the_shipped_models(name: str) -> None:
    validation = load_validation(name)
    assert validation is not None
    kinds = KINDS if name == "ensemble" else ("detector", name)
    wanted = {kind: model_info(kind).sha256 for kind in kinds}
    assert validation.models == wanted, "run: python -m evaluation.confusion"
    assert validation.matrix.counts.sum(axis=1).min() >= 20
    diagonal = [int(validation.matrix.counts[k, k]) for k in range(len(CLASSES))]
    assert sum(diagonal) > 0.9 * validation.matrix.counts.sum()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The validation alone, made to belong to other models."""
    folder = tmp_path / "models" / "confusion"
    shutil.copytree(SHIPPED / "confusion", folder)
    path = folder / "ensemble.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["models"] = {info.kind: info.sha256 for info in MODELS}
    path.write_text(json.dumps(document), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["ensemble.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path / "models"


def test_a_smear_is_corrected(root: Path) -> None:
    cells = some_cells()
    correction = correction_of(cells, settings=Settings(models=root), models=MODELS)
    assert (correction.uncorrected, correction.unsplit) == ("", "")
    shares = {share.label: share for share in correction.shares}
    assert shares[C.NEUTROPHIL].low < 100 * 120 / 196 < shares[C.NEUTROPHIL].high
    assert {C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED} <= set(shares)
    children = shares[C.NEUTROPHIL_BAND].percent + shares[C.NEUTROPHIL_SEGMENTED].percent
    assert children == pytest.approx(shares[C.NEUTROPHIL].percent)
    assert correction_of(cells, settings=Settings(models=root), models=MODELS) == correction


def test_other_models_and_settings_are_not_corrected(root: Path, tmp_path: Path) -> None:
    cells, settings = some_cells(), Settings(models=root)
    other = (*MODELS[:2], replace(MODELS[2], sha256="0" * 64))
    cases = {
        "strange_smear": correction_of(cells, settings=settings, models=MODELS, strange=True),
        "validation_of_other_models": correction_of(cells, settings=settings, models=other),
        "validation_of_other_settings": correction_of(
            cells, settings=replace(settings, abstain_below=0.7), models=MODELS
        ),
        "no_validation": correction_of(cells, settings=replace(settings, models=tmp_path), models=MODELS),
    }
    for reason, correction in cases.items():
        assert (correction.uncorrected, correction.shares) == (reason, ())
        assert {"en", "ru"} <= set(NOTES[reason])


def test_a_changed_temperature_is_another_model(tmp_path: Path) -> None:
    """What the manifest says decides answers as the weights do; a correction measured before it is void."""
    models = tmp_path / "models"
    shutil.copytree(SHIPPED, models)
    path = models / "cnn" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    settings = Settings(models=models, classifier="cnn")

    def reason() -> str:
        infos = [model_info(name, root=models) for name in ("detector", "cnn")]
        return correction_of(some_cells(), settings=settings, models=infos).uncorrected

    assert reason() != "validation_of_other_models"
    manifest["stain_strength"]["least"] = 1.0
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert reason() == "validation_of_other_models"


def test_an_altered_validation_is_refused(root: Path) -> None:
    path = root / "confusion" / "ensemble.json"
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(ModelError, match="altered"):
        load_validation("ensemble", root=root)


def test_answers_hold_what_lies_outside_the_formula() -> None:
    answers = answers_of(some_cells())
    assert (answers[C.ARTEFACT], answers[C.UNIDENTIFIED], answers[C.PLATELET]) == (2, 2, 0)


def test_the_rules_of_decision_are_those_of_an_analysis() -> None:
    classes = (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED, C.LYMPHOCYTE, C.PLATELET)
    rows = np.array([[0.3, 0.3, 0.4, 0], [0.1, 0.1, 0.45, 0.35], [0.1, 0.1, 0.1, 0.7]], np.float32)
    assert decided(rows, classes, abstain_below=0.5) == (C.NEUTROPHIL_BAND, C.UNIDENTIFIED, C.ARTEFACT)


def test_the_matrix_is_made_of_held_out_sets_alone() -> None:
    labels = (C.NEUTROPHIL, C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED, C.LYMPHOCYTE)
    answers = (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED, C.NEUTROPHIL_SEGMENTED, C.UNIDENTIFIED)
    empty = np.zeros((0, 112, 112, 3), np.uint8)
    document = validation_document(
        Settings(),
        {"cnn": "0"},
        [Source("pbc_val", labels, answers), Source("bccd_read", labels, answers)],
        [DetectorTrial("txl_val", 5, 40, 3, empty, np.zeros((0, 3)))],
    )
    counts = np.array(document["counts"])
    assert counts.sum() == 4
    assert counts[CLASSES.index(C.NEUTROPHIL), 0] == 3
    assert document["split"]["classes"] == [str(label) for label in SPLIT]
    assert document["split"]["counts"] == [[0, 1], [0, 1]]
    assert document["missed"] == [3] * 6 + [0, 0]
    assert [source["in_matrix"] for source in document["sources"]] == [True, False]
