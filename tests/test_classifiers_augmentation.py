"""Training views of the convolutional network: geometry carries the regions, stains differ between them."""

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from classifiers.augmentation import move, restain  # noqa: E402

WHITE = np.array([230.0, 225.0, 235.0])
STILL: dict[str, Any] = {
    "scale": [1.0, 1.0],
    "shift_px": 0.0,
    "stretch": 0.0,
    "cut_probability": 0.0,
    "cut_share": 0.4,
    "blur_px": [0.0, 0.0],
    "blur_probability": 0.0,
    "reduce_probability": 0.0,
    "sharpen_probability": 0.0,
    "jpeg_probability": 0.0,
}
PLAIN: dict[str, Any] = {
    "white": 0.0,
    "gain": 0.0,
    "common_gain": [1.0, 1.0],
    "fade_probability": 0.0,
    "gamma": 0.0,
    "mix": 0.0,
    "veil": 0.0,
    "noise": 0.0,
    "grey_probability": 0.0,
    "pale_probability": 0.0,
    "pale_least": 0.3,
    "apart_probability": 0.0,
    "apart": 0.8,
    "apart_nucleus": 0.5,
    "bare_probability": 0.0,
}
SEED = (3, 5)


def _cell() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:112, :112]
    far = np.hypot(rows - 50, columns - 60)
    regions = ((far < 30).astype(np.uint8) + (far < 15)).astype(np.uint8)
    colours = np.array([[225, 190, 200], [180, 160, 215], [90, 40, 140]], np.uint8)
    return colours[regions], regions


def _views(stain: dict[str, Any], count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    crop, regions = _cell()
    rng = np.random.default_rng(1)
    images, masks = zip(
        *(move(rng, crop, regions, WHITE, out_px=112, settings=STILL) for _ in range(count)), strict=True
    )
    whites = np.tile(WHITE.astype(np.float32), (count, 1))
    density = restain(
        tf.constant(np.stack(images)),
        tf.constant(np.stack(masks)),
        tf.constant(whites),
        tf.constant(SEED),
        stain,
    )
    return np.asarray(density), np.stack(masks)


def _means(density: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the mean density of background, cytoplasm and nucleus of each view, shape (N, 3, 3)."""
    cell, nucleus = masks[..., 0], masks[..., 1]
    parts = (cell == 0, (cell == 255) & (nucleus == 0), nucleus == 255)
    return np.stack([[view[part[k]].mean(axis=0) for part in parts] for k, view in enumerate(density)])


@pytest.mark.parametrize("seed", range(6))
def test_the_regions_follow_the_crop(seed: int) -> None:
    crop, regions = _cell()
    kept = crop.copy(), regions.copy()
    settings = STILL | {"scale": [0.8, 1.2], "shift_px": 6.0, "cut_probability": 0.5, "stretch": 0.05}
    image, masks = move(np.random.default_rng(seed), crop, regions, WHITE, out_px=96, settings=settings)
    assert image.shape == (96, 96, 3)
    assert masks.shape == (96, 96, 2)
    np.testing.assert_array_equal(crop, kept[0])
    np.testing.assert_array_equal(regions, kept[1])
    nucleus, inside = masks[..., 1] > 250, masks[..., 0] > 250
    assert (image[nucleus, 1] < 60).mean() > 0.98
    assert (image[inside & (masks[..., 1] < 5), 1] < 180).mean() > 0.98
    assert (image[masks[..., 0] < 5, 1] > 175).mean() > 0.98


def test_without_chance_the_density_is_that_of_the_crop() -> None:
    density, masks = _views(PLAIN, 2)
    expected = np.log10(WHITE / np.array([[225, 190, 200], [180, 160, 215], [90, 40, 140]]))
    np.testing.assert_allclose(_means(density, masks)[0], expected, atol=2e-3)


def test_one_stain_for_all_regions_unless_they_are_set_apart() -> None:
    together = PLAIN | {"gain": 0.3, "common_gain": [0.5, 1.5]}
    plain = _means(*_views(PLAIN))
    same = _means(*_views(together)) / plain
    np.testing.assert_allclose(same, np.broadcast_to(same[:, :1], same.shape), rtol=0.03)
    apart = _means(*_views(together | {"apart_probability": 1.0})) / plain
    ratio = apart[:, 1:] / apart[:, :1]
    assert np.abs(np.log(ratio)).max() > 0.3
    assert np.abs(np.log(ratio[:, 1] / ratio[:, 0])).max() > 0.05


def test_a_bleached_background_leaves_the_cell() -> None:
    plain, bare = _means(*_views(PLAIN)), _means(*_views(PLAIN | {"bare_probability": 1.0}))
    np.testing.assert_allclose(bare[:, 1:], plain[:, 1:], atol=1e-5)
    assert (bare[:, 0, 1] < 0.41 * plain[:, 0, 1]).all()


def test_paling_takes_colour_away_towards_green_and_never_adds_any() -> None:
    plain, masks = _views(PLAIN)
    paled, _ = _views(PLAIN | {"pale_probability": 1.0})
    np.testing.assert_allclose(paled[..., 1], plain[..., 1], atol=1e-5)
    left = np.abs(_means(paled, masks) - _means(paled, masks)[..., 1:2])
    whole = np.abs(_means(plain, masks) - _means(plain, masks)[..., 1:2])
    assert (left <= 0.71 * whole + 1e-6).all()


def test_the_draw_repeats_with_its_seed() -> None:
    wild = PLAIN | {"gain": 0.3, "noise": 0.03, "mix": 0.4, "apart_probability": 0.5, "veil": 0.02}
    np.testing.assert_array_equal(_views(wild)[0], _views(wild)[0])
