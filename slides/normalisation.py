"""Stain normalisation: the colours of an image brought to those of a reference stain, white point first."""

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.records import RGBImage, WhitePoint
from slides.optics import optical_density

_Floats = NDArray[np.float64]

STAINED_DENSITY = 0.15
"""Mean optical density of the three channels above which a pixel counts as stained (β of Macenko et al.)."""

MIN_STAINED_PX = 200
"""Fewest stained pixels from which a stain is estimated."""

MIN_ANGLE = 0.1
"""Smallest angle between the two stain vectors, in rad; below it there is only one dye."""

REINHARD_MEAN = np.array([3.5218, -0.2203, 0.0130])
"""Mean of the reference in lαβ: medians over 300 leukocytes of the five kinds, ``pbc_barcelona`` train."""

REINHARD_SD = np.array([0.2377, 0.1069, 0.0072])
"""Standard deviation of the reference in lαβ, from the same crops."""

MACENKO_VECTORS = np.array([[0.5323, 0.7742, 0.3425], [0.4226, 0.8925, 0.1576]])
"""Stain vectors of the reference, nuclear dye first, from the same crops."""

MACENKO_AMOUNTS = np.array([0.6726, 1.1352])
"""99th percentiles of the reference's amounts, from the same crops."""

_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_OPPONENT = np.diag([1 / np.sqrt(3), 1 / np.sqrt(6), 1 / np.sqrt(2)]) @ np.array(
    [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]]
)
_SHARE = 1.0


class Normalisation(StrEnum):
    """How the colours of an image are brought to a reference."""

    NONE = "none"
    """The white point alone, as everywhere in this project."""
    REINHARD = "reinhard"
    """Mean and spread of each axis of lαβ."""
    MACENKO = "macenko"
    """Two stain vectors and their amounts."""


def normalise(image: RGBImage, white: WhitePoint, *, method: Normalisation) -> tuple[RGBImage, WhitePoint]:
    """Bring an image to the reference stain.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.
    method : Normalisation
        How; ``NONE`` returns what was given.

    Returns
    -------
    image : ndarray of shape (M, N, 3), uint8
        The image with the reference's colours.
    white : ndarray of shape (3,), float64
        Its white point: 255 in each channel for all but ``NONE``.

    Raises
    ------
    DataError
        Where there is no stain to go by.
    """
    methods: dict[Normalisation, Callable[[RGBImage, WhitePoint], RGBImage]] = {
        Normalisation.REINHARD: reinhard,
        Normalisation.MACENKO: macenko,
    }
    if method is Normalisation.NONE:
        return image, white
    return methods[method](image, white), np.full(3, 255.0)


def reinhard(image: RGBImage, white: WhitePoint) -> RGBImage:
    """Give the stained pixels of an image the mean and spread of the reference in lαβ.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        The image with its empty slide white. Pixels that are not stained keep the colour that the white
        point gives them.

    Raises
    ------
    DataError
        Where fewer than ``MIN_STAINED_PX`` pixels are stained, or all of them alike.

    References
    ----------
    Reinhard et al. 2001, IEEE Comput Graph Appl 21(5):34-41, doi 10.1109/38.946629. Differs from it in the
    white point that comes first, and in changing and measuring stained pixels alone, since the share
    of empty slide says nothing of the stain.
    """
    stained = _stained(image, white)
    balanced = np.clip(image[stained] / white * 255.0, 1.0, 255.0)
    axes = _to_lab(balanced)
    mean, spread = axes.mean(axis=0), axes.std(axis=0)
    if spread.min() < 1e-4:
        raise DataError("no stain: all stained pixels have one colour; leave --normalise out")
    moved = (axes - mean) / spread * REINHARD_SD + REINHARD_MEAN
    result = np.clip(np.rint(image / white * 255.0), 0, 255).astype(np.uint8)
    result[stained] = np.clip(np.rint(_from_lab(moved)), 0, 255).astype(np.uint8)
    return result


def macenko(image: RGBImage, white: WhitePoint) -> RGBImage:
    """Replace the two stain vectors of an image, and the largest amounts of both, by the reference's.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        The image with its empty slide white.

    Raises
    ------
    DataError
        Where fewer than ``MIN_STAINED_PX`` pixels are stained, or all by one dye.

    References
    ----------
    Macenko et al. 2009, ISBI, doi 10.1109/ISBI.2009.5193250. Differs from it in the density against the
    measured white point instead of 255, and in the threshold on the mean density of the channels, since
    erythrocytes hardly absorb red.
    """
    density = optical_density(image, white).astype(np.float64).reshape(-1, 3)
    vectors = stain_vectors(image, white)
    amounts = density @ np.linalg.pinv(vectors)
    top = np.percentile(amounts[density.mean(axis=1) > STAINED_DENSITY], 100 - _SHARE, axis=0)
    if top.min() <= 1e-3:
        raise DataError("no stain: one of the two dyes is missing; leave --normalise out")
    anew = (amounts / top * MACENKO_AMOUNTS) @ MACENKO_VECTORS
    return np.asarray(np.clip(np.rint(255.0 * 10.0**-anew), 0, 255).reshape(image.shape), np.uint8)


def stain_vectors(image: RGBImage, white: WhitePoint) -> _Floats:
    """Return the two stain vectors of an image.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide, each channel 1 to 255.

    Returns
    -------
    ndarray of shape (2, 3), float64
        Unit vectors of optical density: the nuclear dye, which absorbs more red, then the other.

    Raises
    ------
    DataError
        Where fewer than ``MIN_STAINED_PX`` pixels are stained, or the vectors are closer than ``MIN_ANGLE``.

    References
    ----------
    As ``macenko``.
    """
    stained = _stained(image, white)
    density = optical_density(image, white).astype(np.float64)[stained]
    plane = np.linalg.eigh(np.cov(density.T))[1][:, [2, 1]]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0)
    places = density @ plane
    angles = np.arctan2(places[:, 1], places[:, 0])
    low, high = np.percentile(angles, (_SHARE, 100 - _SHARE))
    if high - low < MIN_ANGLE:
        raise DataError("no stain: the pixels are coloured by one dye alone; leave --normalise out")
    ends = np.stack([plane @ [np.cos(a), np.sin(a)] for a in (low, high)])
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    return np.asarray(ends[np.argsort(-ends[:, 0])])


def _stained(image: RGBImage, white: WhitePoint) -> NDArray[np.bool_]:
    stained = optical_density(image, white).mean(axis=2) > STAINED_DENSITY
    if np.count_nonzero(stained) < MIN_STAINED_PX:
        raise DataError("no stain: hardly any pixel is denser than the empty slide; leave --normalise out")
    return np.asarray(stained)


def _to_lab(pixels: _Floats) -> _Floats:
    return np.asarray(np.log10(pixels @ _LMS.T) @ _OPPONENT.T)


def _from_lab(axes: _Floats) -> _Floats:
    return np.asarray(10.0 ** (axes @ np.linalg.inv(_OPPONENT).T) @ np.linalg.inv(_LMS).T)
