"""Making the model folder of the feature MLP with scikit-learn."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cells.files import atomic_path
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.card import write_card
from classifiers.explanation import USUAL, UsualValues
from classifiers.measured_data import MeasuredData, measure_crops
from classifiers.mlp import NEUTROPHILS, SEGMENTER, WEIGHTS
from classifiers.perceptron import Perceptron, which_neutrophil
from classifiers.perceptron_fitting import LEAST_SCALE, fit_perceptron, is_taken, merge_perceptrons
from classifiers.probabilities import BAND_AND_SEGMENTED, fit_temperature, prior_factors, softmax
from classifiers.training_data import TrainingData, load_training_data
from classifiers.training_hashes import write_training_hashes
from features.vector import NAMES, VERSION

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "opencv-python-headless")
_FEWEST = 30

_Array = NDArray[np.float32]


def train(
    settings: dict[str, Any],
    data: Path,
    out: Path,
    *,
    artefacts: Path | None = None,
    segmenter: bytes | None = None,
    log: Callable[[str], None],
) -> dict[str, float]:
    """Train the feature MLP from data to the model folder that ships.

    Parameters
    ----------
    settings : dict
        The settings file, ``classifiers/settings/mlp.toml`` for the shipped model.
    data : Path
        Folder that holds the data sets by name.
    out : Path
        The model folder; measured features are kept in its ``work`` for another run.
    artefacts : Path or None
        Manifest of the detector's false finds.
    segmenter : bytes or None
        The segmentation network to train with; it is stored beside the weights. None for the classical
        route.
    log : callable
        Takes one line of progress.

    Returns
    -------
    dict of str to float
        Metrics on the crops that were held out of the training splits.

    Raises
    ------
    DataError
        Where the data or the settings have a fault.
    """
    crops = load_training_data(settings, data=data, artefacts=artefacts, log=log)
    rows = measure_crops(crops, settings, work=out / "work", segmenter=segmenter, log=log)
    held_out = crops.held_out[rows.crop]
    shift = laboratory_shift(crops, rows)
    network = settings["network"] | {"leave_out": _left_out(settings["network"], shift, rows)}
    log(f"{sum(is_taken(name, network) for name in NAMES)} of {len(NAMES)} features taken")
    everything = np.ones(len(held_out), np.bool_)
    perceptron = _fitted(crops, rows, settings | {"network": network}, shift, among=everything, log=log)
    mix = {CellClass(name): share for name, share in settings["blood_mix"].items()}
    perceptron = replace(perceptron, factors=prior_factors(mix, float(settings["prior_strength"])))
    split = _neutrophils(crops, rows, settings | {"network": network}, shift, log)
    metrics = _metrics(perceptron, split, rows, crops)
    perceptron.save(out / WEIGHTS)
    _usual_values(crops, rows).save(out / USUAL)
    details = {
        "classes": [str(label) for label in CLASSIFIED],
        "features": list(perceptron.names),
        "features_version": VERSION,
        "crop": "27 µm square at 112 px, segmented and measured",
        "segmentation": "classical" if segmenter is None else "network",
        "temperature": perceptron.temperature,
        "prior_factors": dict(zip(map(str, CLASSIFIED), map(float, perceptron.factors), strict=True)),
        "settings": settings,
        "training": crops.counts,
        "metrics": metrics,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
    hashes = write_training_hashes(out, settings, data=data, artefacts=artefacts)
    write_manifest(
        out,
        name="mlp",
        kind="mlp",
        version=str(settings["version"]),
        files=[WEIGHTS, USUAL, hashes, *_stored_split(split, out), *_stored_segmenter(segmenter, out)],
        details=details,
    )
    second = "" if split is None else " A second one\ntells band from segmented neutrophils."
    method = (
        f"A perceptron of scikit-learn on {len(perceptron.names)} measures of nucleus and cell"
        f" (`docs/features.md`),\nin white-point-corrected optical density.{second} Weights are plain arrays;"
        " numpy runs them."
    )
    write_card(out / "card.md", title="Feature MLP", method=method, details=details)
    log(f"metrics on crops held out: {metrics}")
    return metrics


def _fitted(
    crops: TrainingData,
    rows: MeasuredData,
    settings: dict[str, Any],
    shift: _Array,
    *,
    among: NDArray[np.bool_],
    log: Callable[[str], None],
) -> Perceptron:
    targets, held_out = crops.targets[rows.crop], crops.held_out[rows.crop]
    network, drawn = settings["network"], among & ~held_out
    weights = row_weights(crops, rows, settings, among=among)[drawn]
    with threadpool_limits(limits=1):  # the order of sums, and so the weights, would depend on the cores
        perceptron = merge_perceptrons(
            [
                fit_perceptron(
                    rows.features[drawn],
                    targets[drawn],
                    weights,
                    network,
                    seed=int(settings["seed"]) + 100 * member,
                    noise=float(network["shift_noise"]) * shift,
                    log=log,
                )
                for member in range(int(network["members"]))
            ]
        )
        judged = among & held_out
        logits = perceptron.logits(rows.features[judged])
    return replace(perceptron, temperature=fit_temperature(logits, targets[judged]))


def _neutrophils(
    crops: TrainingData,
    rows: MeasuredData,
    settings: dict[str, Any],
    shift: _Array,
    log: Callable[[str], None],
) -> Perceptron | None:
    if "neutrophils" not in settings:
        return None
    targets = crops.targets[rows.crop]
    among = _split(targets)
    held_out = crops.held_out[rows.crop]
    drawn = {*targets[among & ~held_out].argmax(axis=1).tolist()}
    if not {*BAND_AND_SEGMENTED} <= drawn or not (among & held_out).any():
        log("no source tells band from segmented neutrophils; one perceptron does without")
        return None
    table = settings["network"] | settings["neutrophils"]
    return _fitted(crops, rows, settings | {"network": table}, shift, among=among, log=log)


def _split(targets: _Array) -> NDArray[np.bool_]:
    return np.asarray((targets.sum(axis=1) == 1) & targets[:, BAND_AND_SEGMENTED].any(axis=1))


def _stored_split(split: Perceptron | None, out: Path) -> list[str]:
    if split is None:
        return []
    split.save(out / NEUTROPHILS)
    return [NEUTROPHILS]


def _stored_segmenter(segmenter: bytes | None, out: Path) -> list[str]:
    if segmenter is None:
        return []
    with atomic_path(out / SEGMENTER) as temporary:
        temporary.write_bytes(segmenter)
    return [SEGMENTER]


def _usual_values(data: TrainingData, rows: MeasuredData) -> UsualValues:
    real = rows.plain & ~_drawn(data)[rows.crop] & ~data.held_out[rows.crop]
    return UsualValues.of(rows.features[real], data.targets[rows.crop[real]])


def _drawn(data: TrainingData) -> NDArray[np.bool_]:
    return np.array([key.startswith("synthetic/") for key in data.counts])[data.groups]


def laboratory_shift(data: TrainingData, rows: MeasuredData) -> _Array:
    """Return how far the features of one class lie apart between the sources of real cells.

    Parameters
    ----------
    data : TrainingData
        The crops.
    rows : MeasuredData
        Their rows; those measured on crops as they are, and not held out, count.

    Returns
    -------
    ndarray of shape (len(NAMES),), float32
        For each feature the root mean square, over classes and pairs of sources that share one, of the
        difference of the medians, in the feature's own unit; 0 where no two sources share a class.
        Band and segmented neutrophils count as neutrophils.
    """
    plain = rows.plain & ~data.held_out[rows.crop]
    names = list(data.counts)
    medians: dict[str, list[_Array]] = {}
    for label in sorted({_kind(name) for name in names}):
        for source in sorted({name.partition("/")[0] for name in names} - {"synthetic", "artefacts"}):
            group = [k for k, n in enumerate(names) if n.partition("/")[0] == source and _kind(n) == label]
            chosen = plain & np.isin(data.groups[rows.crop], group)
            if np.count_nonzero(chosen) >= _FEWEST:
                medians.setdefault(label, []).append(np.median(rows.features[chosen], axis=0))
    apart = [a - b for found in medians.values() for a, b in combinations(found, 2)]
    if not apart:
        return np.zeros(rows.features.shape[1], np.float32)
    return np.asarray(np.sqrt(np.mean(np.square(apart), axis=0)), np.float32)


def _kind(name: str) -> str:
    label = CellClass(name.partition("/")[2])
    return str(label.parent if label.parent is CellClass.NEUTROPHIL else label)


def _left_out(settings: dict[str, Any], shift: _Array, rows: MeasuredData) -> list[str]:
    spread = np.maximum(rows.features[rows.plain].std(axis=0), LEAST_SCALE)
    limit = float(settings["shift_limit"])
    return [*settings["leave_out"], *(n for n, s in zip(NAMES, shift / spread, strict=True) if s > limit)]


def row_weights(
    data: TrainingData,
    rows: MeasuredData,
    settings: dict[str, Any],
    *,
    among: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return the weight of each row; rows were drawn by their crop's weight, so those of a kind weigh alike.

    Parameters
    ----------
    data : TrainingData
        The crops.
    rows : MeasuredData
        Their rows.
    settings : dict
        The settings file; ``network.plain_share`` is the share of the plain rows in the sum.
    among : ndarray of shape (R,), bool, optional
        The rows that are trained on unless their crop is held out; all by default.

    Returns
    -------
    ndarray of shape (R,), float64
        Mean 1 over the rows that are trained on; 0 for the others.
    """
    share = float(settings["network"]["plain_share"])
    kept = ~data.held_out[rows.crop]
    if among is not None:
        kept &= among
    weights = np.zeros(len(kept))
    for kind, part in ((rows.plain, share), (~rows.plain, 1 - share)):
        weights[kept & kind] = part / max(int((kept & kind).sum()), 1)
    return np.asarray(weights / weights.sum() * int(kept.sum()))


def _metrics(
    perceptron: Perceptron, split: Perceptron | None, rows: MeasuredData, data: TrainingData
) -> dict[str, float]:
    held_out = data.held_out[rows.crop]
    features, plain = rows.features[held_out], rows.plain[held_out]
    targets = data.targets[rows.crop[held_out]]
    given = softmax(perceptron.logits(features), perceptron.temperature)
    if split is not None:
        given = which_neutrophil(given, split, split.standardise(features))
    right = targets[np.arange(len(given)), given.argmax(axis=1)]
    allowed = (given * targets).sum(axis=1)
    metrics = {
        "held_out_crops": float(plain.sum()),
        "held_out_accuracy": float(right[plain].mean()),
        "held_out_restained_accuracy": float(right[~plain].mean()),
        "held_out_log_loss": float(-np.log(np.maximum(allowed[plain], 1e-12)).mean()),
    }
    neutrophils = _split(targets) & ~_drawn(data)[rows.crop[held_out]] & plain
    if neutrophils.any():
        called = given[neutrophils][:, BAND_AND_SEGMENTED].argmax(axis=1)
        labelled = targets[neutrophils][:, BAND_AND_SEGMENTED].argmax(axis=1)
        metrics["held_out_band_or_segmented"] = float((called == labelled).mean())
    return metrics
