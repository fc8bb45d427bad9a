"""Captions, panels and frames around a photograph are told from it; photographs without are left whole."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from test_detector_cases import UM, drawn

from cells.records import Field
from cells.vocabulary import CellClass
from leukoformula import Settings, analyse
from slides.lamp import even_lamp
from slides.margins import Part, within_margins
from slides.reader import open_smear, read_image

IMAGE = drawn(2, CellClass.LYMPHOCYTE, CellClass.MONOCYTE).image
ROWS, COLS = IMAGE.shape[:2]


def caption(colour: int, text: int) -> np.ndarray:
    image = np.concatenate([IMAGE, np.full((50, COLS, 3), colour, np.uint8)])
    cv2.putText(image, "1000x 20 um 14:03", (10, ROWS + 35), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (text,) * 3, 2)
    return image


def window() -> np.ndarray:
    shown = np.full((ROWS + 110, COLS + 190, 3), 240, np.uint8)
    shown[:30] = (45, 45, 48)
    for place in range(6):
        cv2.rectangle(shown, (20 + 60 * place, 38), (60 + 60 * place, 66), (200, 60 + 20 * place, 90), -1)
        cv2.putText(shown, f"Layer {place}", (8, 110 + 30 * place), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30,) * 3)
    shown[72 : 72 + ROWS, 150 : 150 + COLS] = IMAGE
    return shown


def saved(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


@pytest.mark.parametrize(("colour", "text"), [(0, 255), (255, 0), (60, 255), (240, 30)])
@pytest.mark.parametrize("quality", [None, 90, 75])
def test_a_caption_is_a_margin(colour: int, text: int, quality: int | None) -> None:
    image = caption(colour, text)
    part = within_margins(image if quality is None else saved(image, quality))
    assert part is not None
    assert part[:2] == (0, 0)
    assert part.right == COLS
    assert abs(part.bottom - ROWS) <= 2


def test_the_panels_of_a_program_are_margins() -> None:
    assert within_margins(window()) == Part(72, 150, 72 + ROWS, 150 + COLS)


def test_the_field_in_a_window_is_read_alone() -> None:
    lighting = even_lamp(window())
    assert lighting.lit is not None
    assert lighting.lit.mean() == pytest.approx(IMAGE.size / window().size, abs=0.02)
    outside = lighting.image.copy()[:70]
    assert np.ptp(outside, axis=(0, 1)).max() == 0
    middle = lighting.image[80 : 60 + ROWS, 160 : 140 + COLS]
    assert np.array_equal(middle, IMAGE[8 : ROWS - 12, 10 : COLS - 10])


def test_photographs_have_no_margins() -> None:
    empty = np.full((200, 300, 3), 255, np.uint8)
    spots = empty.copy()
    for col in (60, 150, 240):
        cv2.circle(spots, (col, 100), 30, (200, 120, 160), -1, cv2.LINE_AA)
    for image in (IMAGE, empty, spots, empty[:1, :1], empty[:2]):
        assert within_margins(image) is None


def test_a_smear_under_captions_is_counted_as_without(tmp_path: Path) -> None:
    for name, image in (("plain", IMAGE), ("caption", caption(255, 0)), ("window", window())):
        folder = tmp_path / name
        folder.mkdir()
        cv2.imwrite(str(folder / "a.png"), image[..., ::-1])
        assert isinstance(open_smear(folder).field(0), Field)
    counts = {
        name: sum(
            cell.counted
            for cell in analyse(tmp_path / name, settings=Settings(um_per_px=UM, workers=1)).cells
        )
        for name in ("plain", "caption", "window")
    }
    assert set(counts.values()) == {2}


@pytest.mark.data
@pytest.mark.parametrize("name", ["bccd/JPEGImages", "deepbionet/Images", "txl_pbc/images"])
def test_published_fields_have_no_margins(data: Path, name: str) -> None:
    paths = sorted((data / name).rglob("*.jpg"))
    assert len(paths) >= 200
    assert all(within_margins(read_image(path)) is None for path in paths)
