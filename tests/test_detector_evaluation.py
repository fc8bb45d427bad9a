"""Holding finds against boxes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.records import Detection
from cells.units import Pixels
from detector.centres import SPACING
from detector.samples import TrainingField
from detector.truth import LEUKOCYTE, Box
from evaluation.detector import main
from evaluation.detector_runs import merge_scans, run_detector, same_cells
from evaluation.finds import judge_field, match_finds, summarise

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


class Planted:
    """A detector whose finds depend on the width of the image only."""

    def __init__(self, finds: dict[int, list[Detection]]) -> None:
        self.finds = finds

    def detect(self, image: np.ndarray, **options: object) -> list[Detection]:
        assert options["erythrocyte_px"] == 10.0 * image.shape[1] / 100
        return self.finds[image.shape[1]]


def test_cells_of_a_resampled_field_are_matched() -> None:
    before = [find_at(20, 20), find_at(20, 60), find_at(70, 70), find_at(99, 5, counted=False)]
    after = [find_at(40.5, 40.5), find_at(48, 120.5), find_at(120.5, 160.5), find_at(198, 10, counted=False)]
    planted = Planted({100: before, 200: after})
    assert same_cells(planted, [make_field([])], factor=2.0) == (3, 2, 1)  # type: ignore[arg-type]


scored = st.builds(
    lambda row, col, score, size: Detection(float(row), float(col), Pixels(size), score, False, True),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from([0.1, 0.2, 0.3]),
    st.floats(8.0, 30.0),
)


@given(st.lists(st.lists(scored, max_size=6), min_size=2, max_size=3))
@settings(max_examples=150, deadline=None)
def test_merging_keeps_the_distance_and_the_best_of_each_cell(scans: list[list[Detection]]) -> None:
    near = SPACING * 10.0

    def away(a: Detection, b: Detection) -> float:
        return float(np.hypot(a.row - b.row, a.col - b.col))

    def rank(find: Detection) -> tuple[float, float, float]:
        return -find.score, find.row, find.col

    merged = merge_scans(scans, erythrocyte_px=10.0)
    given_finds = [find for scan in scans for find in scan]
    assert merged == sorted(merged, key=rank)
    assert all(any(find is one for one in given_finds) for find in merged)
    assert all(away(a, b) >= near for i, a in enumerate(merged) for b in merged[:i])
    for find in given_finds:
        if not any(find is one for one in merged):
            assert any(away(find, one) < near and rank(one) <= rank(find) for one in merged)


class Windowed:
    """A detector that finds other cells at other diameters."""

    def __init__(self, finds: dict[float, list[Detection]]) -> None:
        self.finds = finds

    def detect(self, image: np.ndarray, **options: float) -> list[Detection]:
        return self.finds[round(options["erythrocyte_px"], 6)]


def test_windows_are_merged_in_the_told_diameter() -> None:
    best = Detection(20.0, 20.0, Pixels(17.0), 0.9, False, True)
    repeated, other = find_at(20, 32), find_at(60, 60, counted=False, size=33.0)
    detector = Windowed({9.0: [other, repeated], 11.0: [best], 10.0: [repeated], 10.8: [best], 13.2: [other]})
    field = make_field([])

    def false_finds(scale: float, *windows: float) -> tuple[Detection, ...]:
        (outcome,) = run_detector(detector, [field], scale=scale, windows=windows)  # type: ignore[arg-type]
        return outcome.false + (other,) * outcome.ignored

    assert false_finds(1.0, 0.9, 1.1) == (best, repeated, other)
    assert false_finds(1.2, 0.75, 0.9, 1.1) == (best, other)


def test_one_window_equals_the_plain_run() -> None:
    close = [find_at(20, 20), find_at(20, 30.9)]
    detector = Windowed({10.0: close, 9.0: close[:1]})
    field = make_field([box_at(20, 20)])
    plain = run_detector(detector, [field])  # type: ignore[arg-type]
    assert plain == run_detector(detector, [field], windows=[1.0])  # type: ignore[arg-type]
    assert plain[0].false == (close[1],)
    assert run_detector(detector, [field], windows=[0.9])[0].false == ()  # type: ignore[arg-type]


def test_command_tells_faults_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--data", str(tmp_path), "--model", str(tmp_path / "none.npz"), "--set", "bccd"])
    assert code == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "none.npz" in told
