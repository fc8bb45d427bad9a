"""Painters of what is not a leukocyte: erythrocytes, platelets, smudge cells, debris."""

import numpy as np
from numpy.typing import NDArray

from slides.synthetic.nuclei import Chromatin, paint_chromatin
from slides.synthetic.shapes import Patch, Plane, capsules, granules, mottle, outline, scatter
from slides.synthetic.stains import AZURE, DYES, HAEMOGLOBIN, PURPLE

Dyes = NDArray[np.float32]

_EDGE_UM = 0.8
PALLOR_SHARE = 1.0 / 3.0
"""Diameter of the central pallor of an erythrocyte, at half its depth, as a share of the cell's."""


def paint_erythrocyte(
    patch: Patch, rng: np.random.Generator, diameter: float, *, pallor: float = 0.75
) -> Plane:
    """Paint an erythrocyte: a disc, thickest in a ring, with a soft central pallor.

    Parameters
    ----------
    patch : Patch
        Raster.
    rng : numpy.random.Generator
        Source of chance.
    diameter : float
        Diameter of the circle of equal area, in µm.
    pallor : float
        Depth of the central pallor, 0 (none) to 1 (empty), before the spread between cells.

    Returns
    -------
    ndarray of shape (M, N), float32
        Haemoglobin, in multiples of the rim of an erythrocyte.
    """
    distance = outline(
        patch,
        diameter,
        rng,
        roughness=rng.uniform(0.005, 0.035),
        elongation=abs(rng.normal(0.0, 0.06)),
        waves=5,
    )
    edge = patch.coverage(distance, softness_um=_EDGE_UM)
    depth = np.clip(pallor + rng.normal(0.0, 0.14), 0.0, 0.95)
    offset = rng.normal(0.0, 0.02 * diameter, 2)
    inner = np.hypot(patch.x - np.float32(offset[0]), patch.y - np.float32(offset[1]))
    half = 0.5 * diameter * PALLOR_SHARE * np.clip(rng.normal(1.2, 0.18), 0.7, 1.8)
    dip = 1.0 / (1.0 + (inner / np.float32(half)) ** 3.5)
    thickness = 1.0 - np.float32(depth) * dip
    thickness *= np.float32(np.clip(rng.normal(1.0, 0.07), 0.75, 1.3))
    return np.asarray(edge * thickness, np.float32)


def paint_platelet(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a platelet: purple granules in a pale blue ragged disc; returns the four dye planes."""
    distance = outline(
        patch, diameter, rng, roughness=rng.uniform(0.03, 0.1), elongation=rng.uniform(0.0, 0.2), waves=7
    )
    distance += np.float32(0.1) * mottle(patch, 0.7, rng)
    body = patch.coverage(distance, softness_um=0.4)
    dyes = np.zeros((DYES, *body.shape), np.float32)
    dyes[AZURE] = body * np.float32(rng.uniform(0.06, 0.3))
    core = patch.coverage(distance + 0.08 * diameter, softness_um=0.2 * diameter)
    count = int(np.clip(9 * diameter, 12, 70))
    dots = granules(
        patch,
        scatter(count, 0.42 * diameter, rng),
        rng.uniform(0.12, 0.3, count),
        rng.uniform(0.3, 1.0, count),
    )
    strength = rng.uniform(0.25, 0.75)
    grain = 0.55 + 0.55 * np.minimum(dots, 1.4) + 0.15 * mottle(patch, 0.6, rng)
    dyes[PURPLE] = np.maximum(core * grain, 0.0) * np.float32(strength) + 0.04 * body
    return dyes


def paint_platelet_clump(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint an aggregate of platelets that fills about the given diameter; returns the four dye planes."""
    count = int(np.clip(rng.normal(0.35 * diameter**2 / 3.0, 2.0), 3, 40))
    dyes = np.zeros((DYES, *patch.x.shape), np.float32)
    for x, y in scatter(count, 0.36 * diameter, rng):
        size = float(np.clip(rng.normal(2.5, 0.4), 1.7, 3.6))
        away = np.hypot(patch.x - np.float32(x), patch.y - np.float32(y)) - np.float32(0.5 * size)
        away = away + np.float32(0.22) * mottle(patch, 0.9, rng)
        body = patch.coverage(away, softness_um=0.4)
        dyes[AZURE] = np.maximum(dyes[AZURE], 0.2 * body)
        strength = np.float32(rng.uniform(0.25, 0.6))
        dyes[PURPLE] = np.maximum(dyes[PURPLE], strength * body)
    dyes[PURPLE] *= np.maximum(1.0 + 0.35 * mottle(patch, 0.5, rng), 0.2)
    return dyes


def paint_smudge(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a smudge cell: a burst, streaky nucleus without cytoplasm; returns the four dye planes."""
    distance = outline(
        patch, diameter, rng, roughness=rng.uniform(0.1, 0.2), elongation=rng.uniform(0.05, 0.3), waves=9
    )
    distance = (
        distance + np.float32(0.9) * mottle(patch, 2.0, rng) + np.float32(0.3) * mottle(patch, 0.8, rng)
    )
    style = Chromatin(rng.uniform(0.22, 0.5), rng.uniform(0.9, 1.8), 0.4, rim=0.0, lacy=0.6)
    _, dye = paint_chromatin(patch, distance, style, rng)
    fade = patch.coverage(distance + 0.08 * diameter, softness_um=0.35 * diameter)
    dyes = np.zeros((DYES, *dye.shape), np.float32)
    dyes[PURPLE] = dye * (0.35 + 0.65 * fade)
    dyes[AZURE] = 0.1 * fade
    return dyes


def paint_debris(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint stain debris: precipitate, a dark speck or a fibre; returns the four dye planes."""
    dyes = np.zeros((DYES, *patch.x.shape), np.float32)
    kind = rng.random()
    if kind < 0.6:
        count = int(rng.integers(6, 45))
        points = rng.normal(0.0, 0.17 * diameter, (count, 2))
        radii = np.clip(rng.exponential(0.2, count), 0.1, 0.8)
        grains = np.minimum(granules(patch, points, radii, rng.uniform(0.5, 1.3, count)), 1.6)
        dyes[PURPLE] = grains * np.float32(rng.uniform(0.4, 1.0))
        dyes[AZURE] = grains * np.float32(rng.uniform(0.0, 0.5))
    elif kind < 0.85:
        distance = outline(patch, 0.35 * diameter, rng, roughness=0.15, elongation=0.2, waves=9)
        speck = patch.coverage(distance, softness_um=0.3)
        dyes[PURPLE] = speck * np.float32(rng.uniform(0.3, 1.2))
        dyes[HAEMOGLOBIN] = speck * np.float32(rng.uniform(0.0, 3.0))
    else:
        bends = np.cumsum(rng.normal(0.0, 0.5, 5))
        points = np.cumsum(np.stack([np.cos(bends), np.sin(bends)], axis=1), axis=0) * (0.2 * diameter)
        points -= points.mean(axis=0)
        radii = np.full((4, 2), rng.uniform(0.12, 0.4))
        fibre = patch.coverage(capsules(patch, points[:-1], points[1:], radii), softness_um=0.3)
        dyes[AZURE] = fibre * np.float32(rng.uniform(0.2, 1.0))
        dyes[PURPLE] = fibre * np.float32(rng.uniform(0.0, 0.5))
    return dyes
