"""Measures of form: sizes, segments and filaments of the nucleus, place of the nucleus, moments."""

import cv2
import numpy as np
from numpy.typing import NDArray

from features.region import UM_PER_PX, Feature, Region, quantiles
from features.segmentation import Mask

_LOBE_UM2 = 1.2
_CUTS = np.linspace(0.1, 0.9, 9)
_RINGS = 4
_DARK_CUTS = (80, 100)
_NEAR = np.ones((3, 3), np.uint8)
_HU = "sign(h)·log10(1+10⁴·|h|) of Hu moment h"
_OWN = "this project"
_CLASSIC = "classical"


def _named(kind: str, text: str) -> list[Feature]:
    return [
        Feature(
            f"{kind}_circularity", "4π·A/P²", "ratio", f"roundness of the {text} (shape factor)", _CLASSIC
        ),
        Feature(f"{kind}_solidity", "A/A(convex hull)", "ratio", f"bays in the {text}", _CLASSIC),
        Feature(f"{kind}_eccentricity", "√(1−λ₂/λ₁), second moments", "ratio", f"oblong {text}", _CLASSIC),
        Feature(
            f"{kind}_extent", "A/A(least bounding rectangle)", "ratio", f"fullness of the {text}", _CLASSIC
        ),
    ]


FEATURES: tuple[Feature, ...] = (
    Feature("cell_diameter", "2√(A_cell/π)", "µm", "size of the cell", _CLASSIC),
    Feature("nucleus_area", "A_nucleus", "µm²", "size of the nucleus", _CLASSIC),
    Feature("nucleus_cell_ratio", "A_nucleus/A_cell", "ratio", "nucleus against cell (N:C)", _CLASSIC),
    Feature("nucleus_diameter", "2√(A_nucleus/π)", "µm", "size of the nucleus", _CLASSIC),
    Feature("segments", "connected parts of the nucleus", "count", "separate segments", _CLASSIC),
    Feature("lobes", "most parts ≥ 1.2 µm² left at any depth", "count", "lobes, filaments cut", _OWN),
    Feature("largest_segment", "A_1/A_nucleus", "ratio", "one nucleus or several", _CLASSIC),
    Feature("smallest_segment", "A_S/A_nucleus", "ratio", "equal or unequal segments", _CLASSIC),
    Feature(
        "second_segment",
        "A_2/A_nucleus, 0 where there is one",
        "ratio",
        "equal or unequal segments",
        _CLASSIC,
    ),
    *(
        Feature(
            f"dark_parts_{cut}",
            f"parts ≥ 1.2 µm² with nuclear stain above {cut} % of the nucleus's mean",
            "count",
            "lobes joined by pale threads",
            _OWN,
        )
        for cut in _DARK_CUTS
    ),
    *(
        Feature(
            f"dark_largest_{cut}",
            f"share of the largest part above {cut} % of the mean nuclear stain",
            "ratio",
            "one mass of chromatin or several",
            _OWN,
        )
        for cut in _DARK_CUTS
    ),
    Feature(
        "ridge_width_p10", "10th percentile of 2·depth along the midline", "µm", "band or segmented", _OWN
    ),
    Feature("ridge_width_p50", "median of 2·depth along the midline", "µm", "width of the ribbon", _OWN),
    Feature("ridge_length", "pixels of the midline/nucleus diameter", "ratio", "round or ribbon-like", _OWN),
    Feature("filament_width", "2·depth at which the nucleus parts", "µm", "band or segmented", _OWN),
    Feature("filament_ratio", "filament width/2·greatest depth", "ratio", "band or segmented", _OWN),
    Feature("nucleus_thickness", "2·greatest depth of the nucleus", "µm", "round or ribbon-like", _CLASSIC),
    Feature("nucleus_mean_depth", "mean depth/greatest depth", "ratio", "round or ribbon-like", _OWN),
    Feature("nucleus_ribbon", "greatest depth/√(A_nucleus/π)", "ratio", "round or ribbon-like", _OWN),
    Feature("indentation", "deepest bay/nucleus diameter", "ratio", "kidney, horseshoe", _CLASSIC),
    Feature(
        "indentation_second", "second deepest bay/nucleus diameter", "ratio", "more than one bay", _CLASSIC
    ),
    Feature("bays", "bays deeper than 0.7 µm", "count", "folds and lobes", _CLASSIC),
    *_named("nucleus", "nucleus"),
    *_named("segment", "largest segment"),
    *_named("cell", "cell"),
    *(Feature(f"segment_hu{k}", f"{_HU}_{k}, outline", "ratio", "form", "Hu 1962") for k in range(1, 8)),
    *(Feature(f"nucleus_hu{k}", f"{_HU}_{k}, all segments", "ratio", "form", "Hu 1962") for k in range(1, 5)),
    Feature("nucleus_spread", "radius of gyration/√(A_cell/π)", "ratio", "compact or spread nucleus", _OWN),
    Feature("nucleus_hull_cell", "A(hull of nucleus)/A_cell", "ratio", "cell filled by the lobes", _OWN),
    Feature("nucleus_holes", "A(holes)/A_nucleus", "ratio", "ring-shaped nucleus", _OWN),
    Feature(
        "eccentric_position", "|centroids' distance|/√(A_cell/π)", "ratio", "eccentric nucleus", _CLASSIC
    ),
    Feature("cytoplasm_rim", "mean cell depth of nuclear border", "µm", "width of the cytoplasm", _OWN),
    Feature("cytoplasm_width", "greatest distance to the nucleus", "µm", "widest cytoplasm", _OWN),
    Feature("nucleus_at_border", "share of nuclear border ≤ 0.7 µm deep", "ratio", "eccentric nucleus", _OWN),
    Feature("cell_radius_spread", "sd/mean of outline radius", "ratio", "smooth or amoeboid cell", _CLASSIC),
    *(
        Feature(f"nucleus_ring{k}", f"nuclear share, ring {k} of {_RINGS}", "ratio", "nuclear place", _OWN)
        for k in range(1, _RINGS + 1)
    ),
)
"""Measures of form, in the order of ``measure_shape``."""


def measure_shape(region: Region) -> dict[str, float]:
    """Measure form and place of nucleus and cell.

    Parameters
    ----------
    region : Region
        A prepared crop.

    Returns
    -------
    dict of str to float
        One finite value for each name of ``FEATURES``.

    References
    ----------
    Hu 1962, doi 10.1109/TIT.1962.1057692. Differs from it in the logarithmic scale.
    """
    area, cell_area = float(region.nucleus.sum()), float(region.cell.sum())
    cell_radius = float(np.sqrt(cell_area / np.pi))
    diameter = 2 * float(np.sqrt(area / np.pi))
    values = {
        "cell_diameter": 2 * cell_radius * UM_PER_PX,
        "nucleus_area": area * UM_PER_PX**2,
        "nucleus_cell_ratio": area / cell_area,
        "nucleus_diameter": diameter * UM_PER_PX,
        "segments": float(len(region.segments)),
        "largest_segment": float(region.segment_areas[0]) / area,
        "smallest_segment": float(region.segment_areas[-1]) / area,
    }
    values["second_segment"] = float(region.segment_areas[1]) / area if len(region.segment_areas) > 1 else 0.0
    values |= _filaments(region) | _dark_parts(region) | _ridge(region, diameter)
    values |= _bays(region, diameter)
    everything = np.concatenate(region.segments)
    values |= _outline("nucleus", region.nucleus, everything, sum(map(_perimeter, region.segments)))
    largest = np.zeros(region.nucleus.shape, np.uint8)
    cv2.drawContours(largest, [region.segments[0]], 0, 1.0, cv2.FILLED)
    values |= _outline("segment", largest > 0, region.segments[0], _perimeter(region.segments[0]))
    values |= _outline("cell", region.cell, region.outline, _perimeter(region.outline))
    values |= _hu("segment", cv2.moments(largest, True), 7) | _hu("nucleus", _moments(region.nucleus), 4)
    values |= _place(region, everything, cell_radius)
    return values


def _perimeter(contour: NDArray[np.int32]) -> float:
    if len(contour) < 3:
        return max(float(cv2.arcLength(contour, True)), 1.0)
    points = contour[:, 0].astype(np.float64)
    smooth = (np.roll(points, 1, 0) + points + np.roll(points, -1, 0)) / 3
    return max(float(np.linalg.norm(smooth - np.roll(smooth, 1, 0), axis=1).sum()), 1.0)


def _moments(mask: Mask) -> dict[str, float]:
    return dict(cv2.moments(mask.astype(np.uint8), True))


def _outline(kind: str, mask: Mask, points: NDArray[np.int32], perimeter: float) -> dict[str, float]:
    area = float(mask.sum())
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(points), 1.0)
    box = cv2.minAreaRect(points)[1]
    m = _moments(mask)
    a, b, c = m["mu20"] / area + 1 / 12, m["mu02"] / area + 1 / 12, m["mu11"] / area
    root = float(np.hypot((a - b) / 2, c))
    minor, major = (a + b) / 2 - root, (a + b) / 2 + root
    return {
        f"{kind}_circularity": min(4 * np.pi * area / perimeter**2, 1.5),
        f"{kind}_solidity": area / max(float(hull.sum()), area),
        f"{kind}_eccentricity": float(np.sqrt(max(0.0, 1 - minor / major))),
        f"{kind}_extent": min(1.0, area / ((box[0] + 1) * (box[1] + 1))),
    }


def _hu(kind: str, moments: "dict[str, float] | cv2.typing.Moments", count: int) -> dict[str, float]:
    hu = cv2.HuMoments(dict(moments)).ravel()
    if count > 6:
        hu[6] = abs(hu[6])
    return {f"{kind}_hu{k + 1}": float(np.sign(hu[k]) * np.log10(1 + 1e4 * abs(hu[k]))) for k in range(count)}


def _filaments(region: Region) -> dict[str, float]:
    rows, cols = (np.flatnonzero(region.nucleus.any(axis=axis)) for axis in (1, 0))
    depth = region.nucleus_depth[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    deepest = float(depth.max())
    least = _LOBE_UM2 / UM_PER_PX**2
    parts = int(np.sum(region.segment_areas >= least))
    lobes, parting = max(parts, 1), 0.0 if parts > 1 else deepest
    for cut in _CUTS * deepest:
        stats = cv2.connectedComponentsWithStats((depth > cut).astype(np.uint8), connectivity=8)[2]
        shrunk = least * (1 - 0.5 * cut / deepest)
        count = int(np.sum(stats[1:, cv2.CC_STAT_AREA] >= shrunk))
        lobes = max(lobes, count)
        if count > 1 and parts <= 1:
            parting = min(parting, float(cut))
    return {
        "lobes": float(lobes),
        "filament_width": 2 * parting * UM_PER_PX,
        "filament_ratio": parting / deepest,
        "nucleus_thickness": 2 * deepest * UM_PER_PX,
        "nucleus_mean_depth": float(depth[depth > 0].mean()) / deepest,
        "nucleus_ribbon": deepest / float(np.sqrt(region.nucleus.sum() / np.pi)),
    }


def _dark_parts(region: Region) -> dict[str, float]:
    d = region.density
    stain = np.asarray(cv2.GaussianBlur(d[..., 0] + d[..., 1] - d[..., 2], (0, 0), 0.8), np.float32)
    stain[~region.nucleus] = -1
    mean = max(float(stain[region.nucleus].mean()), 0.0)
    values = {}
    for cut in _DARK_CUTS:
        dark = (stain > cut / 100 * mean).astype(np.uint8)
        areas = cv2.connectedComponentsWithStats(dark, connectivity=4)[2][1:, cv2.CC_STAT_AREA]
        total = int(areas.sum())
        values[f"dark_parts_{cut}"] = float(np.sum(areas * UM_PER_PX**2 >= _LOBE_UM2))
        values[f"dark_largest_{cut}"] = float(areas.max()) / total if total else 1.0
    return values


def _ridge(region: Region, diameter: float) -> dict[str, float]:
    depth = region.nucleus_depth
    mean, most = np.asarray(cv2.blur(depth, (3, 3))), np.asarray(cv2.dilate(depth, _NEAR))
    widths = 2 * UM_PER_PX * depth[(depth > 0) & (depth > mean + 0.15) & (depth > most - 0.9)]
    if not len(widths):
        widths = np.array([2 * UM_PER_PX * float(depth.max())])
    low, middle = quantiles(widths, (0.1, 0.5))
    return {
        "ridge_width_p10": low,
        "ridge_width_p50": middle,
        "ridge_length": len(widths) / diameter,
    }


def _bays(region: Region, diameter: float) -> dict[str, float]:
    depths = np.zeros(2)
    contour = region.segments[0]
    if len(contour) > 4:
        hull = np.sort(cv2.convexHull(contour, returnPoints=False), axis=0)[::-1]
        defects = cv2.convexityDefects(contour, np.ascontiguousarray(hull)) if len(hull) > 3 else None
        if defects is not None:
            depths = np.sort(np.append(defects.reshape(-1, 4)[:, 3] / 256.0, [0.0, 0.0]))[::-1]
    return {
        "indentation": float(depths[0]) / diameter,
        "indentation_second": float(depths[1]) / diameter,
        "bays": float(np.sum(depths * UM_PER_PX > 0.7)),
    }


def _place(region: Region, everything: NDArray[np.int32], cell_radius: float) -> dict[str, float]:
    nucleus, cell = _moments(region.nucleus), _moments(region.cell)
    area, cell_area = nucleus["m00"], cell["m00"]
    across, down = (nucleus[k] / area - cell[k] / cell_area for k in ("m10", "m01"))
    hull = np.zeros(region.nucleus.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(everything), 1.0)
    solid = np.zeros(region.nucleus.shape, np.uint8)
    cv2.drawContours(solid, list(region.segments), -1, 1.0, cv2.FILLED)
    rim = region.cell_depth[everything[:, 0, 1], everything[:, 0, 0]]
    points = region.outline[:, 0] - np.array([cell["m10"], cell["m01"]]) / cell_area
    radii = np.linalg.norm(points, axis=1)
    ring = np.minimum((region.cell_depth / (region.cell_depth.max() + 1e-6) * _RINGS).astype(int), _RINGS - 1)
    totals = np.bincount(ring[region.cell], minlength=_RINGS)
    inside = np.bincount(ring[region.nucleus], minlength=_RINGS)
    return {
        "nucleus_spread": float(np.sqrt((nucleus["mu20"] + nucleus["mu02"]) / area)) / cell_radius,
        "nucleus_hull_cell": float(hull.sum()) / cell_area,
        "nucleus_holes": max(0.0, float(solid.sum()) - area) / area,
        "eccentric_position": float(np.hypot(across, down)) / cell_radius,
        "cytoplasm_rim": float(rim.mean()) * UM_PER_PX,
        "cytoplasm_width": float(region.from_nucleus[region.cell].max()) * UM_PER_PX,
        "nucleus_at_border": float(np.mean(rim * UM_PER_PX <= 0.7)),
        "cell_radius_spread": float(radii.std() / max(float(radii.mean()), 1e-6)),
    } | {f"nucleus_ring{k + 1}": float(inside[k] / max(totals[k], 1)) for k in range(_RINGS)}
