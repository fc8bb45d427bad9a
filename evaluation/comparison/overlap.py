"""Whether a classifier was trained on the very images that it is judged on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cells.errors import DataError
from evaluation.comparison.labelled import LabelledCells
from evaluation.comparison.systems import System

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """Cells of a set that a classifier was trained on.

    Parameters
    ----------
    cells, system : str
        Names of the set and of the classifier.
    checked : bool
        False where a model of the classifier does not say what it was trained on.
    shared : int
        Cells whose image file was trained on.
    total : int
        All cells of the set.
    examples : tuple of str
        Paths of a few of them.
    """

    cells: str
    system: str
    checked: bool
    shared: int
    total: int
    examples: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if self.shared:
            named = ", ".join(self.examples)
            more = ", …" if self.shared > len(self.examples) else ""
            return (
                f"TRAINED ON: {self.system} was trained on {self.shared} of the {self.total} images of"
                f" {self.cells} ({named}{more}); its figures there are too good."
            )
        if not self.checked:
            return (
                f"OVERLAP NOT CHECKED: {self.system} brings no list of its training images, so nobody can"
                f" tell whether it was trained on {self.cells}."
            )
        return f"{self.system} was trained on none of the {self.total} image files of {self.cells}."


def find_overlaps(sets: Sequence[LabelledCells], systems: Sequence[System]) -> tuple[Overlap, ...]:
    """Hold every set against the training images of every classifier.

    Parameters
    ----------
    sets : sequence of LabelledCells
        The sets.
    systems : sequence of System
        The classifiers.

    Returns
    -------
    tuple of Overlap
        One for each set and classifier. Only files of the same bytes are found: the same cell saved anew, or
        cut otherwise, is not.
    """
    found = []
    for cells in sets:
        for system in systems:
            shared = np.zeros(len(cells), np.bool_)
            for model in system.models:
                if model.hashes is not None:
                    shared |= model.hashes.known(cells.hashes)
            examples = tuple(cells.paths[k] for k in np.flatnonzero(shared)[:_NAMED])
            found.append(
                Overlap(cells.name, system.name, system.checkable, int(shared.sum()), len(cells), examples)
            )
    return tuple(found)


def refuse_overlaps(overlaps: Sequence[Overlap]) -> None:
    """Refuse a comparison on training images.

    Parameters
    ----------
    overlaps : sequence of Overlap
        What was found.

    Raises
    ------
    DataError
        Where a classifier was trained on an image that it is judged on.
    """
    for overlap in overlaps:
        if overlap.shared:
            named = ", ".join(overlap.examples)
            raise DataError(
                f"{overlap.shared} of the {overlap.total} images of {overlap.cells} ({named}, …) are among"
                f" the training images of {overlap.system}; judge it on other images, or give --allow-overlap"
            )
