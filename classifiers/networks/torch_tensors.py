"""Tensors read from a file of PyTorch without PyTorch. Nothing in the file is run."""

import hashlib
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def _view(
    storage: tuple[Any, ...], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Any:
    return storage, offset, size, stride


class _Plain(pickle.Unpickler):
    """Reads dictionaries of tensors; a name that is none of theirs is refused before anything is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of tensors")

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _storages(file: IO[bytes], types: dict[str, str]) -> dict[str, NDArray[Any]]:
    storages = {}
    for key in _Plain(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        kind = np.dtype(types[key])
        storages[key] = np.frombuffer(file.read(count * kind.itemsize), kind, count)
    return storages


def _tensor(
    storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> NDArray[Any]:
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False).copy()


def read_tensors(path: Path, *, sha256: str) -> dict[str, NDArray[Any]]:
    """Read the named tensors of a file that ``torch.save`` wrote before version 1.6.

    Parameters
    ----------
    path : Path
        The file.
    sha256 : str
        Hexadecimal SHA-256 that it must have.

    Returns
    -------
    dict of str to ndarray
        float32 or int64, by name.

    Raises
    ------
    DataError
        Where the file cannot be read, is another one than expected, or is of another form.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read the weights {path}: {error.strerror}; give a file of weights"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{path} has the SHA-256 {found}, not {sha256}; fetch the file named in the settings")
    try:
        with path.open("rb") as file:
            if _Plain(file).load() != _MAGIC:
                raise DataError(f"{path} is no file of tensors of the older form; fetch it again")
            _Plain(file).load()
            _Plain(file).load()
            entries = _Plain(file).load()
            storages = _storages(file, {entry[0][2]: _TYPES[entry[0][1]] for entry in entries.values()})
        return {name: _tensor(storages[of[2]], *where) for name, (of, *where) in entries.items()}
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, struct.error) as error:
        raise DataError(f"{path} holds no tensors that can be read: {error}; fetch it again") from error
