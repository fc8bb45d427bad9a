"""U-Nets, which answer for every pixel: the published one and a slim one. Needs the extra ``train``."""

import keras
from keras import layers


def _convolve(x: keras.KerasTensor, filters: int, *, size: int = 3, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x)


def unet(*, side_px: int, classes: int) -> keras.Model:
    """Return the published U-Net, which answers with logits for every pixel.

    Parameters
    ----------
    side_px : int
        Side of the input, px, a multiple of 16; the input is optical density, shape (side_px, side_px, 3).
    classes : int
        Number of logits a pixel.

    Returns
    -------
    keras.Model
        About 31 M parameters; output of shape (side_px, side_px, classes).

    References
    ----------
    Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28. Differs from it in padding its convolutions,
    so that nothing is cropped, and in batch normalisation.
    """
    inputs = layers.Input((side_px, side_px, 3), name="optical_density")
    x, skips = inputs, []
    for filters in (64, 128, 256, 512):
        x = _convolve(_convolve(x, filters), filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.5)(_convolve(_convolve(x, 1024), 1024))
    for filters, skip in zip((512, 256, 128, 64), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        x = layers.Concatenate()([skip, x])
        x = _convolve(_convolve(x, filters), filters)
    return keras.Model(inputs, layers.Conv2D(classes, 1, name="logits")(x), name="unet")


def slim_unet(*, side_px: int, classes: int) -> keras.Model:
    """Return a small U-Net for one cell in the middle of its crop, which answers with logits for every pixel.

    Parameters
    ----------
    side_px : int
        Side of the input, px, a multiple of 16; the input is optical density, shape (side_px, side_px, 3).
    classes : int
        Number of logits a pixel.

    Returns
    -------
    keras.Model
        About 0.3 M parameters; output of shape (side_px, side_px, classes).

    References
    ----------
    Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28. Differs from it in 8 to 96 filters, strided
    convolutions for pooling, bilinear upsampling, skips that are added rather than concatenated, batch
    normalisation, and a learnt map of the place in the crop at the lowest level, which tells the cell in the
    middle from its neighbours.
    """
    inputs = layers.Input((side_px, side_px, 3), name="optical_density")
    x = _convolve(inputs, 8)
    skips = [x]
    for filters in (16, 32, 64):
        x = _convolve(_convolve(x, filters, strides=2), filters)
        skips.append(x)
    x = PlaceMap(name="place")(_convolve(x, 96, strides=2))
    x = layers.Add()([x, _convolve(x, 96)])
    for skip in reversed(skips[1:]):
        filters = skip.shape[-1]
        x = layers.UpSampling2D(interpolation="bilinear")(_convolve(x, filters, size=1))
        x = _convolve(layers.Add()([x, skip]), filters)
    x = layers.UpSampling2D(interpolation="bilinear")(_convolve(x, 8, size=1))
    x = _convolve(layers.Add()([x, skips[0]]), 8)
    return keras.Model(inputs, layers.Conv2D(classes, 1, name="logits")(x), name="slim_unet")


class PlaceMap(layers.Layer):  # type: ignore[misc]
    """Adds a learnt map, so that the same sight can mean different things at different places."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the map, which starts at zero.

        Parameters
        ----------
        input_shape : tuple
            Shape (N, rows, columns, filters) of what it is added to.
        """
        self.map = self.add_weight(shape=input_shape[1:], initializer="zeros", name="map")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return ``x``, shape (N, rows, columns, filters), with the map added."""
        return x + self.map
