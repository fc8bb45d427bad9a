"""A stored value held against the one that the cells give."""

from collections.abc import Iterator
from math import isfinite

from counting.ranges import Range

_PERCENT_TOLERANCE = 1e-3
_RELATIVE_TOLERANCE = 1e-3


def differing(name: str, stored: object, counted: object) -> Iterator[str]:
    """Tell where a stored value is not the one counted.

    Parameters
    ----------
    name : str
        What it is, for the sentence.
    stored, counted : object
        The two; floats may differ by rounding, by 0.001 or one in a thousand, and what is not finite is None.

    Yields
    ------
    str
        One sentence with both values, where they differ.
    """
    if isinstance(counted, float) and not isfinite(counted):  # stored as null
        near = stored is None or stored == counted
    elif isinstance(counted, float) and isinstance(stored, int | float):
        near = abs(stored - counted) <= max(_PERCENT_TOLERANCE, _RELATIVE_TOLERANCE * abs(counted))
    else:
        near = stored == counted
    if not near:
        yield f"formula: {name} is {said(stored)}, and the cells give {said(counted)}"


def said(value: object) -> str:
    """Return a value in words.

    Parameters
    ----------
    value : object
        A number, a range, a text or None.

    Returns
    -------
    str
        ``not given`` for None.
    """
    if isinstance(value, Range):
        return f"{value.low:g}-{value.high:g}"
    if value is None:
        return "not given"
    return f"{value:g}" if isinstance(value, float) else str(value)
