"""What percentages refer to: the denominator, what stands beside it, and the corrected leukocyte count."""

from collections.abc import Mapping

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.intervals import Interval
from counting.rules import SmudgePolicy


def apply_smudge_policy(counts: Mapping[CellClass, int], policy: SmudgePolicy) -> dict[CellClass, int]:
    """Return the counts that percentages are made of.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class.
    policy : SmudgePolicy
        ``as_lymphocytes`` adds smudge cells to the lymphocytes, as some do in chronic lymphocytic leukaemia;
        the other policies leave the counts as they are.

    Returns
    -------
    dict of CellClass to int
        New counts.
    """
    changed = dict(counts)
    if policy is SmudgePolicy.AS_LYMPHOCYTES and changed.get(CellClass.SMUDGE_CELL):
        smudges = changed.pop(CellClass.SMUDGE_CELL)
        changed[CellClass.LYMPHOCYTE] = changed.get(CellClass.LYMPHOCYTE, 0) + smudges
    return changed


def counts_in_denominator(label: CellClass, policy: SmudgePolicy) -> bool:
    """Return whether cells of a class are among the leukocytes that percentages refer to.

    Parameters
    ----------
    label : CellClass
        Class that is asked for.
    policy : SmudgePolicy
        ``as_other`` takes smudge cells in, as a row of their own.

    Returns
    -------
    bool
        True where they are.
    """
    return label.in_denominator or (label is CellClass.SMUDGE_CELL and policy is SmudgePolicy.AS_OTHER)


def denominator(counts: Mapping[CellClass, int], policy: SmudgePolicy = SmudgePolicy.EXCLUDE) -> int:
    """Return the number of leukocytes that percentages refer to.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Cells of each class, after :func:`apply_smudge_policy`.
    policy : SmudgePolicy, optional
        What becomes of smudge cells.

    Returns
    -------
    int
        Leukocytes counted.
    """
    return sum(number for label, number in counts.items() if counts_in_denominator(label, policy))


def corrected_wbc(wbc: float, nrbc_per_100: float, *, threshold: float | None = 5.0) -> float | None:
    """Return the leukocyte count corrected for erythroblasts that the analyser counted as leukocytes.

    Parameters
    ----------
    wbc : float
        Leukocyte count as measured, in any unit of concentration, above 0.
    nrbc_per_100 : float
        Erythroblasts per 100 leukocytes, at least 0.
    threshold : float or None, optional
        Erythroblasts per 100 leukocytes from which the count is corrected; None never corrects.

    Returns
    -------
    float or None
        ``wbc * 100 / (100 + nrbc_per_100)`` in the unit of ``wbc``, or None where nothing is corrected.

    Raises
    ------
    UsageError
        Where the leukocyte count is not above 0 or the erythroblasts are negative.

    References
    ----------
    Correction of the leukocyte count for nucleated erythrocytes from 5 per 100 on,
    https://www.medicalalgorithms.com/correction-of-wbc-for-nucleated-red-blood-cells

    Examples
    --------
    >>> round(corrected_wbc(17_400, 8))
    16111
    """
    if not wbc > 0 or not nrbc_per_100 >= 0:
        raise UsageError(
            f"cannot correct {wbc:g} leukocytes for {nrbc_per_100:g} erythroblasts per 100; "
            "give a count above 0 and a number that is not negative"
        )
    if threshold is None or nrbc_per_100 == 0 or nrbc_per_100 < threshold:
        return None
    return wbc * 100.0 / (100.0 + nrbc_per_100)


def corrected_wbc_interval(wbc: float, nrbc_per_100: Interval) -> Interval:
    """Return the interval of a corrected leukocyte count that comes from counting the erythroblasts.

    Parameters
    ----------
    wbc : float
        Leukocyte count as measured, in any unit of concentration, above 0.
    nrbc_per_100 : Interval
        Interval of the erythroblasts per 100 leukocytes, ends of 0 or more.

    Returns
    -------
    Interval
        In the unit of ``wbc``. It holds neither the error of the leukocyte count nor that of taking a cell
        for an erythroblast.
    """
    return Interval(*(wbc * 100.0 / (100.0 + ratio) for ratio in (nrbc_per_100.high, nrbc_per_100.low)))
