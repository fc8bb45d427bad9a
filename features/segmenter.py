"""Nucleus and cell of crops by a small network, run by LiteRT, with the classical route to fall back on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.litert import ImageNetwork
from cells.model_files import open_model
from cells.records import RGBImage, WhitePoint
from cells.units import CROP_PX
from features.components import box_of, components, grown
from features.segmentation import Mask, Masks, Quality, segment
from slides.optics import optical_density

ANSWERS = ("background", "cytoplasm", "nucleus")
"""What the network tells apart, in the order of its logits."""

_BATCH = 8
_DISC = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_LEAST_CELL_PX, _LEAST_NUCLEUS_PX = 150, 25
_SPECK_SHARE, _HOLE_PX = 0.04, 30
_HOLE_MARGIN_PX = 6
_LEAST_EXPECTED_DICE = 0.92
_AXIS = np.arange(CROP_PX, dtype=np.float32) - np.float32((CROP_PX - 1) / 2)
_NEARNESS = np.exp(-(_AXIS[:, None] ** 2 + _AXIS[None] ** 2) / (2 * 24.0**2))


class Segmenter(Protocol):
    """Anything that finds nucleus and cell in crops, for several threads at once."""

    def segment_all(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> list[Masks]:
        """Return the masks of N crops, shape (N, 112, 112, 3), with white points, shape (N, 3)."""
        ...


class ClassicalSegmenter:
    """The route of ``features.segmentation``: thresholds that follow the stain, and a contour."""

    name = "classical"

    def segment_all(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> list[Masks]:
        """Find nucleus and cell in each crop.

        Parameters
        ----------
        crops : ndarray of shape (N, 112, 112, 3), uint8
            RGB squares of 27 µm with the cell in the middle.
        whites : ndarray of shape (N, 3), float64
            Colour of the empty slide for each crop.

        Returns
        -------
        list of Masks
            One for each crop, in their order.

        Raises
        ------
        UsageError
            Where the crops have another shape.
        """
        return [segment(crop, white) for crop, white in zip(crops, whites, strict=True)]


class NetworkSegmenter:
    """A network that tells background, cytoplasm and nucleus apart in each pixel of a crop."""

    name = "network"

    def __init__(self, network: bytes, *, side_px: int = CROP_PX, threads: int = 2) -> None:
        """Build the first interpreter.

        Parameters
        ----------
        network : bytes
            LiteRT model, input (N, side_px, side_px, 3) of optical density, output
            (N, side_px, side_px, 3) of logits in the order of ``ANSWERS``.
        side_px : int
            Side of the input, px.
        threads : int
            Threads at work at most, each with an interpreter of its own; masks do not depend on it.

        Raises
        ------
        ModelError
            Where the bytes are no LiteRT model of that form.
        """
        self._network, self._side, self._threads = network, side_px, threads
        self._idle: SimpleQueue[_Runner] = SimpleQueue()
        self._idle.put(_Runner(network, side_px))
        self._built, self._building = 1, Lock()

    @classmethod
    def load(cls, folder: Path) -> "NetworkSegmenter":
        """Load a model folder whose hashes are right.

        Parameters
        ----------
        folder : Path
            Holds ``manifest.json`` and the network.

        Returns
        -------
        NetworkSegmenter

        Raises
        ------
        ModelError
            Where the model is missing, altered, or of another kind or form.
        """
        model = open_model(folder, kind="segmenter")
        side = model.manifest.get("input_px")
        if model.manifest.get("answers") != list(ANSWERS) or not isinstance(side, int) or side < 16:
            raise ModelError(f"model {folder.name}: its manifest does not suit this version; train it again")
        return cls(model.weights, side_px=side)

    def segment_all(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> list[Masks]:
        """Find nucleus and cell in each crop; see ``ClassicalSegmenter.segment_all``.

        The network sees each crop as it is and turned by half a turn; its answers are averaged.
        """
        parts = [slice(start, start + _BATCH) for start in range(0, len(crops), _BATCH)]
        if len(parts) == 1:
            return self._segment(crops, whites)
        with ThreadPoolExecutor(self._threads) as threads:
            found = threads.map(lambda part: self._segment(crops[part], whites[part]), parts)
            return list(chain.from_iterable(found))

    def _segment(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> list[Masks]:
        answers = self.logits(crops, whites)
        return [masks_from_logits(*cell) for cell in zip(answers, crops, whites, strict=True)]

    def logits(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the network's answers for each pixel, shape (N, side_px, side_px, 3), float32.

        They are the mean over the crop as it is and turned by half a turn.
        """
        batch = np.empty((len(crops), self._side, self._side, 3), np.float32)
        for index, (crop, white) in enumerate(zip(crops, whites, strict=True)):
            small = crop
            if len(crop) != self._side:
                size = (self._side, self._side)
                small = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR), np.uint8)
            batch[index] = optical_density(small, white)
        runner = self._borrow()
        try:
            return half_turn_mean(runner.answer, batch)
        finally:
            self._idle.put(runner)

    def _borrow(self) -> "_Runner":
        with suppress(Empty):
            return self._idle.get_nowait()
        with self._building:
            if self._built < self._threads:
                self._built += 1
                return _Runner(self._network, self._side)
        return self._idle.get()


class _Runner:
    """The network, for one thread at a time."""

    def __init__(self, network: bytes, side_px: int) -> None:
        self._network = ImageNetwork(
            network,
            refusal="the segmenter is no LiteRT model of the expected form",
            remedy="install leukoformula again",
            size=(side_px, side_px),
        )
        self._output, shape = next(iter(self._network.outputs.items()))
        if shape != (1, side_px, side_px, len(ANSWERS)):
            raise ModelError(f"the segmenter answers {shape}; install leukoformula again")

    def answer(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._network.run(batch, self._output)[0]


def half_turn_mean(
    answer: Callable[[NDArray[np.float32]], NDArray[np.float32]], inputs: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return a network's answers, averaged over crops as they are and turned by half a turn.

    Parameters
    ----------
    answer : callable
        From inputs to answers, both of shape (N, M, M, 3).
    inputs : ndarray of shape (N, M, M, 3), float32
        Crops.

    Returns
    -------
    ndarray of shape (N, M, M, 3), float32
    """
    mean = _turned(answer(_turned(inputs)))
    mean += answer(inputs)
    mean *= np.float32(0.5)
    return mean


def _turned(images: NDArray[np.float32]) -> NDArray[np.float32]:
    turned = np.empty(images.shape, np.float32)
    for image, half_turn in zip(images, turned, strict=True):
        cv2.flip(image, -1, dst=half_turn)
    return turned


def masks_from_logits(logits: NDArray[np.float32], crop: RGBImage, white: WhitePoint) -> Masks:
    """Turn a network's answers into the masks of the cell in the middle; every crop gets masks.

    Parameters
    ----------
    logits : ndarray of shape (M, M, 3), float32
        Answers for each pixel, in the order of ``ANSWERS``.
    crop : ndarray of shape (112, 112, 3), uint8
        RGB square of 27 µm, for the classical route where the network sees no cell.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.

    Returns
    -------
    Masks
        The cell is the connected part, after opening with a disc of 2 px radius, with most of its area near
        the middle. The quality is ``fallback``
        where there was none, ``no_nucleus`` where the nucleus is that of the classical route,
        ``uncertain`` where the network's own probabilities lead to expect a Dice coefficient of cell or
        nucleus below 0.92.
    """
    if len(logits) != CROP_PX:
        logits = np.asarray(cv2.resize(logits, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR))
    background, cytoplasm, core = planes = np.ascontiguousarray(logits.transpose(2, 0, 1))
    odds = np.exp(planes - np.maximum(np.maximum(background, cytoplasm), core))
    total = odds[0] + odds[1] + odds[2]
    p_nucleus = odds[2] / total
    p_cell = p_nucleus + odds[1] / total
    cell = _middle_part(np.asarray(cv2.morphologyEx((p_cell > 0.5).view(np.uint8), cv2.MORPH_OPEN, _DISC)))
    if cell is None:
        masks = segment(crop, white)
        return Masks(masks.nucleus, masks.cell, Quality.FALLBACK)
    nucleus = _without_specks((core > cytoplasm) & cell, cell)
    quality = Quality.GOOD
    if nucleus is None:
        quality = Quality.NO_NUCLEUS
        nucleus = segment(crop, white).nucleus & cell
        if not nucleus.any():
            nucleus = cell.copy()
    elif cell[0].any() or cell[-1].any() or cell[:, 0].any() or cell[:, -1].any():
        quality = Quality.AT_BORDER
    elif min(_expected_dice(p_cell, cell), _expected_dice(p_nucleus, nucleus)) < _LEAST_EXPECTED_DICE:
        quality = Quality.UNCERTAIN
    return Masks(nucleus, cell, quality)


def _middle_part(mask: NDArray[np.uint8]) -> Mask | None:
    labels, areas = components(mask, connectivity=4)
    weight = np.bincount(labels.ravel(), weights=_NEARNESS.ravel(), minlength=len(areas))
    weight[areas < _LEAST_CELL_PX] = 0
    weight[0] = 0
    chosen = int(np.argmax(weight))
    if not weight[chosen] > 0:
        return None
    return _filled(labels == chosen)


def _filled(part: Mask) -> Mask:
    box = box_of(part)
    labels, areas = components(~part[box], connectivity=4)
    enclosed = np.ones(len(areas), bool)
    enclosed[0] = False
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        enclosed[edge] = False
    if enclosed.any():
        part[box] |= enclosed[labels]
    return part


def _without_specks(mask: Mask, cell: Mask) -> Mask | None:
    box = grown(box_of(cell), _HOLE_MARGIN_PX)
    labels, areas = components(np.ascontiguousarray(mask[box]), connectivity=4)
    if len(areas) == 1 or areas[1:].max() < _LEAST_NUCLEUS_PX:
        return None
    keep = areas >= max(_LEAST_NUCLEUS_PX / 2, _SPECK_SHARE * areas[1:].max())
    keep[0] = False
    kept = keep[labels]
    holes, areas = components(~kept, connectivity=4)
    small = areas < _HOLE_PX
    small[0] = False
    nucleus = np.zeros(mask.shape, bool)
    nucleus[box] = kept | (small[holes] & cell[box])
    return nucleus


def _expected_dice(probabilities: NDArray[np.float32], mask: Mask) -> float:
    box = box_of(mask)
    inside = float(probabilities[box][mask[box]].sum())
    return 2 * inside / (int(np.count_nonzero(mask)) + float(probabilities.sum()))
