"""The counting-frame rule."""

import numpy as np
import pytest

from detector.frame import Place, place_in_frame


@pytest.mark.parametrize(
    ("depths", "at_border", "counted"),
    [
        ((), False, True),
        ((10.0,), True, True),
        ((9.9,), True, False),
        ((19.0, 10.0), True, True),
        ((19.0, 9.9), True, False),
        ((0.0,), True, False),
    ],
)
def test_rule(depths: tuple[float, ...], at_border: bool, counted: bool) -> None:
    assert place_in_frame(depths, diameter=20.0) == Place(at_border, counted)


def depths_of(row: float, col: float, height: float, width: float, diameter: float) -> list[float]:
    edges = (row, col, height - row, width - col)
    return [away + diameter / 2 for away in edges if away < diameter / 2]


def test_every_cell_has_the_same_chance_whatever_its_size() -> None:
    """A cell of any size is counted on the area of the field: its true centre decides."""
    height, width = 60, 80
    for diameter in (8.0, 16.0, 24.0):
        counted = 0
        steps = np.arange(-20, 100, 1.0)
        for true_row in steps:
            for true_col in steps:
                depths = depths_of(true_row, true_col, height, width, diameter)
                counted += place_in_frame(depths, diameter=diameter).counted
        assert counted == pytest.approx(61 * 81)
