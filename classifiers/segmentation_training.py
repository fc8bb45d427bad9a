"""The training loop of segmenters, resumable. Needs the extra ``train``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from cells.errors import DataError
from cells.files import atomic_path
from classifiers.networks.cenet import cenet
from classifiers.networks.unet import slim_unet, unet
from classifiers.segmentation_data import SegmentationData
from classifiers.segmentation_views import random_view

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {"cenet": cenet, "slim_unet": slim_unet, "unet": unet}
"""Every network that answers for each pixel, by name."""

CLASSES = 3


class _Views(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(self, data: SegmentationData, settings: dict[str, Any], *, seed: int, first: int) -> None:
        super().__init__(workers=os.cpu_count() or 1, max_queue_size=24)
        self._data, self._settings, self._seed, self._epoch = data, settings, seed, first
        shares = np.zeros(len(data.sources))
        for name in np.unique(data.sources):
            chosen = data.sources == name
            shares[chosen] = settings["shares"][name] / chosen.sum()
        self._weights = shares / shares.sum()

    def __len__(self) -> int:
        return int(self._settings["images_per_epoch"] // self._settings["batch"])

    def on_epoch_end(self) -> None:
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        count, side = self._settings["batch"], self._settings["input_px"]
        densities = np.empty((count, side, side, 3), np.float32)
        answers = np.empty((count, side, side), np.uint8)
        for slot in range(count):
            first, second = rng.choice(len(self._weights), 2, p=self._weights)
            beside = rng.random() < self._settings["geometry"]["neighbour_probability"]
            densities[slot], answers[slot] = random_view(
                rng,
                *self._cell(first),
                neighbour=self._cell(second) if beside else None,
                out_px=side,
                settings=self._settings,
            )
        allowed = (answers[..., None] >> np.arange(CLASSES, dtype=np.uint8)) & 1
        return densities, allowed.astype(np.float32)

    def _cell(self, index: int) -> tuple[Any, Any, Any]:
        return self._data.crops[index], self._data.whites[index], self._data.answers[index]


def allowed_pixel_loss(dice_share: float) -> Callable[[Any, Any], Any]:
    """Return the loss of a segmenter where a pixel may allow several answers.

    Parameters
    ----------
    dice_share : float
        Weight of the Dice loss, 0 or more.

    Returns
    -------
    callable
        From what each pixel allows, shape (N, M, M, 3), 1 for each allowed answer, and logits of the same
        shape, to a loss for each crop, shape (N,): mean negative logarithm of the probability of the allowed
        answers taken together, and ``dice_share`` times one less the soft Dice coefficients of cell and
        nucleus over the pixels where they are known.
    """

    def loss(allowed: Any, logits: Any) -> Any:
        probabilities = ops.softmax(logits, axis=-1)
        entropy = -ops.log(ops.sum(probabilities * allowed, axis=-1) + 1e-6)
        total = ops.mean(entropy, axis=(1, 2))
        for part in (slice(1, 3), slice(2, 3)):
            inside = ops.max(allowed[..., part], axis=-1)
            rest = ops.max(allowed[..., : part.start], axis=-1)
            known = ops.abs(inside - rest)
            predicted = ops.sum(probabilities[..., part], axis=-1) * known
            truth = inside * known
            common = ops.sum(predicted * truth, axis=(1, 2))
            sizes = ops.sum(predicted + truth, axis=(1, 2))
            enough = ops.cast(ops.sum(truth, axis=(1, 2)) > 30.0, "float32")
            total = total + dice_share * enough * (1.0 - (2.0 * common + 1.0) / (sizes + 1.0))
        return total

    return loss


class _Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        super().__init__()
        self._path, self._log = path, log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        arrays = {f"v{i:04d}": v.numpy() for i, v in enumerate(_variables(self.model))}
        with atomic_path(self._path) as temporary:
            np.savez(
                temporary, epoch=np.array(epoch + 1), backend=np.array(keras.backend.backend()), **arrays
            )
        self._log(f"{self._path.stem}, epoch {epoch + 1}: loss {(logs or {}).get('loss', 0.0):.4f}")


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _restore(model: keras.Model, path: Path) -> int:
    with np.load(path, allow_pickle=False) as stored:
        variables = _variables(model)
        if len(stored.files) != len(variables) + 2:
            raise DataError(f"{path} is of another network; remove it to start anew")
        for index, variable in enumerate(variables):
            variable.assign(stored[f"v{index:04d}"])
        return int(stored["epoch"])


def trained_with(checkpoint: Path) -> str:
    """Return the name of the Keras backend that wrote a checkpoint."""
    with np.load(checkpoint, allow_pickle=False) as stored:
        return str(stored["backend"])


def train_stage(
    settings: dict[str, Any],
    data: Callable[[], SegmentationData],
    *,
    checkpoint: Path,
    start: keras.Model | None,
    log: Callable[[str], None],
) -> keras.Model:
    """Train a segmenter, going on from its checkpoint where there is one.

    Parameters
    ----------
    settings : dict
        The settings file, with the table of the stage laid over it.
    data : callable
        Returns the crops; not called where the checkpoint says that the training is done.
    checkpoint : Path
        The ``.npz`` file that every epoch is stored in.
    start : keras.Model or None
        The network whose weights to start from.
    log : callable
        Takes one line of progress.

    Returns
    -------
    keras.Model
        The network with the moving average of its weights.

    Raises
    ------
    DataError
        Where the checkpoint belongs to another network, or the settings name an unknown architecture.
    """
    if settings["architecture"] not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise DataError(f"no segmenter is called {settings['architecture']!r}; choose one of {known}")
    keras.utils.set_random_seed(settings["seed"])
    model = ARCHITECTURES[settings["architecture"]](side_px=settings["input_px"], classes=CLASSES)
    if start is not None:
        model.set_weights(start.get_weights())
    steps = max(1, settings["epochs"] * (settings["images_per_epoch"] // settings["batch"]))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=settings["learning_rate"], warmup_steps=max(1, steps // 12), alpha=0.01
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=settings["weight_decay"],
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=settings["average_decay"],
    )
    model.compile(optimizer, allowed_pixel_loss(settings["dice_share"]), jit_compile=False)
    optimizer.build(model.trainable_variables)
    first = _restore(model, checkpoint) if checkpoint.exists() else 0
    if first >= settings["epochs"]:
        if first:
            optimizer.finalize_variable_values(model.trainable_variables)
        return model
    views = _Views(data(), settings, seed=settings["seed"], first=first)
    log(f"{checkpoint.stem}: {model.count_params()} parameters, epochs {first + 1} to {settings['epochs']}")
    model.fit(
        views,
        initial_epoch=first,
        epochs=settings["epochs"],
        verbose=0,
        shuffle=False,
        callbacks=[_Checkpoint(checkpoint, log)],
    )
    return model


def logits_of(model: keras.Model, densities: NDArray[np.float32], batch: int = 64) -> NDArray[np.float32]:
    """Return a Keras segmenter's logits, shape (N, M, M, 3), for densities of the same shape."""
    parts = [
        np.asarray(model.predict_on_batch(densities[start : start + batch]))
        for start in range(0, len(densities), batch)
    ]
    return np.concatenate(parts)
