"""The four dyes of a Romanowsky stain and what each does to the three colour channels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]

DYES = 4
"""Number of dye planes that a cell is painted in."""

PURPLE, AZURE, EOSIN, HAEMOGLOBIN = range(DYES)
"""Indices of the dye planes."""


_PALER = 0.45


@dataclass(frozen=True, slots=True)
class Stain:
    """The dyes of one laboratory: optical densities (red, green, blue) of reference structures.

    A painter states how much of each dye a structure holds in multiples of these, so that one drawing can be
    shown in any stain.

    Parameters
    ----------
    name : str
        Name of the stain.
    purple : tuple of 3 floats
        Density of a mature nucleus: the azure–eosin complex on DNA.
    azure : tuple of 3 floats
        Density of deeply basophilic cytoplasm: azure B and methylene blue on RNA.
    eosin : tuple of 3 floats
        Density of closely packed eosinophil granules.
    haemoglobin : tuple of 3 floats
        Density of the thick rim of an erythrocyte.
    plasma : float
        Dried plasma over the whole slide, in multiples of ``haemoglobin``, 0 or more.

    References
    ----------
    Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23:291-299, for stains adding in optical density; here
    forwards, from dye to colour. Densities are against recorded pixel values, not against linear light.
    """

    name: str
    purple: Vector
    azure: Vector
    eosin: Vector
    haemoglobin: Vector
    plasma: float = 0.0

    def vectors(self) -> NDArray[np.float32]:
        """Return the densities as an array of shape (4, 3), float32: dyes in rows, RGB in columns."""
        return np.array([self.purple, self.azure, self.eosin, self.haemoglobin], np.float32)

    @staticmethod
    def random(rng: np.random.Generator) -> "Stain":
        """Draw a stain between two presets, with its own strength and tint of each dye.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of chance.

        Returns
        -------
        Stain
            Stain named ``"random"``.
        """
        first, second = rng.choice(len(STAINS), 2, replace=False)
        share = rng.beta(0.6, 0.6)
        mixed = STAINS[first].vectors() * share + STAINS[second].vectors() * (1.0 - share)
        strength = np.exp(rng.normal(0.0, [[0.10], [0.20], [0.20], [0.25]]))
        tint = np.exp(rng.normal(0.0, 0.10, (DYES, 3)))
        mixed = mixed * strength * tint
        mixed[HAEMOGLOBIN] *= min(1.0, _PALER * mixed[PURPLE, 1] / mixed[HAEMOGLOBIN, 1])
        rows = [_vector(row) for row in mixed]
        plasma = float(rng.uniform(0.0, 0.12)) if rng.random() < 0.4 else 0.0
        return Stain("random", rows[PURPLE], rows[AZURE], rows[EOSIN], rows[HAEMOGLOBIN], plasma)


def _vector(row: NDArray[np.floating]) -> Vector:
    red, green, blue = (float(value) for value in row)
    return red, green, blue


WRIGHT = Stain("Wright", (0.50, 0.86, 0.20), (0.46, 0.38, 0.08), (0.11, 0.46, 0.30), (0.08, 0.17, 0.12))
"""Wright: violet nuclei, salmon erythrocytes."""

MAY_GRUNWALD_GIEMSA = Stain(
    "May-Grünwald–Giemsa", (0.56, 0.92, 0.21), (0.48, 0.42, 0.10), (0.11, 0.41, 0.26), (0.10, 0.145, 0.085)
)
"""May-Grünwald–Giemsa as automated stainers give it: blue-violet nuclei, greyish-pink erythrocytes."""

GIEMSA = Stain("Giemsa", (0.34, 1.06, 0.24), (0.34, 0.44, 0.12), (0.13, 0.36, 0.17), (0.11, 0.17, 0.09))
"""Hand-made Giemsa: reddish-purple nuclei, mauve erythrocytes."""

BLUE_SHIFTED = Stain(
    "blue-shifted", (0.50, 0.56, 0.06), (0.36, 0.26, 0.03), (0.06, 0.34, 0.24), (0.05, 0.15, 0.15)
)
"""Alkaline buffer or a methylene-blue-rich stain: blue nuclei."""

RED_SHIFTED = Stain(
    "red-shifted", (0.22, 0.86, 0.20), (0.20, 0.26, 0.08), (0.10, 0.38, 0.20), (0.10, 0.16, 0.09)
)
"""Acid buffer: magenta nuclei, pale cytoplasm."""

PALE = Stain("pale", (0.32, 0.52, 0.12), (0.24, 0.21, 0.05), (0.08, 0.26, 0.13), (0.06, 0.09, 0.055))
"""Short staining or long washing: everything faint."""

STRONG = Stain("strong", (0.66, 1.18, 0.42), (0.60, 0.55, 0.16), (0.20, 0.70, 0.42), (0.22, 0.34, 0.30))
"""Overstained, dense, brownish erythrocytes."""

STAINS: tuple[Stain, ...] = (
    WRIGHT,
    MAY_GRUNWALD_GIEMSA,
    GIEMSA,
    BLUE_SHIFTED,
    RED_SHIFTED,
    PALE,
    STRONG,
)
"""The named stains."""
