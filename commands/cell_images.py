"""Images that hold one centred cell each: from a folder or a manifest to crops of one scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import DataError, InputError
from cells.manifests import read_manifest, stated_scale
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX
from commands.console import say
from commands.options import erythrocyte_px

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from cells.records import Field, Refusal, RGBImage, WhitePoint

CROP_ERYTHROCYTES = CROP_PX / CROP_ERYTHROCYTE_PX
"""Side of a cell crop in erythrocyte diameters; assumed of an image whose scale is not given."""

_COLUMNS = ("path",)


@dataclass(frozen=True, slots=True, eq=False)
class CellImage:
    """An image of one centred cell.

    Parameters
    ----------
    name : str
        Its path as listed.
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in the image, in px.
    """

    name: str
    image: "RGBImage"
    white: "WhitePoint"
    erythrocyte_px: float


def add_erythrocyte_option(parser: "ArgumentParser") -> None:
    """Add the scale of cell images.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the command.
    """
    parser.add_argument(
        "--erythrocyte-px",
        type=erythrocyte_px,
        metavar="N",
        help="erythrocyte diameter in the images, in px (default: shorter side / 3.2, a crop of 27 µm)",
    )


def cell_images(source: Path, *, erythrocyte_px: float | None) -> "Iterator[CellImage | Refusal]":
    """Read images of single cells.

    Parameters
    ----------
    source : Path
        A folder of images, or a CSV manifest with the column ``path`` (relative to its folder) and, where
        known, ``erythrocyte_px`` or ``rbc_px``, the erythrocyte diameter in px.
    erythrocyte_px : float or None
        Erythrocyte diameter in every image, in px; None takes that of the manifest, else assumes that the
        shorter side of an image is 27 µm, and says so.

    Yields
    ------
    CellImage or Refusal
        Each image in the order of the folder or the manifest, or why it could not be read.

    Raises
    ------
    InputError
        Where nothing stands at the path.
    DataError
        Where the manifest has a fault.
    """
    from cells.records import Refusal
    from features.crops import too_small

    assumed = False
    for item, stated in _listed(source):
        if isinstance(item, Refusal):
            yield item
            continue
        scale = erythrocyte_px or stated
        if scale is None:
            if not assumed:
                say(
                    "no --erythrocyte-px given: the shorter side of each image is taken for 27 µm,"
                    " 3.2 erythrocyte diameters"
                )
                assumed = True
            scale = min(item.image.shape[:2]) / CROP_ERYTHROCYTES
        fault = too_small(item.image, scale)
        if fault:
            yield Refusal(item.name, fault)
        else:
            yield CellImage(item.name, item.image, item.white_point, scale)


def image_files(source: Path) -> tuple[Path, ...]:
    """List the files that `cell_images` reads, without opening an image.

    Parameters
    ----------
    source : Path
        A folder of images or a CSV manifest.

    Returns
    -------
    tuple of Path
        The images, and the manifest itself.

    Raises
    ------
    InputError
        Where nothing stands at the path.
    DataError
        Where the manifest has a fault.
    """
    from slides.reader import open_smear

    if source.suffix.lower() == ".csv":
        rows = read_manifest(source, columns=_COLUMNS)
        return (source, *(source.parent / row["path"] for row in rows if row["path"]))
    if source.is_dir():
        return open_smear(source).files
    raise _neither(source)


def _neither(source: Path) -> InputError:
    return InputError(f"{source} is neither a folder nor a .csv manifest; give a folder of cell images")


def _listed(source: Path) -> "Iterator[tuple[Field | Refusal, float | None]]":
    from slides.reader import open_smear

    if source.suffix.lower() == ".csv":
        yield from _manifest(source)
    elif source.is_dir():
        yield from ((_whatever_it_shows(item, source), None) for item in open_smear(source).fields())
    else:
        raise _neither(source)


def _whatever_it_shows(item: "Field | Refusal", folder: Path) -> "Field | Refusal":
    """Read an image that was refused for not being a smear: a single cell need not look like one."""
    from cells.records import Field
    from slides.optics import white_point
    from slides.own_pictures import is_mask
    from slides.reader import read_image

    if isinstance(item, Field) or not (folder / item.name).is_file():
        return item
    try:
        image = read_image(folder / item.name)
    except InputError:
        return item
    return item if is_mask(image) else Field(item.name, image, white_point(image))


def _manifest(source: Path) -> "Iterator[tuple[Field | Refusal, float | None]]":
    from cells.records import Field, Refusal
    from slides.optics import white_point
    from slides.reader import read_image

    for number, row in enumerate(read_manifest(source, columns=_COLUMNS), start=2):
        if not row["path"] or "\0" in row["path"]:
            raise DataError(f"{source}, line {number}: no path that a file can have; fill it in")
        stated = stated_scale(row, f"{source}, line {number}")
        try:
            image = read_image(source.parent / row["path"])
        except InputError as error:
            yield Refusal(row["path"], str(error)), stated
        else:
            yield Field(row["path"], image, white_point(image)), stated
