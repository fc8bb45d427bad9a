"""Feature vectors of training crops, as they are and restained, measured once and kept."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from classifiers.restaining import restain
from classifiers.training_data import TrainingData
from features.vector import NAMES, VERSION, describe, measure

if TYPE_CHECKING:
    from features.segmenter import Segmenter

_REPORT = 2000
_CHUNK = 50
_FEW = 200
_KEPT = "features.npz"

_routes: "list[Segmenter]" = []  # of this process: an interpreter cannot be sent to another

_Task = tuple[NDArray[np.uint8], NDArray[np.float32], str, dict[str, Any]]


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
    data: TrainingData,
    settings: dict[str, Any],
    *,
    work: Path,
    segmenter: bytes | None = None,
    log: Callable[[str], None],
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
    segmenter : bytes or None
        The segmentation network whose masks are measured, as ``features.segmenter.NetworkSegmenter`` takes
        it; those of the classical route where it is None.
    log : callable
        Takes one line of progress.

    Returns
    -------
    MeasuredData
    """
    crop, copy = _plan(data, settings)
    keys = _keys(data, crop, copy, settings)
    if segmenter is not None:
        route = hashlib.sha256(segmenter).hexdigest()[:8]
        names = [f"{key}-{route}" for key in keys]
    else:
        names = keys
    path = work / _KEPT
    known = _read(path)
    missing = [row for row, name in enumerate(names) if name not in known]
    log(f"{len(keys)} feature vectors, {len(keys) - len(missing)} of them kept from before")
    tasks = [
        (data.crops[crop[row]], data.whites[crop[row]], keys[row] if copy[row] else "", settings["change"])
        for row in missing
    ]
    for done, (row, vector) in enumerate(zip(missing, _all_measured(tasks, segmenter), strict=True), start=1):
        known[names[row]] = vector
        if done % _REPORT == 0 or done == len(missing):
            _write(path, known)
            log(f"{done} of {len(missing)} crops measured")
    return MeasuredData(np.stack([known[name] for name in names]), crop, copy == 0)


def _all_measured(tasks: list[_Task], segmenter: bytes | None) -> Iterator[NDArray[np.float32]]:
    if len(tasks) < _FEW:
        _start(segmenter)
        yield from map(_measured, tasks)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, initializer=_start, initargs=(segmenter,)) as pool:
        for start in range(0, len(tasks), _REPORT):
            yield from pool.map(_measured, tasks[start : start + _REPORT], chunksize=_CHUNK)


def _measured(task: _Task) -> NDArray[np.float32]:
    image, white, key = task[0], task[1].astype(np.float64), task[2]
    if key:
        image, white = restain(
            image, white, rng=np.random.default_rng(list(bytes.fromhex(key))), settings=task[3]
        )
    if not _routes:
        return describe(image, white)
    return measure(image, _routes[0].segment_all(image[None], white[None])[0], white)


def _start(segmenter: bytes | None) -> None:
    _routes.clear()
    if segmenter is not None:
        from features.segmenter import NetworkSegmenter  # noqa: PLC0415 - loads LiteRT

        _routes.append(NetworkSegmenter(segmenter, threads=1))


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
