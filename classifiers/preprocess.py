"""From crops to the input of the networks."""

import cv2
import numpy as np
from numpy.typing import NDArray

from slides.optics import optical_density


def network_input(
    crops: NDArray[np.uint8], whites: NDArray[np.float64], *, side_px: int, colour_share: float = 1.0
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
    colour_share : float
        Share of the colour that is left, 0 to 1; see ``pale``.

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
    return pale(out, colour_share)


def pale(density: NDArray[np.float32], colour_share: float) -> NDArray[np.float32]:
    """Take colour away towards the green channel, in which the dyes of a blood smear absorb most.

    Parameters
    ----------
    density : ndarray of shape (N, M, M, 3), float32
        Optical density of red, green and blue.
    colour_share : float
        1 leaves the densities as they are, 0 makes all three that of green.

    Returns
    -------
    ndarray of shape (N, M, M, 3), float32
        Colour differs more between laboratories than form and texture do.
    """
    if colour_share == 1.0:
        return density
    green = density[..., 1:2]
    return np.asarray(green + np.float32(colour_share) * (density - green), np.float32)
