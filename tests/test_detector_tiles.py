"""What a field gives does not depend on how it is cut into tiles, nor on how it is turned."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from cells.records import Detection
from cells.vocabulary import CellClass
from detector.channels import channel_picture
from detector.scan import scan
from detector.scanner import Scanner
from detector.working_scale import working_image
from slides.optics import white_point
from slides.synthetic.field import draw_field

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "leukoformula" / "models" / "detector" / "detector.npz"
ERYTHROCYTE_PX = 44.0
CELLS = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.MONOCYTE, CellClass.EOSINOPHIL)


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    field = draw_field(
        shape=(640, 800), leukocytes=CELLS, rng=np.random.default_rng(2), um_per_px=0.17, inside=False
    )
    field.image.setflags(write=False)
    return field.image


def find(scanner: Scanner, image: np.ndarray, **options: float) -> list[Detection]:
    white = np.array([236.0, 234.0, 233.0])
    return scanner.detect(image, white=white, **({"erythrocyte_px": ERYTHROCYTE_PX} | options))


@pytest.mark.parametrize("tile_rows", [2, 14, 100, 320, 4096])
def test_tile_size_does_not_matter(scanner: Scanner, image: np.ndarray, tile_rows: int) -> None:
    whole = working_image(image, erythrocyte_px=ERYTHROCYTE_PX)
    assert np.array_equal(working_image(image, erythrocyte_px=ERYTHROCYTE_PX, tile_rows=tile_rows), whole)
    assert find(scanner, image, tile_rows=tile_rows) == find(scanner, image) != []


@pytest.mark.parametrize("mode", ["w+", "r", "c"])
def test_memory_map_gives_what_the_array_gives(
    scanner: Scanner, image: np.ndarray, tmp_path: Path, mode: str
) -> None:
    before = np.zeros_like(image) if mode == "c" else image
    before.tofile(tmp_path / "field.raw")
    mapped = np.memmap(tmp_path / "field.raw", np.uint8, mode, shape=image.shape)
    if mode != "r":
        mapped[:] = image
    assert find(scanner, mapped, tile_rows=64) == find(scanner, image)
    assert np.array_equal(mapped, image)


def test_bands_of_the_scan_do_not_matter(scanner: Scanner, image: np.ndarray) -> None:
    picture = channel_picture(image, white_point(image), erythrocyte_px=ERYTHROCYTE_PX)
    expected = scan(scanner.cascade, picture)
    for band in (1, 17, 64, 1000):
        assert np.array_equal(scan(scanner.cascade, picture, band=band), expected)


def test_workers_and_order_do_not_matter(scanner: Scanner, image: np.ndarray) -> None:
    fields = [image[:, :400], image[:, 400:], image[:320], image[320:]]
    expected = [find(scanner, field) for field in fields]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda field: find(scanner, field), fields)) == expected
    assert [find(scanner, field) for field in reversed(fields)] == expected[::-1]


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_field_gives_turned_finds(
    scanner: Scanner, image: np.ndarray, turns: int, mirrored: bool
) -> None:
    side = image[:, ::-1] if mirrored else image
    turned = np.ascontiguousarray(np.rot90(side, turns))
    found = find(scanner, turned)
    expected = find(scanner, image)
    assert len(found) == len(expected) > 2
    height, width = image.shape[:2]
    for d in expected:
        row, col = d.row, (width - 1 - d.col if mirrored else d.col)
        rows, cols = height, width
        for _ in range(turns):
            row, col, rows, cols = cols - 1 - col, row, cols, rows
        twin = min(found, key=lambda other: np.hypot(other.row - row, other.col - col))
        assert np.hypot(twin.row - row, twin.col - col) < 0.1 * ERYTHROCYTE_PX
        assert (twin.at_border, twin.counted) == (d.at_border, d.counted)


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5, 2.0, 3.0])
def test_resampled_field_gives_the_same_cells(scanner: Scanner, image: np.ndarray, factor: float) -> None:
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
    found = find(scanner, scaled, erythrocyte_px=ERYTHROCYTE_PX * factor)
    expected = find(scanner, image)
    assert len(found) == len(expected)
    for d in expected:
        away = [np.hypot(o.row / factor - d.row, o.col / factor - d.col) for o in found]
        assert min(away) < 0.3 * ERYTHROCYTE_PX


def test_large_field_stays_small_in_memory(tmp_path: Path) -> None:
    """A field of 300 MB from a memory map: the process grows by a fraction of it."""
    code = f"""
import numpy as np
from pathlib import Path
from detector.scanner import Scanner

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return [float(line.split()[1]) / 1e3 for line in lines if line.startswith(("RssAnon", "VmHWM"))]

image = np.memmap({str(tmp_path / "field.raw")!r}, np.uint8, "w+", shape=(10000, 10000, 3))
image[::200] = 200
scanner = Scanner.load(Path({str(MODEL)!r}))
options = dict(white=np.full(3, 230.0), erythrocyte_px=44.0)
scanner.detect(image[:400, :400], **options)
before = resident()
scanner.detect(image, **options)
print(resident()[1] - before[1])
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("resident memory is read from /proc")
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert float(done.stdout) < 600.0
