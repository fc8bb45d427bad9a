"""A perceptron as plain arrays, run by numpy alone, and its file."""

import io
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.files import atomic_path
from cells.vocabulary import CLASSIFIED
from classifiers.probabilities import BAND_AND_SEGMENTED, softmax
from features.vector import NAMES

_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Perceptron:
    """Weights of a perceptron with rectified hidden layers over standardised, limited features.

    Parameters
    ----------
    names : tuple of str
        Names of the F features taken, each one of ``features.vector.NAMES``.
    mean, scale : ndarray of shape (F,), float32
        A feature x enters as ``clip((x - mean) / scale, -limit, limit)``.
    limit : float
        Above 0.
    weights : tuple of ndarray of shape (inputs, outputs), float32
        One matrix for each layer.
    biases : tuple of ndarray of shape (outputs,), float32
        One vector for each layer.
    temperature : float
        Divides the logits; above 0.
    factors : ndarray of shape (K,), float32
        Probabilities are multiplied by these, all above 0, and brought to a sum of 1 again.
    """

    names: tuple[str, ...]
    mean: _Array
    scale: _Array
    limit: float
    weights: tuple[_Array, ...]
    biases: tuple[_Array, ...]
    temperature: float
    factors: _Array

    def standardise(self, features: _Array) -> _Array:
        """Return feature vectors, shape (N, len(NAMES)), as the first layer takes them, shape (N, F)."""
        return self.scaled(features[:, [NAMES.index(name) for name in self.names]])

    def scaled(self, taken: _Array) -> _Array:
        """Return the features ``names``, shape (N, F), as the first layer takes them, same shape."""
        away = (taken.astype(np.float32) - self.mean) / self.scale
        return np.ascontiguousarray(np.clip(away, -self.limit, self.limit), np.float32)

    def logits(self, features: _Array) -> _Array:
        """Return the answers to feature vectors before temperature and softmax, shape (N, K), float32."""
        return self.answers(self.standardise(features))

    def answers(self, layer: _Array) -> _Array:
        """Return the answers to standardised features, shape (N, F), as ``logits``."""
        last = len(self.weights) - 1
        for number, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            layer = layer @ weights + bias
            if number < last:
                layer = np.maximum(layer, 0)
        return layer

    def save(self, path: Path) -> None:
        """Write the weights as plain arrays to an ``.npz`` file.

        Parameters
        ----------
        path : Path
            The file; its folder is made where it is missing.

        Raises
        ------
        InputError
            Where it cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {"mean": self.mean, "scale": self.scale}
        arrays |= {f"weights_{k}": w for k, w in enumerate(self.weights)}
        arrays |= {f"biases_{k}": b for k, b in enumerate(self.biases)}
        arrays |= {"names": np.array(self.names), "factors": self.factors}
        arrays |= {"limit": np.asarray(self.limit), "temperature": np.asarray(self.temperature)}
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, **arrays)


def which_neutrophil(probabilities: _Array, perceptron: Perceptron, standardised: _Array) -> _Array:
    """Share the probability of a neutrophil out between band and segmented anew.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        Answers of a classifier; each row sums to 1.
    perceptron : Perceptron
        One that was fitted to band and segmented neutrophils alone.
    standardised : ndarray of shape (N, F), float32
        The cells' features, standardised by ``perceptron``.

    Returns
    -------
    ndarray of shape (N, K), float32
        The probabilities with only those two changed, whose sum stays.
    """
    split = softmax(perceptron.answers(standardised)[:, BAND_AND_SEGMENTED], perceptron.temperature)
    parted = probabilities.copy()
    parted[:, BAND_AND_SEGMENTED] = split * probabilities[:, BAND_AND_SEGMENTED].sum(axis=1, keepdims=True)
    return parted


def read_perceptron(content: bytes) -> Perceptron:
    """Build a perceptron from the bytes of its file.

    Parameters
    ----------
    content : bytes
        An ``.npz`` file as ``Perceptron.save`` writes it.

    Returns
    -------
    Perceptron

    Raises
    ------
    ModelError
        Where the bytes are no such file, shapes do not fit, or a number is not finite.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            layers = sum(name.startswith("weights_") for name in arrays.files)
            perceptron = Perceptron(
                names=tuple(arrays["names"].tolist()),
                mean=arrays["mean"],
                scale=arrays["scale"],
                limit=float(arrays["limit"]),
                weights=tuple(arrays[f"weights_{k}"] for k in range(layers)),
                biases=tuple(arrays[f"biases_{k}"] for k in range(layers)),
                temperature=float(arrays["temperature"]),
                factors=arrays["factors"],
            )
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"the weights of the MLP cannot be read ({error}); install leukoformula again"
        ) from error
    if not _sound(perceptron):
        raise ModelError("the weights of the MLP do not fit together; install leukoformula again")
    return perceptron


def _sound(perceptron: Perceptron) -> bool:
    p = perceptron
    arrays = [p.mean, p.scale, p.factors, *p.weights, *p.biases]
    if not all(a.dtype == np.float32 and bool(np.isfinite(a).all()) for a in arrays):
        return False
    count = len(p.names)
    widths = [count, *(len(b) for b in p.biases if b.ndim == 1)]
    return (
        0 < count == len(set(p.names) & set(NAMES))
        and widths[-1] == len(CLASSIFIED)
        and [w.shape for w in p.weights] == list(pairwise(widths))
        and p.mean.shape == p.scale.shape == (count,)
        and p.factors.shape == (len(CLASSIFIED),)
        and all(bool((a > 0).all()) for a in (p.scale, p.factors))
        and 0 < p.temperature < np.inf
        and 0 < p.limit < np.inf
    )
