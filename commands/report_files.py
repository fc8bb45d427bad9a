"""The files of a report: the same set whether a smear was analysed or a stored result is rendered again."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import InputError, UsageError
from commands.console import one_line

if TYPE_CHECKING:
    from leukoformula.result import SmearResult
    from leukoformula.settings_file import LaboratorySettings
    from reports.stored_pictures import StoredPictures
    from reports.view import Header

_LONGEST_LINE = 120
_LARGEST_LOGO = 4 << 20


@dataclass(frozen=True, slots=True)
class Look:
    """How a report looks.

    Parameters
    ----------
    lang : str
        ``"en"`` or ``"ru"``.
    paper : str
        ``"a4"`` or ``"letter"``.
    header : Header or None
        The laboratory.
    """

    lang: str
    paper: str
    header: "Header | None"


def add_look_options(parser: ArgumentParser) -> None:
    """Add what a report looks like: paper, header and logo, and the settings file that may hold them.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    """
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="the laboratory's settings (TOML); an option given here counts more",
    )
    parser.add_argument("--paper", choices=("a4", "letter"), help="size of the pages (default: a4)")
    parser.add_argument(
        "--laboratory",
        type=header_line,
        action="append",
        metavar="TEXT",
        help="name of the laboratory for the header; again for each further line, up to 5",
    )
    parser.add_argument("--logo", type=Path, metavar="FILE", help="logo for the header, PNG or JPEG")


def header_line(text: str) -> str:
    """Read a line of the header of a report.

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
        Where it is empty, longer than 120 signs or holds a control character.
    """
    cleaned = text.strip()
    if not cleaned or len(cleaned) > _LONGEST_LINE or not cleaned.isprintable():
        raise ArgumentTypeError(
            f"{one_line(cleaned[:20])!r} is no line of a header: use 1 to {_LONGEST_LINE} printable signs"
        )
    return cleaned


def laboratory_settings(options: Namespace) -> "LaboratorySettings":
    """Read the settings file that the options name.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    LaboratorySettings
        What it says; the defaults where no file was named.

    Raises
    ------
    InputError
        Where the file cannot be read.
    DataError
        Where it has a fault.
    """
    from leukoformula.settings_file import LaboratorySettings, read_settings

    return LaboratorySettings() if options.settings is None else read_settings(options.settings)


def look_of(options: Namespace, settings: "LaboratorySettings") -> Look:
    """Return how the report looks: as the options say, else the settings file, else in English on A4.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.
    settings : LaboratorySettings
        What the settings file says.

    Returns
    -------
    Look
        The look.

    Raises
    ------
    UsageError
        Where a logo has no laboratory beside it or there are too many lines.
    RefusedError
        Where the logo cannot be read or is no picture.
    """
    from leukoformula.settings_file import MOST_LINES
    from reports.pictures import checked_logo
    from reports.view import Header

    look = settings.look
    lines = tuple(options.laboratory or ())
    name, rest = (lines[0], lines[1:]) if lines else (look.laboratory, look.lines)
    logo = options.logo or look.logo
    if len(rest) > MOST_LINES:
        raise UsageError(
            f"{len(rest)} lines below the laboratory's name; the header has room for {MOST_LINES}"
        )
    if logo is not None and not name:
        raise UsageError("a logo needs the name of the laboratory; give it with --laboratory")
    picture = None if logo is None else _logo(logo)
    if picture is not None:
        checked_logo(picture)
    header = Header(name, rest, picture) if name else None
    return Look(options.lang or look.lang or "en", options.paper or look.paper or "a4", header)


def _logo(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_LOGO:
            raise InputError(f"the logo {path} is larger than 4 MiB; give a smaller file")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the logo {path}: {error.strerror}; check --logo") from error


def write_reports(
    result: "SmearResult", folder: Path, *, look: Look, pictures: "StoredPictures | None" = None
) -> None:
    """Write every form of the report into a folder.

    Parameters
    ----------
    result : SmearResult
        What was found, with the pictures as they are stored.
    folder : Path
        Gets report.pdf, report.html, fhir.json, report.hl7, result.json, cells.csv, formula.csv and the
        files of the pictures.
    look : Look
        Language, paper and header.
    pictures : StoredPictures or None, optional
        The files of the pictures.

    Raises
    ------
    InputError
        Where a file cannot be written.
    """
    from cells.files import atomic_path
    from reports.document import write_json
    from reports.formula_csv import write_formula_csv
    from reports.html import write_html
    from reports.interfaces.fhir import write_fhir
    from reports.interfaces.hl7 import write_hl7
    from reports.pdf import write_pdf
    from reports.table import write_csv

    pdf = folder / "report.pdf"
    write_pdf(result, pdf, lang=look.lang, page=look.paper, header=look.header)
    write_html(result, folder / "report.html", lang=look.lang, header=look.header)
    write_fhir(result, folder / "fhir.json", lang=look.lang, pdf=pdf.read_bytes())
    message = folder / "report.hl7"
    write_hl7(result, message, lang=look.lang, pdf=pdf.read_bytes(), sent=datetime.now(UTC))
    for name, content in pictures.files.items() if pictures else ():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
    write_json(result, folder / "result.json", pictures=pictures.record if pictures else None)
    write_csv(result, folder / "cells.csv")
    write_formula_csv(result.formula, folder / "formula.csv")
