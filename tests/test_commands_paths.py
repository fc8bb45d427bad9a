"""Paths on the command line: none is empty, and no output destroys an input."""

import argparse
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeClassifier

from cells.errors import UsageError
from cells.vocabulary import CellClass
from commands.main import build_parser, main
from commands.paths import Inputs, different, given_path, stands
from slides.synthetic import SCANNER, WRIGHT, draw_cell


def path_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from path_actions(child)
        elif action.type is Path:
            assert parser._get_value(action, "somewhere") == Path("somewhere")
            with pytest.raises(argparse.ArgumentError, match="is empty"):
                parser._get_value(action, "")
            yield action


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    folder = tmp_path / "cells"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(2):
        image = draw_cell(CellClass.LYMPHOCYTE, rng=rng, stain=WRIGHT, camera=SCANNER, size_px=90)
        cv2.imwrite(str(folder / f"cell_{number}.png"), image[..., ::-1])
    (folder / "list.csv").write_text("path\ncell_0.png\ncell_1.png\n")
    return folder


def test_every_path_of_every_command_refuses_the_empty_one() -> None:
    names = {
        name for action in path_actions(build_parser()) for name in action.option_strings or [action.dest]
    }
    assert {
        "--out",
        "--images",
        "--truth",
        "--data",
        "--models",
        "smear",
        "paths",
        "source",
        "result",
    } <= names


@pytest.mark.parametrize(
    "words",
    [
        ["report", "", "--out", "x"],
        ["report", "smear", "--out", ""],
        ["classify", "", "--out", "x.csv"],
        ["detect", "", "--out", "x.csv"],
        ["render", "", "--out", "x"],
        ["segment", "", "--out", "x"],
        ["compare", "", "--out", "x"],
        ["evaluate", "detector", "--images", "", "--truth", "t", "--format", "voc", "--out", "x"],
        ["formula", "--counts", "lymphocyte=1", "--out", ""],
        ["demo", ""],
    ],
)
def test_an_empty_path_is_wrong_usage(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    shown = capsys.readouterr()
    assert "the path is empty" in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_no_system_takes_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path), "--out", str(tmp_path / ("n" * 300))]) == 2
    shown = capsys.readouterr().err
    assert "too long" in shown
    assert shown.count("\n") == 1
    assert len(shown) < 250
    with pytest.raises(argparse.ArgumentTypeError, match="no path"):
        given_path("a\0b")


def test_spaces_and_dots_are_paths() -> None:
    assert [given_path(text) for text in (" ", ".", "a b")] == [Path(" "), Path(), Path("a b")]


def test_what_cannot_be_looked_at_does_not_stand(tmp_path: Path) -> None:
    assert stands(tmp_path)
    assert not stands(tmp_path / "none")
    assert not stands(tmp_path / ("n" * 300))


def test_what_is_given_twice_is_listed_once(tmp_path: Path) -> None:
    file, other, gone = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "gone.png"
    for path in (file, other):
        path.write_text("x")
    (link := tmp_path / "link").symlink_to(tmp_path)
    os.link(file, hard := tmp_path / "hard.png")
    (loop := tmp_path / "loop").symlink_to("loop")
    given = [gone, link, tmp_path, hard, other, file, link / "b.png", gone, loop]
    assert different(given) == [gone, link, hard, other, loop]


def test_inputs_are_known_by_any_name(tmp_path: Path) -> None:
    file, other = tmp_path / "a.png", tmp_path / "b.png"
    for path in (file, other):
        path.write_text("x")
    link = tmp_path / "link.png"
    link.symlink_to(file)
    hard = tmp_path / "hard.png"
    os.link(file, hard)
    inputs = Inputs([file, tmp_path / "gone.png"])
    inputs.spare(other, tmp_path / "new.png", tmp_path / "gone.png")
    for path in (file, link, hard, tmp_path / "x" / ".." / "a.png"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(UsageError, match=r"over the input .*a\.png"):
            inputs.spare(other, path)


@pytest.mark.parametrize("source", ["", "list.csv"])
def test_segment_writes_over_no_input(cells: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(cells)
    assert main(["segment", str(cells / source), "--out", str(cells)]) == 2
    shown = capsys.readouterr().err
    assert "over the input" in shown
    assert "--out" in shown
    assert content(cells) == before


def test_segment_writes_over_no_input_by_another_name(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").symlink_to(cells)
    (cells / "cell_1.png").rename(cells / "cell_2.bmp")
    shutil.copy(cells / "cell_0.png", cells / "cell_2.png")
    before = content(cells)
    assert main(["segment", str(cells), "--out", str(tmp_path / "other")]) == 2
    assert "over the input" in capsys.readouterr().err
    assert content(cells) == before


@pytest.mark.parametrize(("source", "out"), [("", "cell_1.png"), ("list.csv", "list.csv")])
def test_classify_writes_over_no_input(
    cells: Path, source: str, out: str, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(cells)
    assert main(["classify", str(cells / source), "--out", str(cells / out)]) == 2
    assert "over the input" in capsys.readouterr().err
    assert content(cells) == before
    assert fake_models.calls == 0


def test_compare_writes_over_no_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "cells.csv"
    manifest.write_text("path,label\na.png,basophil\n")
    assert main(["compare", str(manifest), "--out", str(tmp_path)]) == 2
    assert "over the input" in capsys.readouterr().err
    assert manifest.read_text() == "path,label\na.png,basophil\n"


def test_detect_writes_over_no_input(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "field.csv"
    shutil.copy(smear / "field_001.png", image)
    before = image.read_bytes()
    assert main(["detect", str(image), "--out", str(image), "--um-per-px", "0.15"]) == 2
    assert "over the input" in capsys.readouterr().err
    assert image.read_bytes() == before


def test_a_folder_in_the_place_of_a_table_is_refused_before_the_work(
    cells: Path, smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["classify", str(cells)], ["detect", str(smear)]):
        out = tmp_path / f"{words[0]}.csv"
        out.mkdir()
        assert main([*words, "--out", str(out)]) == 2
        assert "is a folder" in capsys.readouterr().err
        assert list(out.iterdir()) == []
    assert fake_models.calls == 0
