"""Measures of the two dyes: how much of the nucleus's and of the erythrocytes' dye the cytoplasm holds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from features.colour import surround_density
from features.region import Feature, Group, Region, quantiles

_OWN = "this project"
_RIDGE = 0.004
_LOW, _HIGH = -2.0, 5.0
_SHARES = (0.1, 0.5, 0.9)
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_DYES = {
    "basic": ("nucleus", "nuclear dye (azure)"),
    "acid": ("erythrocytes", "erythrocytes' dye (eosin)"),
}


def _table() -> list[Feature]:
    rows: list[Feature] = []
    for dye, (one, text) in _DYES.items():
        rows += [
            Feature(f"{dye}_cytoplasm", f"mean dye, {one} = 1", "ratio", f"{text} in the cytoplasm", _OWN),
            Feature(
                f"{dye}_granules", f"mean dye, darkest tenth, {one} = 1", "ratio", f"{text} of granules", _OWN
            ),
            *(
                Feature(
                    f"{dye}_p{share * 100:g}", f"{share * 100:g}th percentile of dye", "ratio", text, _OWN
                )
                for share in _SHARES
            ),
            Feature(
                f"{dye}_grain", "mean top-hat of dye by a disc of 5 px", "ratio", f"granules of {text}", _OWN
            ),
        ]
    rows += [
        Feature("acid_share", "acid/(acid+basic) of the mean amounts", "ratio", "eosin or azure", _OWN),
        Feature("acid_share_granules", "the same, darkest tenth", "ratio", "eosin or azure granules", _OWN),
        Feature(
            "dye_correlation", "correlation of both amounts", "ratio", "granules of one dye or both", _OWN
        ),
        Feature(
            "dye_residual", "rms density that neither dye explains/mean OD", "ratio", "a third colour", _OWN
        ),
    ]
    return rows


FEATURES: tuple[Feature, ...] = tuple(_table())
"""Measures of the dyes, in the order of the table."""


def measure_dyes(region: Region) -> dict[str, float]:
    """Measure the amounts of two dyes in the cytoplasm.

    The mean density of the nucleus is one unit of the basic dye, the median density of the stained surround,
    mostly erythrocytes, one unit of the acid dye: each crop brings its own basis, so that the amounts stay
    where the stain's strength or the camera's colours change linearly in density.

    Parameters
    ----------
    region : Region
        A prepared crop.

    Returns
    -------
    dict of str to float
        One finite value for each name of ``FEATURES``; amounts are limited to -2 to 5.

    References
    ----------
    Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291-299. Differs from it in taking the stain
    vectors from the crop itself, and in damped least squares.
    """
    basis = np.stack([region.nucleus.pixels.mean(axis=0), surround_density(region)]).astype(np.float64)
    unmix = np.linalg.solve(basis @ basis.T + _RIDGE * np.eye(2), basis).astype(np.float32)
    amounts = np.clip(region.density @ unmix.T, _LOW, _HIGH).astype(np.float32)
    inside, pixels = amounts[region.cytoplasm.mask], region.cytoplasm.pixels
    total = pixels.sum(axis=1)
    dark = inside[total >= quantiles(total, (0.9,))[0]].mean(axis=0)
    mean = inside.mean(axis=0)
    values: dict[str, float] = {}
    for column, dye in enumerate(_DYES):
        levels = quantiles(inside[:, column], _SHARES)
        hat = cv2.morphologyEx(np.ascontiguousarray(amounts[..., column]), cv2.MORPH_TOPHAT, _DISC)
        values |= {f"{dye}_cytoplasm": float(mean[column]), f"{dye}_granules": float(dark[column])}
        values |= {f"{dye}_p{s * 100:g}": level for s, level in zip(_SHARES, levels, strict=True)}
        values[f"{dye}_grain"] = float(np.asarray(hat)[region.cytoplasm.mask].mean())
    rest = pixels - inside @ basis.astype(np.float32)
    values |= {
        "acid_share": _share(mean),
        "acid_share_granules": _share(dark),
        "dye_correlation": _correlation(inside),
        "dye_residual": float(np.sqrt(np.mean(rest * rest))) / (float(total.mean()) / 3 + 0.05),
    }
    return values


def _share(amounts: NDArray[np.float32]) -> float:
    basic, acid = (max(float(a), 0.0) for a in amounts)
    return (acid + 0.02) / (acid + basic + 0.04)


def _correlation(amounts: NDArray[np.float32]) -> float:
    away = amounts - amounts.mean(axis=0)
    spread = np.sqrt((away * away).mean(axis=0)) + 0.02
    return float((away[:, 0] * away[:, 1]).mean() / (spread[0] * spread[1]))


GROUPS: tuple[Group, ...] = (Group(frozenset(feature.name for feature in FEATURES), measure_dyes),)
"""How the measures of the dyes are taken."""
