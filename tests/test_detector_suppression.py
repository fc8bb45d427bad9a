"""Distance-based suppression: the properties it must have."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from detector.suppression import suppress

finds = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(-3, 3)),
    min_size=0,
    max_size=40,
    unique=True,
)


def arrays(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, :2] * 0.7, table[:, 2]


@given(finds, st.floats(0.1, 30))
@settings(max_examples=150, deadline=None)
def test_keeps_its_distance_and_is_idempotent(rows: list[tuple[int, int, int]], spacing: float) -> None:
    points, scores = arrays(rows)
    kept = suppress(points, scores, spacing=spacing)
    if len(kept) > 1:
        assert pdist(points[kept]).min() >= spacing
    again = suppress(points[kept], scores[kept], spacing=spacing)
    assert again.tolist() == list(range(len(kept)))


@pytest.mark.parametrize("few", [0, 100])
@given(finds, st.floats(0.1, 30))
@settings(max_examples=100, deadline=None)
def test_equals_the_plain_rule(few: int, rows: list[tuple[int, int, int]], spacing: float) -> None:
    points, scores = arrays(rows)
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], points[i, 0], points[i, 1]))
    expected: list[int] = []
    for i in order:
        if all(((points[i] - points[j]) ** 2).sum() >= spacing**2 for j in expected):
            expected.append(i)
    with patch("detector.suppression._FEW", few):
        assert suppress(points, scores, spacing=spacing).tolist() == expected


@given(finds, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_independent_of_order(rows: list[tuple[int, int, int]], random: object) -> None:
    points, scores = arrays(rows)
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    kept = points[suppress(points, scores, spacing=4.0)]
    other = points[shuffled][suppress(points[shuffled], scores[shuffled], spacing=4.0)]
    assert np.array_equal(kept, other)


def test_ties_go_by_row_then_column() -> None:
    points = np.array([[5.0, 5.0], [5.0, 4.0], [4.0, 9.0], [4.0, 6.0]])
    assert suppress(points, np.ones(4), spacing=50.0).tolist() == [3]
    assert suppress(points, np.ones(4), spacing=0.0).tolist() == [3, 2, 1, 0]


def test_empty_and_single() -> None:
    assert suppress(np.zeros((0, 2)), np.zeros(0), spacing=3.0).shape == (0,)
    assert suppress(np.zeros((1, 2)), np.zeros(1), spacing=3.0).tolist() == [0]
