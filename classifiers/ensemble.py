"""Two or more classifiers that answer as one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.base import Classifier


class EnsembleClassifier:
    """The weighted arithmetic mean of the probabilities of several classifiers."""

    name = "ensemble"

    def __init__(self, members: Sequence[Classifier], weights: Sequence[float]) -> None:
        """Keep the members and their weights.

        Parameters
        ----------
        members : sequence of Classifier
            At least one; all answer with the same classes.
        weights : sequence of float
            One for each member, 0 or more, not all 0; they are scaled to sum to 1.

        Raises
        ------
        UsageError
            Where the weights do not suit the members, or the members' classes differ.
        """
        if len(members) != len(weights) or not members or min(weights) < 0 or sum(weights) <= 0:
            raise UsageError(
                f"{len(members)} members, weights {list(weights)}: give each a weight, not all of them 0"
            )
        if any(tuple(member.classes) != CLASSIFIED for member in members):
            raise UsageError("the members of an ensemble must answer with the same classes; train them again")
        self._members = tuple(members)
        self._weights = np.asarray(weights, np.float64) / float(sum(weights))

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The classifiers whose mean is taken."""
        return self._members

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each member; they sum to 1."""
        return tuple(map(float, self._weights))

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the mean probabilities; see ``classifiers.base.Classifier.predict``."""
        mean = np.zeros((len(crops), len(CLASSIFIED)))
        for member, weight in zip(self._members, self._weights, strict=True):
            mean += weight * member.predict(crops, whites)
        return mean.astype(np.float32)
