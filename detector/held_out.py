"""Fields held out of the training, and the threshold that is chosen on them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.cascade import Cascade
from detector.centres import find_centres
from detector.channels import picture_of
from detector.samples import TrainingField
from detector.training_settings import TrainingSettings
from detector.variations import draw
from detector.working_scale import BLOCKS_PER_ERYTHROCYTE

_LEAST_THRESHOLD = -0.1
_OWN = 0.8


def held_out(name: str, *, share: float) -> bool:
    """Tell whether a training field is held out for choosing thresholds, by the hash of its name.

    Parameters
    ----------
    name : str
        File name of the field.
    share : float
        Share of fields held out, 0 to 1.

    Returns
    -------
    bool
        The same answer on every machine.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores on held-out fields.

    Parameters
    ----------
    found : ndarray of shape (K,), float64
        Score of the find of each leukocyte; minus infinity where there is none.
    false : ndarray of shape (J,), float64
        Scores of the finds that belong to none.
    """

    found: NDArray[np.float64]
    false: NDArray[np.float64]

    def errors(self, threshold: float, *, false_weight: float) -> float:
        """Return the misses plus the weighted false finds at a threshold."""
        false = false_weight * (self.false >= threshold).sum()
        return float((self.found < threshold).sum() + false)

    def best_threshold(self, *, false_weight: float) -> float:
        """Return the middle of the thresholds, in steps of 0.01, with the least weighted errors."""
        steps = np.round(np.arange(_LEAST_THRESHOLD, 0.4, 0.01), 2)
        errors = np.array([self.errors(step, false_weight=false_weight) for step in steps])
        return round(float(np.median(steps[errors == errors.min()])), 3)


def score_held_out(
    cascade: Cascade, fields_: Sequence[TrainingField], *, settings: TrainingSettings, varied: int
) -> HeldOut:
    """Scan held-out fields and tell the scores of leukocytes from those of false finds.

    Parameters
    ----------
    cascade : Cascade
        The strong classifier.
    fields_ : sequence of TrainingField
        Fields that were not trained on.
    settings : TrainingSettings
        The settings.
    varied : int
        Variations drawn of each field; 0 takes the fields as they are.

    Returns
    -------
    HeldOut
        Finds within 0.8 erythrocyte diameters of a leukocyte's centre are its own; finds near what is
        ignored are left out.
    """
    rng = np.random.default_rng(settings.seed + 1000)
    found: list[float] = []
    false: list[float] = []
    for _ in range(max(varied, 1)):
        for source in fields_:
            drawn = draw(source, rng, jitter=settings.jitter if varied else None, others=fields_)
            points, scores = find_centres(cascade, picture_of(drawn.densities), threshold=_LEAST_THRESHOLD)
            own = _distances(points, drawn.centres) <= _OWN * BLOCKS_PER_ERYTHROCYTE
            open_ = _distances(points, drawn.ignored) <= settings.clear * BLOCKS_PER_ERYTHROCYTE
            found.extend(scores[column].max(initial=-np.inf) for column in own.T)
            false.extend(scores[~own.any(axis=1) & ~open_.any(axis=1)])
    return HeldOut(np.array(found), np.array(false))


def _distances(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    away: NDArray[np.float64] = np.sqrt(((points[:, None, :] - others[None, :, :]) ** 2).sum(axis=2))
    return away
