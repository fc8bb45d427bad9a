"""Numbers and times as other systems get them: with the digits that the report prints."""

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal

from leukoformula.result import FARTHEST_OFFSET

PERCENT_DIGITS = 1
"""Decimals of a share."""

ABSOLUTE_DIGITS = 2
"""Decimals of an absolute count and of an index."""

_TINY = 1e-9
_PART = re.compile(r"\d{4}(-\d{2})?")


def fixed(value: float, digits: int) -> Decimal:
    """Return a number rounded to a fixed number of decimals, zeros at its end kept.

    Parameters
    ----------
    value : float
        A finite number.
    digits : int
        Number of decimals.

    Returns
    -------
    Decimal
        The number as the report prints it: 5.0, not 5.
    """
    return Decimal(f"{value:.{digits}f}")


def as_given(value: float, *, digits: int = 0) -> Decimal:
    """Return a number that a person gave: all its decimals, at least ``digits`` unless it is 0.

    Parameters
    ----------
    value : float
        A finite number.
    digits : int, optional
        Smallest number of decimals.

    Returns
    -------
    Decimal
        The number.
    """
    shortest = Decimal(repr(float(value))).normalize()
    places = -int(shortest.as_tuple().exponent)
    return shortest.quantize(Decimal(1).scaleb(-max(places, digits if value else 0)))


def outward(low: float | None, high: float | None, digits: int) -> tuple[Decimal | None, Decimal | None]:
    """Return the ends of an interval rounded outward.

    Parameters
    ----------
    low, high : float or None
        The ends; None or infinite where there is none.
    digits : int
        Number of decimals.

    Returns
    -------
    tuple of Decimal or None
        The ends as the report prints them; None where there is none.
    """
    scale = 10**digits
    lower = math.floor(low * scale + _TINY) / scale if low is not None and math.isfinite(low) else None
    upper = math.ceil(high * scale - _TINY) / scale if high is not None and math.isfinite(high) else None
    return (
        None if lower is None else fixed(lower, digits),
        None if upper is None else fixed(upper, digits),
    )


def _moment(text: str) -> str | datetime | None:
    """Return a year, month or day as ISO text, a time of day as such, or None; no impossible offset."""
    if _PART.fullmatch(text):
        return text if _day(text + "-01-01"[len(text) - 4 :]) else None
    try:
        moment = _day(text) or datetime.fromisoformat(text)
    except ValueError:
        return None
    offset = None if isinstance(moment, str) else moment.utcoffset()
    is_odd = offset is not None and (abs(offset) > FARTHEST_OFFSET or offset % timedelta(minutes=1))
    return moment.replace(tzinfo=None) if is_odd and isinstance(moment, datetime) else moment


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def fhir_time(text: str) -> str:
    """Return a time as a FHIR ``dateTime``.

    Parameters
    ----------
    text : str
        ISO 8601: a year, a month, a day, or a day with its time.

    Returns
    -------
    str
        The same with seconds and offset. A time without offset is cut to its day, because FHIR allows no
        time of day without one; empty where the text is no time.
    """
    moment = _moment(text)
    if not isinstance(moment, datetime):
        return moment or ""
    if moment.utcoffset() is None:
        return moment.date().isoformat()
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def hl7_time(text: str) -> str:
    """Return a time as an HL7 v2 ``TS``.

    Parameters
    ----------
    text : str
        ISO 8601: a year, a month, a day, or a day with its time.

    Returns
    -------
    str
        ``YYYY[MM[DD]]`` or ``YYYYMMDDHHMMSS[+ZZZZ]``; empty where the text is no time.
    """
    moment = _moment(text)
    if not isinstance(moment, datetime):
        return (moment or "").replace("-", "")
    return f"{moment:%Y%m%d%H%M%S%z}"[:19]
