"""Adapting the network to a laboratory: from its labelled cells to a model folder, or a refusal.

Runs without TensorFlow: the network stays as it is, ``classifiers.adaptation`` is laid over its answers.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from cells.errors import DataError, ModelError
from cells.files import atomic_path
from cells.model_files import Model, open_model, write_manifest
from cells.vocabulary import CLASSIFIED, CellClass, clinical_order
from classifiers.adaptation import ADAPTATION, NETWORK, Adaptation
from classifiers.adaptation_fitting import (
    FOLDS,
    REPEATS,
    Gain,
    SiteAnswers,
    choose_strength,
    fit,
    gain_of,
    try_out,
)
from classifiers.cnn import CnnClassifier
from classifiers.labels import allowed_answers
from classifiers.training_hashes import HASHES, TrainingHashes, prefixes_of, training_hashes

FEWEST = 20
"""Fewest labelled cells."""

MOST = 400
"""Most labelled cells; with more of them a network is better trained anew."""

_NAMED = 3
_OF_MANIFEST = ("schema", "name", "kind", "version", "files", "metrics")
_CARD = """# Convolutional network, adapted to one laboratory

The network `{base}` (version {version}, sha256 `{sha256}`), unchanged,
with a correction of its answers that was fitted to {cells} labelled cells of one laboratory. It is meant for
that laboratory's stain and camera alone. Decision support, not a certified medical device.

## Labelled cells

{counts}

Classes without a labelled cell ({absent}): their odds change at most {limit:.2f}-fold, either way.

Smears or patients named: {smears}.{one_smear}

## Gain, by nested cross-validation

| | without | with the correction |
|---|--:|--:|
| share of right answers | {before:.3f} | {after:.3f} |

Gain {gain:+.3f}, one-sided lower bound of 90 % {lower:+.3f}; {repeats} times {folds} parts, the strength
chosen anew in each. Mean gain in the logarithm of the probability of the true class {log_gain:+.3f}.
Strength of the correction that is stored: {strength:g}.

The validation that ships with the program, and the rule that flags cells unlike the known ones, belong to the
network without this correction: formulas made with this model are not corrected for validated errors, and
outliers are not flagged. How it is made, and what it did on published sets: `docs/adaptation.md`.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SiteCells:
    """Labelled cells of a laboratory.

    Parameters
    ----------
    crops : ndarray of shape (N, 112, 112, 3), uint8
        RGB squares of 27 µm.
    whites : ndarray of shape (N, 3), float64
        Colour of the empty slide for each, 1 to 255.
    labels : tuple of CellClass
        What a person says each is.
    names : tuple of str
        How messages call each.
    hashes : tuple of str
        SHA-256 of the image of each, hexadecimal.
    groups : tuple of str
        Smear or patient of each; empty where unknown.
    """

    crops: NDArray[np.uint8]
    whites: NDArray[np.float64]
    labels: tuple[CellClass, ...]
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    groups: tuple[str, ...]


def adapt(cells: SiteCells, *, base: Path, out: Path, seed: int = 0, log: Callable[[str], None]) -> Gain:
    """Adapt a network to a laboratory where cross-validation shows a gain.

    Parameters
    ----------
    cells : SiteCells
        20 to 400 labelled cells of the laboratory.
    base : Path
        Model folder of the network, of the kind ``cnn`` and not adapted itself.
    out : Path
        Model folder to write; nothing is written where the adaptation is refused.
    seed : int, optional
        Seed of the cuts.
    log : callable
        Takes one line of progress.

    Returns
    -------
    Gain
        The gain, which is above 0 by its lower bound.

    Raises
    ------
    DataError
        Where the cells are too few or too many, of one class, of a class that the network does not answer
        with, listed twice, or trained on; and where no gain was shown.
    ModelError
        Where the base model cannot be adapted.
    """
    model = open_model(base, kind="cnn")
    if ADAPTATION in model.contents:
        raise ModelError(f"model {base} is adapted already; adapt the model that it was made from")
    check_cells(cells, training_hashes(model))
    classifier = CnnClassifier.load(base)
    site = site_answers(classifier, cells)
    if len(set(cells.groups)) == 1:
        log("all cells are of one smear, or no smear is named: the gain on other smears may be smaller")
    log(f"cross-validation on {len(site)} cells, {REPEATS} times {FOLDS} parts")
    with threadpool_limits(limits=1):  # many small sums: more threads only wait for each other
        gain = gain_of(try_out(site, seed=seed))
    if not gain.shown:
        raise DataError(
            f"no gain shown: {gain.accuracy_before:.3f} right without and {gain.accuracy_after:.3f} with the"
            f" correction on {gain.cells} cells, lower bound of the gain {gain.lower:+.3f}; keep the model as"
            " it is, or label more cells"
        )
    with threadpool_limits(limits=1):
        strength, adaptation = adaptation_of(site, seed=seed, base_sha256=model.sha256)
    _write(model, adaptation, cells, gain, strength, out=out)
    log(
        f"{gain.accuracy_before:.3f} right without and {gain.accuracy_after:.3f} with the correction, gain"
        f" {gain.gain:+.3f}, lower bound {gain.lower:+.3f}"
    )
    return gain


def adaptation_of(site: SiteAnswers, *, seed: int, base_sha256: str = "") -> tuple[float, Adaptation]:
    """Fit the correction that is stored: of the strength that cross-validation on all cells prefers.

    Parameters
    ----------
    site : SiteAnswers
        The labelled cells.
    seed : int
        Seed of the cuts.
    base_sha256 : str, optional
        Hash of the network.

    Returns
    -------
    strength : float
        The strength.
    adaptation : Adaptation
        The correction.
    """
    strength = choose_strength(site, seed=seed, repeats=REPEATS)
    return strength, fit(site, strength, base_sha256=base_sha256)


def site_answers(classifier: CnnClassifier, cells: SiteCells) -> SiteAnswers:
    """Return what a network says of labelled cells.

    Parameters
    ----------
    classifier : CnnClassifier
        The network, not adapted.
    cells : SiteCells
        The cells, at least one.

    Returns
    -------
    SiteAnswers

    Raises
    ------
    ModelError
        Where the network gives no features.
    """
    if not classifier.feature_count:
        raise ModelError("the network gives no features to go by; take the one that ships with this version")
    _, features = classifier.answer(cells.crops, cells.whites)
    return SiteAnswers(features, classifier.predict(cells.crops, cells.whites), cells.labels, cells.groups)


def check_cells(cells: SiteCells, trained_on: TrainingHashes | None) -> None:
    """Refuse cells that no adaptation can be made or judged with.

    Parameters
    ----------
    cells : SiteCells
        The labelled cells.
    trained_on : TrainingHashes or None
        Images that the network was trained on; None where that is not known.

    Raises
    ------
    DataError
        As ``adapt``.
    """
    unknown = [n for n, label in enumerate(cells.labels) if not allowed_answers(label).any()]
    if unknown:
        first = unknown[0]
        raise DataError(
            f"{cells.names[first]}: the network has no answer for {cells.labels[first]} ({len(unknown)} such"
            f" cells); leave them out, it knows {', '.join(CLASSIFIED)}"
        )
    first_of: dict[str, str] = {}
    for name, found in zip(cells.names, cells.hashes, strict=True):
        if found in first_of:
            raise DataError(f"{name} is the same image as {first_of[found]}; list each cell once")
        first_of[found] = name
    if not FEWEST <= len(cells.labels) <= MOST:
        raise DataError(f"{len(cells.labels)} labelled cells; give {FEWEST} to {MOST}")
    if len(set(cells.labels)) == 1:
        raise DataError(
            f"all {len(cells.labels)} cells are labelled {cells.labels[0]}; give cells of two classes or more"
        )
    known = np.flatnonzero(trained_on.known(cells.hashes)) if trained_on is not None else ()
    if len(known):
        named = ", ".join(cells.names[n] for n in known[:_NAMED])
        raise DataError(
            f"the network was trained on {len(known)} of these images ({named}); give cells that"
            " it has not seen"
        )


def _write(
    model: Model, adaptation: Adaptation, cells: SiteCells, gain: Gain, strength: float, *, out: Path
) -> None:
    counts = Counter(cells.labels)
    listed = {str(label): counts[label] for label in clinical_order(counts)}
    about: Mapping[str, object] = {
        "base": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "cells": listed,
        "smears": len(set(cells.groups) - {""}),
        "strength": strength,
        "width": adaptation.width,
        "odds_limit": adaptation.odds_limit,
        "cross_validation": {"folds": FOLDS, "repeats": REPEATS, **asdict(gain)},
    }
    contents = {
        name: content for name, content in model.contents.items() if name != next(iter(model.contents))
    }
    contents |= {NETWORK: model.weights, HASHES: _hashes(model, cells)}
    files = {ADAPTATION: adaptation.to_bytes(), **contents}
    for name, content in files.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    absent = [label for label, shown in zip(CLASSIFIED, adaptation.shown, strict=True) if not shown]
    card = _CARD.format(
        base=model.name,
        version=model.version,
        sha256=model.sha256,
        cells=gain.cells,
        counts="\n".join(f"- {label}: {count}" for label, count in listed.items()),
        absent=", ".join(absent) or "none",
        limit=adaptation.odds_limit,
        smears=len(set(cells.groups) - {""}),
        one_smear="" if len(set(cells.groups)) > 1 else " The gain on other smears may be smaller.",
        before=gain.accuracy_before,
        after=gain.accuracy_after,
        gain=gain.gain,
        lower=gain.lower,
        log_gain=gain.log_gain,
        repeats=REPEATS,
        folds=FOLDS,
        strength=strength,
    )
    with atomic_path(out / "card.md") as temporary:
        temporary.write_text(card, encoding="utf-8")
    details = {key: value for key, value in model.manifest.items() if key not in _OF_MANIFEST}
    write_manifest(
        out,
        name=model.name,
        kind="cnn",
        version=f"{model.version}-adapted",
        files=list(files),
        details={**details, "base_metrics": model.manifest.get("metrics"), "adaptation": about},
    )


def _hashes(model: Model, cells: SiteCells) -> bytes:
    known = training_hashes(model)
    mine = prefixes_of(cells.hashes)
    both = mine if known is None else np.concatenate([known.prefixes, mine])
    return TrainingHashes(np.unique(both)).to_bytes()
