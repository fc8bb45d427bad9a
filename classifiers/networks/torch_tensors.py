"""Tensors read from a file of PyTorch without PyTorch: its instructions are read as text and none is run."""

import hashlib
import io
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_TENSOR = "torch._utils _rebuild_tensor_v2"
_NAMES = {*_TYPES, _TENSOR, "collections OrderedDict"}
_CONSTANTS = {"NONE": None, "NEWFALSE": False, "NEWTRUE": True}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_VALUES = {"BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
_PUT, _GET = {"BINPUT", "LONG_BINPUT"}, {"BINGET", "LONG_BINGET"}
_MARK = object()


class _Reader:
    """The part of the format that dictionaries, lists and tensors need; anything else is refused."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def above_mark(self) -> list[Any]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def take(self, count: int) -> list[Any]:
        found = self.stack[-count:]
        del self.stack[-count:]
        return found

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _PUT:
            self.memo[argument] = stack[-1]
        elif name in _GET:
            stack.append(self.memo[argument])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "GLOBAL" and argument in _NAMES:
            stack.append(argument)
        else:
            self._join(name, argument)

    def _join(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name == "TUPLE":
            stack.append(tuple(self.above_mark()))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self.take(int(name[-1]))))
        elif name in ("SETITEM", "SETITEMS"):
            pairs = self.take(2) if name == "SETITEM" else self.above_mark()
            stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))
        elif name in ("APPEND", "APPENDS"):
            values = self.take(1) if name == "APPEND" else self.above_mark()
            stack[-1].extend(values)
        elif name == "REDUCE":
            called, arguments = self.take(2)
            stack.append(arguments[:4] if called == _TENSOR else {})
        elif name == "BUILD":
            stack.pop()
        elif name not in ("PROTO", "STOP", "BINPERSID"):
            raise ValueError(f"{name} {argument or ''} has no place in a file of tensors")


def _next(file: io.BytesIO) -> Any:
    reader = _Reader()
    for code, argument, _ in pickletools.genops(file):
        reader.step(code.name, argument)
    return reader.stack.pop()


def _storages(file: io.BytesIO, types: dict[str, str]) -> dict[str, NDArray[Any]]:
    storages = {}
    for key in _next(file):
        (count,) = struct.unpack("<q", file.read(8))
        kind = np.dtype(types[key])
        storages[key] = np.frombuffer(file.read(count * kind.itemsize), kind, count)
    return storages


def _tensor(
    storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> NDArray[Any]:
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (0 not in size and last >= storage.size):
        raise ValueError("a tensor reaches beyond its storage")
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
    file = io.BytesIO(content)
    try:
        if _next(file) != _MAGIC:
            raise ValueError("it does not begin as files of the older form do")
        _, _, entries = _next(file), _next(file), _next(file)
        storages = _storages(file, {entry[0][2]: _TYPES[entry[0][1]] for entry in entries.values()})
        return {name: _tensor(storages[of[2]], *where) for name, (of, *where) in entries.items()}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise DataError(f"{path} holds no tensors that can be read: {error}; fetch it again") from error
