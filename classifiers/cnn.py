"""The convolutional network, run by LiteRT."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.model_files import open_model
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.preprocess import network_input
from classifiers.probabilities import softmax

_BATCH = 32


class CnnClassifier:
    """A convolutional network over white-point-corrected optical density, with calibrated probabilities."""

    name = "cnn"

    def __init__(
        self,
        network: bytes,
        *,
        side_px: int,
        temperature: float,
        factors: NDArray[np.float32] | None = None,
        colour_share: float = 1.0,
        threads: int = 2,
    ) -> None:
        """Build the interpreter.

        Parameters
        ----------
        network : bytes
            LiteRT model, input (N, side_px, side_px, 3) of optical density, output (N, 10) of logits.
        side_px : int
            Side of the input, px.
        temperature : float
            Divides the logits; above 0.
        factors : ndarray of shape (10,), float32, optional
            The probabilities are multiplied by these and scaled to sum to 1 again.
        colour_share : float
            Share of the colour that the network is shown, 0 to 1; see ``classifiers.preprocess.pale``.
        threads : int
            Threads of the interpreter.

        Raises
        ------
        ModelError
            Where the bytes are no LiteRT model of that form.
        """
        try:
            self._interpreter = Interpreter(model_content=network, num_threads=threads)
            self._input = self._interpreter.get_input_details()[0]["index"]
            self._interpreter.resize_tensor_input(self._input, (1, side_px, side_px, 3))
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, IndexError) as error:
            raise ModelError(
                f"the network is no LiteRT model of the expected form: {error}; install leukoformula again"
            ) from error
        output: dict[str, Any] = self._interpreter.get_output_details()[0]
        if tuple(output["shape"]) != (1, len(CLASSIFIED)):
            raise ModelError(
                f"the network answers {tuple(output['shape'])}, not {(1, len(CLASSIFIED))};"
                " install leukoformula again"
            )
        self._output = output["index"]
        self._count = 1
        self._side = side_px
        self._temperature = temperature
        self._colour_share = colour_share
        self._factors = np.ones(len(CLASSIFIED), np.float32) if factors is None else factors

    @classmethod
    def load(cls, folder: Path) -> "CnnClassifier":
        """Load a model folder whose hashes are right.

        Parameters
        ----------
        folder : Path
            Holds ``manifest.json`` and the network.

        Returns
        -------
        CnnClassifier

        Raises
        ------
        ModelError
            Where the model is missing, altered, or of another kind or form.
        """
        model = open_model(folder, kind="cnn")
        try:
            classes = tuple(CellClass(name) for name in model.manifest["classes"])
            side, temperature = int(model.manifest["input_px"]), float(model.manifest["temperature"])
            colour_share = float(model.manifest["colour_share"])
            factors = np.array([model.manifest["prior_factors"][name] for name in CLASSIFIED], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"model {folder.name}: bad manifest ({error}); install leukoformula again"
            ) from error
        if not 0 <= colour_share <= 1:
            raise ModelError(f"model {folder.name}: its colour share is {colour_share}; train it again")
        if classes != CLASSIFIED or not temperature > 0 or not 16 <= side <= 512 or not (factors > 0).all():
            raise ModelError(f"model {folder.name}: its manifest does not suit this version; train it again")
        return cls(
            model.weights, side_px=side, temperature=temperature, factors=factors, colour_share=colour_share
        )

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return calibrated probabilities; see ``classifiers.base.Classifier.predict``."""
        weighed = softmax(self.logits(crops, whites), self._temperature) * self._factors
        return np.asarray(weighed / weighed.sum(axis=-1, keepdims=True), np.float32)

    def logits(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the network's answers before temperature and softmax, shape (N, K), float32."""
        parts = [np.empty((0, len(CLASSIFIED)), np.float32)]
        for start in range(0, len(crops), _BATCH):
            stop = start + _BATCH
            batch = network_input(
                crops[start:stop], whites[start:stop], side_px=self._side, colour_share=self._colour_share
            )
            parts.append(self._run(batch))
        return np.concatenate(parts)

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(batch) != self._count:
            self._interpreter.resize_tensor_input(self._input, batch.shape)
            self._interpreter.allocate_tensors()
            self._count = len(batch)
        self._interpreter.set_tensor(self._input, batch)
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output), np.float32)
