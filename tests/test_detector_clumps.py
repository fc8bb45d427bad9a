"""Heaps of platelets are left out of the finds; leukocytes are not."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_detector_cases import ERYTHROCYTE_PX, MODEL, drawn, find

from cells.vocabulary import CellClass
from detector.channels import channel_picture
from detector.clumps import HEAP_REACH, is_heap, may_be_heap
from detector.scanner import Scanner
from evaluation.boxes import truth_fields
from slides.optics import white_point

WHITE = np.array([236.0, 234.0, 233.0])
NUCLEUS, CYTOPLASM = (92, 58, 142), (206, 182, 206)
SIDE = round(2 * HEAP_REACH * ERYTHROCYTE_PX)
HEAP = [(0, 0), (-14, -8), (13, -9), (2, 16), (-20, 10), (18, 9), (-3, -19)]


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


def window(*, cytoplasm: bool, radius: int = 7, spots: list[tuple[int, int]] = HEAP) -> np.ndarray:
    image, middle = np.full((SIDE, SIDE, 3), WHITE, np.uint8), SIDE // 2
    if cytoplasm:
        cv2.circle(image, (middle, middle), 36, CYTOPLASM, -1, cv2.LINE_AA)
    for down, across in spots:
        cv2.circle(image, (middle + across, middle + down), radius, NUCLEUS, -1, cv2.LINE_AA)
    return image


def test_bare_discs_are_a_heap_and_lobes_in_cytoplasm_are_none() -> None:
    assert is_heap(window(cytoplasm=False), WHITE, erythrocyte_green=0.25)
    assert not is_heap(window(cytoplasm=True), WHITE, erythrocyte_green=0.25)


def test_a_broad_bare_nucleus_is_no_heap() -> None:
    assert not is_heap(window(cytoplasm=False, radius=26, spots=[(0, 0)]), WHITE, erythrocyte_green=0.25)


def test_empty_slide_is_no_heap() -> None:
    assert not is_heap(window(cytoplasm=False, spots=[]), WHITE, erythrocyte_green=0.25)


@pytest.mark.parametrize("turns", range(4))
def test_a_turned_heap_is_a_heap(turns: int) -> None:
    turned = np.ascontiguousarray(np.rot90(window(cytoplasm=False), turns))
    assert is_heap(turned, WHITE, erythrocyte_green=0.25)


@pytest.mark.parametrize("seed", range(200, 212))
def test_drawn_clumps_are_not_found(scanner: Scanner, seed: int) -> None:
    assert find(scanner, drawn(seed, clumps=3, platelets_per_mm2=3000.0).image) == []


def test_heaps_at_the_border_are_looked_at(scanner: Scanner) -> None:
    image = drawn(62, clumps=3, platelets_per_mm2=3000.0).image
    for top, left in ((0, 30), (40, 0), (25, 25)):
        assert find(scanner, np.ascontiguousarray(image[top : top + 300, left : left + 420])) == []


def test_a_quick_look_keeps_most_leukocytes_from_the_slow_one() -> None:
    looked = []
    for seed, label in enumerate((CellClass.LYMPHOCYTE, CellClass.MONOCYTE, CellClass.NEUTROPHIL_SEGMENTED)):
        field = drawn(seed + 300, label, label, label)
        picture = channel_picture(field.image, white_point(field.image), erythrocyte_px=ERYTHROCYTE_PX)
        steps = picture.row_step, picture.col_step
        for cell in field.truth:
            looked.append(may_be_heap(picture, ((cell.row + 0.5) / steps[0], (cell.col + 0.5) / steps[1])))
    assert sum(looked) <= 3


@pytest.mark.data
@pytest.mark.parametrize("name", ["txl_val", "deepbionet", "bccd"])
@pytest.mark.parametrize("scale", [0.85, 1.0, 1.15])
def test_no_published_leukocyte_is_a_heap(data: Path, name: str, scale: float) -> None:
    for field in islice(truth_fields(data, name), 60):
        px = scale * field.erythrocyte_px
        picture = channel_picture(field.image, field.white, erythrocyte_px=px)
        for box in field.leukocytes:
            side = round(2 * HEAP_REACH * px)
            top, left = (round(place - 0.5 * side) for place in box.centre)
            part = np.ascontiguousarray(field.image[max(top, 0) : top + side, max(left, 0) : left + side])
            if part.shape[:2] != (side, side):
                continue
            assert not is_heap(part, field.white, erythrocyte_green=picture.erythrocyte_green)
