"""How the commands of ``evaluation`` are called and how they end."""

import argparse
from pathlib import Path

import pytest

from cells.errors import DataError, UsageError
from evaluation.command_line import add_data, add_models, command_parser, exit_code_of


def test_both_folders_must_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    parser = command_parser("importance", "Measure.")
    add_data(parser)
    add_models(parser)
    options = parser.parse_args(["--data", "here", "--models", "there"])
    assert (options.data, options.models) == (Path("here"), Path("there"))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--data", "here"])
    assert ended.value.code == 2
    assert "python -m evaluation.importance: error" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(DataError("no table"), 3), (UsageError("no table"), 2)])
def test_an_error_is_told_and_gives_its_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: argparse.Namespace) -> None:
        raise error

    assert exit_code_of(work, argparse.Namespace()) == code
    assert capsys.readouterr() == ("", "no table\n")


def test_done_work_gives_zero_and_a_fault_of_ours_is_not_hidden() -> None:
    done: list[argparse.Namespace] = []
    assert exit_code_of(done.append, argparse.Namespace(top=3)) == 0
    assert done[0].top == 3

    def work(_: argparse.Namespace) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_code_of(work, argparse.Namespace())
