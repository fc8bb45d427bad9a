"""From crops to the input of the networks."""

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from slides.optics import optical_density

_STRENGTH_SHARE = 0.85
_STRENGTH_STEP = 2


class StainStrength(NamedTuple):
    """How strongly stained each crop is shown to a network.

    Parameters
    ----------
    target : float
        Optical density, mean of the three channels, that the dark part of the cell is brought to; above 0.
        The dark part is what 85 % of the pixels in the middle of the crop do not exceed.
    least, most : float
        Bounds of the factor that the densities are multiplied by; above 0.
    """

    target: float
    least: float
    most: float

    @classmethod
    def of(cls, table: Mapping[str, float] | None) -> "StainStrength | None":
        """Return the strength that a settings file or a manifest gives.

        Parameters
        ----------
        table : mapping of str to float, or None
            ``target``, ``least`` and ``most``.

        Returns
        -------
        StainStrength or None
            None where there is no table.

        Raises
        ------
        DataError
            Where a number is missing or out of range.
        """
        if table is None:
            return None
        try:
            found = cls(**{str(name): float(value) for name, value in table.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise DataError(f"the strength of the stain needs target, least and most: {error}") from error
        if not (0 < found.target < np.inf and 0 < found.least <= found.most < np.inf):
            raise DataError(f"the strength of the stain is out of range: {dict(table)}")
        return found

    def factors(self, density: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the factor of each crop.

        Parameters
        ----------
        density : ndarray of shape (N, M, M, 3), float32
            Optical density.

        Returns
        -------
        ndarray of shape (N,), float32
            ``least`` to ``most``. One factor for all channels keeps the colour.
        """
        quarter = density.shape[1] // 4
        middle = np.s_[:, quarter : 3 * quarter : _STRENGTH_STEP, quarter : 3 * quarter : _STRENGTH_STEP]
        values = density[middle].mean(axis=-1).reshape(len(density), -1)
        place = int(_STRENGTH_SHARE * (values.shape[1] - 1))
        dark = np.partition(values, place, axis=1)[:, place]
        return np.clip(self.target / np.maximum(dark, 1e-3), self.least, self.most).astype(np.float32)


def network_input(
    crops: NDArray[np.uint8],
    whites: NDArray[np.float64],
    *,
    side_px: int,
    colour_share: float = 1.0,
    strength: StainStrength | None = None,
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
    strength : StainStrength, optional
        Brings each crop to one strength of the stain; None leaves the densities as they are.

    Returns
    -------
    ndarray of shape (N, side_px, side_px, 3), float32
        Decadic optical density, 0 to 2 before the strength is changed.
    """
    out = np.empty((len(crops), side_px, side_px, 3), np.float32)
    for index, (crop, white) in enumerate(zip(crops, whites, strict=True)):
        small = crop
        if crop.shape[0] != side_px:
            small = np.asarray(cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_LINEAR), np.uint8)
        out[index] = optical_density(small, white)
    return shown(out, colour_share=colour_share, strength=strength)


def shown(
    density: NDArray[np.float32], *, colour_share: float, strength: StainStrength | None
) -> NDArray[np.float32]:
    """Return densities as a network is shown them; see ``network_input``, whose last step this is.

    Parameters
    ----------
    density : ndarray of shape (N, M, M, 3), float32
        Optical density of red, green and blue.
    colour_share : float
        Share of the colour that is left, 0 to 1.
    strength : StainStrength or None
        Brings each crop to one strength of the stain.

    Returns
    -------
    ndarray of shape (N, M, M, 3), float32
    """
    if strength is not None:
        density = density * strength.factors(density)[:, None, None, None]
    return pale(density, colour_share)


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
