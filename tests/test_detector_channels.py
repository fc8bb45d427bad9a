"""The channel picture."""

import numpy as np
import pytest

from detector.channels import (
    CHANNELS,
    HAEM,
    HAEM_ZERO,
    MOST_GREEN,
    PADDING,
    WINDOW,
    ChannelPicture,
    channel_picture,
    picture_of,
)
from detector.working_scale import working_densities
from detector.yardstick import erythrocyte_density, usual_green

WHITE = np.array([230.0, 228.0, 225.0])


def make_image(seed: int = 0, height: int = 120, width: int = 150) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 230, (height // 10, width // 10, 3))
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.uint8)


def test_window_is_21_micrometres() -> None:
    assert WINDOW == 14
    assert PADDING == 7


@pytest.mark.parametrize(
    ("height", "width", "erythrocyte"), [(120, 150, 20.0), (97, 131, 33.3), (9, 7, 50.0)]
)
def test_shapes_and_steps(height: int, width: int, erythrocyte: float) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    picture = channel_picture(image, WHITE, erythrocyte_px=erythrocyte)
    rows, cols = picture.positions
    assert picture.maps.dtype == np.uint8
    assert picture.maps.shape == (len(CHANNELS), rows - 1 + 2 * PADDING, cols - 1 + 2 * PADDING)
    assert (rows - 1) * picture.row_step == pytest.approx(height)
    assert (cols - 1) * picture.col_step == pytest.approx(width)
    assert rows - 1 == max(1, round(height * 5 / erythrocyte))


def test_input_is_not_written_to() -> None:
    image = make_image()
    image.setflags(write=False)
    before = image.copy()
    channel_picture(image, WHITE, erythrocyte_px=25.0)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("axis", [0, 1])
def test_mirrored_field_gives_mirrored_picture(axis: int) -> None:
    image = make_image(3)
    picture = channel_picture(image, WHITE, erythrocyte_px=30.0)
    mirrored = channel_picture(np.ascontiguousarray(np.flip(image, axis)), WHITE, erythrocyte_px=30.0)
    difference = np.abs(np.flip(mirrored.maps, axis + 1).astype(int) - picture.maps.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_empty_slide_is_zero_density() -> None:
    image = np.broadcast_to(WHITE.astype(np.uint8), (60, 60, 3)).copy()
    assert working_densities(image, WHITE, erythrocyte_px=10.0).max() < 0.01
    maps = channel_picture(image, WHITE, erythrocyte_px=10.0).maps
    assert (maps[HAEM] == HAEM_ZERO).all()


def test_erythrocyte_density_ignores_nuclei() -> None:
    densities = np.zeros((60, 60, 3), np.float32)
    densities[:20] = (0.05, 0.25, 0.24)
    densities[40:48] = (0.6, 0.9, 0.4)
    np.testing.assert_allclose(erythrocyte_density(densities), (0.05, 0.25, 0.24), atol=1e-6)


def test_weak_stain_and_lamp_leave_relative_channels() -> None:
    rng = np.random.default_rng(1)
    densities = np.zeros((60, 60, 3), np.float32)
    densities[:30, :] = (0.05, 0.3, 0.28)
    densities[10:20, 10:20] = (0.5, 0.9, 0.4)
    densities += rng.normal(0, 0.002, densities.shape).astype(np.float32)
    densities = np.clip(densities, 0, 2)
    full, half = picture_of(densities), picture_of(densities * np.float32(0.6))
    relative = [CHANNELS.index(name) for name in ("nuclear", "haem", "stain")]
    difference = np.abs(full.maps[relative].astype(int) - half.maps[relative].astype(int))
    assert np.quantile(difference, 0.99) <= 3
    assert full.maps[HAEM, PADDING + 7, PADDING + 7] < HAEM_ZERO - 30


@pytest.mark.parametrize("dark", [None, slice(None, None, 16), slice(8, None, 16)])
@pytest.mark.parametrize("size", [40, 400, 5000])
def test_yardstick_equals_its_rule_by_sorting(dark: slice | None, size: int) -> None:
    rng = np.random.default_rng(size)
    pixels = (rng.gamma(2.0, 0.05, (size, 3)) + 0.02).astype(np.float32)
    if dark is not None:
        pixels[dark, 1] += 0.4

    def ranked(values: np.ndarray, share: float) -> float:
        return float(np.sort(values)[round(share * (len(values) - 1))])

    green = pixels[:, 1]
    stained = pixels[green > min(max(0.3 * ranked(green, 0.95), 0.04), 0.15)]
    share = stained[:, 2] / stained[:, 1]
    kept = stained[(share >= ranked(share, 0.5)) & (stained[:, 1] <= ranked(stained[:, 1], 0.8))]
    expected = [ranked(kept[:, channel], 0.5) for channel in range(3)]
    expected[1] = max(expected[1], 0.06)
    assert len(stained) >= 8
    assert erythrocyte_density(pixels).tolist() == expected


def dense_discs(level: float, *, share: float = 0.4) -> np.ndarray:
    densities = np.zeros((120, 160, 3), np.float32)
    rows = round(share * len(densities))
    densities[:rows] = np.array((0.5, 1.0, 0.9), np.float32) * level
    densities[rows : rows + 10] = np.array((0.9, 1.2, 0.5), np.float32)
    return densities


def picture_at(densities: np.ndarray, **options: float) -> ChannelPicture:
    white = np.full(3, 250.0)
    image = np.rint(white * 10.0**-densities).astype(np.uint8)
    return channel_picture(image, white, erythrocyte_px=10.0, **options)


def test_a_dense_field_is_seen_with_less_contrast() -> None:
    pale, dense = (picture_at(dense_discs(level), most_green=MOST_GREEN) for level in (MOST_GREEN, 0.5))
    inside = np.s_[PADDING + 3 : PADDING + 20, PADDING:-PADDING]
    for channel in range(3):
        assert np.abs(pale.maps[channel][inside].astype(int) - dense.maps[channel][inside]).max() <= 2
    plain = picture_at(dense_discs(0.5))
    assert np.array_equal(plain.maps[3:], dense.maps[3:])
    assert (plain.maps[1][inside] > 2.5 * dense.maps[1][inside].astype(float)).all()


def test_pale_erythrocytes_beside_a_dense_cell_are_left() -> None:
    densities = dense_discs(0.08)
    densities[60:110, 20:70] = (0.35, 0.5, 0.49)
    before, after = picture_at(densities), picture_at(densities, most_green=MOST_GREEN)
    assert before.erythrocyte_green > MOST_GREEN
    assert np.array_equal(before.maps, after.maps)


def test_usual_green_is_the_median_of_what_is_stained() -> None:
    green = np.zeros(1000, np.float32)
    assert usual_green([green] * 3) == 0.0
    green[:300] = np.linspace(0.2, 0.4, 300)
    assert usual_green([green] * 3) == pytest.approx(0.3, abs=0.01)
    assert usual_green([green[::-1]] * 3) == usual_green([green] * 3)
