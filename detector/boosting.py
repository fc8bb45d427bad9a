"""Boosting of trees on windows by scikit-learn, and the fitted trees as plain arrays."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from detector.cascade import GATE_TOTAL, Cascade, Gate, Trees, gate_scores, partial_scores
from detector.measure import RINGS
from detector.scan import FEATURES
from detector.training_settings import TrainingSettings

Windows = NDArray[np.int16]
"""Feature values of windows, shape (N, FEATURES)."""

_CHUNK = 2000


def tree_arrays(model: AdaBoostClassifier) -> tuple[Trees, NDArray[np.float64]]:
    """Turn scikit-learn's fitted ensemble into arrays.

    Parameters
    ----------
    model : AdaBoostClassifier
        Fitted on integer features with classes 0 and 1, trees of depth two at most.

    Returns
    -------
    trees : Trees
        The T trees.
    weight : ndarray of shape (T,), float64
        Their weights.
    """
    count = len(model.estimators_)
    feature, cut = np.zeros((count, 3), np.int32), np.full((count, 3), np.iinfo(np.int16).max, np.int16)
    vote = np.zeros((count, 4), np.int8)
    for number, estimator in enumerate(model.estimators_):
        tree = estimator.tree_
        verdict = np.where(tree.value[:, 0, :].argmax(axis=1) == 1, 1, -1)
        children = [(tree.children_left[0], 1), (tree.children_right[0], 2)] if tree.feature[0] >= 0 else []
        vote[number] = verdict[0]
        for node, slot in [(0, 0), *children]:
            if slot:
                vote[number, 2 * slot - 2 : 2 * slot] = verdict[node]
            if tree.feature[node] < 0:
                continue
            feature[number, slot] = tree.feature[node]
            cut[number, slot] = int(np.floor(tree.threshold[node]))
            if slot:
                vote[number, 2 * slot - 2] = verdict[tree.children_left[node]]
                vote[number, 2 * slot - 1] = verdict[tree.children_right[node]]
    return Trees(feature, cut, vote), np.asarray(model.estimator_weights_[:count], np.float64)


def open_gate() -> Gate:
    """Return a gate that every window passes."""
    trees = Trees(np.zeros((1, 3), np.int32), np.zeros((1, 3), np.int16), np.ones((1, 4), np.int8))
    return Gate(trees, np.array([GATE_TOTAL], np.uint8), 0)


def ensemble_arrays(model: AdaBoostClassifier, *, gate: Gate | None = None) -> Cascade:
    """Turn scikit-learn's fitted ensemble into a cascade with threshold 0.

    Parameters
    ----------
    model : AdaBoostClassifier
        See `tree_arrays`.
    gate : Gate, optional
        Its gate; None lets every window pass.

    Returns
    -------
    Cascade
        Its last partial score equals ``model.decision_function``.
    """
    return Cascade(gate or open_gate(), *tree_arrays(model), 0.0, np.zeros(RINGS + 1))


def fit_gate(
    positives: Windows, negatives: Windows, *, trees: int, features: int, settings: TrainingSettings
) -> Gate:
    """Boost the few trees of the gate on random windows.

    Parameters
    ----------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        Windows with a leukocyte in the centre, and windows anywhere else.
    trees : int
        Number of trees.
    features : int
        Features tried at each split.
    settings : TrainingSettings
        Seed and depth.

    Returns
    -------
    Gate
        It lets every window pass; a bound is set afterwards.
    """
    tried = replace(settings, features_per_split=features)
    model = fit_ensemble(positives, negatives, trees=trees, settings=tried, seed=settings.seed - 1)
    found, weight = tree_arrays(model)
    summed = np.rint(np.cumsum(weight) / weight.sum() * GATE_TOTAL).astype(np.intp)
    return Gate(found, np.diff(summed, prepend=0).astype(np.uint8), 0)


def calibrate_gate(
    cascade: Cascade, positives: Windows, *, floor: float, loss: float, margin: float
) -> Cascade:
    """Set the gate's bound so that it loses hardly any of the given windows that score at least ``floor``.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    positives : ndarray of shape (N, FEATURES), int16
        Windows with leukocytes.
    floor : float
        Windows that score below this do not bind the gate.
    loss : float
        Share of the windows that may fall below the bound, 0 to 1; a leukocyte has several windows.
    margin : float
        The bound lies this share of the gate's weights lower still, for smears not seen here.

    Returns
    -------
    Cascade
        With its gate calibrated.

    References
    ----------
    Zhang & Viola 2007, NIPS 20 (direct backward pruning). Differs from it in the loss, in the margin, and in
    one bound for a first stage in place of one after every tree.
    """
    sums = [np.zeros(0, np.intp)]
    for start in range(0, len(positives), _CHUNK):
        chunk = positives[start : start + _CHUNK]
        ending = chunk[partial_scores(cascade, chunk)[:, -1] >= floor]
        sums.append(gate_scores(cascade.gate, ending))
    together = np.sort(np.concatenate(sums))
    lowest = together[int(loss * len(together))] if len(together) else 0
    bound = max(round(float(lowest) - margin * GATE_TOTAL), 0)
    return replace(cascade, gate=replace(cascade.gate, bound=bound))


def fit_ensemble(
    positives: Windows, negatives: Windows, *, trees: int, settings: TrainingSettings, seed: int
) -> AdaBoostClassifier:
    """Boost trees on windows; both classes weigh the same at the start.

    Parameters
    ----------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        Windows with and without a leukocyte in the centre.
    trees : int
        Number of trees.
    settings : TrainingSettings
        Depth and number of features tried at each split.
    seed : int
        Seed of the features tried.

    Returns
    -------
    AdaBoostClassifier
        The fitted ensemble (SAMME).

    References
    ----------
    Freund & Schapire 1997, doi 10.1006/jcss.1997.1504; Zhu et al. 2009, doi 10.4310/SII.2009.v2.n3.a8.
    """
    features = np.empty((len(positives) + len(negatives), FEATURES), np.float32, order="F")
    features[: len(positives)], features[len(positives) :] = positives, negatives
    truth = np.repeat([1, 0], [len(positives), len(negatives)])
    weights = np.where(truth == 1, 0.5 / len(positives), 0.5 / len(negatives))
    base = DecisionTreeClassifier(max_depth=settings.depth, max_features=settings.features_per_split)
    model = AdaBoostClassifier(base, n_estimators=trees, random_state=seed)
    return model.fit(features, truth, sample_weight=weights)
