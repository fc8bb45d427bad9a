"""Transfer learning: networks of ``keras.applications`` with a head of their own, on RGB of 0 to 255.

Nothing is fetched unless ``weights="imagenet"`` is asked for; that is answered from Keras's own folder of
weights, or by a download, or by a refusal that says what to do.
"""

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
from keras import layers

from cells.errors import InputError, UsageError

_MEANS_BGR = (103.939, 116.779, 123.68)
_MEANS_RGB = (123.675, 116.28, 103.53)
_DEVIATIONS_RGB = (58.395, 57.12, 57.375)
_HOST = "https://storage.googleapis.com/tensorflow/keras-applications/"


class _Application(NamedTuple):
    build: Callable[..., keras.Model]
    preparation: str
    stem: str
    """How the names of its files of weights begin."""


_APPLICATIONS = {
    "Xception": _Application(keras.applications.Xception, "signed", "xception"),
    "VGG16": _Application(keras.applications.VGG16, "bgr", "vgg16"),
    "ResNet50": _Application(keras.applications.ResNet50, "bgr", "resnet50_"),
    "ResNet152V2": _Application(keras.applications.ResNet152V2, "signed", "resnet152v2"),
    "DenseNet201": _Application(keras.applications.DenseNet201, "standard", "densenet201"),
    "MobileNetV3": _Application(keras.applications.MobileNetV3Large, "own", "weights_mobilenet_v3_large"),
    "InceptionResNetV2": _Application(keras.applications.InceptionResNetV2, "signed", "inception_resnet_v2"),
    "EfficientNetB4": _Application(keras.applications.EfficientNetB4, "own", "efficientnetb4"),
    "EfficientNetB5": _Application(keras.applications.EfficientNetB5, "own", "efficientnetb5"),
    "EfficientNetV2M": _Application(keras.applications.EfficientNetV2M, "own", "efficientnetv2-m"),
}


_WITH_PREPARATION = ("MobileNetV3", "EfficientNetV2M")


def _prepare(x: keras.KerasTensor, way: str) -> keras.KerasTensor:
    if way == "signed":
        return layers.Rescaling(1.0 / 127.5, offset=-1.0, name="rescaling")(x)
    if way == "standard":
        variances = [deviation**2 for deviation in _DEVIATIONS_RGB]
        return layers.Normalization(mean=list(_MEANS_RGB), variance=variances, name="standardising")(x)
    if way == "bgr":
        turned = keras.ops.flip(x, axis=-1)
        return layers.Normalization(mean=list(_MEANS_BGR), variance=[1.0] * 3, name="centring")(turned)
    return x


def _reach(application: _Application, name: str) -> None:
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    if any(folder.glob(f"{application.stem}*")):
        return
    try:
        with urllib.request.urlopen(urllib.request.Request(_HOST, method="HEAD"), timeout=10):
            pass
    except urllib.error.HTTPError:
        return
    except OSError as error:
        raise InputError(
            f"the ImageNet weights of {name} are not in {folder} and cannot be fetched ({error});"
            " give a file of weights, or train with --weights none"
        ) from error


def transfer(
    *, application: str, height: int, width: int, classes: int, weights: str | Path | None = None
) -> keras.Model:
    """Return a network of ``keras.applications`` with global mean, dropout and one dense layer on top.

    Parameters
    ----------
    application : str
        Its name; MobileNetV3 is the large one.
    height, width : int
        Size of the input, px; the network says how small it may be.
    classes : int
        Number of logits.
    weights : str, Path or None
        ``"imagenet"``, a Keras file of the weights without the top (``.weights.h5`` or ``.h5``), or None
        for weights drawn at random.

    Returns
    -------
    keras.Model
        All of its weights are trained; the preparation that its ImageNet weights expect is a part of it.

    Raises
    ------
    UsageError
        Where the network or the size is not possible.
    InputError
        Where the weights cannot be had or do not suit.
    """
    if application not in _APPLICATIONS:
        raise UsageError(f"no network {application!r}; choose one of {', '.join(_APPLICATIONS)}")
    chosen = _APPLICATIONS[application]
    if weights == "imagenet":
        _reach(chosen, application)
    inputs = layers.Input((height, width, 3), name="rgb")
    given: dict[str, Any] = {"include_preprocessing": True} if application in _WITH_PREPARATION else {}
    try:
        base = chosen.build(
            include_top=False,
            weights="imagenet" if weights == "imagenet" else None,
            input_tensor=_prepare(inputs, chosen.preparation),
            **given,
        )
    except ValueError as error:
        raise UsageError(f"{application} cannot take {height} x {width} px: {error}") from error
    if weights not in (None, "imagenet"):
        _load(base, Path(weights))
    pooled = layers.GlobalAveragePooling2D(name="mean")(base.output)
    pooled = layers.Dropout(0.2, name="dropout")(pooled)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(pooled), name=application.lower())


def _load(base: keras.Model, path: Path) -> None:
    try:
        base.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"cannot use the weights {path}: {str(error).splitlines()[0]};"
            " give a Keras file of this network without its top"
        ) from error
