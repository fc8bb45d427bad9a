"""The formula as CSV: one line per class, with plain and corrected share, absolute count, range and flag."""

import csv
from pathlib import Path

from cells.files import atomic_path
from counting.ranges import Range
from counting.records import CorrectedShare, LeukocyteFormula, Line, OutsideLine

FORMULA_COLUMNS: tuple[str, ...] = (
    "class",
    "n",
    "percent",
    "percent_low",
    "percent_high",
    "corrected_percent",
    "corrected_low",
    "corrected_high",
    "range_low",
    "range_high",
    "flag",
    "absolute",
    "absolute_low",
    "absolute_high",
    "absolute_range_low",
    "absolute_range_high",
    "absolute_flag",
    "per_100_leukocytes",
    "per_100_low",
    "per_100_high",
)
"""Titles of the columns."""


def write_formula_csv(formula: LeukocyteFormula, path: Path) -> None:
    """Write the rows of a formula and what stands beside it, in clinical order.

    The decimal sign is a point in every language; what does not apply is empty. Percentages have four
    decimals, absolute counts (10⁹/L) as well. With no leukocyte counted shares and concentrations are not
    known and stay empty. Where some cells of the parent were not split, a share is a lower bound: it has no
    upper end, and with n = 0 it is not known.

    Parameters
    ----------
    formula : LeukocyteFormula
        The formula.
    path : Path
        File to be written, UTF-8.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    shares = {share.label: share for share in formula.correction.shares} if formula.correction else {}
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, FORMULA_COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        listed = {line.label for line in formula.lines}
        for line in formula.lines:
            writer.writerow(_line(line, shares.get(line.label), formula))
        for label, share in shares.items():
            if label not in listed:
                writer.writerow({"class": label.value, "n": "0", **_share(share)})
        for beside in formula.outside:
            writer.writerow(_beside(beside))
        if formula.unidentified:
            writer.writerow({"class": "unidentified", "n": str(formula.unidentified)})


def _line(line: Line, share: CorrectedShare | None, formula: LeukocyteFormula) -> dict[str, str]:
    partial = formula.is_lower_bound(line)
    is_known = formula.total > 0 and not (partial and line.n == 0)
    return {
        "class": line.label.value,
        "n": str(line.n),
        **(_shares(line) if is_known else {}),
        **({"percent_high": "", "absolute_high": ""} if partial else {}),
        **_share(share),
        **_limits("range", line.range_percent),
        "flag": line.flag.value,
        **_limits("absolute_range", line.range_absolute),
        "absolute_flag": line.flag_absolute.value if line.flag_absolute else "",
    }


def _shares(line: Line) -> dict[str, str]:
    return {
        "percent": _number(line.percent),
        "percent_low": _number(line.low),
        "percent_high": _number(line.high),
        "absolute": _number(line.absolute),
        "absolute_low": _number(line.absolute_low),
        "absolute_high": _number(line.absolute_high),
    }


def _share(share: CorrectedShare | None) -> dict[str, str]:
    if share is None:
        return {}
    return {
        "corrected_percent": _number(share.percent),
        "corrected_low": _number(share.low),
        "corrected_high": _number(share.high),
    }


def _beside(line: OutsideLine) -> dict[str, str]:
    return {
        "class": line.label.value,
        "n": str(line.n),
        "per_100_leukocytes": _number(line.per_100),
        "per_100_low": _number(line.low),
        "per_100_high": _number(line.high),
    }


def _limits(prefix: str, limits: Range | None) -> dict[str, str]:
    if limits is None:
        return {}
    return {f"{prefix}_low": f"{limits.low:g}", f"{prefix}_high": f"{limits.high:g}"}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
