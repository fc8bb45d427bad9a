"""``leukoformula segment``: nucleus and cytoplasm of each of many images of single cells."""

from argparse import Namespace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cells.errors import InputError
from cells.units import CROP_PX
from commands.cell_check import CellCheck
from commands.cell_images import CROP_ERYTHROCYTES, add_erythrocyte_option, cell_images, image_files
from commands.console import TerminalProgress, say
from commands.exits import SHOWN, exit_code
from commands.output import staged_folder
from commands.paths import Inputs

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    import numpy as np
    from numpy.typing import NDArray

    from commands.cell_images import CellImage
    from features.segmentation import Quality
    from features.segmenter import Segmenter

BACKGROUND, CYTOPLASM, NUCLEUS = 0, 128, 255
"""Grey levels of the pictures that are written, the same as ``slides.own_pictures.MASK_LEVELS``."""

ROUTES = ("network", "classical")
"""The ways to find masks; the first is the default."""


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "segment",
        help="outline nucleus and cytoplasm in images that hold one centred cell each",
        description="One PNG of the same size for each image: 0 background, 128 cytoplasm, 255 nucleus.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="DIR",
        help="folder of cell images, or CSV file with the columns path and, where known, erythrocyte_px",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    parser.add_argument(
        "--route", choices=ROUTES, default=ROUTES[0], help="what finds the masks (default: %(default)s)"
    )
    add_erythrocyte_option(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Outline the cells of the images given.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0, or 4 where some images were refused; errors are raised.
    """
    from cells.records import Refusal
    from features.segmentation import Quality
    from leukoformula.store import load_segmenter

    files = image_files(options.source)
    inputs, check = Inputs(files), CellCheck(len(files))
    segmenter, _ = load_segmenter(options.route)
    doubtful: list[str] = []
    done: set[str] = set()
    refused: list[Refusal] = []
    with TerminalProgress() as progress, staged_folder(options.out) as stage:
        for item in cell_images(options.source, erythrocyte_px=options.erythrocyte_px):
            if isinstance(item, Refusal):
                refused.append(item)
                continue
            check.add(item)
            name = _picture_name(item.name, done)
            inputs.spare(options.out / name)
            picture, quality = segment_image(item, segmenter)
            if quality is not Quality.GOOD:
                doubtful.append(f"{item.name} ({quality.replace('_', ' ')})")
            _write(stage / name, picture)
            done.add(name.casefold())  # where case does not count, a.png would be laid over A.png
            progress("segmenting", len(done), len(done))
        code = exit_code(len(done), refused)
        check.warn()
    if doubtful:
        more = f" and {len(doubtful) - SHOWN} more" if len(doubtful) > SHOWN else ""
        say(f"warning: outlines in doubt: {', '.join(doubtful[:SHOWN])}{more}")
    say(f"{len(done)} images segmented, {len(doubtful)} of them in doubt; pictures in {options.out}")
    return code


def segment_image(item: "CellImage", segmenter: "Segmenter") -> "tuple[NDArray[np.uint8], Quality]":
    """Outline the cell in the middle of an image.

    Parameters
    ----------
    item : CellImage
        Image of one centred cell.
    segmenter : Segmenter
        What finds the masks.

    Returns
    -------
    picture : ndarray of shape (M, N), uint8
        0 background, 128 cytoplasm, 255 nucleus, for each pixel of the image; background beyond the square
        of 27 µm around its middle.
    quality : Quality
        How far the masks can be trusted.
    """
    import numpy as np

    from features.crops import normalise_crop

    crop = normalise_crop(item.image, erythrocyte_px=item.erythrocyte_px, white=item.white)
    masks = segmenter.segment_all(crop[None], np.asarray(item.white)[None])[0]
    side = item.erythrocyte_px * CROP_ERYTHROCYTES
    picture = np.full(item.image.shape[:2], BACKGROUND, np.uint8)
    picture[_back(masks.cell, picture.shape, side)] = CYTOPLASM
    picture[_back(masks.nucleus, picture.shape, side)] = NUCLEUS
    return picture, masks.quality


def _back(mask: "NDArray[np.bool_]", shape: tuple[int, ...], side: float) -> "NDArray[np.bool_]":
    import cv2
    import numpy as np

    height, width = shape
    scale = CROP_PX / side
    middle = (CROP_PX - 1) / 2
    to_crop = np.array(
        [[scale, 0.0, middle - scale * (width - 1) / 2], [0.0, scale, middle - scale * (height - 1) / 2]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(mask.astype(np.float32), to_crop, (width, height), flags=flags) > 0.5)


def _picture_name(name: str, taken: set[str]) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        path = PurePosixPath(path.name)
    plain = str(path.with_suffix(".png"))
    picture = plain if plain.casefold() not in taken else f"{path}.png"
    if picture.casefold() in taken:
        raise InputError(f"{name} is listed twice; list each image once")
    return picture


def _write(path: Path, picture: "NDArray[np.uint8]") -> None:
    import cv2

    from slides.own_pictures import mark_png

    coded, content = cv2.imencode(".png", picture)
    if not coded:
        raise InputError(f"cannot write {path.name} as PNG; give smaller images")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mark_png(content.tobytes()))
