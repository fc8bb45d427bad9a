"""The rules of counting that a laboratory sets: smudge cells, correction for erythroblasts, small counts."""

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from cells.errors import UsageError


class SmudgePolicy(StrEnum):
    """What becomes of smudge cells; authorities disagree, so the report names the policy."""

    EXCLUDE = "exclude"
    AS_LYMPHOCYTES = "as_lymphocytes"
    AS_OTHER = "as_other"


@dataclass(frozen=True, slots=True)
class AlertValues:
    """Values that call for a physician at once; absolute counts in 10⁹/L.

    Laboratories set their own; the defaults are those of two published lists of critical results.

    Parameters
    ----------
    wbc_low, wbc_high : float
        Leukocytes at or below, and above.
    neutrophils_low : float
        Neutrophils below.
    blasts_percent : float
        Share of blasts, in percent, from which leukaemia is to be excluded at once.
    unidentified_per_100 : float
        Unidentified cells per 100 leukocytes that make a cluster which only a person can judge.

    Raises
    ------
    UsageError
        Where a number is negative or not finite, or the limits of the leukocyte count are the wrong way
        round.

    References
    ----------
    Homerton Healthcare, haematology critical results (homerton.nhs.uk): leukocytes ≤ 2.0 or > 30,
    neutrophils < 0.5. hakimilab.com, critical values: blasts above 20 %.
    """

    wbc_low: float = 2.0
    wbc_high: float = 30.0
    neutrophils_low: float = 0.5
    blasts_percent: float = 20.0
    unidentified_per_100: float = 5.0

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            _check("alert value", name, number)
        if self.wbc_low >= self.wbc_high:
            raise UsageError(
                f"alert value wbc_low ({self.wbc_low:g}) must be below wbc_high ({self.wbc_high:g}); "
                "correct them"
            )


@dataclass(frozen=True, slots=True)
class CountingRules:
    """The rules that a formula is made by.

    Parameters
    ----------
    smudge : SmudgePolicy
        What becomes of smudge cells.
    nrbc_correction_from : float or None
        Erythroblasts per 100 leukocytes from which the leukocyte count is corrected; None never corrects,
        for analysers that leave erythroblasts out by themselves.
    smudge_warning_from : float
        Smudge cells per 100 leukocytes from which the report warns.
    few_cells : int
        Below this many leukocytes the report says that few were counted, and gives no indices.
    smallest_index_count : int
        Cells that the denominator of an index must hold.
    seed : int
        Seed of the generator that propagates intervals.
    alerts : AlertValues
        Values that call for a physician at once.

    Raises
    ------
    UsageError
        Where a number is negative or not finite.
    """

    smudge: SmudgePolicy = SmudgePolicy.EXCLUDE
    nrbc_correction_from: float | None = 5.0
    smudge_warning_from: float = 10.0
    few_cells: int = 100
    smallest_index_count: int = 10
    seed: int = 0
    alerts: AlertValues = field(default_factory=AlertValues)

    def __post_init__(self) -> None:
        names = ("nrbc_correction_from", "smudge_warning_from", "few_cells", "smallest_index_count", "seed")
        for name in names:
            number = getattr(self, name)
            if number is not None:
                _check("counting setting", name, number)


def _check(kind: str, name: str, number: float) -> None:
    if not (math.isfinite(number) and number >= 0):
        raise UsageError(f"{kind} {name} is {number:g}; give a number of 0 or more")
