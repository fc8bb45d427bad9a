"""The training loop of networks, resumable, and their export to LiteRT. Needs the extra ``train``."""

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cells.errors import DataError, UsageError
from cells.files import atomic_path
from cells.vocabulary import CLASSIFIED
from classifiers.architectures import architecture
from classifiers.augmentation import move, restain
from classifiers.training_data import TrainingData

_STOP = object()


def _batches(data: TrainingData, settings: dict[str, Any], epoch: int) -> Iterator[tuple[Any, Any, Any, Any]]:
    if data.regions is None:
        raise DataError("the training crops have no regions; load them with a segmenter")
    rng = np.random.default_rng([settings["seed"], epoch])
    size, side = settings["batch"], settings["input_px"]
    weights = data.draw_weights(settings["class_balance"])
    draws = rng.choice(len(weights), settings["images_per_epoch"], p=weights)
    for start in range(0, len(draws) - size + 1, size):
        chosen = draws[start : start + size]
        images = np.empty((size, side, side, 3), np.uint8)
        masks = np.empty((size, side, side, 2), np.uint8)
        for slot, index in enumerate(chosen):
            images[slot], masks[slot] = move(
                rng,
                data.crops[index],
                data.regions[index],
                data.whites[index],
                out_px=side,
                settings=settings["geometry"],
            )
        yield images, masks, data.whites[chosen], data.targets[chosen]


def _ahead(batches: Iterator[Any], depth: int = 8) -> Iterator[Any]:
    waiting: queue.Queue[Any] = queue.Queue(depth)

    def fill() -> None:
        try:
            for batch in batches:
                waiting.put(batch)
            waiting.put(_STOP)
        except BaseException as error:
            waiting.put(error)
            raise

    threading.Thread(target=fill, daemon=True).start()
    while (batch := waiting.get()) is not _STOP:
        if isinstance(batch, BaseException):
            raise batch
        yield batch


def allowed_loss(logits: tf.Tensor, targets: tf.Tensor, smoothing: float) -> tf.Tensor:
    """Return the mean negative log probability of the allowed answers taken together.

    Parameters
    ----------
    logits : tensor of shape (N, K), float32
        Answers of the network.
    targets : tensor of shape (N, K), float32
        1 for each allowed answer.
    smoothing : float
        Share of the target spread over all answers, 0 to 1.

    Returns
    -------
    tensor of shape (), float32
    """
    log_p = tf.nn.log_softmax(logits)
    allowed = tf.reduce_logsumexp(log_p + tf.math.log(tf.maximum(targets, 1e-9)), axis=-1)
    return -tf.reduce_mean((1.0 - smoothing) * allowed + smoothing * tf.reduce_mean(log_p, axis=-1))


class _Trainer:
    def __init__(self, settings: dict[str, Any], initial: Path | None) -> None:
        self.settings = settings
        keras.utils.set_random_seed(settings["seed"])
        tf.config.experimental.enable_op_determinism()
        side = settings["input_px"]
        self.model = architecture(settings["architecture"]).build(
            height=side, width=side, classes=len(CLASSIFIED), weights=initial
        )
        steps = settings["epochs"] * (settings["images_per_epoch"] // settings["batch"])
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            steps,
            warmup_target=settings["learning_rate"],
            warmup_steps=min(500, steps // 10),
            alpha=0.01,
        )
        self.optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=settings["weight_decay"], global_clipnorm=1.0
        )
        self.optimizer.build(self.model.trainable_variables)
        self.average = [tf.Variable(v.value, trainable=False) for v in self.model.trainable_variables]
        self.step = tf.function(self._step)

    def _step(
        self, images: tf.Tensor, masks: tf.Tensor, whites: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        density = restain(images, masks, whites, seed, self.settings["stain"])
        with tf.GradientTape() as tape:
            logits = self.model(density, training=True)
            loss = allowed_loss(logits, targets, self.settings["label_smoothing"])
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        keep = self.settings["average_decay"]
        done = tf.cast(self.optimizer.iterations, tf.float32)
        keep = tf.minimum(keep, (1.0 + done) / (10.0 + done))
        for mean, now in zip(self.average, self.model.trainable_variables, strict=True):
            mean.assign(keep * mean + (1.0 - keep) * now.value)
        return loss

    def epoch(self, data: TrainingData, number: int) -> float:
        losses = []
        for step, batch in enumerate(_ahead(_batches(data, self.settings, number))):
            seed = tf.constant([self.settings["seed"], number * 100_000 + step], tf.int32)
            losses.append(self.step(*map(tf.constant, batch), seed))
        return float(np.mean([float(loss) for loss in losses]))

    def variables(self) -> list[tf.Variable]:
        own = [v.value for v in self.model.trainable_variables]
        return [*own, *(v.value for v in self.optimizer.variables), *self.average]

    def save(self, path: Path, number: int) -> None:
        arrays = {f"v{i:04d}": v.numpy() for i, v in enumerate(self.variables())}
        with atomic_path(path) as temporary:
            np.savez(temporary, epoch=np.array(number), **arrays)

    def restore(self, path: Path) -> int:
        with np.load(path, allow_pickle=False) as stored:
            variables = self.variables()
            if len(stored.files) != len(variables) + 1:
                raise DataError(f"{path} is of another network; remove it to start anew")
            for index, variable in enumerate(variables):
                variable.assign(stored[f"v{index:04d}"])
            return int(stored["epoch"]) + 1

    def start_from(self, weights: list[NDArray[np.float32]]) -> None:
        for variable, mean, value in zip(self.model.trainable_variables, self.average, weights, strict=True):
            variable.assign(value)
            mean.assign(value)

    def averaged(self) -> keras.Model:
        for variable, mean in zip(self.model.trainable_variables, self.average, strict=True):
            variable.assign(mean)
        return self.model


def train_network(
    data: TrainingData,
    settings: dict[str, Any],
    *,
    work: Path,
    initial: Path | None = None,
    log: Callable[[str], None],
) -> keras.Model:
    """Train a network stage by stage, going on from the last checkpoint where there is one.

    Parameters
    ----------
    data : TrainingData
        Crops with targets and groups.
    settings : dict
        The settings file. Each of its ``stages`` overrides what stands above it and starts from the
        averaged weights of the stage before. ``averaged_stages`` numbers those whose weights are averaged in
        the end; without it the last stage stands alone.
    work : Path
        Folder of the checkpoints, ``stage-N.npz``.
    initial : Path or None
        File of published weights that the first stage starts from; None starts from random ones.
    log : callable
        Takes one line of progress.

    Returns
    -------
    keras.Model
        The network with the moving average of its weights; it answers with logits.

    Raises
    ------
    DataError
        Where the checkpoint belongs to another network.
    """
    weights: list[NDArray[np.float32]] | None = None
    ends: list[list[NDArray[np.float32]]] = []
    for index, stage in enumerate(settings["stages"]):
        merged = {**settings, **stage, "seed": settings["seed"] + index}
        trainer = _Trainer(merged, initial if index == 0 else None)
        if weights is not None:
            trainer.start_from(weights)
        model = _train_stage(trainer, data, merged, work / f"stage-{index}.npz", log)
        weights = [np.asarray(variable) for variable in model.trainable_variables]
        ends.append(weights)
    chosen = [ends[index] for index in settings.get("averaged_stages", [len(ends) - 1])]
    for variable, *values in zip(model.trainable_variables, *chosen, strict=True):
        variable.assign(np.mean(values, axis=0))
    return model


def _train_stage(
    trainer: _Trainer,
    data: TrainingData,
    settings: dict[str, Any],
    checkpoint: Path,
    log: Callable[[str], None],
) -> keras.Model:
    first = trainer.restore(checkpoint) if checkpoint.exists() else 0
    size = trainer.model.count_params()
    log(f"{checkpoint.stem}: {size} parameters, epochs {first + 1} to {settings['epochs']}")
    for number in range(first, settings["epochs"]):
        loss = trainer.epoch(data, number)
        trainer.save(checkpoint, number)
        log(f"{checkpoint.stem}, epoch {number + 1}: loss {loss:.4f}")
    return trainer.averaged()


def export_litert(model: keras.Model, path: Path, *, features: bool = False) -> None:
    """Write a network as LiteRT with weights of 16 bits, whole or not at all.

    The weights of ``model`` are rounded to 16 bits as well, so that both answer alike.

    Parameters
    ----------
    model : keras.Model
        The network.
    path : Path
        The ``.tflite`` file.
    features : bool, optional
        Whether the file answers with the features before the last dense layer as well; see
        ``with_features``.

    Raises
    ------
    UsageError
        Where features are wanted of a network whose last layer is not dense.
    """
    for variable in model.weights:
        variable.assign(tf.cast(tf.cast(variable.value, tf.float16), tf.float32))
    written = with_features(model) if features else model
    with atomic_path(path) as temporary:
        written.export(
            str(temporary),
            format="litert",
            verbose=False,
            optimizations=[tf.lite.Optimize.DEFAULT],
            target_spec={"supported_types": [tf.float16]},
        )


def with_features(model: keras.Model) -> keras.Model:
    """Return a network with the same weights that answers with its last features as well.

    Parameters
    ----------
    model : keras.Model
        A network whose last layer is dense.

    Returns
    -------
    keras.Model
        Answers with logits of shape (N, K) and with what the last layer weighs, shape (N, D).

    Raises
    ------
    UsageError
        Where its last layer is not dense.
    """
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense):
        raise UsageError(f"the last layer of {model.name} is not dense; it has no features to give")
    return keras.Model(model.inputs, [model.outputs[0], last.input], name=model.name)


def logits_of(model: keras.Model, inputs: NDArray[np.float32], batch: int = 256) -> NDArray[np.float32]:
    """Return the logits of a Keras network, shape (N, K), for inputs of shape (N, M, M, 3)."""
    parts = [np.asarray(model(inputs[i : i + batch], training=False)) for i in range(0, len(inputs), batch)]
    return np.concatenate(parts)
