"""The documents say what the program does."""

import re
import shlex
import subprocess
import sys

import pytest

import leukoformula
from commands.main import COMMANDS, build_parser
from project import ROOT, setup_cfg

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def words(text: str) -> list[str]:
    """Return the words of a text: where help is broken into lines differs between versions of Python."""
    return text.split()


def test_the_reference_of_commands_is_true() -> None:
    code = "import sys; sys.path.insert(0, 'scripts'); import update_docs; print(update_docs.page())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert words(written) == words(done.stdout), "run: python scripts/update_docs.py"


def test_the_reference_names_every_command() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert all(f"\n## leukoformula {name}\n" in text for name in COMMANDS)


def command_lines() -> list[tuple[str, str]]:
    """Return each line of a code block that calls the program, with the page it stands on."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```(?:\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip().removeprefix("$ ").startswith("leukoformula ") and "…" not in line:
                    found.append((page.name, line.strip().removeprefix("$ ")))
    return found


def test_there_are_commands_in_the_readme() -> None:
    assert sum(page == "README.md" for page, _ in command_lines()) >= 4


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_every_command_that_is_shown_can_be_parsed(page: str, line: str) -> None:
    options = build_parser().parse_args(shlex.split(line, comments=True)[1:])
    assert options.command in COMMANDS


def test_every_script_that_is_shown_is_there() -> None:
    for page in PAGES:
        for script in re.findall(
            r"(?<![\w/.])(?:scripts|\.ci|docs)/[\w.-]+", page.read_text(encoding="utf-8")
        ):
            assert (ROOT / script).exists(), f"{page.name} shows {script}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_knows_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{leukoformula.__version__}]" in text
    assert "## [Unreleased]" in text


def test_metadata_stands_in_setup_cfg_alone() -> None:
    assert "[project]" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    metadata = setup_cfg()["metadata"]
    assert metadata["version"] == "attr: leukoformula.__version__"
    assert metadata["license_expression"] == "Apache-2.0"
    assert not any(line.strip().startswith("License") for line in metadata["classifiers"].splitlines())


def test_core_dependencies_are_light() -> None:
    core = setup_cfg()["options"]["install_requires"]
    assert not re.search(r"tensorflow|keras|torch|matplotlib|pandas", core)
    assert "tensorflow" in setup_cfg()["options.extras_require"]["train"]
