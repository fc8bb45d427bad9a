"""Reference ranges: sets of ranges by age and sex, each with its source, and the choice among them."""

from dataclasses import dataclass

from cells.vocabulary import CellClass
from counting.age import Age

ADULT = Age.of(years=18)
"""From this age on a patient is an adult; it is assumed where no age is given."""

DEFAULT_SET = "ru"
"""Name of the set that applies where the user names none."""


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range; both ends belong to it.

    Parameters
    ----------
    low, high : float
        Ends, in percent of leukocytes or in 10⁹/L.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a range was published.

    Parameters
    ----------
    title : str
        Work or page that prints the range.
    address : str
        URL or DOI; empty where there is none.
    """

    title: str
    address: str = ""

    @property
    def text(self) -> str:
        """Title and address in one line, for print."""
        return f"{self.title}, {self.address}" if self.address else self.title


@dataclass(frozen=True, slots=True)
class RangeRow:
    """The ranges of one cell class.

    Parameters
    ----------
    label : CellClass
        Class that the ranges belong to.
    percent : Range or None
        Range of the share, in percent of leukocytes.
    absolute : Range or None
        Range of the concentration, in 10⁹/L.
    source : Source
        Where they were published.
    status : str
        ``"published"``: read in the source named; ``"unverified"``: handed down, not read at the source.
    """

    label: CellClass
    percent: Range | None
    absolute: Range | None
    source: Source
    status: str = "published"


@dataclass(frozen=True, slots=True)
class Stratum:
    """The ranges of one group of people.

    Parameters
    ----------
    stratum_id : str
        Stable identifier within the set.
    label_en, label_ru : str
        Name of the group in English and Russian.
    age_from_days : int
        First day of life that belongs to it.
    age_until_days : int or None
        First day of life that belongs to it no more; None for no end.
    sex : str or None
        ``"f"``, ``"m"`` or, for both, None.
    wbc : Range or None
        Range of the leukocyte count, in 10⁹/L.
    rows : tuple of RangeRow
        Ranges of the classes, in clinical order.
    """

    stratum_id: str
    label_en: str
    label_ru: str
    age_from_days: int
    age_until_days: int | None
    sex: str | None
    wbc: Range | None
    rows: tuple[RangeRow, ...]

    def label(self, lang: str) -> str:
        """Return the name of the group in one language.

        Parameters
        ----------
        lang : {"en", "ru"}
            Language.

        Returns
        -------
        str
            Name of the group; KeyError for another language.
        """
        return {"en": self.label_en, "ru": self.label_ru}[lang]

    def holds(self, age: Age) -> bool:
        """Return whether a person of this age belongs to the group.

        Parameters
        ----------
        age : Age
            Age at sampling.

        Returns
        -------
        bool
            True where the age lies inside.
        """
        return self.age_from_days <= age.days and (
            self.age_until_days is None or age.days < self.age_until_days
        )

    def row(self, label: CellClass) -> RangeRow | None:
        """Return the ranges of a class, or None where the source gives none.

        Parameters
        ----------
        label : CellClass
            Class that is asked for.

        Returns
        -------
        RangeRow or None
            Its ranges.
        """
        return next((row for row in self.rows if row.label is label), None)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of the group's ranges, once each, in order of use."""
        return tuple(dict.fromkeys(row.source for row in self.rows))


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """A versioned set of reference ranges.

    Parameters
    ----------
    name : str
        Short name, such as ``ru``.
    version : str
        Version of the set; a change of any number changes it.
    title_en, title_ru : str
        What the set is, in English and Russian.
    strata : tuple of Stratum
        Groups of people; those of one sex do not overlap in age.
    """

    name: str
    version: str
    title_en: str
    title_ru: str
    strata: tuple[Stratum, ...]

    def title(self, lang: str) -> str:
        """Return what the set is in one language.

        Parameters
        ----------
        lang : {"en", "ru"}
            Language.

        Returns
        -------
        str
            What the set is; KeyError for another language.
        """
        return {"en": self.title_en, "ru": self.title_ru}[lang]

    def select(self, age: Age | None = None, sex: str | None = None) -> Stratum | None:
        """Choose the group that a patient belongs to.

        Parameters
        ----------
        age : Age or None
            Age at sampling; None is taken for an adult.
        sex : {"f", "m"} or None
            Sex, where known. A group of one sex goes before a group of both and is never given to a patient
            of unknown sex.

        Returns
        -------
        Stratum or None
            The group, or None where the set publishes nothing for such a patient.
        """
        fitting = [
            stratum
            for stratum in self.strata
            if stratum.holds(ADULT if age is None else age) and stratum.sex in (None, sex)
        ]
        return max(fitting, key=lambda stratum: stratum.sex is not None, default=None)

    def needs_sex(self, age: Age | None = None) -> bool:
        """Return whether ranges for this age exist only by sex.

        Parameters
        ----------
        age : Age or None
            Age at sampling; None is taken for an adult.

        Returns
        -------
        bool
            True where naming the sex would give ranges that are missing without it.
        """
        return self.select(age) is None and any(self.select(age, sex) is not None for sex in ("f", "m"))
