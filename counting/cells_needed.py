"""How many more cells would settle a flag that lies within the counting error."""

from collections.abc import Callable

from counting.intervals import clopper_pearson_percent
from counting.ranges import Range

MOST_CELLS = 20_000
"""Nobody counts more leukocytes than this on a smear; beyond it no number is given."""


def cells_needed(k: int, n: int, limits: Range, *, most: int = MOST_CELLS) -> int | None:
    """Return how many further leukocytes would settle a borderline flag if the share stays the same.

    Parameters
    ----------
    k : int
        Cells of the class.
    n : int
        Leukocytes counted, at least 1.
    limits : Range
        Reference range of the share, in percent.
    most : int, optional
        Largest total that is considered.

    Returns
    -------
    int or None
        Smallest number of further leukocytes with which the exact 95 % interval around the same share lies
        wholly outside the range; 0 where it does already; None where the share lies inside the range, or
        not even ``most`` leukocytes are enough.

    Notes
    -----
    The share seen may be off, so the number is a guide: counting so many more settles the matter in about
    half of all cases.

    Examples
    --------
    >>> cells_needed(9, 100, Range(1.0, 6.0))
    197
    """
    percent = 100.0 * k / n
    settled: Callable[[int], bool]
    if percent < limits.low:

        def settled(total: int) -> bool:
            return clopper_pearson_percent(total * k / n, total).high < limits.low

    elif percent > limits.high:

        def settled(total: int) -> bool:
            return clopper_pearson_percent(total * k / n, total).low > limits.high

    else:
        return None
    if settled(n):
        return 0
    if n >= most or not settled(most):
        return None
    return _first(settled, n, most) - n


def _first(settled: Callable[[int], bool], below: int, above: int) -> int:
    while above - below > 1:
        middle = (below + above) // 2
        if settled(middle):
            above = middle
        else:
            below = middle
    return above
