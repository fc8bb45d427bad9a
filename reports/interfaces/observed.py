"""What is said of one value to other systems, whatever the format."""

from dataclasses import dataclass
from decimal import Decimal

from counting.records import Flag
from reports.interfaces.codes import CODES, Code, Unit


@dataclass(frozen=True, slots=True)
class Limits:
    """A reference interval.

    Parameters
    ----------
    low, high : Decimal
        Ends, both inside, in the unit of the value.
    text : str
        The interval in the report's language.
    group : str
        The people that it holds for, in words.
    from_days, until_days : int or None
        First day of life that it holds for, and the first that it holds for no more.
    sex : str or None
        ``"f"`` or ``"m"`` where it holds for one sex alone.
    usual : bool
        Whether it only says what is usual, as for an index.
    """

    low: Decimal
    high: Decimal
    text: str
    group: str = ""
    from_days: int | None = None
    until_days: int | None = None
    sex: str | None = None
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """One value with all that belongs to it.

    Parameters
    ----------
    key : str
        Key of its code, once in a report.
    name : str
        What it is, in the report's language.
    value : Decimal, int, str or None
        The value; None where there is none to give.
    unit : Unit or None
        Its unit; None for texts and for plain counts.
    at_least : bool
        Whether the true value may be higher: cells that nobody split are missing from it.
    n : int or None
        Cells counted.
    low, high : Decimal or None
        Ends of the 95 % interval.
    limits : Limits or None
        Reference interval.
    interpretation : str
        A code of ``INTERPRETATIONS``, or empty.
    flag : Flag
        The value held against the reference interval.
    method : str
        A code of ``METHODS``, or empty.
    notes : tuple of str
        Remarks in the report's language.
    parts : tuple of str
        Keys of the values that it pools.
    sources : tuple of str
        Keys of the values that it was calculated from.
    withdrawn : bool
        Whether an earlier version may have carried it and it holds no more.
    """

    key: str
    name: str
    value: Decimal | int | str | None
    unit: Unit | None = None
    at_least: bool = False
    n: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    limits: Limits | None = None
    interpretation: str = ""
    flag: Flag = Flag.NONE
    method: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    withdrawn: bool = False

    @property
    def code(self) -> Code:
        """The code of the value."""
        return CODES[self.key]
