"""EfficientNet-Lite starts from published weights, which are read without running anything in their file."""

import hashlib
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from cells.errors import DataError
from classifiers.networks.torch_tensors import read_tensors

_MAGIC = 0x1950A86A20F9469CFC6C


class _Tensor:
    def __init__(self, key: str, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> None:
        self.key, self.size, self.stride, self.offset = key, size, stride, offset


def _dump(value: object) -> bytes:
    return pickle.dumps(value, protocol=2)


def _entry(tensor: _Tensor, count: int) -> bytes:
    """Return the opcodes of one tensor, as PyTorch 1.5 wrote them."""

    def text(word: str) -> bytes:
        return pickle.BINUNICODE + struct.pack("<I", len(word)) + word.encode()

    def number(value: int) -> bytes:
        return pickle.BININT + struct.pack("<i", value)

    def numbers(values: tuple[int, ...]) -> bytes:
        return pickle.MARK + b"".join(number(v) for v in values) + pickle.TUPLE

    storage = (
        pickle.MARK
        + text("storage")
        + pickle.GLOBAL
        + b"torch\nFloatStorage\n"
        + text(tensor.key)
        + text("cpu")
        + number(count)
        + pickle.NONE
        + pickle.TUPLE
        + pickle.BINPERSID
    )
    hooks = pickle.GLOBAL + b"collections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE
    arguments = storage + number(tensor.offset) + numbers(tensor.size) + numbers(tensor.stride)
    return (
        pickle.GLOBAL
        + b"torch._utils\n_rebuild_tensor_v2\n"
        + pickle.MARK
        + arguments
        + pickle.NEWFALSE
        + hooks
        + pickle.TUPLE
        + pickle.REDUCE
    )


def _file(tensors: dict[str, _Tensor], storages: dict[str, np.ndarray]) -> bytes:
    entries = pickle.PROTO + b"\x02" + pickle.EMPTY_DICT
    for name, tensor in tensors.items():
        key = pickle.BINUNICODE + struct.pack("<I", len(name)) + name.encode()
        entries += key + _entry(tensor, storages[tensor.key].size) + pickle.SETITEM
    head = _dump(_MAGIC) + _dump(1001) + _dump({"little_endian": True}) + entries + pickle.STOP
    body = b"".join(struct.pack("<q", a.size) + a.astype("<f4").tobytes() for a in storages.values())
    return head + _dump(list(storages)) + body


def _write(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "weights.pth"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def test_tensors_are_read_with_their_strides(tmp_path: Path) -> None:
    storage = np.arange(12, dtype=np.float32)
    content = _file(
        {"plain": _Tensor("0", (3, 4), (4, 1)), "turned": _Tensor("0", (2, 3), (1, 4), offset=1)},
        {"0": storage},
    )
    path, sha256 = _write(tmp_path, content)
    tensors = read_tensors(path, sha256=sha256)
    np.testing.assert_array_equal(tensors["plain"], storage.reshape(3, 4))
    np.testing.assert_array_equal(tensors["turned"], storage.reshape(3, 4)[:, 1:3].T)


def test_another_file_than_the_one_expected_is_refused(tmp_path: Path) -> None:
    path, _ = _write(tmp_path, _file({}, {}))
    with pytest.raises(DataError, match="SHA-256"):
        read_tensors(path, sha256="0" * 64)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.pth"):
        read_tensors(tmp_path / "nowhere.pth", sha256="0" * 64)


class _Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("/tmp/leukoformula-was-here",)


def test_nothing_in_the_file_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    path, sha256 = _write(tmp_path, _dump(_Hostile()))
    monkeypatch.setattr(os, "mkdir", lambda *words: called.append(words))
    with pytest.raises(DataError, match="no place in a file of tensors"):
        read_tensors(path, sha256=sha256)
    assert called == []


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((4, 4), (4, 1), 0), ((3, 4), (4, 1), 1), ((2,), (1,), 11), ((2,), (-1,), 3), ((2,), (1,), -1)],
)
def test_no_memory_beyond_the_storage_is_read(
    tmp_path: Path, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> None:
    content = _file({"far": _Tensor("0", size, stride, offset)}, {"0": np.arange(12, dtype=np.float32)})
    path, sha256 = _write(tmp_path, content)
    with pytest.raises(DataError, match="beyond its storage"):
        read_tensors(path, sha256=sha256)


@pytest.mark.parametrize("keep", [1, 40, 200])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    content = _file({"plain": _Tensor("0", (3, 4), (4, 1))}, {"0": np.arange(12, dtype=np.float32)})
    path, sha256 = _write(tmp_path, content[:keep])
    with pytest.raises(DataError, match="tensors"):
        read_tensors(path, sha256=sha256)


def test_density_and_light_agree() -> None:
    keras = pytest.importorskip("keras")
    from classifiers.architectures import architecture

    model = architecture("efficientnet_lite").build(height=64, width=64, classes=10)
    assert 600_000 < model.count_params() < 800_000
    light = keras.Model(model.inputs[0], model.get_layer("stem").input)
    density = np.zeros((1, 64, 64, 3), np.float32)
    density[..., 1] = 1.0
    seen = np.asarray(light(density))
    np.testing.assert_allclose(seen[0, 0, 0], [1.0, -0.8, 1.0], atol=1e-6)


def test_published_weights_are_folded_in(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    from classifiers.networks.efficientnet_lite import _folded

    rng = np.random.default_rng(5)
    kernel, x = rng.normal(size=(4, 3, 1, 1)), rng.normal(size=3)
    norm = {"weight": rng.uniform(0.5, 2, 4), "bias": rng.normal(size=4)}
    norm |= {"running_mean": rng.normal(size=4), "running_var": rng.uniform(0.5, 2, 4)}
    tensors = {"c.weight": kernel, **{f"n.{key}": value for key, value in norm.items()}}
    folded, bias = _folded(tensors, "c", "n")
    plain = kernel[:, :, 0, 0] @ x
    wanted = (plain - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3) * norm["weight"] + norm[
        "bias"
    ]
    np.testing.assert_allclose(folded[:, :, 0, 0] @ x + bias, wanted, rtol=1e-5)
