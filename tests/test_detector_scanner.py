"""The scanner with the shipped model, on drawn pictures and on a few published fields."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from cells.errors import UsageError
from cells.records import Detection
from cells.vocabulary import CellClass
from detector.centres import SPACING, find_centres
from detector.channels import channel_picture
from detector.scanner import Scanner
from detector.second_look import NEAR_MISS, SURE
from evaluation.boxes import truth_fields
from evaluation.detector_runs import run_detector
from evaluation.finds import summarise
from slides.optics import white_point
from slides.synthetic.field import draw_field

MODEL = Path(__file__).resolve().parents[1] / "leukoformula" / "models" / "detector" / "detector.npz"
WHITE = np.array([235.0, 233.0, 232.0])
ERYTHROCYTE_PX = 40.0


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


def stain(image: np.ndarray, row: float, col: float, radius: float, colour: tuple[int, int, int]) -> None:
    centre = (round(col * 16), round(row * 16))
    cv2.circle(image, centre, round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def paint(cells: list[tuple[float, float]], *, height: int = 360, width: int = 480) -> np.ndarray:
    rng = np.random.default_rng(11)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = WHITE.astype(np.uint8)
    for row in range(25, height + 20, 52):
        for col in range(25, width + 20, 52):
            place = np.array([row, col]) + rng.uniform(-5, 5, 2)
            stain(image, *place, 20, (212, 158, 150))
            stain(image, *place, 8, (224, 186, 180))
    for row, col in cells:
        stain(image, row, col, 38, (196, 176, 214))
        for down, across in ((-12, -8), (10, -10), (4, 13)):
            stain(image, row + down, col + across, 14, (92, 58, 142))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2))


def find(scanner: Scanner, image: np.ndarray, **options: float) -> list[Detection]:
    return scanner.detect(image, white=WHITE, erythrocyte_px=ERYTHROCYTE_PX, **options)


def test_finds_drawn_leukocytes_and_nothing_else(scanner: Scanner) -> None:
    cells = [(90.0, 120.0), (230.0, 330.0), (270.0, 90.0)]
    image = paint(cells)
    image.setflags(write=False)
    found = find(scanner, image)
    assert len(found) == 3
    for row, col in cells:
        away = [np.hypot(d.row - row, d.col - col) for d in found]
        assert min(away) < 0.25 * ERYTHROCYTE_PX
    assert all(d.counted and not d.at_border for d in found)
    assert all(1.2 <= d.diameter_px / ERYTHROCYTE_PX <= 2.6 for d in found)


def test_order_spacing_and_threshold(scanner: Scanner) -> None:
    found = find(scanner, paint([(90, 120), (230, 330), (270, 90)]), threshold=-0.1)
    keys = [(-d.score, d.row, d.col) for d in found]
    assert keys == sorted(keys)
    points = np.array([(d.row, d.col) for d in found])
    assert pdist(points).min() >= SPACING * ERYTHROCYTE_PX * 0.97
    assert find(scanner, paint([(90, 120)]), threshold=2.1) == []


def test_near_misses_do_not_alter_the_finds(scanner: Scanner) -> None:
    picture = channel_picture(paint([(90, 120), (230, 330), (270, 90)]), WHITE, erythrocyte_px=ERYTHROCYTE_PX)
    least = find_centres(scanner.cascade, picture, threshold=0.0)[1].min()
    points, scores = find_centres(scanner.cascade, picture, threshold=least + 1e-6)
    more, lower = find_centres(scanner.cascade, picture, threshold=least + 1e-6, floor=0.0)
    assert len(more) > len(points) > 0
    assert np.array_equal(more[: len(points)], points)
    assert np.array_equal(lower[: len(points)], scores)


def test_a_near_miss_is_settled_by_the_smaller_window(scanner: Scanner) -> None:
    """A neutrophil on the dim side of a field scores just under the threshold."""
    drawn = draw_field(
        shape=(420, 560),
        leukocytes=(CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE),
        rng=np.random.default_rng(5),
        um_per_px=0.17,
    )
    image = np.rint(drawn.image * np.linspace(1.0, 0.7, 420)[:, None, None]).astype(np.uint8)
    white, px, limit = white_point(image), 7.5 / 0.17, scanner.cascade.threshold
    picture = channel_picture(image, white, erythrocyte_px=px)
    once = find_centres(scanner.cascade, picture, threshold=limit, floor=limit - NEAR_MISS)[1]
    found = scanner.detect(image, white=white, erythrocyte_px=px)
    assert sum(once >= limit) == 1 < len(once)
    assert len(found) == 2
    assert min(d.score for d in found) >= limit + SURE
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)


@pytest.mark.parametrize("turn", ["rows", "columns", "transposed"])
def test_mirrored_field_gives_mirrored_finds(scanner: Scanner, turn: str) -> None:
    image = paint([(90, 120), (230, 330), (20, 300)])
    height, width = image.shape[:2]
    turned = {"rows": image[::-1], "columns": image[:, ::-1], "transposed": image.transpose(1, 0, 2)}[turn]
    expected, found = find(scanner, image), find(scanner, np.ascontiguousarray(turned))
    assert len(found) == len(expected) > 0
    for d in expected:
        row = height - 1 - d.row if turn == "rows" else d.row
        col = width - 1 - d.col if turn == "columns" else d.col
        row, col = (col, row) if turn == "transposed" else (row, col)
        twin = min(found, key=lambda other: np.hypot(other.row - row, other.col - col))
        assert np.hypot(twin.row - row, twin.col - col) < 0.1 * ERYTHROCYTE_PX
        assert (twin.at_border, twin.counted) == (d.at_border, d.counted)


def test_cell_cut_by_the_border(scanner: Scanner) -> None:
    found = find(scanner, paint([(150, 12), (150, 300)]))
    cut = [d for d in found if d.col < 60]
    assert len(cut) == 1
    assert cut[0].at_border
    assert cut[0].counted
    assert cut[0].col >= -0.5


@pytest.mark.parametrize("value", [0.0, -3.0, float("nan"), float("inf")])
def test_impossible_erythrocyte_diameter(scanner: Scanner, value: float) -> None:
    with pytest.raises(UsageError, match="erythrocyte diameter"):
        scanner.detect(np.zeros((50, 50, 3), np.uint8), white=WHITE, erythrocyte_px=value)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (20, 20)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_tiny_and_flat_fields_are_empty(scanner: Scanner, shape: tuple[int, int], level: int) -> None:
    image = np.full((*shape, 3), level, np.uint8)
    found = scanner.detect(image, white=np.full(3, max(level, 1.0)), erythrocyte_px=40.0)
    assert found == []


def test_save_and_load(scanner: Scanner, tmp_path: Path) -> None:
    digest = scanner.save(tmp_path / "copy.npz")
    image = paint([(90, 120)])
    assert find(Scanner.load(tmp_path / "copy.npz", sha256=digest), image) == find(scanner, image)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "step", "limits"),
    [("txl_val", 6, (0.98, 0.03)), ("deepbionet", 5, (0.97, 0.05)), ("bccd", 8, (0.97, 0.04))],
)
def test_figures_on_published_fields(
    scanner: Scanner, data: Path, name: str, step: int, limits: tuple[float, float]
) -> None:
    figures = summarise(run_detector(scanner, islice(truth_fields(data, name), 0, None, step)))
    assert figures.leukocytes >= 35
    assert figures.recall >= limits[0]
    assert figures.false_share <= limits[1]
    assert figures.centre_error < 0.15
