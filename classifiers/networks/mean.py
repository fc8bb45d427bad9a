"""Ensembles of segmenters. Needs the extra ``train``."""

from collections.abc import Sequence

import keras
from keras import layers

from cells.errors import UsageError


def mean_segmenter(members: Sequence[keras.Model]) -> keras.Model:
    """Return one network whose probabilities for each pixel are the mean of those of its members.

    Parameters
    ----------
    members : sequence of keras.Model
        At least two trained segmenters with inputs and outputs of the same shapes.

    Returns
    -------
    keras.Model
        Answers with the logarithm of the mean probability, so that a softmax of it gives that mean.

    Raises
    ------
    UsageError
        Where there are fewer than two members or their shapes differ.

    References
    ----------
    Averages of three networks as in Panin et al. 2023, doi 10.35266/1999-7604-2023-3-43-51.
    """
    shapes = {(member.input_shape, member.output_shape) for member in members}
    if len(members) < 2 or len(shapes) != 1:
        raise UsageError("a mean of segmenters needs two or more of the same input and output shapes")
    inputs = layers.Input(members[0].input_shape[1:], name="optical_density")
    answers = [layers.Softmax()(member(inputs)) for member in members]
    mean = layers.Average()(answers)
    return keras.Model(inputs, keras.ops.log(mean + 1e-9), name="mean_segmenter")
