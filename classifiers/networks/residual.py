"""Residual networks with group normalisation."""

import keras
from keras import layers


def _convolve(x: keras.KerasTensor, filters: int, *, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.GroupNormalization(8)(x)
    return layers.ReLU()(x)


def residual_gn(*, height: int, width: int, classes: int) -> keras.Model:
    """Return a small residual network with group normalisation that answers with logits.

    Parameters
    ----------
    height, width : int
        Size of the input, px; the input is optical density, shape (height, width, 3).
    classes : int
        Number of logits.

    Returns
    -------
    keras.Model
        About 0.7 M parameters.

    References
    ----------
    He et al. 2016, doi 10.1109/CVPR.2016.90; Wu & He 2018, doi 10.1007/978-3-030-01261-8_1. Differs from
    the first in having one convolution a block, no pooling after the stem, and group normalisation, which
    Tsutsui et al. 2023 (doi 10.1016/j.cmpb.2023.107400) found to hold better on other laboratories' images.
    """
    inputs = layers.Input((height, width, 3), name="optical_density")
    x = _convolve(inputs, 24, strides=2)
    for filters, blocks in ((48, 1), (96, 1), (160, 2)):
        x = _convolve(x, filters, strides=2)
        for _ in range(blocks):
            x = layers.Add()([x, _convolve(x, filters)])
    pooled = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    pooled = layers.Dropout(0.2)(pooled)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(pooled), name="residual_gn")
