"""What the labels of a truth stand for: leukocytes, erythrocytes, platelets, or places left open."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cells.vocabulary import CellClass
from detector.truth import ERYTHROCYTE, LEUKOCYTE, PLATELET

OPEN = "open"
"""Role of what is neither find nor error: smudge cells, erythroblasts, artefacts, crowds."""

_OPEN_CLASSES = (CellClass.SMUDGE_CELL, CellClass.ERYTHROBLAST, CellClass.ARTEFACT, CellClass.UNIDENTIFIED)
_PLATELET_CLASSES = (CellClass.PLATELET, CellClass.GIANT_PLATELET, CellClass.PLATELET_AGGREGATE)
_WORDS: Mapping[str, tuple[str, ...]] = {
    LEUKOCYTE: (
        *("wbc", "leukocyte", "leucocyte", "white_blood_cell", "ig", "band_cell", "band_neutrophil"),
        *("segmented", "segmented_neutrophil", "neutrophil_segment", "neutrophil_seg"),
        *("atypical_lymphocyte", "reactive_lymphocyte", "large_granular_lymphocyte"),
    ),
    ERYTHROCYTE: ("rbc", "erythrocyte", "red_blood_cell"),
    PLATELET: ("platelet", "platlet", "plt", "thrombocyte", "platelet_clump", "platelet_aggregate"),
    OPEN: ("nrbc", "smudge", "smudge_cell", "basket_cell", "artifact", "artefact", "ignore", "unknown"),
}


def _defaults() -> dict[str, str]:
    roles = {word: role for role, words in _WORDS.items() for word in words}
    for label in CellClass:
        if label in _OPEN_CLASSES:
            roles[label.value] = OPEN
        elif label in _PLATELET_CLASSES:
            roles[label.value] = PLATELET
        else:
            roles[label.value] = LEUKOCYTE
    return roles


DEFAULT_ROLES: Mapping[str, str] = _defaults()
"""Role of each known label, in the spelling of `normal`."""


def normal(label: str) -> str:
    """Return a label in small letters, words joined by ``_``, without a plural ``s``.

    Parameters
    ----------
    label : str
        Label as a file has it.

    Returns
    -------
    str
        For example ``white_blood_cell`` for ``White Blood Cells``.
    """
    word = "_".join(re.findall(r"[^\W_]+", label.casefold()))
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


@dataclass(frozen=True, slots=True)
class Roles:
    """The role of each label.

    Parameters
    ----------
    leukocytes : frozenset of str, optional
        Labels, in the spelling of `normal`, that are leukocytes; where any is given, the other labels that
        stand for leukocytes by default are left open.
    """

    leukocytes: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, leukocytes: Iterable[str]) -> "Roles":
        """Return the roles for the labels that a user calls leukocytes; none takes the defaults."""
        return cls(frozenset(normal(label) for label in leukocytes if normal(label)))

    def of_label(self, label: str) -> str | None:
        """Return the role of a label, or None where it is unknown."""
        word = normal(label)
        if word in self.leukocytes:
            return LEUKOCYTE
        role = DEFAULT_ROLES.get(word)
        return OPEN if role == LEUKOCYTE and self.leukocytes else role

    def names(self) -> "KnownLabels":
        """Return the roles as the mapping that the readers of ``detector.truth`` ask for."""
        return KnownLabels(self)


class KnownLabels(dict[str, str]):
    """The roles as a mapping from label to role, whatever its spelling.

    Parameters
    ----------
    roles : Roles
        The roles.
    """

    def __init__(self, roles: Roles) -> None:
        super().__init__()
        self._roles = roles

    def __contains__(self, label: object) -> bool:
        return isinstance(label, str) and self._roles.of_label(label) is not None

    def __getitem__(self, label: str) -> str:
        role = self._roles.of_label(label)
        if role is None:
            raise KeyError(label)
        return role

    def get(self, label: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the role of a label, or ``default`` where it is unknown."""
        return self._roles.of_label(label) or default
