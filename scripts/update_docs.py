"""Writes docs/commands.md from the command line itself; run it after a change of options."""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "commands.md"

_HEAD = """\
# Commands

Written by `scripts/update_docs.py` from the command line itself; a test holds it true.

Data goes to standard output or to files, messages to standard error; progress is shown on a terminal only.
With `--json` a command prints one JSON document that names its format under `schema`.
`python -m leukoformula` is the same as `leukoformula`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | unexpected error; `LEUKOFORMULA_TRACEBACK=1` shows where |
| 2 | wrong usage |
| 3 | an input or a model is refused, or `doctor` found a fault |
| 4 | some images were refused, the others are done |
| 130 | interrupted |
"""


def page() -> str:
    """Return the text of the page."""
    os.environ["COLUMNS"] = "100"
    from commands.main import build_parser  # noqa: PLC0415 - needs the root on the path

    parts = [_HEAD, _section(build_parser(), "##")]
    parts += [_section(parser, "##" + "#" * depth) for parser, depth in _below(build_parser(), 0)]
    return "\n".join(parts)


def _below(parser: argparse.ArgumentParser, depth: int) -> list[tuple[argparse.ArgumentParser, int]]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found += [(child, depth), *_below(child, depth + 1)]
    return found


def _section(parser: argparse.ArgumentParser, marks: str) -> str:
    return f"{marks} {parser.prog}\n\n```\n{parser.format_help().rstrip()}\n```\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")
