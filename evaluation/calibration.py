"""The error of the calibration, and the share of fields with each quality finding, on the published images.

``python -m evaluation.calibration --data DIR`` prints both as markdown tables. Two truths are used: the
published erythrocyte boxes as they are, and the edge of the cell inside each box, since the boxes are drawn
around the cells with room to spare. The edge is found by a way of its own: rays from the centre of the box,
the steepest fall of density along each, and an ellipse through those points.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import CalibrationError, InputError
from cells.records import Field, RGBImage
from detector.truth import ERYTHROCYTE, Box, Boxes, read_voc, read_yolo
from evaluation.command_line import command_parser, exit_code_of
from slides.calibration import calibrate
from slides.erythrocytes import measure_erythrocytes
from slides.optics import optical_density, white_point
from slides.quality import assess_field
from slides.reader import read_image

_RAYS = 48
_MIN_RAYS = 36
_MIN_EDGES = 4
_MANY = 10
_BORDER = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class FieldTruth:
    """A field and its erythrocytes that the border does not cut.

    Parameters
    ----------
    group : str
        Smear-like group that it belongs to.
    field : Field
        The field.
    boxes : tuple of Box
        Published boxes of erythrocytes.
    edges_px : tuple of float
        Diameter of each cell whose edge is clear inside its box, px.
    """

    group: str
    field: Field
    boxes: tuple[Box, ...]
    edges_px: tuple[float, ...]

    @property
    def box_px(self) -> float:
        """Median of the boxes' mean side, px; nan without a box."""
        return _median([box.size for box in self.boxes])


def edge_diameter(green: NDArray[np.float32], box: Box) -> float | None:
    """Measure the cell in a box at its own edge.

    Parameters
    ----------
    green : ndarray of shape (M, N), float32
        Green optical density.
    box : Box
        Box around one cell, px.

    Returns
    -------
    float or None
        Geometric mean of the axes of the ellipse through the steepest points, px; None where fewer than three
        quarters of the rays agree on one or the cell does not stand out.
    """
    centre = np.array(box.centre[::-1])
    reach = np.linspace(0.55, 1.2, 60) * box.size / 2
    angles = np.arange(_RAYS) * 2 * np.pi / _RAYS
    rays = np.stack([np.cos(angles), np.sin(angles)], -1)
    axes = (0.0, 0.0)
    for _ in range(3):
        places = centre + rays[:, None, :] * reach[:, None]
        values = cv2.GaussianBlur(_at(green, places), (9, 1), 2.0)
        steepest = np.gradient(values, axis=1).argmin(axis=1)
        points = places[np.arange(_RAYS), steepest]
        inside = ((points > 1) & (points < np.array(green.shape[::-1]) - 2)).all(axis=1)
        points = points[inside & (steepest > 0) & (steepest < len(reach) - 1)]
        for _ in range(2):
            if len(points) < _MIN_RAYS:
                return None
            ellipse = cv2.fitEllipseDirect(points.astype(np.float32))
            points = points[np.abs(_radius(points, ellipse) - 1) < 0.08]
        if len(points) < _MIN_RAYS:
            return None
        centre, axes = np.array(ellipse[0]), (float(ellipse[1][0]), float(ellipse[1][1]))
    half = sum(axes) / 4
    within, beyond = (float(np.median(_at(green, centre + rays * half * f))) for f in (0.85, 1.2))
    return None if within < 1.5 * beyond + 0.01 else float(np.sqrt(axes[0] * axes[1]))


def _at(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    grid = np.atleast_3d(places).astype(np.float32) if places.ndim == 3 else places[None].astype(np.float32)
    x, y = np.ascontiguousarray(grid[..., 0]), np.ascontiguousarray(grid[..., 1])
    picked = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picked, np.float32)


def _radius(
    points: NDArray[np.float64], ellipse: tuple[Sequence[float], Sequence[float], float]
) -> NDArray[np.float64]:
    centre, axes, angle = ellipse
    turn = np.deg2rad(angle)
    moved = points - np.asarray(centre)
    along = moved[:, 0] * np.cos(turn) + moved[:, 1] * np.sin(turn)
    across = moved[:, 1] * np.cos(turn) - moved[:, 0] * np.sin(turn)
    return np.asarray(np.hypot(along / (axes[0] / 2), across / (axes[1] / 2)))


def read_truth(data: Path) -> Iterator[FieldTruth]:
    """Read the boxed fields of ``bccd``, ``deepbionet`` and ``txl_pbc``.

    Parameters
    ----------
    data : Path
        Folder that holds them.

    Yields
    ------
    FieldTruth
        One per field; ``txl_pbc`` is grouped by split and image size, since these tell its sources apart.

    Raises
    ------
    InputError
        Where a set is missing or an image cannot be read.
    """
    for name, folder in (("bccd", "JPEGImages"), ("deepbionet", "Images")):
        for path in _images(data / name / folder):
            notes = data / name / "Annotations" / f"{path.stem}.xml"
            if notes.is_file():
                image = read_image(path)
                rows, cols = image.shape[:2]
                yield _truth(name, path, image, read_voc(notes, height=rows, width=cols))
    for split in ("train", "val"):
        for path in _images(data / "txl_pbc" / "images" / split):
            image = read_image(path)
            notes = data / "txl_pbc" / "labels" / split / f"{path.stem}.txt"
            rows, cols = image.shape[:2]
            if notes.is_file():
                boxes = read_yolo(notes, height=rows, width=cols)
                yield _truth(f"txl_pbc {split} {cols}×{rows}", path, image, boxes)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder} is missing; give the folder of the published images with --data")
    return sorted(path for path in folder.iterdir() if path.is_file())


def _truth(group: str, path: Path, image: RGBImage, found: Boxes) -> FieldTruth:
    rows, cols = image.shape[:2]
    white = white_point(image)
    whole = tuple(
        box
        for box in found.boxes
        if box.label == ERYTHROCYTE
        and min(box.x0, box.y0) > _BORDER
        and max(box.x1 - cols, box.y1 - rows) < -1 - _BORDER
    )
    green = optical_density(image, white)[..., 1]
    edges = (edge_diameter(green, box) for box in whole)
    return FieldTruth(
        group, Field(path.name, image, white), whole, tuple(edge for edge in edges if edge is not None)
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


@dataclass(frozen=True, slots=True)
class FieldResult:
    """Erythrocyte diameter of one field in px: measured, by its boxes, by the cells' edges; or nan."""

    measured: float
    box: float
    edge: float
    boxes: int


def measure_field(truth: FieldTruth) -> FieldResult:
    """Measure one field alone and hold it against its boxes and edges.

    Parameters
    ----------
    truth : FieldTruth
        The field.

    Returns
    -------
    FieldResult
        The edge is nan where fewer than four cells have a clear one.
    """
    found = measure_erythrocytes(truth.field.image, truth.field.white_point).diameter_px
    return FieldResult(
        float("nan") if found is None else found,
        truth.box_px,
        _median(truth.edges_px) if len(truth.edges_px) >= _MIN_EDGES else float("nan"),
        len(truth.boxes),
    )


def group_row(name: str, truths: Sequence[FieldTruth]) -> str:
    """Return the row of the table for one group.

    Parameters
    ----------
    name : str
        Name of the group.
    truths : sequence of FieldTruth
        Its fields.

    Returns
    -------
    str
        Markdown table row.
    """
    sides = [box.size for truth in truths for box in truth.boxes]
    edges = [edge for truth in truths for edge in truth.edges_px]
    measured = _calibrated(truths)
    box, edge = _median(sides), _median(edges)
    single = [measure_field(truth) for truth in truths]
    many = [result for result in single if result.boxes >= _MANY]
    refused = sum(bool(np.isnan(result.measured)) for result in single)
    refused_many = sum(bool(np.isnan(result.measured)) for result in many)
    cells = [
        name,
        str(len(truths)),
        f"{measured:.1f}",
        f"{box:.1f} ({100 * (measured / box - 1):+.1f} %)",
        f"{edge:.1f} ({100 * (measured / edge - 1):+.1f} %)",
        _errors([(r.measured, r.box) for r in single]),
        _errors([(r.measured, r.edge) for r in single]),
        _errors([(r.measured, r.box) for r in many]),
        _errors([(r.measured, r.edge) for r in many]),
        f"{refused} ({refused_many} of {len(many)})",
    ]
    return "| " + " | ".join(cells) + " |"


def _calibrated(truths: Sequence[FieldTruth]) -> float:
    try:
        return calibrate([truth.field for truth in truths]).erythrocyte_px
    except CalibrationError:
        return float("nan")


def _errors(pairs: Sequence[tuple[float, float]]) -> str:
    errors = np.array([abs(measured / truth - 1) for measured, truth in pairs], np.float64)
    errors = errors[np.isfinite(errors)]
    if errors.size < _MIN_EDGES:
        return "–"
    return f"{100 * np.median(errors):.1f} / {100 * np.quantile(errors, 0.95):.1f}"


def quality_row(name: str, truths: Sequence[FieldTruth], codes: Sequence[str]) -> str:
    """Return the row of the table of quality findings for one group: the share of fields with each.

    Parameters
    ----------
    name : str
        Name of the group.
    truths : sequence of FieldTruth
        Its fields.
    codes : sequence of str
        Codes of findings, in the order of the columns.

    Returns
    -------
    str
        Markdown table row, shares in percent.
    """
    counts: Counter[str] = Counter()
    typical = _calibrated(truths)
    for truth in truths:
        own = _median(truth.edges_px) if truth.edges_px else typical
        counts.update(finding.code for finding in assess_field(truth.field, own))
    shares = (f"{100 * counts[code] / len(truths):.1f}" for code in codes)
    return "| " + " | ".join([name, str(len(truths)), *shares]) + " |"


_HEAD = (
    "group",
    "fields",
    "measured px",
    "box px (error)",
    "edge px (error)",
    "field vs box",
    "field vs edge",
    "≥ 10 boxes: vs box",
    "≥ 10 boxes: vs edge",
    "refused fields (with ≥ 10 boxes)",
)
_CODES = (
    "blurred",
    "overexposed",
    "underexposed",
    "too_few_erythrocytes",
    "overlapping_erythrocytes",
    "channels_swapped",
    "no_leukocyte_stain",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.

    Returns
    -------
    int
        Exit code.
    """
    parser = command_parser("calibration", __doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="published images")
    return exit_code_of(_print_tables, parser.parse_args(arguments))


def _print_tables(options: argparse.Namespace) -> None:
    groups: defaultdict[str, list[FieldTruth]] = defaultdict(list)
    for truth in read_truth(options.data):
        groups[truth.group].append(truth)
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += [group_row(name, truths) for name, truths in sorted(groups.items())]
    head = ("group", "fields", *_CODES)
    lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [quality_row(name, truths, _CODES) for name, truths in sorted(groups.items())]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
