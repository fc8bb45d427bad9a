"""Uneven lamps are made even, the dark around the disc of an eyepiece is blanked; other fields stay."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_detector_cases import MODEL, UM, drawn

from cells.records import Field
from cells.vocabulary import CellClass
from detector.frame import RIM
from detector.samples import TrainingField
from detector.scanner import Scanner
from evaluation.boxes import truth_fields
from evaluation.cameras import as_read, dimmed, through_eyepiece, with_contrast
from evaluation.detector_runs import run_detector
from evaluation.finds import summarise
from leukoformula import Settings, analyse
from slides.lamp import MOST_FALL, even_lamp
from slides.optics import white_point
from slides.quality import SURROUND, UNEVEN_LAMP, assess_field
from slides.reader import open_smear

CELLS = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.MONOCYTE)
ERYTHROCYTE_PX = 7.5 / UM


def ramp(image: np.ndarray, *, fall: float, axis: int = 1) -> np.ndarray:
    light = np.linspace(1.0, 1.0 - fall, image.shape[axis])
    return np.rint(image * (light[None, :, None] if axis else light[:, None, None])).astype(np.uint8)


def disc(image: np.ndarray, *, row: float, col: float, radius: float, black: float = 8.0) -> np.ndarray:
    rows, cols = np.indices(image.shape[:2])
    seen = 1.0 / (1.0 + np.exp(np.clip(0.5 * (np.hypot(rows - row, cols - col) - radius), -50, 50)))
    return np.rint(image * seen[..., None] + black * (1 - seen[..., None])).astype(np.uint8)


@pytest.mark.parametrize("fall", [0.0, 0.1])
def test_a_field_under_an_even_lamp_is_left_as_it_is(fall: float) -> None:
    image = ramp(drawn(1, *CELLS).image, fall=fall)
    lighting = even_lamp(image)
    assert lighting.image is image
    assert lighting.fall == 0.0
    assert lighting.lit is None


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("fall", [0.3, 0.5])
def test_an_uneven_lamp_is_made_even(fall: float, axis: int) -> None:
    image = drawn(1, *CELLS).image
    lighting = even_lamp(ramp(image, fall=fall, axis=axis))
    assert lighting.fall == pytest.approx(fall, abs=0.05)
    assert not lighting.image.flags.writeable
    assert np.median(np.abs(lighting.image.astype(int) - image)) <= 3
    assert np.quantile(np.abs(lighting.image.astype(int) - image), 0.99) <= 12


def test_an_uneven_stain_is_no_uneven_lamp() -> None:
    image = drawn(1, *CELLS).image
    share = np.linspace(0.0, 0.6, image.shape[1])[None, :, None]
    stained = np.rint(image * (1 - share) + share * image * (0.95, 0.6, 0.8)).astype(np.uint8)
    assert even_lamp(stained).image is stained


@pytest.mark.parametrize(("row", "col", "radius"), [(210, 280, 200), (200, 300, 260), (250, 200, 230)])
def test_the_disc_of_an_eyepiece_is_told_from_its_surround(row: float, col: float, radius: float) -> None:
    image = drawn(2, *CELLS).image
    lighting = even_lamp(disc(image, row=row, col=col, radius=radius))
    assert lighting.lit is not None
    size = (image.shape[1], image.shape[0])
    lit = cv2.resize(lighting.lit.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    rows, cols = np.indices(image.shape[:2])
    away = np.hypot(rows - row, cols - col)
    assert not lit[away > radius].any()
    assert lit[away < radius - 25].all()
    assert (lighting.image[~lit] == np.rint(white_point(image))).mean() > 0.3
    assert np.ptp(lighting.image[~lit], axis=0).max() == 0
    assert np.quantile(np.abs(lighting.image[lit].astype(int) - image[lit]), 0.998) <= 6


def test_bars_at_the_sides_are_a_surround() -> None:
    image = drawn(2, *CELLS).image.copy()
    image[:, :60] = image[:, -60:] = 3
    lit = even_lamp(image).lit
    assert lit is not None
    assert 0.6 < lit.mean() < 1 - 120 / 560


def test_dark_cells_and_lines_at_the_border_are_no_surround() -> None:
    image = drawn(2, *CELLS).image.copy()
    for row, col in ((0, 0), (0, 559)):
        cv2.circle(image, (col, row), 40, (60, 20, 90), -1)
    image[-2:] = 0
    assert even_lamp(image).image is image


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64), (500, 400)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_of_one_colour_stay(shape: tuple[int, int], level: int) -> None:
    image = np.full((*shape, 3), level, np.uint8)
    assert even_lamp(image).image is image


def test_a_field_through_an_eyepiece_is_read_with_a_note_on_it(tmp_path: Path) -> None:
    seen = disc(drawn(2, *CELLS).image, row=210, col=280, radius=205)
    cv2.imwrite(str(tmp_path / "a.png"), seen[..., ::-1])
    cv2.imwrite(str(tmp_path / "b.png"), ramp(drawn(3, *CELLS).image, fall=0.4)[..., ::-1])
    first, second = (open_smear(tmp_path).field(number) for number in (0, 1))
    assert isinstance(first, Field)
    assert isinstance(second, Field)
    notes = [{one.code: one for one in assess_field(field, ERYTHROCYTE_PX)} for field in (first, second)]
    assert notes[0][SURROUND].severity == "info"
    assert notes[0][SURROUND].value == pytest.approx(1 - np.pi * 205**2 / (420 * 560), abs=0.1)
    assert UNEVEN_LAMP not in notes[0]
    assert notes[1][UNEVEN_LAMP].value == pytest.approx(0.4, abs=0.05)
    assert SURROUND not in notes[1]


def test_a_smear_through_an_eyepiece_counts_what_lies_within_the_rim(tmp_path: Path) -> None:
    inner = outer = 0
    for seed in range(6):
        field = drawn(seed + 20, *CELLS)
        away = [float(np.hypot(cell.row - 210, cell.col - 280)) for cell in field.truth]
        inner += sum(one < 205 - 12 - RIM * ERYTHROCYTE_PX for one in away)
        outer += sum(one < 205 - RIM * ERYTHROCYTE_PX for one in away)
        seen = disc(field.image, row=210, col=280, radius=205)
        cv2.imwrite(str(tmp_path / f"{seed}.png"), seen[..., ::-1])
    result = analyse(tmp_path, settings=Settings(um_per_px=UM, workers=1))
    assert not result.refused
    assert [one.severity for one in result.findings if one.code == SURROUND and not one.where] == ["info"]
    counted = [cell for cell in result.cells if cell.counted]
    assert inner <= len(counted) <= outer
    assert all(np.hypot(c.detection.row - 210, c.detection.col - 280) < 205 for c in result.cells)


@pytest.mark.data
def test_published_fields_are_left_as_they_are(data: Path) -> None:
    for name in ("bccd", "deepbionet"):
        assert all(even_lamp(field.image).image is field.image for field in truth_fields(data, name))


@pytest.mark.data
@pytest.mark.parametrize(("name", "step"), [("bccd", 3), ("deepbionet", 1), ("txl_val", 3)])
@pytest.mark.parametrize("shown", [dimmed, through_eyepiece])
def test_published_fields_under_an_uneven_lamp_are_scanned_as_well(
    data: Path, name: str, step: int, shown: Callable[..., TrainingField]
) -> None:
    scanner = Scanner.load(MODEL)
    fields = [field for field in islice(truth_fields(data, name), 0, None, step) if len(field.image) > 150]
    figures = summarise(run_detector(scanner, [as_read(shown(field, fall=0.5)) for field in fields]))
    assert figures.leukocytes > 50
    assert figures.recall >= 0.985
    assert figures.false_share <= 0.02


@pytest.mark.data
@pytest.mark.parametrize(("name", "step"), [("bccd", 3), ("deepbionet", 1), ("txl_val", 3)])
def test_published_fields_of_more_contrast_are_scanned_as_well(data: Path, name: str, step: int) -> None:
    scanner = Scanner.load(MODEL)
    fields = islice(truth_fields(data, name), 0, None, step)
    figures = summarise(run_detector(scanner, [with_contrast(field, exponent=1.7) for field in fields]))
    assert figures.recall >= 0.985
    assert figures.false_share <= 0.02


def test_falls_that_are_made_even_exceed_the_least() -> None:
    image = drawn(4, *CELLS).image
    falls = [even_lamp(ramp(image, fall=fall)).fall for fall in (0.15, 0.25)]
    assert falls[0] == 0.0
    assert falls[1] > MOST_FALL


@pytest.mark.parametrize("seed", range(40))
def test_odd_pictures_are_no_trouble(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(25):
        rows, cols = (int(side) + 1 for side in np.exp(rng.uniform(0, 5.5, 2)))
        noise = rng.normal(0, rng.choice([0, 1, 5, 30]), (rows, cols, 3))
        image = np.clip(rng.integers(0, 256, 3) + noise, 0, 255).astype(np.uint8)
        for turns in rng.integers(0, 4, rng.integers(0, 4)):
            np.rot90(image, turns)[: int(rng.uniform(0, 0.95) * min(rows, cols))] = rng.choice([0, 60, 255])
        if rng.random() < 0.3:
            image[np.hypot(*np.indices((rows, cols))) > rng.uniform(0.05, 1) * max(rows, cols)] = (
                rng.integers(60)
            )
        lighting = even_lamp(image)
        assert lighting.image.shape == image.shape
        assert lighting.lit is None or lighting.lit.any()
