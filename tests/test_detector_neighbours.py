"""Leukocytes laid against those of a training field."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from detector.neighbours import with_neighbours
from detector.samples import TrainingField
from detector.truth import LEUKOCYTE, Box

WHITE = np.array([232.0, 230.0, 228.0])


def field(
    name: str, cells: list[tuple[int, int, int]], *, px: float = 30.0, colour: int = 90
) -> TrainingField:
    image = np.full((240, 260, 3), WHITE, np.uint8)
    for row, col, radius in cells:
        cv2.circle(image, (col, row), radius, (colour, 50, 140), -1)
    boxes = tuple(Box(c - r, r0 - r, c + r + 1, r0 + r + 1, LEUKOCYTE) for r0, c, r in cells)
    return TrainingField(name, image, WHITE, px, boxes, (), ())


ONE = field("one", [(120, 130, 24)])
OTHER = field("other", [(100, 110, 20)], colour=40)


@pytest.mark.parametrize("seed", range(12))
def test_each_lies_against_one_that_is_there(seed: int) -> None:
    both = with_neighbours(ONE, OTHER, np.random.default_rng(seed))
    cells = both.leukocytes
    assert cells[: len(ONE.leukocytes)] == ONE.leukocytes
    assert 1 <= len(cells) - 1 <= 3
    for number, box in enumerate(cells[1:], 1):
        apart = [
            float(np.hypot(*np.subtract(box.centre, c.centre))) / (0.5 * (box.size + c.size))
            for n, c in enumerate(cells)
            if n != number
        ]
        assert 0.85 <= min(apart) <= 1.13
        row, col = (round(v) for v in box.centre)
        assert tuple(both.image[row, col]) == (40, 50, 140)


def test_what_is_there_stays_in_front() -> None:
    both = with_neighbours(ONE, OTHER, np.random.default_rng(3))
    inside = cv2.circle(np.zeros(ONE.image.shape[:2], np.uint8), (130, 120), 20, 1, -1).astype(bool)
    assert np.array_equal(both.image[inside], ONE.image[inside])
    assert np.array_equal(ONE.image, field("one", [(120, 130, 24)]).image)


def test_sizes_follow_the_erythrocyte_and_lamps_the_white_point() -> None:
    twice = field("twice", [(100, 110, 40)], px=60.0, colour=40)
    dim = replace(twice, image=(twice.image // 2).astype(np.uint8), white=WHITE / 2)
    box = with_neighbours(ONE, dim, np.random.default_rng(1)).leukocytes[1]
    assert box.size == pytest.approx(0.5 * dim.leukocytes[0].size)
    image = with_neighbours(ONE, dim, np.random.default_rng(1)).image
    row, col = (round(v) for v in box.centre)
    assert np.allclose(image[row, col], (40, 50, 140), atol=2)


def test_fields_without_leukocytes_stay_as_they_are() -> None:
    empty = field("empty", [])
    cut = replace(OTHER, leukocytes=(Box(0, 0, 30, 30, LEUKOCYTE),))
    for one, other in ((empty, OTHER), (ONE, empty), (ONE, cut)):
        assert with_neighbours(one, other, np.random.default_rng(0)) is one


def test_a_field_without_room_keeps_its_cells() -> None:
    crowded = field("crowded", [(r, c, 26) for r in range(26, 240, 52) for c in range(26, 260, 52)])
    assert (
        len(with_neighbours(crowded, OTHER, np.random.default_rng(0)).leukocytes)
        <= len(crowded.leukocytes) + 3
    )
