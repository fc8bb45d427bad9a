"""Whether images of single cells have colours, and the order of them and scale that they are read with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cells.errors import CalibrationError
from cells.records import RGBImage, WhitePoint
from cells.units import BOXED_PER_EDGE, Pixels
from slides.calibration import pooled_diameter
from slides.channel_order import SWAPPED_SHARE, at_working_scale, measure_order, share_swapped
from slides.erythrocytes import ErythrocyteMeasure, measure_erythrocytes
from slides.scale_check import DOUBTFUL, SURE_ERYTHROCYTES, deviation
from slides.screening import is_grey

SAMPLED = 30
"""Number of images that are looked at, evenly spread over what there is."""

_GOLDEN = 0.6180339887498949
_ENOUGH_OUTLINES = 90

CropImage = tuple[RGBImage, WhitePoint, float]
"""An image of one cell, the colour of its empty slide and the diameter stated of its erythrocytes, px."""


@dataclass(frozen=True, slots=True, eq=False)
class CropMeasure:
    """What one image of a cell tells.

    Parameters
    ----------
    order : float or None
        What `slides.channel_order.measure_order` says; None where the image does not tell.
    erythrocytes : ErythrocyteMeasure
        Its erythrocytes, in units of the diameter that is stated of them.
    grey : bool
        Whether it has no colours.
    """

    order: float | None
    erythrocytes: ErythrocyteMeasure
    grey: bool = False


@dataclass(frozen=True, slots=True)
class CropDoubts:
    """What speaks against the images of single cells as they are read.

    Parameters
    ----------
    swapped : bool
        Whether red and blue seem to be swapped.
    size : float or None
        Diameter of the erythrocytes over that stated; None where it suits or too few outlines tell.
    outlines : int
        Outlines that the diameter rests on; 0 without one.
    grey : bool
        Whether half of the images or more have no colours.
    """

    swapped: bool
    size: float | None
    outlines: int
    grey: bool = False


def measure_crop(image: RGBImage, white: WhitePoint, erythrocyte_px: float) -> CropMeasure:
    """Measure colours and erythrocytes of an image of one cell.

    Parameters
    ----------
    image : ndarray of shape (M, N, 3), uint8
        RGB image.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    erythrocyte_px : float
        Diameter stated, as a box around an erythrocyte measures it, px, above 0.

    Returns
    -------
    CropMeasure
    """
    grey = is_grey(image)
    image, erythrocyte_px = at_working_scale(image, erythrocyte_px)
    found = measure_erythrocytes(image, white)
    per_edge = BOXED_PER_EDGE / erythrocyte_px
    told = None if found.diameter_px is None else Pixels(found.diameter_px * per_edge)
    scaled = replace(found, diameter_px=told, diameters=found.diameters * per_edge)
    return CropMeasure(measure_order(image, white, erythrocyte_px / BOXED_PER_EDGE), scaled, grey)


def doubts_of(measures: Sequence[CropMeasure]) -> CropDoubts:
    """Sum up what a sample of the images tells.

    Parameters
    ----------
    measures : sequence of CropMeasure
        One for each image of the sample.

    Returns
    -------
    CropDoubts
        A size is given from a factor of `slides.scale_check.DOUBTFUL` on, where at least
        `slides.scale_check.SURE_ERYTHROCYTES` outlines agree on it.
    """
    swapped = share_swapped(measure.order for measure in measures) >= SWAPPED_SHARE
    grey = 0 < len(measures) <= 2 * sum(measure.grey for measure in measures)
    try:
        size, outlines = pooled_diameter([measure.erythrocytes for measure in measures])
    except CalibrationError:
        return CropDoubts(swapped, None, 0, grey)
    if outlines < SURE_ERYTHROCYTES or deviation(1.0, size) < DOUBTFUL:
        return CropDoubts(swapped, None, 0, grey)
    return CropDoubts(swapped, size, outlines, grey)


def check_crops(images: Sequence[CropImage]) -> CropDoubts:
    """Look at a sample of images until its erythrocytes tell enough.

    Parameters
    ----------
    images : sequence of (RGBImage, WhitePoint, float)
        The sample, about `SAMPLED` images; they are looked at spread over the list, no more than are needed.

    Returns
    -------
    CropDoubts
    """
    measures, outlines = [], 0
    for number in sorted(range(len(images)), key=lambda number: number * _GOLDEN % 1.0):
        measures.append(measure_crop(*images[number]))
        outlines += measures[-1].erythrocytes.count
        if outlines >= _ENOUGH_OUTLINES:
            break
    return doubts_of(measures)
