"""Where the objects of a field lie: throwing darts that keep their distance, in µm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cells.errors import UsageError
from cells.units import ERYTHROCYTE_UM
from cells.vocabulary import CellClass
from slides.synthetic.erythrocytes import (
    paint_debris,
    paint_erythrocyte,
    paint_platelet,
    paint_platelet_clump,
    paint_smudge,
)
from slides.synthetic.leukocytes import LEUKOCYTES, Painter

Sizes = tuple[float, float, float, float]

OBJECTS: Mapping[CellClass, tuple[Painter, Sizes]] = {
    **LEUKOCYTES,
    CellClass.PLATELET: (paint_platelet, (3.2, 0.7, 1.6, 5.0)),
    CellClass.GIANT_PLATELET: (paint_platelet, (5.5, 1.0, 4.0, 9.0)),
    CellClass.PLATELET_AGGREGATE: (paint_platelet_clump, (9.0, 2.5, 5.0, 16.0)),
    CellClass.SMUDGE_CELL: (paint_smudge, (14.0, 2.5, 9.0, 20.0)),
    CellClass.ARTEFACT: (paint_debris, (3.5, 1.5, 1.0, 10.0)),
}
"""Painter of every drawable class, and mean, standard deviation, least and greatest diameter (µm)."""

DRAWABLE: tuple[CellClass, ...] = tuple(c for c in CellClass if c in OBJECTS)
"""The classes that can be drawn, in clinical order."""

ERYTHROCYTE_SIZES: Sizes = (float(ERYTHROCYTE_UM), 0.035 * ERYTHROCYTE_UM, 6.6, 8.4)
"""Mean, standard deviation, least and greatest diameter of an erythrocyte, in µm."""

_LEUKOCYTE_TRIES = 400
_ERYTHROCYTE_TRIES = 12
_BORDER_UM = 5.0


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a field.

    Parameters
    ----------
    label : CellClass or None
        Its class; None for an erythrocyte.
    y, x : float
        Centre from the upper left corner of the image, downwards and rightwards, in µm.
    diameter_um : float
        Diameter, in µm.
    seed : int
        Seed of the chance in its looks.
    paint : Painter
        What paints it.
    """

    label: CellClass | None
    y: float
    x: float
    diameter_um: float
    seed: int
    paint: Painter

    @property
    def half_um(self) -> float:
        """Half the side of the square that it is painted in, in µm."""
        return 0.62 * self.diameter_um + (0.4 if self.label is None else 1.2)


class Layout:
    """A field that fills with objects.

    Parameters
    ----------
    height_um, width_um : float
        Size of the field, in µm.
    rng : numpy.random.Generator
        Source of chance.
    """

    def __init__(self, height_um: float, width_um: float, rng: np.random.Generator) -> None:
        self.height_um = height_um
        self.width_um = width_um
        self.items: list[Item] = []
        self._rng = rng
        self._large = _Crowd(22.0)
        self._small = _Crowd(9.0)

    def put(self, label: CellClass, y: float, x: float, diameter_um: float | None = None) -> Item:
        """Put an object of a class at a point (µm) and return it; its diameter is drawn where not given."""
        paint, sizes = OBJECTS[label]
        diameter = _size(self._rng, sizes) if diameter_um is None else diameter_um
        item = Item(label, y, x, diameter, int(self._rng.integers(2**62)), paint)
        self.items.append(item)
        if diameter > 4.0 and label is not CellClass.ARTEFACT:
            self._large.add(y, x, 0.5 * diameter)
        return item

    def put_erythrocyte(self, y: float, x: float, *, pallor: float, diameter_um: float | None = None) -> Item:
        """Put an erythrocyte at a point (µm) and return it."""
        diameter = _size(self._rng, ERYTHROCYTE_SIZES) if diameter_um is None else diameter_um
        paint = partial(paint_erythrocyte, pallor=pallor)
        item = Item(None, y, x, diameter, int(self._rng.integers(2**62)), paint)
        self.items.append(item)
        self._small.add(y, x, 0.5 * diameter)
        return item

    def throw(self, labels: Sequence[CellClass], *, touching: bool, inside: bool) -> list[Item]:
        """Throw objects where they are free of one another.

        Parameters
        ----------
        labels : sequence of CellClass
            One class per object, each of ``DRAWABLE``.
        touching : bool
            Whether each object after the first lies against an earlier one of the same call.
        inside : bool
            Whether whole cells lie in the field; otherwise only their centres do.

        Returns
        -------
        list of Item
            The objects, in the order of ``labels``.

        Raises
        ------
        UsageError
            Where a class cannot be drawn or the field has no room.
        """
        thrown: list[Item] = []
        for label in labels:
            if label not in OBJECTS:
                raise UsageError(f"class {label} cannot be drawn; choose among {', '.join(DRAWABLE)}")
            radius = 0.5 * _size(self._rng, OBJECTS[label][1])
            y, x = self._free_place(radius, thrown if touching else [], inside=inside, label=label)
            thrown.append(self.put(label, y, x, 2.0 * radius))
        return thrown

    def flood(self, per_mm2: float, *, overlap: float, pallor: float) -> list[Item]:
        """Throw erythrocytes over the field and a margin around it.

        Parameters
        ----------
        per_mm2 : float
            Number asked for, per mm²; fewer where there is no room.
        overlap : float
            Share, 0 to 1, of erythrocytes that may lie over others.
        pallor : float
            Depth of the central pallor, 0 to 1.

        Returns
        -------
        list of Item
            The erythrocytes.
        """
        height, width = self.height_um + 2 * _BORDER_UM, self.width_um + 2 * _BORDER_UM
        count = round(per_mm2 * height * width * 1e-6)
        thrown: list[Item] = []
        for _ in range(count):
            diameter = _size(self._rng, ERYTHROCYTE_SIZES)
            apart = 0.55 if self._rng.random() < overlap else 1.02
            places = self._rng.random((_ERYTHROCYTE_TRIES, 2)).tolist()
            for down, across in places:
                y, x = down * height - _BORDER_UM, across * width - _BORDER_UM
                if self._large.free(y, x, 0.5 * diameter, 0.99) and self._small.free(
                    y, x, 0.5 * diameter, apart
                ):
                    thrown.append(self.put_erythrocyte(y, x, pallor=pallor, diameter_um=diameter))
                    break
        return thrown

    def sprinkle(self, label: CellClass, per_mm2: float) -> list[Item]:
        """Throw small objects, ``per_mm2`` on average, clear of leukocytes, mostly between cells."""
        count = int(self._rng.poisson(per_mm2 * self.height_um * self.width_um * 1e-6))
        thrown: list[Item] = []
        for _ in range(count):
            apart = 0.0 if self._rng.random() < 0.15 else 0.95
            for _ in range(_ERYTHROCYTE_TRIES):
                y = float(self._rng.uniform(0.0, self.height_um))
                x = float(self._rng.uniform(0.0, self.width_um))
                if self._large.free(y, x, 1.6, 1.0) and self._small.free(y, x, 1.3, apart):
                    thrown.append(self.put(label, y, x))
                    break
        return thrown

    def _free_place(
        self, radius: float, near: Sequence[Item], *, inside: bool, label: CellClass
    ) -> tuple[float, float]:
        border = 1.08 * radius if inside else 0.0
        room = (self.height_um - 2 * border, self.width_um - 2 * border)
        if min(room) >= 0:
            for _ in range(_LEUKOCYTE_TRIES):
                y = border + float(self._rng.random()) * room[0]
                x = border + float(self._rng.random()) * room[1]
                if near:
                    other = near[int(self._rng.integers(len(near)))]
                    angle = float(self._rng.uniform(0.0, 2.0 * np.pi))
                    apart = 0.98 * (radius + 0.5 * other.diameter_um)
                    y, x = other.y + apart * np.sin(angle), other.x + apart * np.cos(angle)
                    if not (border <= y <= border + room[0] and border <= x <= border + room[1]):
                        continue
                if self._large.free(y, x, radius, 0.97 if near else 1.12):
                    return y, x
        raise UsageError(
            f"no room for a {label} in a field of {self.height_um:.0f} × {self.width_um:.0f} µm; "
            "draw fewer cells or a larger field"
        )


class _Crowd:
    def __init__(self, bucket_um: float) -> None:
        self._bucket = bucket_um
        self._members: dict[tuple[int, int], list[tuple[float, float, float]]] = {}

    def add(self, y: float, x: float, radius: float) -> None:
        key = (int(y // self._bucket), int(x // self._bucket))
        self._members.setdefault(key, []).append((y, x, radius))

    def free(self, y: float, x: float, radius: float, apart: float) -> bool:
        row, col = int(y // self._bucket), int(x // self._bucket)
        for i in (row - 1, row, row + 1):
            for j in (col - 1, col, col + 1):
                for other_y, other_x, other_radius in self._members.get((i, j), ()):
                    limit = apart * (radius + other_radius)
                    if (y - other_y) ** 2 + (x - other_x) ** 2 < limit * limit:
                        return False
        return True


def _size(rng: np.random.Generator, sizes: Sizes) -> float:
    mean, spread, least, greatest = sizes
    return float(min(max(rng.normal(mean, spread), least), greatest))
