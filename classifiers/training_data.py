"""The crops that classifiers are trained on, read into memory with their targets and draw weights."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.units import CROP_ERYTHROCYTE_PX, CROP_PX
from cells.vocabulary import CLASSIFIED
from classifiers.labels import allowed_answers
from classifiers.manifest import Sample, read_manifest
from classifiers.published_sets.bcisc import read_bcisc
from features.segmenter import NetworkSegmenter
from slides.optics import white_point
from slides.synthetic import Stain, draw_cell

_HOLD_OUT = 20
_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Crops for training.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB crops.
    whites : ndarray of shape (N, 3), float32
        Colour of the empty slide in each crop.
    targets : ndarray of shape (N, K), float32
        1 for each answer that the label allows, else 0.
    groups : ndarray of shape (N,), int64
        Number of the crop's source and label among ``counts``.
    shares : dict of str to float
        Share of each source in the draws.
    held_out : ndarray of shape (N,), bool
        Crops that are never drawn: they serve temperature and the metrics in the model card.
    counts : dict of str to int
        Number of crops by ``source/label``.
    regions : ndarray of shape (N, 112, 112), uint8, or None
        0 background, 1 cytoplasm, 2 nucleus; None where no segmenter was given.
    """

    crops: NDArray[np.uint8]
    whites: NDArray[np.float32]
    targets: NDArray[np.float32]
    groups: NDArray[np.int64]
    shares: dict[str, float]
    held_out: NDArray[np.bool_]
    counts: dict[str, int]
    regions: NDArray[np.uint8] | None = None

    def draw_weights(self, balance: float) -> NDArray[np.float64]:
        """Return the probability of each crop to be drawn.

        Parameters
        ----------
        balance : float
            0 draws the classes of a source as often as they are in it, 1 all equally often.

        Returns
        -------
        ndarray of shape (N,), float64
            They sum to 1; 0 for crops that are held out.
        """
        sources = np.array([key.partition("/")[0] for key in self.counts])[self.groups]
        sizes = np.array(list(self.counts.values()), np.float64)[self.groups]
        weights = sizes**-balance * ~self.held_out
        for name, share in self.shares.items():
            weights[sources == name] *= share / weights[sources == name].sum()
        return np.asarray(weights / weights.sum())


@dataclass(slots=True, eq=False)
class _Source:
    name: str
    crops: NDArray[np.uint8]
    targets: NDArray[np.float32]
    labels: list[str]
    held_out: NDArray[np.bool_]


def read_crops(samples: list[Sample]) -> NDArray[np.uint8]:
    """Read crops and bring each to 112 px, an erythrocyte to 35 px.

    Parameters
    ----------
    samples : list of Sample
        Their images are squares centred on the cell.

    Returns
    -------
    ndarray of shape (N, 112, 112, 3), uint8

    Raises
    ------
    DataError
        Where an image cannot be read, or where it does not measure 3.2 erythrocyte diameters.
    """
    crops = np.empty((len(samples), CROP_PX, CROP_PX, 3), np.uint8)
    for index, sample in enumerate(samples):
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            raise DataError(f"cannot read the training image {sample.path}; restore it or drop its row")
        scale = CROP_ERYTHROCYTE_PX / sample.erythrocyte_px
        if abs(image.shape[0] * scale - CROP_PX) > 2 or image.shape[0] != image.shape[1]:
            raise DataError(f"{sample.path} is no square of 3.2 erythrocyte diameters; cut it again")
        if image.shape[0] != CROP_PX:
            image = np.asarray(cv2.resize(image, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA), np.uint8)
        crops[index] = image[:, :, ::-1]
    return crops


def is_held_out(file_name: str) -> bool:
    """Return whether training leaves out the crop that a file of this name holds: one in 20 does."""
    return zlib.crc32(file_name.encode()) % _HOLD_OUT == 0


def _from_manifest(name: str, manifest: Path) -> _Source:
    samples = [s for s in read_manifest(manifest, {"train", ""}) if allowed_answers(s.label).any()]
    if not samples:
        raise DataError(f"{manifest} holds no training image; check its split and labels")
    targets = np.stack([allowed_answers(s.label) for s in samples])
    held_out = np.array([is_held_out(s.path.name) for s in samples])
    return _Source(name, read_crops(samples), targets, [str(s.label) for s in samples], held_out)


def _from_bcisc(folder: Path) -> _Source:
    cells = list(read_bcisc(folder))
    targets = np.stack([allowed_answers(cell.label) for cell in cells])
    held_out = np.array([is_held_out(cell.name) for cell in cells])
    labels = [str(cell.label) for cell in cells]
    return _Source("bcisc", np.stack([cell.crop for cell in cells]), targets, labels, held_out)


def _drawn(count: int, seed: int) -> _Source:
    rng = np.random.default_rng([seed, 7])
    labels = [CLASSIFIED[index % len(CLASSIFIED)] for index in range(count)]
    crops = np.stack([draw_cell(label, rng=rng, stain=Stain.random(rng)) for label in labels])
    targets = np.stack([allowed_answers(label) for label in labels])
    return _Source("synthetic", crops, targets, [str(label) for label in labels], np.zeros(count, np.bool_))


def load_training_data(
    settings: dict[str, Any],
    *,
    data: Path,
    artefacts: Path | None,
    segmenter: NetworkSegmenter | None = None,
    log: Callable[[str], None],
) -> TrainingData:
    """Read every source that the settings name.

    Parameters
    ----------
    settings : dict
        The settings file; its table ``sources`` gives the share of each source in the draws.
    data : Path
        Folder that holds the data sets by name, each with ``manifest.csv`` but ``bcisc``.
    artefacts : Path or None
        Manifest of the detector's false finds; needed where the settings give ``artefacts`` a share.
    segmenter : NetworkSegmenter or None
        Finds the regions; None leaves them out.
    log : callable
        Takes one line of progress.

    Returns
    -------
    TrainingData

    Raises
    ------
    DataError
        Where a source is missing or faulty.
    """
    table = dict(settings["sources"])
    drawn = int(table.pop("synthetic_cells", 0))
    sources = []
    for name, share in table.items():
        if not share:
            continue
        if name == "synthetic":
            sources.append(_drawn(drawn, settings["seed"]))
        elif name == "artefacts":
            if artefacts is None:
                raise DataError("the settings ask for artefacts; give their manifest with --artefacts")
            sources.append(_from_manifest(name, artefacts))
        elif name == "bcisc":
            sources.append(_from_bcisc(data / name))
        else:
            sources.append(_from_manifest(name, data / name / "manifest.csv"))
        log(f"{name}: {len(sources[-1].labels)} crops")
    crops = np.concatenate([s.crops for s in sources])
    keys = [f"{source.name}/{label}" for source in sources for label in source.labels]
    whites = np.stack([white_point(crop) for crop in crops]).astype(np.float32)
    names, groups, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    return TrainingData(
        crops=crops,
        whites=whites,
        targets=np.concatenate([s.targets for s in sources]),
        groups=groups,
        shares={source.name: float(table[source.name]) for source in sources},
        held_out=np.concatenate([s.held_out for s in sources]),
        counts={str(name): int(size) for name, size in zip(names, sizes, strict=True)},
        regions=None if segmenter is None else _regions(crops, whites, segmenter, log),
    )


def _regions(
    crops: NDArray[np.uint8],
    whites: NDArray[np.float32],
    segmenter: NetworkSegmenter,
    log: Callable[[str], None],
) -> NDArray[np.uint8]:
    found = np.empty(crops.shape[:3], np.uint8)
    for start in range(0, len(crops), _BATCH):
        part = np.s_[start : start + _BATCH]
        found[part] = segmenter.logits(crops[part], whites[part].astype(np.float64)).argmax(axis=-1)
    log(f"nucleus and cytoplasm of {len(crops)} crops found")
    return found
