"""Pictures of errors: the place, its surroundings with finds and boxes, and the detector's channel."""

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import InputError
from cells.records import Detection, RGBImage, WhitePoint
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX
from detector.channels import HAEM, HAEM_ZERO, PADDING, channel_picture
from detector.truth import Box
from evaluation.detection.scan import Error, Scanned
from evaluation.detection.truth import field_image
from evaluation.finds import FieldOutcome
from features.crops import cut_cell
from slides.optics import white_point

TILE = 224
"""Side of each of the three tiles of a picture, in px."""

CLOSE, WIDE = 4.0, 12.0
"""Side of what the close and the wide tile show, in erythrocyte diameters."""

_GAP = 6
_FIND = (184, 67, 0)
_TRUTH = (0, 99, 156)
_PAPER = (255, 255, 255)
_CONTRAST = 2.5
_SURROUNDINGS = 16.0


def error_pictures(scanned: Scanned, errors: Sequence[Error]) -> Iterator[NDArray[np.uint8]]:
    """Draw the pictures of errors, each image being read once for errors that follow each other.

    Parameters
    ----------
    scanned : Scanned
        Fields and finds.
    errors : sequence of Error
        The errors.

    Yields
    ------
    ndarray of shape (224, 684, 3), uint8
        Close tile, wide tile with finds (circles, the error's own thick) and boxes (rectangles), and the
        haemoglobin channel of the close tile; grey where the image cannot be read any more.
    """
    known = -1
    image = np.zeros((1, 1, 3), np.uint8)
    for error in errors:
        field, scale = scanned.fields[error.field], scanned.scales[error.field]
        if error.field != known:
            try:
                image, known = field_image(field), error.field
            except InputError:
                yield np.full((TILE, 3 * TILE + 2 * _GAP, 3), 200, np.uint8)
                continue
        outcome = scanned.outcomes[error.field]
        boxes = (*field.leukocytes, *field.open)
        yield error_picture(image, error, outcome, boxes, erythrocyte_px=scale.erythrocyte_px)


def error_picture(
    image: RGBImage, error: Error, outcome: FieldOutcome, boxes: Sequence[Box], *, erythrocyte_px: float
) -> NDArray[np.uint8]:
    """Draw the picture of one error.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        The field.
    error : Error
        The false find or miss.
    outcome : FieldOutcome
        All finds of the field.
    boxes : sequence of Box
        Boxes of the truth that are drawn.
    erythrocyte_px : float
        Erythrocyte diameter in pixels.

    Returns
    -------
    ndarray of shape (224, 684, 3), uint8
        The three tiles side by side.
    """
    white = white_point(image)
    place = (error.row, error.col)
    close = _tile(image, place, CLOSE * erythrocyte_px, white)
    side = min(WIDE * erythrocyte_px, float(max(image.shape[:2])))
    centre = _inside(image.shape, place, side)
    wide = _tile(image, centre, side, white)
    finds = [find for find, _ in outcome.pairs] + list(outcome.false)
    _draw_marks(wide, centre, TILE / side, finds=finds, boxes=boxes, error=error)
    channel = _channel_tile(image, white, place, erythrocyte_px)
    gap = np.full((TILE, _GAP, 3), 255, np.uint8)
    return np.concatenate([close, gap, wide, gap, channel], axis=1)


def _tile(image: RGBImage, centre: tuple[float, float], side: float, white: WhitePoint) -> NDArray[np.uint8]:
    scale = side * float(CROP_ERYTHROCYTE_PX) / CROP_PX
    return np.array(cut_cell(image, *centre, erythrocyte_px=scale, white=white, size=TILE), np.uint8)


def _inside(shape: tuple[int, ...], centre: tuple[float, float], side: float) -> tuple[float, float]:
    moved = []
    for length, value in zip(shape[:2], centre, strict=True):
        low, high = (side - 1) / 2, length - 1 - (side - 1) / 2
        moved.append((length - 1) / 2 if low > high else min(max(value, low), high))
    return moved[0], moved[1]


def _draw_marks(
    tile: NDArray[np.uint8],
    centre: tuple[float, float],
    scale: float,
    *,
    finds: Sequence[Detection],
    boxes: Sequence[Box],
    error: Error,
) -> None:
    middle = (TILE - 1) / 2

    def at(row: float, col: float) -> tuple[int, int]:
        return round(middle + (col - centre[1]) * scale), round(middle + (row - centre[0]) * scale)

    for box in boxes:
        first, last = at(box.y0 - 0.5, box.x0 - 0.5), at(box.y1 - 0.5, box.x1 - 0.5)
        own = box is error.box or box == error.box
        for colour, thick in ((_PAPER, 4 if own else 3), (_TRUTH, 2 if own else 1)):
            cv2.rectangle(tile, first, last, colour, thick, cv2.LINE_AA)
    for find in finds:
        own = error.kind == "false" and (find.row, find.col) == (error.row, error.col)
        radius = max(3, round(0.5 * float(find.diameter_px) * scale))
        for colour, thick in ((_PAPER, 5 if own else 3), (_FIND, 3 if own else 1)):
            cv2.circle(tile, at(find.row, find.col), radius, colour, thick, cv2.LINE_AA)


def _channel_tile(
    image: RGBImage, white: WhitePoint, place: tuple[float, float], erythrocyte_px: float
) -> NDArray[np.uint8]:
    reach = _SURROUNDINGS * erythrocyte_px
    top, left = (max(0, math.floor(value - reach)) for value in place)
    near = image[top : math.ceil(place[0] + reach) + 1, left : math.ceil(place[1] + reach) + 1]
    place = place[0] - top, place[1] - left
    picture = channel_picture(np.ascontiguousarray(near), white, erythrocyte_px=erythrocyte_px)
    step = CLOSE * erythrocyte_px / TILE
    scales = step / picture.row_step, step / picture.col_step
    middle = (TILE - 1) / 2
    start = [
        (value - middle * step + 0.5) / per_map - 0.5 + PADDING
        for value, per_map in zip(place, (picture.row_step, picture.col_step), strict=True)
    ]
    matrix = np.array([[scales[1], 0.0, start[1]], [0.0, scales[0], start[0]]])
    values = np.clip((picture.maps[HAEM].astype(np.float32) - HAEM_ZERO) * _CONTRAST / 2 + 190, 0, 255)
    tile = cv2.warpAffine(
        values.astype(np.uint8),
        matrix,
        (TILE, TILE),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255,),
    )
    return np.repeat(np.asarray(tile, np.uint8)[..., None], 3, axis=2)
