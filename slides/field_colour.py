"""Whether fields are of one stain and one camera, by the colour of erythrocytes and empty slide."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from cells.records import Finding, WhitePoint
from slides.channel_order import StainedParts

MIXED = "mixed_stains"
"""Code of the remark that some fields have another stain or camera than the others."""

MAX_GAP = 2.25
"""Widest gap between two groups of fields of one smear; `docs/calibration.md` shows how it was chosen."""

LEAST_FIELDS = 3
"""Fewest fields of a group that are remarked on: single fields differ by chance, thickness and dirt."""

LEAST_SHARE = 0.1
"""Smallest share of the fields that a group must have."""

MOST_COMPARED = 1000
"""Most fields that are held against each other, evenly spread over the smear."""

_UNITS = np.array([0.35, 0.12, 0.2, 0.025, 0.025])
_LEAST_DENSITY = 0.01
_LEAST_ERYTHROCYTE = 0.3


def field_colour(parts: StainedParts, white: WhitePoint, diameter: float) -> NDArray[np.float64] | None:
    """Measure the colour of erythrocytes and of the empty slide.

    Parameters
    ----------
    parts : StainedParts
        Nuclei and erythrocytes of the field.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    diameter : float
        Diameter of an erythrocyte in the field, px, above 0.

    Returns
    -------
    ndarray of shape (5,), float64, or None
        Natural logarithms of the erythrocytes' optical density in green, in red over green and in blue over
        green, and decadic ones of the empty slide's red and blue over green, each in units of what fields of
        one smear usually differ by; None where the field shows too few erythrocytes.
    """
    if parts.erythrocytes.sum() < _LEAST_ERYTHROCYTE * np.pi / 4 * diameter**2:
        return None
    density = np.median(parts.density[parts.erythrocytes], axis=0)
    red, green, blue = np.log(np.maximum(density, _LEAST_DENSITY))
    lamp = np.log10(white)
    differences = (green, red - green, blue - green, lamp[0] - lamp[1], lamp[2] - lamp[1])
    colour: NDArray[np.float64] = np.array(differences) / _UNITS
    return colour


def mixed_stains(colours: Mapping[str, NDArray[np.float64]]) -> list[Finding]:
    """Find the fields that stand apart from the others by stain or camera.

    Fields are joined to the field or group most like them (single linkage), so that gradual differences, of
    thick and thin parts or of the lamp, make one group, and a gap remains between fields of two smears.

    Parameters
    ----------
    colours : mapping of str to ndarray of shape (5,), float64
        What `field_colour` gave, by the name of the field.

    Returns
    -------
    list of Finding
        A warning `MIXED` for each field of the smaller of the two groups between which the widest gap lies,
        with its width, in the order given; before them one on the smear, with their share. Empty where the
        gap is below `MAX_GAP` or one of the groups has fewer than `LEAST_FIELDS` fields or less than
        `LEAST_SHARE` of all.
    """
    names = list(colours)[:: max(1, -(-len(colours) // MOST_COMPARED))]
    least = max(LEAST_FIELDS, LEAST_SHARE * len(names))
    if len(names) < 2 * least:
        return []
    groups = [[place] for place in range(len(names))]
    widest, apart = 0.0, list[int]()
    for one, other, gap, _ in linkage(np.stack([colours[name] for name in names]), "single"):
        pair = groups[int(one)], groups[int(other)]
        smaller = min(pair, key=lambda group: (len(group), -min(group)))
        if len(smaller) >= least and gap > widest:
            widest, apart = float(gap), smaller
        groups.append(pair[0] + pair[1])
    if widest < MAX_GAP:
        return []
    odd = [Finding(MIXED, "warning", names[place], widest) for place in sorted(apart)]
    return [Finding(MIXED, "warning", "", len(odd) / len(names)), *odd]
