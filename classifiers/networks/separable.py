"""Networks of depthwise-separable convolutions. They take RGB of 0 to 255."""

import keras
from keras import layers


def leucocytenet(*, height: int, width: int, classes: int) -> keras.Model:
    """Return our reading of LeucoCyteNet-v1.

    Parameters
    ----------
    height, width : int
        Size of the input, px; at least 32 a side.
    classes : int
        Number of logits.

    Returns
    -------
    keras.Model
        A stem of 32 filters, three stages of two separable convolutions with batch normalisation (64, 128,
        256 filters), mean over the places, dropout, two dense layers; 0.2 M parameters.

    References
    ----------
    Shchetinin 2022, doi 10.14489/vkit.2022.12.pp.046-052. The abstract names separable convolutions,
    normalisation and augmentation but prints no layers; numbers and order of layers are ours, after
    Chollet 2017, doi 10.1109/CVPR.2017.195.
    """
    inputs = layers.Input((height, width, 3), name="rgb")
    x = layers.Rescaling(1.0 / 127.5, offset=-1.0, name="rescaling")(inputs)
    x = layers.Conv2D(32, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_normalisation")(x))
    for stage, filters in enumerate((64, 128, 256), start=1):
        for step in (1, 2):
            name = f"separable_{stage}_{step}"
            x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
            x = layers.BatchNormalization(name=f"normalisation_{stage}_{step}")(x)
            x = layers.ReLU(name=f"relu_{stage}_{step}")(x)
        x = layers.MaxPooling2D(name=f"pooling_{stage}")(x)
    x = layers.Dropout(0.3, name="dropout")(layers.GlobalAveragePooling2D(name="mean")(x))
    x = layers.Dense(128, activation="relu", name="dense")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="leucocytenet")
