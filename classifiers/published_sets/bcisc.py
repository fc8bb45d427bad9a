"""The set ``bcisc``: crops of single leukocytes, the class in the file name."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from cells.errors import DataError, InputError
from cells.records import RGBImage, WhitePoint
from cells.vocabulary import NORMAL_FIVE, CellClass
from features.crops import normalise_crop
from slides.optics import white_point

ERYTHROCYTE_PX = 58.0
"""Erythrocyte diameter in the images, in px, read off eight of them by eye."""

_LABELS = dict(zip(("neut", "eosi", "baso", "lymp", "mono"), NORMAL_FIVE, strict=True))


class BciscCell(NamedTuple):
    """A cell of the set: the file's name, the crop of 112 px, its white point and its class."""

    name: str
    crop: RGBImage
    white: WhitePoint
    label: CellClass


def read_bcisc(folder: Path) -> Iterator[BciscCell]:
    """Read the cells of ``bcisc``, cut ones included.

    Parameters
    ----------
    folder : Path
        Holds ``images``, whose file names begin with the class.

    Yields
    ------
    BciscCell
        In the order of the file names.

    Raises
    ------
    DataError
        Where the folder is missing or a name begins with no known class.
    InputError
        Where an image cannot be read.
    """
    images = folder / "images"
    if not images.is_dir():
        raise DataError(f"no folder {images}; check the folder given with --data")
    for path in sorted(images.iterdir()):
        label = _LABELS.get(path.name[:4])
        if label is None:
            raise DataError(f"{path}: the name begins with none of {', '.join(_LABELS)}; restore the file")
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise InputError(f"cannot read image {path}; check the folder given with --data")
        image = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        white = white_point(image)
        yield BciscCell(
            path.name, normalise_crop(image, erythrocyte_px=ERYTHROCYTE_PX, white=white), white, label
        )
