"""The channel picture that the window scanner looks at: small, quantised maps of a field at a fixed scale."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from cells.units import ERYTHROCYTE_UM, WINDOW_UM
from slides.optics import MAX_DENSITY, optical_density

WORK_ERYTHROCYTE_PX = 10.0
"""Erythrocyte diameter at the working scale, in px."""

BLOCK = 2
"""Side of the square of working pixels that one map position averages."""

BLOCKS_PER_ERYTHROCYTE = WORK_ERYTHROCYTE_PX / BLOCK

WINDOW = round(WINDOW_UM / ERYTHROCYTE_UM * BLOCKS_PER_ERYTHROCYTE)
"""Side of the scanning window in map positions (14: 21 µm, 2.8 erythrocyte diameters)."""

PADDING = WINDOW // 2
"""Map positions mirrored around the field, so that a window may be centred on the image border."""

CHANNELS = (
    "red",
    "green",
    "blue",
    "nuclear",
    "haem",
    "stain",
    "edge",
    "nuclear_edge",
    "nuclear_box",
    "stain_box",
)
"""Names of the channels, in the order of the last axis of a channel picture."""

HAEM = CHANNELS.index("haem")
"""Index of the channel of haemoglobin: leukocytes are darker in it than erythrocytes."""

HAEM_ZERO = 128
"""Value of that channel for an erythrocyte and for the empty slide."""

_DENSITY_STEPS = 255.0 / MAX_DENSITY
_NUCLEAR_ZERO = 64
_RELATIVE_STEPS = 48.0
_EDGE_STEPS = 96.0
_BOX = 5
_TYPICAL_ERYTHROCYTE = np.array([0.05, 0.25, 0.22])
_LEAST_DENSITY = 0.06
_LEAST_SHARE = 0.02

Densities = NDArray[np.float32]
"""Optical densities at the working scale, shape (M, N, 3), float32, even M and N."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelPicture:
    """The channel maps of one field.

    Parameters
    ----------
    maps : ndarray of shape (C, H + 2 * PADDING, W + 2 * PADDING), uint8
        Quantised channels, one position for every BLOCK x BLOCK working pixels, mirrored at the border.
    row_step, col_step : float
        Pixels of the image as read per map position.
    """

    maps: NDArray[np.uint8]
    row_step: float
    col_step: float

    @property
    def positions(self) -> tuple[int, int]:
        """Number of window positions down and across: one on every corner of a map position."""
        return self.maps.shape[1] - 2 * PADDING + 1, self.maps.shape[2] - 2 * PADDING + 1


def working_densities(image: RGBImage, white: WhitePoint, *, erythrocyte_px: float) -> Densities:
    """Resample a field to the working scale and return its optical density.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    ndarray of shape (2 H, 2 W, 3), float32
        Optical density, an erythrocyte measuring about 10 px. The size is rounded to whole map positions,
        so that a mirrored field gives the mirrored densities.
    """
    rows, cols = (
        max(1, round(length * BLOCKS_PER_ERYTHROCYTE / erythrocyte_px)) * BLOCK for length in image.shape[:2]
    )
    shrinks = rows <= image.shape[0] and cols <= image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(image, (cols, rows), interpolation=method)
    return optical_density(small.astype(np.uint8, copy=False), white)


def erythrocyte_density(densities: Densities) -> NDArray[np.float64]:
    """Estimate the optical density of the erythrocytes of a field, its yardstick of stain and lamp.

    Parameters
    ----------
    densities : ndarray of shape (M, N, 3), float32
        Optical density of a field.

    Returns
    -------
    ndarray of shape (3,), float64
        Median density, in R, G, B, of the stained pixels whose ratio of blue to green density is above the
        median (haemoglobin absorbs blue, nuclear stain less) and that are not among the darkest fifth; a
        typical value where less than 2 % of the field is stained. Green is at least 0.06.
    """
    pixels = densities.reshape(-1, 3)
    green = pixels[:, 1]
    stained = pixels[green > np.clip(0.3 * np.quantile(green, 0.95), 0.04, 0.15)]
    if len(stained) < max(_LEAST_SHARE * len(pixels), 8):
        return _TYPICAL_ERYTHROCYTE.copy()
    share = stained[:, 2] / stained[:, 1]
    chosen = stained[(share >= np.median(share)) & (stained[:, 1] <= np.quantile(stained[:, 1], 0.8))]
    density: NDArray[np.float64] = np.median(chosen if len(chosen) else stained, axis=0).astype(np.float64)
    density[1] = max(density[1], _LEAST_DENSITY)
    return density


def picture_of(densities: Densities, *, row_step: float = 1.0, col_step: float = 1.0) -> ChannelPicture:
    """Compute the channel picture of a field from its densities at the working scale.

    Parameters
    ----------
    densities : ndarray of shape (2 H, 2 W, 3), float32
        Optical density at the working scale.
    row_step, col_step : float, optional
        Pixels of the image as read per map position.

    Returns
    -------
    ChannelPicture
        Channels ``red, green, blue``: the densities. ``nuclear``, ``haem``: red and blue density beyond
        that of an erythrocyte of the same green density, in units of the field's erythrocyte density;
        ``stain``: green density in that unit. ``edge``, ``nuclear_edge``: gradient magnitudes.
        ``nuclear_box``, ``stain_box``: means over 5 x 5 positions.

    References
    ----------
    Dollár et al. 2014, doi 10.1109/TPAMI.2014.2300479 (aggregated channel features). Differs from it in
    the channels, which are optical densities measured by the field's own erythrocytes, and in adding box
    means.
    """
    red, green, blue = cv2.split(densities)
    yard = erythrocyte_density(densities)
    nuclear = (red - green * np.float32(yard[0] / yard[1])) * np.float32(1.0 / yard[1])
    haem = (blue - green * np.float32(yard[2] / yard[1])) * np.float32(1.0 / yard[1])
    stain = green * np.float32(1.0 / yard[1])
    fine = cv2.merge([red, green, blue, nuclear, haem, stain, _gradient(stain), _gradient(nuclear)])
    size = (fine.shape[1] // BLOCK, fine.shape[0] // BLOCK)
    coarse = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    boxes = cv2.blur(coarse[..., [3, 5]], (_BOX, _BOX), borderType=cv2.BORDER_REFLECT)
    maps = np.concatenate([coarse, boxes], axis=2)
    steps = np.array([_DENSITY_STEPS] * 3 + [_RELATIVE_STEPS] * 3 + [_EDGE_STEPS] * 2 + [_RELATIVE_STEPS] * 2)
    zeros = np.array([0, 0, 0, _NUCLEAR_ZERO, HAEM_ZERO, 0, 0, 0, _NUCLEAR_ZERO, 0])
    maps = maps * steps.astype(np.float32) + zeros.astype(np.float32)
    quantised = np.rint(np.clip(maps, 0, 255, out=maps), out=maps).astype(np.uint8)
    planes = np.ascontiguousarray(quantised.transpose(2, 0, 1))
    padded = np.pad(planes, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)), mode="symmetric")
    return ChannelPicture(padded, row_step, col_step)


def channel_picture(image: RGBImage, white: WhitePoint, *, erythrocyte_px: float) -> ChannelPicture:
    """Compute the channel picture of a field.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    ChannelPicture
        The channels of `picture_of`, with the steps that lead back to pixels of the image.
    """
    densities = working_densities(image, white, erythrocyte_px=erythrocyte_px)
    rows, cols = densities.shape[0] // BLOCK, densities.shape[1] // BLOCK
    return picture_of(densities, row_step=image.shape[0] / rows, col_step=image.shape[1] / cols)


def _gradient(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    across = cv2.Sobel(channel, cv2.CV_32F, 1, 0, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(channel, cv2.CV_32F, 0, 1, ksize=1, scale=0.5, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(across, down), np.float32)
