"""Random views of a crop and its answers: geometry, neighbours, focus, stain and camera."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage
from slides.optics import MAX_DENSITY

Density = NDArray[np.float32]
Answers = NDArray[np.uint8]


def random_view(
    rng: np.random.Generator,
    crop: RGBImage,
    white: NDArray[np.floating[Any]],
    answers: Answers,
    *,
    neighbour: tuple[RGBImage, NDArray[np.floating[Any]], Answers] | None,
    out_px: int,
    settings: dict[str, Any],
) -> tuple[Density, Answers]:
    """Return a crop as another slide, stain and camera could have shown it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    crop : ndarray of shape (M, M, 3), uint8
        RGB crop.
    white : ndarray of shape (3,), float
        Colour of the empty slide.
    answers : ndarray of shape (M, M), uint8
        Allowed answers of each pixel: bits 1 background, 2 cytoplasm, 4 nucleus.
    neighbour : tuple of crop, white and answers, or None
        A second cell, which is laid against the first as background; none where it is None.
    out_px : int
        Side of the view, px.
    settings : dict
        The tables ``geometry`` and ``stain`` of the settings file.

    Returns
    -------
    density : ndarray of shape (out_px, out_px, 3), float32
        Optical density, 0 to 2.
    answers : ndarray of shape (out_px, out_px), uint8
        Allowed answers of its pixels.

    References
    ----------
    Tellez et al. 2019, doi 10.1016/j.media.2019.101544. Differs from it in mixing the camera's density
    channels, which needs no known stain vectors.
    """
    geometry = settings["geometry"]
    if neighbour is not None:
        crop = _lay_against(rng, crop, white, answers, neighbour)
    if rng.random() < geometry["cut_probability"]:
        crop, answers = _cut(rng, crop, white, answers, geometry["cut_share"])
    image = _focus(rng, crop, geometry)
    matrix = _transform(rng, len(crop), out_px, geometry)
    reflect = cv2.BORDER_REFLECT_101
    border = reflect if rng.random() < 0.3 else cv2.BORDER_CONSTANT
    size = (out_px, out_px)
    moved = cv2.warpAffine(image, matrix, size, borderMode=border, borderValue=np.rint(white).tolist())
    seen = cv2.warpAffine(answers, matrix, size, flags=cv2.INTER_NEAREST, borderMode=border, borderValue=1.0)
    image = _camera(rng, np.asarray(moved, np.uint8), geometry)
    return _restain(rng, image, white, settings["stain"]), np.asarray(seen, np.uint8)


def _lay_against(
    rng: np.random.Generator,
    crop: RGBImage,
    white: NDArray[np.floating[Any]],
    answers: Answers,
    neighbour: tuple[RGBImage, NDArray[np.floating[Any]], Answers],
) -> RGBImage:
    picture, its_white, its_answers = neighbour
    own, other = answers != 1, (its_answers & 1) == 0
    if not own.any() or not other.any():
        return crop
    radii = [np.sqrt(mask.sum() / np.pi) for mask in (own, other)]
    apart = sum(radii) * rng.uniform(0.9, 1.2)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    (row, col), (its_row, its_col) = (np.mean(np.nonzero(mask), axis=1) for mask in (own, other))
    shift = np.array(
        [
            [1.0, 0.0, col - its_col + apart * np.cos(angle)],
            [0.0, 1.0, row - its_row + apart * np.sin(angle)],
        ]
    )
    size = (crop.shape[1], crop.shape[0])
    cover = cv2.GaussianBlur(other.astype(np.float32), (0, 0), 0.7)
    cover = np.asarray(cv2.warpAffine(cover, shift, size), np.float32)[..., None]
    cover = np.where(own[..., None], np.float32(0), cover)
    moved = np.asarray(cv2.warpAffine(picture, shift, size), np.float32)
    moved = moved * (white / np.maximum(its_white, 1.0)).astype(np.float32)
    return np.asarray(np.clip(np.rint(crop * (1 - cover) + moved * cover), 0, 255), np.uint8)


def _cut(
    rng: np.random.Generator,
    crop: RGBImage,
    white: NDArray[np.floating[Any]],
    answers: Answers,
    share: float,
) -> tuple[RGBImage, Answers]:
    turns, depth = int(rng.integers(4)), int(rng.uniform(0.0, share * len(crop)))
    crop, answers = np.rot90(crop, turns).copy(), np.rot90(answers, turns).copy()
    crop[:depth] = np.clip(np.rint(white), 0, 255)
    answers[:depth] = 1
    return crop, answers


def _transform(
    rng: np.random.Generator, side: int, out_px: int, geometry: dict[str, Any]
) -> NDArray[np.float64]:
    angle = rng.uniform(0.0, 2.0 * np.pi)
    zoom = np.exp(rng.uniform(*np.log(geometry["scale"]))) * out_px / side
    stretch = np.exp(rng.uniform(-geometry["stretch"], geometry["stretch"]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = zoom * np.diag([stretch, 1.0 / stretch]) @ turn @ np.diag([rng.choice((-1.0, 1.0)), 1.0])
    seen = (side - 1) / 2.0 + rng.uniform(-geometry["shift_px"], geometry["shift_px"], 2)
    return np.column_stack([matrix, (out_px - 1) / 2.0 - matrix @ seen])


def _focus(rng: np.random.Generator, crop: RGBImage, geometry: dict[str, Any]) -> RGBImage:
    if rng.random() < geometry["blur_probability"]:
        sigma = rng.uniform(*geometry["blur_px"])
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), max(sigma, 0.1)), np.uint8)
    if rng.random() < geometry["reduce_probability"]:
        side = len(crop)
        small = int(side * rng.uniform(0.4, 0.8))
        reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
        crop = np.asarray(cv2.resize(reduced, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    return crop


def _camera(rng: np.random.Generator, image: RGBImage, geometry: dict[str, Any]) -> RGBImage:
    if rng.random() < geometry["sharpen_probability"]:
        soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.0))
        amount = rng.uniform(0.3, 1.5)
        image = np.asarray(cv2.addWeighted(image, 1.0 + amount, soft, -amount, 0.0), np.uint8)
    if rng.random() < geometry["jpeg_probability"]:
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return image


def _restain(
    rng: np.random.Generator, image: RGBImage, white: NDArray[np.floating[Any]], stain: dict[str, Any]
) -> Density:
    estimate = np.log(white * np.exp(rng.normal(0.0, stain["white"], 3)))
    levels = np.log(np.maximum(np.arange(256), 1.0))
    gamma = np.exp(rng.normal(0.0, stain["gamma"]))
    scale = 1.0 / np.log(10.0)
    tables = np.clip((estimate[:, None] - levels) * scale, 1e-4, MAX_DENSITY) ** gamma
    density = np.stack([tables[c].astype(np.float32)[image[..., c]] for c in range(3)], axis=-1)
    share = stain["mix"] * rng.random()
    rows = np.exp(1.5 * rng.standard_normal((3, 3)))
    mixing = (1.0 - share) * np.eye(3) + share * rows / rows.sum(axis=1, keepdims=True)
    if rng.random() < stain["grey_probability"]:
        mixing = np.full((3, 3), 1.0 / 3.0)
    gain = np.exp(rng.uniform(*np.log(stain["common_gain"]))) * np.exp(rng.normal(0.0, stain["gain"], 3))
    if rng.random() < stain["fade_probability"]:
        gain[rng.integers(3)] *= rng.random()
    density = density @ (mixing * gain[:, None]).T.astype(np.float32)
    density += rng.normal(0.0, stain["veil"], 3).astype(np.float32)
    noise = np.float32(stain["noise"] * rng.random())
    density += noise * rng.standard_normal(density.shape, np.float32)
    return np.asarray(np.clip(density, 0.0, MAX_DENSITY), np.float32)
