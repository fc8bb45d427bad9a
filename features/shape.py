"""Measures of form: sizes, segments and filaments of the nucleus, place of the nucleus, moments."""

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from features.components import components
from features.region import UM_PER_PX, Feature, Group, Region, named, quantiles
from features.segmentation import Mask

_LOBE_UM2 = 1.2
_CUTS = np.linspace(0.1, 0.9, 9)
_RINGS = 4
_DARK_CUTS = (80, 100)
_NEAR = np.ones((3, 3), np.uint8)
_HU = "sign(h)·log10(1+10⁴·|h|) of Hu moment h"
_OWN = "this project"
_CLASSIC = "classical"
_Points = NDArray[np.int32]
_Moments = Mapping[str, float]


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
"""Measures of form, in the order of the table."""


def _sizes(region: Region) -> dict[str, float]:
    area, cell_area = len(region.nucleus.places), len(region.cell.places)
    shares = region.segment_areas / area
    return {
        "cell_diameter": 2 * _radius(cell_area) * UM_PER_PX,
        "nucleus_area": area * UM_PER_PX**2,
        "nucleus_cell_ratio": area / cell_area,
        "nucleus_diameter": 2 * _radius(area) * UM_PER_PX,
        "segments": float(len(shares)),
        "largest_segment": float(shares[0]),
        "smallest_segment": float(shares[-1]),
        "second_segment": float(shares[1]) if len(shares) > 1 else 0.0,
    }


def _radius(area: float) -> float:
    return math.sqrt(area / math.pi)


def _forms(region: Region) -> dict[str, float]:
    """Measure outlines, moments and places, which share masks, moments and hulls."""
    everything = np.concatenate(region.segments)
    hull = cv2.convexHull(everything)
    whole, cell = _moments(region.nucleus.mask), _moments(region.cell.mask)
    shape = region.nucleus.mask.shape
    hull_area = _hull_area(hull, shape)
    main, main_hull, main_area = whole, hull, hull_area
    largest = np.zeros(shape, np.uint8)
    cv2.drawContours(largest, [region.segments[0]], 0, 1.0, cv2.FILLED)
    if len(region.segments) > 1:
        main, main_hull = cv2.moments(largest, True), cv2.convexHull(region.segments[0])
        main_area = _hull_area(main_hull, shape)
    elif cv2.countNonZero(largest) != len(region.nucleus.places):
        main = cv2.moments(largest, True)
    lengths = [_perimeter(segment) for segment in region.segments]
    values = _outline("nucleus", whole, hull, hull_area, sum(lengths))
    values |= _outline("segment", main, main_hull, main_area, lengths[0])
    around = cv2.convexHull(region.outline)
    values |= _outline("cell", cell, around, _hull_area(around, shape), _perimeter(region.outline))
    values |= _hu("segment", main, 7) | _hu("nucleus", whole, 4)
    values["nucleus_hull_cell"] = hull_area / cell["m00"]
    return values | _place(region, everything, whole, cell)


def _perimeter(contour: NDArray[np.int32]) -> float:
    if len(contour) < 3:
        return max(float(cv2.arcLength(contour, True)), 1.0)
    points = contour.reshape(-1, 2).astype(np.float64).view(np.complex128).ravel()
    closed = np.concatenate([points[-1:], points, points[:2]])
    smooth = (closed[:-2] + closed[1:-1] + closed[2:]) / 3
    return max(float(np.abs(smooth[1:] - smooth[:-1]).sum()), 1.0)


def _moments(mask: Mask) -> _Moments:
    return cv2.moments(mask.view(np.uint8), True)


def _hull_area(hull: "cv2.typing.MatLike", shape: tuple[int, ...]) -> float:
    filled = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(filled, hull, 1.0)
    return float(cv2.countNonZero(filled))


def _outline(
    kind: str, m: _Moments, hull: "cv2.typing.MatLike", hull_area: float, perimeter: float
) -> dict[str, float]:
    area = m["m00"]
    box = cv2.minAreaRect(hull)[1]
    a, b, c = m["mu20"] / area + 1 / 12, m["mu02"] / area + 1 / 12, m["mu11"] / area
    root = math.hypot((a - b) / 2, c)
    minor, major = (a + b) / 2 - root, (a + b) / 2 + root
    return {
        f"{kind}_circularity": min(4 * math.pi * area / perimeter**2, 1.5),
        f"{kind}_solidity": area / max(hull_area, area),
        f"{kind}_eccentricity": math.sqrt(max(0.0, 1 - minor / major)),
        f"{kind}_extent": min(1.0, area / ((box[0] + 1) * (box[1] + 1))),
    }


def _hu(kind: str, moments: _Moments, count: int) -> dict[str, float]:
    hu = cv2.HuMoments(dict(moments)).ravel().tolist()
    hu[6] = abs(hu[6])
    return {f"{kind}_hu{k + 1}": math.copysign(math.log10(1 + 1e4 * abs(hu[k])), hu[k]) for k in range(count)}


def _filaments(region: Region) -> dict[str, float]:
    depth = region.nucleus_depth[region.nucleus.box]
    deepest = float(depth.max())
    least = _LOBE_UM2 / UM_PER_PX**2
    parts = int(np.sum(region.segment_areas >= least))
    cuts = _CUTS * deepest
    height, width = depth.shape
    layers = np.zeros((len(cuts), height + 1, width), np.uint8)
    layers[:, :height] = depth > cuts[:, None, None]
    labels, areas = components(layers.reshape(-1, width), connectivity=8)
    shares = [np.bincount(layer.ravel(), minlength=len(areas))[1:] for layer in labels.reshape(layers.shape)]
    counts = (np.stack(shares) >= (least * (1 - 0.5 * cuts / deepest))[:, None]).sum(axis=1)
    parting = 0.0 if parts > 1 else min([deepest, *cuts[counts > 1].tolist()])
    return {
        "lobes": float(max(parts, 1, int(counts.max()))),
        "filament_width": 2 * parting * UM_PER_PX,
        "filament_ratio": parting / deepest,
        "nucleus_thickness": 2 * deepest * UM_PER_PX,
        "nucleus_mean_depth": float(depth[depth > 0].mean()) / deepest,
        "nucleus_ribbon": deepest / _radius(len(region.nucleus.places)),
    }


def _dark_parts(region: Region) -> dict[str, float]:
    d, nucleus = region.density, region.nucleus.mask
    stain = np.asarray(cv2.GaussianBlur(d[..., 0] + d[..., 1] - d[..., 2], (0, 0), 0.8), np.float32)
    stain[~nucleus] = -1
    mean = max(float(stain[nucleus].mean()), 0.0)
    values = {}
    for cut in _DARK_CUTS:
        areas = components(stain > cut / 100 * mean, connectivity=4)[1][1:]
        total = int(areas.sum())
        values[f"dark_parts_{cut}"] = float(np.sum(areas * UM_PER_PX**2 >= _LOBE_UM2))
        values[f"dark_largest_{cut}"] = float(areas.max()) / total if total else 1.0
    return values


def _ridge(region: Region) -> dict[str, float]:
    depth = region.nucleus_depth
    mean, most = np.asarray(cv2.blur(depth, (3, 3))), np.asarray(cv2.dilate(depth, _NEAR))
    widths = 2 * UM_PER_PX * depth[(depth > 0) & (depth > mean + 0.15) & (depth > most - 0.9)]
    if not len(widths):
        widths = np.array([2 * UM_PER_PX * float(depth.max())])
    low, middle = quantiles(widths, (0.1, 0.5))
    return {
        "ridge_width_p10": low,
        "ridge_width_p50": middle,
        "ridge_length": len(widths) / (2 * _radius(len(region.nucleus.places))),
    }


def _bays(region: Region) -> dict[str, float]:
    depths, diameter = np.zeros(2), 2 * _radius(len(region.nucleus.places))
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


def _place(region: Region, everything: _Points, nucleus: _Moments, cell: _Moments) -> dict[str, float]:
    area, cell_area = nucleus["m00"], cell["m00"]
    radius = _radius(cell_area)
    across, down = (nucleus[k] / area - cell[k] / cell_area for k in ("m10", "m01"))
    solid = np.zeros(region.nucleus.mask.shape, np.uint8)
    cv2.drawContours(solid, list(region.segments), -1, 1.0, cv2.FILLED)
    rim = region.cell_depth[everything[:, 0, 1], everything[:, 0, 0]]
    points = region.outline[:, 0] - np.array([cell["m10"], cell["m01"]]) / cell_area
    radii = np.hypot(points[:, 0], points[:, 1])
    depth = region.cell_depth.take(region.cell.places)
    ring = np.minimum((depth / (depth.max() + 1e-6) * _RINGS).astype(np.uint8), _RINGS - 1)
    totals = np.bincount(ring, minlength=_RINGS).tolist()
    inside = np.bincount(ring[region.nucleus.mask.take(region.cell.places)], minlength=_RINGS).tolist()
    return {
        "nucleus_spread": math.sqrt((nucleus["mu20"] + nucleus["mu02"]) / area) / radius,
        "nucleus_holes": max(0, cv2.countNonZero(solid) - area) / area,
        "eccentric_position": math.hypot(across, down) / radius,
        "cytoplasm_rim": float(rim.mean()) * UM_PER_PX,
        "cytoplasm_width": float(region.from_nucleus.take(region.cell.places).max()) * UM_PER_PX,
        "nucleus_at_border": int(np.count_nonzero(rim * UM_PER_PX <= 0.7)) / len(rim),
        "cell_radius_spread": float(radii.std() / max(float(radii.mean()), 1e-6)),
    } | {f"nucleus_ring{k + 1}": inside[k] / max(totals[k], 1) for k in range(_RINGS)}


_GROUPED = (
    (_filaments, ("lobes", "filament_", "nucleus_thickness", "nucleus_mean_depth", "nucleus_ribbon")),
    (_dark_parts, ("dark_",)),
    (_ridge, ("ridge_",)),
    (_bays, ("indentation", "bays")),
    (
        _sizes,
        (
            "cell_diameter",
            "nucleus_area",
            "nucleus_cell_ratio",
            "nucleus_diameter",
            "segments",
            "largest_segment",
            "smallest_segment",
            "second_segment",
        ),
    ),
)
_OTHERS = frozenset(f.name for f in FEATURES) - {n for _, s in _GROUPED for n in named(FEATURES, *s)}

GROUPS: tuple[Group, ...] = (
    *(Group(named(FEATURES, *starts), function) for function, starts in _GROUPED),
    Group(_OTHERS, _forms),
)
"""How the measures of form are taken.

Moments are those of Hu 1962, doi 10.1109/TIT.1962.1057692, on a logarithmic scale.
"""
