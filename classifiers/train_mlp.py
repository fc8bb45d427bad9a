"""Making the model folder of the feature MLP with scikit-learn."""

import importlib.metadata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from cells.errors import DataError
from cells.files import atomic_path
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.card import write_card
from classifiers.explanation import USUAL, UsualValues
from classifiers.measured_data import MeasuredData, measure_crops
from classifiers.mlp import SEGMENTER, WEIGHTS, Perceptron
from classifiers.probabilities import fit_temperature, prior_factors, softmax
from classifiers.training_data import TrainingData, load_training_data
from classifiers.training_hashes import write_training_hashes
from features.vector import NAMES, VERSION

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "opencv-python-headless")
_NEVER = np.float32(-30.0)
_LEAST_SCALE = 1e-3
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
    targets = crops.targets[rows.crop]
    held_out = crops.held_out[rows.crop]
    shift = laboratory_shift(crops, rows)
    network = settings["network"] | {"leave_out": _left_out(settings["network"], shift, rows)}
    log(f"{sum(_taken(name, network) for name in NAMES)} of {len(NAMES)} features taken")
    perceptron, logits = _fitted(crops, rows, settings | {"network": network}, shift, log)
    mix = {CellClass(name): share for name, share in settings["blood_mix"].items()}
    perceptron = replace(
        perceptron,
        temperature=fit_temperature(logits, targets[held_out]),
        factors=prior_factors(mix, float(settings["prior_strength"])),
    )
    metrics = _metrics(perceptron, logits, targets[held_out], rows.plain[held_out])
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
        files=[WEIGHTS, USUAL, hashes, *_stored_segmenter(segmenter, out)],
        details=details,
    )
    method = (
        f"A perceptron of scikit-learn on {len(perceptron.names)} measures of nucleus and cell"
        " (`docs/features.md`),\nin white-point-corrected optical density. Weights are plain arrays;"
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
    log: Callable[[str], None],
) -> tuple[Perceptron, NDArray[np.float32]]:
    targets, held_out = crops.targets[rows.crop], crops.held_out[rows.crop]
    weights, network = row_weights(crops, rows, settings), settings["network"]
    with threadpool_limits(limits=1):  # the order of sums, and so the weights, would depend on the cores
        perceptron = merge_perceptrons(
            [
                fit_perceptron(
                    rows.features[~held_out],
                    targets[~held_out],
                    weights[~held_out],
                    network,
                    seed=int(settings["seed"]) + 100 * member,
                    noise=float(network["shift_noise"]) * shift,
                    log=log,
                )
                for member in range(int(network["members"]))
            ]
        )
        return perceptron, perceptron.logits(rows.features[held_out])


def _stored_segmenter(segmenter: bytes | None, out: Path) -> list[str]:
    if segmenter is None:
        return []
    with atomic_path(out / SEGMENTER) as temporary:
        temporary.write_bytes(segmenter)
    return [SEGMENTER]


def _usual_values(data: TrainingData, rows: MeasuredData) -> UsualValues:
    drawn = np.array([key.startswith("synthetic/") for key in data.counts])[data.groups]
    real = rows.plain & ~drawn[rows.crop] & ~data.held_out[rows.crop]
    return UsualValues.of(rows.features[real], data.targets[rows.crop[real]])


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
    spread = np.maximum(rows.features[rows.plain].std(axis=0), _LEAST_SCALE)
    limit = float(settings["shift_limit"])
    return [*settings["leave_out"], *(n for n, s in zip(NAMES, shift / spread, strict=True) if s > limit)]


def _taken(name: str, settings: dict[str, Any]) -> bool:
    return not any(fnmatchcase(name, pattern) for pattern in settings["leave_out"])


def merge_perceptrons(members: Sequence[Perceptron]) -> Perceptron:
    """Return the perceptron whose logits are the mean of those of several.

    Parameters
    ----------
    members : sequence of Perceptron
        At least one; all of one form, with the same features, means and scales.

    Returns
    -------
    Perceptron
        Its hidden layers hold those of all members side by side.
    """
    first = [np.concatenate([m.weights[0] for m in members], axis=1)] if len(members[0].weights) > 1 else []
    middle = [
        np.asarray(block_diag(*(m.weights[k] for m in members)), np.float32)
        for k in range(1, len(members[0].weights) - 1)
    ]
    stack = np.concatenate if first else np.sum
    last = np.asarray(stack([m.weights[-1] / np.float32(len(members)) for m in members], axis=0), np.float32)
    hidden = [np.concatenate([m.biases[k] for m in members]) for k in range(len(members[0].biases) - 1)]
    bias = np.mean([m.biases[-1] for m in members], axis=0).astype(np.float32)
    return replace(members[0], weights=(*first, *middle, last), biases=(*hidden, bias))


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
    noise: _Array | None = None,
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
    noise : ndarray of shape (F,), float32, or None
        Standard deviation of the normal noise that is added to each feature in ``noise_copies`` copies of
        the rows, in the feature's own unit: what another laboratory may shift it by.
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
    names = tuple(n for n in NAMES if _taken(n, settings))
    if not names:
        raise DataError("network.leave_out leaves no feature; take a pattern out of it")
    taken = features[:, [NAMES.index(name) for name in names]]
    mean = np.average(taken, axis=0, weights=weights).astype(np.float32)
    spread = np.sqrt(np.average((taken - mean) ** 2, axis=0, weights=weights))
    scale = np.maximum(spread, _LEAST_SCALE).astype(np.float32)
    even = np.ones(len(CLASSIFIED), np.float32)
    perceptron = Perceptron(names, mean, scale, float(settings["limit"]), (), (), 1.0, even)
    inputs = _noisy(perceptron, features, noise, int(settings["noise_copies"]), seed)
    shares = targets * single[:, None]
    for number in range(int(settings["rounds"])):
        if number:
            answers = softmax(perceptron.logits(features)) * targets
            shares = answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-12)
            shares = np.where(single[:, None], targets, shares).astype(np.float32)
        row, label = np.nonzero(shares > 0.02)
        copies = [inputs[k : k + len(features)][row] for k in range(0, len(inputs), len(features))]
        network = _fit(
            np.concatenate(copies),
            np.tile(label, len(copies)),
            np.tile(weights[row] * shares[row, label], len(copies)),
            settings,
            seed + number,
        )
        log(f"fit {number + 1}: {len(row)} rows, {network.n_iter_} epochs, loss {network.loss_:.4f}")
        weighing, biases = _arrays(network)
        perceptron = replace(perceptron, weights=weighing, biases=biases)
    return perceptron


def _noisy(perceptron: Perceptron, features: _Array, noise: _Array | None, copies: int, seed: int) -> _Array:
    if noise is None or not noise.any():
        return perceptron.standardise(features)
    rng = np.random.default_rng([seed, 5])
    drawn = (features + noise * rng.standard_normal(features.shape, dtype=np.float32) for _ in range(copies))
    return np.concatenate([perceptron.standardise(moved) for moved in drawn])


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
