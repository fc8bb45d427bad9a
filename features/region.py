"""What all families of measures share: the cell taken apart into densities, masks and outlines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_PX, CROP_UM
from features.components import box_of, components, grown
from features.segmentation import Mask, Masks
from slides.optics import optical_density

UM_PER_PX = CROP_UM / CROP_PX
"""Pixel size of a crop, µm per px."""

_MARGIN_PX = 14
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_MIN_REGION_PX = 12
_SURROUND_DENSITY = 0.15


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the feature vector.

    Parameters
    ----------
    name : str
        Identifier, lower case.
    formula : str
        How it is computed.
    unit : str
        ``µm``, ``µm²``, ``OD``, ``rad``, ``count`` or ``ratio``.
    meaning : str
        What a morphologist reads from it.
    source : str
        Publication or ``this project``.
    """

    name: str
    formula: str
    unit: str
    meaning: str
    source: str


@dataclass(frozen=True, eq=False)
class Part:
    """The pixels of one mask, in the order of its rows.

    Parameters
    ----------
    mask : ndarray of shape (M, N), bool
        The pixels.
    densities : ndarray of shape (M, N, 3), float32
        Optical density.
    colours : ndarray of shape (M, N, 3), uint8
        RGB with the white point brought to white.
    """

    mask: Mask
    densities: NDArray[np.float32]
    colours: NDArray[np.uint8]

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Places of the K pixels in the flattened mask, shape (K,)."""
        return np.flatnonzero(self.mask)

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """Densities, shape (K, 3), float32."""
        return self.densities.reshape(-1, 3).take(self.places, axis=0)

    @cached_property
    def density(self) -> NDArray[np.float64]:
        """Densities by channel, shape (3, K), float64."""
        return np.ascontiguousarray(self.pixels.T, np.float64)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Mean density by channel, shape (3,), float64."""
        return np.asarray(self.density.mean(axis=1), np.float64)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """CIE L*a*b* with the white point brought to white, shape (K, 3), float32."""
        balanced = self.colours.reshape(1, -1, 3).take(self.places, axis=1)
        scaled = np.asarray(balanced, np.float32) / np.float32(255)
        return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)

    @cached_property
    def lab_mean(self) -> NDArray[np.float64]:
        """Mean of ``lab``, shape (3,), float64."""
        return np.array(cv2.mean(self.lab[None])[:3])

    @cached_property
    def box(self) -> tuple[slice, slice]:
        """The least rows and columns that hold the mask."""
        return box_of(self.mask)


@dataclass(frozen=True, eq=False)
class Region:
    """A crop with its masks; what several measures need is worked out once, at the first need.

    All arrays but ``surround`` share one window around the cell.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        The whole crop.
    masks : Masks
        Nucleus and cell in the whole crop.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    window : tuple of slice
        Rows and columns of the window.
    """

    crop: RGBImage
    masks: Masks
    white: WhitePoint
    window: tuple[slice, slice]

    @cached_property
    def density(self) -> NDArray[np.float32]:
        """Optical density against the white point, shape (M, N, 3), float32."""
        return optical_density(self.crop[self.window], self.white)

    @cached_property
    def green(self) -> NDArray[np.float32]:
        """Optical density in green, shape (M, N), float32."""
        return np.ascontiguousarray(self.density[..., 1])

    @cached_property
    def nucleus(self) -> Part:
        """The nucleus."""
        return self._part(np.ascontiguousarray(self.masks.nucleus[self.window]))

    @cached_property
    def cell(self) -> Part:
        """The cell."""
        return self._part(np.ascontiguousarray(self.masks.cell[self.window]))

    @cached_property
    def cytoplasm(self) -> Part:
        """The cell without nucleus and a rim of 1 px, or its outermost part where hardly any is free."""
        return self._part(_cytoplasm(self.cell.mask, self.from_nucleus, self.cell_depth))

    @cached_property
    def surround(self) -> NDArray[np.float32]:
        """Densities of the stained pixels of the whole crop 2 px or more outside the cell, shape (K, 3)."""
        density = optical_density(self.crop, self.white)
        return density[_outside(self.masks.cell) & (_sum(density) > _SURROUND_DENSITY)]

    @cached_property
    def surround_share(self) -> float:
        """Pixels of ``surround`` over those outside the cell."""
        return len(self.surround) / max(self.masks.cell.size - int(np.count_nonzero(self.masks.cell)), 1)

    @cached_property
    def from_nucleus(self) -> NDArray[np.float32]:
        """Distance of each pixel to the nucleus, px, shape (M, N), float32."""
        return _distance(~self.nucleus.mask, border=False)

    @cached_property
    def nucleus_depth(self) -> NDArray[np.float32]:
        """Distance of each pixel of the nucleus to the nearest outside it, px, shape (M, N), float32."""
        return _distance(self.nucleus.mask)

    @cached_property
    def cell_depth(self) -> NDArray[np.float32]:
        """Distance of each pixel of the cell to the nearest outside it, px, shape (M, N), float32."""
        return _distance(self.cell.mask)

    @cached_property
    def _parted(self) -> tuple[tuple[NDArray[np.int32], ...], NDArray[np.float64]]:
        return _segments(self.nucleus)

    @property
    def segments(self) -> tuple[NDArray[np.int32], ...]:
        """Outlines of the nuclear segments, largest first, as ``cv2.findContours`` gives them."""
        return self._parted[0]

    @property
    def segment_areas(self) -> NDArray[np.float64]:
        """Areas of the segments in pixels, in the same order, shape (S,), float64."""
        return self._parted[1]

    @cached_property
    def outline(self) -> NDArray[np.int32]:
        """Outline of the cell, shape (K, 1, 2), int32."""
        return _outlines(self.cell.mask)[0]

    @cached_property
    def _colours(self) -> NDArray[np.uint8]:
        return _balanced(self.crop[self.window], self.white)

    def _part(self, mask: Mask) -> Part:
        return Part(mask, self.density, self._colours)


@dataclass(frozen=True, slots=True)
class Group:
    """Features that one function measures.

    Parameters
    ----------
    names : frozenset of str
        Their names.
    measure : callable
        From a prepared crop to one finite value for each name.
    """

    names: frozenset[str]
    measure: Callable[[Region], dict[str, float]]


def named(features: Iterable[Feature], *starts: str) -> frozenset[str]:
    """Return the names of the features that start with one of some texts."""
    return frozenset(feature.name for feature in features if feature.name.startswith(starts))


def prepare(crop: RGBImage, masks: Masks, white: WhitePoint) -> Region:
    """Take a crop apart for measuring.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm.
    masks : Masks
        Its nucleus and cell; neither may be empty.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.

    Returns
    -------
    Region

    Raises
    ------
    UsageError
        Where shapes differ, a mask is empty, or the nucleus reaches out of the cell.
    """
    nucleus, cell = masks.nucleus, masks.cell
    if not crop.shape[:2] == nucleus.shape == cell.shape == (CROP_PX, CROP_PX):
        raise UsageError("measure: crop and masks must measure 112 by 112 px; cut the crop with cut_cell")
    if not nucleus.any() or (nucleus & ~cell).any():
        raise UsageError("measure: the nucleus is empty or outside the cell; take the masks from segment")
    return Region(crop, masks, white, grown(box_of(np.ascontiguousarray(cell)), _MARGIN_PX))


def quantiles(values: NDArray[np.floating], shares: tuple[float, ...]) -> list[float]:
    """Return quantiles with linear interpolation, as ``numpy.quantile`` does, faster for few values.

    Parameters
    ----------
    values : ndarray of shape (N,), float
        At least one finite value.
    shares : tuple of float
        0 to 1.

    Returns
    -------
    list of float
        One for each share.
    """
    ordered = np.sort(values)
    last = len(ordered) - 1
    found = []
    for share in shares:
        place = share * last
        low = int(place)
        high = min(low + 1, last)
        found.append(float(ordered[low]) + (place - low) * float(ordered[high] - ordered[low]))
    return found


def _outside(cell: Mask) -> Mask:
    return np.asarray(cv2.dilate(cell.astype(np.uint8), _DISC) == 0)


def _sum(density: NDArray[np.float32]) -> NDArray[np.float32]:
    return density[..., 0] + density[..., 1] + density[..., 2]


def _distance(mask: Mask, *, border: bool = True) -> NDArray[np.float32]:
    if not border:
        away = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        return np.asarray(away, np.float32)
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(inside[1:-1, 1:-1], np.float32)


def _cytoplasm(cell: Mask, from_nucleus: NDArray[np.float32], cell_depth: NDArray[np.float32]) -> Mask:
    free = cell & (from_nucleus > 1.5) & (cell_depth > 1)
    if np.count_nonzero(free) >= _MIN_REGION_PX:
        return free
    free = cell & (from_nucleus > 0)
    if np.count_nonzero(free) >= _MIN_REGION_PX:
        return free
    return cell & (cell_depth <= 2)


def _balanced(crop: RGBImage, white: WhitePoint) -> NDArray[np.uint8]:
    levels = np.arange(256, dtype=np.float64)[:, None] / white
    table = np.rint(255 * np.minimum(levels, 1)).astype(np.uint8)[None]
    return np.asarray(cv2.LUT(np.ascontiguousarray(crop), np.ascontiguousarray(table)), np.uint8)


def _outlines(mask: Mask, offset: tuple[int, int] = (0, 0)) -> list[NDArray[np.int32]]:
    found, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=offset)
    contours = [np.asarray(contour, np.int32).reshape(-1, 1, 2) for contour in found]
    return sorted(contours, key=len, reverse=True)


def _segments(nucleus: Part) -> tuple[tuple[NDArray[np.int32], ...], NDArray[np.float64]]:
    rows, cols = nucleus.box
    labels, counted = components(np.ascontiguousarray(nucleus.mask[rows, cols]), connectivity=8)
    areas = counted[1:].astype(np.float64)
    order = np.argsort(-areas, kind="stable")
    outlines = (_outlines(labels == 1 + k, (cols.start, rows.start))[0] for k in order)
    return tuple(outlines), areas[order]
