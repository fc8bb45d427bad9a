"""Why the feature classifier answered as it did: the features that moved one decision."""

import io
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.files import atomic_path
from cells.vocabulary import CLASSIFIED, CellClass
from features.vector import NAMES

if TYPE_CHECKING:
    from classifiers.perceptron import Perceptron

USUAL = "usual.npz"
"""Name of the file of usual values in the model's folder."""

USUAL_SHARES = (0.05, 0.5, 0.95)
"""What is stored of a class's values: quantiles between which nine cells in ten lie, and the median."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "chromatin_texture": (
        "nucleus_glcm_*",
        "nucleus_lbp_*",
        "nucleus_grain_*",
        "nucleus_dark_*",
        "nucleus_bright_*",
        "nucleus_grey_angle_*",
    ),
    "cytoplasm_texture": (
        "cytoplasm_glcm_*",
        "cytoplasm_lbp_*",
        "cytoplasm_grain_*",
        "cytoplasm_dark_*",
        "cytoplasm_bright_*",
        "cell_grey_angle_*",
    ),
    "nucleus_outline": ("segment_angle_*", "segment_hu*", "nucleus_hu*"),
    "cell_outline": ("cell_angle_*",),
    "nucleus_place": ("nucleus_ring*",),
}
"""Features that no single value of says anything to a person: their contributions are added up."""

_STEPS = 24
_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that moved a decision.

    Parameters
    ----------
    name : str
        Name of the feature, or of the family (``FAMILIES``).
    contribution : float
        What it adds to the log odds of the label against the runner-up; below 0 it speaks for the latter.
    value, low, high : float or None
        Value of the feature, and where nine in ten cells of the label lie; None for a family.
    """

    name: str
    contribution: float
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What moved the decision on one cell.

    Parameters
    ----------
    label, against : CellClass
        The class that is explained, and the runner-up that it is held against.
    reasons : tuple of Reason
        The largest contributions, largest first.
    """

    label: CellClass
    against: CellClass
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, eq=False)
class UsualValues:
    """Usual values of every feature by class.

    Parameters
    ----------
    quantiles : ndarray of shape (3, K, F), float32
        Quantiles ``USUAL_SHARES`` of each feature of ``features.vector.NAMES`` in each class of
        ``CLASSIFIED``; NaN for a class without cells.
    """

    quantiles: _Array

    @classmethod
    def of(cls, features: _Array, targets: _Array) -> "UsualValues":
        """Take the usual values of labelled cells.

        Parameters
        ----------
        features : ndarray of shape (R, F), float32
            Feature vectors.
        targets : ndarray of shape (R, K), float32
            1 for each answer that the label allows; rows that allow several count for none.

        Returns
        -------
        UsualValues
        """
        quantiles = np.full((len(USUAL_SHARES), len(CLASSIFIED), features.shape[1]), np.nan, np.float32)
        single = targets.sum(axis=1) == 1
        for column in range(len(CLASSIFIED)):
            rows = features[single & (targets[:, column] > 0)]
            if len(rows):
                quantiles[:, column] = np.quantile(rows, USUAL_SHARES, axis=0)
        return cls(quantiles)

    def save(self, path: Path) -> None:
        """Write the values as plain arrays to an ``.npz`` file; InputError where it cannot be written."""
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary, allow_pickle=False, quantiles=self.quantiles, names=np.array(NAMES)
            )


def read_usual(content: bytes) -> UsualValues:
    """Build the usual values from the bytes of their file.

    Parameters
    ----------
    content : bytes
        An ``.npz`` file as ``UsualValues.save`` writes it.

    Returns
    -------
    UsualValues

    Raises
    ------
    ModelError
        Where the bytes are no such file, or were made for other features.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            quantiles, names = arrays["quantiles"], tuple(arrays["names"].tolist())
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"the usual values of the MLP cannot be read ({error}); install leukoformula again"
        ) from error
    if names != NAMES or quantiles.shape != (len(USUAL_SHARES), len(CLASSIFIED), len(NAMES)):
        raise ModelError("the usual values of the MLP are of other features; install leukoformula again")
    return UsualValues(np.asarray(quantiles, np.float32))


def contributions(
    perceptron: "Perceptron", features: _Array, base: _Array, *, label: CellClass, against: CellClass
) -> NDArray[np.float64]:
    """Return what each feature adds to the log odds of one class against another.

    Parameters
    ----------
    perceptron : Perceptron
        The network.
    features, base : ndarray of shape (len(NAMES),), float32
        The cell, and the cell that it is held against.
    label, against : CellClass
        The two classes, both among ``CLASSIFIED``.

    Returns
    -------
    ndarray of shape (len(perceptron.names),), float64
        Contributions in the order of ``perceptron.names``; their sum is the difference of the log odds
        between ``features`` and ``base`` but for the error of 24 steps.

    References
    ----------
    Sundararajan, Taly & Yan 2017, arXiv 1703.01365 (integrated gradients). The base is a typical cell of the
    runner-up in place of a blank input.
    """
    first, last = perceptron.standardise(np.stack([base, features]))
    share = (np.arange(_STEPS, dtype=np.float32)[:, None] + 0.5) / _STEPS
    layer, gates = first + share * (last - first), []
    for weight, bias in zip(perceptron.weights[:-1], perceptron.biases[:-1], strict=True):
        layer = layer @ weight + bias
        gates.append(layer > 0)
        layer = np.maximum(layer, 0)
    end = perceptron.weights[-1]
    slope = (end[:, CLASSIFIED.index(label)] - end[:, CLASSIFIED.index(against)]) / perceptron.temperature
    gradient = np.broadcast_to(slope, (_STEPS, len(slope)))
    for weight, gate in zip(reversed(perceptron.weights[:-1]), reversed(gates), strict=True):
        gradient = (gradient * gate) @ weight.T
    return np.asarray(gradient.mean(axis=0) * (last - first), np.float64)


def explain(
    perceptron: "Perceptron",
    usual: UsualValues,
    features: _Array,
    *,
    label: CellClass,
    against: CellClass,
    count: int = 5,
) -> Explanation:
    """Say which features moved the decision on one cell.

    Parameters
    ----------
    perceptron : Perceptron
        The network.
    usual : UsualValues
        Usual values by class.
    features : ndarray of shape (len(NAMES),), float32
        The cell.
    label, against : CellClass
        The class that is explained and the runner-up, both among ``CLASSIFIED``.
    count : int
        Reasons wanted, at most.

    Returns
    -------
    Explanation
    """
    low, typical, high = usual.quantiles[:, CLASSIFIED.index(label)]
    base = usual.quantiles[1, CLASSIFIED.index(against)]
    moved = contributions(
        perceptron, features, np.where(np.isfinite(base), base, typical), label=label, against=against
    )
    sums: dict[str, float] = {}
    for name, value in zip(perceptron.names, moved, strict=True):
        key = family(name) or name
        sums[key] = sums.get(key, 0.0) + float(value)
    largest = sorted(sums, key=lambda name: (-abs(sums[name]), name))[:count]
    reasons = []
    for name in largest:
        if name in FAMILIES:
            reasons.append(Reason(name, sums[name]))
        else:
            k = NAMES.index(name)
            reasons.append(Reason(name, sums[name], float(features[k]), float(low[k]), float(high[k])))
    return Explanation(label, against, tuple(reasons))


def family(name: str) -> str | None:
    """Return the family that a feature belongs to.

    Parameters
    ----------
    name : str
        Name of a feature.

    Returns
    -------
    str or None
        Key of ``FAMILIES``; None for a feature that stands by itself.
    """
    for key, patterns in FAMILIES.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return key
    return None
