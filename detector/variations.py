"""Variations of training fields, drawn by chance in optical density."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.disturbances import with_clumps, with_lamp, with_marks
from detector.neighbours import with_neighbours
from detector.samples import TrainingField
from detector.truth import Box
from detector.working_scale import BLOCK, Densities, working_densities
from slides.optics import MAX_DENSITY

_LEAST_BLUR = 0.3
_WIDEST_BAR = 10
_TYPICAL_NUCLEUS = np.array([0.5, 0.8, 0.4])


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far training fields are varied.

    Parameters
    ----------
    scale : float
        Largest relative change of the erythrocyte diameter.
    gain : float
        Standard deviation of the logarithm of each channel's density gain.
    mixing_low, mixing_high : float
        Range of the share of another channel's density that is added to a channel.
    white : float
        Largest error of the white point, in optical density.
    glare : float
        Largest share of stray light.
    blur : float
        Largest standard deviation of a blur, in working pixels.
    noise : float
        Largest standard deviation of noise in optical density.
    crop : float
        Chance that a field is cut to a part of itself, so that its border cuts cells.
    bars : float
        Chance of a black bar at a border of the field.
    lamp : float
        Largest unevenness of the lamp over the field, in optical density.
    marks : float
        Chance of scale bars, lines or labels burned into the field.
    touching : float
        Chance of leukocytes laid against those of the field.
    """

    scale: float = 0.15
    gain: float = 0.2
    mixing_low: float = -0.1
    mixing_high: float = 0.3
    white: float = 0.03
    glare: float = 0.1
    blur: float = 1.0
    noise: float = 0.02
    crop: float = 0.5
    bars: float = 0.08
    lamp: float = 0.0
    marks: float = 0.0
    touching: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A field as drawn for training: densities at the working scale, cells in map positions.

    Parameters
    ----------
    densities : ndarray of shape (2 H, 2 W, 3), float32
        Optical densities at the working scale.
    centres : ndarray of shape (K, 2), float64
        Row and column of the leukocytes' centres, in map positions from the top left corner.
    ignored : ndarray of shape (J, 2), float64
        The same for what is neither trained on nor against.
    """

    densities: Densities
    centres: NDArray[np.float64]
    ignored: NDArray[np.float64]


def draw(
    field: TrainingField,
    rng: np.random.Generator,
    *,
    jitter: Jitter | None = None,
    others: Sequence[TrainingField] = (),
) -> Drawn:
    """Draw a variation of a training field.

    Parameters
    ----------
    field : TrainingField
        Published field.
    rng : numpy.random.Generator
        Source of chance.
    jitter : Jitter, optional
        How far to vary; None gives the field as it is.
    others : sequence of TrainingField, optional
        Fields whose leukocytes may be laid against those of the field: one of those that are as large, since
        they come from the same laboratory. Without any the field keeps its own.

    Returns
    -------
    Drawn
        The field mirrored, turned by quarter turns, scaled, restained and blurred by chance.
    """
    if jitter is None:
        return _scaled(field, 1.0)
    if others and jitter.touching and rng.random() < jitter.touching:
        alike = [other for other in others if other.image.shape == field.image.shape]
        if alike:
            field = with_neighbours(field, alike[int(rng.integers(len(alike)))], rng)
    if rng.random() < jitter.crop:
        field = _cut(field, rng)
    drawn = _scaled(field, float(np.exp(rng.uniform(-1, 1) * np.log1p(jitter.scale))))
    keep = np.concatenate([drawn.centres, drawn.ignored]) * BLOCK
    drawn = replace(drawn, densities=_restained(drawn.densities, rng, jitter, keep))
    return _turned(drawn, int(rng.integers(8)))


def draw_overlay(
    field: TrainingField, other: TrainingField, rng: np.random.Generator, *, jitter: Jitter
) -> Drawn:
    """Draw a field without leukocytes: two fields laid over each other, their leukocytes blanked.

    Parameters
    ----------
    field, other : TrainingField
        Published fields.
    rng : numpy.random.Generator
        Source of chance.
    jitter : Jitter
        How far to vary.

    Returns
    -------
    Drawn
        The sum of the densities, as overlapping cells have on a smear, with clumps and deposits in the
        colour of the field's nuclei, restained by chance.
    """
    layers = []
    for source in (field, other):
        drawn = _scaled(source, float(np.exp(rng.uniform(-1, 1) * np.log1p(jitter.scale))))
        layers.append(_turned(_blanked(drawn, source), int(rng.integers(8))).densities)
    rows, cols = layers[0].shape[:2]
    spare = [
        (length // 2, max(length - layers[1].shape[axis], 0) + length // 2)
        for axis, length in enumerate((rows, cols))
    ]
    second = np.pad(layers[1], (*spare, (0, 0)), mode="symmetric")
    top, left = (
        int(rng.integers(second.shape[axis] - length + 1)) for axis, length in enumerate((rows, cols))
    )
    share = np.float32(rng.uniform(0.5, 1.0))
    total = layers[0] + share * second[top : top + rows, left : left + cols]
    total = with_clumps(total, _nuclear_density(field), rng)
    nothing = np.zeros((0, 2))
    return Drawn(_restained(total, rng, jitter, nothing), nothing, nothing)


def _nuclear_density(source: TrainingField) -> NDArray[np.float64]:
    densities = working_densities(source.image, source.white, erythrocyte_px=source.erythrocyte_px)
    step = densities.shape[0] / source.image.shape[0], densities.shape[1] / source.image.shape[1]
    found = [np.zeros((0, 3), np.float32)]
    for box in source.leukocytes:
        rows = slice(int(box.y0 * step[0]), int(box.y1 * step[0]) + 1)
        cols = slice(int(box.x0 * step[1]), int(box.x1 * step[1]) + 1)
        found.append(densities[rows, cols].reshape(-1, 3))
    pixels = np.concatenate(found)
    if not len(pixels):
        return _TYPICAL_NUCLEUS.copy()
    dark = pixels[:, 1] >= np.quantile(pixels[:, 1], 0.8)
    density: NDArray[np.float64] = np.median(pixels[dark], axis=0).astype(np.float64)
    return density


def _blanked(drawn: Drawn, source: TrainingField) -> Drawn:
    densities = drawn.densities.copy()
    step = densities.shape[0] / source.image.shape[0], densities.shape[1] / source.image.shape[1]
    for box in (*source.leukocytes, *source.ignored):
        centre = (round(box.centre[1] * step[1]), round(box.centre[0] * step[0]))
        axes = (round(0.65 * box.width * step[1]), round(0.65 * box.height * step[0]))
        cv2.ellipse(densities, centre, axes, 0, 0, 360, (0, 0, 0), -1)
    return replace(drawn, densities=densities)


def _scaled(field: TrainingField, scale: float) -> Drawn:
    densities = working_densities(field.image, field.white, erythrocyte_px=field.erythrocyte_px / scale)
    steps = [field.image.shape[axis] / (densities.shape[axis] // BLOCK) for axis in (0, 1)]
    centres, ignored = (
        np.array([[(box.centre[axis] + 0.5) / steps[axis] for axis in (0, 1)] for box in boxes]).reshape(
            -1, 2
        )
        for boxes in (field.leukocytes, field.ignored)
    )
    return Drawn(densities, centres, ignored)


def _cut(field: TrainingField, rng: np.random.Generator) -> TrainingField:
    height, width = field.image.shape[:2]
    top, left = (int(rng.uniform(0, 0.45) * length) for length in (height, width))
    bottom, right = (int(length * (1 - rng.uniform(0, 0.45))) for length in (height, width))
    sound: list[Box] = []
    ignored: list[Box] = []
    for box in (*field.leukocytes, *field.ignored):
        x0, x1 = max(box.x0 - left, 0.0), min(box.x1, right) - left
        y0, y1 = max(box.y0 - top, 0.0), min(box.y1, bottom) - top
        if x1 <= x0 or y1 <= y0:
            continue
        visible = x1 - x0 >= 0.55 * box.width and y1 - y0 >= 0.55 * box.height
        (sound if visible and box in field.leukocytes else ignored).append(Box(x0, y0, x1, y1, box.label))
    image = np.ascontiguousarray(field.image[top:bottom, left:right])
    return replace(field, image=image, leukocytes=tuple(sound), ignored=tuple(ignored))


def _restained(
    densities: Densities, rng: np.random.Generator, jitter: Jitter, keep: NDArray[np.float64]
) -> Densities:
    mixing = np.diag(np.exp(rng.normal(0, jitter.gain, 3)))
    mixing += rng.uniform(jitter.mixing_low, jitter.mixing_high, (3, 3)) * (1 - np.eye(3))
    mixing *= np.exp(rng.normal(0, jitter.gain))
    mixed = np.maximum(densities @ mixing.T, 0.0)
    glare = rng.uniform(0, jitter.glare)
    light = (np.power(10.0, -mixed) + glare) / (1.0 + glare)
    mixed = -np.log10(light) + rng.uniform(-jitter.white, jitter.white, 3)
    mixed = with_lamp(mixed, rng, most=jitter.lamp)
    sigma = rng.uniform(0, jitter.blur)
    if sigma > _LEAST_BLUR:
        mixed = np.asarray(cv2.GaussianBlur(mixed, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float64)
    mixed = mixed + rng.normal(0, rng.uniform(0, jitter.noise), mixed.shape)
    if rng.random() < jitter.marks:
        mixed = with_marks(mixed, rng, keep=keep)
    if rng.random() < jitter.bars:
        thick = int(rng.integers(1, _WIDEST_BAR))
        side = mixed if rng.random() < 0.5 else mixed.transpose(1, 0, 2)
        side[: min(thick, len(side) // 4)] = MAX_DENSITY
    restained: Densities = np.clip(mixed, 0.0, MAX_DENSITY).astype(np.float32)
    return restained


def _turned(drawn: Drawn, symmetry: int) -> Drawn:
    densities, points = drawn.densities, [drawn.centres.copy(), drawn.ignored.copy()]
    if symmetry & 1:
        densities = densities[:, ::-1]
        for p in points:
            p[:, 1] = densities.shape[1] / BLOCK - p[:, 1]
    if symmetry & 2:
        densities = densities[::-1]
        for p in points:
            p[:, 0] = densities.shape[0] / BLOCK - p[:, 0]
    if symmetry & 4:
        densities = densities.transpose(1, 0, 2)
        points = [p[:, ::-1].copy() for p in points]
    return replace(drawn, densities=np.ascontiguousarray(densities), centres=points[0], ignored=points[1])
