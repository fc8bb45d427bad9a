"""Measures of colour: densities of nucleus, cytoplasm and granules, absolute and against each other."""

import numpy as np
from numpy.typing import NDArray

from features.region import Feature, Region, quantiles

_CHANNELS = ("red", "green", "blue")
_OWN = "this project"
_OD = "Beer-Lambert"
_LAB = "CIE 1976"
_SOFT = 0.05
_MIN_SURROUND_PX = 150
_SHARES = (10, 90)
_TYPICAL_SURROUND = np.array([0.12, 0.26, 0.22])

_PARTS = {"nucleus": "nucleus", "cytoplasm": "cytoplasm"}


def _table() -> list[Feature]:
    rows: list[Feature] = []
    for part in _PARTS:
        rows += [
            Feature(f"{part}_od_{c}", f"mean OD, {c}", "OD", f"stain of the {part}", _OD) for c in _CHANNELS
        ]
        rows += [
            Feature(f"{part}_od_sd_{c}", f"sd/(mean+{_SOFT}) of OD, {c}", "ratio", "uneven stain", _OD)
            for c in _CHANNELS
        ]
        rows += [
            Feature(f"{part}_hue_{c}", f"OD_{c}/ΣOD of the mean", "ratio", f"hue of the {part}", _OWN)
            for c in ("red", "blue")
        ]
        rows += [
            Feature(f"{part}_lab_{k}", f"mean {k}*, white balanced", "Lab", f"look of the {part}", _LAB)
            for k in "lab"
        ]
    rows += [
        Feature(f"hue_step_{c}", f"hue_{c}: cytoplasm − nucleus", "ratio", "contrast of hue", _OWN)
        for c in ("red", "blue")
    ]
    rows += [
        Feature("cytoplasm_nucleus_od", "ΣOD cytoplasm/ΣOD nucleus", "ratio", "pale or dark cytoplasm", _OWN),
        Feature("lab_distance", "ΔE*76 cytoplasm to nucleus", "Lab", "contrast as seen", _LAB),
    ]
    rows += [
        Feature(f"relative_stain_p{p}", f"{p}th percentile in the cell of n/n̄(nucleus)", "ratio", why, _OWN)
        for p, why in ((10, "pale parts"), (25, "cytoplasm"), (50, "middle"), (75, "chromatin"))
    ]
    for c in ("red", "blue"):
        rows += [
            Feature(f"cytoplasm_hue_{c}_p{p}", f"{p}th percentile of OD_{c}/ΣOD", "ratio", "granules", _OWN)
            for p in _SHARES
        ]
    rows += [
        Feature(f"granule_{c}", f"OD_{c}/ΣOD, darkest tenth − median", "ratio", "hue of granules", _OWN)
        for c in ("red", "blue")
    ]
    rows += [
        Feature(f"granule_od_{c}", f"mean OD, darkest tenth, {c}", "OD", "stain of granules", _OD)
        for c in _CHANNELS
    ]
    rows += [
        Feature(
            f"granule_lab_{k}", f"mean {k}*, darkest tenth, white balanced", "Lab", "look of granules", _LAB
        )
        for k in "lab"
    ]
    rows += [
        Feature("granule_contrast", "(p90 − p50)/(p50+0.05) of ΣOD, cytoplasm", "ratio", "granules", _OWN),
        Feature("vacuole_contrast", "(p50 − p10)/(p50+0.05) of ΣOD, cytoplasm", "ratio", "vacuoles", _OWN),
        Feature(
            "eosinophilia",
            "mean 1/(1+exp((surround hue_blue − 0.03 − hue_blue)/0.02))",
            "ratio",
            "eosin",
            _OWN,
        ),
        Feature("surround_share", "stained share outside the cell", "ratio", "neighbours", _OWN),
        Feature("cytoplasm_surround_od", "ΣOD cytoplasm/ΣOD surround", "ratio", "against erythrocytes", _OWN),
        Feature(
            "nucleus_surround_od", "ΣOD nucleus/ΣOD surround, ≤ 10", "ratio", "against erythrocytes", _OWN
        ),
    ]
    for part in _PARTS:
        rows += [
            Feature(
                f"{part}_surround_{c}", f"hue_{c}: {part} − surround", "ratio", "against erythrocytes", _OWN
            )
            for c in ("red", "blue")
        ]
    return rows


FEATURES: tuple[Feature, ...] = tuple(_table())
"""Measures of colour, in the order of the table."""


def measure_colour(region: Region) -> dict[str, float]:
    """Measure the colour of nucleus, cytoplasm and granules.

    Where fewer than 150 px outside the cell are stained, a typical erythrocyte (OD 0.12, 0.26, 0.22) stands
    in for the surround.

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
    Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291-299, for optical density. Differs from it in using
    the camera's channels without separating stains.
    """
    values: dict[str, float] = {}
    means: dict[str, NDArray[np.float64]] = {}
    labs: dict[str, NDArray[np.float64]] = {}
    for part, mask in (("nucleus", region.nucleus), ("cytoplasm", region.cytoplasm)):
        pixels = np.ascontiguousarray(region.density[mask].T, np.float64)
        means[part], labs[part] = pixels.mean(axis=1), region.lab[mask].mean(axis=0, dtype=np.float64)
        spread = pixels.std(axis=1) / (means[part] + _SOFT)
        red, blue = _hue(means[part])
        values |= {f"{part}_od_{c}": float(v) for c, v in zip(_CHANNELS, means[part], strict=True)}
        values |= {f"{part}_od_sd_{c}": float(v) for c, v in zip(_CHANNELS, spread, strict=True)}
        values |= {f"{part}_hue_red": red, f"{part}_hue_blue": blue}
        values |= {f"{part}_lab_{k}": float(v) for k, v in zip("lab", labs[part], strict=True)}
    for c in ("red", "blue"):
        values[f"hue_step_{c}"] = values[f"cytoplasm_hue_{c}"] - values[f"nucleus_hue_{c}"]
    values["cytoplasm_nucleus_od"] = float(means["cytoplasm"].sum() / (means["nucleus"].sum() + _SOFT))
    values["lab_distance"] = float(np.linalg.norm(labs["cytoplasm"] - labs["nucleus"]))
    values |= _relative_stain(region)
    surround = surround_density(region)
    values |= _granules(region, _hue(surround)[1])
    values["surround_share"] = region.surround_share
    values["cytoplasm_surround_od"] = float(means["cytoplasm"].sum() / (surround.sum() + _SOFT))
    values["nucleus_surround_od"] = min(10.0, float(means["nucleus"].sum() / (surround.sum() + _SOFT)))
    for part, mean in means.items():
        step = np.subtract(_hue(mean), _hue(surround))
        values |= {f"{part}_surround_red": float(step[0]), f"{part}_surround_blue": float(step[1])}
    return values


def surround_density(region: Region) -> NDArray[np.float64]:
    """Return the density of the stained surround, mostly erythrocytes.

    Parameters
    ----------
    region : Region
        A prepared crop.

    Returns
    -------
    ndarray of shape (3,), float64
        Median by channel; that of a typical erythrocyte (0.12, 0.26, 0.22) where fewer than 150 px
        outside the cell are stained.
    """
    if len(region.surround) < _MIN_SURROUND_PX:
        return _TYPICAL_SURROUND
    return np.median(np.ascontiguousarray(region.surround.T), axis=1).astype(np.float64)


def _hue(density: NDArray[np.float64]) -> tuple[float, float]:
    total = float(density.sum()) + _SOFT
    return (float(density[0]) + _SOFT / 3) / total, (float(density[2]) + _SOFT / 3) / total


def _relative_stain(region: Region) -> dict[str, float]:
    purple = region.density[..., 0] + region.density[..., 1] - region.density[..., 2]
    unit = max(float(purple[region.nucleus].mean()), _SOFT)
    levels = quantiles(purple[region.cell], (0.1, 0.25, 0.5, 0.75))
    return {f"relative_stain_p{p}": v / unit for p, v in zip((10, 25, 50, 75), levels, strict=True)}


def _granules(region: Region, surround_blue: float) -> dict[str, float]:
    pixels = np.ascontiguousarray(region.density[region.cytoplasm].T, np.float64)
    total = pixels.sum(axis=0)
    hue = (pixels[[0, 2]] + _SOFT / 3) / (total + _SOFT)
    low, middle, high = quantiles(total, (0.1, 0.5, 0.9))
    dark = total >= high
    density, lab = pixels[:, dark].mean(axis=1), region.lab[region.cytoplasm][dark].mean(axis=0)
    values = {f"granule_od_{c}": float(v) for c, v in zip(_CHANNELS, density, strict=True)}
    values |= {f"granule_lab_{k}": float(v) for k, v in zip("lab", lab, strict=True)}
    values["granule_contrast"] = (high - middle) / (middle + _SOFT)
    values["vacuole_contrast"] = (middle - low) / (middle + _SOFT)
    values["eosinophilia"] = float(np.mean(1 / (1 + np.exp((surround_blue - 0.03 - hue[1]) / 0.02))))
    for c, row in zip(("red", "blue"), hue, strict=True):
        p10, p50, p90 = quantiles(row, (0.1, 0.5, 0.9))
        values |= {f"granule_{c}": float(row[dark].mean()) - p50}
        values |= {f"cytoplasm_hue_{c}_p10": p10, f"cytoplasm_hue_{c}_p90": p90}
    return values
