"""The crops that segmenters are trained on, each with the answers that are allowed for each of its pixels.

An answer is a bit: ``BACKGROUND``, ``CYTOPLASM`` or ``NUCLEUS``. A pixel of which only the cell is known
allows both answers of the cell, and a pixel of which nothing is known allows all three: it teaches nothing.
"""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, InputError
from cells.records import RGBImage, WhitePoint
from cells.vocabulary import CellClass
from classifiers.manifest import Sample, read_manifest
from classifiers.training_data import read_crops
from features.crops import cut_cell
from features.segmentation import Mask, Quality, segment
from slides.optics import MAX_DENSITY, optical_density, white_point
from slides.synthetic import draw_cell_with_masks

BACKGROUND, CYTOPLASM, NUCLEUS = 1, 2, 4
"""Bits of the answers."""

CELL = CYTOPLASM | NUCLEUS
"""What a pixel of the cell allows where nucleus and cytoplasm were not told apart."""

Answers = NDArray[np.uint8]

_NUCLEUS_LEVEL, _CELL_LEVEL = 200, 60
_LEUKOCYTES = (
    CellClass.NEUTROPHIL_BAND,
    CellClass.NEUTROPHIL_SEGMENTED,
    CellClass.EOSINOPHIL,
    CellClass.BASOPHIL,
    CellClass.LYMPHOCYTE,
    CellClass.MONOCYTE,
    CellClass.IMMATURE_GRANULOCYTE,
    CellClass.ERYTHROBLAST,
)
_NOT_CELLS = {CellClass.PLATELET, CellClass.ARTEFACT, CellClass.GIANT_PLATELET}
_OTHER_STAINS = (
    np.array([[0.85, 0.10, 0.05], [0.15, 0.70, 0.15], [0.05, 0.10, 0.85]]),
    np.array([[1.20, 0.00, 0.00], [0.10, 1.00, 0.20], [0.00, 0.20, 0.80]]),
)


class MaskedCell(NamedTuple):
    """A crop with masks drawn by hand; ``nucleus`` is None where only the cell was drawn."""

    name: str
    crop: RGBImage
    white: WhitePoint
    nucleus: Mask | None
    cell: Mask


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationData:
    """Crops for training a segmenter.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops.
    whites : ndarray of shape (N, 3), float32
        Colour of the empty slide in each crop.
    answers : ndarray of shape (N, 112, 112), uint8
        Allowed answers of each pixel, bits.
    sources : ndarray of shape (N,), str
        Name of the source of each crop.
    """

    crops: NDArray[np.uint8]
    whites: NDArray[np.float32]
    answers: Answers
    sources: NDArray[np.str_]


def masked_cells(
    folder: Path, *, erythrocyte_px: float, whole_cell_only: bool, on_box: bool
) -> Iterator[MaskedCell]:
    """Read images and the masks drawn by hand that lie in ``images`` and ``masks`` of a folder.

    Parameters
    ----------
    folder : Path
        Folder of the set.
    erythrocyte_px : float
        Erythrocyte diameter in its images, px.
    whole_cell_only : bool
        Whether the masks tell only the cell; otherwise white is nucleus and grey cytoplasm.
    on_box : bool
        Whether the middle of a crop is that of the mask's bounding box, as a detector would give it;
        otherwise that of the image.

    Yields
    ------
    MaskedCell
        Crop and masks, resampled alike, in the order of the file names.

    Raises
    ------
    DataError
        Where the folder holds no images.
    InputError
        Where a file cannot be read.
    """
    paths = sorted((folder / "images").glob("*.*"))
    if not paths:
        raise DataError(f"no images in {folder / 'images'}; check the folder given with --data")
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        drawn = cv2.imread(str(folder / "masks" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        if image is None or drawn is None:
            raise InputError(f"cannot read {path} or its mask; check the folder given with --data")
        picture, levels = np.asarray(image, np.uint8), np.asarray(drawn, np.uint8)
        centre = (picture.shape[0] - 1) / 2, (picture.shape[1] - 1) / 2
        if on_box:
            rows, cols = np.nonzero(levels > _CELL_LEVEL)
            centre = float(rows.min() + rows.max()) / 2, float(cols.min() + cols.max()) / 2
        white = white_point(picture)
        yield MaskedCell(
            path.stem,
            cut_cell(picture, *centre, erythrocyte_px=erythrocyte_px, white=white),
            white,
            None if whole_cell_only else _cut_mask(levels > _NUCLEUS_LEVEL, centre, erythrocyte_px),
            _cut_mask(levels > _CELL_LEVEL, centre, erythrocyte_px),
        )


def _cut_mask(mask: Mask, centre: tuple[float, float], erythrocyte_px: float) -> Mask:
    picture = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    cut = cut_cell(picture, *centre, erythrocyte_px=erythrocyte_px, white=np.zeros(3))
    return np.asarray(cut[..., 0] > 127)


def agreed_answers(crop: RGBImage, white: WhitePoint, *, least_agreement: float) -> Answers | None:
    """Segment a crop by the classical route as it is and as two other stains would show it.

    Parameters
    ----------
    crop : ndarray of shape (112, 112, 3), uint8
        RGB crop.
    white : ndarray of shape (3,), float64
        Colour of the empty slide.
    least_agreement : float
        Least Dice coefficient of each other stain's nucleus and cell with those of the crop as it is.

    Returns
    -------
    ndarray of shape (112, 112), uint8, or None
        Every answer that one of the three gave for a pixel; None where they disagree, where no nucleus stood
        out, where the cell reaches the border, or where it has an implausible size.
    """
    first = segment(crop, white)
    area = int(first.cell.sum())
    if first.quality is not Quality.GOOD or not 350 < area < 6500 or first.nucleus.sum() < 0.12 * area:
        return None
    answers = _answers(first.nucleus, first.cell)
    for mixing in _OTHER_STAINS:
        density = np.clip(optical_density(crop, white) @ mixing.T, 0.0, MAX_DENSITY)
        soft = cv2.GaussianBlur(density, (0, 0), 0.8)
        other = segment(np.clip(np.rint(240.0 * 10.0**-soft), 0, 255).astype(np.uint8), np.full(3, 240.0))
        if _dice(first.cell, other.cell) < least_agreement:
            return None
        if _dice(first.nucleus, other.nucleus) < least_agreement:
            return None
        answers |= _answers(other.nucleus, other.cell)
    return answers


def _answers(nucleus: Mask, cell: Mask) -> Answers:
    return np.where(nucleus, NUCLEUS, np.where(cell, CYTOPLASM, BACKGROUND)).astype(np.uint8)


def _dice(first: Mask, second: Mask) -> float:
    return 2.0 * float((first & second).sum()) / float(max(first.sum() + second.sum(), 1))


_Cell = tuple[RGBImage, WhitePoint, Answers]


def drawn_cell(task: tuple[int, int]) -> tuple[RGBImage, WhitePoint, Answers]:
    """Draw a synthetic cell; the classes take turns.

    Parameters
    ----------
    task : tuple of 2 ints
        Seed, and number of the cell.

    Returns
    -------
    tuple of ndarray
        Crop, white point and answers.
    """
    seed, index = task
    rng = np.random.default_rng([seed, 11, index])
    crop, nucleus, cell = draw_cell_with_masks(_LEUKOCYTES[index % len(_LEUKOCYTES)], rng=rng)
    return crop, white_point(crop), _answers(nucleus, cell)


def _pseudo_labelled(task: tuple[Sample, float]) -> _Cell | None:
    sample, least_agreement = task
    crop = read_crops([sample])[0]
    white = white_point(crop)
    answers = agreed_answers(crop, white, least_agreement=least_agreement)
    if answers is None:
        return None
    return crop, white, _nucleus_unknown(answers) if sample.label is CellClass.BASOPHIL else answers


def _candidates(folder: Path, count: int, seed: int) -> list[Sample]:
    samples = [s for s in read_manifest(folder / "manifest.csv", {"train"}) if s.label not in _NOT_CELLS]
    if not samples:
        raise DataError(f"{folder} holds no cell of the split train; check the folder given with --data")
    rng = np.random.default_rng([seed, 12])
    return list(itertools.islice(_evenly(samples, rng), count))


def _nucleus_unknown(answers: Answers) -> Answers:
    return np.where(answers & CELL, answers | CELL, answers).astype(np.uint8)


def _evenly(samples: list[Sample], rng: np.random.Generator) -> Iterator[Sample]:
    piles: dict[str, list[Sample]] = {}
    for index in rng.permutation(len(samples)).tolist():
        piles.setdefault(str(samples[index].label), []).append(samples[index])
    while piles:
        for label in sorted(piles):
            yield piles[label].pop()
            if not piles[label]:
                del piles[label]


def hand_drawn_answers(item: MaskedCell, *, least_agreement: float) -> Answers | None:
    """Return the answers that a mask of the whole cell allows, the nucleus told where it is beyond doubt.

    Parameters
    ----------
    item : MaskedCell
        Crop and cell.
    least_agreement : float
        Least Dice coefficient of the classical route's cell with the drawn one for its nucleus to count.

    Returns
    -------
    ndarray of shape (112, 112), uint8, or None
        Allowed answers; None where the mask holds a second cell.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(item.cell.astype(np.uint8))
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])
    if len(areas) > 1 and areas[-2] > 0.03 * areas[-1]:
        return None
    answers = np.where(item.cell, CELL, BACKGROUND).astype(np.uint8)
    classical = agreed_answers(item.crop, item.white, least_agreement=least_agreement)
    if classical is not None and _dice((classical & CELL) > 0, item.cell) >= least_agreement:
        inner = answers & np.where(classical == BACKGROUND, CELL, classical & CELL)
        answers = np.where(item.cell, inner, BACKGROUND).astype(np.uint8)
    return _nucleus_unknown(answers) if item.name.startswith("baso") else answers


def load_segmentation_data(
    settings: dict[str, Any], *, data: Path, workers: int = 1, log: Callable[[str], None]
) -> SegmentationData:
    """Read and draw every source that the settings name.

    Parameters
    ----------
    settings : dict
        The settings file; its table ``sources`` gives the number of cells drawn, or tried, of each source,
        ``bcisc`` apart.
    data : Path
        Folder that holds the data sets by name.
    workers : int
        Number of processes; the result does not depend on it.
    log : callable
        Takes one line of progress.

    Returns
    -------
    SegmentationData

    Raises
    ------
    DataError, InputError
        Where a source is missing or faulty.
    """
    seed = settings["seed"]
    cells: list[_Cell] = []
    names: list[str] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for name, count in settings["sources"].items():
            if name == "synthetic":
                drawn = pool.map(drawn_cell, [(seed, index) for index in range(count)], chunksize=32)
                found = list(drawn)
            else:
                tasks = [(s, settings["least_agreement"]) for s in _candidates(data / name, count, seed)]
                tried = pool.map(_pseudo_labelled, tasks, chunksize=32)
                found = [cell for cell in tried if cell is not None]
            cells += found
            names += [name] * len(found)
            log(f"{name}: {len(found)} crops with masks of {count}")
    crops, whites, answers = zip(*cells, strict=True)
    return SegmentationData(
        np.stack(crops), np.stack(whites).astype(np.float32), np.stack(answers), np.array(names)
    )


def load_hand_drawn(settings: dict[str, Any], *, data: Path) -> tuple[SegmentationData, list[MaskedCell]]:
    """Read ``bcisc``.

    Parameters
    ----------
    settings : dict
        The settings file.
    data : Path
        Folder that holds the data sets by name.

    Returns
    -------
    SegmentationData
        The crops with usable masks; ``sources`` holds their file names.
    list of MaskedCell
        All of them.

    Raises
    ------
    DataError, InputError
        Where the set is missing or faulty.
    """
    items = list(
        masked_cells(
            data / "bcisc", erythrocyte_px=settings["bcisc_erythrocyte_px"], whole_cell_only=True, on_box=True
        )
    )
    least = settings["least_agreement"]
    pairs = [(i, a) for i in items if (a := hand_drawn_answers(i, least_agreement=least)) is not None]
    return SegmentationData(
        np.stack([item.crop for item, _ in pairs]),
        np.stack([item.white.astype(np.float32) for item, _ in pairs]),
        np.stack([allowed for _, allowed in pairs]),
        np.array([item.name for item, _ in pairs]),
    ), items
