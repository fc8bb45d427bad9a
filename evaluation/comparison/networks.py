"""Networks of the registry in the form of classifiers of crops."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.vocabulary import CellClass
from classifiers.trained_network import TrainedNetwork
from evaluation.comparison.saliency import SaliencyMaker


class NetworkClassifier:
    """A network of the registry that answers with classes of the vocabulary."""

    def __init__(self, network: TrainedNetwork, *, name: str, saliency: SaliencyMaker | None = None) -> None:
        """Take a trained network.

        Parameters
        ----------
        network : TrainedNetwork
            The network.
        name : str
            Its name.
        saliency : SaliencyMaker, optional
            What explains its answers; nothing by default.

        Raises
        ------
        ModelError
            Where it answers with a class that the vocabulary does not have.
        """
        try:
            self._classes = tuple(CellClass(label) for label in network.classes)
        except ValueError as error:
            raise ModelError(
                f"model {name}: {error}; only networks trained on classes of the vocabulary can be compared"
            ) from error
        self._network = network
        self._name = name
        self.saliency = saliency

    @classmethod
    def load(cls, folder: Path) -> "NetworkClassifier":
        """Load a model folder whose hashes are right; ModelError where it does not suit."""
        network = TrainedNetwork.load(folder)
        return cls(network, name=folder.name, saliency=SaliencyMaker(folder, network))

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self._name

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return self._classes

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return probabilities; see ``classifiers.base.Classifier.predict``. It takes its own white point."""
        return np.asarray(self._network.probabilities(crops), np.float32)
