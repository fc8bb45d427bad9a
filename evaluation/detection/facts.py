"""What can be measured at the place of a false find or a miss, for the suggestion of its cause."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX
from detector.samples import TrainingField
from detector.truth import Box
from detector.working_scale import working_densities
from detector.yardstick import erythrocyte_density
from evaluation.detection.truth import FieldTruth
from evaluation.finds import FieldOutcome
from features.crops import cut_cell
from slides.optics import optical_density

_SIDE = 64
_PX = float(CROP_ERYTHROCYTE_PX) * _SIDE / CROP_PX
_AREA = np.pi * (_PX / 2) ** 2
_DENSE = 1.6
_HAEM_LOSS = 0.6
_LEAST_PIECE = 0.03
_STAINED = 0.35
_LEAST_HAEM = -0.35
_DENSEST = 2.6
_BORDER = 2.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured at a place. Lengths in erythrocyte diameters, areas in erythrocyte areas.

    Parameters
    ----------
    diameter : float
        Estimated diameter of the find, or mean side of the box.
    at_border : bool
        Whether the image border cuts it: the detector's word for a find, 2 px for a box.
    nuclear_area : float
        Area of nuclear stain within the disc of that diameter (1 to 2.8): green density above 1.6 times that
        of the field's erythrocytes, and blue density short of an erythrocyte's of the same green density by
        more than 0.6 of that yardstick, for want of haemoglobin.
    largest_piece : float
        Area of the largest connected piece of it.
    pieces : int
        Number of its pieces of at least 0.03.
    density : float
        Median green optical density of these pixels over that of the field's erythrocytes; 0 without any.
    edge : float
        Mean step of green density across the outline of these pixels, over their mean green density, per 0.1
        erythrocyte diameters.
    grey : float
        Lowest over highest of the red, green and blue optical density, median over the darkest tenth of the
        disc: near 1 for black, below 0.6 for stained cells.
    darkness : float
        Mean optical density of that tenth.
    erythrocyte : float
        Share of the disc that is coloured as the field's erythrocytes are.
    platelets : int
        Platelet boxes of the truth whose centre lies in the disc.
    box_gap : float
        Distance to the nearest other leukocyte box's centre over half its mean side; infinity without one.
    box_taken : bool
        Whether another find holds that box.
    overlap : float
        For a miss: greatest intersection over union with another leukocyte box; else 0.
    """

    diameter: float
    at_border: bool
    nuclear_area: float
    largest_piece: float
    pieces: int
    density: float
    edge: float
    grey: float
    darkness: float
    erythrocyte: float
    platelets: int
    box_gap: float
    box_taken: bool
    overlap: float


def yardstick(truth: TrainingField) -> NDArray[np.float64]:
    """Return the optical density of a field's erythrocytes, shape (3,), which its places are measured by."""
    densities = working_densities(truth.image, truth.white, erythrocyte_px=truth.erythrocyte_px)
    return erythrocyte_density(densities)


def measure(
    truth: TrainingField,
    field: FieldTruth,
    outcome: FieldOutcome,
    *,
    row: float,
    col: float,
    size_px: float,
    box: Box | None,
    yard: NDArray[np.float64],
    cut: bool = False,
) -> Facts:
    """Measure what stands at a place.

    Parameters
    ----------
    truth : TrainingField
        The field with its image.
    field : FieldTruth
        Its truth.
    outcome : FieldOutcome
        The finds against the truth.
    row, col : float
        Centre of the place in pixels.
    size_px : float
        Diameter of the find or mean side of the box, in px.
    box : Box or None
        The box of a miss.
    yard : ndarray of shape (3,), float64
        What `yardstick` returned for the field.
    cut : bool, optional
        Whether the detector says that the border cuts the find.

    Returns
    -------
    Facts
        What was measured.
    """
    px = truth.erythrocyte_px
    diameter = size_px / px
    at_border = cut
    if box is not None:
        at_border = min(box.x0, box.y0, field.width - box.x1, field.height - box.y1) < _BORDER
    gap, taken, overlap = _neighbour(outcome, truth.leukocytes, row, col, box)
    radius = 0.5 * min(max(diameter, 1.0), 2.8) * px
    platelets = sum(np.hypot(one.centre[0] - row, one.centre[1] - col) <= radius for one in field.platelets)
    return Facts(
        diameter,
        at_border,
        *_colours(truth, (row, col), diameter, yard),
        platelets=int(platelets),
        box_gap=gap,
        box_taken=taken,
        overlap=overlap,
    )


def _neighbour(
    outcome: FieldOutcome, leukocytes: tuple[Box, ...], row: float, col: float, box: Box | None
) -> tuple[float, bool, float]:
    others = [one for one in leukocytes if one is not box]
    if not others:
        return np.inf, False, 0.0
    gaps = [np.hypot(one.centre[0] - row, one.centre[1] - col) / (0.5 * one.size) for one in others]
    nearest = others[int(np.argmin(gaps))]
    taken = any(held == nearest for _, held in outcome.pairs)
    overlap = max((_overlap(box, one) for one in others), default=0.0) if box is not None else 0.0
    return float(min(gaps)), taken, overlap


def _overlap(one: Box, other: Box) -> float:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    if across <= 0 or down <= 0:
        return 0.0
    common = across * down
    return common / (one.width * one.height + other.width * other.height - common)


def _colours(
    truth: TrainingField, place: tuple[float, float], diameter: float, yard: NDArray[np.float64]
) -> tuple[float, float, int, float, float, float, float, float]:
    white = truth.white
    crop = cut_cell(truth.image, *place, erythrocyte_px=truth.erythrocyte_px, white=white, size=_SIDE)
    density = optical_density(crop, white)
    green, blue = density[..., 1], density[..., 2]
    stain = green / yard[1]
    haem = (blue - green * (yard[2] / yard[1])) / yard[1]
    disc = _disc(0.5 * min(max(diameter, 1.0), 2.8) * _PX)
    mask = (stain > _DENSE) & (haem < -_HAEM_LOSS) & disc
    sizes = _pieces(mask)
    kept = mask if sizes.size else np.zeros_like(mask)
    darkest = np.argsort(density.mean(axis=2)[disc])[-max(1, int(disc.sum()) // 10) :]
    dark = density[disc][darkest]
    alike = (stain > _STAINED) & (stain < _DENSEST) & (haem > _LEAST_HAEM) & disc
    return (
        float(kept.sum() / _AREA),
        float(sizes.max(initial=0) / _AREA),
        int((sizes >= _LEAST_PIECE * _AREA).sum()),
        float(np.median(stain[kept])) if kept.any() else 0.0,
        _edge(stain, kept),
        float(np.median(dark.min(axis=1) / np.maximum(dark.max(axis=1), 1e-6))),
        float(dark.mean()),
        float(alike.sum() / disc.sum()),
    )


def _disc(radius: float) -> NDArray[np.bool_]:
    away = np.arange(_SIDE) - (_SIDE - 1) / 2
    return np.asarray(np.hypot(away[:, None], away[None, :]) <= radius)


def _pieces(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(stats[1:count, cv2.CC_STAT_AREA], np.int32)


def _edge(stain: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    if not mask.any():
        return 0.0
    across = cv2.Sobel(stain.astype(np.float32), cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(stain.astype(np.float32), cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    solid = mask.astype(np.uint8)
    rim = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(bool)
    return float(np.hypot(across, down)[rim].mean() * 0.1 * _PX / stain[mask].mean())
