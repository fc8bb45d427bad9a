"""Hard cases, drawn: what must be found once and what must not be found."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cells.records import Detection
from cells.vocabulary import CellClass
from detector.scanner import Scanner
from slides.optics import white_point
from slides.synthetic.field import SyntheticField, draw_field

MODEL = Path(__file__).resolve().parents[1] / "leukoformula" / "models" / "detector" / "detector.npz"
UM = 0.17
ERYTHROCYTE_PX = 7.5 / UM
SHAPE = (420, 560)


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


def drawn(seed: int, *cells: CellClass, **options: float | bool) -> SyntheticField:
    return draw_field(shape=SHAPE, leukocytes=cells, rng=np.random.default_rng(seed), um_per_px=UM, **options)


def find(scanner: Scanner, image: np.ndarray) -> list[Detection]:
    found = scanner.detect(image, white=white_point(image), erythrocyte_px=ERYTHROCYTE_PX)
    return [d for d in found if d.counted]


def assert_one_each(found: list[Detection], field: SyntheticField) -> None:
    away = np.array([[np.hypot(d.row - c.row, d.col - c.col) for d in found] for c in field.truth])
    assert len(found) == len(field.truth)
    assert away.min(axis=1).max() < 0.6 * ERYTHROCYTE_PX
    assert len(set(away.argmin(axis=1))) == len(field.truth)


TRIO = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL)


@pytest.mark.parametrize("seed", range(4))
def test_touching_leukocytes_are_separated(scanner: Scanner, seed: int) -> None:
    field = drawn(seed, *TRIO, touching=True)
    assert_one_each(find(scanner, field.image), field)


@pytest.mark.parametrize("seed", range(4))
def test_a_segmented_neutrophil_is_one_cell(scanner: Scanner, seed: int) -> None:
    field = drawn(seed, CellClass.NEUTROPHIL_SEGMENTED)
    assert_one_each(find(scanner, field.image), field)


def test_a_neutrophil_with_far_apart_lobes_is_one_cell(scanner: Scanner) -> None:
    field = drawn(3)
    image = field.image.copy()
    row, col = 210, 280
    cv2.circle(image, (col, row), 38, (206, 182, 206), -1, cv2.LINE_AA)
    for down, across in ((-22, -14), (20, -16), (0, 24)):
        cv2.circle(image, (col + across, row + down), 11, (92, 58, 142), -1, cv2.LINE_AA)
    found = find(scanner, np.asarray(cv2.GaussianBlur(image, (0, 0), 1.0)))
    assert len(found) == 1
    assert np.hypot(found[0].row - row, found[0].col - col) < 0.5 * ERYTHROCYTE_PX


@pytest.mark.parametrize("seed", range(4))
def test_a_large_monocyte_is_one_cell(scanner: Scanner, seed: int) -> None:
    field = drawn(seed + 20, CellClass.MONOCYTE)
    assert_one_each(find(scanner, field.image), field)


@pytest.mark.parametrize("seed", range(4))
def test_a_small_lymphocyte_is_found(scanner: Scanner, seed: int) -> None:
    field = drawn(seed + 40, CellClass.LYMPHOCYTE)
    assert_one_each(find(scanner, field.image), field)


def test_a_lymphocyte_barely_larger_than_an_erythrocyte_is_found(scanner: Scanner) -> None:
    image = drawn(8).image.copy()
    row, col, radius = 200, 300, round(0.5 * 1.1 * ERYTHROCYTE_PX)
    cv2.circle(image, (col, row), radius + 8, tuple(int(v) for v in white_point(image)), -1, cv2.LINE_AA)
    cv2.circle(image, (col, row), radius, (176, 170, 220), -1, cv2.LINE_AA)
    cv2.circle(image, (col, row), radius - 4, (96, 62, 148), -1, cv2.LINE_AA)
    found = find(scanner, np.asarray(cv2.GaussianBlur(image, (0, 0), 1.0)))
    assert len(found) == 1
    assert np.hypot(found[0].row - row, found[0].col - col) < 0.5 * ERYTHROCYTE_PX


def test_platelets_and_clumps_smaller_than_a_leukocyte_are_not_found(scanner: Scanner) -> None:
    assert find(scanner, drawn(61, clumps=3, platelets_per_mm2=3000.0).image) == []


@pytest.mark.parametrize("seed", [60, 62, 63])
def test_platelet_clumps_as_large_as_a_leukocyte_are_not_found(scanner: Scanner, seed: int) -> None:
    assert find(scanner, drawn(seed, clumps=3, platelets_per_mm2=3000.0).image) == []


@pytest.mark.parametrize("seed", range(4))
def test_densely_packed_erythrocytes_are_not_found(scanner: Scanner, seed: int) -> None:
    field = drawn(seed + 80, erythrocytes_per_mm2=16000.0, overlap=0.6)
    assert find(scanner, field.image) == []


@pytest.mark.parametrize("seed", range(3))
def test_stain_deposits_are_not_found(scanner: Scanner, seed: int) -> None:
    field = drawn(seed + 90, debris_per_mm2=3000.0)
    image, rng = field.image.copy(), np.random.default_rng(seed)
    for _ in range(3):
        centre = rng.uniform(60, 360, 2)
        for _ in range(35):
            row, col = np.rint(centre + rng.normal(0, 16, 2)).astype(int).tolist()
            cv2.circle(image, (col, row), int(rng.integers(1, 4)), (70, 40, 100), -1, cv2.LINE_AA)
    assert find(scanner, np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8))) == []


def dimmed(image: np.ndarray, direction: str) -> np.ndarray:
    rows, cols = np.linspace(0, 1, SHAPE[0])[:, None], np.linspace(0, 1, SHAPE[1])[None]
    corner = (rows - 0.5) ** 2 + (cols - 0.5) ** 2
    shade = {"across": 0 * rows + cols, "down": rows + 0 * cols, "corner": corner}
    return np.asarray(np.rint(image * (1.0 - 0.3 * shade[direction])[..., None]).astype(np.uint8))


@pytest.mark.parametrize("direction", ["across", "down", "corner"])
def test_lamp_gradients_add_and_cost_nothing(scanner: Scanner, direction: str) -> None:
    field = drawn(5, CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE)
    assert_one_each(find(scanner, dimmed(field.image, direction)), field)


def test_lamp_gradients_add_no_find_without_leukocytes(scanner: Scanner) -> None:
    for direction in ("across", "down", "corner"):
        assert find(scanner, dimmed(drawn(5).image, direction)) == []


BLACK, WHITE, RED, BLUE, GREEN = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (0, 160, 0)


def burn(image: np.ndarray, kind: str, ink: tuple[int, int, int]) -> np.ndarray:
    marked = image.copy()
    height, width = image.shape[:2]
    if kind == "frame":
        cv2.rectangle(marked, (0, 0), (width - 1, height - 1), ink, 24)
    elif kind == "edge line":
        cv2.line(marked, (3, 0), (3, height), ink, 5)
        cv2.line(marked, (0, height - 4), (width, height - 4), ink, 3)
    elif kind == "scale bar":
        cv2.rectangle(marked, (width - 160, height - 40), (width - 30, height - 30), ink, -1)
        cv2.putText(marked, "20 um", (width - 140, height - 50), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 2)
    elif kind == "label":
        cv2.putText(marked, "Slide 0815 B", (20, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.4, ink, 3, cv2.LINE_AA)
        cv2.putText(marked, "WBC", (200, 300), cv2.FONT_HERSHEY_SIMPLEX, 2.0, ink, 5, cv2.LINE_AA)
    elif kind == "grid":
        cv2.line(marked, (0, 200), (width, 200), ink, 2)
        cv2.line(marked, (250, 0), (250, height), ink, 2)
    return marked


KINDS = ("frame", "edge line", "scale bar", "label", "grid")
INKS = {"black": BLACK, "white": WHITE, "red": RED, "blue": BLUE, "green": GREEN}
INKS |= {"yellow": (255, 255, 0), "magenta": (255, 0, 255), "orange": (255, 128, 0)}


@pytest.mark.parametrize("ink", INKS.values(), ids=INKS.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_burned_in_marks_are_not_found(scanner: Scanner, kind: str, ink: tuple[int, int, int]) -> None:
    assert find(scanner, burn(drawn(7).image, kind, ink)) == []


DULL = {"dark blue": (0, 0, 160), "dark red": (139, 0, 0), "navy": (0, 0, 128), "purple": (128, 0, 128)}


@pytest.mark.parametrize("ink", DULL.values(), ids=DULL.keys())
@pytest.mark.parametrize("kind", KINDS)
def test_marks_in_dull_ink_are_not_found(scanner: Scanner, kind: str, ink: tuple[int, int, int]) -> None:
    assert find(scanner, burn(drawn(7).image, kind, ink)) == []
