"""A trained network of the literature, run by LiteRT on whole images."""

from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.litert import ImageNetwork
from cells.model_files import open_model
from classifiers.architectures import OPTICAL_DENSITY, RGB
from classifiers.probabilities import softmax
from slides.optics import optical_density, white_point


class TrainedNetwork:
    """A network of the registry with the classes that it was trained on."""

    def __init__(self, network: bytes, *, classes: tuple[str, ...], takes: str, threads: int = 2) -> None:
        """Build the interpreter.

        Parameters
        ----------
        network : bytes
            LiteRT model, input (N, height, width, 3), output (N, K) of logits.
        classes : tuple of str
            The K classes.
        takes : str
            ``rgb`` or ``optical_density``.
        threads : int, optional
            Threads of the interpreter.

        Raises
        ------
        ModelError
            Where the bytes are no LiteRT model of that form.
        """
        self._network = ImageNetwork(
            network,
            refusal="the network is no LiteRT model of an image",
            remedy="train it again",
            threads=threads,
        )
        self._output, shape = next(iter(self._network.outputs.items()))
        if shape != (1, len(classes)) or takes not in (RGB, OPTICAL_DENSITY):
            raise ModelError("the network does not suit its manifest; train it again")
        self.classes = classes
        self.size = self._network.size
        self.takes = takes

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a model folder whose hashes are right.

        Parameters
        ----------
        folder : Path
            Written by ``classifiers.train_network``.

        Returns
        -------
        TrainedNetwork

        Raises
        ------
        ModelError
            Where the model is missing, altered, or of another kind or form.
        """
        model = open_model(folder, kind="network")
        try:
            classes = tuple(str(name) for name in model.manifest["classes"])
            takes = str(model.manifest["takes"])
        except (KeyError, TypeError) as error:
            raise ModelError(f"model {folder.name}: bad manifest ({error}); train it again") from error
        return cls(model.weights, classes=classes, takes=takes)

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's answers before the softmax.

        Parameters
        ----------
        images : ndarray of shape (N, M, L, 3), uint8
            RGB images of one cell each, of any size.

        Returns
        -------
        ndarray of shape (N, K), float32
        """
        found = np.empty((len(images), len(self.classes)), np.float32)
        for number, image in enumerate(images):
            found[number] = self._network.run(self.prepared(image)[None], self._output)[0][0]
        return found

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of each class, shape (N, K), float32; see ``logits``."""
        return softmax(self.logits(images))

    def prepared(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return an image as the network takes it.

        Parameters
        ----------
        image : ndarray of shape (M, L, 3), uint8
            RGB image of one cell, of any size.

        Returns
        -------
        ndarray of shape (height, width, 3), float32
            Resized; RGB of 0 to 255 or optical density, as ``takes`` says.
        """
        height, width = self.size
        if image.shape[:2] != self.size:
            shrinks = image.shape[0] * image.shape[1] > height * width
            way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8)
        if self.takes == RGB:
            return image.astype(np.float32)
        return np.asarray(optical_density(image, white_point(image)), np.float32)
