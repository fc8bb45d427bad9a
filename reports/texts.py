"""The two languages of the reports: phrases, plural forms, numbers, dates."""

import math
from collections.abc import Sequence
from datetime import date, datetime

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.age import Age
from reports.phrases import PHRASES

LANGUAGES: tuple[str, ...] = ("en", "ru")
"""Codes of the languages, in the order of the phrases."""

_NO_BREAK = "\u00a0"
_TINY = 1e-9


class Language:
    """One language of the reports.

    Parameters
    ----------
    code : {"en", "ru"}
        Language.

    Raises
    ------
    UsageError
        Where the language is not one of the two.
    """

    def __init__(self, code: str) -> None:
        if code not in LANGUAGES:
            raise UsageError(f"no reports in the language {code!r}; choose one of {', '.join(LANGUAGES)}")
        self.code = code
        self._column = LANGUAGES.index(code)

    def text(self, key: str, **values: object) -> str:
        """Return a phrase with its values filled in.

        Parameters
        ----------
        key : str
            Key of the phrase; KeyError for an unknown one.
        **values : object
            Values of the placeholders. A whole number ``n`` chooses the plural form and is printed with
            its thousands apart.

        Returns
        -------
        str
            The phrase.
        """
        phrase = PHRASES[key][self._column]
        count = values.get("n")
        if isinstance(count, int):
            forms = phrase.split("|")
            phrase = forms[min(self._form(count), len(forms) - 1)]
            values["n"] = self.integer(count)
        return phrase.format(**values) if values else phrase

    def has(self, key: str) -> bool:
        """Return whether there is a phrase of this key.

        Parameters
        ----------
        key : str
            Key of a phrase.

        Returns
        -------
        bool
            Whether it exists.
        """
        return key in PHRASES

    def integer(self, value: int) -> str:
        """Return a whole number with its thousands apart: ``2,314`` or ``2 314``.

        Parameters
        ----------
        value : int
            The number.

        Returns
        -------
        str
            The number as text.
        """
        grouped = f"{value:,}"
        return grouped if self.code == "en" else grouped.replace(",", _NO_BREAK)

    def number(self, value: float, digits: int) -> str:
        """Return a number with a fixed number of decimals and the decimal sign of the language.

        Parameters
        ----------
        value : float
            The number.
        digits : int
            Number of decimals.

        Returns
        -------
        str
            The number as text.
        """
        if not math.isfinite(value):
            return "∞" if value > 0 else "—"
        return self._decimal(f"{value:.{digits}f}")

    def shortest(self, value: float, *, digits: int = 3) -> str:
        """Return a number with at most ``digits`` decimals and no zeros at its end: ``0.5``, ``47``.

        Parameters
        ----------
        value : float
            The number.
        digits : int
            Number of decimals.

        Returns
        -------
        str
            The number as text.
        """
        return self._decimal(f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}")

    def span(self, low: float, high: float, *, digits: int) -> str:
        """Return an interval rounded outward to ``digits`` decimals: ``4.2–16.4``; ``> 4.2`` without end.

        Parameters
        ----------
        low : float
            Lower end.
        high : float
            Upper end.
        digits : int
            Number of decimals.

        Returns
        -------
        str
            The interval as text.
        """
        scale = 10**digits
        lower = self.number(math.floor(low * scale + _TINY) / scale, digits)
        if not math.isfinite(high):
            return f">{_NO_BREAK}{lower}"
        return f"{lower}–{self.number(math.ceil(high * scale - _TINY) / scale, digits)}"

    def limits(self, low: float, high: float, *, digits: int = 0) -> str:
        """Return a reference interval with the decimals of its source, at least ``digits``: ``0.5–5``.

        Parameters
        ----------
        low : float
            Lower end.
        high : float
            Upper end.
        digits : int
            Number of decimals.

        Returns
        -------
        str
            The interval as text.
        """
        return f"{self._limit(low, digits)}–{self._limit(high, digits)}"

    def percent(self, value: float, digits: int = 1) -> str:
        """Return a percentage with its sign: ``54.2 %``.

        Parameters
        ----------
        value : float
            The number.
        digits : int
            Number of decimals.

        Returns
        -------
        str
            The percentage as text.
        """
        return f"{self.number(value, digits)}{_NO_BREAK}%"

    def absolute(self, value: float) -> str:
        """Return a count of cells with two decimals and its unit: ``6.40 × 10⁹/L``.

        Parameters
        ----------
        value : float
            The number.

        Returns
        -------
        str
            The count as text.
        """
        return f"{self.number(value, 2)}{_NO_BREAK}{self.text('unit.absolute')}"

    def concentration(self, value: float) -> str:
        """Return a count of cells as it was given, with its unit: ``6.4 × 10⁹/L``.

        Parameters
        ----------
        value : float
            The number.

        Returns
        -------
        str
            The count as text.
        """
        return f"{self._limit(value, 1)}{_NO_BREAK}{self.text('unit.absolute')}"

    def label(self, label: CellClass) -> str:
        """Return the name of a cell class.

        Parameters
        ----------
        label : CellClass
            The class.

        Returns
        -------
        str
            The name.
        """
        return label.display(self.code)

    def date(self, text: str) -> str:
        """Return an ISO date in the order of the language, or the text itself where it is none.

        Parameters
        ----------
        text : str
            The text.

        Returns
        -------
        str
            The date as text.
        """
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            return text
        rest = text[10:].replace("T", " ")
        return text if self.code == "en" else f"{day:%d.%m.%Y}{rest}"

    def moment(self, text: str) -> str:
        """Return a time in ISO 8601 to the minute: ``2026-11-20 14:05 (UTC+03:00)``, ``20.11.2026 14:05 …``.

        Parameters
        ----------
        text : str
            The time.

        Returns
        -------
        str
            The time as text, to the minute; the text itself where it is none.
        """
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        day = f"{moment:%Y-%m-%d}" if self.code == "en" else f"{moment:%d.%m.%Y}"
        offset = moment.isoformat()[-6:] if moment.utcoffset() else ""
        return f"{day}{_NO_BREAK}{moment:%H:%M} (UTC{offset})"

    def age(self, text: str) -> str:
        """Return an age such as ``34y`` in words, or the text itself where it is none.

        Parameters
        ----------
        text : str
            The text.

        Returns
        -------
        str
            The age in words.
        """
        try:
            return Age.parse(text).display(self.code) if text else ""
        except UsageError:
            return text

    def listing(self, items: Sequence[str], *, most: int) -> str:
        """Return the items separated by commas, at most ``most`` of them, and how many more there are.

        Parameters
        ----------
        items : sequence of str
            The items.
        most : int
            Number of items to be named.

        Returns
        -------
        str
            The list as text.
        """
        shown = list(items[:most])
        if len(items) > most:
            shown.append(self.text("more", n=len(items) - most))
        return ", ".join(shown)

    def _limit(self, value: float, digits: int) -> str:
        shortest = self.shortest(value)
        padded = self.number(value, digits)
        return padded if value and len(padded) > len(shortest) else shortest

    def _decimal(self, text: str) -> str:
        return text if self.code == "en" else text.replace(".", ",")

    def _form(self, count: int) -> int:
        if self.code == "en":
            return 0 if count == 1 else 1
        if count % 10 == 1 and count % 100 != 11:
            return 0
        return 1 if 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14 else 2
