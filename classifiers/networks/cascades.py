"""Plain networks: stages of convolution and pooling, then dense layers. Each takes RGB of 0 to 255."""

from collections.abc import Sequence

import keras
from keras import layers


def _answer(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Return logits; two classes get one output unit, as a binary classifier has, beside a fixed 0."""
    if classes > 2:
        return layers.Dense(classes, name="logits")(x)
    unit = layers.Dense(1, name="logit")(x)
    return layers.Concatenate(name="logits")([layers.Rescaling(0.0, name="zero")(unit), unit])


def _stages(x: keras.KerasTensor, filters: Sequence[int], *, padding: str) -> keras.KerasTensor:
    for number, count in enumerate(filters, start=1):
        x = layers.Conv2D(count, 3, padding=padding, activation="relu", name=f"convolution_{number}")(x)
        x = layers.MaxPooling2D(name=f"pooling_{number}")(x)
    return x


def three_cascades(*, height: int, width: int, classes: int) -> keras.Model:
    """Return three cascades of convolution and subsampling with two dense layers, nine layers in all.

    Parameters
    ----------
    height, width : int
        Size of the input, px; at least 24 a side.
    classes : int
        Number of logits; 2 makes the binary network, one output unit against a fixed 0.

    Returns
    -------
    keras.Model
        The flattening is the ninth layer; the rescaling to 0–1 is counted as preparation.
    """
    inputs = layers.Input((height, width, 3), name="rgb")
    x = layers.Rescaling(1.0 / 255.0, name="rescaling")(inputs)
    x = layers.Flatten(name="flatten")(_stages(x, (32, 32, 64), padding="same"))
    x = layers.Dense(64, activation="relu", name="dense")(x)
    return keras.Model(inputs, _answer(x, classes), name="three_cascades")


def panin_six_stages(*, height: int, width: int, classes: int) -> keras.Model:
    """Return network 1 of Panin et al.: rescaling, six stages of 16 to 512 filters, two dense layers.

    Parameters
    ----------
    height, width : int
        Size of the input, px; at least 64 a side, 200 in the paper.
    classes : int
        Number of logits.

    Returns
    -------
    keras.Model
    """
    inputs = layers.Input((height, width, 3), name="rgb")
    x = layers.Rescaling(1.0 / 255.0, name="rescaling")(inputs)
    x = layers.Flatten(name="flatten")(_stages(x, (16, 32, 64, 128, 256, 512), padding="same"))
    x = layers.Dense(128, activation="relu", name="dense")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="panin_six_stages")


def panin_three_stages(*, height: int, width: int, classes: int) -> keras.Model:
    """Return network 2 of Panin et al.: three stages of 16, 32 and 64 filters, no rescaling.

    Parameters
    ----------
    height, width : int
        Size of the input, px; at least 8 a side, 200 in the paper.
    classes : int
        Number of logits.

    Returns
    -------
    keras.Model
    """
    inputs = layers.Input((height, width, 3), name="rgb")
    x = layers.Flatten(name="flatten")(_stages(inputs, (16, 32, 64), padding="same"))
    x = layers.Dense(128, activation="relu", name="dense")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="panin_three_stages")


def simplenet(*, height: int, width: int, classes: int) -> keras.Model:
    """Return a network of a few layers for training from scratch.

    Parameters
    ----------
    height, width : int
        Size of the input, px; at least 16 a side.
    classes : int
        Number of logits.

    Returns
    -------
    keras.Model
        Four stages of 16 to 128 filters, mean over the places, dropout, one dense layer; 0.1 M parameters.
    """
    inputs = layers.Input((height, width, 3), name="rgb")
    x = layers.Rescaling(1.0 / 255.0, name="rescaling")(inputs)
    x = _stages(x, (16, 32, 64, 128), padding="same")
    x = layers.Dropout(0.2, name="dropout")(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="simplenet")
