"""Training fields of the detector: published images with their boxes and their erythrocyte diameter."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cells.errors import DataError
from cells.records import LitArea, RGBImage, WhitePoint
from detector.audit import apply_audit, read_audit
from detector.truth import ERYTHROCYTE, PLATELET, Box, read_yolo
from slides.optics import white_point

ERYTHROCYTE_PX_BY_SIZE = {(182, 180): 36.3, (184, 183): 38.5, (208, 208): 38.5, (288, 288): 63.5}
"""Erythrocyte diameter by image height and width in ``txl_pbc``, where too few erythrocytes are boxed."""

BCCD_SIZE = (240, 320)
"""Size of the images of ``txl_pbc`` that come from ``bccd``; they are left out of training."""

_LEAST_BOXES = 3


@dataclass(frozen=True, slots=True, eq=False)
class TrainingField:
    """One published field with its boxes.

    Parameters
    ----------
    name : str
        File name.
    image : ndarray of shape (M, N, 3), uint8
        RGB pixels.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Erythrocyte diameter in pixels.
    leukocytes : tuple of Box
        Leukocytes to be found.
    ignored : tuple of Box
        Places that are neither trained on nor against: slivers, smudges.
    platelets : tuple of Box
        Boxed platelets.
    lit : ndarray of shape (H, W), bool, or None
        The field reduced, True where it is lit, if it has a dark surround.
    """

    name: str
    image: RGBImage
    white: WhitePoint
    erythrocyte_px: float
    leukocytes: tuple[Box, ...]
    ignored: tuple[Box, ...]
    platelets: tuple[Box, ...]
    lit: LitArea | None = None


def erythrocyte_px_of(boxes: tuple[Box, ...], shape: tuple[int, int]) -> float | None:
    """Return the erythrocyte diameter of a field by its boxes.

    Parameters
    ----------
    boxes : tuple of Box
        All boxes of the field.
    shape : tuple of int
        Height and width of the image in pixels.

    Returns
    -------
    float or None
        Median size in pixels of the erythrocyte boxes that do not touch the border, where there are at
        least three; else that of the size group of ``txl_pbc``; else None.
    """
    height, width = shape
    sizes = [
        box.size
        for box in boxes
        if box.label == ERYTHROCYTE
        and box.x0 > 1
        and box.y0 > 1
        and box.x1 < width - 1
        and box.y1 < height - 1
    ]
    if len(sizes) >= _LEAST_BOXES:
        return float(np.median(sizes))
    return ERYTHROCYTE_PX_BY_SIZE.get(shape)


def read_image(path: Path) -> RGBImage:
    """Read an image file of a training set as RGB.

    Parameters
    ----------
    path : Path
        Image file.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        RGB pixels.

    Raises
    ------
    DataError
        Where the file is no readable image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path}: no readable image; restore the data set")
    return np.ascontiguousarray(image[..., ::-1]).astype(np.uint8, copy=False)


def read_txl_fields(
    folder: Path, *, split: str = "train", corrections: Path | None = None, keep_bccd: bool = False
) -> list[TrainingField]:
    """Read a split of ``txl_pbc``.

    Parameters
    ----------
    folder : Path
        The data set, with ``images`` and ``labels``.
    split : str, optional
        ``"train"`` or ``"val"``.
    corrections : Path, optional
        Audit list (image, x0, y0, x1, y1, verdict) that is applied to the boxes.
    keep_bccd : bool, optional
        Whether to keep the images that come from ``bccd``.

    Returns
    -------
    list of TrainingField
        In the order of their names.

    Raises
    ------
    DataError
        Where the folder holds no images or a file is unreadable.
    """
    paths = sorted((folder / "images" / split).glob("*.*"))
    if not paths:
        raise DataError(f"{folder}: no images of txl_pbc ({split}); give the folder with --data")
    verdicts = read_audit(corrections) if corrections is not None else {}
    found: list[TrainingField] = []
    for path in paths:
        image = read_image(path)
        height, width = image.shape[:2]
        if (height, width) == BCCD_SIZE and not keep_bccd:
            continue
        label = folder / "labels" / split / f"{path.stem}.txt"
        boxes = read_yolo(label, height=height, width=width).boxes
        erythrocyte_px = erythrocyte_px_of(boxes, (height, width))
        if erythrocyte_px is None:
            continue
        truth, ignored = apply_audit(boxes, verdicts.get(path.name, ()), height=height, width=width)
        platelets = tuple(box for box in boxes if box.label == PLATELET)
        found.append(
            TrainingField(path.name, image, white_point(image), erythrocyte_px, truth, ignored, platelets)
        )
    return found
