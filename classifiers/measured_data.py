"""Feature vectors of training crops, as they are and restained, measured once and kept."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from classifiers.restaining import restain
from classifiers.training_data import TrainingData
from features.vector import NAMES, VERSION, describe

_REPORT = 2000
_KEPT = "features.npz"


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredData:
    """Rows of features.

    Parameters
    ----------
    features : ndarray of shape (R, F), float32
        One feature vector for each row.
    crop : ndarray of shape (R,), int64
        Number of the crop that the row was measured on.
    plain : ndarray of shape (R,), bool
        Whether the crop was measured as it is.
    """

    features: NDArray[np.float32]
    crop: NDArray[np.int64]
    plain: NDArray[np.bool_]


def measure_crops(
    data: TrainingData, settings: dict[str, Any], *, work: Path, log: Callable[[str], None]
) -> MeasuredData:
    """Measure crops drawn as they are, others restained, and each crop held out in both ways.

    Parameters
    ----------
    data : TrainingData
        Crops with their draw weights.
    settings : dict
        The settings file; ``seed``, ``class_balance``, ``plain_rows``, ``restained_rows`` and the table
        ``change`` count.
    work : Path
        Folder in which vectors are kept: a row is measured anew only where its crop, its change or the
        version of the features is another.
    log : callable
        Takes one line of progress.

    Returns
    -------
    MeasuredData
    """
    crop, copy = _plan(data, settings)
    keys = _keys(data, crop, copy, settings)
    path = work / _KEPT
    known = _read(path)
    missing = [row for row, key in enumerate(keys) if key not in known]
    log(f"{len(keys)} feature vectors, {len(keys) - len(missing)} of them kept from before")
    order = np.random.default_rng(0).permutation(len(missing))
    for done, row in enumerate((missing[k] for k in order), start=1):
        image, white = data.crops[crop[row]], data.whites[crop[row]].astype(np.float64)
        if copy[row]:
            rng = np.random.default_rng(list(bytes.fromhex(keys[row])))
            image, white = restain(image, white, rng=rng, settings=settings["change"])
        known[keys[row]] = describe(image, white)
        if done % _REPORT == 0 or done == len(missing):
            _write(path, known)
            log(f"{done} of {len(missing)} crops measured")
    return MeasuredData(np.stack([known[key] for key in keys]), crop, copy == 0)


def _plan(data: TrainingData, settings: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng([settings["seed"], 3])
    weights = data.draw_weights(settings["class_balance"])
    usable = np.flatnonzero(weights > 0)
    wanted = min(int(settings["plain_rows"]), len(usable))
    lots = rng.exponential(size=len(usable)) / weights[usable]
    plain = np.union1d(usable[np.argsort(lots)[:wanted]], np.flatnonzero(data.held_out))
    expected = weights * int(settings["restained_rows"])
    copies = np.floor(expected + rng.random(len(expected))).astype(np.int64) + data.held_out
    drawn = np.repeat(np.arange(len(data.crops)), copies)
    number = np.arange(len(drawn)) - np.repeat(np.cumsum(copies) - copies, copies) + 1
    return np.concatenate([plain, drawn]), np.concatenate([np.zeros_like(plain), number])


def _keys(
    data: TrainingData, crop: NDArray[np.int64], copy: NDArray[np.int64], settings: dict[str, Any]
) -> list[str]:
    change = json.dumps([settings["change"], settings["seed"], VERSION], sort_keys=True).encode()
    images = [hashlib.sha256(image.tobytes()).digest() for image in data.crops]
    return [
        hashlib.sha256(images[k] + (change + bytes([j]) if j else str(VERSION).encode())).hexdigest()[:32]
        for k, j in zip(crop.tolist(), copy.tolist(), strict=True)
    ]


def _read(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return dict(zip(arrays["keys"].tolist(), arrays["features"], strict=True))


def _write(path: Path, known: dict[str, NDArray[np.float32]]) -> None:
    features = np.stack(list(known.values())) if known else np.empty((0, len(NAMES)), np.float32)
    with atomic_path(path) as temporary:
        np.savez(temporary, keys=np.array(list(known)), features=features)
