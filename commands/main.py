"""The entry point ``leukoformula``: the parser, and one place where errors become exit codes."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from cells.errors import InputError, LeukoformulaError
from commands.console import libraries_silenced, say
from commands.output import NO_ROOM
from commands.paths import given_path
from commands.stopping import stopped_cleanly

COMMANDS = (
    *("report", "render", "detect", "evaluate", "compare", "segment", "classify", "formula"),
    *("train", "demo", "doctor"),
)
"""The commands, in the order in which the help lists them; each is a module of this package."""

USAGE = 2
"""Exit code of wrong usage."""

INTERRUPTED = 130
"""Exit code where the user broke off."""

_EPILOG = """\
exit codes: 0 done, 1 unexpected error, 2 wrong usage, 3 input or model refused,
4 some items of a batch failed, 130 interrupted

Decision support for trained staff, not a certified medical device.
"""


class Parser(argparse.ArgumentParser):
    """A parser that refuses wrong usage with one line, and reads every path by `given_path`.

    Parameters
    ----------
    **settings : Any
        Those of ``argparse.ArgumentParser``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register("type", Path, given_path)

    def error(self, message: str) -> NoReturn:
        """Write the line and leave with exit code 2."""
        say(f"{message}; see `{self.prog} --help`")
        raise SystemExit(USAGE)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    Returns
    -------
    argparse.ArgumentParser
        Each command leaves its function under ``run``: it takes the parsed arguments and returns an exit
        code.
    """
    from leukoformula import __version__

    parser = Parser(
        prog="leukoformula",
        description="Reads the microscope fields of a stained blood smear and writes the leukocyte formula.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"leukoformula {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    for name in COMMANDS:
        import_module(f"commands.{name}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``leukoformula``; those of the process where it is None.

    Returns
    -------
    int
        0 done, 1 unexpected, 2 usage, 3 input or model refused, 4 some items failed, 130 interrupted.
    """
    _open_closed_streams()
    _keep_odd_names_printable()
    try:
        with stopped_cleanly(), libraries_silenced():
            code = _run(arguments)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away. Files are written before anything is printed, so all is done.
        _drop_output()
        return 0
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = _called(arguments)
        sys.stdout.flush()
        return code
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except LeukoformulaError as error:
        _trace()
        say(f"error: {error}")
        return error.exit_code
    except OSError as error:
        if error.errno not in NO_ROOM:
            return _unexpected(error)
        _trace()
        _drop_output()
        say(f"error: cannot write: {error.strerror}; make room, or write to another place")
        return InputError.exit_code
    except Exception as error:  # the boundary: whatever was not foreseen becomes one line and exit code 1
        return _unexpected(error)


def _called(arguments: Sequence[str] | None) -> int:
    try:
        options = build_parser().parse_args(arguments)
        return int(options.run(options))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0


def _drop_output() -> None:
    """Drop output that cannot be written, or the interpreter fails once more when it flushes at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception) -> int:
    _trace()
    say(
        f"unexpected {type(error).__name__}: {error}; set LEUKOFORMULA_TRACEBACK=1 to see where,"
        " and report it"
    )
    return 1


def _trace() -> None:
    if os.environ.get("LEUKOFORMULA_TRACEBACK") == "1":
        traceback.print_exc()


def _open_closed_streams() -> None:
    """Give a standard stream that the caller has closed a descriptor, which a file of ours would get else."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good


def _keep_odd_names_printable() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
