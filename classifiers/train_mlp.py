"""Making the model folder of the feature MLP with scikit-learn."""

import importlib.metadata
import warnings
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from cells.errors import DataError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.card import write_card
from classifiers.measured_data import MeasuredData, measure_crops
from classifiers.mlp import WEIGHTS, Perceptron
from classifiers.probabilities import fit_temperature, prior_factors, softmax
from classifiers.training_data import TrainingData, load_training_data
from features.vector import NAMES, VERSION

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "opencv-python-headless")
_NEVER = np.float32(-30.0)
_LEAST_SCALE = 1e-3

_Array = NDArray[np.float32]


def train(
    settings: dict[str, Any],
    data: Path,
    out: Path,
    *,
    artefacts: Path | None = None,
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
    rows = measure_crops(crops, settings, work=out / "work", log=log)
    targets = crops.targets[rows.crop]
    held_out = crops.held_out[rows.crop]
    with threadpool_limits(limits=1):  # the order of sums, and so the weights, would depend on the cores
        perceptron = fit_perceptron(
            rows.features[~held_out],
            targets[~held_out],
            row_weights(crops, rows, settings)[~held_out],
            settings["network"],
            seed=int(settings["seed"]),
            log=log,
        )
        logits = perceptron.logits(rows.features[held_out])
    mix = {CellClass(name): share for name, share in settings["blood_mix"].items()}
    perceptron = replace(
        perceptron,
        temperature=fit_temperature(logits, targets[held_out]),
        factors=prior_factors(mix, float(settings["prior_strength"])),
    )
    metrics = _metrics(perceptron, logits, targets[held_out], rows.plain[held_out])
    perceptron.save(out / WEIGHTS)
    details = {
        "classes": [str(label) for label in CLASSIFIED],
        "features": list(perceptron.names),
        "features_version": VERSION,
        "crop": "27 µm square at 112 px, segmented and measured",
        "temperature": perceptron.temperature,
        "prior_factors": dict(zip(map(str, CLASSIFIED), map(float, perceptron.factors), strict=True)),
        "settings": settings,
        "training": crops.counts,
        "metrics": metrics,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
    write_manifest(
        out, name="mlp", kind="mlp", version=str(settings["version"]), files=[WEIGHTS], details=details
    )
    method = (
        f"A perceptron of scikit-learn on {len(perceptron.names)} measures of nucleus and cell"
        " (`docs/features.md`),\nin white-point-corrected optical density. Weights are plain arrays;"
        " numpy runs them."
    )
    write_card(out / "card.md", title="Feature MLP", method=method, details=details)
    log(f"metrics on crops held out: {metrics}")
    return metrics


def row_weights(data: TrainingData, rows: MeasuredData, settings: dict[str, Any]) -> NDArray[np.float64]:
    """Return the weight of each row; rows were drawn by their crop's weight, so those of a kind weigh alike.

    Parameters
    ----------
    data : TrainingData
        The crops.
    rows : MeasuredData
        Their rows.
    settings : dict
        The settings file; ``network.plain_share`` is the share of the plain rows in the sum.

    Returns
    -------
    ndarray of shape (R,), float64
        Mean 1 over the rows that are trained on; 0 for crops held out.
    """
    share = float(settings["network"]["plain_share"])
    kept = ~data.held_out[rows.crop]
    weights = np.zeros(len(kept))
    for kind, part in ((rows.plain, share), (~rows.plain, 1 - share)):
        weights[kept & kind] = part / max(int((kept & kind).sum()), 1)
    return np.asarray(weights / weights.sum() * int(kept.sum()))


def fit_perceptron(
    features: _Array,
    targets: _Array,
    weights: NDArray[np.float64],
    settings: dict[str, Any],
    *,
    seed: int,
    log: Callable[[str], None],
) -> Perceptron:
    """Fit a scikit-learn perceptron to labels of which some are pooled.

    A row whose label allows several answers stands in the fit once for each of them, with the shares that the
    answers have. The first fit leaves such rows out; each further fit takes the shares from the one
    before (expectation maximisation). No split is taken from anywhere else.

    Parameters
    ----------
    features : ndarray of shape (R, F), float32
        Feature vectors.
    targets : ndarray of shape (R, K), float32
        1 for each answer that the label allows.
    weights : ndarray of shape (R,), float64
        Weight of each row.
    settings : dict
        The table ``network`` of the settings file; features whose name matches a pattern of ``leave_out``
        are not taken.
    seed : int
        Seed of the fit.
    log : callable
        Takes one line of progress.

    Returns
    -------
    Perceptron
        With temperature 1 and factors 1; classes without a training row have a logit of -30.

    Raises
    ------
    DataError
        Where no row has a label of one answer, or no feature is left.
    """
    single = targets.sum(axis=1) == 1
    if not single.any():
        raise DataError("no training image has a label that is not pooled; add a source that splits them")
    names = tuple(n for n in NAMES if not any(fnmatchcase(n, pattern) for pattern in settings["leave_out"]))
    if not names:
        raise DataError("network.leave_out leaves no feature; take a pattern out of it")
    taken = features[:, [NAMES.index(name) for name in names]]
    mean = np.average(taken, axis=0, weights=weights).astype(np.float32)
    spread = np.sqrt(np.average((taken - mean) ** 2, axis=0, weights=weights))
    scale = np.maximum(spread, _LEAST_SCALE).astype(np.float32)
    even = np.ones(len(CLASSIFIED), np.float32)
    perceptron = Perceptron(names, mean, scale, float(settings["limit"]), (), (), 1.0, even)
    inputs = perceptron.standardise(features)
    shares = targets * single[:, None]
    for number in range(int(settings["rounds"])):
        if number:
            answers = softmax(perceptron.logits(features)) * targets
            shares = answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-12)
            shares = np.where(single[:, None], targets, shares).astype(np.float32)
        row, label = np.nonzero(shares > 0.02)
        network = _fit(inputs[row], label, weights[row] * shares[row, label], settings, seed + number)
        log(f"fit {number + 1}: {len(row)} rows, {network.n_iter_} epochs, loss {network.loss_:.4f}")
        weighing, biases = _arrays(network)
        perceptron = replace(perceptron, weights=weighing, biases=biases)
    return perceptron


def _fit(
    inputs: _Array,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    settings: dict[str, Any],
    seed: int,
) -> MLPClassifier:
    network = MLPClassifier(
        hidden_layer_sizes=tuple(settings["hidden"]),
        alpha=float(settings["alpha"]),
        learning_rate_init=float(settings["learning_rate"]),
        batch_size=int(settings["batch"]),
        max_iter=int(settings["epochs"]),
        n_iter_no_change=int(settings["epochs"]),
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(inputs, labels, sample_weight=weights)
    return network


def _arrays(network: MLPClassifier) -> tuple[tuple[_Array, ...], tuple[_Array, ...]]:
    weights = [w.astype(np.float32) for w in network.coefs_]
    biases = [b.astype(np.float32) for b in network.intercepts_]
    last = np.zeros((len(weights[-1]), len(CLASSIFIED)), np.float32)
    bias = np.full(len(CLASSIFIED), _NEVER)
    last[:, network.classes_], bias[network.classes_] = weights[-1], biases[-1]
    return (*weights[:-1], last), (*biases[:-1], bias)


def _metrics(
    perceptron: Perceptron, logits: _Array, targets: _Array, plain: NDArray[np.bool_]
) -> dict[str, float]:
    right = targets[np.arange(len(logits)), logits.argmax(axis=1)]
    allowed = (softmax(logits, perceptron.temperature) * targets).sum(axis=1)
    return {
        "held_out_crops": float(plain.sum()),
        "held_out_accuracy": float(right[plain].mean()),
        "held_out_restained_accuracy": float(right[~plain].mean()),
        "held_out_log_loss": float(-np.log(np.maximum(allowed[plain], 1e-12)).mean()),
    }
