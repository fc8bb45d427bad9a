"""Images of single cells: swapped colours and a wrong scale are doubted, tight crops tell nothing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from slides.crop_check import CropDoubts, doubts_of, measure_crop
from slides.optics import white_point
from slides.reader import read_image
from tests.drawn_crops import draw

NONE = CropDoubts(swapped=False, size=None, outlines=0)


def doubts(images: Sequence[np.ndarray], erythrocyte_px: float) -> CropDoubts:
    return doubts_of([measure_crop(image, white_point(image), erythrocyte_px) for image in images])


@pytest.mark.parametrize("diameter", [36, 90])
def test_the_size_of_the_erythrocytes_is_told(diameter: int) -> None:
    images = [draw(number, diameter) for number in range(12)]
    assert doubts(images, 1.14 * diameter) == NONE
    for factor in (0.7, 1.5):
        found = doubts(images, 1.14 * diameter * factor)
        assert found.size == pytest.approx(1 / factor, rel=0.05)
        assert found.outlines >= 30
    assert doubts(images[:6], 1.14 * diameter * 1.5) == NONE, "too few outlines"


def test_swapped_colours_are_told() -> None:
    images = [draw(number) for number in range(4)]
    assert doubts([image[..., ::-1].copy() for image in images], 41) == CropDoubts(True, None, 0)


def test_grey_images_are_told() -> None:
    images = [np.repeat(draw(number)[..., 1:2], 3, axis=2) for number in range(4)]
    assert doubts(images, 41) == CropDoubts(swapped=False, size=None, outlines=0, grey=True)
    assert not doubts([*images[:1], *(draw(number) for number in range(2))], 41).grey


def test_what_tells_nothing_is_not_doubted() -> None:
    tight = draw(0)[50:94, 50:94].copy()
    assert doubts([tight] * 30, 41) == NONE
    assert doubts([], 41) == NONE


@pytest.mark.data
@pytest.mark.parametrize(
    ("pattern", "erythrocyte_px", "told"),
    [
        ("pbc_barcelona/*/*.jpg", 35, True),
        ("raabin_wbc/*/*.jpg", 35, True),
        ("bcisc/images/*", 58, True),
        ("jtsc_segmentation/images/*", 38, False),
    ],
)
def test_real_cells_are_not_doubted_and_swapped_ones_are(
    data: Path, pattern: str, erythrocyte_px: float, told: bool
) -> None:
    files = sorted(data.glob(pattern))
    images = [np.array(read_image(path)) for path in files[:: len(files) // 30]]
    assert doubts(images, erythrocyte_px) == NONE
    assert doubts([image[..., ::-1].copy() for image in images], erythrocyte_px).swapped is told
    assert (doubts(images, 1.6 * erythrocyte_px).size is not None) is told
