"""Scores of a network on its test images, in plain numbers for ``metrics.json``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def scores(truth: NDArray[np.int64], answers: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, precision, recall and F1 of each class and their means, and the confusion matrix.

    Parameters
    ----------
    truth : ndarray of shape (N,), int64
        Number of the true class; N at least 1.
    answers : ndarray of shape (N,), int64
        Number of the class answered.
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    dict of str to object
        ``images``, ``accuracy``, ``balanced_accuracy`` (mean recall of the classes that occur),
        ``precision``, ``recall`` and ``f1`` as means over these classes, ``classes`` with the
        same of each class, and ``confusion``: rows the truth, columns the answers. A ratio without a
        denominator is 0.
    """
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (truth, answers), 1)
    right = np.diag(confusion).astype(np.float64)
    recall = right / np.maximum(confusion.sum(axis=1), 1)
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    f1 = 2.0 * right / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    occurs = confusion.sum(axis=1) > 0
    return {
        "images": len(truth),
        "accuracy": float(right.sum() / len(truth)),
        "balanced_accuracy": float(recall[occurs].mean()),
        "precision": float(precision[occurs].mean()),
        "recall": float(recall[occurs].mean()),
        "f1": float(f1[occurs].mean()),
        "classes": {
            name: {
                "images": int(confusion[k].sum()),
                "precision": float(precision[k]),
                "recall": float(recall[k]),
                "f1": float(f1[k]),
            }
            for k, name in enumerate(classes)
        },
        "confusion": confusion.tolist(),
    }
