import cv2
import numpy as np
import pytest
from slides_drawing import SLIDE, draw_discs

from cells.records import Field, Finding
from slides.optics import white_point
from slides.quality import assess_field, assess_smear, measure_quality


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


def test_smear_gets_what_many_fields_have() -> None:
    blurred = [Finding("blurred", "warning", f"{i}", 0.3) for i in range(3)]
    bare = [Finding("no_leukocyte_stain", "info", f"{i}", 0.0) for i in range(9)]
    assert assess_smear(blurred + bare, 10) == [Finding("blurred", "warning", "", 0.3)]
    assert assess_smear(bare, 9) == [Finding("no_leukocyte_stain", "warning", "", 1.0)]
    assert assess_smear([], 0) == []
