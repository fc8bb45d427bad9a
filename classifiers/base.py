"""What every classifier of cells offers, whatever is inside."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass


class Classifier(Protocol):
    """A classifier of cell crops."""

    @property
    def name(self) -> str:
        """Short name: ``cnn``, ``mlp`` or ``ensemble``."""

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return calibrated class probabilities.

        Parameters
        ----------
        crops : ndarray of shape (N, 112, 112, 3), uint8
            RGB crops of 27 µm, centred on the cell; an erythrocyte measures 35 px.
        whites : ndarray of shape (N, 3), float64
            Colour of the empty slide for each crop, 1 to 255.

        Returns
        -------
        ndarray of shape (N, K), float32
            Probabilities; each row sums to 1.
        """
