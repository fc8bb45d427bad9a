"""Cells that two fields show are marked and told of; others are not."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from fakes import FakeClassifier

from cells.records import Cell, Detection, Finding, RGBImage
from cells.units import Pixels
from cells.vocabulary import CellClass
from commands.main import main
from leukoformula import Settings, SmearResult, analyse
from leukoformula.decisions import UNCERTAIN, UNLIKE
from leukoformula.repeats import SEEN_BEFORE, mark_repeats
from slides.reader import read_image

SETTINGS = Settings(um_per_px=0.15)


def save(path: Path, image: RGBImage, *options: int) -> None:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1], options)


def repeats(result: SmearResult) -> dict[str, float | None]:
    return {one.where: one.value for one in result.findings if one.code == SEEN_BEFORE and one.where}


@pytest.fixture
def first(smear: Path) -> RGBImage:
    return read_image(smear / "field_001.png")


def test_fields_of_a_smear_show_different_cells(smear: Path, fake_models: FakeClassifier) -> None:
    result = analyse(smear, settings=SETTINGS)
    assert repeats(result) == {}
    assert {cell.reason for cell in result.cells if cell.counted} == {""}


def test_a_field_saved_again_with_loss(first: RGBImage, tmp_path: Path, fake_models: FakeClassifier) -> None:
    save(tmp_path / "a.png", first)
    save(tmp_path / "b.jpg", first, cv2.IMWRITE_JPEG_QUALITY, 80)
    result = analyse(tmp_path, settings=SETTINGS)
    counted = {
        name: [c for c in result.cells if c.counted and c.image == name] for name in ("a.png", "b.jpg")
    }
    assert len(counted["a.png"]) >= 2
    assert repeats(result) == {"b.jpg": float(len(counted["b.jpg"]))}
    assert {cell.reason for cell in counted["a.png"]} == {""}
    assert {cell.reason for cell in counted["b.jpg"]} == {SEEN_BEFORE}
    assert result.formula.total == len(counted["a.png"]) + len(counted["b.jpg"])


def test_fields_that_overlap(first: RGBImage, tmp_path: Path, fake_models: FakeClassifier) -> None:
    width = first.shape[1]
    save(tmp_path / "left.png", first[:, : int(0.8 * width)])
    darker = cv2.GaussianBlur((0.9 * first[7:, int(0.2 * width) + 3 :]).astype(np.uint8), (0, 0), 1.0)
    save(tmp_path / "right.png", np.asarray(darker, np.uint8))
    result = analyse(tmp_path, settings=SETTINGS)
    here = {
        (round(c.detection.row), round(c.detection.col))
        for c in result.cells
        if c.image == "left.png" and c.counted
    }
    there = [c for c in result.cells if c.image == "right.png" and c.counted]
    same = [
        cell
        for cell in there
        if any(
            abs(cell.detection.row + 7 - row) + abs(cell.detection.col + int(0.2 * width) + 3 - col) < 8
            for row, col in here
        )
    ]
    assert same
    assert [cell for cell in there if cell.reason == SEEN_BEFORE] == same
    assert repeats(result) == {"right.png": float(len(same))}


def test_levels_of_a_focus_stack(first: RGBImage, tmp_path: Path, fake_models: FakeClassifier) -> None:
    levels = np.stack([first, cv2.GaussianBlur(first, (0, 0), 1.5)])
    tifffile.imwrite(tmp_path / "z.tif", levels, imagej=True, metadata={"axes": "ZYXS"})
    assert list(repeats(analyse(tmp_path / "z.tif", settings=SETTINGS))) == ["z.tif#2"]


def test_the_terminal_and_the_reports_say_so(
    first: RGBImage, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "smear" / "a.png", first)
    save(tmp_path / "smear" / "b.jpg", first, cv2.IMWRITE_JPEG_QUALITY, 80)
    out = tmp_path / "out"
    for lang, words in (("en", "the same as in an earlier field"), ("ru", "в одном из предыдущих полей")):
        assert (
            main(
                ["report", str(tmp_path / "smear"), "--out", str(out), "--um-per-px", "0.15", "--lang", lang]
            )
            == 0
        )
        assert "as in an earlier field" in (err := capsys.readouterr().err)
        assert "in b.jpg; they are counted twice" in err
        page = (out / "report.html").read_text(encoding="utf-8")
        assert words in page
        assert {"en": "seen before?", "ru": "уже была?"}[lang] in page
    assert SEEN_BEFORE in (out / "cells.csv").read_text(encoding="utf-8")
    assert main(["render", str(out), "--out", str(out), "--reviewed", str(out / "cells.csv")]) == 0


def cell(number: int, image: str, *, counted: bool = True, reason: str = "") -> Cell:
    find = Detection(50.0, 50.0, Pixels(50.0), 1.0, False, counted)
    return Cell(number, image, find, CellClass.LYMPHOCYTE, 1.0, {}, counted, reason)


@pytest.fixture
def crops() -> dict[int, RGBImage]:
    rng = np.random.default_rng(3)
    noise = [cv2.GaussianBlur(rng.normal(0, 1, (112, 112, 3)), (0, 0), 6) for _ in range(3)]
    return {n: np.asarray(np.clip(128 + 400 * one, 0, 255), np.uint8) for n, one in enumerate(noise, 1)}


def test_two_cells_of_one_field_are_two(crops: dict[int, RGBImage]) -> None:
    same = {1: crops[1], 2: crops[1]}
    assert mark_repeats([cell(1, "a"), cell(2, "a")], same) == ([cell(1, "a"), cell(2, "a")], [])
    assert mark_repeats([cell(1, "a"), cell(2, "b", counted=False)], same)[1] == []
    assert mark_repeats([], {}) == ([], [])


def test_a_weightier_reason_stays(crops: dict[int, RGBImage]) -> None:
    cells = [cell(1, "a"), cell(2, "b", reason=UNLIKE), cell(3, "c", reason=UNCERTAIN)]
    marked, remarks = mark_repeats(cells, {1: crops[1], 2: crops[1], 3: crops[1]})
    assert marked == [cells[0], cells[1], replace(cells[2], reason=SEEN_BEFORE)]
    assert remarks == [Finding(SEEN_BEFORE, "warning", name, 1.0) for name in ("b", "c")]


def test_different_cells_are_not_taken_for_one(crops: dict[int, RGBImage]) -> None:
    flat = np.full((112, 112, 3), 230, np.uint8)
    cells = [cell(n, f"field {n}") for n in range(1, 6)]
    assert mark_repeats(cells, {**crops, 4: flat, 5: flat}) == (cells, [])


@pytest.mark.data
@pytest.mark.model
def test_published_fields_that_show_one_cell_twice(data: Path, tmp_path: Path) -> None:
    images = data / "bccd" / "JPEGImages"
    for number in (37, 38, 229, 230, 257, 258):
        name = f"BloodImage_{number:05d}.jpg"
        (tmp_path / name).symlink_to(images / name)
    found = repeats(analyse(tmp_path, settings=Settings(classifier="cnn")))
    assert list(found) == [f"BloodImage_{number:05d}.jpg" for number in (38, 257, 258)]
