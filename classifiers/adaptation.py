"""What a laboratory's own cells add to a network's answers: a correction that fades where they say nothing.

For a cell with the features ``f`` the correction adds ``sum_i exp(-|f - c_i|² / (2 h²)) w_i`` to the
logarithms of the network's probabilities; the centres ``c_i`` are the features of the labelled cells. Classes
of which the laboratory showed no cell have no weights, and their odds against all others change at most
``odds_limit``-fold.
``classifiers.adaptation_fitting`` makes it, ``docs/adaptation.md`` describes it.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.model_files import Model
from cells.vocabulary import CLASSIFIED

ADAPTATION = "adaptation.npz"
"""Name of the file in a model's folder; it is the first one, so its hash is that of the model."""

NETWORK = "network.tflite"
"""Name of the network of the base model beside it."""

_ARRAYS = ("centres", "weights", "shown", "width", "odds_limit", "base")
_SMALLEST = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """A correction of a network's answers for one laboratory.

    Parameters
    ----------
    centres : ndarray of shape (M, D), float32
        Features of the labelled cells.
    weights : ndarray of shape (M, K), float32
        What each adds to the logarithm of each class's probability at its own place; 0 for classes that are
        not shown.
    shown : ndarray of shape (K,), bool
        Classes of which there was a labelled cell.
    width : float
        Width ``h`` of the bell around each centre, in units of the features, above 0.
    odds_limit : float
        The odds of the classes that are not shown change at most by this factor, either way; at least 1.
    base_sha256 : str
        Hash of the network whose features and answers these are.
    """

    centres: NDArray[np.float32]
    weights: NDArray[np.float32]
    shown: NDArray[np.bool_]
    width: float
    odds_limit: float
    base_sha256: str

    def __post_init__(self) -> None:
        centres, classes = self.centres.shape, len(CLASSIFIED)
        fits = len(centres) == 2 and self.weights.shape == (centres[0], classes)
        finite = np.isfinite(self.centres).all() and np.isfinite(self.weights).all()
        if not (fits and finite and self.shown.shape == (classes,) and self.shown.any()):
            raise ModelError("its arrays do not suit each other; adapt the model again")
        if not (0 < self.width < np.inf and 1 <= self.odds_limit < np.inf):
            raise ModelError("its width or limit is out of range; adapt the model again")
        if self.weights[:, ~self.shown].any():
            raise ModelError("it moves classes of which no cell was shown; adapt the model again")

    def apply(self, probabilities: NDArray[np.float32], features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Correct the probabilities of a network.

        Parameters
        ----------
        probabilities : ndarray of shape (N, K), float32
            The network's; each row sums to 1.
        features : ndarray of shape (N, D), float32
            The network's features of the same cells.

        Returns
        -------
        ndarray of shape (N, K), float32
            Each row sums to 1.
        """
        added = bells(features, self.centres, self.width) @ self.weights.astype(np.float64)
        return corrected(probabilities, added, self.shown, self.odds_limit).astype(np.float32)

    def require_network(self, network: bytes, *, features: int) -> None:
        """Refuse a network that the correction was not made for.

        Parameters
        ----------
        network : bytes
            The network's file.
        features : int
            How many features it gives.

        Raises
        ------
        ModelError
            Where it is another one.
        """
        if hashlib.sha256(network).hexdigest() != self.base_sha256 or features != self.centres.shape[1]:
            raise ModelError(f"{ADAPTATION} was made for another network; adapt the model again")

    def to_bytes(self) -> bytes:
        """Return the file: arrays in NumPy's ``.npz`` format, the same bytes each time."""
        handle = io.BytesIO()
        np.savez(
            handle,
            centres=self.centres,
            weights=self.weights,
            shown=self.shown,
            width=np.float64(self.width),
            odds_limit=np.float64(self.odds_limit),
            base=np.frombuffer(bytes.fromhex(self.base_sha256), np.uint8),
        )
        return handle.getvalue()

    @classmethod
    def read(cls, content: bytes) -> "Adaptation":
        """Read what ``to_bytes`` wrote.

        Parameters
        ----------
        content : bytes
            The file; nothing in it is unpickled.

        Returns
        -------
        Adaptation

        Raises
        ------
        ModelError
            Where it is no such file.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                centres, weights, shown, width, limit, base = (stored[name] for name in _ARRAYS)
            return cls(
                np.asarray(centres, np.float32),
                np.asarray(weights, np.float32),
                np.asarray(shown, np.bool_),
                float(width),
                float(limit),
                np.asarray(base, np.uint8).tobytes().hex(),
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"{ADAPTATION} is no adaptation ({error}); adapt the model again") from error


def network_and_adaptation(model: Model) -> tuple[bytes, Adaptation | None]:
    """Return the network of a model and, where it was adapted to a laboratory, the correction.

    Parameters
    ----------
    model : Model
        A checked model of the kind ``cnn``.

    Returns
    -------
    network : bytes
        The LiteRT file.
    adaptation : Adaptation or None
        None where the model was not adapted.

    Raises
    ------
    ModelError
        Where a file of an adapted model is missing or faulty.
    """
    if ADAPTATION not in model.contents:
        return model.weights, None
    if NETWORK not in model.contents:
        raise ModelError(f"model {model.name}: an adaptation without {NETWORK}; adapt the model again")
    return model.contents[NETWORK], Adaptation.read(model.contents[ADAPTATION])


def bells(features: NDArray[np.float32], centres: NDArray[np.float32], width: float) -> NDArray[np.float64]:
    """Return how near each cell lies to each centre.

    Parameters
    ----------
    features : ndarray of shape (N, D), float32
        Features of cells.
    centres : ndarray of shape (M, D), float32
        Features of the labelled cells.
    width : float
        Width of the bell, above 0.

    Returns
    -------
    ndarray of shape (N, M), float64
        1 at the centre, falling to 0.
    """
    return np.asarray(np.exp(squared_distances(features, centres) / (-2.0 * width**2)))


def squared_distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the squared Euclidean distances between rows, shape (N, M), float64."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    return np.asarray(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T, 0.0))


def corrected(
    probabilities: NDArray[np.float32],
    added: NDArray[np.float64],
    shown: NDArray[np.bool_],
    odds_limit: float,
) -> NDArray[np.float64]:
    """Add to the logarithms of probabilities, and hold the classes that were not shown in bounds.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        Each row sums to 1.
    added : ndarray of shape (N, K), float64
        What is added to each logarithm; 0 in the columns that were not shown.
    shown : ndarray of shape (K,), bool
        Classes of which there was a labelled cell.
    odds_limit : float
        Greatest factor by which the odds of the other classes change.

    Returns
    -------
    ndarray of shape (N, K), float64
        Each row sums to 1. Among the classes that were not shown the proportions stay as they were.
    """
    before = np.maximum(probabilities.astype(np.float64), _SMALLEST)
    logits = np.log(before) + added
    after = np.exp(logits - logits.max(axis=1, keepdims=True))
    if shown.all():
        return np.asarray(after / after.sum(axis=1, keepdims=True))
    rest, moved = before[:, ~shown], after[:, shown]
    odds = before[:, shown].sum(axis=1) / rest.sum(axis=1)
    wanted = moved.sum(axis=1) / np.maximum(after[:, ~shown].sum(axis=1), _SMALLEST)
    share = np.clip(wanted, odds / odds_limit, odds * odds_limit)
    share = (share / (1.0 + share))[:, None]
    result = np.empty_like(before)
    result[:, shown] = share * moved / moved.sum(axis=1, keepdims=True)
    result[:, ~shown] = (1.0 - share) * rest / rest.sum(axis=1, keepdims=True)
    return result
