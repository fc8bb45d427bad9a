"""Every threshold and choice of an analysis, in one place, checked once and printed with each result."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cells.errors import DataError, UsageError
from counting.ranges import DEFAULT_SET
from counting.rules import AlertValues, CountingRules, SmudgePolicy

CLASSIFIERS = ("cnn", "mlp", "ensemble")
"""Names of the classifiers that can decide."""

DEFAULT_CLASSIFIER = "ensemble"
"""The classifier that decides where the user names none."""

_NOT_RECORDED = frozenset({"workers", "models"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one analysis.

    Parameters
    ----------
    classifier : str
        ``"cnn"``, ``"mlp"`` or ``"ensemble"``.
    um_per_px : float or None
        Pixel size in µm per pixel; None has it read from the files or measured on the erythrocytes.
    calibration_fields : int
        Number of fields, spread over the smear, on which the erythrocytes are measured.
    detection_threshold : float or None
        Least score of a find, -1 to 1; None takes the threshold stored with the detector.
    abstain_below : float
        A cell whose most probable class, with band and segmented neutrophils taken together, is less
        probable than this is left unidentified; 0 to 1.
    flag_outliers : float
        A cell answered with one of the five normal kinds is flagged where a normal leukocyte would look as
        unlike the known ones no more often than this; 0 to 1, 0 flags none.
    abstain_outliers : float
        The same for leaving it unidentified.
    smear_border : bool
        Whether each smear moves the border between eosinophils and neutrophils
        (``classifiers.smear_border``).
    cnn_share : float
        Weight of the network in the ensemble, 0 to 1; the feature classifier has the rest.
    ranges : str
        Name of a shipped reference set, or path of a file.
    rules : CountingRules
        The laboratory's rules of counting: smudge cells, erythroblasts, small counts, alert values.
    models : Path or None
        Folder of models to use in place of those shipped.
    workers : int
        Number of fields looked at at the same time; results do not depend on it.

    Raises
    ------
    UsageError
        Where a value lies outside its range.
    """

    classifier: str = DEFAULT_CLASSIFIER
    um_per_px: float | None = None
    calibration_fields: int = 60
    detection_threshold: float | None = None
    abstain_below: float = 0.5
    flag_outliers: float = 0.05
    abstain_outliers: float = 0.0
    smear_border: bool = True
    cnn_share: float = 0.5
    ranges: str = DEFAULT_SET
    rules: CountingRules = field(default_factory=CountingRules)
    models: Path | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        if self.classifier not in CLASSIFIERS:
            raise UsageError(
                f"unknown classifier {self.classifier!r}; choose one of {', '.join(CLASSIFIERS)}"
            )
        if self.um_per_px is not None and not (math.isfinite(self.um_per_px) and self.um_per_px > 0):
            raise UsageError(f"um_per_px is {self.um_per_px}; give a positive number of µm per pixel")
        threshold = self.detection_threshold
        if threshold is not None and not -1.0 <= threshold <= 1.0:
            raise UsageError(f"detection_threshold is {threshold}; scores lie between -1 and 1")
        for name in ("abstain_below", "flag_outliers", "abstain_outliers", "cnn_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is {getattr(self, name)}; give a number from 0 to 1")
        if self.calibration_fields < 1 or self.workers < 1:
            raise UsageError("calibration_fields and workers must be at least 1")

    def record(self) -> dict[str, object]:
        """Return the settings as JSON values.

        Returns
        -------
        dict of str to object
            Every setting that a result depends on. The number of workers is left out, as no result depends
            on it, and so is the folder of models, as the result names each model with its hash. The rules of
            counting stand under ``counting``, as in a settings file.
        """
        named = {key: value for key, value in asdict(self).items() if key not in _NOT_RECORDED}
        rules = named.pop("rules")
        return {**named, "counting": {**rules, "smudge": str(rules["smudge"])}}


def recorded_rules(settings: Mapping[str, object]) -> CountingRules:
    """Return the rules of counting that a stored result was made with.

    Parameters
    ----------
    settings : mapping of str to object
        What ``Settings.record`` gave.

    Returns
    -------
    CountingRules
        The rules; the defaults where the record holds none.

    Raises
    ------
    DataError
        Where the record is faulty.
    """
    stored = settings.get("counting", {})
    try:
        if not isinstance(stored, Mapping):
            raise TypeError("no table")
        given = {"smudge": "exclude", "alerts": {}, **stored}
        smudge, alerts = SmudgePolicy(given.pop("smudge")), AlertValues(**given.pop("alerts"))
        return CountingRules(**given, smudge=smudge, alerts=alerts)
    except (TypeError, ValueError, UsageError) as error:
        raise DataError(f"the stored rules of counting cannot be read ({error}); analyse again") from error
