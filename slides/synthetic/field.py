"""Drawing single cells and whole fields: the objects of a layout, painted tile by tile and photographed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage
from cells.units import CROP_PX, CROP_UM
from cells.vocabulary import CellClass
from slides.synthetic.camera import SCANNER, Camera, compress, expose
from slides.synthetic.layout import DRAWABLE, OBJECTS, Item, Layout
from slides.synthetic.leukocytes import CELL, LEUKOCYTES, NUCLEUS
from slides.synthetic.shapes import Patch
from slides.synthetic.stains import DYES, HAEMOGLOBIN, MAY_GRUNWALD_GIEMSA, Stain

_TILE = 1024
_CROP_CENTRE_SPREAD_UM = 0.35


@dataclass(frozen=True, slots=True)
class SyntheticCell:
    """What was drawn where.

    Parameters
    ----------
    label : CellClass
        Class.
    row, col : float
        Centre, in pixels of the image.
    diameter_px : float
        Diameter of the circle of equal area, in pixels.
    """

    label: CellClass
    row: float
    col: float
    diameter_px: float


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticField:
    """A drawn field and the truth about it.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    truth : tuple of SyntheticCell
        The cells that were asked for, in that order.
    others : tuple of SyntheticCell
        Platelets, smudge cells and debris beside them.
    erythrocytes : ndarray of shape (K, 3), float64
        Row, column and diameter of every erythrocyte that reaches into the image, in pixels.
    """

    image: RGBImage
    truth: tuple[SyntheticCell, ...]
    others: tuple[SyntheticCell, ...]
    erythrocytes: NDArray[np.float64]


def draw_cell(
    label: CellClass,
    *,
    rng: np.random.Generator,
    stain: Stain | None = None,
    camera: Camera | None = None,
    size_px: int = CROP_PX,
) -> RGBImage:
    """Draw one cell in the middle of a square of 27 µm, with erythrocytes around it.

    Parameters
    ----------
    label : CellClass
        One of ``DRAWABLE``. ``artefact`` gives what a detector finds by mistake: debris, smudges, lone and
        overlapping erythrocytes, empty slide.
    rng : numpy.random.Generator
        Source of chance.
    stain : Stain, optional
        Stain; drawn at random by default.
    camera : Camera, optional
        Camera, whose pixel size gives way to that of the crop; drawn at random by default.
    size_px : int, default 112
        Side of the image, in pixels; at 112 an erythrocyte measures 35 px.

    Returns
    -------
    ndarray of shape (size_px, size_px, 3), uint8
        RGB image.

    Raises
    ------
    UsageError
        Where the class cannot be drawn or the size is below 8.
    """
    return _draw_crop(label, rng, stain, camera, size_px)[0]


def draw_cell_with_masks(
    label: CellClass,
    *,
    rng: np.random.Generator,
    stain: Stain | None = None,
    camera: Camera | None = None,
    size_px: int = CROP_PX,
) -> tuple[RGBImage, NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw the same cell as ``draw_cell`` and tell which pixels its nucleus and its body cover.

    Parameters
    ----------
    label : CellClass
        A leukocyte or the erythroblast.
    rng : numpy.random.Generator
        Source of chance.
    stain : Stain, optional
        As for ``draw_cell``.
    camera : Camera, optional
        As for ``draw_cell``.
    size_px : int
        Side of the crop, px.

    Returns
    -------
    image : ndarray of shape (size_px, size_px, 3), uint8
        RGB image.
    nucleus, cell : ndarray of shape (size_px, size_px), bool
        The pixels of which at least half is covered by the nucleus, and by the cell; the nucleus lies in the
        cell.

    Raises
    ------
    UsageError
        As ``draw_cell``, and where the class has no nucleus.
    """
    if label not in LEUKOCYTES:
        raise UsageError(f"class {label} has no nucleus to mask; choose among {', '.join(LEUKOCYTES)}")
    image, item = _draw_crop(label, rng, stain, camera, size_px)
    planes = np.zeros((NUCLEUS + 1, size_px, size_px), np.float32)
    _paint(item, planes, (0, 0), CROP_UM / size_px)
    nucleus, cell = planes[NUCLEUS] >= 0.5, planes[CELL] >= 0.5
    return image, nucleus & cell, cell


def _draw_crop(
    label: CellClass, rng: np.random.Generator, stain: Stain | None, camera: Camera | None, size_px: int
) -> tuple[RGBImage, Item]:
    if label not in OBJECTS:
        raise UsageError(f"class {label} cannot be drawn; choose among {', '.join(DRAWABLE)}")
    if size_px < 8:
        raise UsageError(f"a crop of {size_px} px is too small to draw; use 8 px or more")
    stain = Stain.random(rng) if stain is None else stain
    camera = (Camera.random(rng) if camera is None else camera).with_um_per_px(CROP_UM / size_px)
    layout = Layout(CROP_UM, CROP_UM, rng)
    pallor = float(rng.uniform(0.0, 0.9))
    y, x = (float(0.5 * CROP_UM + step) for step in rng.normal(0.0, _CROP_CENTRE_SPREAD_UM, 2))
    if label is CellClass.ARTEFACT:
        _put_artefact(layout, y, x, pallor, rng)
    else:
        layout.put(label, y, x)
        if rng.random() < 0.05:
            _put_neighbour(layout, y, x, rng)
    per_mm2 = float(rng.uniform(5_000.0, 18_000.0))
    layout.flood(per_mm2, overlap=float(rng.uniform(0.0, 0.4)), pallor=pallor)
    layout.sprinkle(CellClass.PLATELET, 500.0)
    layout.sprinkle(CellClass.ARTEFACT, 100.0)
    return _photograph(layout.items, (size_px, size_px), stain, camera, rng), layout.items[0]


def draw_field(
    *,
    shape: tuple[int, int],
    leukocytes: Sequence[CellClass],
    rng: np.random.Generator,
    um_per_px: float | None = None,
    stain: Stain = MAY_GRUNWALD_GIEMSA,
    camera: Camera = SCANNER,
    erythrocytes_per_mm2: float = 8_000.0,
    overlap: float = 0.12,
    pallor: float = 0.75,
    platelets_per_mm2: float = 450.0,
    clumps: int = 0,
    smudges: int = 0,
    debris_per_mm2: float = 60.0,
    touching: bool = False,
    inside: bool = True,
) -> SyntheticField:
    """Draw one microscope field with the given leukocytes.

    The same generator state gives the same field at any pixel size, as long as the field measures the same in
    micrometres.

    Parameters
    ----------
    shape : tuple of 2 ints
        Rows and columns of the image.
    leukocytes : sequence of CellClass
        The cells to draw, each of ``DRAWABLE``.
    rng : numpy.random.Generator
        Source of chance.
    um_per_px : float, optional
        Pixel size, in µm per pixel; that of the camera by default.
    stain : Stain
        Stain.
    camera : Camera
        Optics, lamp and sensor.
    erythrocytes_per_mm2 : float
        Erythrocytes asked for, per mm², 0 or more; fewer are drawn where they find no room (about 11 000).
    overlap : float
        Share, 0 to 1, of the erythrocytes that may lie over others.
    pallor : float
        Depth of the central pallor of the erythrocytes, 0 to 1.
    platelets_per_mm2, debris_per_mm2 : float
        Mean number of platelets and of specks of debris per mm², 0 or more.
    clumps, smudges : int
        Number of platelet aggregates and of smudge cells.
    touching : bool
        Whether the leukocytes lie in a cluster, each against another; otherwise they keep apart.
    inside : bool
        Whether the leukocytes lie whole inside the image; otherwise the border may cut them, with their
        centres inside.

    Returns
    -------
    SyntheticField
        Image and truth.

    Raises
    ------
    UsageError
        Where a class cannot be drawn, a number is out of range, or the leukocytes find no room.
    """
    if min(shape) < 1:
        raise UsageError(f"a field of {shape[0]} × {shape[1]} px cannot be drawn; use 1 px or more")
    if min(erythrocytes_per_mm2, platelets_per_mm2, debris_per_mm2, clumps, smudges) < 0:
        raise UsageError("a density or count of a synthetic field is below 0; give 0 or more")
    if not (0 <= overlap <= 1 and 0 <= pallor <= 1):
        raise UsageError(
            f"overlap {overlap} or pallor {pallor} of a synthetic field is not a share; give 0 to 1"
        )
    camera = camera if um_per_px is None else camera.with_um_per_px(um_per_px)
    um = camera.um_per_px
    layout = Layout(shape[0] * um, shape[1] * um, rng)
    asked = layout.throw(leukocytes, touching=touching, inside=inside)
    extra = [CellClass.PLATELET_AGGREGATE] * clumps + [CellClass.SMUDGE_CELL] * smudges
    others = layout.throw(extra, touching=False, inside=inside)
    red = layout.flood(erythrocytes_per_mm2, overlap=overlap, pallor=pallor)
    others += layout.sprinkle(CellClass.PLATELET, platelets_per_mm2)
    others += layout.sprinkle(CellClass.ARTEFACT, debris_per_mm2)
    discs = np.array([(*_pixel(i, um), i.diameter_um / um) for i in red], np.float64).reshape(-1, 3)
    nearest = np.clip(discs[:, :2], 0, np.array(shape) - 1)
    seen = np.hypot(*(discs[:, :2] - nearest).T) < 0.5 * discs[:, 2]
    image = _photograph(layout.items, shape, stain, camera, rng)
    return SyntheticField(image, _truth(asked, um), _truth(others, um), discs[seen])


def _truth(items: Sequence[Item], um: float) -> tuple[SyntheticCell, ...]:
    return tuple(
        SyntheticCell(i.label, *_pixel(i, um), i.diameter_um / um) for i in items if i.label is not None
    )


def _pixel(item: Item, um: float) -> tuple[float, float]:
    return item.y / um - 0.5, item.x / um - 0.5


def _put_artefact(layout: Layout, y: float, x: float, pallor: float, rng: np.random.Generator) -> None:
    kind = rng.random()
    if kind < 0.3:
        layout.put(CellClass.ARTEFACT, y, x)
    elif kind < 0.5:
        layout.put(CellClass.SMUDGE_CELL, y, x)
    elif kind < 0.9:
        for _ in range(int(rng.integers(1, 4))):
            layout.put_erythrocyte(y, x, pallor=pallor)
            angle = rng.uniform(0.0, 2.0 * np.pi)
            y, x = y + 4.5 * float(np.sin(angle)), x + 4.5 * float(np.cos(angle))


def _put_neighbour(layout: Layout, y: float, x: float, rng: np.random.Generator) -> None:
    common = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.LYMPHOCYTE, CellClass.MONOCYTE)
    angle, apart = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(14.0, 18.0)
    label = common[rng.integers(len(common))]
    layout.put(label, y + float(apart * np.sin(angle)), x + float(apart * np.cos(angle)))


def _photograph(
    items: Sequence[Item], shape: tuple[int, int], stain: Stain, camera: Camera, rng: np.random.Generator
) -> RGBImage:
    um, halo = camera.um_per_px, camera.halo_px
    noise_seed = int(rng.integers(2**62))
    image = np.empty((*shape, 3), np.uint8)
    tiles = _by_tile(items, shape, um, halo)
    for (row, col), members in tiles.items():
        height, width = min(_TILE, shape[0] - row), min(_TILE, shape[1] - col)
        dyes = np.zeros((DYES, height + 2 * halo, width + 2 * halo), np.float32)
        for item in members:
            _paint(item, dyes, (row - halo, col - halo), um)
        piece = expose(
            dyes,
            stain,
            camera,
            rng=np.random.default_rng([noise_seed, row, col]),
            origin=(row - halo, col - halo),
            shape=shape,
        )
        image[row : row + height, col : col + width] = piece[halo : halo + height, halo : halo + width]
    return compress(image, camera.jpeg_quality)


def _by_tile(
    items: Sequence[Item], shape: tuple[int, int], um: float, halo: int
) -> dict[tuple[int, int], list[Item]]:
    tiles: dict[tuple[int, int], list[Item]] = {
        (row, col): [] for row in range(0, shape[0], _TILE) for col in range(0, shape[1], _TILE)
    }
    for item in items:
        reach = item.half_um / um + halo + 1
        spans = []
        for centre, length in zip(_pixel(item, um), shape, strict=True):
            first = max(0, int((centre - reach) // _TILE))
            last = min((length - 1) // _TILE, int((centre + reach) // _TILE))
            spans.append(range(first * _TILE, last * _TILE + 1, _TILE))
        for row in spans[0]:
            for col in spans[1]:
                tiles[row, col].append(item)
    return tiles


def _paint(item: Item, dyes: NDArray[np.float32], origin: tuple[int, int], um: float) -> None:
    patch = Patch.around(*_pixel(item, um), half_um=item.half_um, um_per_px=um)
    top, left = patch.top - origin[0], patch.left - origin[1]
    height, width = patch.x.shape
    rows = slice(max(top, 0), min(top + height, dyes.shape[1]))
    cols = slice(max(left, 0), min(left + width, dyes.shape[2]))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    painted = item.paint(patch, np.random.default_rng(item.seed), item.diameter_um)
    part = painted[..., rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    if item.label is None:
        dyes[HAEMOGLOBIN, rows, cols] += part
    else:
        dyes[:, rows, cols] += part[: len(dyes)]
