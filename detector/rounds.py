"""Rounds of hard negatives: what the scanner wrongly finds is learned from in the next round."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.boosting import Windows, ensemble_arrays, fit_ensemble, fit_gate
from detector.cascade import Cascade, Gate, Trees, gate_scores
from detector.extra_negatives import extra_windows
from detector.resume import Stages, library_versions, training_key
from detector.samples import TrainingField
from detector.training_settings import TrainingSettings
from detector.training_windows import collect_windows

log = logging.getLogger(__name__)

_MINING_LOSS = 0.01


def boost(
    training: Sequence[TrainingField],
    *,
    settings: TrainingSettings,
    extra: Sequence[TrainingField] = (),
    progress: Callable[[str], None] = log.info,
    work: Path | None = None,
) -> tuple[Cascade, Windows]:
    """Train the strong classifier with rounds of hard negatives.

    Parameters
    ----------
    training : sequence of TrainingField
        Fields to learn from.
    settings : TrainingSettings
        The settings.
    extra : sequence of TrainingField, optional
        Hard negatives, from `detector.extra_negatives.read_extra_negatives`.
    progress : callable, optional
        Receives a line after every round.
    work : Path, optional
        Folder that keeps finished rounds; an interrupted training of the same fields, settings and library
        versions goes on there and gives the same bytes.

    Returns
    -------
    cascade : Cascade
        The ensemble behind a gate that `calibrate_gate` has not yet seen.
    positives : ndarray of shape (N, FEATURES), int16
        The windows with leukocytes.
    """
    names = [[item.name for item in fields_] for fields_ in (training, extra)]
    stages = Stages(work, key=training_key(settings, names, library_versions()))
    rng = np.random.default_rng(settings.seed)
    rounds = range(len(settings.trees))
    done = [number for number in rounds if stages.load(f"round_{number}") is not None]
    if done:
        first, found = done[-1], stages.load(f"round_{done[-1]}", rng=rng) or {}
        progress(f"going on with round {first + 1}")
    else:
        first, found = 0, _first_stage(training, extra, rng, settings, progress)
        stages.save("round_0", found, rng=rng)
    mining, gate = _gate_from(found, "mining_"), _gate_from(found, "gate_")
    positives, negatives = (found[name].astype(np.int16) for name in ("positives", "negatives"))
    for number in range(first, len(settings.trees)):
        trees = settings.trees[number]
        model = fit_ensemble(
            positives, negatives, trees=trees, settings=settings, seed=settings.seed + number
        )
        cascade = ensemble_arrays(model, gate=mining)
        progress(f"round {number + 1}: {trees} trees, {len(positives)} positives, {len(negatives)} negatives")
        if number + 1 < len(settings.trees):
            _, hard = collect_windows(
                training, rng, settings=settings, variants=settings.hard_variants, cascade=cascade
            )
            negatives = np.concatenate([negatives, hard])
            kept = {**found, "negatives": negatives}
            stages.save(f"round_{number + 1}", kept, rng=rng, replacing=[f"round_{number}"])
    return replace(cascade, gate=gate), positives


def _first_stage(
    training: Sequence[TrainingField],
    extra: Sequence[TrainingField],
    rng: np.random.Generator,
    settings: TrainingSettings,
    progress: Callable[[str], None],
) -> dict[str, NDArray[np.generic]]:
    positives, negatives = collect_windows(
        training, rng, settings=settings, variants=settings.variants, negatives_each=settings.gate_negatives
    )
    gates: dict[str, NDArray[Any]] = {}
    for name, trees, features in (
        ("mining_", settings.mining_trees, settings.mining_features),
        ("gate_", settings.gate_trees, settings.gate_features),
    ):
        gate = fit_gate(positives, negatives, trees=trees, features=features, settings=settings)
        bound = int(np.quantile(gate_scores(gate, positives), _MINING_LOSS))
        gates |= _gate_arrays(replace(gate, bound=bound), name)
        passed = (gate_scores(gate, negatives) >= bound).mean()
        progress(f"gate: {trees} trees, {passed:.4f} of {len(negatives)} negatives pass at {bound}")
    thinned = negatives[:: max(settings.gate_negatives // max(settings.random_negatives, 1), 1)]
    found = np.concatenate([thinned, _extra_windows(extra, settings)])
    return {**gates, "positives": positives, "negatives": found}


def _extra_windows(extra: Sequence[TrainingField], settings: TrainingSettings) -> Windows:
    return extra_windows(
        extra,
        seed=settings.seed,
        variants=settings.variants,
        shift=settings.shift,
        jitter=settings.jitter,
    )


def _gate_arrays(gate: Gate, prefix: str) -> dict[str, NDArray[Any]]:
    trees = gate.trees
    arrays: dict[str, NDArray[Any]] = {
        "feature": trees.feature,
        "cut": trees.cut,
        "vote": trees.vote,
        "weight": gate.weight,
        "bound": np.asarray(gate.bound, np.int64),
    }
    return {prefix + name: array for name, array in arrays.items()}


def _gate_from(found: dict[str, NDArray[np.generic]], prefix: str) -> Gate:
    feature, cut, vote, weight, bound = (
        found[prefix + name] for name in ("feature", "cut", "vote", "weight", "bound")
    )
    trees = Trees(feature.astype(np.int32), cut.astype(np.int16), vote.astype(np.int8))
    return Gate(trees, weight.astype(np.uint8), int(bound.item()))
