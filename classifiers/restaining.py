"""Training crops as another stain, lamp, camera or focus would have shown them."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage, WhitePoint
from slides.optics import optical_density


def restain(
    crop: RGBImage, white: WhitePoint, *, rng: np.random.Generator, settings: dict[str, Any]
) -> tuple[RGBImage, WhitePoint]:
    """Return a crop turned, shifted, scaled, blurred, stained, sharpened and compressed anew at random.

    Parameters
    ----------
    crop : ndarray of shape (M, M, 3), uint8
        RGB crop.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    rng : numpy.random.Generator
        Source of chance.
    settings : dict
        The table ``change`` of the settings file.

    Returns
    -------
    crop : ndarray of shape (M, M, 3), uint8
        The changed crop.
    white : ndarray of shape (3,), float64
        Its white point, slightly wrong as an estimate would be.

    References
    ----------
    Tellez et al. 2019, doi 10.1016/j.media.2019.101544. Differs from it in mixing the camera's density
    channels, which needs no known stain vectors.
    """
    moved = _move(crop, white, rng, settings)
    density = optical_density(moved, white).astype(np.float64)
    rows = rng.dirichlet(np.ones(3), 3)
    share = settings["mix"] * rng.random()
    mixing = (1 - share) * np.eye(3) + share * rows
    strength = np.exp(rng.uniform(*np.log(settings["common_gain"])))
    gain = strength * np.exp(rng.normal(0, settings["gain"], 3))
    if rng.random() < settings["fade_probability"]:
        gain[rng.integers(3)] *= rng.random()
    density = np.power(np.maximum(density, 1e-4), np.exp(rng.normal(0, settings["gamma"])))
    density = density @ (mixing * gain[:, None]).T
    density += rng.normal(0, settings["noise"] * rng.random(), density.shape)
    lamp = rng.uniform(170, 255) * np.exp(rng.normal(0, 0.08, 3))
    changed = _camera(np.clip(np.rint(lamp * 10.0**-density), 0, 255).astype(np.uint8), rng, settings)
    estimate = np.clip(np.minimum(lamp, 255) * np.exp(rng.normal(0, settings["white"], 3)), 1, 255)
    return changed, estimate


def _camera(
    image: NDArray[np.uint8], rng: np.random.Generator, settings: dict[str, Any]
) -> NDArray[np.uint8]:
    if rng.random() < settings["sharpen_probability"]:
        soft = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 1.6)))
        amount = settings["sharpen"] * rng.random()
        image = np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)
    if rng.random() < settings["jpeg_probability"]:
        quality = int(rng.integers(*settings["jpeg_quality"]))
        stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)
    return image


def _move(
    crop: RGBImage, white: WhitePoint, rng: np.random.Generator, settings: dict[str, Any]
) -> NDArray[np.uint8]:
    image = crop
    if rng.random() < settings["blur_probability"]:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(*settings["blur_px"])), np.uint8)
    angle, zoom = rng.uniform(0, 2 * np.pi), np.exp(rng.normal(0, settings["scale"]))
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    middle = np.full(2, (crop.shape[0] - 1) / 2)
    shift = rng.uniform(-settings["shift_px"], settings["shift_px"], 2)
    matrix = np.column_stack([turn, middle + shift - turn @ middle])
    size = (crop.shape[1], crop.shape[0])
    border = {"borderMode": cv2.BORDER_REFLECT_101} if rng.random() < 0.5 else {"borderValue": white.tolist()}
    moved = np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, **border), np.uint8)
    if rng.random() < settings["cut_probability"]:
        blank = round(crop.shape[0] * settings["cut_share"] * rng.random())
        np.rot90(moved, int(rng.integers(4)))[:blank] = np.rint(white)
    return moved
