from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slides_drawing import draw_discs

from cells.errors import CalibrationError
from cells.records import Field, Finding
from slides.calibration import Calibration, calibrate, from_erythrocytes
from slides.erythrocytes import measure_erythrocytes, typical_diameter
from slides.optics import white_point
from slides.reader import read_image
from slides.scale_check import SURE_ERYTHROCYTES, check_option


def as_field(image: np.ndarray, um_per_px: float | None = None) -> Field:
    return Field("drawn", image, white_point(image), um_per_px)


def measured(image: np.ndarray) -> float:
    diameter = measure_erythrocytes(image, white_point(image)).diameter_px
    assert diameter is not None
    return diameter


@pytest.mark.parametrize("diameter", [8, 14, 25, 40, 75, 110])
def test_drawn_diameter_is_found_at_any_scale(diameter: int) -> None:
    assert measured(draw_discs(diameter)) == pytest.approx(diameter, rel=0.05)


def test_very_large_cells_are_found() -> None:
    assert measured(draw_discs(250, shape=(1200, 1600), leukocyte=False)) == pytest.approx(250, rel=0.04)


def test_crowded_and_touching_cells_are_found() -> None:
    assert measured(draw_discs(40, spacing=1.1, seed=3)) == pytest.approx(40, rel=0.06)


@settings(max_examples=8, deadline=None)
@given(factor=st.floats(0.3, 3.0), seed=st.integers(0, 5))
def test_rescaled_image_rescales_the_diameter(factor: float, seed: int) -> None:
    image = draw_discs(45, seed=seed)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    other = cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)
    assert measured(other) == pytest.approx(factor * measured(image), rel=0.03)


@pytest.mark.parametrize("turn", [lambda i: i[::-1], lambda i: i[:, ::-1], lambda i: i.transpose(1, 0, 2)])
def test_mirrors_and_turns_do_not_matter(turn) -> None:
    image = draw_discs(45)
    assert measured(np.ascontiguousarray(turn(image))) == pytest.approx(measured(image), rel=0.02)


@pytest.mark.parametrize("gain", [(0.5, 0.5, 0.5), (1.0, 0.7, 0.6), (0.55, 0.9, 1.0)])
def test_lamp_colour_and_brightness_do_not_matter(gain: tuple[float, float, float]) -> None:
    image = draw_discs(45)
    assert measured((image * np.array(gain)).astype(np.uint8)) == pytest.approx(measured(image), rel=0.02)


def test_uneven_lamp_does_not_matter() -> None:
    image = draw_discs(45)
    ramp = np.linspace(1.0, 0.7, image.shape[1])[None, :, None]
    assert measured((image * ramp).astype(np.uint8)) == pytest.approx(measured(image), rel=0.03)


def test_the_leukocyte_is_not_measured() -> None:
    found = measure_erythrocytes(image := draw_discs(60), white_point(image))
    assert found.diameters.max() < 1.4 * 60


def test_the_input_is_not_written_to() -> None:
    image = draw_discs(45)
    before = image.copy()
    white = white_point(image)
    measure_erythrocytes(image, white)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64), (480, 640)])
@pytest.mark.parametrize("grey", [0, 200, 255])
def test_nothing_is_measured_where_nothing_is(size: tuple[int, int], grey: int) -> None:
    image = np.full((*size, 3), grey, np.uint8)
    assert measure_erythrocytes(image, white_point(image)).diameter_px is None


def test_noise_is_not_measured() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    with pytest.raises(CalibrationError, match="--um-per-px"):
        calibrate([as_field(image)])


def test_typical_diameter_passes_over_platelets() -> None:
    sizes = np.concatenate([np.full(30, 12.0), np.linspace(38, 42, 20)])
    diameter, near = typical_diameter(sizes, np.ones(50))
    assert diameter == pytest.approx(40, rel=0.01)
    assert near.sum() == 20


def test_calibration_of_a_smear() -> None:
    fields = [as_field(draw_discs(50, seed=seed)) for seed in range(3)]
    found = calibrate(fields)
    assert found.source == "erythrocytes"
    assert found.um_per_px == pytest.approx(7.5 / 50, rel=0.03)
    assert found.erythrocyte_px * found.um_per_px == pytest.approx(7.5)
    assert found.erythrocytes >= 30
    assert 0 < found.spread < 0.15
    assert calibrate(iter(fields)) == found


def test_option_comes_before_everything() -> None:
    found = calibrate([as_field(draw_discs(50), 0.16)], um_per_px=0.14)
    assert found == Calibration(0.14, pytest.approx(7.5 / 0.14), "option")
    assert calibrate([], um_per_px=0.1) == Calibration(0.1, 75.0, "option")


@pytest.mark.parametrize(("size", "diameter"), [(0.115, 5.75), (0.2, 10.0)])
def test_option_that_hardly_suits_the_erythrocytes_is_remarked_on(size: float, diameter: float) -> None:
    (remark,) = calibrate([as_field(draw_discs(50))], um_per_px=size).findings
    assert (remark.code, remark.severity, remark.where) == ("option_against_erythrocytes", "warning", "")
    assert remark.value == pytest.approx(diameter, rel=0.03)


@pytest.mark.parametrize("size", [0.13, 0.17])
def test_small_and_large_erythrocytes_of_patients_pass(size: float) -> None:
    assert calibrate([as_field(draw_discs(50))], um_per_px=size).findings == ()
    assert calibrate([as_field(draw_discs(50), size)]).findings == ()


@pytest.mark.parametrize("size", [0.05, 0.3])
def test_option_that_contradicts_the_erythrocytes_is_refused(size: float) -> None:
    with pytest.raises(CalibrationError, match="leave --um-per-px out"):
        calibrate([as_field(draw_discs(50))], um_per_px=size)


def test_few_erythrocytes_do_not_overrule_the_user() -> None:
    few = check_option(0.05, diameter_px=50, erythrocytes=SURE_ERYTHROCYTES - 1)
    assert [one.code for one in few] == ["option_against_erythrocytes"]
    with pytest.raises(CalibrationError, match=r"0\.15 µm"):
        check_option(0.05, diameter_px=50, erythrocytes=SURE_ERYTHROCYTES)


def test_option_stands_where_no_erythrocyte_can_be_measured() -> None:
    blank = np.full((200, 200, 3), 230, np.uint8)
    found = calibrate([as_field(blank)], um_per_px=0.1)
    assert found.um_per_px == 0.1
    assert found.findings == (Finding("pixel_size_unchecked", "warning"),)
    assert calibrate([as_field(blank, 0.1)]).findings == found.findings


def test_fields_of_another_magnification_are_named() -> None:
    fields = [replace(as_field(draw_discs(50, seed=n)), name=f"{n}") for n in range(5)]
    fields.append(replace(as_field(draw_discs(25, seed=9)), name="half"))
    found = calibrate(fields, um_per_px=0.15)
    assert [(one.code, one.where) for one in found.findings] == [("other_magnification", "half")]
    assert found.findings[0].value == pytest.approx(3.75, rel=0.05)


def test_alternating_magnifications_are_a_remark_on_the_smear() -> None:
    fields = [replace(as_field(draw_discs(d, seed=d)), name=f"{d}") for d in (50, 25, 51, 26)]
    whole, *single = calibrate(fields, um_per_px=0.15).findings
    assert (whole.code, whole.where, whole.value) == ("other_magnification", "", 0.5)
    assert [one.where for one in single] == ["25", "26"]


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf"), 0.001, 5.0])
def test_impossible_option_is_refused(size: float) -> None:
    with pytest.raises(CalibrationError, match="--um-per-px"):
        calibrate([], um_per_px=size)


def test_metadata_comes_before_the_erythrocytes() -> None:
    found = calibrate([as_field(draw_discs(50), 0.16)])
    assert (found.um_per_px, found.source, found.erythrocytes) == (0.16, "metadata", 0)


def test_metadata_that_contradicts_the_erythrocytes_is_refused() -> None:
    with pytest.raises(CalibrationError, match="state"):
        calibrate([as_field(draw_discs(50), 0.5)])


def test_metadata_that_hardly_suits_the_erythrocytes_is_remarked_on() -> None:
    found = calibrate([as_field(draw_discs(50), 0.106)])
    assert found.source == "metadata"
    assert [one.code for one in found.findings] == ["metadata_against_erythrocytes"]
    assert found.findings[0].value == pytest.approx(5.3, rel=0.03)


def test_metadata_of_some_files_only_is_not_used() -> None:
    fields = [as_field(draw_discs(50), 0.16), as_field(draw_discs(50, seed=1))]
    assert calibrate(fields).source == "erythrocytes"


def test_mixed_magnifications_are_refused() -> None:
    fields = [as_field(draw_discs(d, seed=d)) for d in (30, 42, 60, 85)]
    with pytest.raises(CalibrationError, match="spread"):
        calibrate(fields)


def test_too_few_erythrocytes_are_refused() -> None:
    blank = np.full((200, 200, 3), 230, np.uint8)
    cv2.circle(blank, (100, 100), 20, (200, 140, 150), -1)
    with pytest.raises(CalibrationError, match="only 0 erythrocytes"):
        calibrate([as_field(blank)])
    with pytest.raises(CalibrationError, match="no readable field"):
        calibrate([])


def test_one_field_has_no_more_than_its_share() -> None:
    small = measure_erythrocytes(image := draw_discs(20), white_point(image))
    large = [
        measure_erythrocytes(i := draw_discs(24, seed=s, shape=(150, 200)), white_point(i)) for s in range(4)
    ]
    heavy = replace(small, diameters=np.tile(small.diameters, 20), weights=np.tile(small.weights, 20))
    assert from_erythrocytes([heavy, *large]).erythrocyte_px == pytest.approx(
        from_erythrocytes([small, *large]).erythrocyte_px, rel=0.02
    )


@pytest.mark.data
def test_real_smear_is_calibrated_by_few_fields(data) -> None:
    paths = sorted((data / "bccd" / "JPEGImages").iterdir())[::30]
    found = calibrate([as_field(read_image(path)) for path in paths])
    assert found.erythrocyte_px == pytest.approx(92, rel=0.05)  # the cells' edges; boxes there: 104


@pytest.mark.data
def test_the_true_pixel_size_of_real_smears_gets_no_remark(data) -> None:
    for folder, diameter in (("bccd/JPEGImages", 92), ("deepbionet/Images", 56)):
        paths = sorted((data / folder).iterdir())[::30]
        found = calibrate([as_field(read_image(path)) for path in paths], um_per_px=7.5 / diameter)
        assert found.findings == ()
