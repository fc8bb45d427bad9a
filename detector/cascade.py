"""The strong classifier as plain arrays: scores, dense scan with early rejection, storage without pickle."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.files import atomic_path
from detector.channels import CHANNELS, WINDOW, ChannelPicture
from detector.measure import RINGS

FORMAT = "leukoformula.detector/1"
"""Name of the storage format; a file of another format is refused."""

STATISTICS = ("sum", "min", "max")
"""What a feature takes over the eight mirrored and turned places of a window."""


def _orbits() -> NDArray[np.intp]:
    places = np.arange(WINDOW * WINDOW).reshape(WINDOW, WINDOW)
    turned = [np.rot90(side, turn).ravel() for side in (places, places.T) for turn in range(4)]
    return np.unique(np.sort(np.stack(turned, axis=1), axis=1), axis=0)


ORBITS = _orbits()
"""Places of the window (row * WINDOW + column) that mirroring and quarter turns carry into each other:
shape (28, 8), those on a diagonal twice."""

_TWICE = [[divmod(place, WINDOW) for place in orbit] for orbit in ORBITS.tolist()]
_ONCE = [sorted(set(places)) for places in _TWICE]

FEATURES = len(STATISTICS) * len(CHANNELS) * len(ORBITS)
"""Number of features of a window: statistic, channel, orbit, in C order."""

_LAYOUT = ",".join((*CHANNELS, *STATISTICS))
_NODES = 3
_LEAVES = 4
_MAX_TREES = 4096
_MAX_BYTES = 4_000_000
_DENSE_SHARE = 0.1
_FIRST_BLOCK = 4
_LARGEST_BLOCK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """A boosted ensemble of trees of depth two at most, with a rejection trace.

    Parameters
    ----------
    feature : ndarray of shape (T, 3), int32
        Feature of the root, of its left and of its right child, 0 to FEATURES - 1.
    cut : ndarray of shape (T, 3), int16
        A value of at most ``cut`` goes left.
    vote : ndarray of shape (T, 4), int8
        Vote of the leaves from left to right: 1 for a leukocyte, -1 against.
    weight : ndarray of shape (T,), float64
        Weights of the trees, above 0.
    rejection : ndarray of shape (T,), float64
        A window whose score up to and with tree t lies below ``rejection[t]`` is rejected.
    threshold : float
        Least score of a find; the operating point chosen in training.
    diameter : ndarray of shape (RINGS + 1,), float64
        Coefficients that estimate a find's diameter.
    """

    feature: NDArray[np.int32]
    cut: NDArray[np.int16]
    vote: NDArray[np.int8]
    weight: NDArray[np.float64]
    rejection: NDArray[np.float64]
    threshold: float
    diameter: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def contribution(self) -> NDArray[np.float64]:
        """What each leaf adds to the score, shape (T, 4): the weighted vote in the scale of scikit-learn."""
        share: NDArray[np.float64] = self.weight / self.weight.sum()
        return np.multiply(2.0 * share[:, None], self.vote)


def partial_scores(cascade: Cascade, windows: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the score of windows after every tree, without rejection.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier of T trees.
    windows : ndarray of shape (N, FEATURES), int16
        Feature values of the windows.

    Returns
    -------
    ndarray of shape (N, T), float64
        The last column is what ``decision_function`` of scikit-learn's ensemble gives, -2 to 2.
    """
    values = windows[:, cascade.feature.ravel()].reshape(len(windows), len(cascade), _NODES)
    sums: NDArray[np.float64] = np.cumsum(_added(values, cascade.cut, cascade.contribution), axis=1)
    return sums


def scan(cascade: Cascade, picture: ChannelPicture, *, band: int = 512) -> NDArray[np.float64]:
    """Score the window at every position of a channel picture, leaving off hopeless windows early.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    picture : ChannelPicture
        The field, with R x C window positions.
    band : int, optional
        Rows of window positions that are worked on together; bounds the memory, does not alter the result.

    Returns
    -------
    ndarray of shape (R, C), float64
        Score of the window centred on each corner between map positions; minus infinity where the
        rejection trace stopped it. A mirrored or turned field gives the mirrored or turned scores.

    References
    ----------
    Bourdev & Brandt 2005, doi 10.1109/CVPR.2005.310 (soft cascade); Zhang & Viola 2007, NIPS 20 (the trace
    is calibrated by direct backward pruning). Differs from both in working on whole planes of windows
    while many are alive and on the windows left over afterwards; either way the sums are the same.
    """
    rows, cols = picture.positions
    scores = np.full((rows, cols), -np.inf)
    for top in range(0, rows, band):
        bottom = min(rows, top + band)
        maps = picture.maps[:, top : bottom + WINDOW - 1]
        scores[top:bottom] = _scan_band(cascade, maps, (bottom - top, cols))
    return scores


def _scan_band(cascade: Cascade, maps: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float64]:
    contribution = cascade.contribution
    running = np.zeros(shape)
    alive = np.ones(shape, np.bool_)
    tree = 0
    while tree < len(cascade) and np.count_nonzero(alive) > _DENSE_SHARE * alive.size:
        root, left, right = (
            _plane(maps, int(cascade.feature[tree, node]), shape) > cascade.cut[tree, node]
            for node in range(_NODES)
        )
        leaf = np.where(root, 2 + right.astype(np.int8), left.astype(np.int8))
        running += contribution[tree].take(leaf)
        alive &= running >= cascade.rejection[tree]
        tree += 1
    scores = np.full(shape, -np.inf)
    row, col = np.nonzero(alive)
    kept, score = _scan_windows(cascade, maps, (row, col), running[row, col], tree)
    scores[row[kept], col[kept]] = score
    return scores


def _scan_windows(
    cascade: Cascade,
    maps: NDArray[np.uint8],
    corners: tuple[NDArray[np.intp], NDArray[np.intp]],
    score: NDArray[np.float64],
    first: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    contribution = cascade.contribution
    alive, size = np.arange(len(score)), _FIRST_BLOCK
    while first < len(cascade) and len(alive):
        block = slice(first, min(first + size, len(cascade)))
        row, col = corners[0][alive], corners[1][alive]
        values = _gather(maps, row, col, cascade.feature[block].reshape(-1))
        added = _added(values.reshape(len(alive), -1, _NODES), cascade.cut[block], contribution[block])
        added[:, 0] += score
        sums = np.cumsum(added, axis=1)
        kept = np.flatnonzero((sums >= cascade.rejection[block]).all(axis=1))
        alive, score = alive[kept], sums[kept, -1]
        first, size = block.stop, min(2 * size, _LARGEST_BLOCK)
    return alive, score


def _plane(maps: NDArray[np.uint8], feature: int, shape: tuple[int, int]) -> NDArray[np.uint16 | np.uint8]:
    statistic, rest = divmod(feature, len(CHANNELS) * len(ORBITS))
    channel, orbit = divmod(rest, len(ORBITS))
    corners = _TWICE[orbit] if statistic == 0 else _ONCE[orbit]
    views = [maps[channel, row : row + shape[0], col : col + shape[1]] for row, col in corners]
    if statistic == 0:
        total = views[0].astype(np.uint16)
        for view in views[1:]:
            total += view
        return total
    pick = np.minimum if statistic == 1 else np.maximum
    best = pick(views[0], views[1])
    for view in views[2:]:
        pick(best, view, out=best)
    return best


def _gather(
    maps: NDArray[np.uint8], row: NDArray[np.intp], col: NDArray[np.intp], features: NDArray[np.int32]
) -> NDArray[np.int16]:
    _, height, width = maps.shape
    statistic, rest = np.divmod(features, len(CHANNELS) * len(ORBITS))
    channel, orbit = np.divmod(rest, len(ORBITS))
    place_row, place_col = np.divmod(ORBITS[orbit], WINDOW)
    offset = (channel[:, None] * height + place_row) * width + place_col
    flat = maps if maps.flags.c_contiguous else np.ascontiguousarray(maps)
    corner = row * width + col
    values = np.empty((len(row), len(features)), np.int16)
    for number, reduce in enumerate((np.add.reduce, np.minimum.reduce, np.maximum.reduce)):
        chosen = np.flatnonzero(statistic == number)
        if len(chosen):
            eight = flat.reshape(-1).take(corner[:, None, None] + offset[chosen])
            values[:, chosen] = reduce(eight, axis=2, dtype=np.int16)
    return values


def _added(
    values: NDArray[np.int16], cut: NDArray[np.int16], contribution: NDArray[np.float64]
) -> NDArray[np.float64]:
    right = values > cut
    leaf = np.where(right[..., 0], 2 + right[..., 2], right[..., 1].astype(np.intp))
    trees = np.arange(contribution.shape[0]) * _LEAVES
    added: NDArray[np.float64] = contribution.reshape(-1).take(leaf + trees)
    return added


def window_features(picture: ChannelPicture, positions: NDArray[np.intp]) -> NDArray[np.int16]:
    """Return the feature values of the windows at some positions.

    Parameters
    ----------
    picture : ChannelPicture
        The field.
    positions : ndarray of shape (N, 2), intp
        Row and column of the window positions.

    Returns
    -------
    ndarray of shape (N, FEATURES), int16
        Sum, least and largest value of every channel over every orbit of window places.
    """
    row, col = positions[:, 0], positions[:, 1]
    return _gather(picture.maps, row, col, np.arange(FEATURES, dtype=np.int32))


def save_cascade(cascade: Cascade, path: Path) -> str:
    """Write a cascade as an ``.npz`` file whose bytes depend on nothing but its content.

    Parameters
    ----------
    cascade : Cascade
        What is to be stored.
    path : Path
        File to be written, whole or not at all.

    Returns
    -------
    str
        SHA-256 of the file in hexadecimal digits.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.frombuffer(FORMAT.encode(), np.uint8),
        "channels": np.frombuffer(_LAYOUT.encode(), np.uint8),
    }
    arrays |= {item.name: np.asarray(getattr(cascade, item.name)) for item in fields(Cascade)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), part.getvalue())
    content = buffer.getvalue()
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def load_cascade(path: Path, *, sha256: str | None = None) -> Cascade:
    """Read a cascade and check every part of it.

    Parameters
    ----------
    path : Path
        File written by `save_cascade`.
    sha256 : str, optional
        Hash that the file must have, in hexadecimal digits.

    Returns
    -------
    Cascade
        The strong classifier.

    Raises
    ------
    ModelError
        Where the file is missing, truncated, altered, of another format, or holds arrays that are no cascade.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ModelError(f"{path}: larger than any detector; install the package's model again")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot read the detector ({error.strerror}); install the package's model again"
        ) from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path}: differs from its manifest (sha256); install the package's model again")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            parts = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ModelError(
            f"{path}: no readable detector file ({error}); install the package's model again"
        ) from error
    return _checked(parts, path)


def _checked(parts: dict[str, NDArray[np.generic]], path: Path) -> Cascade:
    names = {"format", "channels", *(item.name for item in fields(Cascade))}
    if set(parts) != names:
        raise _bad(path, f"parts {sorted(set(parts) ^ names)} are missing or unknown")
    for name, text in (("format", FORMAT), ("channels", _LAYOUT)):
        if parts[name].tobytes() != text.encode():
            raise _bad(path, f"its {name} is not '{text}'")
    trees = parts["weight"].size
    shapes: Sequence[tuple[str, tuple[int, ...], type[np.generic]]] = (
        ("feature", (trees, _NODES), np.int32),
        ("cut", (trees, _NODES), np.int16),
        ("vote", (trees, _LEAVES), np.int8),
        ("weight", (trees,), np.float64),
        ("rejection", (trees,), np.float64),
        ("threshold", (), np.float64),
        ("diameter", (RINGS + 1,), np.float64),
    )
    for name, shape, kind in shapes:
        if parts[name].shape != shape or parts[name].dtype != np.dtype(kind):
            raise _bad(path, f"'{name}' has shape {parts[name].shape} and type {parts[name].dtype}")
    cascade = Cascade(
        parts["feature"].astype(np.int32),
        parts["cut"].astype(np.int16),
        parts["vote"].astype(np.int8),
        parts["weight"].astype(np.float64),
        parts["rejection"].astype(np.float64),
        float(parts["threshold"].astype(np.float64)),
        parts["diameter"].astype(np.float64),
    )
    if not 0 < trees <= _MAX_TREES:
        raise _bad(path, f"it has {trees} trees")
    if cascade.feature.min() < 0 or cascade.feature.max() >= FEATURES:
        raise _bad(path, "a tree asks for a feature outside the window")
    if not (np.abs(cascade.vote) == 1).all():
        raise _bad(path, "a vote is neither 1 nor -1")
    if not (np.isfinite(cascade.weight).all() and (cascade.weight > 0).all()):
        raise _bad(path, "a weight is not above 0")
    numbers = np.append(cascade.diameter, cascade.threshold)
    if np.isnan(cascade.rejection).any() or not np.isfinite(numbers).all():
        raise _bad(path, "a threshold or coefficient is no number")
    return cascade


def _bad(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path}: not a detector that this version reads: {what}; install the package's model again"
    )
