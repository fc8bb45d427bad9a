"""Stains of training views: cytoplasm by itself, granules, dark rims and fringes."""

from typing import Any

import cv2
import numpy as np
import pytest

from classifiers.segmentation_data import BACKGROUND, CYTOPLASM, NUCLEUS, drawn_cell
from classifiers.segmentation_stains import restain

STILL: dict[str, Any] = {
    "white": 0.0,
    "gain": 0.0,
    "common_gain": [1.0, 1.0],
    "fade_probability": 0.0,
    "gamma": 0.0,
    "mix": 0.0,
    "veil": 0.0,
    "noise": 0.0,
    "grey_probability": 0.0,
    "own_probability": 0.0,
    "own_mix": 0.8,
    "granules_probability": 0.0,
    "granules_most": 1.2,
    "rim_probability": 0.0,
    "rim_most": 0.9,
    "fringe_probability": 0.0,
    "fringe_px": 0.8,
}
CROP, WHITE, ANSWERS = drawn_cell((3, 5))
SEEDS = range(8)


def stained(seed: int, answers: np.ndarray = ANSWERS, **changes: float) -> np.ndarray:
    return restain(np.random.default_rng(seed), CROP, WHITE, answers, {**STILL, **changes})


def middle(part: np.ndarray) -> np.ndarray:
    return cv2.erode(part.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)


PLAIN = stained(0)
PARTS = {part: middle(part == ANSWERS) for part in (BACKGROUND, CYTOPLASM, NUCLEUS)}


@pytest.mark.parametrize("change", ["own_probability", "granules_probability"])
def test_cytoplasm_alone_is_stained_anew(change: str) -> None:
    for seed in SEEDS:
        view = stained(seed, **{change: 1.0})
        for bit in (BACKGROUND, NUCLEUS):
            assert np.allclose(view[PARTS[bit]], PLAIN[PARTS[bit]], atol=0.01)
        assert np.abs(view - PLAIN)[PARTS[CYTOPLASM]].mean() > 0.005
        assert np.array_equal(view, stained(seed, **{change: 1.0}))


def test_cytoplasm_stained_by_itself_stays_paler_than_most_of_the_nucleus() -> None:
    pale = np.quantile(PLAIN[PARTS[NUCLEUS]].mean(axis=1), 0.3)
    means = [stained(seed, own_probability=1.0)[PARTS[CYTOPLASM]].mean() for seed in range(40)]
    assert np.quantile(means, 0.9) < pale
    assert max(means) > 1.3 * PLAIN[PARTS[CYTOPLASM]].mean()


def test_granules_reach_the_density_of_the_nucleus_in_another_colour() -> None:
    views = [stained(seed, granules_probability=1.0) for seed in range(40)]
    nucleus = PLAIN[PARTS[NUCLEUS]].mean(axis=0)
    densest = max(np.quantile(view[PARTS[CYTOPLASM]].mean(axis=1), 0.9) for view in views)
    assert densest > 0.9 * nucleus.mean()
    full = max(views, key=lambda view: float(view[PARTS[CYTOPLASM]].mean()))
    colour = full[PARTS[CYTOPLASM]].mean(axis=0)
    assert colour @ nucleus < 0.98 * np.linalg.norm(colour) * np.linalg.norm(nucleus)
    grain = full[PARTS[CYTOPLASM]].mean(axis=1).std()
    assert grain > 1.5 * PLAIN[PARTS[CYTOPLASM]].mean(axis=1).std()


def test_what_is_disputed_is_not_stained_apart() -> None:
    disputed = np.where(ANSWERS == NUCLEUS, np.uint8(CYTOPLASM | NUCLEUS), ANSWERS)
    for change in ("own_probability", "granules_probability"):
        assert np.array_equal(stained(1, disputed, **{change: 1.0}), PLAIN)


def test_a_disputed_edge_of_the_nucleus_does_not_keep_the_cytoplasm_from_its_stain() -> None:
    nucleus = (ANSWERS == NUCLEUS).astype(np.uint8)
    edge = (nucleus > 0) & (cv2.erode(nucleus, np.ones((3, 3), np.uint8)) == 0)
    answers = np.where(edge, np.uint8(CYTOPLASM | NUCLEUS), ANSWERS)
    for seed in SEEDS:
        view = stained(seed, answers, granules_probability=1.0)
        assert np.abs(view - PLAIN)[PARTS[CYTOPLASM]].mean() > 0.005
        assert np.allclose(view[PARTS[NUCLEUS]], PLAIN[PARTS[NUCLEUS]], atol=0.01)


def test_a_rim_darkens_the_edge_of_the_cell() -> None:
    inside = cv2.distanceTransform((ANSWERS != BACKGROUND).astype(np.uint8), cv2.DIST_L2, 5)
    far = cv2.distanceTransform((ANSWERS == BACKGROUND).astype(np.uint8), cv2.DIST_L2, 5) > 4
    for seed in SEEDS:
        added = stained(seed, rim_probability=1.0) - PLAIN
        assert added.min() > -1e-5
        assert added.max() > 0.02
        assert added[far].max() < 1e-3
        assert added[(inside > 0) & (inside < 5)].mean() > 5 * added[inside > 12].mean()


def test_a_rim_lies_on_one_side_in_some_views_and_all_around_in_others() -> None:
    edge = ANSWERS != BACKGROUND
    edge &= ~cv2.erode(edge.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    added = [(stained(seed, rim_probability=1.0) - PLAIN)[edge].mean(axis=1) for seed in range(30)]
    shares = [float((one < 0.005).mean()) for one in added]
    assert min(shares) < 0.25
    assert max(shares) > 0.35


def test_fringes_move_red_and_blue_against_green() -> None:
    view = stained(2, fringe_probability=1.0)
    assert np.array_equal(view[..., 1], PLAIN[..., 1])
    for channel in (0, 2):
        assert np.abs(view[..., channel] - PLAIN[..., channel]).max() > 0.05
        assert view[..., channel].sum() == pytest.approx(PLAIN[..., channel].sum(), rel=0.02)


def test_an_empty_crop_is_stained_without_a_cell() -> None:
    nothing = np.full_like(ANSWERS, BACKGROUND)
    changes = {"own_probability": 0.5, "granules_probability": 0.5, "rim_probability": 1.0}
    assert np.array_equal(stained(3, nothing, **changes), PLAIN)
