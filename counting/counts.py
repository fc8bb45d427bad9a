"""Counts of cells by class: reading them from text, checking them, pooling them."""

import difflib
import math
import re
from collections.abc import Mapping
from operator import index

from cells.errors import UsageError
from cells.vocabulary import CellClass

LARGEST_COUNT = 10_000_000
"""More cells than this on one smear are taken for a mistake."""

HIGHEST_WBC = 1000.0
"""A leukocyte count above this, in 10⁹/L, is taken for a mistake of the unit."""

_WHOLE = re.compile(r"-?[0-9]{1,12}")


def parse_counts(text: str) -> dict[CellClass, int]:
    """Read counts such as ``neutrophil_segmented=58,lymphocyte=31``.

    Parameters
    ----------
    text : str
        Pairs of a class and a whole number, parted by commas or white space.

    Returns
    -------
    dict of CellClass to int
        The counts above zero, in clinical order. Each cell stands under one class: ``neutrophil`` holds
        those that were not split.

    Raises
    ------
    UsageError
        Where a pair cannot be read, a class is unknown or stands twice, or a count is negative.

    Examples
    --------
    >>> parse_counts("lymphocyte=31, eosinophil=2")
    {<CellClass.EOSINOPHIL: 'eosinophil'>: 2, <CellClass.LYMPHOCYTE: 'lymphocyte'>: 31}
    """
    pairs = text.replace(",", " ").split()
    if not pairs:
        raise UsageError("no counts are given; write for example neutrophil_segmented=58,lymphocyte=31")
    found: dict[CellClass, int] = {}
    for pair in pairs:
        name, equals, number = pair.partition("=")
        if not equals or not _WHOLE.fullmatch(number):
            raise UsageError(f"count {pair!r} cannot be read; write CLASS=NUMBER, such as lymphocyte=31")
        label = parse_class(name)
        if label in found:
            raise UsageError(f"class {name!r} stands twice in the counts; give it once")
        found[label] = int(number)
    return checked_counts(found)


def parse_class(name: str) -> CellClass:
    """Return the class of a name.

    Parameters
    ----------
    name : str
        Name of the class, such as ``lymphocyte``.

    Returns
    -------
    CellClass
        The class.

    Raises
    ------
    UsageError
        Where there is none of this name; the message names the most similar one.
    """
    try:
        return CellClass(name)
    except ValueError:
        similar = difflib.get_close_matches(name.lower(), [str(label) for label in CellClass], n=1, cutoff=0)
        raise UsageError(f"unknown cell class {name!r}; did you mean {similar[0]!r}?") from None


def checked_counts(counts: Mapping[CellClass, int]) -> dict[CellClass, int]:
    """Check counts and return them in clinical order, without the zeros.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class; each cell stands under one class.

    Returns
    -------
    dict of CellClass to int
        The counts above zero.

    Raises
    ------
    UsageError
        Where a class is unknown or a count is negative, not whole, or above 10,000,000.
    """
    checked = {parse_class(label): _whole(label, number) for label, number in counts.items()}
    return {label: checked[label] for label in CellClass if checked.get(label)}


def checked_wbc(wbc: float | None) -> float | None:
    """Check a leukocyte count.

    Parameters
    ----------
    wbc : float or None
        Leukocyte count in 10⁹/L, where known.

    Returns
    -------
    float or None
        The same.

    Raises
    ------
    UsageError
        Where it is not a number above 0 and at most 1000.
    """
    if wbc is None:
        return None
    if not (math.isfinite(wbc) and 0 < wbc <= HIGHEST_WBC):
        raise UsageError(f"leukocyte count {wbc:g} is not possible; give it in 10⁹/L, above 0, such as 6.4")
    return float(wbc)


def checked_sex(sex: str | None) -> str | None:
    """Check the sex of a patient.

    Parameters
    ----------
    sex : str or None
        ``f``, ``m``, ``female``, ``male``, ``ж`` or ``м`` in upper or lower case, where known.

    Returns
    -------
    str or None
        ``"f"`` or ``"m"``, or None.

    Raises
    ------
    UsageError
        Where it is something else.
    """
    if sex is None:
        return None
    known = {"f": "f", "female": "f", "ж": "f", "m": "m", "male": "m", "м": "m"}
    if sex.strip().lower() not in known:
        raise UsageError(f"sex {sex!r} is not known; write f or m, or leave it out")
    return known[sex.strip().lower()]


def pooled_count(counts: Mapping[CellClass, int], label: CellClass) -> int:
    """Return the cells of a class together with those of the classes that it pools.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class; each cell stands under one class.
    label : CellClass
        Class that is asked for.

    Returns
    -------
    int
        Their number.
    """
    return counts.get(label, 0) + sum(counts.get(child, 0) for child in label.children)


def _whole(label: CellClass, number: int) -> int:
    try:
        whole = index(number)
    except TypeError:
        raise UsageError(f"count of {label} is {number!r}; give a whole number") from None
    if not 0 <= whole <= LARGEST_COUNT:
        raise UsageError(f"count of {label} is {whole}; give a whole number from 0 to {LARGEST_COUNT}")
    return whole
