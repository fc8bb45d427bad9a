"""Holding finds against boxes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.records import Detection
from cells.units import Pixels
from detector.samples import TrainingField
from detector.truth import LEUKOCYTE, Box
from evaluation.detector import judge_field, main, match_finds, summarise

places = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=7)


def box_at(row: float, col: float, size: float = 20.0) -> Box:
    return Box(
        col + 0.5 - size / 2, row + 0.5 - size / 2, col + 0.5 + size / 2, row + 0.5 + size / 2, LEUKOCYTE
    )


def find_at(row: float, col: float, *, counted: bool = True, size: float = 20.0) -> Detection:
    return Detection(row, col, Pixels(size), 0.5, not counted, counted)


def make_field(truth: list[Box], ignored: list[Box] | None = None) -> TrainingField:
    image = np.zeros((100, 100, 3), np.uint8)
    return TrainingField("a.png", image, np.full(3, 255.0), 10.0, tuple(truth), tuple(ignored or ()), ())


@given(places, places)
@settings(max_examples=150, deadline=None)
def test_matching_is_one_to_one_gated_and_as_large_as_can_be(
    finds: list[tuple[int, int]], cells: list[tuple[int, int]]
) -> None:
    points = np.array(finds, np.float64).reshape(-1, 2)
    boxes = [box_at(*cell) for cell in cells]
    pairs = match_finds(points, boxes)
    assert len({find for find, _ in pairs}) == len({box for _, box in pairs}) == len(pairs)
    for find, box in pairs:
        assert np.hypot(*(points[find] - boxes[box].centre)) <= 10.0 + 1e-9
    assert len(pairs) == largest_matching(points, boxes)


def largest_matching(points: np.ndarray, boxes: list[Box]) -> int:
    """Augmenting paths, independent of the code under test."""
    near = [[j for j, b in enumerate(boxes) if np.hypot(*(p - b.centre)) <= 10.0 + 1e-9] for p in points]
    owner: dict[int, int] = {}

    def place(find: int, seen: set[int]) -> bool:
        for box in near[find]:
            if box not in seen:
                seen.add(box)
                if box not in owner or place(owner[box], seen):
                    owner[box] = find
                    return True
        return False

    return sum(place(find, set()) for find in range(len(points)))


def test_field_is_judged() -> None:
    field = make_field([box_at(20, 20), box_at(20, 60)], [box_at(70, 70)])
    finds = [
        find_at(22, 20),
        find_at(18, 27),
        find_at(71, 74),
        find_at(50, 95),
        find_at(99, 5, counted=False),
    ]
    outcome = judge_field(field, finds)
    assert [f for f, _ in outcome.pairs] == [finds[0]]
    assert outcome.false == (finds[1], finds[3])
    assert outcome.missed == (field.leukocytes[1],)
    assert outcome.ignored == 2
    figures = summarise([outcome])
    assert (figures.leukocytes, figures.found, figures.finds, figures.false) == (2, 1, 3, 2)
    assert figures.recall == 0.5
    assert figures.false_share == pytest.approx(2 / 3)
    assert figures.centre_error == pytest.approx(0.2)
    assert figures.diameter_ratio == pytest.approx(1.0)
    assert figures.recall_interval[0] == pytest.approx(0.0126, abs=1e-3)


def test_empty_fields_and_truths_are_normal() -> None:
    figures = summarise([judge_field(make_field([]), [])])
    assert figures.fields == 1
    assert np.isnan(figures.recall)
    assert np.isnan(figures.false_share)
    figures = summarise([judge_field(make_field([]), [find_at(5, 5)])])
    assert figures.false_share == 1.0


def test_command_tells_faults_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--data", str(tmp_path), "--model", str(tmp_path / "none.npz"), "--set", "bccd"])
    assert code == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "none.npz" in told
