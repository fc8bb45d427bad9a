"""Options that several commands share, and the settings made of them."""

import math
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cells.units import ERYTHROCYTE_PX_RANGE
from commands.console import one_line, positive_number

if TYPE_CHECKING:
    from leukoformula.result import Identity
    from leukoformula.settings import Settings
    from leukoformula.settings_file import LaboratorySettings

CLASSIFIERS = ("cnn", "mlp", "ensemble")
"""The classifiers; the same as ``leukoformula.settings.CLASSIFIERS``, which a test holds true."""

_LONGEST_IDENTIFIER = 100
_LARGEST_SCORE = 1.0
_LARGEST_SEED = 2**32 - 1


def add_model_options(parser: ArgumentParser, *, classifier: bool) -> None:
    """Add the choice of models.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    classifier : bool
        Whether the command classifies.
    """
    if classifier:
        parser.add_argument(
            "--classifier", choices=CLASSIFIERS, help="who classifies the cells (default: ensemble)"
        )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="folder of trained models to use instead of the shipped ones",
    )


def add_scale_option(parser: ArgumentParser) -> None:
    """Add the pixel size.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    """
    parser.add_argument(
        "--um-per-px",
        type=positive_number,
        metavar="X",
        help="pixel size in µm (default: from the files, else measured on the erythrocytes)",
    )


def add_threshold_option(parser: ArgumentParser, name: str) -> None:
    """Add the least score of a find.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    name : str
        What the parsed value is called.
    """
    parser.add_argument(
        "--threshold", type=score, dest=name, metavar="S", help="least score, -1 to 1 (default: the model's)"
    )


def score(text: str) -> float:
    """Read a score of the detector.

    Parameters
    ----------
    text : str
        What the user wrote; a decimal comma is understood.

    Returns
    -------
    float
        The score, -1 to 1.

    Raises
    ------
    ArgumentTypeError
        Where it is none.
    """
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not abs(value) <= _LARGEST_SCORE:
        raise ArgumentTypeError(f"{one_line(text)!r} is out of range; scores lie between -1 and 1")
    return value


def erythrocyte_px(text: str) -> float:
    """Read the erythrocyte diameter in images.

    Parameters
    ----------
    text : str
        What the user wrote; a decimal comma is understood.

    Returns
    -------
    float
        The diameter in px, within ``cells.units.ERYTHROCYTE_PX_RANGE``.

    Raises
    ------
    ArgumentTypeError
        Where it is none that an image of blood cells can have.
    """
    low, high = ERYTHROCYTE_PX_RANGE
    value = positive_number(text)
    if not low <= value <= high:
        raise ArgumentTypeError(
            f"{one_line(text)!r} is no erythrocyte diameter in px; give a number from {low:g} to {high:g}"
        )
    return value


def seed(text: str) -> int:
    """Read the seed of random draws.

    Parameters
    ----------
    text : str
        What the user wrote.

    Returns
    -------
    int
        The seed, 0 to 2³² - 1.

    Raises
    ------
    ArgumentTypeError
        Where it is none.
    """
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > _LARGEST_SEED:
        raise ArgumentTypeError(
            f"{one_line(text)!r} is no seed; give a whole number from 0 to {_LARGEST_SEED}"
        )
    return int(text)


def add_formula_options(parser: ArgumentParser) -> None:
    """Add what a formula is read against: leukocyte count, age, sex, ranges, language, output form.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    """
    parser.add_argument(
        "--wbc", type=positive_number, metavar="N", help="leukocyte count in 10⁹/L; gives absolute counts"
    )
    parser.add_argument("--age", default="", metavar="AGE", help="age of the patient: 34y, 5m or 12d")
    parser.add_argument("--sex", choices=("f", "m"), default="", help="sex of the patient")
    parser.add_argument(
        "--ranges", metavar="NAME|FILE", help="reference ranges: ru (default), western, or a JSON file"
    )
    parser.add_argument("--lang", choices=("en", "ru"), help="language (default: en)")
    parser.add_argument(
        "--patient", type=identifier, default="", metavar="ID", help="identifier of the patient"
    )
    parser.add_argument(
        "--sample", type=identifier, default="", metavar="ID", help="identifier of the sample"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def identifier(text: str) -> str:
    """Read an identifier of a patient or a sample.

    Parameters
    ----------
    text : str
        What the user wrote.

    Returns
    -------
    str
        The same without white space at its ends.

    Raises
    ------
    ArgumentTypeError
        Where it is longer than 100 signs or holds a control character.
    """
    cleaned = text.strip()
    if len(cleaned) > _LONGEST_IDENTIFIER or not cleaned.isprintable():
        raise ArgumentTypeError(
            f"{one_line(cleaned[:20])!r}… is no identifier: use up to {_LONGEST_IDENTIFIER} printable signs"
        )
    return cleaned


def settings_of(options: Namespace, laboratory: "LaboratorySettings | None" = None) -> "Settings":
    """Make the settings of an analysis; what the user left out is the laboratory's, else the default.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.
    laboratory : LaboratorySettings or None, optional
        What the settings file says.

    Returns
    -------
    Settings
        The settings.

    Raises
    ------
    UsageError
        Where a value lies outside its range.
    """
    from leukoformula.settings import Settings

    names = ("classifier", "um_per_px", "ranges", "models", "detection_threshold")
    given = {name: getattr(options, name, None) for name in names}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if laboratory is not None:
        chosen = {**laboratory.analysis, "rules": laboratory.rules, **chosen}
    return Settings(**chosen)


def identity_of(options: Namespace) -> "Identity":
    """Return patient and sample as the user gave them.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    Identity
        Identifiers, age and sex; empty where not given.

    Raises
    ------
    UsageError
        Where the age cannot be read.
    """
    from counting.age import Age
    from leukoformula.result import Identity

    if options.age:
        Age.parse(options.age)
    return Identity(patient=options.patient, sample=options.sample, age=options.age, sex=options.sex)
