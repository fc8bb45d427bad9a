"""Leukocyte indices with the interval that the counts allow, suppressed where the counts are too small."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import CellClass
from counting.ranges import Range
from counting.records import Index
from counting.rules import CountingRules

DRAWS = 4000
"""Draws from the posterior of the shares for one interval."""

Shares = Mapping[CellClass, NDArray[np.float64]]
"""Share of each class in percent, an array of draws for each."""

_C = CellClass
_LEAVES = (
    _C.NEUTROPHIL,
    _C.NEUTROPHIL_BAND,
    _C.NEUTROPHIL_SEGMENTED,
    _C.EOSINOPHIL,
    _C.BASOPHIL,
    _C.LYMPHOCYTE,
    _C.MONOCYTE,
    _C.IMMATURE_GRANULOCYTE,
    _C.METAMYELOCYTE,
    _C.MYELOCYTE,
    _C.PROMYELOCYTE,
    _C.BLAST,
    _C.PROMONOCYTE,
    _C.LYMPHOCYTE_VARIANT,
    _C.PLASMA_CELL,
)
_WEIGHED = (
    _C.METAMYELOCYTE,
    _C.MYELOCYTE,
    _C.PLASMA_CELL,
    _C.NEUTROPHIL_BAND,
    _C.NEUTROPHIL_SEGMENTED,
    _C.EOSINOPHIL,
    _C.BASOPHIL,
    _C.LYMPHOCYTE,
    _C.MONOCYTE,
)
_IMMATURE = (_C.IMMATURE_GRANULOCYTE, _C.METAMYELOCYTE, _C.MYELOCYTE)
_LYMPHOID = (_C.LYMPHOCYTE, _C.LYMPHOCYTE_VARIANT)


@dataclass(frozen=True, slots=True)
class _Formula:
    code: str
    value: Callable[[Shares], NDArray[np.float64]]
    below: tuple[CellClass, ...]
    """Classes of the denominator; too few of them suppress the index."""
    unsplit: tuple[CellClass, ...]
    """Pooled classes that must be empty, because the index weighs their children apart."""
    usual: Range
    source: str
    status: str
    names: Mapping[str, str]


def _sum(shares: Shares, *labels: CellClass) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.sum([shares[label] for label in labels], axis=0)
    return total


def _nuclear_shift(shares: Shares) -> NDArray[np.float64]:
    return _sum(shares, *_IMMATURE, _C.NEUTROPHIL_BAND) / shares[_C.NEUTROPHIL_SEGMENTED]


def _kalf_kalif(shares: Shares) -> NDArray[np.float64]:
    above = (
        4 * shares[_C.MYELOCYTE]
        + 3 * shares[_C.METAMYELOCYTE]
        + 2 * shares[_C.NEUTROPHIL_BAND]
        + shares[_C.NEUTROPHIL_SEGMENTED]
    ) * (shares[_C.PLASMA_CELL] + 1)
    return above / (_sum(shares, *_LYMPHOID, _C.MONOCYTE) * (shares[_C.EOSINOPHIL] + 1))


def _ostrovsky(shares: Shares) -> NDArray[np.float64]:
    above = _sum(
        shares,
        _C.PLASMA_CELL,
        *_IMMATURE,
        _C.NEUTROPHIL,
        _C.NEUTROPHIL_BAND,
        _C.NEUTROPHIL_SEGMENTED,
    )
    return above / _sum(shares, *_LYMPHOID, _C.MONOCYTE, _C.EOSINOPHIL, _C.BASOPHIL)


def _neutrophil_lymphocyte(shares: Shares) -> NDArray[np.float64]:
    above = _sum(shares, _C.NEUTROPHIL, _C.NEUTROPHIL_BAND, _C.NEUTROPHIL_SEGMENTED)
    return above / _sum(shares, *_LYMPHOID)


_FORMULAE = (
    _Formula(
        "nuclear_shift",
        _nuclear_shift,
        (_C.NEUTROPHIL_SEGMENTED,),
        (_C.NEUTROPHIL,),
        Range(0.05, 0.08),
        "Schilling V. Das Blutbild und seine klinische Verwertung",
        "unverified",
        {"en": "Nuclear-shift index", "ru": "Индекс ядерного сдвига"},
    ),
    _Formula(
        "kalf_kalif",
        _kalf_kalif,
        (*_LYMPHOID, _C.MONOCYTE),
        (_C.NEUTROPHIL, _C.IMMATURE_GRANULOCYTE),
        Range(0.3, 1.5),
        "Кальф-Калиф Я. Я., 1941, "
        "https://virgo.org.ua/index.php/medstatistika/20-lejkotsitarnij-indeks-intoksikatsiji-lii-ya-ya-kalf-kalifa",
        "unverified",
        {
            "en": "Leukocyte index of intoxication (Kalf-Kalif)",
            "ru": "Лейкоцитарный индекс интоксикации (Кальф-Калиф)",
        },
    ),
    _Formula(
        "ostrovsky",
        _ostrovsky,
        (*_LYMPHOID, _C.MONOCYTE, _C.EOSINOPHIL, _C.BASOPHIL),
        (),
        Range(1.1, 2.1),
        "https://elkniga.info/book_190_glava_14_4.1._Mixmaster_evolution.html",
        "published",
        {
            "en": "Leukocyte index of intoxication (Ostrovsky)",
            "ru": "Лейкоцитарный индекс интоксикации (Островский)",
        },
    ),
    _Formula(
        "neutrophil_lymphocyte",
        _neutrophil_lymphocyte,
        _LYMPHOID,
        (),
        Range(0.78, 3.53),
        "Forget P et al. BMC Res Notes 2017;10:12, doi 10.1186/s13104-016-2335-5",
        "published",
        {
            "en": "Neutrophil-to-lymphocyte ratio",
            "ru": "Отношение нейтрофилов к лимфоцитам",
        },
    ),
)
INDEX_NAMES: dict[str, Mapping[str, str]] = {formula.code: formula.names for formula in _FORMULAE}
"""Names of the indices in English and Russian, by code."""


def leukocyte_indices(
    counts: Mapping[CellClass, int],
    rng: np.random.Generator,
    *,
    rules: CountingRules,
    adult: bool = True,
    draws: int = DRAWS,
) -> tuple[Index, ...]:
    """Return the leukocyte indices of a count with 95 % intervals.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class, each under one class, after the smudge policy; classes outside the denominator
        are left aside.
    rng : numpy.random.Generator
        Source of the draws that intervals are made of.
    rules : CountingRules
        From how many cells on an index is given.
    adult : bool, optional
        Whether the patient is an adult; what is usual was published for adults and is left out for children.
    draws : int, optional
        Number of draws.

    Returns
    -------
    tuple of Index
        Nuclear-shift index, Kalf-Kalif, Ostrovsky, neutrophil-to-lymphocyte ratio; each suppressed with its
        reason where too few leukocytes or cells of its denominator were counted, classes that it weighs
        apart were not split, or blasts are present.

    Notes
    -----
    The interval is propagated: shares are drawn from the Dirichlet posterior with the prior mass of one cell
    spread evenly over the classes, and the index is reckoned for each draw. Reactive lymphocytes stand with
    the lymphocytes. Kalf-Kalif: (4 Mye + 3 Meta + 2 Band + Seg)(Plasma + 1) / ((Lym + Mono)(Eos + 1)) in
    percent; sources print the denominator without its outer brackets. In the nuclear-shift index and
    Ostrovsky's, immature granulocytes that were not split by stage count as myelocytes and metamyelocytes.

    References
    ----------
    Berger JO, Bernardo JM, Sun D. Overall objective priors. Bayesian Analysis 2015;10:189-221.
    doi 10.1214/14-BA915 (the prior).
    """
    total = sum(counts.get(label, 0) for label in _LEAVES)
    points = {label: np.array([100.0 * counts.get(label, 0) / max(1, total)]) for label in _LEAVES}
    drawn: Shares | None = None
    found = []
    for formula in _FORMULAE:
        reason = _suppressed(formula, counts, total, rules)
        if reason:
            value = low = high = None
        else:
            drawn = _draw(counts, rng, draws) if drawn is None else drawn
            value = float(formula.value(points)[0])
            low, high = (float(end) for end in np.quantile(formula.value(drawn), [0.025, 0.975]))
            low, high = min(low, value), max(high, value)
        usual = formula.usual if adult else None
        found.append(Index(formula.code, value, low, high, reason, usual, formula.source, formula.status))
    return tuple(found)


def _suppressed(formula: _Formula, counts: Mapping[CellClass, int], total: int, rules: CountingRules) -> str:
    if total == 0:
        return "no_leukocytes"
    if total < rules.few_cells:
        return "few_cells"
    if counts.get(_C.BLAST):
        return "blasts_present"
    if any(counts.get(label) for label in formula.unsplit):
        split = counts.get(_C.NEUTROPHIL) and _C.NEUTROPHIL in formula.unsplit
        return "unsplit_neutrophils" if split else "unsplit_immature_granulocytes"
    if sum(counts.get(label, 0) for label in formula.below) < max(1, rules.smallest_index_count):
        return "small_denominator"
    return ""


def _draw(counts: Mapping[CellClass, int], rng: np.random.Generator, draws: int) -> Shares:
    # Classes never met are not drawn, save those that an index weighs: their absence may be chance.
    met = [label for label in _LEAVES if counts.get(label) or label in _WEIGHED]
    alpha = np.array([counts.get(label, 0) + 1.0 / len(met) for label in met])
    drawn = 100.0 * rng.dirichlet(alpha, size=draws)
    zero = np.zeros(draws)
    return {label: drawn[:, met.index(label)] if label in met else zero for label in _LEAVES}
