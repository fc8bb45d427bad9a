"""What the commands ``python -m evaluation.…`` share: their parser, their folders, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from cells.errors import LeukoformulaError


def command_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a command, without options as yet.

    Parameters
    ----------
    name : str
        Module of the command in ``evaluation``.
    description : str or None
        What ``--help`` says.

    Returns
    -------
    argparse.ArgumentParser
    """
    return argparse.ArgumentParser(prog=f"python -m evaluation.{name}", description=description)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the folder of the published images, which must be given."""
    parser.add_argument("--data", type=Path, required=True, help="folder of the published images")


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add ``--models``, the folder of the models, which must be given."""
    parser.add_argument("--models", type=Path, required=True, help="folder of the models")


def exit_code_of(work: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Do the work of a command and return its exit code.

    Parameters
    ----------
    work : callable
        Takes the options and writes to standard output.
    options : argparse.Namespace
        The command line, parsed.

    Returns
    -------
    int
        0, or the exit code of the project's error that is told on standard error.
    """
    try:
        work(options)
    except LeukoformulaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
