"""The augmentations that papers on leukocytes name, each a function of a generator and one RGB image.

=========================  =================================================================================
``rotation``               to any angle, as on C-NMC 2019 (Russian conference paper on lymphoblasts)
``rotation_36``            up to 36° either way (Panin et al. 2023 give rotation without its range)
``rotation_45``            up to 45° either way (Chegodaev 2021)
``flips``                  left–right and top–bottom, each at half of the draws
``scale``                  0.8 to 1.2 times, about the centre (Panin et al. 2023 give scale without its range)
``noise``                  normal noise, standard deviation up to 12 levels
``random_resized_crop``    0.8 to 1 of the area, 3:4 to 4:3, enlarged to the whole (Chegodaev 2021)
``brightness``             0.8 to 1.2 times (Chegodaev 2021)
``colour_jitter``          brightness, contrast and saturation 0.8 to 1.2 times, hue up to 5° either way
=========================  =================================================================================

What a turn or a smaller scale leaves empty is filled with the mirrored image.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError

Image = NDArray[np.uint8]
Augmentation = Callable[[np.random.Generator, Image], Image]

_GREY = np.array([0.299, 0.587, 0.114], np.float32)


def _warp(image: Image, matrix: NDArray[np.float64]) -> Image:
    size = image.shape[1], image.shape[0]
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
        np.uint8,
    )


def _about_centre(image: Image, *, degrees: float, zoom: float) -> Image:
    height, width = image.shape[:2]
    centre = ((width - 1) / 2.0, (height - 1) / 2.0)
    return _warp(image, np.asarray(cv2.getRotationMatrix2D(centre, degrees, zoom)))


def rotate(rng: np.random.Generator, image: Image, *, degrees: float = 180.0) -> Image:
    """Turn an image about its centre by an even draw from −degrees to +degrees; same shape, uint8."""
    return _about_centre(image, degrees=float(rng.uniform(-degrees, degrees)), zoom=1.0)


def flip(rng: np.random.Generator, image: Image) -> Image:
    """Mirror an image left–right and top–bottom, each at half of the draws; same shape, uint8."""
    across, down = rng.random(2) < 0.5
    mirrored = image[:: -1 if down else 1, :: -1 if across else 1]
    return np.ascontiguousarray(mirrored)


def scale(rng: np.random.Generator, image: Image, *, low: float = 0.8, high: float = 1.2) -> Image:
    """Scale an image about its centre by an even draw from low to high; same shape, uint8."""
    return _about_centre(image, degrees=0.0, zoom=float(rng.uniform(low, high)))


def add_noise(rng: np.random.Generator, image: Image, *, deviation: float = 12.0) -> Image:
    """Add normal noise, its standard deviation drawn from 0 to ``deviation`` levels; same shape, uint8."""
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0.0, deviation))
    return _levels(image.astype(np.float32) + noise)


def crop(rng: np.random.Generator, image: Image, *, smallest: float = 0.8) -> Image:
    """Cut out ``smallest`` to 1 of the area, 3:4 to 4:3, and enlarge it again; same shape, uint8."""
    height, width = image.shape[:2]
    area = rng.uniform(smallest, 1.0)
    stretch = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)) / 2.0)
    tall = min(height, max(1, round(height * np.sqrt(area) * stretch)))
    wide = min(width, max(1, round(width * np.sqrt(area) / stretch)))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    part = image[top : top + tall, left : left + wide]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def brighten(rng: np.random.Generator, image: Image, *, share: float = 0.2) -> Image:
    """Multiply an image by an even draw from 1 − share to 1 + share; same shape, uint8."""
    return _levels(image.astype(np.float32) * np.float32(rng.uniform(1.0 - share, 1.0 + share)))


def jitter(rng: np.random.Generator, image: Image, *, share: float = 0.2, hue: float = 5.0) -> Image:
    """Change brightness, contrast, saturation (1 ± share) and hue (± degrees); same shape, uint8."""
    light, contrast, colour = rng.uniform(1.0 - share, 1.0 + share, 3).astype(np.float32)
    pixels = image.astype(np.float32) * light
    pixels = (pixels - pixels.mean()) * contrast + pixels.mean()
    grey = (pixels @ _GREY)[:, :, None]
    pixels = grey + (pixels - grey) @ _turn(float(rng.uniform(-hue, hue))) * colour
    return _levels(pixels)


def _turn(degrees: float) -> NDArray[np.float32]:
    # A turn about the grey axis of the colour cube (Rodrigues' formula), transposed for row vectors.
    angle = np.deg2rad(degrees)
    axis = np.full(3, 1 / np.sqrt(3.0))
    across = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) * np.cos(angle) + np.sin(angle) * across + (1 - np.cos(angle)) * np.outer(axis, axis)
    return np.asarray(turn.T, np.float32)


def _levels(pixels: Any) -> Image:
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


AUGMENTATIONS: Mapping[str, Augmentation] = MappingProxyType(
    {
        "rotation": rotate,
        "rotation_36": partial(rotate, degrees=36.0),
        "rotation_45": partial(rotate, degrees=45.0),
        "flips": flip,
        "scale": scale,
        "noise": add_noise,
        "random_resized_crop": crop,
        "brightness": brighten,
        "colour_jitter": jitter,
    }
)
"""The augmentations by name."""


def known_augmentations(names: Sequence[str]) -> None:
    """Check names of augmentations.

    Parameters
    ----------
    names : sequence of str
        Names of ``AUGMENTATIONS``.

    Raises
    ------
    UsageError
        Where one is unknown.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            raise UsageError(f"no augmentation {name!r}; choose of {', '.join(AUGMENTATIONS)}")


def augment(rng: np.random.Generator, image: Image, names: Sequence[str]) -> Image:
    """Apply augmentations one after the other.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    image : ndarray of shape (M, N, 3), uint8
        RGB image; it is not written to.
    names : sequence of str
        Names of ``AUGMENTATIONS``, in the order of their use.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8

    Raises
    ------
    UsageError
        Where a name is unknown.
    """
    known_augmentations(names)
    for name in names:
        image = AUGMENTATIONS[name](rng, image)
    return image
