"""Crops: geometry, border, resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from features.crops import cut_cell, normalise_crop

WHITE = np.array([250.0, 240.0, 230.0])


def picture(height: int = 96, width: int = 120) -> np.ndarray:
    image = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image.flags.writeable = False
    return image


def test_a_crop_at_scale_is_returned_as_it_is() -> None:
    image = picture(112, 112)
    assert np.array_equal(normalise_crop(image, erythrocyte_px=35.0, white=WHITE), image)


def test_shrinking_by_two_averages_areas() -> None:
    image = picture(300, 300)
    crop = cut_cell(image, 140.5, 150.5, erythrocyte_px=70.0, white=WHITE)
    blocks = image[29:253, 39:263].reshape(112, 2, 112, 2, 3).mean(axis=(1, 3))
    assert np.abs(crop - blocks).max() <= 1


def test_shrinking_a_fine_grating_leaves_no_moire() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, ::2] = 255
    crop = cut_cell(image, 200.0, 200.0, erythrocyte_px=100.0, white=WHITE)
    assert np.abs(crop.astype(float) - 127.5).max() < 45


@given(row=st.floats(40, 160), col=st.floats(40, 160), erythrocyte=st.floats(8, 110))
@settings(max_examples=40, deadline=None)
def test_a_spot_at_the_centre_stays_in_the_middle(row: float, col: float, erythrocyte: float) -> None:
    y, x = np.mgrid[:200, :200]
    spot = 255 * np.exp(-((y - row) ** 2 + (x - col) ** 2) / (2 * (erythrocyte / 5) ** 2))
    image = np.repeat(spot.astype(np.uint8)[..., None], 3, axis=2)
    crop = cut_cell(image, row, col, erythrocyte_px=erythrocyte, white=np.zeros(3))[..., 0].astype(float)
    y, x = np.mgrid[:112, :112]
    near = np.hypot(y - 55.5, x - 55.5) < 18
    weight = crop * near
    assert abs((y * weight).sum() / weight.sum() - 55.5) < 1.0
    assert abs((x * weight).sum() / weight.sum() - 55.5) < 1.0


@given(row=st.floats(-500, 500), col=st.floats(-500, 500))
@settings(max_examples=40, deadline=None)
def test_outside_is_the_white_point(row: float, col: float) -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    crop = cut_cell(image, row, col, erythrocyte_px=35.0, white=WHITE)
    outside = np.hypot(np.clip(row, 0, 59) - row, np.clip(col, 0, 59) - col) > 85
    assert crop.shape == (112, 112, 3)
    assert not outside or np.array_equal(np.unique(crop.reshape(-1, 3), axis=0), [[250, 240, 230]])


def test_half_outside_is_half_white() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    crop = cut_cell(image, 150.0, -0.5, erythrocyte_px=35.0, white=WHITE)
    assert (crop[:, :55] == [250, 240, 230]).all()
    assert (crop[:, 57:] == 0).all()


def test_the_whole_field_may_be_anywhere_around_the_crop() -> None:
    image = picture(400, 500)
    whole = cut_cell(image, 200.0, 250.0, erythrocyte_px=40.0, white=WHITE)
    part = cut_cell(image[100:310, 120:390], 100.0, 130.0, erythrocyte_px=40.0, white=WHITE)
    assert np.array_equal(whole, part)


@pytest.mark.parametrize("bad", [0.0, -3.0, float("nan"), float("inf")])
def test_bad_scale_is_refused(bad: float) -> None:
    with pytest.raises(UsageError, match="erythrocyte"):
        cut_cell(picture(), 5.0, 5.0, erythrocyte_px=bad, white=WHITE)


def test_centre_that_is_not_finite_is_refused() -> None:
    with pytest.raises(UsageError, match="not finite"):
        cut_cell(picture(), float("nan"), 5.0, erythrocyte_px=30.0, white=WHITE)
