"""Random geometry, sharpness, stain and camera of training crops. Needs the extra ``train``."""

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from slides.optics import MAX_DENSITY

_NUCLEUS = 2
_EDGE_PX = 0.8
_BARE = 0.4


def _image(pixels: Any) -> NDArray[np.uint8]:
    return np.asarray(pixels, np.uint8)


def _transform(rng: np.random.Generator, side: int, out_px: int, settings: dict[str, Any]) -> Any:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    low, high = settings["scale"]
    zoom = np.exp(rng.uniform(np.log(low), np.log(high))) * out_px / side
    stretch = np.exp(rng.uniform(-settings["stretch"], settings["stretch"]))
    mirror = rng.choice((-1.0, 1.0))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = zoom * np.diag([stretch, 1.0 / stretch]) @ turn @ np.diag([mirror, 1.0])
    centre = (side - 1) / 2.0
    shift = rng.uniform(-settings["shift_px"], settings["shift_px"], 2)
    offset = (out_px - 1) / 2.0 - matrix @ (np.array([centre, centre]) + shift)
    return np.column_stack([matrix, offset])


def _blur(rng: np.random.Generator, image: NDArray[np.uint8], settings: dict[str, Any]) -> NDArray[np.uint8]:
    if rng.random() < settings["blur_probability"]:
        sigma = rng.uniform(*settings["blur_px"])
        if sigma > 0.2:
            image = _image(cv2.GaussianBlur(image, (0, 0), sigma))
    if rng.random() < settings["reduce_probability"]:
        side = image.shape[0]
        small = int(side * rng.uniform(0.4, 0.8))
        image = _image(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA))
        image = _image(cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR))
    return image


def _camera(
    rng: np.random.Generator, image: NDArray[np.uint8], settings: dict[str, Any]
) -> NDArray[np.uint8]:
    if rng.random() < settings["sharpen_probability"]:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.0))
        amount = rng.uniform(0.3, 1.5)
        image = _image(cv2.addWeighted(image, 1.0 + amount, soft, -amount, 0.0))
    if rng.random() < settings["jpeg_probability"]:
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        image = _image(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return image


def _cut(
    rng: np.random.Generator,
    image: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    white: NDArray[np.floating[Any]],
    settings: dict[str, Any],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if rng.random() >= settings["cut_probability"]:
        return image, masks
    turns = int(rng.integers(4))
    cut, cut_masks = np.rot90(image, turns).copy(), np.rot90(masks, turns).copy()
    depths = rng.uniform(0.0, settings["cut_share"] * len(image), 2) * (1.0, rng.random() < 0.3)
    for part in (np.s_[: int(depths[0])], np.s_[:, : int(depths[1])]):
        cut[part] = np.rint(white)
        cut_masks[part] = 0
    return cut, cut_masks


def move(
    rng: np.random.Generator,
    crop: NDArray[np.uint8],
    regions: NDArray[np.uint8],
    white: NDArray[np.floating[Any]],
    *,
    out_px: int,
    settings: dict[str, Any],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a crop cut, turned, mirrored, scaled, shifted, blurred, sharpened and recompressed at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    crop : ndarray of shape (M, M, 3), uint8
        RGB crop.
    regions : ndarray of shape (M, M), uint8
        0 background, 1 cytoplasm, 2 nucleus.
    white : ndarray of shape (3,), float64
        Colour of the empty slide; fills half of the views where the crop has no pixels.
    out_px : int
        Side of the returned crop, px.
    settings : dict
        The table ``geometry`` of the settings file.

    Returns
    -------
    ndarray of shape (out_px, out_px, 3), uint8
        The crop.
    ndarray of shape (out_px, out_px, 2), uint8
        Where in it the cell and its nucleus are, soft at the edges, 0 to 255.
    """
    image = _blur(rng, crop, settings)
    masks = np.stack([regions > 0, regions == _NUCLEUS], axis=-1).astype(np.uint8) * np.uint8(255)
    image, masks = _cut(rng, image, masks, white, settings)
    soft = cv2.GaussianBlur(masks, (0, 0), _EDGE_PX)
    matrix, size = _transform(rng, crop.shape[0], out_px, settings), (out_px, out_px)
    border = cv2.BORDER_REFLECT_101 if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    moved = cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=white.tolist()
    )
    shares = cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(0, 0))
    return _camera(rng, _image(moved), settings), _image(shares)


def restain(
    images: tf.Tensor, masks: tf.Tensor, whites: tf.Tensor, seed: tf.Tensor, settings: dict[str, Any]
) -> tf.Tensor:
    """Return optical densities as another stain, lamp and camera would have given them.

    Parameters
    ----------
    images : tensor of shape (N, M, M, 3), uint8
        RGB crops.
    masks : tensor of shape (N, M, M, 2), uint8
        Cell and nucleus, 0 to 255.
    whites : tensor of shape (N, 3), float32
        Colour of the empty slide.
    seed : tensor of shape (2,), int32
        Seed of the stateless random numbers.
    settings : dict
        The table ``stain`` of the settings file.

    Returns
    -------
    tensor of shape (N, M, M, 3), float32
        Optical density, 0 to 2: white point in error, colour taken away towards the green channel, gamma in
        density, channels mixed by a random row-stochastic 3 × 3 matrix with a gain, a channel faded (with
        ``apart_probability`` not in the same way in background, cytoplasm and nucleus), the background
        bleached, a veil, noise, at times without colour.

    Notes
    -----
    Close to Tellez et al. 2019 (doi 10.1016/j.media.2019.101544), who perturb stain channels after colour
    deconvolution; here the density channels themselves are mixed, which needs no known stain vectors.
    Stains that differ from region to region keep a network from reading the colour of a cell off the
    erythrocytes beside it, which holds within a laboratory and not between two.
    """
    chance = _Chance(seed, tf.shape(images)[0])
    whites = whites * tf.exp(chance.normal(0, [3], settings["white"]))
    levels = tf.maximum(tf.cast(images, tf.float32), 1.0)
    density = (tf.math.log(whites)[:, None, None, :] - tf.math.log(levels)) / tf.math.log(10.0)
    density = tf.clip_by_value(density, 1e-4, MAX_DENSITY)
    least = settings["pale_least"]
    paled = least + (1.0 - least) * chance.uniform(14, [1, 1, 1])
    paled *= chance.happens(13, [1, 1, 1], settings["pale_probability"])
    density += paled * (density[..., 1:2] - density)
    density = tf.pow(density, tf.exp(chance.normal(9, [1, 1, 1], settings["gamma"])))
    background, cytoplasm, nucleus = _stains(chance, settings)
    shares = tf.cast(masks, tf.float32) / 255.0
    in_cell, in_nucleus = shares[..., 0:1], shares[..., 1:2]
    density = (
        (1.0 - in_cell) * _mixed(density, background)
        + tf.maximum(in_cell - in_nucleus, 0.0) * _mixed(density, cytoplasm)
        + in_nucleus * _mixed(density, nucleus)
    )
    density += chance.normal(10, [1, 1, 3], settings["veil"])
    grain = settings["noise"] * chance.uniform(11, [1, 1, 1])
    density += grain * chance.normal(12, density.shape[1:], 1.0)
    return tf.clip_by_value(density, 0.0, MAX_DENSITY)


class _Chance:
    """Stateless random numbers for each of N crops; each number's place names its seed."""

    def __init__(self, seed: tf.Tensor, count: tf.Tensor) -> None:
        self._seeds = tf.random.experimental.stateless_split(seed, 22)
        self._count = count

    def normal(self, place: int, shape: Sequence[int], scale: float) -> tf.Tensor:
        return scale * tf.random.stateless_normal([self._count, *shape], self._seeds[place])

    def uniform(self, place: int, shape: Sequence[int]) -> tf.Tensor:
        return tf.random.stateless_uniform([self._count, *shape], self._seeds[place])

    def happens(self, place: int, shape: Sequence[int], probability: float) -> tf.Tensor:
        return tf.cast(self.uniform(place, shape) < probability, tf.float32)

    def channel(self, place: int, shape: Sequence[int]) -> tf.Tensor:
        drawn = tf.random.stateless_uniform([self._count, *shape], self._seeds[place], 0, 3, tf.int32)
        return tf.one_hot(drawn, 3)


def _stains(chance: _Chance, settings: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows = tf.nn.softmax(chance.normal(1, [3, 3, 3], 1.5), axis=-1)
    share = settings["mix"] * chance.uniform(2, [3, 1, 1])
    matrix = (1.0 - share) * tf.eye(3) + share * rows
    grey = chance.uniform(3, [1, 1, 1]) < settings["grey_probability"]
    matrix = tf.where(grey, tf.fill([1, 1, 3, 3], 1.0 / 3.0), matrix)
    low, high = (math.log(bound) for bound in settings["common_gain"])
    gain = tf.exp(low + (high - low) * chance.uniform(4, [3, 1]))
    faded = chance.channel(5, [3]) * chance.happens(6, [3, 1], settings["fade_probability"])
    gain *= 1.0 - faded * chance.uniform(7, [3, 1])
    gain *= tf.exp(chance.normal(8, [3, 3], settings["gain"]))
    matrix *= gain[..., None]
    apart = settings["apart"] * chance.uniform(16, [1, 1])
    apart *= chance.happens(15, [1, 1], settings["apart_probability"])
    base = matrix[:, 0]
    cytoplasm = (1.0 - apart) * base + apart * matrix[:, 1]
    apart *= settings["apart_nucleus"]
    nucleus = (1.0 - apart) * cytoplasm + apart * matrix[:, 2]
    bare = chance.happens(17, [1, 1], settings["bare_probability"])
    left = 1.0 - bare * (1.0 - _BARE * chance.uniform(18, [1, 1]))
    return base * left, cytoplasm, nucleus


def _mixed(density: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    return tf.einsum("nhwc,ndc->nhwd", density, matrix)
