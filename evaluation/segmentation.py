"""How well nucleus and cell masks agree with masks drawn by hand, no image refused.

Run as ``python -m evaluation.segmentation --data DIR``. Crops and hand-drawn masks are resampled alike, an
erythrocyte to 35 px. The middle of a crop is the middle of the image in ``jtsc_segmentation`` and the middle
of the hand-drawn cell's bounding box, as a detector would give it, in ``bcisc``, where some cells are cut.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.units import CROP_PX, CROP_UM
from classifiers.published_sets.bcisc import ERYTHROCYTE_PX as BCISC_ERYTHROCYTE_PX
from classifiers.segmentation_data import MaskedCell, masked_cells
from evaluation.classifier_sets import JTSC_ERYTHROCYTE_PX
from evaluation.command_line import add_data, command_parser, exit_code_of
from features.segmentation import Mask, Quality
from features.segmenter import ClassicalSegmenter, Segmenter
from leukoformula.store import SHIPPED, load_segmenter

SETS = ("jtsc_segmentation", "bcisc")
"""The sets with masks drawn by hand."""

ROUTES = ("network", "classical")
"""The routes compared."""

_HEAD = "| set | part | route | Dice mean | 5th percentile | boundary, µm | cells/s | refused | flagged |"
_UM_PER_PX = CROP_UM / CROP_PX
_SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one part agrees over a set.

    Parameters
    ----------
    images : int
        Number of images.
    mean, low : float
        Mean and 5th percentile of the Dice coefficients.
    boundary_um : float
        Mean over the images of the mean distance between the outlines, µm.
    """

    images: int
    mean: float
    low: float
    boundary_um: float


@dataclass(frozen=True, slots=True)
class RouteResult:
    """What one route did on one set.

    Parameters
    ----------
    parts : mapping of str to Agreement
        For ``"nucleus"`` (where drawn) and ``"cell"``.
    cells_per_second : float
        Cells segmented per second.
    qualities : mapping of Quality to int
        Number of images by quality of their masks; none is refused.
    """

    parts: Mapping[str, Agreement]
    cells_per_second: float
    qualities: Mapping[Quality, int]


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


def boundary_distance(first: Mask, second: Mask) -> float:
    """Return the mean distance between the outlines of two masks.

    Parameters
    ----------
    first, second : ndarray of one shape, bool
        Masks, neither empty.

    Returns
    -------
    float
        Mean over the outline pixels of both, each to the nearest of the other, px. An outline is the pixels
        of the mask that touch, also cornerwise, a pixel outside.
    """
    outlines = [_outline(first), _outline(second)]
    away = [cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, 5) for line in outlines]
    distances = np.concatenate([away[1][outlines[0]], away[0][outlines[1]]])
    return float(distances.mean())


def drawn_crops(name: str, data: Path) -> Iterator[MaskedCell]:
    """Read a set of hand-drawn masks.

    Parameters
    ----------
    name : str
        One of ``SETS``.
    data : Path
        Folder of the published images.

    Returns
    -------
    iterator of MaskedCell
        Crop and masks, in the order of the file names.

    Raises
    ------
    DataError
        For another name, or where the folder holds no images.
    InputError
        Where a file cannot be read.
    """
    if name == "bcisc":
        return masked_cells(
            data / name, erythrocyte_px=BCISC_ERYTHROCYTE_PX, whole_cell_only=True, on_box=True
        )
    if name == "jtsc_segmentation":
        return masked_cells(
            data / name, erythrocyte_px=JTSC_ERYTHROCYTE_PX, whole_cell_only=False, on_box=False
        )
    raise DataError(f"no set of masks {name!r}; choose one of {', '.join(SETS)}")


def agreement(name: str, data: Path, *, segmenter: Segmenter | None = None) -> RouteResult:
    """Segment every crop of a set and compare.

    Parameters
    ----------
    name : str
        As ``drawn_crops``.
    data : Path
        Folder of the published images.
    segmenter : Segmenter, optional
        The route; the classical one where it is None.

    Returns
    -------
    RouteResult

    Raises
    ------
    DataError, InputError
        As ``drawn_crops``.
    """
    items = list(drawn_crops(name, data))
    crops, whites = np.stack([item.crop for item in items]), np.stack([item.white for item in items])
    route = segmenter or ClassicalSegmenter()
    route.segment_all(crops[:8], whites[:8])
    start = time.perf_counter()
    found = route.segment_all(crops, whites)
    spent = time.perf_counter() - start
    parts = {"cell": _agreement([(m.cell, item.cell) for m, item in zip(found, items, strict=True)])}
    nuclei = [(m.nucleus, i.nucleus) for m, i in zip(found, items, strict=True) if i.nucleus is not None]
    if nuclei:
        parts["nucleus"] = _agreement(nuclei)
    return RouteResult(parts, len(items) / spent, Counter(masks.quality for masks in found))


def _agreement(pairs: Sequence[tuple[Mask, Mask]]) -> Agreement:
    values = np.array([dice(*pair) for pair in pairs])
    away = np.array([boundary_distance(*pair) for pair in pairs if pair[1].any()])
    low = float(np.percentile(values, 5))
    return Agreement(len(pairs), float(values.mean()), low, float(away.mean()) * _UM_PER_PX)


def _outline(mask: Mask) -> NDArray[np.bool_]:
    inner = cv2.erode(mask.astype(np.uint8), _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(mask & (inner == 0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare both routes on both sets and write one table to standard output.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("segmentation", main.__doc__)
    add_data(parser)
    parser.add_argument("--models", type=Path, default=SHIPPED, help="folder of models (default: shipped)")
    parser.add_argument("--routes", nargs="+", choices=ROUTES, default=list(ROUTES))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    return exit_code_of(_compare, parser.parse_args(arguments))


def _compare(options: argparse.Namespace) -> None:
    lines = [_HEAD, "|---" * _HEAD.count(" |") + "|"]
    for name in options.sets:
        for route in options.routes:
            segmenter, _ = load_segmenter(route, root=options.models)
            lines += _rows(name, route, agreement(name, options.data, segmenter=segmenter))
    sys.stdout.write("\n".join(lines) + "\n")


def _rows(name: str, route: str, result: RouteResult) -> list[str]:
    flagged = sum(result.qualities.values()) - result.qualities.get(Quality.GOOD, 0)
    return [
        f"| `{name}` | {part} | {route} | {a.mean:.4f} | {a.low:.4f} | {a.boundary_um:.2f}"
        f" | {result.cells_per_second:.0f} | 0 of {a.images} | {flagged} |"
        for part, a in sorted(result.parts.items(), reverse=True)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
