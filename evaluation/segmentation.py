"""How well nucleus and cell masks agree with masks drawn by hand, no image refused.

Run as ``python -m evaluation.segmentation --data DIR``. Crops and hand-drawn masks are resampled alike, an
erythrocyte to 35 px. The middle of a crop is the middle of the image in ``jtsc_segmentation`` and the middle
of the hand-drawn cell's bounding box, as a detector would give it, in ``bcisc``, where some cells are cut.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, InputError, LeukoformulaError
from cells.records import RGBImage, WhitePoint
from evaluation.classifier_sets import BCISC_ERYTHROCYTE_PX, JTSC_ERYTHROCYTE_PX, read_rgb
from features.crops import cut_cell
from features.segmentation import Mask, segment
from slides.optics import white_point

_NUCLEUS_LEVEL, _CELL_LEVEL = 200, 60
_NOTHING = np.zeros(3)


class Drawn(NamedTuple):
    """A crop with hand-drawn masks; ``nucleus`` is None where only the cell was drawn."""

    crop: RGBImage
    white: WhitePoint
    nucleus: Mask | None
    cell: Mask


@dataclass(frozen=True, slots=True)
class Agreement:
    """Dice coefficients of one part over a set.

    Parameters
    ----------
    images : int
        Number of images.
    mean, low : float
        Mean and 5th percentile of the Dice coefficients.
    """

    images: int
    mean: float
    low: float


def dice(first: Mask, second: Mask) -> float:
    """Return the Dice coefficient of two masks.

    Parameters
    ----------
    first, second : ndarray of one shape, bool
        Masks.

    Returns
    -------
    float
        Twice the common area over the sum of the areas, 0 to 1; 1 where both are empty.

    References
    ----------
    Dice 1945, doi 10.2307/1932409.
    """
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def drawn_crops(name: str, data: Path) -> Iterator[Drawn]:
    """Read a set of hand-drawn masks.

    Parameters
    ----------
    name : str
        ``"jtsc_segmentation"`` or ``"bcisc"``.
    data : Path
        Folder of the published images.

    Yields
    ------
    Drawn
        Crop and masks, in the order of the file names.

    Raises
    ------
    DataError
        For another name, or where the folder holds no images.
    InputError
        Where a file cannot be read.
    """
    scales = {"jtsc_segmentation": JTSC_ERYTHROCYTE_PX, "bcisc": BCISC_ERYTHROCYTE_PX}
    if name not in scales:
        raise DataError(f"no set of masks {name!r}; choose one of {', '.join(scales)}")
    paths = sorted((data / name / "images").glob("*.*"))
    if not paths:
        raise DataError(f"no images of {name} under {data}; check the folder given with --data")
    for path in paths:
        image = read_rgb(path)
        drawn = cv2.imread(str(data / name / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if drawn is None:
            raise InputError(f"cannot read the mask of {path}; check the folder given with --data")
        levels = np.asarray(drawn, np.uint8)
        centre = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
        if name == "bcisc":
            rows, cols = np.nonzero(levels > _CELL_LEVEL)
            centre = (rows.min() + rows.max()) / 2, (cols.min() + cols.max()) / 2
        white, scale = white_point(image), scales[name]
        yield Drawn(
            cut_cell(image, *centre, erythrocyte_px=scale, white=white),
            white,
            None if name == "bcisc" else _cut_mask(levels > _NUCLEUS_LEVEL, centre, scale),
            _cut_mask(levels > _CELL_LEVEL, centre, scale),
        )


def agreement(name: str, data: Path) -> tuple[dict[str, Agreement], float]:
    """Segment every crop of a set and compare.

    Parameters
    ----------
    name : str
        As ``drawn_crops``.
    data : Path
        Folder of the published images.

    Returns
    -------
    dict of str to Agreement
        For ``"nucleus"`` (where drawn) and ``"cell"``.
    float
        Cells segmented per second.

    Raises
    ------
    DataError, InputError
        As ``drawn_crops``.
    """
    values: dict[str, list[float]] = {"nucleus": [], "cell": []}
    spent, count = 0.0, 0
    for item in drawn_crops(name, data):
        start = time.perf_counter()
        masks = segment(item.crop, item.white)
        spent += time.perf_counter() - start
        count += 1
        values["cell"].append(dice(masks.cell, item.cell))
        if item.nucleus is not None:
            values["nucleus"].append(dice(masks.nucleus, item.nucleus))
    parts = {
        part: Agreement(len(v), float(np.mean(v)), float(np.percentile(v, 5)))
        for part, v in values.items()
        if v
    }
    return parts, count / spent


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare masks on both sets and write the figures to standard output.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m evaluation.segmentation", description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the published images")
    options = parser.parse_args(arguments)
    try:
        for name in ("jtsc_segmentation", "bcisc"):
            parts, speed = agreement(name, options.data)
            for part, a in parts.items():
                sys.stdout.write(f"{name:18} {part:8} Dice mean {a.mean:.4f}  5th percentile {a.low:.4f}")
                sys.stdout.write(f"  {a.images} images, none refused  {speed:.0f} cells/s\n")
    except LeukoformulaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _cut_mask(mask: NDArray[np.bool_], centre: tuple[float, float], erythrocyte_px: float) -> Mask:
    picture = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    return cut_cell(picture, *centre, erythrocyte_px=erythrocyte_px, white=_NOTHING)[..., 0] > 127


if __name__ == "__main__":
    raise SystemExit(main())
