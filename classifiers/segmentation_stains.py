"""A view of a crop in another stain: the whole picture, and the parts of the cell one against another."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import RGBImage
from slides.optics import MAX_DENSITY

Density = NDArray[np.float32]
Answers = NDArray[np.uint8]
Part = NDArray[np.bool_]

_BACKGROUND, _CYTOPLASM, _NUCLEUS = 1, 2, 4
_LEAST_PX = 30
_EDGE_PX = 0.8
_MOST_DISPUTED = 0.4
_ALIKE = 0.95
_TRIES = 20


def restain(
    rng: np.random.Generator,
    image: RGBImage,
    white: NDArray[np.floating[Any]],
    answers: Answers,
    stain: dict[str, Any],
) -> Density:
    """Return the optical density of a crop as another stain and another objective would have shown it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    image : ndarray of shape (M, M, 3), uint8
        RGB crop.
    white : ndarray of shape (3,), float
        Colour of the empty slide.
    answers : ndarray of shape (M, M), uint8
        Allowed answers of each pixel: bits 1 background, 2 cytoplasm, 4 nucleus. Where nucleus and cytoplasm
        are told apart, the cytoplasm may get a stain of its own, or granules as dense as the nucleus and of
        another colour, as in eosinophils and basophils.
    stain : dict
        The table of this name in the settings file.

    Returns
    -------
    ndarray of shape (M, M, 3), float32
        Optical density, 0 to 2.

    References
    ----------
    Tellez et al. 2019, doi 10.1016/j.media.2019.101544. Differs from it in mixing the camera's density
    channels, which needs no known stain vectors, and in staining the parts of the cell apart.
    """
    density = _density(rng, image, white, stain)
    density = _restain_cytoplasm(rng, density, answers, stain)
    cell = (answers & _BACKGROUND) == 0
    if rng.random() < stain["rim_probability"] and np.count_nonzero(cell) > _LEAST_PX:
        density += _rim(rng, cell)[..., None] * rng.uniform(0.15, stain["rim_most"]) * _shares(rng)
    if rng.random() < stain["fringe_probability"]:
        density = _fringed(rng, density, stain["fringe_px"])
    mixing = _mixing(rng, stain["mix"])
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


def _density(
    rng: np.random.Generator, image: RGBImage, white: NDArray[np.floating[Any]], stain: dict[str, Any]
) -> Density:
    estimate = np.log(white * np.exp(rng.normal(0.0, stain["white"], 3)))
    levels = np.log(np.maximum(np.arange(256), 1.0))
    gamma = np.exp(rng.normal(0.0, stain["gamma"]))
    scale = 1.0 / np.log(10.0)
    tables = np.clip((estimate[:, None] - levels) * scale, 1e-4, MAX_DENSITY) ** gamma
    return np.stack([tables[c].astype(np.float32)[image[..., c]] for c in range(3)], axis=-1)


def _mixing(rng: np.random.Generator, most: float) -> NDArray[np.float64]:
    share = most * rng.random()
    rows = np.exp(1.5 * rng.standard_normal((3, 3)))
    return np.asarray((1.0 - share) * np.eye(3) + share * rows / rows.sum(axis=1, keepdims=True))


def _restain_cytoplasm(
    rng: np.random.Generator, density: Density, answers: Answers, stain: dict[str, Any]
) -> Density:
    chance = rng.random()
    if chance >= stain["own_probability"] + stain["granules_probability"]:
        return density
    cytoplasm, nucleus = answers == _CYTOPLASM, answers == _NUCLEUS
    disputed = (answers & (_CYTOPLASM | _NUCLEUS)) == (_CYTOPLASM | _NUCLEUS)
    known = np.count_nonzero(nucleus)
    if min(np.count_nonzero(cytoplasm), known) <= _LEAST_PX or disputed.sum() > _MOST_DISPUTED * known:
        return density
    stays = _soft(nucleus) + 0.5 * _soft(disputed)
    cover = np.maximum(_soft((answers & _BACKGROUND) == 0) - stays, 0.0)[..., None]
    if chance < stain["own_probability"]:
        level = _own_level(rng, density, cytoplasm, nucleus)
        mixing = level * _mixing(rng, stain["own_mix"]) * np.exp(rng.normal(0.0, 0.2, 3))[:, None]
        return np.asarray(density + cover * (density @ (mixing.T - np.eye(3)).astype(np.float32)))
    granules = _granules(rng, density[nucleus].mean(axis=0), density.shape[:2], stain["granules_most"])
    if granules is None:
        return density
    cover *= np.float32(rng.uniform(0.2, 1.0))
    return np.asarray(density + cover * (granules - density))


def _own_level(rng: np.random.Generator, density: Density, cytoplasm: Part, nucleus: Part) -> float:
    """Choose how many times as dense cytoplasm gets: at most nearly as dense as the pale of the nucleus."""
    pale = float(np.quantile(density[nucleus].mean(axis=1), 0.3))
    most = 0.85 * pale / max(float(density[cytoplasm].mean()), 0.02)
    return float(np.exp(rng.uniform(np.log(0.6), np.log(most))) if most > 1.0 else rng.uniform(0.6, 1.0))


def _granules(
    rng: np.random.Generator, nucleus: NDArray[np.float32], shape: tuple[int, int], most: float
) -> Density | None:
    """Draw granules of another colour than the nucleus, up to ``most`` times as dense; None without one."""
    length = max(float(np.linalg.norm(nucleus)), 1e-3)
    for _ in range(_TRIES):
        colour = nucleus * np.exp(rng.normal(0.0, 0.5, 3))
        colour *= length / max(float(np.linalg.norm(colour)), 1e-3)
        if colour @ nucleus < _ALIKE * length**2:
            break
    else:
        return None
    colour *= np.exp(rng.uniform(np.log(0.55), np.log(most)))
    size, low = rng.uniform(0.7, 2.0), rng.uniform(0.2, 0.8)
    grain = rng.standard_normal(shape).astype(np.float32)
    grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), size) - cv2.GaussianBlur(grain, (0, 0), 2.2 * size))
    grain = 1.0 / (1.0 + np.exp(-2.0 * grain / max(float(grain.std()), 1e-6)))
    return np.asarray((low + (1.0 - low) * grain)[..., None] * colour, np.float32)


def _rim(rng: np.random.Generator, cell: Part) -> NDArray[np.float32]:
    """Return how much of the rim's density each pixel gets, 0 to 1; on one side only in half of the draws."""
    inside = cv2.distanceTransform(cell.astype(np.uint8), cv2.DIST_L2, 3)
    width = rng.uniform(1.0, 4.0)
    profile = cell * np.exp(-0.5 * ((inside - rng.uniform(0.5, width)) / (0.5 * width)) ** 2)
    row, col = np.mean(np.nonzero(cell), axis=1)
    side = rng.uniform(0.0, 2.0 * np.pi)
    if rng.random() < 0.5:
        rows, cols = np.indices(cell.shape)
        profile = profile * np.clip(0.3 + np.cos(np.arctan2(rows - row, cols - col) - side), 0.0, 1.0)
    return np.asarray(cv2.GaussianBlur(profile.astype(np.float32), (0, 0), 0.7), np.float32)


def _shares(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.uniform(0.4, 1.0, 3).astype(np.float32)


def _fringed(rng: np.random.Generator, density: Density, shift_px: float) -> Density:
    """Shift red and blue against green, as an objective that is not fully corrected does."""
    fringed = density.copy()
    size = (density.shape[1], density.shape[0])
    for channel in (0, 2):
        shift = np.column_stack([np.eye(2), rng.normal(0.0, shift_px, 2)])
        fringed[..., channel] = cv2.warpAffine(
            density[..., channel], shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return fringed


def _soft(part: Part) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(part.astype(np.float32), (0, 0), _EDGE_PX), np.float32)
