"""Stain normalisation against straightforward computations made here, and its refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import DataError
from slides import normalisation
from slides.normalisation import Normalisation, macenko, normalise, reinhard, stain_vectors

WHITE = np.array([240.0, 235.0, 225.0])
AZURE, EOSIN = np.array([0.60, 0.72, 0.35]), np.array([0.12, 0.85, 0.50])


def painted(
    first: np.ndarray = AZURE, second: np.ndarray = EOSIN, seed: int = 0, strength: float = 1.0
) -> np.ndarray:
    """An image of two dyes whose amounts are known: each alone in places, both together in others, none."""
    rng = np.random.default_rng(seed)
    amounts = rng.uniform(0.3, 0.9, (60, 60, 2)) * strength
    amounts[:20, :, 1], amounts[20:40, :, 0], amounts[50:] = 0, 0, 0
    density = amounts[..., :1] * first + amounts[..., 1:] * second
    return np.clip(np.rint(WHITE * 10.0**-density), 0, 255).astype(np.uint8)


def reinhard_pixel_by_pixel(image: np.ndarray) -> np.ndarray:
    """The steps of the paper with plain loops: RGB to LMS to lαβ, shift and scale, and back."""
    to_lms = [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
    pixels, places = [], []
    for row in range(image.shape[0]):
        for col in range(image.shape[1]):
            density = [
                min(2.0, max(0.0, math.log10(WHITE[c] / max(image[row, col, c], 1)))) for c in range(3)
            ]
            if sum(density) / 3 > 0.15:
                rgb = [min(255.0, max(1.0, image[row, col, c] / WHITE[c] * 255)) for c in range(3)]
                lms = [math.log10(sum(a * b for a, b in zip(line, rgb, strict=True))) for line in to_lms]
                pixels.append(
                    (
                        (lms[0] + lms[1] + lms[2]) / math.sqrt(3),
                        (lms[0] + lms[1] - 2 * lms[2]) / math.sqrt(6),
                        (lms[0] - lms[1]) / math.sqrt(2),
                    )
                )
                places.append((row, col))
    columns = list(zip(*pixels, strict=True))
    means = [sum(c) / len(c) for c in columns]
    sds = [math.sqrt(sum((v - m) ** 2 for v in c) / len(c)) for c, m in zip(columns, means, strict=True)]
    result = np.clip(np.rint(image / WHITE * 255), 0, 255)
    for place, pixel in zip(places, pixels, strict=True):
        wanted = zip(pixel, means, sds, normalisation.REINHARD_SD, normalisation.REINHARD_MEAN, strict=True)
        light, alpha, beta = ((v - m) / s * sd + mean for v, m, s, sd, mean in wanted)
        a, b, c = light / math.sqrt(3), alpha / math.sqrt(6), beta / math.sqrt(2)
        lms = np.array([10 ** (a + b + c), 10 ** (a + b - c), 10 ** (a - 2 * b)])
        result[place] = np.clip(np.rint(np.linalg.solve(np.array(to_lms), lms)), 0, 255)
    return result.astype(np.uint8)


def test_reinhard_does_what_the_paper_says() -> None:
    image = painted()
    assert np.abs(reinhard(image, WHITE).astype(int) - reinhard_pixel_by_pixel(image)).max() <= 1


def test_reinhard_reaches_the_reference() -> None:
    result = reinhard(painted(strength=0.6), WHITE)
    axes = normalisation._to_lab(result[normalisation._stained(result, np.full(3, 255.0))].astype(float))
    assert axes.mean(axis=0) == pytest.approx(normalisation.REINHARD_MEAN, abs=0.02)


@given(seed=st.integers(0, 50), strength=st.floats(0.5, 1.1))
@settings(max_examples=15, deadline=None)
def test_stain_vectors_are_those_that_were_painted(seed: int, strength: float) -> None:
    found = stain_vectors(painted(seed=seed, strength=strength), WHITE)
    wanted = np.stack([AZURE / np.linalg.norm(AZURE), EOSIN / np.linalg.norm(EOSIN)])
    assert found == pytest.approx(wanted, abs=0.03)


def test_macenko_puts_the_reference_vectors_in_place_of_the_image_s() -> None:
    image = painted()
    density = np.clip(np.log10(WHITE / np.maximum(image, 1)), 0, 2).reshape(-1, 3)
    unit = np.stack([AZURE / np.linalg.norm(AZURE), EOSIN / np.linalg.norm(EOSIN)])
    amounts = np.linalg.lstsq(unit.T, density.T, rcond=None)[0].T
    stained = density.mean(axis=1) > 0.15
    top = [sorted(amounts[stained, k])[round(0.99 * (stained.sum() - 1))] for k in range(2)]
    anew = amounts / top * normalisation.MACENKO_AMOUNTS @ normalisation.MACENKO_VECTORS
    wanted = np.clip(255 * 10.0**-anew, 0, 255).reshape(image.shape)
    assert np.abs(macenko(image, WHITE) - wanted).mean() < 2.5


@pytest.mark.parametrize("method", [Normalisation.REINHARD, Normalisation.MACENKO])
def test_stains_of_other_strength_become_alike(method: Normalisation) -> None:
    strong, weak = painted(strength=1.0), painted(strength=0.8)
    before = np.abs(strong.astype(int) - weak).mean()
    first, white = normalise(strong, WHITE, method=method)
    second, _ = normalise(weak, WHITE, method=method)
    assert white.tolist() == [255.0] * 3
    assert np.abs(first.astype(int) - second).mean() < 0.6 * before


@pytest.mark.parametrize("method", [Normalisation.REINHARD, Normalisation.MACENKO])
@pytest.mark.parametrize("level", [10, 236])
def test_where_there_is_no_stain_it_is_refused(method: Normalisation, level: int) -> None:
    with pytest.raises(DataError, match="no stain"):
        normalise(np.full((40, 40, 3), level, np.uint8), WHITE, method=method)


def test_one_dye_alone_is_refused() -> None:
    with pytest.raises(DataError, match="one dye"):
        macenko(painted(second=AZURE), WHITE)


def test_none_changes_nothing_and_nothing_is_written_to() -> None:
    image = painted()
    same, white = normalise(image, WHITE, method=Normalisation.NONE)
    assert same is image
    assert white is WHITE
    kept = image.copy()
    reinhard(image, WHITE)
    macenko(image, WHITE)
    assert np.array_equal(image, kept)
