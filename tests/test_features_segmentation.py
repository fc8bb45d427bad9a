"""Masks of nucleus and cell."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from evaluation.segmentation import agreement, dice
from features.contours import ANGLES, RADII, best_contour
from features.segmentation import Quality, segment
from features.thresholds import otsu

WHITE = np.array([235.0, 230.0, 225.0])
NUCLEUS, CYTOPLASM, ERYTHROCYTE = (0.5, 0.85, 0.2), (0.12, 0.22, 0.1), (0.06, 0.25, 0.3)


def drawn_cell(
    *, radius: int = 28, nucleus: int = 14, neighbours: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a crop with a cell in the middle, and its true nucleus and cell."""
    density = np.zeros((112, 112, 3), np.float32)
    if neighbours:
        for x, y in ((100, 20), (12, 96), (56 + radius + 16, 60)):
            cv2.circle(density, (x, y), 17, ERYTHROCYTE, cv2.FILLED)
    cell, core = np.zeros((112, 112), np.uint8), np.zeros((112, 112), np.uint8)
    cv2.circle(cell, (56, 56), radius, 1, cv2.FILLED)
    cv2.circle(core, (52, 54), nucleus, 1, cv2.FILLED)
    density[cell > 0], density[core > 0] = CYTOPLASM, NUCLEUS
    density += np.random.default_rng(0).normal(0, 0.01, density.shape)
    density = cv2.GaussianBlur(density, (0, 0), 0.8)
    crop = np.clip(np.rint(WHITE * 10.0**-density), 0, 255).astype(np.uint8)
    return crop, core > 0, cell > 0


@pytest.mark.parametrize("neighbours", [False, True])
def test_a_drawn_cell_is_found(neighbours: bool) -> None:
    crop, nucleus, cell = drawn_cell(neighbours=neighbours)
    masks = segment(crop, WHITE)
    assert masks.quality is Quality.GOOD
    assert dice(masks.nucleus, nucleus) > 0.95
    assert dice(masks.cell, cell) > 0.95


def test_a_touching_erythrocyte_is_left_out() -> None:
    crop, _, cell = drawn_cell()
    neighbour = np.zeros((112, 112), np.uint8)
    cv2.circle(neighbour, (100, 60), 17, 1, cv2.FILLED)
    found = segment(crop, WHITE).cell
    assert (found & (neighbour > 0) & ~cell).sum() < 0.05 * cell.sum()


def test_nucleus_lies_in_the_cell_and_inputs_are_left_alone() -> None:
    crop, _, _ = drawn_cell()
    crop.flags.writeable = False
    before = crop.copy()
    masks = segment(crop, WHITE)
    assert masks.nucleus.any()
    assert not (masks.nucleus & ~masks.cell).any()
    assert np.array_equal(crop, before)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_crop_still_gets_masks(level: int) -> None:
    masks = segment(np.full((112, 112, 3), level, np.uint8), WHITE)
    assert masks.nucleus.any()
    assert masks.cell.any()
    assert level != 255 or masks.quality is Quality.NO_NUCLEUS


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_noise_still_gets_masks(seed: int) -> None:
    crop = np.random.default_rng(seed).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    masks = segment(crop, WHITE)
    assert masks.nucleus.any()
    assert not (masks.nucleus & ~masks.cell).any()


def test_a_cell_cut_by_the_crop_is_said_to_be_at_the_border() -> None:
    crop, _, _ = drawn_cell(neighbours=False)
    shift = np.array([[1.0, 0.0, 34.0], [0.0, 1.0, 0.0]])
    cut = cv2.warpAffine(crop, shift, (112, 112), borderValue=WHITE.tolist())
    assert segment(cut, WHITE).quality is Quality.AT_BORDER


def test_lamp_brightness_changes_nothing_to_speak_of() -> None:
    crop, _, _ = drawn_cell()
    darker = np.rint(crop * 0.8).astype(np.uint8)
    bright, dim = segment(crop, WHITE), segment(darker, WHITE * 0.8)
    assert dice(bright.cell, dim.cell) > 0.98
    assert dice(bright.nucleus, dim.nucleus) > 0.98


def test_quarter_turns_turn_the_masks() -> None:
    crop, _, _ = drawn_cell()
    masks, turned = segment(crop, WHITE), segment(np.ascontiguousarray(np.rot90(crop)), WHITE)
    assert dice(np.rot90(masks.nucleus), turned.nucleus) > 0.99
    assert dice(np.rot90(masks.cell), turned.cell) > 0.97


def test_another_shape_is_refused() -> None:
    with pytest.raises(UsageError, match="112"):
        segment(np.zeros((64, 64, 3), np.uint8), WHITE)


def test_the_best_contour_follows_a_valley() -> None:
    truth = 25 + np.rint(6 * np.sin(2 * np.pi * np.arange(ANGLES) / ANGLES)).astype(int)
    cost = np.abs(np.arange(RADII)[None] - truth[:, None]).astype(np.float32)
    assert np.array_equal(best_contour(cost, stiffness=0.01), (truth + 0.5).astype(np.float32))


def test_a_stiff_contour_is_not_drawn_aside_by_one_ray() -> None:
    cost = np.abs(np.arange(RADII)[None] - np.full((ANGLES, 1), 20)).astype(np.float32)
    cost[10] = np.abs(np.arange(RADII) - 40)
    found = best_contour(cost, stiffness=30.0)
    assert np.array_equal(found, np.full(ANGLES, 20.5, np.float32))


def test_otsu_agrees_with_scikit_image() -> None:
    from skimage.filters import threshold_otsu

    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(0.2, 0.05, 400), rng.normal(0.8, 0.05, 300)]).astype(np.float32)
    ours, theirs = otsu(values), float(threshold_otsu(values, nbins=128))
    assert np.array_equal(values > ours, values > theirs) or abs(ours - theirs) < 2 / 128


def test_dice_of_known_masks() -> None:
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert dice(a, b) == 0.5
    assert dice(a, a) == 1.0
    assert dice(a, ~a) == 0.0


@pytest.mark.data
def test_masks_agree_with_those_drawn_by_hand(data: Path) -> None:
    parts = agreement("jtsc_segmentation", data).parts
    assert parts["nucleus"].images == 300
    assert parts["nucleus"].mean >= 0.92
    assert parts["cell"].mean >= 0.88
