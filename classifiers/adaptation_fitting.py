"""Fitting a correction to a laboratory's labelled cells, and what it gains there by cross-validation.

Gaussian-process classification in its usual approximation by the most probable weights (Rasmussen & Williams
2006, chapter 3, ISBN 026218253X), with the network's own answers as the mean that the correction starts from.
Differs from it in that labels may allow several answers, that cells of frequent classes weigh less, and in
the bound on the classes of which no cell was shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import t as student

from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.adaptation import Adaptation, squared_distances
from classifiers.labels import allowed_answers

STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the correction, in natural logarithms, among which cross-validation chooses."""

WIDTH = 1.0
"""Width of the bells in units of the root mean square distance of the cells from their mean."""

ODDS_LIMIT = float(np.e)
"""Greatest change of the odds of the classes of which no cell was shown."""

FOLDS = 5
"""Parts that the cells are cut into, to choose the strength and to measure the gain."""

CONFIDENCE = 0.9
"""Of the lower bound of the gain, one-sided."""

REPEATS = 3
"""How often the cells are cut anew."""

_ITERATIONS = 100
_KEPT = 1e-3
_SMALLEST = 1e-12
_LEAST = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SiteAnswers:
    """What a network says of the labelled cells of a laboratory.

    Parameters
    ----------
    features : ndarray of shape (N, D), float32
        The network's features.
    probabilities : ndarray of shape (N, K), float32
        The network's probabilities.
    labels : tuple of CellClass
        True classes; each allows at least one answer.
    groups : tuple of str, optional
        Smear or patient of each; cells of one are never on both sides of a cut where there are several.
        Empty where unknown.
    """

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    labels: tuple[CellClass, ...]
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.labels)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Answers that each label allows, shape (N, K)."""
        rows = {label: allowed_answers(label) > 0 for label in set(self.labels)}
        return np.stack([rows[label] for label in self.labels])

    def take(self, rows: NDArray[np.int64]) -> "SiteAnswers":
        """Return some of the cells."""
        return SiteAnswers(
            self.features[rows],
            self.probabilities[rows],
            tuple(self.labels[row] for row in rows),
            tuple(self.groups[row] for row in rows) if self.groups else (),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Answers by cross-validation, each given by a correction that had not seen the cell.

    Parameters
    ----------
    before, after : ndarray of shape (N,), float64
        Share of the repeats in which the answer to each cell was right, without and with the correction.
    log_before, log_after : ndarray of shape (N,), float64
        Logarithm of the probability of the true class, mean over the repeats.
    """

    before: Floats
    after: Floats
    log_before: Floats
    log_after: Floats


@dataclass(frozen=True, slots=True)
class Gain:
    """What a correction gains on cells that it has not seen.

    Parameters
    ----------
    cells : int
        Number of labelled cells.
    accuracy_before, accuracy_after : float
        Share of right answers, without and with the correction.
    gain, lower : float
        Their difference, and its one-sided lower bound of 90 %.
    log_gain : float
        Gain in the mean logarithm of the probability of the true class.
    """

    cells: int
    accuracy_before: float
    accuracy_after: float
    gain: float
    lower: float
    log_gain: float

    @property
    def shown(self) -> bool:
        """Whether the bound lies above 0 and the true classes became more probable."""
        return self.lower > _LEAST and self.log_gain > 0


def gain_of(trial: Trial) -> Gain:
    """Judge a trial.

    Parameters
    ----------
    trial : Trial
        Answers by cross-validation to at least two cells.

    Returns
    -------
    Gain
        The bound is that of Student's t over the cells; several answers to one cell count as their mean.
    """
    difference = trial.after - trial.before
    count = len(difference)
    error = float(difference.std(ddof=1)) / np.sqrt(count)
    return Gain(
        cells=count,
        accuracy_before=float(trial.before.mean()),
        accuracy_after=float(trial.after.mean()),
        gain=float(difference.mean()),
        lower=float(difference.mean() - student.ppf(CONFIDENCE, count - 1) * error),
        log_gain=float((trial.log_after - trial.log_before).mean()),
    )


def fit(site: SiteAnswers, strength: float, *, base_sha256: str = "") -> Adaptation:
    """Fit a correction of one strength.

    Parameters
    ----------
    site : SiteAnswers
        The labelled cells, at least one.
    strength : float
        Standard deviation that the correction is expected to have, in natural logarithms; 0 corrects nothing.
    base_sha256 : str, optional
        Hash of the network.

    Returns
    -------
    Adaptation
        The same for the same cells.
    """
    (found,) = _fits(site, (strength,))
    return replace(found, base_sha256=base_sha256)


def choose_strength(site: SiteAnswers, *, seed: int, repeats: int = 1) -> float:
    """Return the strength under which cells left out of the fit are most likely.

    Parameters
    ----------
    site : SiteAnswers
        The labelled cells.
    seed : int
        Seed of the cuts.
    repeats : int, optional
        How often the cells are cut anew.

    Returns
    -------
    float
        One of ``STRENGTHS``; of equal ones the smallest.
    """
    gains = np.zeros(len(STRENGTHS))
    allowed, weights = site.allowed, _cell_weights(site.labels)
    for repeat in range(repeats):
        for test in folds(site, seed=[seed, repeat]):
            rest = site.take(np.flatnonzero(~test))
            part = site.take(np.flatnonzero(test))
            for number, adaptation in enumerate(_fits(rest, STRENGTHS)):
                given = adaptation.apply(part.probabilities, part.features)
                gains[number] += (weights[test] * _log_true(given, allowed[test])).sum()
    return STRENGTHS[int(np.argmax(gains))]


def try_out(site: SiteAnswers, *, seed: int, repeats: int = REPEATS) -> Trial:
    """Measure a correction by nested cross-validation: the strength is chosen anew in every part.

    Parameters
    ----------
    site : SiteAnswers
        The labelled cells.
    seed : int
        Seed of the cuts.
    repeats : int, optional
        How often the cells are cut anew.

    Returns
    -------
    Trial
        Answers to cells that took no part in fit and choice.
    """
    allowed = site.allowed
    after, log_after = np.zeros(len(site)), np.zeros(len(site))
    for repeat in range(repeats):
        for number, test in enumerate(folds(site, seed=[seed, repeat])):
            rest, part = site.take(np.flatnonzero(~test)), site.take(np.flatnonzero(test))
            strength = choose_strength(rest, seed=seed + 1000 * (repeat + 1) + number)
            given = fit(rest, strength).apply(part.probabilities, part.features)
            after[test] += right(given, allowed[test]) / repeats
            log_after[test] += _log_true(given, allowed[test]) / repeats
    return Trial(
        right(site.probabilities, allowed).astype(np.float64),
        after,
        _log_true(site.probabilities, allowed),
        log_after,
    )


def right(probabilities: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which answers are right.

    Parameters
    ----------
    probabilities : ndarray of shape (N, K), float32
        One row for each cell.
    allowed : ndarray of shape (N, K), bool
        Answers that its label allows; the probabilities of several are added.

    Returns
    -------
    ndarray of shape (N,), bool
        Whether the allowed answers together are more probable than every other one.
    """
    mine = np.where(allowed, probabilities, 0.0).sum(axis=1)
    return np.asarray(mine > np.where(allowed, 0.0, probabilities).max(axis=1))


def folds(site: SiteAnswers, *, seed: int | Sequence[int]) -> list[NDArray[np.bool_]]:
    """Cut the cells into parts that hold the classes as evenly as they can.

    Parameters
    ----------
    site : SiteAnswers
        The labelled cells; those of one group stay together, unless all are of one group.
    seed : int or sequence of int
        Seed of the cut.

    Returns
    -------
    list of ndarray of shape (N,), bool
        For each part, which cells lie in it; every cell lies in one, no part is empty.
    """
    names = [site.groups[n] if site.groups and site.groups[n] else f"\0{n}" for n in range(len(site))]
    members: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        members.setdefault(name, []).append(number)
    units = list(members.values()) if len(members) > 1 else [[number] for number in range(len(site))]
    order = np.random.default_rng(seed).permutation(len(units))
    ranked = sorted(order, key=lambda unit: (-len(units[unit]), site.labels[units[unit][0]]))
    held = [0] * FOLDS
    of_class = [dict.fromkeys(site.labels, 0) for _ in range(FOLDS)]
    part_of = np.zeros(len(site), np.int64)
    for unit in ranked:
        label = site.labels[units[unit][0]]
        part = min(range(FOLDS), key=lambda n: (of_class[n][label], held[n], n))
        for cell in units[unit]:
            part_of[cell] = part
            of_class[part][site.labels[cell]] += 1
            held[part] += 1
    return [part_of == part for part in range(FOLDS) if held[part]]


def _width(distances: Floats) -> float:
    spread = float(np.sqrt(distances.mean() / 2.0))
    return WIDTH * spread if spread > 0 else 1.0


def _cell_weights(labels: Sequence[CellClass]) -> Floats:
    counts = {label: labels.count(label) for label in set(labels)}
    weights = np.array([counts[label] ** -0.5 for label in labels])
    return np.asarray(weights / weights.mean())


def _tied(allowed: NDArray[np.bool_]) -> Floats:
    """Return which columns move together, shape (G, K): what no label told apart stays in proportion."""
    patterns = np.unique(allowed, axis=0)
    told = {CLASSIFIED[int(row.argmax())] for row in patterns if row.sum() == 1}
    rows = []
    for answers in patterns:
        mine = [CLASSIFIED[k] for k in np.flatnonzero(answers)]
        if len(mine) == 1 or not told.intersection(mine):
            rows.append(answers.astype(np.float64))
        else:
            rows += [np.eye(len(CLASSIFIED))[CLASSIFIED.index(one)] for one in mine if one not in told]
    return np.stack(rows)


def _fits(site: SiteAnswers, strengths: Sequence[float]) -> list[Adaptation]:
    distances = squared_distances(site.features, site.features)
    width = _width(distances)
    values, vectors = np.linalg.eigh(np.exp(distances / (-2.0 * width**2)))
    kept = values > _KEPT * values[-1]
    root = np.sqrt(values[kept])
    basis, back = vectors[:, kept] * root, vectors[:, kept] / root
    allowed = site.allowed
    tied = _tied(allowed)
    shown = np.asarray(tied.any(axis=0), np.bool_)
    part = np.zeros((basis.shape[1], len(tied)))
    fitted = []
    for strength in strengths:
        if strength > 0:
            part = _solve(basis * strength, site, allowed, tied, part)
        weights = (back @ part @ tied * strength).astype(np.float32)
        fitted.append(Adaptation(site.features, weights, shown, width, ODDS_LIMIT, ""))
    return fitted


def _solve(
    basis: Floats, site: SiteAnswers, allowed: NDArray[np.bool_], tied: Floats, start: Floats
) -> Floats:
    base = np.log(np.maximum(site.probabilities.astype(np.float64), _SMALLEST))
    cells = _cell_weights(site.labels)[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        part = flat.reshape(start.shape)
        logits = base + basis @ part @ tied
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        true = np.where(allowed, chance, 0.0)
        total = np.maximum(true.sum(axis=1, keepdims=True), _SMALLEST)
        slope = basis.T @ (cells * (chance - true / total)) @ tied.T + part
        return float(0.5 * (flat @ flat) - (cells * np.log(total)).sum()), slope.ravel()

    options = {"maxiter": _ITERATIONS, "ftol": 1e-8, "gtol": 1e-4}
    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(start.shape))


def _log_true(probabilities: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Floats:
    true = np.where(allowed, probabilities, 0.0).sum(axis=1, dtype=np.float64)
    return np.asarray(np.log(np.maximum(true, _SMALLEST)))
