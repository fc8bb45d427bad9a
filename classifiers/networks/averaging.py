"""Ensembles that average the probabilities of several networks."""

from collections.abc import Sequence

import keras
from keras import layers

from cells.errors import UsageError


def averaging(members: Sequence[keras.Model]) -> keras.Model:
    """Return one network whose probabilities are the mean of those of its members.

    Parameters
    ----------
    members : sequence of keras.Model
        At least two trained networks that take RGB of 0 to 255 and answer with as many logits each.

    Returns
    -------
    keras.Model
        Takes the size of its largest member; each member gets the image at its own size. Answers with the
        logarithm of the mean probability, so that a softmax of it gives that mean.

    Raises
    ------
    UsageError
        Where there are too few members or they do not suit each other.

    References
    ----------
    Averages of three models as in Panin et al. 2023, doi 10.35266/1999-7604-2023-3-43-51.
    """
    if len(members) < 2 or len({member.output_shape[-1] for member in members}) != 1:
        raise UsageError("an ensemble needs two or more networks that answer with the same classes")
    if any(member.inputs[0].name != "rgb" for member in members):
        raise UsageError("an ensemble is made of networks that take RGB; leave out those on optical density")
    sizes = [tuple(member.input_shape[1:3]) for member in members]
    height, width = max(sizes)
    inputs = layers.Input((height, width, 3), name="rgb")
    answers = []
    for number, (member, size) in enumerate(zip(members, sizes, strict=True), start=1):
        x = inputs
        if size != (height, width):
            x = layers.Resizing(*size, name=f"resizing_{number}")(x)
        member.name = f"member_{number}_{member.name}"
        answers.append(layers.Softmax(name=f"probabilities_{number}")(member(x)))
    mean = layers.Average(name="mean_probabilities")(answers)
    return keras.Model(inputs, keras.ops.log(mean + 1e-9), name="averaging")
