"""The flag of a value: held against its range with its interval."""

from counting.intervals import Interval
from counting.ranges import Range
from counting.records import Flag


def judge(value: float, interval: Interval, limits: Range | None) -> Flag:
    """Hold a value with its interval against a reference range.

    Parameters
    ----------
    value : float
        The value, in the unit of the range.
    interval : Interval
        Its interval, unrounded, in the same unit.
    limits : Range or None
        The range; both ends belong to it.

    Returns
    -------
    Flag
        ``low`` or ``high`` where the whole interval lies outside, ``low_within_error`` or
        ``high_within_error`` where the value does but the interval reaches the range, else ``inside``;
        ``none`` where there is no range.

    Examples
    --------
    >>> str(judge(9.0, Interval(4.2, 16.4), Range(1.0, 6.0)))
    'high_within_error'
    """
    if limits is None:
        return Flag.NONE
    if value < limits.low:
        return Flag.LOW if interval.high < limits.low else Flag.LOW_WITHIN_ERROR
    if value > limits.high:
        return Flag.HIGH if interval.low > limits.high else Flag.HIGH_WITHIN_ERROR
    return Flag.INSIDE
