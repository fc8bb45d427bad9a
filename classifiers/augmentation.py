"""Random geometry, sharpness, stain and camera of training crops. Needs the extra ``train``."""

import math
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from slides.optics import MAX_DENSITY


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
    white: NDArray[np.floating[Any]],
    settings: dict[str, Any],
) -> NDArray[np.uint8]:
    if rng.random() >= settings["cut_probability"]:
        return image
    cut = np.rot90(image, int(rng.integers(4))).copy()
    depths = rng.uniform(0.0, settings["cut_share"] * len(image), 2) * (1.0, rng.random() < 0.3)
    cut[: int(depths[0])] = np.rint(white)
    cut[:, : int(depths[1])] = np.rint(white)
    return cut


def move(
    rng: np.random.Generator,
    crop: NDArray[np.uint8],
    white: NDArray[np.floating[Any]],
    *,
    out_px: int,
    settings: dict[str, Any],
) -> NDArray[np.uint8]:
    """Return a crop cut, turned, mirrored, scaled, shifted, blurred, sharpened and recompressed at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    crop : ndarray of shape (M, M, 3), uint8
        RGB crop.
    white : ndarray of shape (3,), float64
        Colour of the empty slide; fills half of the views where the crop has no pixels.
    out_px : int
        Side of the returned crop, px.
    settings : dict
        The table ``geometry`` of the settings file.

    Returns
    -------
    ndarray of shape (out_px, out_px, 3), uint8
    """
    image = _cut(rng, _blur(rng, crop, settings), white, settings)
    matrix = _transform(rng, crop.shape[0], out_px, settings)
    border = cv2.BORDER_REFLECT_101 if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    moved = cv2.warpAffine(
        image, matrix, (out_px, out_px), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=white.tolist()
    )
    return _camera(rng, _image(moved), settings)


def restain(images: tf.Tensor, whites: tf.Tensor, seed: tf.Tensor, settings: dict[str, Any]) -> tf.Tensor:
    """Return optical densities as another stain, lamp and camera would have given them.

    Parameters
    ----------
    images : tensor of shape (N, M, M, 3), uint8
        RGB crops.
    whites : tensor of shape (N, 3), float32
        Colour of the empty slide.
    seed : tensor of shape (2,), int32
        Seed of the stateless random numbers.
    settings : dict
        The table ``stain`` of the settings file.

    Returns
    -------
    tensor of shape (N, M, M, 3), float32
        Optical density, 0 to 2: white point in error, half to all of the colour taken away towards the green
        channel (``pale_probability``), channels mixed by a random row-stochastic 3 × 3 matrix, gain and gamma
        in density, a channel faded, a veil, noise, at times without colour.

    Notes
    -----
    Close to Tellez et al. 2019 (doi 10.1016/j.media.2019.101544), who perturb stain channels after colour
    deconvolution; here the density channels themselves are mixed, which needs no known stain vectors.
    """
    count = tf.shape(images)[0]
    seeds = tf.random.experimental.stateless_split(seed, 13)

    def normal(index: int, shape: list[Any], scale: float) -> tf.Tensor:
        return scale * tf.random.stateless_normal(shape, seeds[index])

    def uniform(index: int, shape: list[Any]) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, seeds[index])

    log10 = tf.math.log(10.0)
    whites = whites * tf.exp(normal(0, [count, 3], settings["white"]))
    levels = tf.maximum(tf.cast(images, tf.float32), 1.0)
    density = (tf.math.log(whites)[:, None, None, :] - tf.math.log(levels)) / log10
    density = tf.clip_by_value(density, 1e-4, MAX_DENSITY)
    chance = tf.random.stateless_uniform(
        [2, count, 1, 1, 1], tf.random.experimental.stateless_fold_in(seed, 1)
    )
    paled = tf.where(chance[0] < settings["pale_probability"], 0.5 + 0.5 * chance[1], 0.0)
    density += paled * (density[..., 1:2] - density)
    rows = tf.nn.softmax(normal(1, [count, 3, 3], 1.5), axis=-1)
    share = settings["mix"] * uniform(2, [count, 1, 1])
    matrix = (1.0 - share) * tf.eye(3) + share * rows
    grey = uniform(3, [count, 1, 1]) < settings["grey_probability"]
    matrix = tf.where(grey, tf.fill([1, 3, 3], 1.0 / 3.0), matrix)
    low, high = (math.log(bound) for bound in settings["common_gain"])
    common = tf.exp(low + (high - low) * uniform(4, [count, 1]))
    faded = tf.one_hot(tf.random.stateless_uniform([count], seeds[5], 0, 3, tf.int32), 3)
    faded *= tf.cast(uniform(6, [count, 1]) < settings["fade_probability"], tf.float32)
    fading = 1.0 - faded * uniform(7, [count, 1])
    gain = common * fading * tf.exp(normal(8, [count, 3], settings["gain"]))
    matrix *= gain[:, :, None]
    gamma = tf.exp(normal(9, [count, 1, 1, 1], settings["gamma"]))
    density = tf.einsum("nhwc,ndc->nhwd", tf.pow(density, gamma), matrix)
    density += normal(10, [count, 1, 1, 3], settings["veil"])
    grain = settings["noise"] * uniform(11, [count, 1, 1, 1])
    density += grain * tf.random.stateless_normal(tf.shape(density), seeds[12])
    return tf.clip_by_value(density, 0.0, MAX_DENSITY)
