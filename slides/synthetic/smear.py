"""Drawing a whole smear with a known formula into a folder."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cells.errors import UsageError
from cells.files import atomic_path
from cells.records import RGBImage
from cells.vocabulary import CellClass
from slides.synthetic.camera import SCANNER, Camera
from slides.synthetic.field import SyntheticCell, draw_field
from slides.synthetic.stains import MAY_GRUNWALD_GIEMSA, Stain

TRUTH_COLUMNS = ("image", "label", "row", "col", "diameter_px")
"""Columns of ``truth.csv``."""

_DENSITY_SPREAD = 0.15
_FOCUS_SPREAD = 0.12


def draw_smear(
    folder: Path,
    *,
    formula: Mapping[CellClass, int],
    fields: int,
    seed: int,
    shape: tuple[int, int] = (960, 1280),
    um_per_px: float = 0.1,
    stain: Stain = MAY_GRUNWALD_GIEMSA,
    camera: Camera = SCANNER,
    erythrocytes_per_mm2: float = 8_000.0,
    clumps: int = 0,
    smudges: int = 0,
) -> list[tuple[SyntheticCell, ...]]:
    """Draw the fields of a smear and write them as ``field_001.png`` and so on, with ``truth.csv``.

    Fields differ a little in the density of erythrocytes and in focus. Files of these names that lie in the
    folder already are replaced; others stay.

    Parameters
    ----------
    folder : Path
        Folder to write to; made where it is missing.
    formula : mapping of CellClass to int
        How many cells of each class to draw, each class of ``DRAWABLE``.
    fields : int
        Number of fields, 1 or more; the cells are dealt to them evenly, in random order.
    seed : int
        Seed, 0 or more; the same seed gives the same files.
    shape : tuple of 2 ints
        Rows and columns of each image.
    um_per_px : float
        Pixel size, in µm per pixel.
    stain : Stain
        Stain.
    camera : Camera
        Optics, lamp and sensor; ``um_per_px`` replaces its pixel size.
    erythrocytes_per_mm2 : float
        Mean density of the erythrocytes.
    clumps, smudges : int
        Number of platelet aggregates and of smudge cells on the whole smear.

    Returns
    -------
    list of tuple of SyntheticCell
        The cells of the formula, field by field.

    Raises
    ------
    UsageError
        Where a number is out of range or the cells find no room.
    InputError
        Where the folder cannot be written to.
    """
    if fields < 1 or seed < 0:
        raise UsageError(
            f"{fields} fields with seed {seed} cannot be drawn; use 1 or more, and a seed from 0"
        )
    if min([clumps, smudges, *formula.values()]) < 0:
        raise UsageError("a count in the formula of a synthetic smear is below 0; give 0 or more")
    rng = np.random.default_rng([seed, 0])
    cells = [label for label in CellClass for _ in range(formula.get(label, 0))]
    dealt: list[list[CellClass]] = [[] for _ in range(fields)]
    for place, cell in zip(_deal(len(cells), fields, rng), rng.permutation(len(cells)), strict=True):
        dealt[place].append(cells[cell])
    counts = {
        name: np.bincount(_deal(n, fields, rng), minlength=fields)
        for name, n in (("c", clumps), ("s", smudges))
    }
    names = [f"field_{number:0{max(3, len(str(fields)))}d}.png" for number in range(1, fields + 1)]
    truths: list[tuple[SyntheticCell, ...]] = []
    for index, name in enumerate(names):
        own = np.random.default_rng([seed, 1, index])
        thickness, focus = np.exp(own.normal(0.0, (_DENSITY_SPREAD, _FOCUS_SPREAD)))
        drawn = draw_field(
            shape=shape,
            leukocytes=dealt[index],
            rng=own,
            um_per_px=um_per_px,
            stain=stain,
            camera=replace(camera, blur_um=camera.blur_um * float(focus)),
            erythrocytes_per_mm2=erythrocytes_per_mm2 * float(thickness),
            clumps=int(counts["c"][index]),
            smudges=int(counts["s"][index]),
        )
        _write_png(folder / name, drawn.image)
        truths.append(drawn.truth)
    _write_truth(folder / "truth.csv", names, truths)
    return truths


def _deal(count: int, fields: int, rng: np.random.Generator) -> list[int]:
    rounds = -(-count // fields)
    order = np.concatenate([rng.permutation(fields) for _ in range(rounds)] or [np.zeros(0, np.int64)])
    return [int(place) for place in order[:count]]


def _write_png(path: Path, image: RGBImage) -> None:
    _, coded = cv2.imencode(".png", image[..., ::-1])
    with atomic_path(path) as temporary:
        temporary.write_bytes(coded.tobytes())


def _write_truth(path: Path, names: list[str], truths: list[tuple[SyntheticCell, ...]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for name, cells in zip(names, truths, strict=True):
            for c in cells:
                writer.writerow([name, c.label, f"{c.row:.2f}", f"{c.col:.2f}", f"{c.diameter_px:.2f}"])
