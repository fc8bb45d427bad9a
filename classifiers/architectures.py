"""Every network that can be trained, by name: where it was published, what it takes and how it was trained.

The registry itself needs no TensorFlow; ``Architecture.build`` does (extra ``train``).
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cells.errors import UsageError

RGB = "rgb"
"""Input of 0 to 255, RGB; what rescaling there is lies within the network."""

OPTICAL_DENSITY = "optical_density"
"""Input of decadic optical density against the white point, 0 to 2."""

SCHEDULES = ("constant", "cosine")
"""What can become of the learning rate over a run."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained where nobody asks for anything else.

    Parameters
    ----------
    epochs, batch : int
        Passes over the training images, and images a step.
    optimizer : str
        ``adam``, ``rmsprop`` or ``sgd``.
    learning_rate : float
        Constant over the run, or the greatest of it.
    augmentation : tuple of str
        Names of ``classifiers.literature_augmentation``.
    schedule : str
        One of ``SCHEDULES``: ``constant``, or ``cosine``, which rises over the first 5 % of the steps and
        falls to 0 at the last.
    """

    epochs: int
    batch: int = 32
    optimizer: str = "adam"
    learning_rate: float = 0.001
    augmentation: tuple[str, ...] = ()
    schedule: str = "constant"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of the registry.

    Parameters
    ----------
    name : str
        Its name in the registry.
    builder : str
        Module and function that builds it, ``module:function``.
    source : str
        The paper, with its DOI where it has one.
    size : tuple of int
        Height and width of the input, px, where nobody asks for another.
    smallest : int
        Smallest side that it can be built for, px.
    rescaling : str
        What becomes of the pixels within the network.
    recipe : Recipe
        Training settings, as published where the paper gives them.
    reading : str
        What the paper leaves open and how it is read here.
    takes : str
        ``RGB`` or ``OPTICAL_DENSITY``.
    pretrained : bool
        Whether it can start from given or ImageNet weights.
    options : mapping
        Further arguments of the builder.
    """

    name: str
    builder: str
    source: str
    size: tuple[int, int]
    smallest: int
    rescaling: str
    recipe: Recipe
    reading: str
    takes: str = RGB
    pretrained: bool = False
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def build(self, *, height: int, width: int, classes: int, weights: str | Path | None = None) -> Any:
        """Build the network.

        Parameters
        ----------
        height, width : int
            Size of the input, px, not below ``smallest``.
        classes : int
            Number of logits, at least 2.
        weights : str, Path or None
            ``"imagenet"``, a file of weights of the network without its top, or None for random ones.

        Returns
        -------
        keras.Model
            Takes (N, height, width, 3) float32, answers (N, classes) logits.

        Raises
        ------
        UsageError
            Where the size, the number of classes or the weights are not possible for it.
        InputError
            Where the weights cannot be had.
        """
        if min(height, width) < self.smallest or classes < 2:
            raise UsageError(
                f"{self.name} takes images of at least {self.smallest} px a side and two or more classes,"
                f" not {height} x {width} px and {classes}"
            )
        given: dict[str, Any] = dict(self.options)
        if self.pretrained:
            given["weights"] = weights
        elif weights is not None:
            raise UsageError(f"{self.name} has no published weights; train it with --weights none")
        module, _, function = self.builder.partition(":")
        return getattr(importlib.import_module(module), function)(
            height=height, width=width, classes=classes, **given
        )


_CASCADES = "classifiers.networks.cascades"
_UNIT = "0–255 to 0–1"
_LYMPHOBLASTS = "transfer learning on acute lymphoblastic leukaemia (C-NMC 2019)"
_SHCHETININ = "Shchetinin 2022, doi 10.14489/vkit.2022.12.pp.046-052"
_PANIN = "Panin, Mamedov & Tarakanov 2023, doi 10.35266/1999-7604-2023-3-43-51"
_TURNED = ("rotation", "noise")
_HEAD = "Global mean, dropout 0.2 and one dense layer as the head, all layers trained; "

_PLAIN = (
    Architecture(
        "three_cascades",
        f"{_CASCADES}:three_cascades",
        "Three-cascade network for the Blood Cell Images set, 2020 (grant RFBR 19-07-00133)",
        (60, 80),
        8,
        _UNIT,
        Recipe(20),
        "Filters 32, 32, 64, kernels 3 × 3, 64 dense units, Adam, batch 32; the paper gives three cascades,"
        " two dense layers, nine layers, rescaling, 20 epochs. Two classes make its binary form, several the"
        " other.",
    ),
    Architecture(
        "panin_six_stages",
        f"{_CASCADES}:panin_six_stages",
        f"{_PANIN}, network 1",
        (200, 200),
        64,
        _UNIT,
        Recipe(15, augmentation=("scale", "rotation_36")),
        "Layers as printed. Ranges of scale (±20 %) and rotation (±36°), batch 32 and learning rate"
        " 0.001 are ours.",
    ),
    Architecture(
        "panin_three_stages",
        f"{_CASCADES}:panin_three_stages",
        f"{_PANIN}, network 2",
        (200, 200),
        8,
        "none",
        Recipe(10),
        "Layers as printed; the input size is taken from network 1; batch 32 and learning rate 0.001"
        " are ours.",
    ),
    Architecture(
        "simplenet",
        f"{_CASCADES}:simplenet",
        f"SimpleNet beside {_LYMPHOBLASTS}",
        (112, 112),
        16,
        _UNIT,
        Recipe(200, augmentation=_TURNED),
        "The paper says only: a few layers, from scratch. Four stages of 16 to 128 filters, global"
        " mean, dropout 0.2.",
    ),
    Architecture(
        "leucocytenet",
        "classifiers.networks.separable:leucocytenet",
        f"LeucoCyteNet-v1: {_SHCHETININ}",
        (60, 80),
        32,
        "0–255 to −1–1",
        Recipe(30, augmentation=("rotation", "flips")),
        "The abstract names separable convolutions, normalisation and augmentation, no layers: stem of"
        " 32, three stages of two separable convolutions with batch normalisation, mean, dropout 0.3,"
        " 128 dense units.",
    ),
    Architecture(
        "residual_gn",
        "classifiers.networks.residual:residual_gn",
        "He et al. 2016, doi 10.1109/CVPR.2016.90; Wu & He 2018, doi 10.1007/978-3-030-01261-8_1",
        (96, 96),
        32,
        "optical density against the white point",
        Recipe(30, batch=64, augmentation=("rotation", "flips", "colour_jitter")),
        "The network that ships is trained by `train cnn` with its own settings file; this recipe is a"
        " plain one.",
        takes=OPTICAL_DENSITY,
    ),
)


def _transfer(  # noqa: PLR0917 - a row of the table below
    name: str, side: int, smallest: int, source: str, rescaling: str, recipe: Recipe, reading: str = ""
) -> Architecture:
    return Architecture(
        name,
        "classifiers.networks.transfer:transfer",
        source,
        (side, side),
        smallest,
        rescaling,
        recipe,
        _HEAD + (reading or "input size that of the ImageNet weights; learning rate 0.0001, batch 16."),
        pretrained=True,
        options=MappingProxyType({"application": name}),
    )


_FINE = Recipe(200, 16, learning_rate=1e-4, augmentation=_TURNED)
_TUNED = Recipe(30, 16, learning_rate=1e-4, augmentation=("rotation", "flips"))
_SIX = Recipe(
    30, 16, learning_rate=0.005, augmentation=("rotation_45", "flips", "random_resized_crop", "brightness")
)
_SIGNED, _BGR, _OWN = "0–255 to −1–1", "BGR less the ImageNet means", "as its ImageNet weights expect"

_TRANSFER = (
    _transfer(
        "Xception", 299, 71, f"{_LYMPHOBLASTS}; Chollet 2017, doi 10.1109/CVPR.2017.195", _SIGNED, _FINE
    ),
    _transfer(
        "VGG16",
        224,
        32,
        f"{_LYMPHOBLASTS}; {_SHCHETININ}; Simonyan & Zisserman 2014, arXiv 1409.1556",
        _BGR,
        _FINE,
    ),
    _transfer("ResNet50", 224, 32, f"{_SHCHETININ}; He et al. 2016, doi 10.1109/CVPR.2016.90", _BGR, _TUNED),
    _transfer(
        "ResNet152V2",
        224,
        32,
        f"{_LYMPHOBLASTS}; He et al. 2016, doi 10.1007/978-3-319-46493-0_38",
        _SIGNED,
        _FINE,
    ),
    _transfer(
        "DenseNet201",
        224,
        32,
        f"{_SHCHETININ}; Huang et al. 2017, doi 10.1109/CVPR.2017.243",
        "ImageNet means and deviations",
        _TUNED,
    ),
    _transfer(
        "MobileNetV3",
        224,
        32,
        f"{_SHCHETININ}; Howard et al. 2019, doi 10.1109/ICCV.2019.00140",
        _OWN,
        _TUNED,
    ),
    _transfer(
        "InceptionResNetV2", 299, 75, f"{_SHCHETININ}; Szegedy et al. 2017, arXiv 1602.07261", _SIGNED, _TUNED
    ),
    _transfer(
        "EfficientNetB4",
        224,
        32,
        "Chegodaev 2021, six classes; Tan & Le 2019, arXiv 1905.11946",
        _OWN,
        _SIX,
        "the paper's second learning rate, 1.5e-6, is given with --learning-rate to a resumed run.",
    ),
    _transfer("EfficientNetB5", 456, 32, f"{_LYMPHOBLASTS}; Tan & Le 2019, arXiv 1905.11946", _OWN, _FINE),
    _transfer("EfficientNetV2M", 480, 32, f"{_LYMPHOBLASTS}; Tan & Le 2021, arXiv 2104.00298", _OWN, _FINE),
)

_LITE = (
    Architecture(
        "efficientnet_lite",
        "classifiers.networks.efficientnet_lite:efficientnet_lite",
        "Tan & Le 2019, arXiv 1905.11946; EfficientNet-Lite0",
        (112, 112),
        32,
        "optical density turned back into white-corrected light, −1–1",
        Recipe(20, batch=64, augmentation=("rotation", "flips", "colour_jitter")),
        "Cut after five of seven groups of blocks, batch normalisation folded in. The network that ships is"
        " trained by `train cnn` with its own settings file; this recipe is a"
        " plain one.",
        takes=OPTICAL_DENSITY,
        pretrained=True,
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {architecture.name: architecture for architecture in (*_PLAIN, *_LITE, *_TRANSFER)}
)
"""Every network that can be trained, by name. A new family adds its entries to the tuple above."""


def architecture(name: str) -> Architecture:
    """Return an entry of the registry.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Architecture

    Raises
    ------
    UsageError
        Where there is no such network.
    """
    if name not in ARCHITECTURES:
        raise UsageError(f"no network {name!r}; choose one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
