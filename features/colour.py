"""Measures of colour: densities of nucleus, cytoplasm and granules, absolute and against each other."""

import numpy as np
from numpy.typing import NDArray

from features.region import Feature, Group, Part, Region, named, quantiles

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


def _parts(region: Region) -> dict[str, Part]:
    return {"nucleus": region.nucleus, "cytoplasm": region.cytoplasm}


def _stains(region: Region) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, part in _parts(region).items():
        spread = part.density.std(axis=1) / (part.mean + _SOFT)
        red, blue = _hue(part.mean)
        values |= {f"{name}_od_{c}": float(v) for c, v in zip(_CHANNELS, part.mean, strict=True)}
        values |= {f"{name}_od_sd_{c}": float(v) for c, v in zip(_CHANNELS, spread, strict=True)}
        values |= {f"{name}_hue_red": red, f"{name}_hue_blue": blue}
        values |= {f"{name}_lab_{k}": float(v) for k, v in zip("lab", part.lab_mean, strict=True)}
    for c in ("red", "blue"):
        values[f"hue_step_{c}"] = values[f"cytoplasm_hue_{c}"] - values[f"nucleus_hue_{c}"]
    return values


def _contrasts(region: Region) -> dict[str, float]:
    nucleus, cytoplasm = region.nucleus, region.cytoplasm
    low, middle, high = _levels(cytoplasm)
    return {
        "cytoplasm_nucleus_od": float(cytoplasm.mean.sum() / (nucleus.mean.sum() + _SOFT)),
        "lab_distance": float(np.linalg.norm(cytoplasm.lab_mean - nucleus.lab_mean)),
        "granule_contrast": (high - middle) / (middle + _SOFT),
        "vacuole_contrast": (middle - low) / (middle + _SOFT),
    }


def _surroundings(region: Region) -> dict[str, float]:
    surround = surround_density(region)
    values = {"surround_share": region.surround_share}
    for name, part in _parts(region).items():
        step = np.subtract(_hue(part.mean), _hue(surround))
        ratio = float(part.mean.sum() / (surround.sum() + _SOFT))
        values |= {f"{name}_surround_red": float(step[0]), f"{name}_surround_blue": float(step[1])}
        values[f"{name}_surround_od"] = ratio if name == "cytoplasm" else min(10.0, ratio)
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
    nucleus, cell = (part.pixels for part in (region.nucleus, region.cell))
    unit = max(float((nucleus[:, 0] + nucleus[:, 1] - nucleus[:, 2]).mean()), _SOFT)
    levels = quantiles(cell[:, 0] + cell[:, 1] - cell[:, 2], (0.1, 0.25, 0.5, 0.75))
    return {f"relative_stain_p{p}": v / unit for p, v in zip((10, 25, 50, 75), levels, strict=True)}


def _levels(cytoplasm: Part) -> list[float]:
    return quantiles(cytoplasm.density.sum(axis=0), (0.1, 0.5, 0.9))


def _granules(region: Region) -> dict[str, float]:
    pixels = region.cytoplasm.density
    total = pixels.sum(axis=0)
    hue = (pixels[[0, 2]] + _SOFT / 3) / (total + _SOFT)
    dark = total >= _levels(region.cytoplasm)[2]
    density, lab = pixels[:, dark].mean(axis=1), region.cytoplasm.lab[dark].mean(axis=0)
    surround_blue = _hue(surround_density(region))[1]
    values = {f"granule_od_{c}": float(v) for c, v in zip(_CHANNELS, density, strict=True)}
    values |= {f"granule_lab_{k}": float(v) for k, v in zip("lab", lab, strict=True)}
    values["eosinophilia"] = float(np.mean(1 / (1 + np.exp((surround_blue - 0.03 - hue[1]) / 0.02))))
    for c, row in zip(("red", "blue"), hue, strict=True):
        p10, p50, p90 = quantiles(row, (0.1, 0.5, 0.9))
        values |= {f"granule_{c}": float(row[dark].mean()) - p50}
        values |= {f"cytoplasm_hue_{c}_p10": p10, f"cytoplasm_hue_{c}_p90": p90}
    return values


_GROUPED = (
    (_contrasts, ("cytoplasm_nucleus_od", "lab_distance", "granule_contrast", "vacuole_contrast")),
    (_relative_stain, ("relative_stain_",)),
    (_surroundings, ("surround_share", "nucleus_surround_", "cytoplasm_surround_")),
    (
        _granules,
        (
            "granule_od_",
            "granule_lab_",
            "granule_red",
            "granule_blue",
            "eosinophilia",
            "cytoplasm_hue_red_p",
            "cytoplasm_hue_blue_p",
        ),
    ),
)
_OTHERS = frozenset(f.name for f in FEATURES) - {n for _, s in _GROUPED for n in named(FEATURES, *s)}

GROUPS: tuple[Group, ...] = (
    *(Group(named(FEATURES, *starts), function) for function, starts in _GROUPED),
    Group(_OTHERS, _stains),
)
"""How the measures of colour are taken.

Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291-299, for optical density. Differs from it in using
the camera's channels without separating stains. Where fewer than 150 px outside the cell are stained, a
typical erythrocyte (OD 0.12, 0.26, 0.22) stands in for the surround.
"""
