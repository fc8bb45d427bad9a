"""Storage of the strong classifier: one ``.npz`` of plain arrays, without pickle."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.errors import ModelError
from cells.files import atomic_path
from detector.cascade import GATE_TOTAL, LEAVES, NODES, Cascade, Gate, Trees
from detector.channels import CHANNELS
from detector.measure import RINGS
from detector.scan import FEATURES, STATISTICS

DETECTOR, CLUSTERS = "detector.npz", "clusters.npz"
"""Files of the model folder: the strong classifier, and the one that looks at clusters."""

FORMAT = "leukoformula.detector/2"
"""Name of the storage format; a file of another format is refused."""

_LAYOUT = ",".join((*CHANNELS, *STATISTICS))
_MAX_TREES = 4096
_MAX_BYTES = 4_000_000
_MARKS = {"format": FORMAT, "channels": _LAYOUT}


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
        name: np.frombuffer(text.encode(), np.uint8) for name, text in _MARKS.items()
    }
    gate = cascade.gate
    for prefix, trees in (("gate_", gate.trees), ("", cascade.trees)):
        arrays |= {prefix + "feature": trees.feature, prefix + "cut": trees.cut, prefix + "vote": trees.vote}
    arrays |= {"gate_weight": gate.weight, "gate_bound": np.asarray(gate.bound, np.int64)}
    arrays |= {"weight": cascade.weight, "threshold": np.asarray(cascade.threshold, np.float64)}
    arrays["diameter"] = cascade.diameter
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


def _shapes(parts: dict[str, NDArray[np.generic]]) -> Sequence[tuple[str, tuple[int, ...], type[np.generic]]]:
    rows: list[tuple[str, tuple[int, ...], type[np.generic]]] = [
        ("weight", (parts["weight"].size,), np.float64),
        ("gate_weight", (parts["gate_weight"].size,), np.uint8),
        ("gate_bound", (), np.int64),
        ("threshold", (), np.float64),
        ("diameter", (RINGS + 1,), np.float64),
    ]
    for prefix in ("", "gate_"):
        trees = parts[prefix + "weight"].size
        rows += [
            (prefix + "feature", (trees, NODES), np.int32),
            (prefix + "cut", (trees, NODES), np.int16),
            (prefix + "vote", (trees, LEAVES), np.int8),
        ]
    return rows


def _checked(parts: dict[str, NDArray[np.generic]], path: Path) -> Cascade:
    for name, text in _MARKS.items():
        if name not in parts or parts[name].tobytes() != text.encode():
            raise _bad(path, f"its {name} is not '{text}'")
    if not {"weight", "gate_weight"} <= set(parts):
        raise _bad(path, "weights are missing")
    shapes = _shapes(parts)
    if set(parts) != {*_MARKS, *(name for name, _, _ in shapes)}:
        raise _bad(path, "parts are missing or unknown")
    for name, shape, kind in shapes:
        if parts[name].shape != shape or parts[name].dtype != np.dtype(kind):
            raise _bad(path, f"'{name}' has shape {parts[name].shape} and type {parts[name].dtype}")
    gate = Gate(
        _trees(parts, "gate_", path), parts["gate_weight"].astype(np.uint8), int(parts["gate_bound"].item())
    )
    cascade = Cascade(
        gate,
        _trees(parts, "", path),
        parts["weight"].astype(np.float64),
        float(parts["threshold"].item()),
        parts["diameter"].astype(np.float64),
    )
    if not (np.isfinite(cascade.weight).all() and (cascade.weight > 0).all()):
        raise _bad(path, "a weight is not above 0")
    if gate.weight.astype(np.intp).sum() != GATE_TOTAL or not 0 <= gate.bound <= GATE_TOTAL:
        raise _bad(path, "the gate's weights or bound are out of range")
    if not np.isfinite(np.append(cascade.diameter, cascade.threshold)).all():
        raise _bad(path, "a threshold or coefficient is no number")
    return cascade


def _trees(parts: dict[str, NDArray[np.generic]], prefix: str, path: Path) -> Trees:
    trees = Trees(
        parts[prefix + "feature"].astype(np.int32),
        parts[prefix + "cut"].astype(np.int16),
        parts[prefix + "vote"].astype(np.int8),
    )
    if not 0 < len(trees) <= _MAX_TREES:
        raise _bad(path, f"it has {len(trees)} trees")
    if trees.feature.min() < 0 or trees.feature.max() >= FEATURES:
        raise _bad(path, "a tree asks for a feature outside the window")
    if not (np.abs(trees.vote) == 1).all():
        raise _bad(path, "a vote is neither 1 nor -1")
    return trees


def _bad(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path}: not a detector that this version reads: {what}; install the package's model again"
    )
