"""Fields as another lamp, eyepiece or camera would have shown them, and as the program reads them."""

from dataclasses import replace

import numpy as np

from detector.samples import TrainingField
from evaluation.finds import truth_in_light
from slides.lamp import even_lamp
from slides.optics import white_point

_RADIUS = 0.48
_SOFT_PX = 2.0
_BLACK = 8.0


def dimmed(field: TrainingField, *, fall: float) -> TrainingField:
    """Return a field whose lamp gets darker from left to right.

    Parameters
    ----------
    field : TrainingField
        A field.
    fall : float
        By how much, 0 to below 1.

    Returns
    -------
    TrainingField
        Its pixels times a factor that falls in equal steps from 1 to ``1 - fall``.
    """
    factor = np.linspace(1.0, 1.0 - fall, field.image.shape[1])[:, None]
    image = np.rint(field.image * factor).astype(np.uint8)
    return replace(field, image=image, white=white_point(image))


def through_eyepiece(field: TrainingField, *, fall: float) -> TrainingField:
    """Return a field as a camera behind an eyepiece would have shown it: a disc of light in the dark.

    Parameters
    ----------
    field : TrainingField
        A field.
    fall : float
        By how much the light is less at the rim of the disc than in the middle, 0 to below 1.

    Returns
    -------
    TrainingField
        The disc has 0.96 of the image's height as its diameter and an edge 2 px soft; the light falls with
        the square of the distance from the middle.
    """
    height, width = field.image.shape[:2]
    rows, cols = np.indices((height, width)) - 0.5 * np.array([height - 1, width - 1])[:, None, None]
    away, radius = np.hypot(rows, cols), _RADIUS * height
    seen = 1.0 / (1.0 + np.exp(np.clip((away - radius) / _SOFT_PX, -50.0, 50.0)))[..., None]
    light = np.maximum(1.0 - fall * (away / radius) ** 2, 0.0)[..., None]
    image = np.rint(field.image * light * seen + _BLACK * (1.0 - seen)).astype(np.uint8)
    return replace(field, image=image, white=white_point(image))


def with_contrast(field: TrainingField, *, exponent: float) -> TrainingField:
    """Return a field as a camera of more or less contrast would have shown it.

    Parameters
    ----------
    field : TrainingField
        A field.
    exponent : float
        Exponent on the pixel values, 0 to 1, above 0: optical densities become so many times as large.

    Returns
    -------
    TrainingField
        The field with the colour of its empty slide measured anew.
    """
    levels = np.rint(255.0 * (np.arange(256) / 255.0) ** exponent).astype(np.uint8)
    image = levels[field.image]
    return replace(field, image=image, white=white_point(image))


def as_read(field: TrainingField) -> TrainingField:
    """Return a field as the program reads it: the lamp made even, the dark around it blanked.

    Parameters
    ----------
    field : TrainingField
        A field.

    Returns
    -------
    TrainingField
        Leukocytes outside the counting frame of its lit part are left open.
    """
    lighting = even_lamp(field.image)
    read = replace(field, image=lighting.image, white=white_point(lighting.image), lit=lighting.lit)
    return truth_in_light(read)
