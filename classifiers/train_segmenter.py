"""Making the model folder of the segmenter. Needs the extra ``train``.

The base is trained on synthetic cells and pseudo-labels; it is then fine-tuned with the masks of ``bcisc``,
once without each fold, which that network is judged on, and once with all of them, which ships.
"""

import importlib.metadata
import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cells.files import atomic_path
from cells.model_files import write_manifest
from classifiers.preprocess import network_input
from classifiers.segmentation_data import (
    BACKGROUND,
    NUCLEUS,
    MaskedCell,
    SegmentationData,
    drawn_cell,
    load_hand_drawn,
    load_segmentation_data,
)
from classifiers.segmentation_training import logits_of, train_stage, trained_with
from features.segmentation import Mask
from features.segmenter import ANSWERS, NetworkSegmenter, half_turn_mean, masks_from_logits

_NETWORK = "network.tflite"
_LIBRARIES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert")
_DRAWN_FOR_METRICS = 220


def train_networks(
    settings: dict[str, Any], *, data: Path, work: Path, workers: int, log: Callable[[str], None]
) -> tuple[keras.Model, list[tuple[keras.Model, list[MaskedCell]]]]:
    """Train the network that ships and the networks of the folds, or read them where they are done.

    Parameters
    ----------
    settings : dict
        The settings file.
    data : Path
        Folder that holds the data sets by name.
    work : Path
        Folder of the checkpoints.
    workers : int
        Processes that prepare the crops.
    log : callable
        Takes one line of progress.

    Returns
    -------
    keras.Model
        The network trained on everything.
    list of tuple of keras.Model and list of MaskedCell
        For each fold of ``bcisc`` the network trained without it, and the fold.

    Raises
    ------
    DataError, InputError
        Where the data or the settings have a fault.
    """
    others = cache(partial(load_segmentation_data, settings, data=data, workers=workers, log=log))
    drawn, items = load_hand_drawn(settings, data=data)
    base_settings = {**settings, **settings["base"]}
    base = train_stage(base_settings, others, checkpoint=work / "base.npz", start=None, log=log)
    folds = []
    for fold in range(settings["folds"] + 1):
        kept = np.array([_fold(str(name), settings["folds"]) != fold for name in drawn.sources])
        fine = {**settings, **settings["fine"], "seed": settings["seed"] + 1 + fold}
        model = train_stage(
            fine,
            partial(_together, others, drawn, kept),
            checkpoint=work / f"fold-{fold}.npz",
            start=base,
            log=log,
        )
        folds.append((model, [item for item in items if _fold(item.name, settings["folds"]) == fold]))
    return folds[-1][0], folds[:-1]


def train(settings: dict[str, Any], *, data: Path, out: Path, log: Callable[[str], None]) -> dict[str, float]:
    """Train the segmenter from data to the model folder that ships.

    Parameters
    ----------
    settings : dict
        The settings file, ``classifiers/settings/segmenter.toml`` for the shipped model.
    data : Path
        Folder that holds the data sets by name.
    out : Path
        The model folder; checkpoints in its ``work`` are gone on from and left for another run.
    log : callable
        Takes one line of progress.

    Returns
    -------
    dict of str to float
        Dice coefficients on ``bcisc``, each fold by the network that was trained without it, and on synthetic
        cells that were not trained on.

    Raises
    ------
    DataError, InputError
        Where the data or the settings have a fault.
    """
    from classifiers.network_training import export_litert  # noqa: PLC0415 - needs TensorFlow itself

    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    workers = os.cpu_count() or 1
    model, folds = train_networks(settings, data=data, work=work, workers=workers, log=log)
    export_litert(model, out / _NETWORK)
    metrics = {**_fold_metrics(folds, settings), **_synthetic_metrics(out / _NETWORK, settings)}
    details = {
        "answers": list(ANSWERS),
        "input_px": settings["input_px"],
        "crop": "27 µm square, optical density against the white point",
        "parameters": model.count_params(),
        "trained_with": sorted({trained_with(path) for path in work.glob("*.npz")}),
        "settings": settings,
        "metrics": metrics,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
    write_manifest(
        out,
        name="segmenter",
        kind="segmenter",
        version=str(settings["version"]),
        files=[_NETWORK],
        details=details,
    )
    _write_card(out / "card.md", details)
    log(f"metrics: {metrics}")
    return metrics


def _fold(name: str, folds: int) -> int:
    return int(name.partition("_")[2].partition("-")[0]) % folds


def _together(
    load: Callable[[], SegmentationData], drawn: SegmentationData, kept: NDArray[np.bool_]
) -> SegmentationData:
    others = load()
    return SegmentationData(
        np.concatenate([others.crops, drawn.crops[kept]]),
        np.concatenate([others.whites, drawn.whites[kept]]),
        np.concatenate([others.answers, drawn.answers[kept]]),
        np.concatenate([others.sources, np.full(int(kept.sum()), "bcisc")]),
    )


def _fold_metrics(
    folds: Sequence[tuple[keras.Model, Sequence[MaskedCell]]], settings: dict[str, Any]
) -> dict[str, float]:
    values = []
    for model, items in folds:
        crops = np.stack([item.crop for item in items])
        whites = np.stack([item.white for item in items])
        inputs = network_input(crops, whites, side_px=settings["input_px"])
        logits = half_turn_mean(partial(logits_of, model), inputs)
        for item, answer in zip(items, logits, strict=True):
            values.append(_dice(masks_from_logits(answer, item.crop, item.white).cell, item.cell))
    return {"bcisc_cell_images": float(len(values)), **_summary("bcisc_cell", values)}


def _synthetic_metrics(network: Path, settings: dict[str, Any]) -> dict[str, float]:
    seed = settings["seed"] + 1
    cells = [drawn_cell((seed, index)) for index in range(_DRAWN_FOR_METRICS)]
    segmenter = NetworkSegmenter(network.read_bytes(), side_px=settings["input_px"])
    found = segmenter.segment_all(np.stack([c[0] for c in cells]), np.stack([c[1] for c in cells]))
    nuclei = [_dice(m.nucleus, c[2] == NUCLEUS) for m, c in zip(found, cells, strict=True)]
    whole = [_dice(m.cell, c[2] != BACKGROUND) for m, c in zip(found, cells, strict=True)]
    return {**_summary("synthetic_nucleus", nuclei), **_summary("synthetic_cell", whole)}


def _summary(name: str, values: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_dice_mean": float(np.mean(values)),
        f"{name}_dice_5th_percentile": float(np.percentile(values, 5)),
    }


def _dice(first: Mask, second: Mask) -> float:
    return 2.0 * float((first & second).sum()) / float(max(int(first.sum()) + int(second.sum()), 1))


_CARD = """# Segmenter

The network `{architecture}` ({parameters:,} parameters, run by LiteRT) answers for each pixel of a crop of
27 µm, given as white-point-corrected optical density of {side} px a side: background, cytoplasm or nucleus.
Decision support, not a certified medical device.

## Training images

{sources}

`synthetic` cells are drawn by this project with exact masks. On `pbc_barcelona` (Acevedo et al. 2020, doi
10.1016/j.dib.2020.105474, CC BY 4.0) and `raabin_wbc` (Kouzehkanan et al. 2022, doi
10.1038/s41598-021-04426-x) the masks are those of the classical route, kept where it finds the same in three
stains. `bcisc` (Apache-2.0) gives masks of the whole cell drawn by hand; its nuclei are pseudo-labels too.

Trained with Keras on {backends}.

## Agreement

{metrics}

`bcisc` is scored fold by fold with networks that were trained without the fold. Figures on a set that it has
not seen: `docs/segmentation.md`, by `python -m evaluation.segmentation`.
"""


def _write_card(path: Path, details: dict[str, Any]) -> None:
    settings = details["settings"]
    text = _CARD.format(
        architecture=settings["architecture"],
        parameters=details["parameters"],
        side=settings["input_px"],
        backends=" and ".join(details["trained_with"]),
        sources="\n".join(f"- {name}: {count} drawn or tried" for name, count in settings["sources"].items()),
        metrics="\n".join(f"- {name}: {value:.4f}" for name, value in details["metrics"].items()),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
