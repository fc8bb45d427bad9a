"""Settings of a training of the window scanner."""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from cells.errors import DataError
from detector.variations import Jitter


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """What is set otherwise for the classifier that looks at clusters."""

    variants: int
    clear_between: float
    false_weight: float
    touching: float


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training; ``settings.toml`` says what each is for."""

    seed: int
    held_out: float
    variants: int
    hard_variants: int
    random_negatives: int
    hard_negatives: int
    hard_floor: float
    overlays: float
    clear: float
    clear_between: float
    shift: float
    trees: tuple[int, ...]
    depth: int
    features_per_split: int
    mining_trees: int
    mining_features: int
    gate_trees: int
    gate_features: int
    gate_negatives: int
    gate_loss: float
    gate_margin: float
    false_weight: float
    clusters: ClusterSettings
    jitter: Jitter = field(default_factory=Jitter)

    def for_clusters(self) -> "TrainingSettings":
        """Return the settings of the classifier that looks at clusters."""
        return replace(
            self,
            variants=self.clusters.variants,
            clear_between=self.clusters.clear_between,
            false_weight=self.clusters.false_weight,
            jitter=replace(self.jitter, touching=self.clusters.touching),
        )


def read_settings(path: Path) -> TrainingSettings:
    """Read the settings of a training.

    Parameters
    ----------
    path : Path
        TOML file with every field of `TrainingSettings`.

    Returns
    -------
    TrainingSettings
        The settings.

    Raises
    ------
    DataError
        Where the file is missing, no TOML, or a setting is missing or unknown.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        table["jitter"] = Jitter(**table["jitter"])
        table["clusters"] = ClusterSettings(**table["clusters"])
        table["trees"] = tuple(table["trees"])
        return TrainingSettings(**table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no complete detector settings ({error}); mend or restore it") from error
