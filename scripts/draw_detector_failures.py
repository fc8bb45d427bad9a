"""Draw the detector's known failures on synthetic smears: the picture of docs/detector.md.

Run from the root of the repository::

    python scripts/draw_detector_failures.py [--out docs/images/detector-failures.png]
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.files import atomic_path
from cells.records import Detection
from cells.vocabulary import CellClass
from detector.scanner import Scanner
from slides.optics import white_point
from slides.synthetic.field import SyntheticField, draw_field

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "leukoformula" / "models" / "detector" / "detector.npz"
UM = 0.17
ERYTHROCYTE_PX = 7.5 / UM
SHAPE = (420, 560)
PANEL = (320, 240)
FALSE, FOUND, MISSED = (200, 0, 0), (0, 130, 0), (0, 0, 0)
GREY_STEP = 8
PANELS_ACROSS = 3

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Panel:
    """A drawn field, the cells that are in it, and what is to be said of it."""

    title: str
    image: Image
    field: SyntheticField


def drawn(seed: int, *cells: CellClass, **options: float | bool) -> SyntheticField:
    """Draw a field as tests/test_detector_cases.py does."""
    return draw_field(shape=SHAPE, leukocytes=cells, rng=np.random.default_rng(seed), um_per_px=UM, **options)


def panels() -> list[Panel]:
    """Draw clusters of which a cell is missed; docs/detector.md counts how often that is."""
    trio = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.EOSINOPHIL)
    clusters = [drawn(seed, *trio, touching=True) for seed in (107, 110, 138)]
    return [Panel("cluster", cluster.image, cluster) for cluster in clusters]


def marked(scanner: Scanner, panel: Panel) -> Image:
    """Mark finds and misses: red circle false, green circle right, black square missed."""
    image = panel.image.copy()
    finds = scanner.detect(panel.image, white=white_point(panel.image), erythrocyte_px=ERYTHROCYTE_PX)
    for find in finds:
        mine = any(_near(find, cell.row, cell.col) for cell in panel.field.truth)
        place = (round(find.col), round(find.row))
        cv2.circle(image, place, round(0.7 * find.diameter_px), FOUND if mine else FALSE, 4, cv2.LINE_AA)
    for cell in panel.field.truth:
        if not any(_near(find, cell.row, cell.col) for find in finds):
            half = 0.7 * cell.diameter_px
            corners = [(round(cell.col + s * half), round(cell.row + s * half)) for s in (-1, 1)]
            cv2.rectangle(image, *corners, MISSED, 4)
    return np.asarray(cv2.resize(image, PANEL, interpolation=cv2.INTER_AREA), np.uint8)


def _near(find: Detection, row: float, col: float) -> bool:
    return bool(np.hypot(find.row - row, find.col - col) < 0.6 * ERYTHROCYTE_PX)


def sheet(scanner: Scanner) -> Image:
    """Put the marked panels side by side, each under its title."""
    tiles = []
    for panel in panels():
        tile = cv2.copyMakeBorder(
            marked(scanner, panel), 26, 6, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)
        )
        cv2.putText(tile, panel.title, (6, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(np.asarray(tile, np.uint8))
    rows = [np.hstack(tiles[n : n + PANELS_ACROSS]) for n in range(0, len(tiles), PANELS_ACROSS)]
    coarse = np.minimum(np.round(np.vstack(rows) / GREY_STEP) * GREY_STEP, 255)
    return coarse.astype(np.uint8)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "detector-failures.png")
    options = parser.parse_args()
    picture = sheet(Scanner.load(MODEL))
    _, png = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    with atomic_path(options.out) as temporary:
        temporary.write_bytes(png.tobytes())
    print(f"{options.out}: {picture.shape[1]} x {picture.shape[0]} px, {len(png) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
