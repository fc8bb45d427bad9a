"""Shapes of leukocyte nuclei and the pattern of their chromatin."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slides.synthetic.shapes import Patch, Plane, capsules, chain, mottle, outline, turned

Points = NDArray[np.float64]

_TRIES = 40


@dataclass(frozen=True, slots=True)
class Chromatin:
    """How the dye lies in a nucleus.

    Parameters
    ----------
    density : float
        Purple dye in the middle of the nucleus, in multiples of a mature nucleus.
    clump_um : float
        Distance between clumps, in µm.
    contrast : float
        Relative depth of the pattern.
    rim : float
        Extra density along the membrane, relative.
    lacy : float
        Share, 0 to 1, of a net of thin strands in the pattern; the rest is clumps.
    """

    density: float
    clump_um: float
    contrast: float
    rim: float = 0.1
    lacy: float = 0.0


def paint_chromatin(
    patch: Patch, distance: Plane, style: Chromatin, rng: np.random.Generator
) -> tuple[Plane, Plane]:
    """Fill a nucleus.

    Parameters
    ----------
    patch : Patch
        Raster.
    distance : ndarray of shape (M, N), float32
        Signed distance to the outline in µm, negative inside.
    style : Chromatin
        How the dye lies in it.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    cover : ndarray of shape (M, N), float32
        Share of each pixel that the nucleus covers, 0 to 1.
    dye : ndarray of shape (M, N), float32
        Amount of purple dye.
    """
    cover = patch.coverage(distance, softness_um=0.22)
    clumps = np.tanh(1.8 * mottle(patch, style.clump_um, rng) + 0.5)
    if style.lacy:
        net = 0.55 - np.abs(mottle(patch, 1.3 * style.clump_um, rng))
        clumps = clumps * np.float32(1.0 - style.lacy) + net * np.float32(1.4 * style.lacy)
    clumps += 0.45 * mottle(patch, 0.45 * style.clump_um, rng)
    edge = np.exp(-(((distance + 0.25) / 0.3) ** 2)) * np.float32(style.rim)
    dye = cover * np.float32(style.density) * np.maximum(1.0 + 0.7 * style.contrast * clumps + edge, 0.25)
    return cover, np.asarray(dye, np.float32)


def segmented(patch: Patch, rng: np.random.Generator, *, lobes: int, radius: float, area: float) -> Plane:
    """Return the distance to a nucleus of round lobes joined by thin filaments.

    Parameters
    ----------
    patch : Patch
        Raster.
    rng : numpy.random.Generator
        Source of chance.
    lobes : int
        Number of lobes, 2 or more.
    radius : float
        Radius of the cell, in µm; the nucleus stays inside.
    area : float
        Area of the nucleus, in µm².

    Returns
    -------
    ndarray of shape (M, N), float32
        Approximate signed distance in µm, negative inside.
    """
    sizes = np.clip(rng.normal(1.0, 0.13, lobes), 0.7, 1.3)
    stretch = rng.uniform(0.25, 1.0, lobes)
    radii = sizes * np.sqrt(area / np.sum(sizes**2 * (np.pi + 2.0 * stretch)))
    centres, along = _lobe_chain(rng, radii, stretch, 0.92 * radius)
    half = along * (0.5 * stretch * radii)[:, None]
    lobe_radii = np.stack([radii, radii * rng.uniform(0.8, 1.0, lobes)], axis=1)
    distance = capsules(patch, centres - half, centres + half, lobe_radii, blend_um=0.12)
    distance += np.float32(0.16) * mottle(patch, 1.4, rng)
    thin = rng.uniform(0.14, 0.34, (lobes - 1, 1)) * np.ones((1, 2))
    filament = capsules(patch, centres[:-1], centres[1:], thin, blend_um=0.05)
    return np.minimum(distance, filament)


def ribbon(
    patch: Patch, rng: np.random.Generator, *, radius: float, half_width: float, sweep: float, waist: float
) -> Plane:
    """Return the distance to a nucleus bent like a C, U or S, of nearly uniform width.

    Parameters
    ----------
    patch : Patch
        Raster.
    rng : numpy.random.Generator
        Source of chance.
    radius : float
        Radius of the cell, in µm; the nucleus stays inside.
    half_width : float
        Half the width of the ribbon, in µm.
    sweep : float
        Angle that the ribbon turns through, in radians; an S turns back half way.
    waist : float
        Relative standard deviation of the width along the ribbon.

    Returns
    -------
    ndarray of shape (M, N), float32
        Approximate signed distance in µm, negative inside.
    """
    count = 11
    bend = max(half_width * 1.08, 0.9 * radius - half_width * rng.uniform(1.0, 1.4))
    heading = np.linspace(-0.5, 0.5, count - 1) * sweep
    if rng.random() < 0.15:
        heading = np.abs(heading) * 1.3
    length = sweep * bend * np.clip(rng.normal(1.0, 0.1), 0.8, 1.2)
    step = length / (count - 1)
    steps = step * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    radii = half_width * np.clip(1.0 + waist * _smooth(rng, count), 0.55, 1.5)
    far = np.max(np.hypot(points[:, 0], points[:, 1]) + radii)
    points *= min(1.0, 0.93 * radius / far)
    points = turned(points, rng.uniform(0.0, 2.0 * np.pi))
    distance = capsules(patch, *chain(points, radii), blend_um=0.1)
    return distance + np.float32(0.13) * mottle(patch, 1.5, rng)


def rounded(
    patch: Patch,
    rng: np.random.Generator,
    *,
    diameter: float,
    centre: tuple[float, float],
    notch: float,
    blunt: float = 0.12,
    roughness: float = 0.03,
    elongation: float = 0.08,
) -> Plane:
    """Return the distance to a round, oval or indented nucleus.

    Parameters
    ----------
    patch : Patch
        Raster.
    rng : numpy.random.Generator
        Source of chance.
    diameter : float
        Diameter before the notch is cut, in µm.
    centre : tuple of 2 floats
        Centre (x, y), in µm.
    notch : float
        Depth of the notch as a share of the diameter, 0 to 0.6; 0 leaves it whole.
    blunt : float
        Radius of the bottom of the notch as a share of the diameter.
    roughness, elongation : float
        As for ``outline``.

    Returns
    -------
    ndarray of shape (M, N), float32
        Approximate signed distance in µm, negative inside.
    """
    distance = outline(
        patch, diameter, rng, roughness=roughness, elongation=elongation, waves=5, centre=centre
    )
    angle = rng.uniform(0.0, 2.0 * np.pi)
    if notch > 0:
        inner = diameter * blunt * rng.uniform(0.7, 1.4)
        towards = np.array([np.cos(angle), np.sin(angle)])
        tip = np.asarray(centre) + towards * (diameter * (0.5 - notch) + inner)
        mouth = np.asarray(centre) + towards * max(0.8 * diameter, diameter * (0.6 - notch) + inner)
        radii = np.array([[inner, inner * rng.uniform(1.1, 1.8)]])
        cut = capsules(patch, tip[None], mouth[None], radii, blend_um=0.1)
        distance = np.maximum(distance, -cut)
    return distance + np.float32(0.12) * mottle(patch, 1.8, rng)


def _smooth(rng: np.random.Generator, count: int) -> Points:
    values = np.convolve(rng.normal(0.0, 1.0, count + 4), np.full(5, 0.2), mode="valid")
    return np.asarray(values * np.sqrt(5.0), np.float64)


def _lobe_chain(
    rng: np.random.Generator, radii: Points, stretch: Points, limit: float
) -> tuple[Points, Points]:
    lobes = len(radii)
    reach = radii * (1.0 + 0.4 * stretch)
    least, centres, along = np.inf, np.zeros((lobes, 2)), np.zeros((lobes, 2))
    for _ in range(_TRIES):
        turn = rng.normal(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.3), 0.55, lobes)
        heading = np.cumsum(turn)
        gaps = reach[:-1] + reach[1:] + rng.uniform(-0.6, 0.45, lobes - 1)
        middle = heading[:-1] + 0.5 * turn[1:]
        steps = gaps[:, None] * np.stack([np.cos(middle), np.sin(middle)], axis=1)
        tried = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
        tried -= 0.5 * (tried.min(axis=0) + tried.max(axis=0))
        tried += rng.normal(0.0, 0.05 * limit, 2)
        excess = float(np.max(np.hypot(tried[:, 0], tried[:, 1]) + reach) - limit)
        apart = np.hypot(*(tried[:, None] - tried[None]).transpose(2, 0, 1))
        crowd = (reach[:, None] + reach[None]) * 0.85 - apart
        np.fill_diagonal(crowd, 0.0)
        fault = max(excess, 0.0) + max(float(crowd.max()), 0.0)
        if fault < least:
            least, centres, along = fault, tried, np.stack([np.cos(heading), np.sin(heading)], axis=1)
        if fault < 0.15:
            break
    far = float(np.max(np.hypot(centres[:, 0], centres[:, 1])))
    return centres * min(1.0, max(limit - float(np.mean(radii)), 0.5) / max(far, 1e-6)), along
