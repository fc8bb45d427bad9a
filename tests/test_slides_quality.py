import cv2
import numpy as np
import pytest
from slides_drawing import SLIDE, draw_discs

from cells.records import Field, Finding
from slides.channel_order import MIN_RED_OVER_BLUE
from slides.optics import white_point
from slides.quality import assess_field, assess_smear, measure_quality
from slides.reader import read_image


def codes(image: np.ndarray, diameter: float) -> set[str]:
    return {finding.code for finding in assess_field(Field("f", image, white_point(image)), diameter)}


def edge_width(image: np.ndarray, diameter: float) -> float:
    width = measure_quality(Field("f", image, white_point(image)), diameter).edge_width
    assert width is not None
    return width


@pytest.mark.parametrize("diameter", [20, 45, 90])
def test_an_ordinary_field_has_no_finding(diameter: int) -> None:
    assert codes(draw_discs(diameter), diameter) == set()


@pytest.mark.parametrize("diameter", [20, 45, 90])
def test_blur_is_found_at_any_scale(diameter: int) -> None:
    assert "blurred" in codes(draw_discs(diameter, blur=0.14), diameter)
    assert "blurred" not in codes(draw_discs(diameter, blur=0.03), diameter)


def test_edge_width_grows_with_blur_and_not_with_scale() -> None:
    widths = [edge_width(draw_discs(45, blur=b), 45) for b in (0.02, 0.06, 0.1, 0.15)]
    assert widths == sorted(widths)
    assert edge_width(draw_discs(90, blur=0.1, shape=(960, 1280)), 90) == pytest.approx(widths[2], rel=0.15)


def test_exposure() -> None:
    image = draw_discs(45)
    assert codes(np.clip(image * 1.4, 0, 255).astype(np.uint8), 45) >= {"overexposed"}
    assert codes((image * 0.25).astype(np.uint8), 45) >= {"underexposed"}


def test_few_erythrocytes() -> None:
    image = np.full((480, 640, 3), SLIDE, np.uint8)
    for col in (100, 300, 500):
        cv2.circle(image, (col, 240), 22, (190, 140, 160), -1)
    assert codes(image, 45) >= {"too_few_erythrocytes", "no_leukocyte_stain"}


def test_heaps() -> None:
    assert "overlapping_erythrocytes" in codes(draw_discs(45, spacing=0.8, leukocyte=False), 45)


def test_no_leukocyte_stain_is_information_on_one_field() -> None:
    image = draw_discs(45, leukocyte=False)
    findings = assess_field(Field("name", image, white_point(image)), 45)
    assert [(f.code, f.severity, f.where) for f in findings] == [("no_leukocyte_stain", "info", "name")]


def swapped(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[..., ::-1])


def order(image: np.ndarray, diameter: float) -> float | None:
    return measure_quality(Field("f", image, white_point(image)), diameter).red_over_blue


@pytest.mark.parametrize("diameter", [20, 45, 90])
def test_swapped_channels_are_found(diameter: int) -> None:
    image = draw_discs(diameter)
    assert "channels_swapped" in codes(swapped(image), diameter)
    right = order(image, diameter)
    assert right is not None and right > 0.2
    assert order(swapped(image), diameter) == pytest.approx(-right, abs=1e-6)


def test_the_lamp_does_not_swap_the_channels() -> None:
    for gain in ((0.5, 0.8, 1.0), (1.0, 0.8, 0.5)):
        assert "channels_swapped" not in codes((draw_discs(45) * np.array(gain)).astype(np.uint8), 45)


def test_a_grey_picture_or_one_without_leukocyte_does_not_tell_the_order() -> None:
    assert order(draw_discs(45, leukocyte=False), 45) is None
    grey = np.repeat(draw_discs(45)[..., 1:2], 3, axis=2)
    assert "channels_swapped" not in codes(grey, 45)


def test_few_fields_with_leukocytes_tell_the_order_for_the_smear() -> None:
    told = [Finding("channels_swapped", "warning", "1", -0.3)]
    assert assess_smear(told, 20) == [Finding("channels_swapped", "warning", "", 0.05)]
    assert assess_smear(told, 21) == []


REAL = {
    "bccd/JPEGImages": (92, 0.9),
    "deepbionet/Images": (56, 0.5),
    "pbc_barcelona/lymphocyte": (31, 0.9),
    "apl_aml_jhu/blast": (31, 0.9),
    "raabin_wbc/neutrophil": (31, 0.05),
}
"""Erythrocyte diameter in px, and the least share of the fields that tell which must be found swapped."""


@pytest.mark.data
@pytest.mark.parametrize("folder", REAL)
def test_real_fields_are_the_right_way_round_and_swapped_ones_are_not(data, folder: str) -> None:
    diameter, least = REAL[folder]
    paths = sorted((data / folder).iterdir())
    images = [read_image(path) for path in paths[:: len(paths) // 40]]
    values = [value for image in images if (value := order(image, diameter)) is not None]
    assert len(values) > 10
    assert min(values) > MIN_RED_OVER_BLUE
    found = ["channels_swapped" in codes(swapped(image), diameter) for image in images]
    assert sum(found) >= least * len(values)


def test_smear_gets_what_many_fields_have() -> None:
    blurred = [Finding("blurred", "warning", f"{i}", 0.3) for i in range(3)]
    bare = [Finding("no_leukocyte_stain", "info", f"{i}", 0.0) for i in range(9)]
    assert assess_smear(blurred + bare, 10) == [Finding("blurred", "warning", "", 0.3)]
    assert assess_smear(bare, 9) == [Finding("no_leukocyte_stain", "warning", "", 1.0)]
    assert assess_smear([], 0) == []
