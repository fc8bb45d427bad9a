"""Fitting a perceptron with scikit-learn to labels of which some are pooled."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from cells.errors import DataError
from cells.vocabulary import CLASSIFIED
from classifiers.perceptron import Perceptron
from classifiers.probabilities import softmax
from features.vector import NAMES

LEAST_SCALE = 1e-3
"""What a feature is divided by at least when it is standardised."""

_NEVER = np.float32(-30.0)
_Array = NDArray[np.float32]


def is_taken(name: str, settings: dict[str, Any]) -> bool:
    """Return whether a perceptron takes a feature: it matches no pattern of ``leave_out`` in its settings."""
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
    names = tuple(n for n in NAMES if is_taken(n, settings))
    if not names:
        raise DataError("network.leave_out leaves no feature; take a pattern out of it")
    taken = features[:, [NAMES.index(name) for name in names]]
    mean = np.average(taken, axis=0, weights=weights).astype(np.float32)
    spread = np.sqrt(np.average((taken - mean) ** 2, axis=0, weights=weights))
    scale = np.maximum(spread, LEAST_SCALE).astype(np.float32)
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
    classes = network.classes_
    if len(classes) == 2:  # scikit-learn gives two classes one logit: the second against the first
        bias[classes[0]] = 0.0
        classes = classes[1:]
    last[:, classes], bias[classes] = weights[-1], biases[-1]
    return (*weights[:-1], last), (*biases[:-1], bias)
