"""What the commands share: messages, progress on a terminal, documents on standard output."""

import json
import math
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

_WIDTH = 79
_STDERR = 2


def one_line(text: str) -> str:
    """Return a text with every control character written out, so that it stays on one line.

    Parameters
    ----------
    text : str
        Any text, the name of a hostile file for one.

    Returns
    -------
    str
        The text; a line feed stands in it as ``\\n``, an undecodable byte as ``\\udc80``.
    """
    printable = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return "".join(printable)


def say(message: str) -> None:
    """Write one message for a person to standard error.

    Parameters
    ----------
    message : str
        The message; it is kept to one line.
    """
    print(f"leukoformula: {one_line(message)}", file=sys.stderr)


def put_document(document: Mapping[str, object]) -> None:
    """Write a JSON document to standard output.

    Parameters
    ----------
    document : mapping of str to object
        JSON values, with the format and its version under ``schema``.
    """
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def positive_number(text: str) -> float:
    """Read a positive, finite number from the command line.

    Parameters
    ----------
    text : str
        What the user wrote; a decimal comma is understood.

    Returns
    -------
    float
        The number, above 0.

    Raises
    ------
    ArgumentTypeError
        Where it is none.
    """
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ArgumentTypeError(f"{one_line(text)!r} is not a positive number")
    return value


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """Keep what native libraries write to standard error by themselves away from the user.

    The inference library announces its back end, image decoders warn of odd files; what matters of it is said
    by this program. Nothing is silenced where standard error is not the process's own or
    ``LEUKOFORMULA_TRACEBACK=1`` asks for everything.
    """
    stream = sys.stderr
    if os.environ.get("LEUKOFORMULA_TRACEBACK") == "1" or _descriptor(stream) != _STDERR:
        yield
        return
    stream.flush()
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
    try:
        with os.fdopen(
            kept, "w", buffering=1, encoding=stream.encoding, errors="backslashreplace", closefd=False
        ) as ours:
            sys.stderr = ours
            yield
    finally:
        sys.stderr = stream
        os.dup2(kept, _STDERR)
        os.close(kept)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class TerminalProgress:
    """Shows progress on one line of standard error while that is a terminal; silent where it is not.

    Parameters
    ----------
    stream : TextIO, optional
        Where to write; standard error where it is None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = ""
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps of ``stage`` are done."""
        if not self._live:
            return
        line = f"{one_line(stage)} {done}/{total}"[:_WIDTH]
        if line != self._shown:
            self._stream.write("\r" + line.ljust(len(self._shown)))
            self._stream.flush()
            self._shown = line

    def __enter__(self) -> Self:
        """Return the progress line."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the progress line, so that messages start on a clean one."""
        if self._shown:
            self._stream.write("\r" + " " * len(self._shown) + "\r")
            self._stream.flush()
            self._shown = ""
