"""The age of a patient, in days, read from texts such as ``34y``, ``5m`` or ``12d``."""

import re
from dataclasses import dataclass

from cells.errors import UsageError

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
OLDEST_YEARS = 130
"""An age above this is taken for a mistake."""

_DAYS = {"y": DAYS_PER_YEAR, "m": DAYS_PER_MONTH, "w": 7.0, "d": 1.0}
_UNITS = {
    "y": ("y", "yr", "yrs", "year", "years", "г", "год", "года", "лет", "л"),
    "m": ("m", "mo", "mos", "month", "months", "м", "мес", "месяц", "месяца", "месяцев"),
    "w": ("w", "wk", "wks", "week", "weeks", "н", "нед", "неделя", "недели", "недель"),
    "d": ("d", "day", "days", "д", "дн", "день", "дня", "дней"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_PART = re.compile(r"(\d{1,5})\s*([^\W\d_]+)\.?\s*")
_FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"y": ("year", "years"), "m": ("month", "months"), "w": ("week", "weeks"), "d": ("day", "days")},
    "ru": {
        "y": ("год", "года", "лет"),
        "m": ("месяц", "месяца", "месяцев"),
        "w": ("неделя", "недели", "недель"),
        "d": ("день", "дня", "дней"),
    },
}
_MAX_PARTS = 4


@dataclass(frozen=True, slots=True, order=True)
class Age:
    """The age of a patient.

    Parameters
    ----------
    days : int
        Completed days of life, at least 0. A year counts 365.25 days and a month a twelfth of it, rounded
        down, so that ``12m`` and ``1y`` are the same age.
    parts : tuple of (int, str)
        The age as it was given: numbers with ``y``, ``m``, ``w`` or ``d``; for display only.
    """

    days: int
    parts: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of(cls, *, years: int = 0, months: int = 0, days: int = 0) -> "Age":
        """Make an age from numbers.

        Parameters
        ----------
        years, months, days : int, optional
            Completed years, months and days, added together.

        Returns
        -------
        Age
            The age.

        Raises
        ------
        UsageError
            Where a number is negative or the sum is above 130 years.
        """
        given = ((years, "y"), (months, "m"), (days, "d"))
        return _checked(tuple(part for part in given if part[0]) or ((0, "d"),), f"{years}y{months}m{days}d")

    @classmethod
    def parse(cls, text: str) -> "Age":
        """Read an age such as ``34y``, ``5m``, ``12d``, ``2w``, ``1y6m``, ``34 years`` or ``34 года``.

        Parameters
        ----------
        text : str
            Whole numbers, each with its unit, the largest unit first; upper and lower case are the same.

        Returns
        -------
        Age
            The age.

        Raises
        ------
        UsageError
            Where a unit is missing or unknown, units repeat or stand in the wrong order, or the age is
            above 130 years.

        Examples
        --------
        >>> Age.parse("34y").days
        12418
        >>> Age.parse("12d").days
        12
        """
        remedy = "write a whole number with y, m, w or d, such as 34y, 5m or 12d"
        words, position = text.strip().lower(), 0
        parts: list[tuple[int, str]] = []
        while match := _PART.match(words, position):
            unit = _UNIT_OF.get(match[2])
            if unit is None:
                raise UsageError(f"age {text!r} has the unknown unit {match[2]!r}; {remedy}")
            parts.append((int(match[1]), unit))
            position = match.end()
        if not parts or position != len(words) or len(parts) > _MAX_PARTS:
            raise UsageError(f"age {text!r} cannot be read; {remedy}")
        order = ["ymwd".index(unit) for _, unit in parts]
        if order != sorted(set(order)):
            raise UsageError(f"age {text!r} has its units repeated or out of order; {remedy}")
        return _checked(tuple(parts), text)

    @property
    def text(self) -> str:
        """The age in the short form that :meth:`parse` reads, such as ``34y`` or ``1y6m``."""
        return "".join(f"{number}{unit}" for number, unit in self.parts) or f"{self.days}d"

    def display(self, lang: str) -> str:
        """Return the age in words, such as ``34 years`` or ``34 года``.

        Parameters
        ----------
        lang : {"en", "ru"}
            Language.

        Returns
        -------
        str
            The age in words; KeyError for another language.
        """
        parts = self.parts or ((self.days, "d"),)
        return " ".join(f"{number} {_word(number, unit, lang)}" for number, unit in parts)


def _checked(parts: tuple[tuple[int, str], ...], text: str) -> Age:
    if any(number < 0 for number, _ in parts):
        raise UsageError(f"age {text!r} is negative; give the age at sampling, such as 34y, 5m or 12d")
    days = int(sum(number * _DAYS[unit] for number, unit in parts))
    if days > OLDEST_YEARS * DAYS_PER_YEAR:
        raise UsageError(f"age {text!r} is above {OLDEST_YEARS} years; check the number and its unit")
    return Age(days, parts)


def _word(number: int, unit: str, lang: str) -> str:
    forms = _FORMS[lang][unit]
    if lang == "en":
        return forms[0] if number == 1 else forms[1]
    if number % 10 == 1 and number % 100 != 11:
        return forms[0]
    return forms[1] if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else forms[2]
