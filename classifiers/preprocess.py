"""From crops to the input of the networks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from slides.optics import optical_density


def network_input(
    crops: NDArray[np.uint8], whites: NDArray[np.float64], *, side_px: int
) -> NDArray[np.float32]:
    """Return white-point-corrected optical density at the side that a network takes.

    Parameters
    ----------
    crops : ndarray of shape (N, M, M, 3), uint8
        RGB crops.
    whites : ndarray of shape (N, 3), float64
        Colour of the empty slide for each crop, 1 to 255.
    side_px : int
        Side of the network's input, px.

    Returns
    -------
    ndarray of shape (N, side_px, side_px, 3), float32
        Decadic optical density, 0 to 2.
    """
    out = np.empty((len(crops), side_px, side_px, 3), np.float32)
    for index, (crop, white) in enumerate(zip(crops, whites, strict=True)):
        small = crop
        if crop.shape[0] != side_px:
            small = np.asarray(cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_LINEAR), np.uint8)
        out[index] = optical_density(small, white)
    return out
