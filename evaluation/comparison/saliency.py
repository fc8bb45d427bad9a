"""What a network of the registry looked at in a cell: Grad-CAM and integrated gradients.

TensorFlow is imported only where a map is asked for, and the network's weights are built up again once.
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.architectures import RGB
from classifiers.saliency_maps import heat_of
from classifiers.trained_network import TrainedNetwork
from slides.optics import white_point

GRAD_CAM = "Grad-CAM"
"""Name of the method of Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74."""

INTEGRATED = "integrated gradients"
"""Name of the method of Sundararajan et al. 2017, arXiv 1703.01365."""

MISSING = "no Grad-CAM, as TensorFlow is not installed (extra train)"
"""What the report says where there are no maps."""


@dataclass(frozen=True, slots=True, eq=False)
class Saliency:
    """What speaks for one answer of a network.

    Parameters
    ----------
    method : str
        ``GRAD_CAM`` or ``INTEGRATED``.
    heat : ndarray of shape (height, width), float32
        0 to 1, at the size of the network's input, which shows the whole crop.
    """

    method: str
    heat: NDArray[np.float32]


class SaliencyMaker:
    """Makes saliency maps of one trained network."""

    def __init__(self, folder: Path, network: TrainedNetwork) -> None:
        """Take a network.

        Parameters
        ----------
        folder : Path
            Its model folder, written by ``classifiers.train_network``.
        network : TrainedNetwork
            The same network as LiteRT runs it; it prepares the crops.
        """
        self._folder = folder
        self._network = network

    @property
    def possible(self) -> bool:
        """Whether TensorFlow is there."""
        return find_spec("tensorflow") is not None

    @cached_property
    def _model(self) -> Any:
        from classifiers.saliency import load_keras  # noqa: PLC0415 - needs TensorFlow

        return load_keras(self._folder)

    def maps(self, crop: NDArray[np.uint8], *, class_index: int) -> tuple[Saliency, ...]:
        """Return both maps of a crop.

        Parameters
        ----------
        crop : ndarray of shape (M, M, 3), uint8
            The crop; not written to.
        class_index : int
            Place of the answer among the network's classes.

        Returns
        -------
        tuple of Saliency
            Grad-CAM and integrated gradients, the latter from the empty slide to the crop; none where
            TensorFlow is not installed.

        Raises
        ------
        ModelError
            Where the weights do not suit the model's manifest.
        UsageError
            Where the network keeps no map of places.
        """
        if not self.possible:
            return ()
        from classifiers.saliency import grad_cam, integrated_gradients  # noqa: PLC0415 - needs TensorFlow

        image = self._network.prepared(crop)
        empty = np.zeros_like(image)
        if self._network.takes == RGB:
            empty = empty + white_point(crop).astype(np.float32)
        attributions = integrated_gradients(self._model, image, class_index=class_index, baseline=empty)
        return (
            Saliency(GRAD_CAM, grad_cam(self._model, image, class_index=class_index)),
            Saliency(INTEGRATED, heat_of(attributions)),
        )
