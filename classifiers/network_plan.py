"""What a network of the registry is to be trained on and how. Needs no TensorFlow."""

from dataclasses import dataclass, replace

from classifiers.architectures import Architecture, Recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained and how; None takes what the registry says of the network.

    Parameters
    ----------
    architectures : tuple of str
        Names of the registry; several make an averaging ensemble.
    split : str
        ``group``, ``image`` or ``published``.
    test_share : float
        Share of the images that test.
    seed : int
        Seed of split, weights, order and augmentation.
    size : tuple of int or None
        Height and width of the input, px.
    epochs, batch : int or None
        Passes, and images a step.
    learning_rate : float or None
        Learning rate.
    augmentation : tuple of str or None
        Names of augmentations; empty for none.
    weights : str or None
        ``imagenet``, a file, or None for random weights.
    schedule : str or None
        What becomes of the learning rate: one of ``classifiers.architectures.SCHEDULES``.
    """

    architectures: tuple[str, ...]
    split: str = "group"
    test_share: float = 0.2
    seed: int = 0
    size: tuple[int, int] | None = None
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    augmentation: tuple[str, ...] | None = None
    weights: str | None = None
    schedule: str | None = None

    def recipe(self, of: Architecture) -> Recipe:
        """Return the training settings of a network: its own, where this plan gives no other.

        Parameters
        ----------
        of : Architecture
            The network.

        Returns
        -------
        Recipe
        """
        names = ("epochs", "batch", "learning_rate", "augmentation", "schedule")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return replace(of.recipe, **given)
