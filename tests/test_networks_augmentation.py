"""The augmentations of the literature, each held to what its name says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from classifiers.literature_augmentation import (
    AUGMENTATIONS,
    add_noise,
    augment,
    brighten,
    crop,
    flip,
    jitter,
    rotate,
    scale,
)


def _disc(height: int = 61, width: int = 81, radius: float = 12.0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    inside = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2) <= radius
    return np.where(inside[:, :, None], [90, 40, 140], [220, 210, 215]).astype(np.uint8)


def _dark_area(image: np.ndarray) -> int:
    return int((image[:, :, 1] < 125).sum())


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
@given(seed=st.integers(0, 10**6), height=st.integers(20, 40), width=st.integers(20, 40))
@settings(max_examples=15, deadline=None)
def test_shape_and_type_stay_the_input_stays_and_the_draw_repeats(
    name: str, seed: int, height: int, width: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    kept = image.copy()
    once = augment(np.random.default_rng(seed), image, [name])
    again = augment(np.random.default_rng(seed), image, [name])
    assert once.shape == image.shape
    assert once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(image, kept)


def test_a_disc_stays_itself_under_rotation_to_any_angle() -> None:
    disc = _disc()
    for seed in range(8):
        turned = rotate(np.random.default_rng(seed), disc)
        assert abs(_dark_area(turned) - _dark_area(disc)) < 25


def test_rotation_reaches_any_angle_and_keeps_to_its_limit() -> None:
    image = np.full((101, 101, 3), 255, np.uint8)
    image[48:53, 50:100] = 0

    def angle(turned: np.ndarray) -> float:
        rows, columns = np.nonzero(turned[20:81, 20:81, 0] < 100)
        return float(np.degrees(np.arctan2(-(rows.mean() - 30), columns.mean() - 30)))

    free = [angle(rotate(np.random.default_rng(s), image)) for s in range(60)]
    assert min(free) < -135
    assert max(free) > 135
    bound = [angle(AUGMENTATIONS["rotation_45"](np.random.default_rng(s), image)) for s in range(60)]
    assert -47 < min(bound) < -30
    assert 30 < max(bound) < 47


def test_flips_give_all_four_mirror_images_and_nothing_else() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    wanted = {image[::a, ::b].tobytes() for a in (1, -1) for b in (1, -1)}
    found = {flip(np.random.default_rng(seed), image).tobytes() for seed in range(40)}
    assert found == wanted


def test_scale_changes_the_area_within_its_limits() -> None:
    disc = _disc()
    ratios = [_dark_area(scale(np.random.default_rng(s), disc)) / _dark_area(disc) for s in range(60)]
    assert 0.6 < min(ratios) < 0.75
    assert 1.3 < max(ratios) < 1.5


def test_noise_is_centred_and_up_to_its_deviation() -> None:
    image = np.full((80, 80, 3), 128, np.uint8)
    spreads = []
    for seed in range(30):
        difference = add_noise(np.random.default_rng(seed), image).astype(float) - 128
        assert abs(difference.mean()) < 0.5
        spreads.append(difference.std())
    assert max(spreads) < 12.5
    assert max(spreads) - min(spreads) > 6


def test_crop_enlarges_a_part() -> None:
    disc = _disc()
    ratios = [_dark_area(crop(np.random.default_rng(s), disc)) / _dark_area(disc) for s in range(60)]
    assert 0.95 < min(ratios) < 1.06
    assert 1.15 < max(ratios) < 1.3


def test_brightness_multiplies_every_value_alike() -> None:
    image = np.array([[[50, 100, 200]]], np.uint8)
    factors = []
    for seed in range(40):
        changed = brighten(np.random.default_rng(seed), image)[0, 0] / np.array([50.0, 100.0, 200.0])
        assert np.ptp(changed) < 0.03
        factors.append(changed.mean())
    assert min(factors) < 0.87
    assert max(factors) > 1.13


def test_colour_jitter_changes_hue_of_colour_but_leaves_grey_grey() -> None:
    grey = np.full((4, 4, 3), 120, np.uint8)
    violet = np.full((4, 4, 3), 0, np.uint8) + np.array([120, 60, 160], np.uint8)
    ratios = set()
    for seed in range(20):
        assert np.ptp(jitter(np.random.default_rng(seed), grey)[0, 0].astype(int)) <= 1
        red, green, blue = jitter(np.random.default_rng(seed), violet)[0, 0].astype(float)
        ratios.add(round((red - green) / (blue - green), 2))
    assert len(ratios) > 5


def test_augmentations_follow_one_another_in_the_order_given() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)
    rng = np.random.default_rng(4)
    by_hand = add_noise(rng, flip(rng, image))
    np.testing.assert_array_equal(augment(np.random.default_rng(4), image, ["flips", "noise"]), by_hand)


def test_an_unknown_augmentation_is_refused() -> None:
    with pytest.raises(UsageError, match="no augmentation 'mixup'"):
        augment(np.random.default_rng(0), np.zeros((4, 4, 3), np.uint8), ["mixup"])
