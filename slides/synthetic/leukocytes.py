"""Painters of the leukocytes and of the erythroblast: amounts of dye around the centre of the cell, and what
its body and its nucleus cover.

Sizes and looks follow the ICSH recommendations (Palmer et al. 2015, doi 10.1111/ijlh.12327) and, for band
against segmented, the filament rule of the College of American Pathologists: lobes joined by a thread make a
segmented neutrophil.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from slides.synthetic.nuclei import Chromatin, paint_chromatin, ribbon, rounded, segmented
from slides.synthetic.shapes import Patch, Plane, granules, mottle, outline, scatter
from slides.synthetic.stains import AZURE, DYES, EOSIN, HAEMOGLOBIN, PURPLE

CELL, NUCLEUS = DYES, DYES + 1
"""Planes that follow the dyes: share of each pixel, 0 to 1, that the cell and its nucleus cover."""

Dyes = NDArray[np.float32]
Painter = Callable[[Patch, np.random.Generator, float], Dyes]


def paint_segmented(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a segmented neutrophil: 2–5 lobes on thin filaments, pale pink cytoplasm, fine granules."""
    lobes = int(rng.choice([2, 3, 4, 5], p=[0.18, 0.44, 0.29, 0.09]))
    area = 0.25 * np.pi * diameter**2 * rng.uniform(0.27, 0.4)
    distance = segmented(patch, rng, lobes=lobes, radius=0.5 * diameter, area=area)
    return _neutrophil(patch, rng, diameter, distance)


def paint_band(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a band neutrophil: a C, U or S of uniform width in the cytoplasm of a neutrophil."""
    distance = ribbon(
        patch,
        rng,
        radius=0.5 * diameter,
        half_width=diameter * rng.uniform(0.10, 0.145),
        sweep=rng.uniform(2.0, 4.3),
        waist=0.09,
    )
    return _neutrophil(patch, rng, diameter, distance)


def paint_eosinophil(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint an eosinophil: two, seldom three, lobes, the cytoplasm packed with coarse orange-red granules."""
    lobes = int(rng.choice([2, 3], p=[0.8, 0.2]))
    area = 0.25 * np.pi * diameter**2 * rng.uniform(0.26, 0.38)
    distance = segmented(patch, rng, lobes=lobes, radius=0.5 * diameter, area=area)
    style = Chromatin(rng.uniform(0.68, 0.95), rng.uniform(0.7, 1.1), 0.3, rim=0.25)
    cell = _body(patch, rng, diameter, roughness=0.02)
    dyes = _cytoplasm(patch, rng, cell, azure=rng.uniform(0.02, 0.2), purple=0.03, eosin=0.22)
    count = int(2.4 * diameter**2)
    points = scatter(count, 0.49 * diameter, rng)
    radii = np.clip(rng.normal(rng.uniform(0.3, 0.45), 0.07, count), 0.2, 0.62)
    packed = granules(patch, points, radii, rng.uniform(0.5, 1.0, count))
    packed = cell * (1.0 - np.exp(-0.9 * packed))
    dyes[EOSIN] += packed * np.float32(rng.uniform(0.35, 0.85))
    dyes[PURPLE] += packed * np.float32(rng.uniform(0.0, 0.08))
    return _with_nucleus(patch, dyes, cell, distance, rng, style=style, hidden=rng.uniform(0.1, 0.35))


def paint_basophil(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a basophil: coarse blue-violet granules that lie over a pale, blurred nucleus."""
    width = diameter * rng.uniform(0.19, 0.25)
    distance = ribbon(
        patch, rng, radius=0.46 * diameter, half_width=width, sweep=rng.uniform(1.2, 3.2), waist=0.15
    )
    style = Chromatin(rng.uniform(0.5, 0.85), 0.8, 0.25, rim=0.0)
    cell = _body(patch, rng, diameter, roughness=0.03)
    dyes = _cytoplasm(patch, rng, cell, azure=0.1, purple=rng.uniform(0.1, 0.3), eosin=0.1)
    dyes = _with_nucleus(patch, dyes, cell, distance, rng, style=style, hidden=0.5)
    count = int(diameter**2 * rng.uniform(0.45, 1.7))
    points = scatter(count, 0.5 * diameter, rng)
    radii = np.clip(rng.normal(rng.uniform(0.26, 0.42), 0.09, count), 0.15, 0.75)
    coarse = granules(patch, points, radii, rng.uniform(0.25, 1.3, count))
    coarse *= np.maximum(1.0 + 0.35 * mottle(patch, 1.6, rng) + 0.25 * mottle(patch, 0.4, rng), 0.1)
    coarse = (1.0 - np.exp(-1.2 * coarse)) * patch.coverage(outline(patch, 1.04 * diameter, rng))
    dyes[PURPLE] += coarse * np.float32(rng.uniform(0.4, 0.85))
    dyes[AZURE] += coarse * np.float32(rng.uniform(0.05, 0.3))
    return dyes


def paint_lymphocyte(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a lymphocyte: a round dense nucleus and a rim of blue cytoplasm, wider in large ones."""
    large = diameter > 11.0
    share = rng.uniform(0.68, 0.84) if large else rng.uniform(0.82, 0.95)
    angle, slack = rng.uniform(0.0, 2.0 * np.pi), 0.5 * diameter * (1.0 - share)
    off = slack * rng.uniform(0.3, 0.85)
    centre = (off * np.cos(angle), off * np.sin(angle))
    notch = rng.uniform(0.05, 0.14) if rng.random() < 0.35 else 0.0
    distance = rounded(patch, rng, diameter=share * diameter, centre=centre, notch=notch, blunt=0.3)
    style = Chromatin(
        rng.uniform(0.72, 0.9) if large else rng.uniform(0.85, 1.08), rng.uniform(0.7, 1.4), 0.24, rim=0.1
    )
    cell = _body(
        patch, rng, diameter, roughness=rng.uniform(0.015, 0.045), elongation=rng.uniform(0.02, 0.09), waves=6
    )
    dyes = _cytoplasm(patch, rng, cell, azure=rng.uniform(0.12, 0.65), purple=0.03, eosin=0.0, grain=0.1)
    if large and rng.random() < 0.4:
        few = int(rng.integers(4, 14))
        dots = granules(patch, scatter(few, 0.46 * diameter, rng), rng.uniform(0.15, 0.3, few), np.ones(few))
        dyes[PURPLE] += cell * np.minimum(dots, 1.0) * np.float32(0.6)
    return _with_nucleus(patch, dyes, cell, distance, rng, style=style)


def paint_monocyte(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a monocyte: folded or kidney-shaped lacy nucleus, ground-glass grey-blue cytoplasm, vacuoles."""
    if rng.random() < 0.5:
        distance = ribbon(
            patch,
            rng,
            radius=0.47 * diameter,
            half_width=diameter * rng.uniform(0.165, 0.22),
            sweep=rng.uniform(1.6, 3.4),
            waist=0.16,
        )
    else:
        off = rng.normal(0.0, 0.04 * diameter, 2)
        distance = rounded(
            patch,
            rng,
            diameter=diameter * rng.uniform(0.6, 0.74),
            centre=(float(off[0]), float(off[1])),
            notch=rng.uniform(0.1, 0.45),
            blunt=rng.uniform(0.06, 0.2),
            roughness=0.07,
            elongation=rng.uniform(0.05, 0.18),
        )
    distance = distance + np.float32(0.18) * mottle(patch, 2.2, rng)
    style = Chromatin(rng.uniform(0.68, 0.92), rng.uniform(0.6, 0.95), 0.34, rim=0.2, lacy=0.65)
    cell = _body(
        patch, rng, diameter, roughness=rng.uniform(0.02, 0.07), elongation=rng.uniform(0.02, 0.14), waves=5
    )
    dyes = _cytoplasm(
        patch, rng, cell, azure=rng.uniform(0.14, 0.36), purple=rng.uniform(0.08, 0.2), eosin=0.03, grain=0.11
    )
    dust = int(rng.integers(100, 300))
    fine = granules(patch, scatter(dust, 0.49 * diameter, rng), np.full(dust, 0.14), rng.random(dust))
    dyes[PURPLE] += cell * np.minimum(fine, 1.0) * np.float32(0.12)
    dyes = _with_nucleus(patch, dyes, cell, distance, rng, style=style)
    if rng.random() < 0.5:
        dyes[:DYES] *= 1.0 - _vacuoles(patch, rng, diameter)
    return dyes


def paint_promyelocyte(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a promyelocyte: a large round nucleus with nucleoli, blue cytoplasm, azurophil granules."""
    return _immature(patch, rng, diameter, share=rng.uniform(0.66, 0.8), notch=0.0, azure=0.6, purple=0.6)


def paint_myelocyte(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a myelocyte: a round or oval nucleus off the centre, bluish-pink cytoplasm with fine granules."""
    return _immature(patch, rng, diameter, share=rng.uniform(0.54, 0.66), notch=0.04, azure=0.28, purple=0.3)


def paint_metamyelocyte(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint a metamyelocyte: a kidney-shaped nucleus, indented by less than half its breadth."""
    notch = rng.uniform(0.14, 0.34)
    return _immature(
        patch, rng, diameter, share=rng.uniform(0.54, 0.65), notch=notch, azure=0.12, purple=0.25
    )


def paint_immature(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint an immature granulocyte of any of its three stages."""
    painters = (paint_promyelocyte, paint_myelocyte, paint_metamyelocyte)
    return painters[rng.integers(len(painters))](patch, rng, diameter)


def paint_erythroblast(patch: Patch, rng: np.random.Generator, diameter: float) -> Dyes:
    """Paint an erythroblast: a small round coal-black nucleus in grey-pink or blue-grey cytoplasm."""
    share = rng.uniform(0.45, 0.68)
    off = 0.5 * diameter * (1.0 - share) * rng.uniform(0.1, 0.8)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    centre = (off * np.cos(angle), off * np.sin(angle))
    distance = rounded(patch, rng, diameter=share * diameter, centre=centre, notch=0.0, elongation=0.04)
    style = Chromatin(rng.uniform(0.95, 1.15), rng.uniform(0.7, 1.1), rng.uniform(0.12, 0.3), rim=0.05)
    cell = _body(patch, rng, diameter, roughness=0.035, elongation=0.07)
    youth = rng.uniform(0.0, 1.0) ** 1.5
    dyes = _cytoplasm(patch, rng, cell, azure=0.08 + 0.5 * youth, purple=0.02, eosin=0.0, grain=0.08)
    dyes[HAEMOGLOBIN] = cell * np.float32(1.0 - 0.7 * youth)
    return _with_nucleus(patch, dyes, cell, distance, rng, style=style)


LEUKOCYTES: Mapping[CellClass, tuple[Painter, tuple[float, float, float, float]]] = {
    CellClass.NEUTROPHIL_BAND: (paint_band, (13.3, 1.0, 11.0, 16.0)),
    CellClass.NEUTROPHIL_SEGMENTED: (paint_segmented, (13.3, 1.0, 11.0, 16.0)),
    CellClass.EOSINOPHIL: (paint_eosinophil, (13.5, 0.9, 11.5, 16.5)),
    CellClass.BASOPHIL: (paint_basophil, (12.2, 0.9, 10.0, 15.0)),
    CellClass.LYMPHOCYTE: (paint_lymphocyte, (9.6, 1.5, 7.2, 15.0)),
    CellClass.MONOCYTE: (paint_monocyte, (16.3, 1.3, 14.0, 20.0)),
    CellClass.IMMATURE_GRANULOCYTE: (paint_immature, (15.0, 1.4, 12.0, 19.0)),
    CellClass.METAMYELOCYTE: (paint_metamyelocyte, (14.0, 1.2, 11.5, 17.0)),
    CellClass.MYELOCYTE: (paint_myelocyte, (14.8, 1.4, 12.0, 18.0)),
    CellClass.PROMYELOCYTE: (paint_promyelocyte, (17.0, 1.4, 14.0, 20.0)),
    CellClass.ERYTHROBLAST: (paint_erythroblast, (9.2, 0.8, 7.5, 12.0)),
}
"""Painter of each kind, and mean, standard deviation, least and greatest diameter (µm)."""


def _body(
    patch: Patch,
    rng: np.random.Generator,
    diameter: float,
    *,
    roughness: float = 0.025,
    elongation: float = 0.05,
    waves: int = 7,
) -> Plane:
    distance = outline(patch, diameter, rng, roughness=roughness, elongation=elongation, waves=waves)
    return patch.coverage(distance, softness_um=0.3)


def _cytoplasm(
    patch: Patch,
    rng: np.random.Generator,
    cell: Plane,
    *,
    azure: float,
    purple: float,
    eosin: float,
    grain: float = 0.15,
) -> Dyes:
    ground = 1.0 + np.float32(grain) * (mottle(patch, 0.45, rng) + 0.8 * mottle(patch, 2.5, rng))
    ground = np.maximum(ground, 0.2) * cell
    dyes = np.zeros((DYES + 2, *cell.shape), np.float32)
    dyes[CELL] = cell
    for dye, amount in ((AZURE, azure), (PURPLE, purple), (EOSIN, eosin)):
        if amount:
            dyes[dye] = ground * np.float32(amount)
    return dyes


def _with_nucleus(
    patch: Patch,
    dyes: Dyes,
    cell: Plane,
    distance: Plane,
    rng: np.random.Generator,
    *,
    style: Chromatin,
    hidden: float = 0.1,
) -> Dyes:
    cover, dye = paint_chromatin(patch, distance, style, rng)
    dye *= cell
    dyes[:DYES] *= 1.0 - cover * np.float32(1.0 - hidden)
    dyes[PURPLE] += dye
    dyes[NUCLEUS] = cover * cell
    return dyes


def _neutrophil(patch: Patch, rng: np.random.Generator, diameter: float, distance: Plane) -> Dyes:
    style = Chromatin(
        rng.uniform(0.85, 1.08), rng.uniform(0.7, 1.2), rng.uniform(0.2, 0.38), rim=0.2, lacy=0.3
    )
    cell = _body(patch, rng, diameter, roughness=rng.uniform(0.015, 0.05), elongation=rng.uniform(0.0, 0.1))
    dyes = _cytoplasm(
        patch, rng, cell, azure=rng.uniform(0.0, 0.06), purple=rng.uniform(0.04, 0.09), eosin=0.1, grain=0.14
    )
    dyes[HAEMOGLOBIN] = 0.15 * cell
    count = int(rng.integers(180, 420))
    fine = granules(
        patch, scatter(count, 0.49 * diameter, rng), rng.uniform(0.1, 0.2, count), rng.random(count)
    )
    dyes[PURPLE] += (
        cell * np.minimum(fine, 1.5) * np.float32(rng.choice([0.1, 0.18, 0.34], p=[0.4, 0.4, 0.2]))
    )
    return _with_nucleus(patch, dyes, cell, distance, rng, style=style)


def _immature(
    patch: Patch,
    rng: np.random.Generator,
    diameter: float,
    *,
    share: float,
    notch: float,
    azure: float,
    purple: float,
) -> Dyes:
    off = 0.5 * diameter * (1.0 - share) * rng.uniform(0.4, 0.9)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    centre = (off * np.cos(angle), off * np.sin(angle))
    distance = rounded(
        patch, rng, diameter=share * diameter, centre=centre, notch=notch, elongation=0.1, blunt=0.28
    )
    style = Chromatin(rng.uniform(0.62, 0.88), rng.uniform(0.8, 1.4), 0.2, rim=0.08, lacy=0.25)
    cell = _body(patch, rng, diameter, roughness=0.025, elongation=0.05)
    dyes = _cytoplasm(patch, rng, cell, azure=azure * rng.uniform(0.7, 1.3), purple=0.11, eosin=0.05)
    dyes = _with_nucleus(patch, dyes, cell, distance, rng, style=style, hidden=0.2)
    count = int(rng.integers(60, 260))
    radii = rng.uniform(0.12, 0.26, count)
    dots = granules(patch, scatter(count, 0.48 * diameter, rng), radii, rng.random(count))
    dyes[PURPLE] += cell * np.minimum(dots, 1.2) * np.float32(purple * rng.uniform(0.5, 1.2))
    if azure > 0.5:
        nucleoli = scatter(int(rng.integers(1, 4)), 0.22 * diameter, rng) + np.asarray(centre)
        pale = granules(patch, nucleoli, np.full(len(nucleoli), 0.9), np.full(len(nucleoli), 0.22))
        dyes[PURPLE] *= 1.0 - np.minimum(pale, 0.3)
    return dyes


def _vacuoles(patch: Patch, rng: np.random.Generator, diameter: float) -> Plane:
    count = int(rng.integers(1, 11))
    points = scatter(count, 0.44 * diameter, rng)
    away = np.hypot(points[:, 0], points[:, 1])[:, None]
    points *= np.maximum(away, 0.2 * diameter) / np.maximum(away, 1e-6)
    holes = granules(patch, points, rng.uniform(0.25, 0.75, count), rng.uniform(0.5, 0.95, count))
    return np.minimum(holes, np.float32(0.92))
