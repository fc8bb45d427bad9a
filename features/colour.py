"""Measures of colour: densities of nucleus, cytoplasm and granules, absolute and against each other."""

import numpy as np
from numpy.typing import NDArray

from features.region import Feature, Region

_CHANNELS = ("red", "green", "blue")
_OWN = "this project"
_OD = "Beer-Lambert"
_LAB = "CIE 1976"
_SOFT = 0.05
_MIN_SURROUND_PX = 150
_SHARES = (10, 90)

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

_TYPICAL_SURROUND = np.array([0.12, 0.26, 0.22])


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
        pixels = region.density[mask].astype(np.float64)
        means[part], labs[part] = pixels.mean(axis=0), region.lab[mask].astype(np.float64).mean(axis=0)
        spread = pixels.std(axis=0) / (means[part] + _SOFT)
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
    surround, share = _surround(region)
    values |= _granules(region, _hue(surround)[1])
    values["surround_share"] = share
    values["cytoplasm_surround_od"] = float(means["cytoplasm"].sum() / (surround.sum() + _SOFT))
    values["nucleus_surround_od"] = min(10.0, float(means["nucleus"].sum() / (surround.sum() + _SOFT)))
    for part, mean in means.items():
        step = np.subtract(_hue(mean), _hue(surround))
        values |= {f"{part}_surround_red": float(step[0]), f"{part}_surround_blue": float(step[1])}
    return values


def _hue(density: NDArray[np.float64]) -> tuple[float, float]:
    total = float(density.sum()) + _SOFT
    return (float(density[0]) + _SOFT / 3) / total, (float(density[2]) + _SOFT / 3) / total


def _relative_stain(region: Region) -> dict[str, float]:
    purple = region.density[..., 0] + region.density[..., 1] - region.density[..., 2]
    unit = max(float(purple[region.nucleus].mean()), _SOFT)
    levels = np.percentile(purple[region.cell], (10, 25, 50, 75)) / unit
    return {f"relative_stain_p{p}": float(v) for p, v in zip((10, 25, 50, 75), levels, strict=True)}


def _surround(region: Region) -> tuple[NDArray[np.float64], float]:
    outside = int(np.count_nonzero(~region.cell))
    count = int(np.count_nonzero(region.surround))
    share = count / max(outside, 1)
    if count < _MIN_SURROUND_PX:
        return _TYPICAL_SURROUND, share
    return np.median(region.density[region.surround], axis=0).astype(np.float64), share


def _granules(region: Region, surround_blue: float) -> dict[str, float]:
    pixels = region.density[region.cytoplasm].astype(np.float64)
    total = pixels.sum(axis=1)
    hue = (pixels + _SOFT / 3) / (total[:, None] + _SOFT)
    low, middle, high = np.percentile(total, (10, 50, 90))
    dark = hue[total >= high].mean(axis=0) - np.median(hue, axis=0)
    values = {
        "granule_red": float(dark[0]),
        "granule_blue": float(dark[2]),
        "granule_contrast": float((high - middle) / (middle + _SOFT)),
        "vacuole_contrast": float((middle - low) / (middle + _SOFT)),
        "eosinophilia": float(np.mean(1 / (1 + np.exp((surround_blue - 0.03 - hue[:, 2]) / 0.02)))),
    }
    for c, column in (("red", 0), ("blue", 2)):
        shares = np.percentile(hue[:, column], _SHARES)
        values |= {f"cytoplasm_hue_{c}_p{p}": float(v) for p, v in zip(_SHARES, shares, strict=True)}
    return values
