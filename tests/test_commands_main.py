"""The frame of the command line: exit codes, one line for each error, speed of the help."""

import os
import resource
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

import commands.formula
from cells import errors
from commands.console import TerminalProgress, one_line
from commands.main import COMMANDS, build_parser, main
from leukoformula import __version__
from project import ROOT

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""The environment of a user, whose Python fails to write only when it flushes."""


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "leukoformula", *words],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def failing_with(error: BaseException) -> Callable[[Namespace], int]:
    def fail(_: Namespace) -> int:
        raise error

    return fail


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"leukoformula {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name} " in shown for name in COMMANDS)


def test_help_is_fast() -> None:
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Time of the processor: what the clock shows on a machine that is not busy with something else.
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.5


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["bogus"],
        ["report"],
        ["report", "smear"],
        ["report", "smear", "--out", "x", "--classifier", "oracle"],
        ["report", "smear", "--out", "x", "--um-per-px", "0"],
        ["report", "smear", "--out", "x", "--um-per-px", "nan"],
        ["report", "smear", "--out", "x", "--wbc", "-1"],
        ["report", "smear", "--out", "x", "--patient", "a\nb"],
        ["report", "smear", "--ou", "x"],
        ["formula", "--counts", "lymphocyte"],
        ["formula", "--counts", "lymphocyte=1", "--age", "old"],
        ["formula", "--counts", "lymphocyte=1", "--ranges", "no such set"],
        ["detect", "image.png", "--out", "table.xlsx"],
        ["detect", "image.png", "--out", "t.csv", "--threshold", "nan"],
        ["detect", "image.png", "--out", "t.csv", "--threshold", "inf"],
        ["detect", "image.png", "--out", "t.csv", "--threshold", "1e9"],
        ["detect", "image.png", "--out", "t.csv", "--threshold=-1.01"],
        ["compare", "list.csv", "--out", "x", "--seed", "-1"],
        ["compare", "list.csv", "--out", "x", "--seed", "4294967296"],
        ["train"],
        ["train", "transformer", "--data", "x", "--out", "y"],
        ["demo", "--fields", "0"],
        ["bo\ngus"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("leukoformula: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("u"), 2),
        (errors.InputError("i"), 3),
        (errors.NoSmearError("n"), 3),
        (errors.CalibrationError("c"), 3),
        (errors.ModelError("m"), 3),
        (errors.DataError("d"), 3),
        (errors.PartialFailure("p"), 4),
        (errors.LeukoformulaError("l"), 1),
        (ZeroDivisionError("z"), 1),
        (MemoryError("m"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands.formula, "run", failing_with(error))
    assert main(["formula", "--counts", "lymphocyte=1"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1


def test_the_unexpected_shows_its_place_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands.formula, "run", failing_with(ZeroDivisionError("by zero")))
    main(["formula", "--counts", "lymphocyte=1"])
    plain = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: by zero" in plain
    assert "LEUKOFORMULA_TRACEBACK=1" in plain
    monkeypatch.setenv("LEUKOFORMULA_TRACEBACK", "1")
    main(["formula", "--counts", "lymphocyte=1"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_hostile_text_stays_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands.formula, "run", failing_with(errors.InputError("a\nb\x1b[31m\udc80 смíř")))
    main(["formula", "--counts", "lymphocyte=1"])
    assert capsys.readouterr().err == "leukoformula: error: a\\nb\\x1b[31m\\udc80 смíř\n"


def test_one_line_keeps_letters() -> None:
    assert one_line("Лейкоциты 10⁹/L") == "Лейкоциты 10⁹/L"


def test_a_reader_that_goes_away_is_no_error() -> None:
    words = f"{sys.executable} -m leukoformula --help"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} | true"],
        cwd=ROOT,
        env=BUFFERED,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_no_progress_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalProgress() as progress:
        progress("looking", 1, 2)
    assert capsys.readouterr().err == ""


class _Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_progress_is_wiped_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = _Terminal()
    with TerminalProgress(terminal) as progress:  # type: ignore[arg-type]
        progress("looking at fields", 9, 10)
        progress("looking", 10, 10)
    frames = terminal.text.split("\r")
    assert frames[1] == "looking at fields 9/10"
    assert frames[2] == "looking 10/10".ljust(len(frames[1]))
    assert frames[3].strip() == ""
    assert len(frames[3]) >= len("looking 10/10")
    assert terminal.text.endswith("\r")


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"usage: leukoformula {name}")


def test_no_option_can_be_cut_short() -> None:
    parser = build_parser()
    with pytest.raises(SystemExit):
        parser.parse_args(["formula", "--count", "lymphocyte=1"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["--json"], []])
def test_no_room_for_the_output_is_told(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "leukoformula", "formula", "--counts", "lymphocyte=1", *words],
            cwd=ROOT,
            env=BUFFERED,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("leukoformula: error: cannot write: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes descriptors")
@pytest.mark.parametrize(("words", "code"), [("lymphocyte=1", 0), ("lymphocyte=x", 2)])
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_change_nothing(closed: str, words: str, code: int, tmp_path: Path) -> None:
    command = f"{sys.executable} -m leukoformula formula --counts {words} --out {tmp_path}/out {closed}"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if not code:
        assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
