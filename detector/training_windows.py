"""Windows with and without leukocytes, taken from variations of training fields."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detector.boosting import Windows
from detector.cascade import Cascade
from detector.channels import picture_of
from detector.samples import TrainingField
from detector.scan import FEATURES, scan, window_features
from detector.suppression import suppress
from detector.training_settings import TrainingSettings
from detector.variations import Drawn, draw, draw_overlay
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

_BOTH_NEAR = 1.3


def collect_windows(
    training: Sequence[TrainingField],
    rng: np.random.Generator,
    *,
    settings: TrainingSettings,
    variants: int,
    cascade: Cascade | None = None,
    negatives_each: int | None = None,
) -> tuple[Windows, Windows]:
    """Draw variations of fields and take windows with and without leukocytes from them.

    Parameters
    ----------
    training : sequence of TrainingField
        Published fields.
    rng : numpy.random.Generator
        Source of chance.
    settings : TrainingSettings
        How many and how far.
    variants : int
        Variations of each field; the first of them is the field as it is.
    cascade : Cascade, optional
        Where given, negatives are its best false windows instead of random ones.
    negatives_each : int, optional
        Random negatives of a variation; None takes the setting.

    Returns
    -------
    positives, negatives : ndarray of shape (N, FEATURES), int16
        The windows.
    """
    positives, negatives = [np.zeros((0, FEATURES), np.int16)], [np.zeros((0, FEATURES), np.int16)]
    count = settings.random_negatives if negatives_each is None else negatives_each
    for variant in range(variants):
        for source in training:
            drawn = _draw(source, training, rng, settings, first=variant == 0, hard=cascade is not None)
            picture = picture_of(drawn.densities)
            limit = np.array(picture.positions)
            near = _positive_positions(drawn, rng, limit, settings)
            positives.append(window_features(picture, near))
            if cascade is None:
                away = rng.integers(0, limit, (count, 2))
                away = away[_outside(drawn, away, settings)]
            else:
                away = _false_windows(scan(cascade, picture), drawn, settings)
            negatives.append(window_features(picture, away))
    return np.concatenate(positives), np.concatenate(negatives)


def _draw(
    source: TrainingField,
    training: Sequence[TrainingField],
    rng: np.random.Generator,
    settings: TrainingSettings,
    *,
    first: bool,
    hard: bool,
) -> Drawn:
    if hard and rng.random() < settings.overlays:
        other = training[int(rng.integers(len(training)))]
        return draw_overlay(source, other, rng, jitter=settings.jitter)
    return draw(source, rng, jitter=None if first else settings.jitter, others=training)


def _positive_positions(
    drawn: Drawn, rng: np.random.Generator, limit: NDArray[np.intp], settings: TrainingSettings
) -> NDArray[np.intp]:
    if not len(drawn.centres):
        return np.zeros((0, 2), np.intp)
    shift = settings.shift * BLOCKS_PER_ERYTHROCYTE
    moved = np.repeat(drawn.centres, 2, axis=0) + rng.uniform(-shift, shift, (2 * len(drawn.centres), 2))
    return np.unique(np.clip(np.rint(moved), 0, limit - 1).astype(np.intp), axis=0)


def _outside(drawn: Drawn, positions: NDArray[np.intp], settings: TrainingSettings) -> NDArray[np.bool_]:
    """Tell which windows show no leukocyte: those far from all, and those between two that touch."""
    cells = np.concatenate([drawn.centres, drawn.ignored])
    if not len(cells):
        return np.ones(len(positions), np.bool_)
    away = np.sqrt(((positions[:, None, :] - cells[None, :, :]) ** 2).sum(axis=2)) / BLOCKS_PER_ERYTHROCYTE
    nearest = np.sort(away, axis=1)[:, :2]
    far = nearest[:, 0] >= settings.clear
    between = (nearest[:, 0] >= settings.clear_between) & (nearest[:, -1] <= _BOTH_NEAR) & (len(cells) > 1)
    outside: NDArray[np.bool_] = far | between
    return outside


def _false_windows(scores: NDArray[np.float64], drawn: Drawn, settings: TrainingSettings) -> NDArray[np.intp]:
    places = np.argwhere(scores >= settings.hard_floor)
    places = places[_outside(drawn, places, settings)]
    best = suppress(places.astype(np.float64), scores[places[:, 0], places[:, 1]], spacing=1.5)
    return places[best[: settings.hard_negatives]]
