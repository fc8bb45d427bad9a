"""CE-Net, an encoder and decoder with a context extractor between them. Needs the extra ``train``."""

import keras
from keras import layers


def _normed(x: keras.KerasTensor, *, active: bool = True) -> keras.KerasTensor:
    x = layers.BatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x) if active else x


def _basic_block(x: keras.KerasTensor, filters: int, *, strides: int) -> keras.KerasTensor:
    y = _normed(layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x))
    y = _normed(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y), active=False)
    if strides > 1 or x.shape[-1] != filters:
        x = _normed(layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x), active=False)
    return layers.ReLU()(layers.Add()([x, y]))


def dense_atrous(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the sum of ``x`` and four cascades of dilated convolutions of it (the DAC block).

    Parameters
    ----------
    x : KerasTensor of shape (N, M, M, F)
        Feature map.

    Returns
    -------
    KerasTensor of shape (N, M, M, F)
        The cascades have the dilations 1; 3; 1 and 3; 1, 3 and 5; all but the first end in a 1 × 1
        convolution. Convolutions of the same dilation share their weights, as in the authors' program.
    """
    filters = x.shape[-1]
    near, middle, far = (
        layers.Conv2D(filters, 3, padding="same", dilation_rate=rate, name=f"dac_{rate}")
        for rate in (1, 3, 5)
    )
    mix = layers.Conv2D(filters, 1, name="dac_mix")
    cascades = [near(x), mix(middle(x)), mix(middle(near(x))), mix(far(middle(near(x))))]
    return layers.Add()([x, *(layers.ReLU()(cascade) for cascade in cascades)])


def multi_kernel_pooling(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return ``x`` beside four poolings of it, each brought to one channel (the RMP block).

    Parameters
    ----------
    x : KerasTensor of shape (N, M, M, F)
        Feature map.

    Returns
    -------
    KerasTensor of shape (N, M, M, F + 4)
        The poolings have kernels of 2, 3, 5 and 6, at most M, share a 1 × 1 convolution, and are enlarged
        bilinearly.
    """
    side = x.shape[1]
    mix = layers.Conv2D(1, 1, name="rmp_mix")
    parts = []
    for kernel in (2, 3, 5, 6):
        pooled = layers.MaxPooling2D(min(kernel, side))(x)
        parts.append(layers.Resizing(side, side)(mix(pooled)))
    return layers.Concatenate()([*parts, x])


def _decode(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    narrow = x.shape[-1] // 4
    x = _normed(layers.Conv2D(narrow, 1)(x))
    x = _normed(layers.Conv2DTranspose(narrow, 3, strides=2, padding="same")(x))
    return _normed(layers.Conv2D(filters, 1)(x))


def cenet(*, side_px: int, classes: int) -> keras.Model:
    """Return CE-Net, which answers with logits for every pixel.

    Parameters
    ----------
    side_px : int
        Side of the input, px, a multiple of 32; the input is optical density, shape (side_px, side_px, 3).
    classes : int
        Number of logits a pixel.

    Returns
    -------
    keras.Model
        About 29 M parameters; output of shape (side_px, side_px, classes).

    References
    ----------
    Gu et al. 2019, doi 10.1109/TMI.2019.2903562. Differs from it in starting from random weights instead of
    those of ImageNet, and in poolings no wider than the map where the input is below 192 px.
    """
    inputs = layers.Input((side_px, side_px, 3), name="optical_density")
    x = _normed(layers.Conv2D(64, 7, strides=2, padding="same", use_bias=False)(inputs))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    skips = []
    for filters, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            x = _basic_block(x, filters, strides=2 if block == 0 and filters > 64 else 1)
        skips.append(x)
    x = multi_kernel_pooling(dense_atrous(x))
    for skip in reversed(skips[:-1]):
        x = layers.Add()([_decode(x, skip.shape[-1]), skip])
    x = _decode(x, 64)
    x = layers.ReLU()(layers.Conv2DTranspose(32, 4, strides=2, padding="same")(x))
    x = layers.ReLU()(layers.Conv2D(32, 3, padding="same")(x))
    return keras.Model(inputs, layers.Conv2D(classes, 3, padding="same", name="logits")(x), name="cenet")
