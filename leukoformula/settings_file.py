"""A laboratory's settings file (TOML): how it counts, what it alerts on, how its reports look.

::

    classifier = "ensemble"            # as the options of `leukoformula report`
    ranges = "ru"                      # or a path, relative to this file
    abstain_below = 0.5
    flag_outliers = 0.05               # 0: none; docs/abstention.md
    abstain_outliers = 0.0
    smear_border = true                # border of eosinophils set by each smear; docs/classifiers.md

    [counting]
    smudge = "exclude"                 # as_lymphocytes, as_other
    nrbc_correction_from = 5.0         # erythroblasts per 100 leukocytes; "never"

    [counting.alerts]
    neutrophils_low = 0.5              # 10⁹/L

    [report]
    lang = "ru"
    paper = "a4"                       # letter
    laboratory = "Laboratory 1"
    lines = ["1 Street", "Telephone"]
    logo = "logo.png"                  # relative to this file; PNG or JPEG
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cells.errors import DataError, InputError, UsageError
from counting.rules import AlertValues, CountingRules, SmudgePolicy
from leukoformula.settings import CLASSIFIERS

PAPERS = ("a4", "letter")
"""Sizes of paper."""

LANGUAGES = ("en", "ru")
"""Languages of the reports."""

NEVER = "never"
"""Word for a leukocyte count that is never corrected for erythroblasts."""

MOST_LINES = 5
"""Lines that the header of a report has room for below the name of the laboratory."""

_LONGEST = 120
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class ReportLook:
    """How the reports of a laboratory look.

    Parameters
    ----------
    lang : str or None
        ``"en"`` or ``"ru"``; None where the file does not say.
    paper : str or None
        ``"a4"`` or ``"letter"``; None where the file does not say.
    laboratory : str
        Name of the laboratory, empty where the report has no header.
    lines : tuple of str
        Address, telephone and the like, a line each.
    logo : Path or None
        Its sign, a PNG or JPEG file.
    """

    lang: str | None = None
    paper: str | None = None
    laboratory: str = ""
    lines: tuple[str, ...] = ()
    logo: Path | None = None


@dataclass(frozen=True, slots=True)
class LaboratorySettings:
    """What a settings file says.

    Parameters
    ----------
    analysis : dict of str to object
        Arguments of ``leukoformula.settings.Settings``; what the file leaves out is not there.
    rules : CountingRules
        The rules of counting.
    look : ReportLook
        How the reports look.
    """

    analysis: dict[str, Any] = field(default_factory=dict)
    rules: CountingRules = field(default_factory=CountingRules)
    look: ReportLook = field(default_factory=ReportLook)


def read_settings(path: Path) -> LaboratorySettings:
    """Read a settings file.

    Parameters
    ----------
    path : Path
        A TOML file; paths within it are taken relative to its folder.

    Returns
    -------
    LaboratorySettings
        What it says.

    Raises
    ------
    InputError
        Where the file cannot be read.
    DataError
        Where it is no TOML, or a setting is unknown, of the wrong type or out of its range; the message
        names the setting.
    """
    document = _parsed(path)
    taken = _Taken(path)
    analysis = taken.table(document, _ANALYSIS, "", beside=("counting", "report"))
    if isinstance(analysis.get("ranges"), str):
        beside = path.parent / analysis["ranges"]
        analysis["ranges"] = str(beside) if beside.is_file() else analysis["ranges"]
    counting = taken.table(document.get("counting", {}), _COUNTING, "counting.", beside=("alerts",))
    alerts = taken.table(document.get("counting", {}).get("alerts", {}), _ALERTS, "counting.alerts.")
    look = taken.table(document.get("report", {}), _REPORT, "report.")
    if "logo" in look:
        look["logo"] = path.parent / look["logo"]
    if (look.get("logo") or look.get("lines")) and not look.get("laboratory"):
        raise taken.fault("report.laboratory", "is missing; a header needs the name of the laboratory")
    try:
        rules = CountingRules(**counting, alerts=AlertValues(**alerts))
    except UsageError as error:
        raise DataError(f"{path}: {error}") from error
    return LaboratorySettings(analysis, rules, ReportLook(**look))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise DataError(f"{path} is larger than 1 MiB; give a settings file")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no TOML file in UTF-8 ({error}); correct it") from error


Reader = Callable[[object], Any]


class _Refused(Exception):  # noqa: N818 - carries the fault of one value to the reader of its table
    pass


class _Taken:
    def __init__(self, path: Path) -> None:
        self._path = path

    def fault(self, name: str, fault: str) -> DataError:
        return DataError(f"{self._path}: setting {name} {fault}")

    def table(
        self, document: object, readers: Mapping[str, Reader], prefix: str, *, beside: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        if not isinstance(document, dict):
            raise self.fault(prefix.rstrip("."), "is no table; write it as a section in brackets")
        taken = {}
        for name, value in document.items():
            if name in beside:
                continue
            if name not in readers:
                known = ", ".join(sorted((*readers, *beside)))
                raise self.fault(f"{prefix}{name}", f"is not known; there are {known}")
            try:
                taken[name] = readers[name](value)
            except _Refused as refused:
                raise self.fault(f"{prefix}{name}", f"is {value!r}; {refused}") from refused
        return taken


def _number(low: float, high: float) -> Reader:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _Refused(f"give a number from {low:g} to {high:g}")
        return float(value)

    return read


def _whole(low: int, high: int) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _Refused(f"give a whole number from {low} to {high}")
        return value

    return read


def _one_of(*words: str) -> Reader:
    def read(value: object) -> str:
        if value not in words:
            raise _Refused(f"give one of {', '.join(words)}")
        return str(value)

    return read


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not value.isprintable():
        raise _Refused(f"give a line of 1 to {_LONGEST} printable signs")
    return value.strip()


def _lines(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_LINES:
        raise _Refused(f"give a list of up to {MOST_LINES} lines of text")
    return tuple(_text(one) for one in value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Refused("give true or false")
    return value


def _or_never(value: object) -> float | None:
    return None if value == NEVER else float(_number(0, 1000)(value))


_ANALYSIS: dict[str, Reader] = {
    "classifier": _one_of(*CLASSIFIERS),
    "um_per_px": _number(0.001, 10),
    "calibration_fields": _whole(1, 100_000),
    "detection_threshold": _number(-1, 1),
    "abstain_below": _number(0, 1),
    "flag_outliers": _number(0, 1),
    "abstain_outliers": _number(0, 1),
    "smear_border": _yes_or_no,
    "cnn_share": _number(0, 1),
    "ranges": _text,
}
_COUNTING: dict[str, Reader] = {
    "smudge": lambda value: SmudgePolicy(_one_of(*SmudgePolicy)(value)),
    "nrbc_correction_from": _or_never,
    "smudge_warning_from": _number(0, 1000),
    "few_cells": _whole(0, 100_000),
    "smallest_index_count": _whole(0, 100_000),
    "seed": _whole(0, 2**32 - 1),
}
_ALERTS: dict[str, Reader] = {
    "wbc_low": _number(0, 1000),
    "wbc_high": _number(0, 1000),
    "neutrophils_low": _number(0, 1000),
    "blasts_percent": _number(0, 100),
    "unidentified_per_100": _number(0, 1000),
}
_REPORT: dict[str, Reader] = {
    "lang": _one_of(*LANGUAGES),
    "paper": _one_of(*PAPERS),
    "laboratory": _text,
    "lines": _lines,
    "logo": _text,
}
