"""The counting frame: which cells at the border of a field are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.records import Detection, LitArea


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell lies in the counting frame.

    Parameters
    ----------
    at_border : bool
        Whether the image border cuts the cell.
    counted : bool
        Whether the rule counts it.
    """

    at_border: bool
    counted: bool


def place_in_frame(depths: Sequence[float], *, diameter: float) -> Place:
    """Apply the associated-point rule: a cell is counted in the field that its centre lies in.

    Parameters
    ----------
    depths : sequence of float
        For every border that cuts the cell, how far the visible part reaches from that border into the
        field; empty for a whole cell.
    diameter : float
        Diameter of the whole cell, in the same unit.

    Returns
    -------
    Place
        ``counted`` unless less than half of the diameter is visible across a border: the centre of the whole
        cell then lies outside the field.

    References
    ----------
    Gundersen 1977, doi 10.1111/j.1365-2818.1977.tb00062.x, shows the bias of counting whatever is visible.
    The associated-point rule gives every cell the same chance whatever its size, as the forbidden-line rule
    given there does; it differs in keeping cells that are cut by less than half at any border, where the
    forbidden line would drop about a quarter of the cells of a field six erythrocytes wide.
    """
    return Place(at_border=bool(depths), counted=all(depth >= 0.5 * diameter for depth in depths))


RIM = 0.75
"""How far within the lit part of a field the counting frame lies, in erythrocyte diameters."""


def depths_in_light(
    points: NDArray[np.float64], lit: LitArea, *, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Measure how deep points lie in the lit part of a field; the border of the image is no rim.

    Parameters
    ----------
    points : ndarray of shape (K, 2), float64
        Row and column in pixels of the image.
    lit : ndarray of shape (H, W), bool
        The field reduced; True where it is lit (``slides.lamp``).
    shape : tuple of int
        Rows and columns of the image.

    Returns
    -------
    ndarray of shape (K,), float64
        Distance to the dark in pixels of the image; 0 in the dark.
    """
    sides = np.array(lit.shape)
    step = np.array(shape[:2]) / sides
    wide = np.pad(lit, 1, mode="edge").astype(np.uint8)
    depth = cv2.distanceTransform(wide, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    rows, cols = np.clip((points + 0.5) / step, 0, sides - 1).astype(np.intp).T
    return np.asarray(depth[rows, cols] * step.max(), np.float64)


def leave_out_rim(
    finds: Sequence[Detection], lit: LitArea | None, *, shape: tuple[int, ...], erythrocyte_px: float
) -> list[Detection]:
    """Apply the associated-point rule to a field that is lit in part: the frame lies within its rim.

    Parameters
    ----------
    finds : sequence of Detection
        Finds of the field.
    lit : ndarray of shape (H, W), bool, or None
        The field reduced; True where it is lit (``slides.lamp``); None where it is lit all over.
    shape : tuple of int
        Rows and columns of the image.
    erythrocyte_px : float
        Erythrocyte diameter in pixels of the image, above 0.

    Returns
    -------
    list of Detection
        The finds whose centres are lit, in their order; those less than `RIM` erythrocyte diameters from the
        dark are at the border and not counted. Cells that the rim cuts a little are still found in their
        place there, so that small and large cells have the same chance.
    """
    if lit is None:
        return list(finds)
    points = np.array([(find.row, find.col) for find in finds], np.float64).reshape(-1, 2)
    depths = depths_in_light(points, lit, shape=shape).tolist()
    inner = RIM * erythrocyte_px
    return [
        find if depth >= inner else replace(find, at_border=True, counted=False)
        for find, depth in zip(finds, depths, strict=True)
        if depth > 0
    ]
