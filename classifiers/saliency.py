"""What a network looked at: Grad-CAM and integrated gradients. Needs the extra ``train``.

Drawn and stored by ``classifiers.saliency_maps``, which needs no TensorFlow.
"""

from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cells.errors import ModelError, UsageError
from cells.model_files import open_model
from classifiers.architectures import architecture
from classifiers.networks.averaging import averaging

_POOLED = 4


def load_keras(folder: Path) -> keras.Model:
    """Build a trained network of the registry again, from its manifest and its plain arrays of weights.

    Parameters
    ----------
    folder : Path
        Written by ``classifiers.train_network``.

    Returns
    -------
    keras.Model
        Answers with logits; no Keras file is loaded.

    Raises
    ------
    ModelError
        Where the model is missing, altered, or its weights do not suit its manifest.
    """
    model = open_model(folder, kind="network")
    try:
        names, sizes = model.manifest["architectures"], model.manifest["members_input"]
        classes = len(model.manifest["classes"])
        members = [
            architecture(str(name)).build(height=int(size[0]), width=int(size[1]), classes=classes)
            for name, size in zip(names, sizes, strict=True)
        ]
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ModelError(f"model {folder.name}: bad manifest ({error}); train it again") from error
    network = members[0] if len(members) == 1 else averaging(members)
    try:
        with np.load(folder / "weights.npz", allow_pickle=False) as stored:
            network.set_weights([stored[f"w{i:05d}"] for i in range(len(network.weights))])
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"model {folder.name}: its weights do not suit it; train it again") from error
    return network


def last_feature_layer(model: keras.Model) -> str:
    """Return the name of the last layer whose answer is still a map of places.

    Parameters
    ----------
    model : keras.Model
        A network on images.

    Returns
    -------
    str

    Raises
    ------
    UsageError
        Where it has none of at least 2 × 2 places.
    """
    for layer in reversed(model.layers):
        shape = getattr(layer.output, "shape", ()) if not isinstance(layer, keras.layers.InputLayer) else ()
        if len(shape) == _POOLED and min(shape[1:3]) >= 2:
            return str(layer.name)
    raise UsageError(f"{model.name} has no layer that keeps places; Grad-CAM needs one")


def grad_cam(
    model: keras.Model, image: NDArray[np.float32], *, class_index: int, layer: str | None = None
) -> NDArray[np.float32]:
    """Return which places speak for a class, by the gradients of its logit at a convolutional layer.

    Parameters
    ----------
    model : keras.Model
        Answers with logits.
    image : ndarray of shape (height, width, 3), float32
        One input as the network takes it.
    class_index : int
        The class.
    layer : str, optional
        Name of the layer; the last one with a map of places by default.

    Returns
    -------
    ndarray of shape (height, width), float32
        0 to 1, enlarged linearly to the image; all 0 where nothing speaks for the class. For an averaging
        ensemble the mean of its members' maps.

    Raises
    ------
    UsageError
        Where the layer or class is not there.

    References
    ----------
    Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74, equations 1 and 2.
    """
    _check(model, class_index)
    members = [part for part in model.layers if isinstance(part, keras.Model)]
    if members and layer is None:
        return _mean_cam(members, image, class_index)
    name = layer or last_feature_layer(model)
    if name not in {candidate.name for candidate in model.layers}:
        raise UsageError(f"{model.name} has no layer {name!r}")
    both = keras.Model(model.inputs, [model.get_layer(name).output, model.output])
    inputs = tf.constant(image[None])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        maps, logits = both(inputs, training=False)
        answer = logits[:, class_index]
    gradients = tape.gradient(answer, maps)
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0].numpy()
    return _fitted(heat, image.shape[0], image.shape[1])


def _mean_cam(
    members: list[keras.Model], image: NDArray[np.float32], class_index: int
) -> NDArray[np.float32]:
    total = np.zeros(image.shape[:2], np.float32)
    for member in members:
        height, width = member.input_shape[1:3]
        fitted = np.asarray(tf.image.resize(image, (height, width)), np.float32)
        total += _fitted(grad_cam(member, fitted, class_index=class_index), *image.shape[:2])
    return total / np.float32(len(members))


def _fitted(heat: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    resized = np.asarray(cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    top = float(resized.max())
    return resized / np.float32(top) if top > 0 else resized


def _check(model: keras.Model, class_index: int) -> None:
    if not 0 <= class_index < model.output_shape[-1]:
        raise UsageError(
            f"{model.name} answers {model.output_shape[-1]} classes; there is no class {class_index}"
        )


def integrated_gradients(
    model: keras.Model,
    image: NDArray[np.float32],
    *,
    class_index: int,
    baseline: NDArray[np.float32] | None = None,
    steps: int = 64,
) -> NDArray[np.float32]:
    """Return what each value of the input adds to the logit of a class against a baseline.

    Parameters
    ----------
    model : keras.Model
        Answers with logits.
    image : ndarray of shape (height, width, 3), float32
        One input as the network takes it.
    class_index : int
        The class.
    baseline : ndarray of the shape of the image, float32, optional
        What says nothing; all 0 by default: black for RGB, the empty slide for optical density.
    steps : int, optional
        Points on the straight way from baseline to image, midpoint rule; at least 1.

    Returns
    -------
    ndarray of shape (height, width, 3), float32
        Attributions; their sum approaches the difference of the logits of image and baseline
        (completeness) as the steps grow.

    Raises
    ------
    UsageError
        Where the class or the number of steps is not possible.

    References
    ----------
    Sundararajan, Taly & Yan 2017, arXiv 1703.01365; midpoints instead of the right ends of the steps.
    """
    _check(model, class_index)
    if steps < 1:
        raise UsageError(f"{steps} steps; integrated gradients need at least 1")
    start = np.zeros_like(image) if baseline is None else baseline
    total = np.zeros(image.shape, np.float64)
    shares = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    for part in np.array_split(shares, -(-steps // 16)):
        points = tf.constant(start + part[:, None, None, None] * (image - start))
        with tf.GradientTape() as tape:
            tape.watch(points)
            answer = tf.reduce_sum(model(points, training=False)[:, class_index])
        total += tape.gradient(answer, points).numpy().sum(axis=0)
    return np.asarray((image - start) * total / steps, np.float32)
