"""The multilayer perceptron on morphological features, run by numpy alone."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError, UsageError
from cells.model_files import open_model
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import USUAL, Explanation, UsualValues, explain, read_usual
from classifiers.perceptron import Perceptron, read_perceptron, which_neutrophil
from classifiers.probabilities import softmax
from features.vector import NAMES, VERSION, describe, measure

if TYPE_CHECKING:
    from features.segmenter import Segmenter

WEIGHTS = "weights.npz"
"""Name of the file of weights in the model's folder."""

NEUTROPHILS = "neutrophils.npz"
"""Name of the file of the weights that tell band from segmented neutrophils, where there is one."""

SEGMENTER = "segmenter.tflite"
"""Name of the file of the segmentation network that the weights were trained with, where one was."""

_THREADS, _PART = 2, 4
_Array = NDArray[np.float32]


class MlpClassifier:
    """A perceptron on the features of nucleus and cell, with calibrated probabilities."""

    name = "mlp"

    def __init__(
        self,
        perceptron: Perceptron,
        *,
        neutrophils: Perceptron | None = None,
        usual: UsualValues | None = None,
        segmenter: "Segmenter | None" = None,
    ) -> None:
        """Take the weights.

        Parameters
        ----------
        perceptron : Perceptron
            Takes ``features.vector.NAMES``, answers ``CLASSIFIED``.
        neutrophils : Perceptron or None
            Shares the probability of a neutrophil out between band and segmented; takes the same features.
            Without it ``perceptron`` does so itself.
        usual : UsualValues or None
            Usual values of the features by class, for explanations.
        segmenter : Segmenter or None
            Finds nucleus and cell; the classical route of ``features.segmentation`` where it is None. It
            must be the one that the weights were trained with.

        Raises
        ------
        ModelError
            Where the two perceptrons take other features.
        """
        if neutrophils is not None and neutrophils.names != perceptron.names:
            raise ModelError("the two perceptrons of the MLP take other features; install leukoformula again")
        self._neutrophils = neutrophils
        self._perceptron = perceptron
        self._usual = usual
        self._segmenter = segmenter

    @classmethod
    def load(cls, folder: Path) -> "MlpClassifier":
        """Load a model folder whose hashes are right.

        Parameters
        ----------
        folder : Path
            Holds ``manifest.json``, ``weights.npz``, for explanations ``usual.npz`` and, where there
            are such, ``neutrophils.npz`` and the network whose masks the weights were trained on.

        Returns
        -------
        MlpClassifier

        Raises
        ------
        ModelError
            Where the model is missing, altered, or of another kind or form.
        """
        model = open_model(folder, kind="mlp")
        manifest = model.manifest
        if manifest.get("classes") != list(CLASSIFIED) or manifest.get("features_version") != VERSION:
            raise ModelError(f"model {folder.name}: made for other features or classes; train it again")
        stored, network = model.contents.get(USUAL), model.contents.get(SEGMENTER)
        split = model.contents.get(NEUTROPHILS)
        return cls(
            read_perceptron(model.weights),
            neutrophils=None if split is None else read_perceptron(split),
            usual=None if stored is None else read_usual(stored),
            segmenter=None if network is None else _network_segmenter(network),
        )

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return CLASSIFIED

    @property
    def perceptron(self) -> Perceptron:
        """The weights."""
        return self._perceptron

    @property
    def segmenter(self) -> "Segmenter | None":
        """What finds nucleus and cell; None for the classical route of ``features.segmentation``."""
        return self._segmenter

    @property
    def prior_factors(self) -> NDArray[np.float32]:
        """What the probabilities were multiplied by for the mix of normal blood, shape (10,)."""
        return self._perceptron.factors

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> _Array:
        """Return calibrated probabilities; see ``classifiers.base.Classifier.predict``."""
        return self.answer(crops, whites)[0]

    def answer(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> tuple[_Array, _Array]:
        """Classify cells and return what the answers rest on.

        Parameters
        ----------
        crops : ndarray of shape (N, 112, 112, 3), uint8
            RGB crops of 27 µm.
        whites : ndarray of shape (N, 3), float64
            Colour of the empty slide for each crop.

        Returns
        -------
        probabilities : ndarray of shape (N, K), float32
            As ``predict``.
        standardised : ndarray of shape (N, F), float32
            The features that the perceptron takes, standardised.

        Raises
        ------
        UsageError
            Where the numbers of crops and white points differ.
        """
        if len(whites) != len(crops):
            raise UsageError(f"{len(crops)} crops, {len(whites)} white points: give one for each crop")
        names = self._perceptron.names
        if not len(crops):
            return np.empty((0, len(CLASSIFIED)), np.float32), np.empty((0, len(names)), np.float32)
        measured = self._measured(crops, whites, names)
        taken = self._perceptron.scaled(measured)
        return self._probabilities(taken, measured), taken

    def explain(
        self, crop: NDArray[np.uint8], white: NDArray[np.float64], *, label: CellClass, against: CellClass
    ) -> Explanation | None:
        """Say which features moved the decision on one cell.

        Parameters
        ----------
        crop : ndarray of shape (112, 112, 3), uint8
            RGB crop of 27 µm.
        white : ndarray of shape (3,), float64
            Colour of the empty slide.
        label, against : CellClass
            The class that is explained, and the runner-up.

        Returns
        -------
        Explanation or None
            None where the model brings no usual values, or one of the classes is not answered.
        """
        if self._usual is None or not {label, against} <= set(CLASSIFIED):
            return None
        features = self.measured(crop[None], white[None])[0]
        perceptron = self._perceptron
        if self._neutrophils is not None and {label, against} == {*CellClass.NEUTROPHIL.children}:
            perceptron = self._neutrophils
        return explain(perceptron, self._usual, features, label=label, against=against)

    def measured(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> _Array:
        """Return the feature vectors of cells, for ``predict_features``.

        Parameters
        ----------
        crops : ndarray of shape (N, 112, 112, 3), uint8
            RGB crops of 27 µm; N at least 1.
        whites : ndarray of shape (N, 3), float64
            Colour of the empty slide for each crop.

        Returns
        -------
        ndarray of shape (N, F), float32
            In the order of ``features.vector.NAMES``.
        """
        return self._measured(crops, whites, NAMES)

    def _measured(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64], names: tuple[str, ...]
    ) -> _Array:
        def some(part: slice) -> list[_Array]:
            if self._segmenter is None:
                route = partial(describe, names=names)
                return list(map(route, crops[part], whites[part]))
            masks = self._segmenter.segment_all(crops[part], whites[part])
            return list(map(partial(measure, names=names), crops[part], masks, whites[part]))

        parts = [slice(start, start + _PART) for start in range(0, len(crops), _PART)]
        if len(parts) == 1:
            return np.stack(some(parts[0]))
        with ThreadPoolExecutor(_THREADS) as threads:
            return np.stack(list(chain.from_iterable(threads.map(some, parts))))

    def predict_features(self, features: _Array) -> _Array:
        """Return calibrated probabilities for measured cells.

        Parameters
        ----------
        features : ndarray of shape (N, F), float32
            Feature vectors in the order of ``features.vector.NAMES``.

        Returns
        -------
        ndarray of shape (N, K), float32
            Probabilities; each row sums to 1.
        """
        measured = features[:, [NAMES.index(name) for name in self._perceptron.names]]
        return self._probabilities(self._perceptron.scaled(measured), measured)

    def _probabilities(self, taken: _Array, measured: _Array) -> _Array:
        logits = self._perceptron.answers(taken)
        weighed = softmax(logits, self._perceptron.temperature) * self._perceptron.factors
        given = np.asarray(weighed / weighed.sum(axis=1, keepdims=True), np.float32)
        if self._neutrophils is None:
            return given
        return which_neutrophil(given, self._neutrophils, self._neutrophils.scaled(measured))


def _network_segmenter(network: bytes) -> "Segmenter":
    from features.segmenter import NetworkSegmenter  # noqa: PLC0415 - loads LiteRT

    return NetworkSegmenter(network)
