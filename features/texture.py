"""Measures of texture: co-occurrence, local binary patterns and granularity by size."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from features.components import grown
from features.region import UM_PER_PX, Feature, Group, Part, Region, named, quantiles

_PARTS = ("nucleus", "cytoplasm")
_LEVELS = 8
_CODES = _LEVELS + 1
_STEPS = {1: ((0, 1), (1, 0), (1, 1), (1, -1)), 3: ((0, 3), (3, 0), (2, 2), (2, -2))}
_HARALICK = ("contrast", "homogeneity", "correlation", "entropy")
_PATTERNS = 10
_SIGMAS = (0.7, 1.2, 2.0, 3.4)
_DISCS = (3, 5, 9)
_GLCM, _LBP, _OWN = "Haralick 1973", "Ojala 2002", "this project"


def _table() -> list[Feature]:
    rows: list[Feature] = []
    for part in _PARTS:
        rows += [
            Feature(
                f"{part}_glcm_{name}_{step}", f"GLCM {name}, {step} px, 8 levels", "ratio", "grain", _GLCM
            )
            for step in _STEPS
            for name in _HARALICK
        ]
        rows += [
            Feature(f"{part}_lbp_{k}", f"share of uniform pattern {k} of 9", "ratio", "fine grain", _LBP)
            for k in range(_PATTERNS)
        ]
        rows += [
            Feature(
                f"{part}_grain_{k}",
                f"sd of the band σ {a}–{b} px of green OD/(mean+0.05)",
                "ratio",
                f"grain of {2 * b * UM_PER_PX:.1f} µm",
                _OWN,
            )
            for k, (a, b) in enumerate(pairwise(_SIGMAS), start=1)
        ]
        rows += [
            Feature(
                f"{part}_{kind}_{size}",
                f"mean {text} by a disc of {size} px/(mean OD+0.05)",
                "ratio",
                f"{what} below {size * UM_PER_PX:.1f} µm",
                "Serra 1982",
            )
            for size in _DISCS
            for kind, text, what in (
                ("dark", "top-hat", "granules"),
                ("bright", "bottom-hat", "vacuoles, gaps"),
            )
        ]
    return rows


FEATURES: tuple[Feature, ...] = tuple(_table())
"""Measures of texture, in the order of the table."""

_RING = 1.5
_I, _J = np.mgrid[:_LEVELS, :_LEVELS].astype(np.float64)
_SQUARES = (_I - _J) ** 2
_WEIGHTS = np.stack([_I, _I**2, _I * _J, _SQUARES, 1 / (1 + _SQUARES)], axis=-1).reshape(-1, 5)


def _binary_pattern_table() -> NDArray[np.uint8]:
    codes = np.arange(256)
    bits = (codes[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


_UNIFORM = _binary_pattern_table()


def _parts(region: Region) -> dict[str, Part]:
    return {"nucleus": region.nucleus, "cytoplasm": region.cytoplasm}


def _binary_patterns(region: Region) -> dict[str, float]:
    patterns = _patterns(region)
    values: dict[str, float] = {}
    for name, part in _parts(region).items():
        share = np.bincount(patterns.take(part.places), minlength=_PATTERNS) / len(part.places)
        values |= {f"{name}_lbp_{k}": v for k, v in enumerate(share.tolist())}
    return values


def _grain(region: Region) -> dict[str, float]:
    """Measure bands and hats: their spread and mean in each part."""
    soft = np.empty((len(_SIGMAS), *region.green.shape), np.float32)
    for image, sigma in zip(soft, _SIGMAS, strict=True):
        cv2.GaussianBlur(region.green, (0, 0), sigma, dst=image)
    near = grown(region.cell.box, max(_DISCS) - 1)
    hats = _hats(np.ascontiguousarray(region.green[near]))
    names = [f"{kind}_{size}" for size in _DISCS for kind in ("dark", "bright")]
    values: dict[str, float] = {}
    for name, part in _parts(region).items():
        mean = float(part.pixels[:, 1].mean()) + 0.05
        levels = soft.reshape(len(soft), -1).take(part.places, axis=1)
        spreads = (levels[:-1] - levels[1:]).std(axis=1).tolist()
        places = np.flatnonzero(part.mask[near])
        found = hats.reshape(len(hats), -1).take(places, axis=1).mean(axis=1).tolist()
        values |= {f"{name}_grain_{k}": spread / mean for k, spread in enumerate(spreads, start=1)}
        values |= {f"{name}_{hat}": level / mean for hat, level in zip(names, found, strict=True)}
    return values


def _hats(green: NDArray[np.float32]) -> NDArray[np.float32]:
    hats = np.empty((2 * len(_ELEMENTS), *green.shape), np.float32)
    for number, disc in enumerate(_ELEMENTS):
        cv2.morphologyEx(green, cv2.MORPH_TOPHAT, disc, dst=hats[2 * number])
        cv2.morphologyEx(green, cv2.MORPH_BLACKHAT, disc, dst=hats[2 * number + 1])
    return hats


def _patterns(region: Region) -> NDArray[np.uint8]:
    """Return the pattern of each pixel of the window; 0 in rows more than 2 px away from the cell."""
    rows = grown(region.cell.box, 2)[0]
    blurred = np.asarray(cv2.GaussianBlur(region.green, (0, 0), 0.8), np.float32)
    image = np.ascontiguousarray(blurred[rows])
    code = np.zeros(image.shape, np.uint8)
    for k, kernel in enumerate(_NEIGHBOURS):
        near = np.asarray(cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE))
        code |= (near >= image).view(np.uint8) << np.uint8(k)
    patterns = np.zeros(blurred.shape, np.uint8)
    patterns[rows] = _UNIFORM.take(code)
    return patterns


def _neighbours() -> list[NDArray[np.float32]]:
    kernels = []
    for turn in np.arange(8) * np.pi / 4:
        across = np.maximum(0, 1 - np.abs(np.arange(-2, 3) - _RING * np.cos(turn)))
        down = np.maximum(0, 1 - np.abs(np.arange(-2, 3) - _RING * np.sin(turn)))
        kernels.append(np.outer(down, across).astype(np.float32))
    return kernels


_NEIGHBOURS = _neighbours()
_ELEMENTS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)) for size in _DISCS]


def _cooccurrence(region: Region) -> dict[str, float]:
    """Measure all matrices together, one a row."""
    parts = _parts(region)
    counts = np.concatenate([_counts(region.green, part) for part in parts.values()])
    counts = counts + counts.transpose(0, 2, 1)
    flat = counts.reshape(len(counts), -1)
    total = flat.sum(axis=1, keepdims=True)
    p = np.where(total > 0, flat / np.maximum(total, 1), 1 / _LEVELS**2)
    mean, square, product, contrast, homogeneity = (p @ _WEIGHTS).T
    variance, covariance = square - mean**2, product - mean**2
    columns = {
        "contrast": contrast,
        "homogeneity": homogeneity,
        "correlation": np.where(variance > 1e-9, covariance / np.maximum(variance, 1e-9), 1.0),
        "entropy": -(p * np.log2(p + 1e-12)).sum(axis=1),
    }
    rows = [(part, step) for part in parts for step in _STEPS]
    return {
        f"{part}_glcm_{name}_{step}": value
        for name, column in columns.items()
        for (part, step), value in zip(rows, column.tolist(), strict=True)
    }


def _counts(green: NDArray[np.float32], part: Part) -> NDArray[np.int64]:
    """Count the pairs of levels at each step, shape (len(_STEPS), _LEVELS, _LEVELS)."""
    box = part.box
    low, high = quantiles(part.pixels[:, 1], (0.02, 0.98))
    scaled = (green[box] - np.float32(low)) * np.float32(_LEVELS / max(high - low, 0.02))
    height, width = scaled.shape
    reach = max(_STEPS)
    levels = np.full((height + reach, width + reach), _LEVELS, np.uint8)
    inner = levels[:height, :width]
    inner[:] = np.clip(scaled, 0, _LEVELS - 1)
    inner[~part.mask[box]] = _LEVELS
    ahead, size = levels.ravel(), height * (width + reach)
    first = ahead[:size] * np.uint8(_CODES)
    found = []
    for offsets in _STEPS.values():
        codes = np.empty((len(offsets), size), np.uint8)
        for row, (down, right) in zip(codes, offsets, strict=True):
            start = down * (width + reach) + right
            np.add(first, ahead[start : start + size], out=row)
        found.append(np.bincount(codes.ravel(), minlength=_CODES**2).reshape(_CODES, _CODES))
    return np.stack(found)[:, :_LEVELS, :_LEVELS]


GROUPS: tuple[Group, ...] = (
    Group(named(FEATURES, *(f"{part}_glcm_" for part in _PARTS)), _cooccurrence),
    Group(named(FEATURES, *(f"{part}_lbp_" for part in _PARTS)), _binary_patterns),
    Group(
        named(FEATURES, *(f"{part}_{kind}_" for part in _PARTS for kind in ("grain", "dark", "bright"))),
        _grain,
    ),
)
"""How the texture of green optical density is measured in nucleus and cytoplasm.

Haralick et al. 1973, doi 10.1109/TSMC.1973.4309314. Differs from it in 8 levels between the 2nd and 98th
percentile of the part, which takes out the strength of the stain.
Ojala et al. 2002, doi 10.1109/TPAMI.2002.1017623: 8 points at 1.5 px.
"""
