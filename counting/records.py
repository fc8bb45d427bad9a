"""The records of a leukocyte formula: its lines, flags, what stands beside it, indices and comments."""

from dataclasses import dataclass
from enum import StrEnum

from cells.vocabulary import CellClass
from counting.denominator import corrected_wbc_interval
from counting.intervals import Interval
from counting.ranges import Range


class Flag(StrEnum):
    """How a value lies to its reference range, seen with its counting error."""

    NONE = "none"
    """No range applies, or nothing was counted."""
    INSIDE = "inside"
    """The value lies inside the range."""
    LOW_WITHIN_ERROR = "low_within_error"
    """The value lies below the range, but its interval reaches into it."""
    LOW = "low"
    """The whole interval lies below the range."""
    HIGH_WITHIN_ERROR = "high_within_error"
    """The value lies above the range, but its interval reaches into it."""
    HIGH = "high"
    """The whole interval lies above the range."""

    @property
    def borderline(self) -> bool:
        """Whether more cells might settle on which side of the limit the value lies."""
        return self in (Flag.LOW_WITHIN_ERROR, Flag.HIGH_WITHIN_ERROR)

    @property
    def certain(self) -> bool:
        """Whether the value lies outside the range beyond counting error."""
        return self in (Flag.LOW, Flag.HIGH)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the formula.

    Parameters
    ----------
    label : CellClass
        Class of the row; a pooled class counts its children as well.
    n : int
        Cells counted.
    percent : float
        Share of the leukocytes counted, in percent; 0 where none were counted.
    low, high : float
        Exact 95 % interval of the share, in percent; 0 to 100 where no leukocyte was counted.
    absolute, absolute_low, absolute_high : float or None
        Concentration and its interval, in 10⁹/L, where the leukocyte count is known. The interval holds the
        counting error of the differential alone, not that of the leukocyte count.
    range_percent, range_absolute : Range or None
        Reference ranges, in percent and 10⁹/L.
    flag : Flag
        The share held against its range.
    flag_absolute : Flag or None
        The concentration held against its range; None where there is no concentration.
    cells_needed : int or None
        Further leukocytes that would settle a borderline flag of the share if the share stays the same; None
        where the flag is not borderline or no sensible number settles it.
    cells_needed_absolute : int or None
        The same for the flag of the concentration.
    range_source : str
        Where the ranges were published.
    range_status : str
        ``"published"``, ``"unverified"`` or, without a range, empty.
    """

    label: CellClass
    n: int
    percent: float
    low: float
    high: float
    absolute: float | None = None
    absolute_low: float | None = None
    absolute_high: float | None = None
    range_percent: Range | None = None
    range_absolute: Range | None = None
    flag: Flag = Flag.NONE
    flag_absolute: Flag | None = None
    cells_needed: int | None = None
    cells_needed_absolute: int | None = None
    range_source: str = ""
    range_status: str = ""


@dataclass(frozen=True, slots=True)
class OutsideLine:
    """Finds outside the denominator.

    Parameters
    ----------
    label : CellClass
        Class of the finds.
    n : int
        Number of finds.
    per_100 : float or None
        Finds per 100 leukocytes; None where no leukocyte was counted.
    low, high : float or None
        Exact 95 % interval of the ratio, per 100 leukocytes; None where no leukocyte was counted.
    """

    label: CellClass
    n: int
    per_100: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Index:
    """A ratio of classes with its propagated interval.

    Parameters
    ----------
    code : str
        ``nuclear_shift``, ``kalf_kalif``, ``ostrovsky`` or ``neutrophil_lymphocyte``.
    value : float or None
        The index; None where it is suppressed.
    low, high : float or None
        95 % interval of the index; None where it is suppressed.
    suppressed : str
        Why no value is given, as a code of ``counting.notes``; empty where one is.
    usual : Range or None
        Values usual in healthy adults.
    source : str
        Where formula and usual values were published.
    status : str
        ``"published"`` or ``"unverified"``: whether the usual values were read in the source.
    """

    code: str
    value: float | None
    low: float | None
    high: float | None
    suppressed: str = ""
    usual: Range | None = None
    source: str = ""
    status: str = "published"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of the coded library.

    Parameters
    ----------
    rule : str
        Identifier of the rule that gave it.
    urgency : str
        ``"alert"``: a physician must see it now; ``"review"``: a person must look; ``"info"``.
    text_en, text_ru : str
        The comment in English and Russian.
    source : str
        Where the rule was published; empty where it is the reference range itself.
    status : str
        ``"published"``, or ``"unverified"`` where its values were not read in the source.
    """

    rule: str
    urgency: str
    text_en: str
    text_ru: str
    source: str
    status: str = "published"

    def text(self, lang: str) -> str:
        """Return the comment in one language.

        Parameters
        ----------
        lang : {"en", "ru"}
            Language.

        Returns
        -------
        str
            The comment; KeyError for another language.
        """
        return {"en": self.text_en, "ru": self.text_ru}[lang]


@dataclass(frozen=True, slots=True)
class CorrectedShare:
    """A share corrected for the classifier's errors.

    Parameters
    ----------
    label : CellClass
        Class of the share; a pooled class holds its children as well.
    percent, low, high : float
        Posterior mean and 95 % interval, in percent of leukocytes.
    """

    label: CellClass
    percent: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Correction:
    """Shares corrected for the classifier's errors, or the reason why there are none.

    Parameters
    ----------
    shares : tuple of CorrectedShare
        In clinical order; empty where nothing could be corrected.
    uncorrected : str
        Why nothing was corrected, as a code of ``counting.notes``; empty where it was.
    unsplit : str
        Why the children of a pooled class were not corrected apart, as a code of ``counting.notes``; empty
        where they were or nothing was corrected.
    fit_p : float or None
        Probability that counts as far from the model as these arise under it; None where not reckoned.
    missed_percent : float or None
        Estimated share of all leukocytes that the detector missed, in percent.
    """

    shares: tuple[CorrectedShare, ...] = ()
    uncorrected: str = ""
    unsplit: str = ""
    fit_p: float | None = None
    missed_percent: float | None = None


@dataclass(frozen=True, slots=True)
class LeukocyteFormula:
    """A leukocyte formula.

    Parameters
    ----------
    total : int
        Leukocytes that percentages refer to.
    lines : tuple of Line
        Rows in clinical order: neutrophils (pooled, band, segmented), eosinophils, basophils, lymphocytes
        and monocytes always, the other classes where they are not zero.
    outside : tuple of OutsideLine
        Finds outside the denominator, where they are not zero.
    unidentified : int
        Cells that wait for a person's decision; in no class and not in the total.
    wbc, wbc_corrected : float or None
        Leukocyte count as given and, where erythroblasts call for it, corrected; 10⁹/L.
    ranges_name, ranges_source, ranges_version : str
        Name, printed sources and version of the set of reference ranges.
    stratum : str
        English name of the group of people whose ranges apply; empty where there is none.
    notes : tuple of str
        Codes of ``counting.notes``.
    stratum_ru : str
        Russian name of the group.
    stratum_id : str
        Identifier of the group within the set.
    ranges_title_en, ranges_title_ru : str
        What the set of ranges is, in English and Russian.
    wbc_range : Range or None
        Reference range of the leukocyte count, in 10⁹/L.
    wbc_flag : Flag
        The leukocyte count (corrected, where it is) held against its range.
    smudge_policy : str
        What became of smudge cells: ``exclude``, ``as_lymphocytes`` or ``as_other``.
    indices : tuple of Index
        Leukocyte indices.
    comments : tuple of Comment
        Comments of the coded library, the urgent ones first.
    correction : Correction or None
        Shares corrected for the classifier's errors; None where none was asked for.
    stratum_from_days, stratum_until_days : int or None
        First day of life that belongs to the group, and the first that belongs to it no more; None where
        there is no group or no end.
    stratum_sex : str or None
        ``"f"`` or ``"m"`` where the ranges hold for one sex alone.
    """

    total: int
    lines: tuple[Line, ...]
    outside: tuple[OutsideLine, ...]
    unidentified: int
    wbc: float | None
    wbc_corrected: float | None
    ranges_name: str
    ranges_source: str
    ranges_version: str
    stratum: str
    notes: tuple[str, ...]
    stratum_ru: str = ""
    stratum_id: str = ""
    ranges_title_en: str = ""
    ranges_title_ru: str = ""
    wbc_range: Range | None = None
    wbc_flag: Flag = Flag.NONE
    smudge_policy: str = "exclude"
    indices: tuple[Index, ...] = ()
    comments: tuple[Comment, ...] = ()
    correction: Correction | None = None
    stratum_from_days: int | None = None
    stratum_until_days: int | None = None
    stratum_sex: str | None = None

    @property
    def wbc_corrected_interval(self) -> Interval | None:
        """Interval of the corrected leukocyte count by counting error of erythroblasts; None without one."""
        found = self.beside(CellClass.ERYTHROBLAST)
        if self.wbc is None or self.wbc_corrected is None or found is None:
            return None
        if found.low is None or found.high is None:
            return None
        return corrected_wbc_interval(self.wbc, Interval(found.low, found.high))

    def line(self, label: CellClass) -> Line | None:
        """Return the row of a class, or None where the formula has none.

        Parameters
        ----------
        label : CellClass
            Class that is asked for.

        Returns
        -------
        Line or None
            Its row.
        """
        return next((line for line in self.lines if line.label is label), None)

    def is_lower_bound(self, line: Line) -> bool:
        """Return whether a row holds only some of its cells: its parent holds cells that nobody split.

        Parameters
        ----------
        line : Line
            Row of this formula.

        Returns
        -------
        bool
            True for the bands where some neutrophils are neither called band nor segmented, for example.
        """
        parent = None if line.label.parent is None else self.line(line.label.parent)
        if parent is None:
            return False
        return parent.n > sum(child.n for child in self.lines if child.label.parent is parent.label)

    def beside(self, label: CellClass) -> OutsideLine | None:
        """Return the finds of a class outside the denominator, or None where there are none.

        Parameters
        ----------
        label : CellClass
            Class that is asked for.

        Returns
        -------
        OutsideLine or None
            Its finds.
        """
        return next((line for line in self.outside if line.label is label), None)
