"""Paths that the user gives: what no path can be, and outputs that would destroy an input."""

import os
from argparse import ArgumentTypeError
from collections.abc import Iterable
from errno import ENAMETOOLONG
from pathlib import Path

from cells.errors import UsageError
from commands.console import one_line

_SHOWN = 40


def given_path(text: str) -> Path:
    """Read a path from the command line.

    Parameters
    ----------
    text : str
        What the user wrote.

    Returns
    -------
    Path
        The path, whether anything stands there or not.

    Raises
    ------
    ArgumentTypeError
        Where it is empty, which would mean the current folder, or longer than a name can be.
    """
    if not text:
        raise ArgumentTypeError("the path is empty; give a path, or . for the current folder")
    try:
        os.lstat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{one_line(text[:_SHOWN])!r} is no path; check it") from error
    except OSError as error:
        if error.errno == ENAMETOOLONG:
            raise ArgumentTypeError(
                f"the path {one_line(text[:_SHOWN])}… is too long ({len(text)} signs); give a shorter one"
            ) from error
    return Path(text)


def refuse_folder(target: Path) -> None:
    """Refuse a folder where a file is to be written, before any work is done.

    Parameters
    ----------
    target : Path
        File to be written.

    Raises
    ------
    UsageError
        Where a folder stands there.
    """
    if stands(target) and target.is_dir():
        raise UsageError(f"{target} is a folder; give --out the name of a file, {target / 'table.csv'} say")


def stands(path: Path) -> bool:
    """Tell whether anything stands at a path.

    Parameters
    ----------
    path : Path
        The path.

    Returns
    -------
    bool
        False also where it cannot be looked at; whoever writes there says why.
    """
    return _identity(path) is not None


def different(paths: Iterable[Path]) -> list[Path]:
    """List paths without those that lead to what an earlier one led to.

    Parameters
    ----------
    paths : iterable of Path
        Files and folders; links are followed.

    Returns
    -------
    list of Path
        In the order given; a path where nothing stands is kept.
    """
    known: set[tuple[int, int]] = set()
    kept = []
    for path in dict.fromkeys(paths):
        found = _identity(path)
        if found is None or found not in known:
            kept.append(path)
        if found is not None:
            known.add(found)
    return kept


class Inputs:
    """The files that a command reads, none of which it may write over.

    Parameters
    ----------
    files : iterable of Path
        The files; links are followed, and what is not there is passed over.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = {found: path for path in files if (found := _identity(path)) is not None}

    def spare(self, *targets: Path) -> None:
        """Refuse to write over an input.

        Parameters
        ----------
        *targets : Path
            Files to be written.

        Raises
        ------
        UsageError
            Where a target is an input, by whatever name.
        """
        for target in targets:
            found = _identity(target)
            if found in self._files:
                raise UsageError(
                    f"{target} would be written over the input {self._files[found]};"
                    " choose another place with --out"
                )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
