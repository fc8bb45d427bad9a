"""The vocabulary of cell classes: order, parents, names, place in the denominator, LOINC codes.

Names follow the ICSH recommendations for the standardization of nomenclature and grading of peripheral
blood cell morphological features (Palmer et al. 2015, doi 10.1111/ijlh.12327). LOINC codes are those of
LOINC 2.78 with method unspecified (https://loinc.org, © Regenstrief Institute).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class CellClass(StrEnum):
    """A class of cell, in the clinical order of a leukocyte formula."""

    NEUTROPHIL = "neutrophil"
    NEUTROPHIL_BAND = "neutrophil_band"
    NEUTROPHIL_SEGMENTED = "neutrophil_segmented"
    EOSINOPHIL = "eosinophil"
    BASOPHIL = "basophil"
    LYMPHOCYTE = "lymphocyte"
    MONOCYTE = "monocyte"
    IMMATURE_GRANULOCYTE = "immature_granulocyte"
    METAMYELOCYTE = "metamyelocyte"
    MYELOCYTE = "myelocyte"
    PROMYELOCYTE = "promyelocyte"
    BLAST = "blast"
    PROMONOCYTE = "promonocyte"
    LYMPHOCYTE_VARIANT = "lymphocyte_variant"
    PLASMA_CELL = "plasma_cell"
    UNIDENTIFIED = "unidentified"
    ERYTHROBLAST = "erythroblast"
    PLATELET = "platelet"
    GIANT_PLATELET = "giant_platelet"
    PLATELET_AGGREGATE = "platelet_aggregate"
    SMUDGE_CELL = "smudge_cell"
    ARTEFACT = "artefact"

    @property
    def parent(self) -> "CellClass | None":
        """The pooled class that this class belongs to, or None."""
        return _TABLE[self].parent

    @property
    def children(self) -> "tuple[CellClass, ...]":
        """The classes that this class pools, in clinical order."""
        return tuple(c for c in CellClass if _TABLE[c].parent is self)

    @property
    def in_denominator(self) -> bool:
        """Whether a cell of this class is one of the leukocytes that percentages refer to.

        ``unidentified`` is not: such a cell is listed until a person decides.
        """
        return _TABLE[self].in_denominator

    @property
    def loinc_percent(self) -> str | None:
        """LOINC code of the class per 100 leukocytes, method unspecified, or None."""
        return _TABLE[self].loinc_percent

    @property
    def loinc_absolute(self) -> str | None:
        """LOINC code of the absolute count (10*9/L), method unspecified, or None."""
        return _TABLE[self].loinc_absolute

    def display(self, lang: str) -> str:
        """Return the name of the class in the language ``"en"`` or ``"ru"``; KeyError for another."""
        return _TABLE[self].names[lang]


@dataclass(frozen=True, slots=True)
class _Entry:
    names: Mapping[str, str]
    parent: CellClass | None = None
    in_denominator: bool = True
    loinc_percent: str | None = None
    loinc_absolute: str | None = None


def _entry(
    en: str,
    ru: str,
    percent: str | None = None,
    absolute: str | None = None,
    *,
    parent: CellClass | None = None,
    in_denominator: bool = True,
) -> _Entry:
    return _Entry({"en": en, "ru": ru}, parent, in_denominator, percent, absolute)


_C = CellClass
_TABLE: dict[CellClass, _Entry] = {
    _C.NEUTROPHIL: _entry("Neutrophils", "Нейтрофилы", "26511-6", "26499-4"),
    _C.NEUTROPHIL_BAND: _entry(
        "Band neutrophils", "Палочкоядерные нейтрофилы", "26508-2", "26507-4", parent=_C.NEUTROPHIL
    ),
    _C.NEUTROPHIL_SEGMENTED: _entry(
        "Segmented neutrophils", "Сегментоядерные нейтрофилы", "26505-8", "30451-9", parent=_C.NEUTROPHIL
    ),
    _C.EOSINOPHIL: _entry("Eosinophils", "Эозинофилы", "26450-7", "26449-9"),
    _C.BASOPHIL: _entry("Basophils", "Базофилы", "30180-4", "26444-0"),
    _C.LYMPHOCYTE: _entry("Lymphocytes", "Лимфоциты", "26478-8", "26474-7"),
    _C.MONOCYTE: _entry("Monocytes", "Моноциты", "26485-3", "26484-6"),
    _C.IMMATURE_GRANULOCYTE: _entry("Immature granulocytes", "Незрелые гранулоциты", "38518-7", "51584-1"),
    _C.METAMYELOCYTE: _entry(
        "Metamyelocytes", "Метамиелоциты", "28541-1", "30433-7", parent=_C.IMMATURE_GRANULOCYTE
    ),
    _C.MYELOCYTE: _entry("Myelocytes", "Миелоциты", "26498-6", "30446-9", parent=_C.IMMATURE_GRANULOCYTE),
    _C.PROMYELOCYTE: _entry(
        "Promyelocytes", "Промиелоциты", "26524-9", "26523-1", parent=_C.IMMATURE_GRANULOCYTE
    ),
    _C.BLAST: _entry("Blasts", "Бластные клетки", "26446-5", "30376-8"),
    _C.PROMONOCYTE: _entry("Promonocytes", "Промоноциты", "30466-7", "34926-6"),
    _C.LYMPHOCYTE_VARIANT: _entry("Reactive lymphocytes", "Реактивные лимфоциты", "13046-8", "26477-0"),
    _C.PLASMA_CELL: _entry("Plasma cells", "Плазматические клетки", "13047-6", "30458-4"),
    _C.UNIDENTIFIED: _entry("Unidentified", "Не определено", in_denominator=False),
    _C.ERYTHROBLAST: _entry(
        "Erythroblasts (NRBC)", "Эритробласты (нормобласты)", "18309-5", in_denominator=False
    ),
    _C.PLATELET: _entry("Platelets", "Тромбоциты", in_denominator=False),
    _C.GIANT_PLATELET: _entry("Giant platelets", "Гигантские тромбоциты", in_denominator=False),
    _C.PLATELET_AGGREGATE: _entry("Platelet aggregates", "Агрегаты тромбоцитов", in_denominator=False),
    _C.SMUDGE_CELL: _entry(
        "Smudge cells", "Клетки лейколиза (тени Гумпрехта)", "34992-8", "34993-6", in_denominator=False
    ),
    _C.ARTEFACT: _entry("Artefacts", "Артефакты", in_denominator=False),
}

CLASSIFIED: tuple[CellClass, ...] = (
    _C.NEUTROPHIL_BAND,
    _C.NEUTROPHIL_SEGMENTED,
    _C.EOSINOPHIL,
    _C.BASOPHIL,
    _C.LYMPHOCYTE,
    _C.MONOCYTE,
    _C.IMMATURE_GRANULOCYTE,
    _C.ERYTHROBLAST,
    _C.PLATELET,
    _C.ARTEFACT,
)
"""The classes that the shipped classifiers answer with, in the order of their outputs."""

NORMAL_FIVE: tuple[CellClass, ...] = (
    _C.NEUTROPHIL,
    _C.EOSINOPHIL,
    _C.BASOPHIL,
    _C.LYMPHOCYTE,
    _C.MONOCYTE,
)
"""The five normal kinds on which published classifiers are compared."""


def clinical_order(classes: Iterable[CellClass]) -> list[CellClass]:
    """Return the classes once each, in the order in which a leukocyte formula lists them."""
    wanted = set(classes)
    return [c for c in CellClass if c in wanted]


def pooled(label: CellClass, among: Iterable[CellClass]) -> CellClass | None:
    """Return the class of ``among`` that ``label`` is or belongs to, or None where there is none."""
    known = set(among)
    if label in known:
        return label
    return label.parent if label.parent in known else None
