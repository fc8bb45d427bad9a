"""Two or more classifiers that answer as one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cells.errors import UsageError
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.base import Classifier

_PARENTS = [label.parent or label for label in CLASSIFIED]
_SAME_ANSWER = np.array([[float(one is other) for other in _PARENTS] for one in _PARENTS])


class EnsembleClassifier:
    """The weighted arithmetic mean of the probabilities of several classifiers, made surer again.

    Members that err in different cells are surer of a cell, taken together, than the mean of their
    probabilities says; a temperature below 1 gives that back (Rahaman & Thiery 2021, arXiv 2007.08792).
    """

    name = "ensemble"

    def __init__(
        self, members: Sequence[Classifier], weights: Sequence[float], *, temperature: float = 1.0
    ) -> None:
        """Keep the members and their weights.

        Parameters
        ----------
        members : sequence of Classifier
            At least one; all answer with the same classes.
        weights : sequence of float
            One for each member, 0 or more, not all 0; they are scaled to sum to 1.
        temperature : float, optional
            Divides the logarithms of the mean probabilities, band and segmented neutrophils taken together;
            above 0. It changes no answer.

        Raises
        ------
        UsageError
            Where the weights do not suit the members, the members' classes differ, or the temperature is
            not above 0.
        """
        if len(members) != len(weights) or not members or min(weights) < 0 or sum(weights) <= 0:
            raise UsageError(
                f"{len(members)} members, weights {list(weights)}: give each a weight, not all of them 0"
            )
        if any(tuple(member.classes) != CLASSIFIED for member in members):
            raise UsageError("the members of an ensemble must answer with the same classes; train them again")
        if not temperature > 0:
            raise UsageError(f"the temperature of an ensemble is {temperature}; it must be above 0")
        self._temperature = temperature
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
    def temperature(self) -> float:
        """What divides the logarithms of the mean probabilities."""
        return self._temperature

    @property
    def classes(self) -> tuple[CellClass, ...]:
        """The classes answered, in the order of the columns of ``predict``."""
        return CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the members' joint probabilities; see ``classifiers.base.Classifier.predict``."""
        return self.combined([member.predict(crops, whites) for member in self._members])

    def combined(self, answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return what the ensemble answers where its members answer so.

        Parameters
        ----------
        answers : sequence of ndarray of shape (N, K), float32
            Probabilities of each member, in the order of the members.

        Returns
        -------
        ndarray of shape (N, K), float32
            Probabilities; each row sums to 1.
        """
        mean = np.zeros(answers[0].shape)
        for weight, answer in zip(self._weights, answers, strict=True):
            mean += weight * answer
        together = np.maximum(mean @ _SAME_ANSWER, 1e-12)
        sure = together ** (1.0 / self._temperature - 1.0)
        mean *= sure / np.sum(mean * sure, axis=-1, keepdims=True)
        return mean.astype(np.float32)
