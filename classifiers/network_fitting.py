"""The training loop of the networks of the literature, resumable to the bit. Needs the extra ``train``."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cells.errors import DataError
from cells.files import atomic_path
from classifiers.architectures import Recipe
from classifiers.curves import Epoch
from classifiers.literature_augmentation import augment

_REPORT_SECONDS = 60.0
_TEST_BATCH = 128
_WARM_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images in memory with their classes.

    Parameters
    ----------
    pixels : ndarray of shape (N, height, width, 3), uint8
        RGB.
    truth : ndarray of shape (N,), int64
        Number of the class.
    prepare : callable
        From a batch of pixels to the network's input, float32.
    """

    pixels: NDArray[np.uint8]
    truth: NDArray[np.int64]
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Yield the images in order, ``size`` at a time, with their classes."""
        for start in range(0, len(self.truth), size):
            stop = start + size
            yield self.prepare(self.pixels[start:stop]), self.truth[start:stop]

    def drawn(
        self, recipe: Recipe, *, seed: int, epoch: int
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Yield every image once in a random order, augmented; the same for the same seed and epoch."""
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(self.truth))
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            pixels = self.pixels[chosen]
            if recipe.augmentation:
                pixels = np.stack([augment(rng, image, recipe.augmentation) for image in pixels])
            yield self.prepare(pixels), self.truth[chosen]


def _ahead(batches: Iterator[Any]) -> Iterator[Any]:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, batches, None)
        while (batch := waiting.result()) is not None:
            waiting = pool.submit(next, batches, None)
            yield batch


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    makers = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}
    given = {"momentum": 0.9} if recipe.optimizer == "sgd" else {}
    return makers[recipe.optimizer](recipe.learning_rate, **given)


def rate_share(step: int, steps: int) -> float:
    """Return the share of the greatest learning rate at a step of the cosine schedule.

    Parameters
    ----------
    step : int
        Number of the step, 0 to ``steps`` − 1.
    steps : int
        Steps of the whole run.

    Returns
    -------
    float
        0 to 1: rises evenly over the first 5 % of the steps, then falls along half a cosine towards 0.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts; with a warm-up before it.
    """
    warm = max(1, round(steps * _WARM_SHARE))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


class Fitting:
    """A network under training: one epoch after the other, with its history and its checkpoint."""

    def __init__(self, model: keras.Model, recipe: Recipe, *, seed: int) -> None:
        """Prepare the steps.

        Parameters
        ----------
        model : keras.Model
            Answers with logits.
        recipe : Recipe
            Training settings.
        seed : int
            Seed of order and augmentation.
        """
        self.model = model
        self.recipe = recipe
        self.seed = seed
        self.history: list[Epoch] = []
        self._optimizer = _optimizer(recipe)
        self._optimizer.build(model.trainable_variables)
        shape = (None, *model.input_shape[1:])
        signature = [tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None,), tf.int64)]
        self._train_step = tf.function(self._learn, input_signature=signature)
        self._test_step = tf.function(self._look, input_signature=signature)

    def _learn(self, images: tf.Tensor, truth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            logits = self.model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        return losses, tf.argmax(logits, axis=-1) == truth

    def _look(self, images: tf.Tensor, truth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = self.model(images, training=False)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits), tf.argmax(logits, -1) == truth

    @property
    def learning_rate(self) -> float:
        """Learning rate of the last step."""
        return float(np.asarray(self._optimizer.learning_rate))

    def step(self, images: tf.Tensor, truth: tf.Tensor) -> float:
        """Train one step and wait for it.

        Parameters
        ----------
        images : Tensor of shape (N, height, width, 3), float32
            As the network takes them.
        truth : Tensor of shape (N,), int64
            Numbers of their classes.

        Returns
        -------
        float
            Mean loss before the step.
        """
        losses, _ = self._train_step(images, truth)
        return float(losses.numpy().mean())

    def epoch(self, train: Images, test: Images, *, log: Callable[[str], None]) -> Epoch:
        """Train one epoch and look at the test images.

        Parameters
        ----------
        train, test : Images
            The two sides of the split.
        log : callable
            Takes one line of progress.

        Returns
        -------
        Epoch
            The new last line of ``history``.
        """
        start = said = time.perf_counter()
        number = len(self.history)
        parts: list[tuple[tf.Tensor, tf.Tensor]] = []
        batches = train.drawn(self.recipe, seed=self.seed, epoch=number)
        steps = -(-len(train.truth) // self.recipe.batch)
        for images, truth in _ahead(batches) if self.recipe.augmentation else batches:
            if self.recipe.schedule == "cosine":
                share = rate_share(number * steps + len(parts), self.recipe.epochs * steps)
                self._optimizer.learning_rate.assign(self.recipe.learning_rate * share)
            parts.append(self._train_step(tf.constant(images), tf.constant(truth)))
            if time.perf_counter() - said > _REPORT_SECONDS:
                said = time.perf_counter()
                log(f"epoch {number + 1}: {len(parts) * self.recipe.batch} of {len(train.truth)} images")
        losses, right = _means(parts)
        test_losses, test_right = _means(
            [self._test_step(tf.constant(x), tf.constant(y)) for x, y in test.batches(_TEST_BATCH)]
        )
        line = Epoch(number + 1, losses, right, test_losses, test_right, time.perf_counter() - start)
        self.history.append(line)
        return line

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self._optimizer.variables]

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all: every variable and the history, plain arrays."""
        arrays: dict[str, Any] = {f"v{i:05d}": np.asarray(v) for i, v in enumerate(self._variables())}
        with atomic_path(path) as temporary:
            np.savez(temporary, history=np.array(self.history, np.float64), **arrays)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint; DataError where it is of another network or cannot be read."""
        variables = self._variables()
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = [stored[f"v{i:05d}"] for i in range(len(variables))]
                suits = len(stored.files) == len(variables) + 1
                history = stored["history"]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path} is no checkpoint of this network; remove it to start anew") from error
        if not suits or any(tuple(v.shape) != a.shape for v, a in zip(variables, values, strict=True)):
            raise DataError(f"{path} is of another network; remove it to start anew")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self.history = [Epoch(int(line[0]), *map(float, line[1:])) for line in history]


def _means(parts: list[tuple[tf.Tensor, tf.Tensor]]) -> tuple[float, float]:
    losses = np.concatenate([loss.numpy() for loss, _ in parts])
    right = np.concatenate([hit.numpy() for _, hit in parts])
    return float(losses.mean()), float(right.mean())


def logits_for(model: keras.Model, images: Images, *, batch: int = 64) -> NDArray[np.float32]:
    """Return the logits of a network for images, shape (N, K), float32."""
    parts = [np.asarray(model(x, training=False)) for x, _ in images.batches(batch)]
    return np.concatenate(parts)
