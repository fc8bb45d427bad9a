"""Stages of a training kept in a work folder, so that an interrupted training goes on where it stopped."""

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import sklearn
from numpy.typing import NDArray

from cells.files import atomic_path

Arrays = Mapping[str, NDArray[np.generic]]


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that the bytes of a trained detector depend on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "opencv": cv2.__version__,
    }


def training_key(*parts: object) -> str:
    """Return a hash of everything that a training depends on.

    Parameters
    ----------
    *parts : object
        Values whose ``repr`` tells them apart: settings, names of fields, versions of libraries.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.
    """
    return hashlib.sha256("\n".join(repr(part) for part in parts).encode()).hexdigest()


class Stages:
    """Results of finished stages, by name.

    Parameters
    ----------
    folder : Path or None
        Work folder; None keeps nothing.
    key : str
        From `training_key`; results of another training are passed over.
    """

    def __init__(self, folder: Path | None, *, key: str) -> None:
        self._folder, self._key = folder, key

    def save(
        self,
        name: str,
        arrays: Arrays,
        *,
        rng: np.random.Generator | None = None,
        replacing: Iterable[str] = (),
    ) -> None:
        """Write the result of a stage with the state of the source of chance after it.

        Parameters
        ----------
        name : str
            Name of the stage.
        arrays : mapping of str to ndarray
            Its result.
        rng : numpy.random.Generator, optional
            Source of chance whose state is kept.
        replacing : iterable of str, optional
            Stages that are no longer needed once this one stands.
        """
        if self._folder is None:
            return
        state = json.dumps([self._key, None if rng is None else rng.bit_generator.state])
        with atomic_path(self._path(name)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, state=np.frombuffer(state.encode(), np.uint8), **arrays)
        for other in replacing:
            self._path(other).unlink(missing_ok=True)

    def load(
        self, name: str, *, rng: np.random.Generator | None = None
    ) -> dict[str, NDArray[np.generic]] | None:
        """Return the result of a stage and set the source of chance as it was after it.

        Parameters
        ----------
        name : str
            Name of the stage.
        rng : numpy.random.Generator, optional
            Source of chance that takes the kept state.

        Returns
        -------
        dict of str to ndarray, or None
            None where the stage is not there, unreadable, or of another training.
        """
        if self._folder is None or not self._path(name).exists():
            return None
        try:
            content = io.BytesIO(self._path(name).read_bytes())
            with np.load(content, allow_pickle=False) as archive:
                parts = {part: archive[part] for part in archive.files}
            key, state = json.loads(parts.pop("state").tobytes().decode())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if key != self._key:
            return None
        if rng is not None and state is not None:
            rng.bit_generator.state = state
        return parts

    def _path(self, name: str) -> Path:
        return (self._folder or Path()) / f"{name}.npz"
