"""Drawn ink is told from stain, taken out of a field before the scan, and spoken of where it covers cells."""

from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_detector_cases import BLACK, BLUE, DULL, ERYTHROCYTE_PX, MODEL, RED, burn, drawn, find

from cells.records import Detection, Field
from cells.vocabulary import CellClass
from detector.channels import channel_picture
from detector.ink import dull_inks, find_ink, may_hold_ink, remark_on_ink, rows_without_ink
from detector.scanner import Scanner
from detector.working_scale import plain_rows, working_image
from evaluation.boxes import truth_fields
from slides.optics import white_point

WHITE = np.array([236.0, 234.0, 233.0])
YELLOW, MAGENTA, CYAN, ORANGE = (255, 255, 0), (255, 0, 255), (0, 255, 255), (255, 128, 0)
INKS = (BLACK, RED, BLUE, (0, 255, 0), YELLOW, MAGENTA, CYAN, ORANGE)


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


@pytest.fixture(scope="module")
def stained() -> np.ndarray:
    return drawn(5, CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE).image


def marked(image: np.ndarray, ink: tuple[int, int, int], *, quality: int | None = None) -> np.ndarray:
    inked = burn(image, "label", ink)
    if quality is None:
        return inked
    coded = cv2.imencode(".jpg", inked[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("quality", [None, 92, 75])
def test_pure_ink_is_told(stained: np.ndarray, ink: tuple[int, int, int], quality: int | None) -> None:
    solid = cv2.erode((burn(stained, "label", ink) != stained).any(axis=2).astype(np.uint8), np.ones((3, 3)))
    inked = marked(stained, ink, quality=quality)
    assert may_hold_ink(inked)
    told = find_ink(inked)[solid > 0] > 0
    assert told.mean() > 0.9


def test_stained_blood_holds_no_ink(stained: np.ndarray) -> None:
    assert not may_hold_ink(stained)
    assert not find_ink(stained).any()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), ink=st.sampled_from(INKS), turns=st.integers(0, 3), mirrored=st.booleans()
)
def test_turned_fields_are_cleaned_alike(
    seed: int, ink: tuple[int, int, int], turns: int, mirrored: bool
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 236, (60, 70, 3), np.uint8)
    cv2.line(image, *rng.integers(0, 60, (2, 2)).tolist(), ink, 3)

    def turn(pixels: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turns))

    clean = partial(rows_without_ink, white=WHITE, erythrocyte_px=20.0)
    whole = turn(clean(image, slice(0, 60)))
    assert np.array_equal(clean(turn(image), slice(0, len(whole))), whole)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 90), erythrocyte_px=st.floats(4, 120))
def test_rows_do_not_depend_on_tiles(seed: int, rows: int, erythrocyte_px: float) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 236, (90, 40, 3), np.uint8)
    cv2.circle(image, *rng.integers(0, 90, (1, 2)).tolist(), 9, BLUE, 2)
    before = image.copy()
    clean = partial(rows_without_ink, image, white=WHITE, erythrocyte_px=erythrocyte_px)
    parts = [clean(slice(top, min(top + rows, 90))) for top in range(0, 90, rows)]
    assert np.array_equal(np.concatenate(parts), clean(slice(0, 90)))
    assert np.array_equal(image, before)


def test_a_thin_line_closes_and_a_broad_one_is_empty_slide() -> None:
    image = np.full((200, 200, 3), (150, 90, 160), np.uint8)
    image[40:43], image[100:180] = BLUE, RED
    cleaned = rows_without_ink(image, slice(0, 200), white=WHITE, erythrocyte_px=44.0)
    assert (cleaned[30:50] == (150, 90, 160)).all()
    assert (cleaned[120:160] == WHITE.astype(np.uint8)).all()


@pytest.mark.parametrize("tile_rows", [2, 30, 128, 4096])
def test_a_marked_field_does_not_depend_on_tiles(
    scanner: Scanner, stained: np.ndarray, tile_rows: int
) -> None:
    image = marked(stained, BLUE)
    options = {"white": white_point(image), "erythrocyte_px": ERYTHROCYTE_PX}
    whole = channel_picture(image, **options)
    assert np.array_equal(channel_picture(image, tile_rows=tile_rows, **options).maps, whole.maps)
    assert scanner.detect(image, tile_rows=tile_rows, **options) == scanner.detect(image, **options) != []


def test_a_field_without_ink_is_looked_at_as_it_is(stained: np.ndarray) -> None:
    read = partial(rows_without_ink, white=WHITE, erythrocyte_px=ERYTHROCYTE_PX)
    plain = working_image(stained, erythrocyte_px=ERYTHROCYTE_PX)
    assert np.array_equal(working_image(stained, erythrocyte_px=ERYTHROCYTE_PX, read=read), plain)


@pytest.mark.parametrize("ink", [RED, BLUE, BLACK, MAGENTA, *DULL.values()])
def test_cells_crossed_by_lines_are_found(scanner: Scanner, ink: tuple[int, int, int]) -> None:
    field = drawn(5, CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE)
    image = field.image.copy()
    for cell in field.truth:
        cv2.line(image, (0, round(cell.row)), (image.shape[1], round(cell.row)), ink, 3)
    found = find(scanner, image)
    assert len(found) == len(field.truth)
    remarks = remark_on_ink(Field("marked", image, WHITE), found, erythrocyte_px=ERYTHROCYTE_PX)
    assert [(r.code, r.severity, r.where, r.value) for r in remarks] == [
        ("ink_over_cells", "warning", "marked", 2.0)
    ]


def test_ink_that_hides_part_of_the_field_is_spoken_of(stained: np.ndarray) -> None:
    image = stained.copy()
    image[:, :60] = RED
    remarks = remark_on_ink(Field("marked", image, WHITE), [], erythrocyte_px=ERYTHROCYTE_PX)
    assert [(r.code, r.severity) for r in remarks] == [("ink_over_field", "info")]
    assert remarks[0].value == pytest.approx(60 / image.shape[1], abs=0.02)


def test_a_thin_mark_away_from_cells_is_not_worth_a_remark(stained: np.ndarray) -> None:
    image = stained.copy()
    image[-12:-9, 20:120] = RED
    far = Detection(40.0, 300.0, 60.0, 1.0)
    field = Field("marked", image, WHITE)
    assert remark_on_ink(field, [far], erythrocyte_px=ERYTHROCYTE_PX) == []
    assert remark_on_ink(Field("plain", stained, WHITE), [far], erythrocyte_px=ERYTHROCYTE_PX) == []


@pytest.mark.parametrize("ink", DULL.values(), ids=DULL.keys())
def test_dull_ink_is_told_where_something_was_found(stained: np.ndarray, ink: tuple[int, int, int]) -> None:
    inked, find_ = marked(stained, ink), Detection(300.0, 260.0, 60.0, 1.0)
    assert dull_inks(stained, [find_], erythrocyte_px=ERYTHROCYTE_PX) == ()
    assert dull_inks(inked, [], erythrocyte_px=ERYTHROCYTE_PX) == ()
    assert dull_inks(inked, [find_], erythrocyte_px=ERYTHROCYTE_PX) == (ink,)
    drawn_ = (inked != stained).any(axis=2)
    assert (find_ink(inked, inks=(ink,))[drawn_] > 0).all()


def test_two_dull_inks_are_both_taken_out(scanner: Scanner) -> None:
    image = burn(drawn(7).image, "label", DULL["dark blue"])
    cv2.circle(image, (480, 120), 30, DULL["purple"], -1, cv2.LINE_AA)
    assert find(scanner, image) == []


@pytest.mark.data
@pytest.mark.parametrize("name", ["txl_val", "deepbionet", "bccd"])
def test_no_published_leukocyte_is_full_of_one_dull_colour(data: Path, name: str) -> None:
    for field in islice(truth_fields(data, name), 80):
        finds = [Detection(*box.centre, box.size, 1.0) for box in field.leukocytes]
        assert dull_inks(field.image, finds, erythrocyte_px=field.erythrocyte_px) == ()


@pytest.mark.data
@pytest.mark.parametrize("name", ["txl_val", "deepbionet", "bccd"])
def test_published_leukocytes_are_not_taken_for_ink(data: Path, name: str) -> None:
    worst = 0.0
    for field in islice(truth_fields(data, name), 40):
        ink = find_ink(field.image)
        for box in field.leukocytes:
            inside = ink[max(int(box.y0), 0) : int(box.y1) + 1, max(int(box.x0), 0) : int(box.x1) + 1]
            worst = max(worst, float((inside > 0).mean()))
    assert worst < 0.05


def test_what_is_trained_on_keeps_its_ink() -> None:
    white = np.full(3, 240.0)
    clean = np.full((200, 240, 3), 240, np.uint8)
    clean[60:100, 80:120] = (90, 40, 140)
    marked = clean.copy()
    marked[140:160, 20:60] = (0, 0, 255)

    def maps(image: np.ndarray, **options: object) -> np.ndarray:
        return channel_picture(image, white, erythrocyte_px=40.0, **options).maps

    np.testing.assert_array_equal(maps(clean), maps(clean, read=plain_rows))
    assert (maps(marked) != maps(marked, read=plain_rows)).any()
