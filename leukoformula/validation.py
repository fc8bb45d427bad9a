"""The validation that ships with the models: how often detector and classifier err, and whom it belongs to.

It lies beside the models, in the folder ``confusion``: one JSON file for each classifier and a manifest with
their hashes. Each file names the models and the settings that it was measured with, and is used with those
alone; `evaluation.confusion` writes it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cells.errors import DataError, ModelError
from cells.model_files import MANIFEST, ModelInfo, open_model
from cells.records import Cell
from cells.vocabulary import CellClass
from counting.correction import ConfusionMatrix, correct
from counting.records import Correction
from leukoformula.decisions import NOT_A_LEUKOCYTE, NOT_LEUKOCYTES
from leukoformula.settings import Settings
from leukoformula.store import ABSTENTION, SHIPPED

SCHEMA = "leukoformula.validation/1"
"""Format of the stored validation."""

FOLDER = "confusion"
"""Folder of the validation, beside those of the models."""

DECIDING = ("detection_threshold", "abstain_below", "smear_border", "cnn_share")
"""The settings that answers depend on; a validation holds for the same ones only.

So does ``abstain_outliers``, where it is above 0; the validation that ships is without it.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Validated answers of one classifier.

    Parameters
    ----------
    classifier : str
        Its name.
    models : dict of str to str
        The fingerprint of each model that took part, by its kind.
    settings : dict of str to object
        The settings that answers depend on, as they were.
    matrix : ConfusionMatrix
        True classes and answers, and what the detector missed; neutrophils are pooled.
    split : ConfusionMatrix
        Band and segmented neutrophils among those that were answered with one of the two.
    """

    classifier: str
    models: dict[str, str]
    settings: dict[str, object]
    matrix: ConfusionMatrix
    split: ConfusionMatrix


def load_validation(classifier: str, *, root: Path | None = None) -> Validation | None:
    """Load the validation of a classifier.

    Parameters
    ----------
    classifier : str
        ``"cnn"``, ``"mlp"`` or ``"ensemble"``.
    root : Path, optional
        The folder of models; that of the shipped models where it is None.

    Returns
    -------
    Validation or None
        The validation, or None where the folder holds none for this classifier.

    Raises
    ------
    ModelError
        Where a file is altered or not of a known format.
    """
    folder = (root or SHIPPED) / FOLDER
    if not (folder / MANIFEST).is_file():
        return None
    content = open_model(folder, kind="confusion").contents.get(f"{classifier}.json")
    if content is None:
        return None
    try:
        return _validation(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, DataError) as error:
        raise ModelError(
            f"validation {folder / classifier}.json is faulty ({error}); write it anew with "
            "`python -m evaluation.confusion`"
        ) from error


def correction_of(
    cells: Sequence[Cell],
    *,
    settings: Settings,
    models: Sequence[ModelInfo],
    strange: bool = False,
    seed: int = 0,
) -> Correction:
    """Correct the classifier's answers on a smear for its validated errors.

    Parameters
    ----------
    cells : sequence of Cell
        Every find of the smear, as the classifier left it.
    settings : Settings
        The settings that the answers were made with.
    models : sequence of ModelInfo
        The models that the answers were made with.
    strange : bool, optional
        Whether the smear raised the alert that its cells are unlike the known ones: the validated error rates
        are not those of such a smear.
    seed : int, optional
        Seed of the draws.

    Returns
    -------
    Correction
        Corrected shares, or the reason why there are none: no validation, or that of other models or
        settings, a smear unlike the known ones, or what ``counting.correction.correct`` finds amiss.

    Raises
    ------
    ModelError
        Where the stored validation is altered.
    """
    validation = load_validation(settings.classifier, root=settings.models)
    if validation is None:
        return Correction(uncorrected="no_validation")
    if reason := misfit(validation, settings=settings, models=models):
        return Correction(uncorrected=reason)
    if strange:
        return Correction(uncorrected="strange_smear")
    return correct(answers_of(cells), validation.matrix, np.random.default_rng(seed), split=validation.split)


def misfit(validation: Validation, *, settings: Settings, models: Sequence[ModelInfo]) -> str:
    """Return why a validation cannot be used.

    Parameters
    ----------
    validation : Validation
        The validation.
    settings : Settings
        Settings of the analysis.
    models : sequence of ModelInfo
        Models of the analysis.

    Returns
    -------
    str
        A code of ``counting.notes``; empty where the validation is that of these models and settings.
    """
    deciding_models = {model.kind: model.sha256 for model in models if model.kind != ABSTENTION}
    if validation.models != deciding_models:
        return "validation_of_other_models"
    return "validation_of_other_settings" if validation.settings != deciding(settings) else ""


def deciding(settings: Settings) -> dict[str, object]:
    """Return the settings that answers depend on.

    Parameters
    ----------
    settings : Settings
        The settings of an analysis.

    Returns
    -------
    dict of str to object
        Threshold of the detector and of abstention, whether the smear moves the border between eosinophils
        and neutrophils, for the ensemble the weight of the network, and the
        level below which outliers are left unidentified where there is one.
    """
    names = DECIDING if settings.classifier == "ensemble" else DECIDING[:-1]
    if settings.abstain_outliers > 0:
        names = (*names, "abstain_outliers")
    return {name: getattr(settings, name) for name in names}


def answers_of(cells: Sequence[Cell]) -> Counter[CellClass]:
    """Count the answers on a smear in the classes of a validation.

    Parameters
    ----------
    cells : sequence of Cell
        Every find.

    Returns
    -------
    Counter of CellClass
        Cells in the counting frame by label; what is held for no leukocyte counts as ``artefact``.
    """
    return Counter(
        answer(cell.label)
        for cell in cells
        if cell.counted or (cell.reason == NOT_A_LEUKOCYTE and cell.detection.counted)
    )


def answer(label: CellClass) -> CellClass:
    """Return the class of a validation that a label falls into.

    Parameters
    ----------
    label : CellClass
        A label.

    Returns
    -------
    CellClass
        ``artefact`` for what is no nucleated cell, else the label.
    """
    return CellClass.ARTEFACT if label in NOT_LEUKOCYTES else label


def _validation(document: Mapping[str, Any]) -> Validation:
    if document["schema"] != SCHEMA:
        raise DataError(f"it is not of the format {SCHEMA}")
    split = document["split"]
    pair = _classes(split["classes"])
    none = np.zeros(len(pair), np.int64)
    return Validation(
        classifier=str(document["classifier"]),
        models=dict(document["models"]),
        settings=dict(document["settings"]),
        matrix=ConfusionMatrix(
            _classes(document["classes"]),
            _classes(document["answers"]),
            counts=np.array(document["counts"], np.int64),
            missed=np.array(document["missed"], np.int64),
            sought=np.array(document["sought"], np.int64),
        ),
        split=ConfusionMatrix(
            pair, pair, np.array(split["counts"], np.int64), none, none, split["effective"]
        ),
    )


def _classes(names: Sequence[str]) -> tuple[CellClass, ...]:
    return tuple(CellClass(name) for name in names)
