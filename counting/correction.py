"""Shares corrected for the errors of detector and classifier, with intervals that hold those errors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.vocabulary import CellClass
from counting.records import CorrectedShare, Correction

PRIOR = 0.5
"""Prior pseudo-count of each share and of each rate of error (Jeffreys)."""

CHAINS = 8
BURN_IN = 50
KEPT = 200
"""Chains run side by side, steps left out at the start of each, steps kept from each."""

SMALLEST_COUNT = 20
"""Below this many finds nothing is corrected."""

SMALLEST_VALIDATION = 20
"""Below this many validation cells of a class nothing is corrected."""

POOR_FIT = 0.01
"""Below this probability of the check of fit nothing is corrected."""

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionMatrix:
    """Validated answers of detector and classifier.

    Parameters
    ----------
    classes : tuple of CellClass
        True classes, and answers of the classifier; ``artefact`` stands for what is no cell.
    counts : ndarray of shape (L, L), int
        Validation cells, true classes down, answers across.
    missed : ndarray of shape (L,), int
        Validation cells of each true class that the detector did not find; zeros where the detector was
        not validated.

    Raises
    ------
    DataError
        Where shapes do not fit, a number is negative or a class stands twice.
    """

    classes: tuple[CellClass, ...]
    counts: Counts
    missed: Counts

    def __post_init__(self) -> None:
        size = len(self.classes)
        if len(set(self.classes)) != size or size < 2:
            raise DataError("confusion matrix needs at least two classes, each once; correct its class list")
        if self.counts.shape != (size, size) or self.missed.shape != (size,):
            raise DataError(
                f"confusion matrix is {self.counts.shape} with {self.missed.shape} missed cells; "
                f"give ({size}, {size}) and ({size},) for its {size} classes"
            )
        if self.counts.min() < 0 or self.missed.min() < 0:
            raise DataError("confusion matrix holds a negative number; give counts of cells")

    @property
    def table(self) -> Counts:
        """Answers with the missed cells as the last column, shape (L, L + 1)."""
        return np.concatenate([self.counts, self.missed[:, None]], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws from the posterior of the true shares.

    Parameters
    ----------
    shares : ndarray of shape (D, L), float64
        True share of each class among all cells, found and missed; rows sum to 1.
    rates : ndarray of shape (D, L, L + 1), float64
        Rates of the answers for each true class, the last one that of being missed; rows sum to 1.
    """

    shares: Floats
    rates: Floats


def correct(
    counts: Mapping[CellClass, int],
    confusion: ConfusionMatrix,
    rng: np.random.Generator,
) -> Correction:
    """Correct the counts of a classifier for its validated errors and those of the detector.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Answers of the classifier on this smear, before any person changed them.
    confusion : ConfusionMatrix
        Validated answers.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Correction
        Share of each leukocyte class, and of pooled classes, with its 95 % interval; or the reason why
        nothing was corrected: too few finds, a class that was not validated, too few validation cells of a
        class, or counts that the model does not explain.

    Notes
    -----
    The model takes the rates of error on this smear to be those of the validation. That holds for the same
    stain and camera only; the check of fit notices gross breaks of it, not small ones.

    References
    ----------
    Ziegler A, Czyż P. Bayesian quantification with black-box estimators. arXiv 2302.09159. Differs from it:
    Gibbs sampling with conjugate steps, prior 0.5, and a column of cells that the detector missed.
    """
    found = np.array([counts.get(label, 0) for label in confusion.classes], dtype=np.int64)
    reason = _reason(counts, confusion, found)
    if reason:
        return Correction(uncorrected=reason)
    posterior = sample(found, confusion.table, rng)
    fit = check_of_fit(found, posterior, rng)
    if fit < POOR_FIT:
        return Correction(uncorrected="poor_fit", fit_p=fit)
    leukocytes = np.array([label.in_denominator for label in confusion.classes])
    among = posterior.shares * leukocytes
    among /= among.sum(axis=1, keepdims=True)
    missed = (among * posterior.rates[:, :, -1]).sum(axis=1).mean()
    return Correction(
        shares=tuple(_shares(confusion.classes, among)),
        fit_p=fit,
        missed_percent=100.0 * float(missed) if confusion.missed.any() else None,
    )


def sample(
    found: Counts,
    table: Counts,
    rng: np.random.Generator,
    *,
    chains: int = CHAINS,
    burn_in: int = BURN_IN,
    kept: int = KEPT,
    prior: float = PRIOR,
) -> Posterior:
    """Draw from the posterior of the true shares by Gibbs sampling.

    Parameters
    ----------
    found : ndarray of shape (K,), int64
        Answers on this smear.
    table : ndarray of shape (L, K + 1), int64
        Validation: true classes down, answers across, missed cells last.
    rng : numpy.random.Generator
        Source of the draws.
    chains, burn_in, kept : int, optional
        Chains side by side, steps left out at their start, steps kept of each.
    prior : float, optional
        Pseudo-count of each share and each rate.

    Returns
    -------
    Posterior
        ``chains * kept`` draws.

    Notes
    -----
    One step draws the number of missed cells (negative binomial), the true classes behind each answer
    (multinomial), the shares and the rates (Dirichlet). Where the validation holds no missed cell the
    detector is taken to miss none.
    """
    size = table.shape[0]
    alpha = table + prior * (table.sum(axis=0) + np.r_[np.ones(table.shape[1] - 1), 0.0] > 0)
    answers = np.concatenate([np.tile(found, (chains, 1)), np.zeros((chains, 1), np.int64)], axis=1)
    shares = _dirichlet(np.full((chains, size), 1.0), rng)
    rates = _dirichlet(np.tile(alpha, (chains, 1, 1)), rng)
    kept_shares, kept_rates = [], []
    total = int(found.sum())
    for step in range(burn_in + kept):
        joint = shares[:, :, None] * rates
        lost = joint[:, :, -1].sum(axis=1)
        answers[:, -1] = rng.negative_binomial(max(1, total), 1.0 - lost) if lost.any() else 0
        behind = _allocate(answers, joint, rng)
        shares = _dirichlet(behind.sum(axis=2) + prior, rng)
        rates = _dirichlet(behind + alpha, rng)
        if step >= burn_in:
            kept_shares.append(shares)
            kept_rates.append(rates)
    return Posterior(np.concatenate(kept_shares), np.concatenate(kept_rates))


def check_of_fit(found: Counts, posterior: Posterior, rng: np.random.Generator) -> float:
    """Return how probable counts as far from the model as these are under it.

    Parameters
    ----------
    found : ndarray of shape (K,), int64
        Answers on this smear.
    posterior : Posterior
        Draws for them.
    rng : numpy.random.Generator
        Source of the replicates.

    Returns
    -------
    float
        Posterior predictive probability, 0 to 1, of the likelihood-ratio distance G².

    References
    ----------
    Gelman A, Meng XL, Stern H. Posterior predictive assessment of model fitness via realized discrepancies.
    Statistica Sinica 1996;6:733-807.
    """
    joint = np.einsum("dl,dlk->dk", posterior.shares, posterior.rates[:, :, :-1])
    expected = joint / joint.sum(axis=1, keepdims=True)
    replicates = rng.multinomial(int(found.sum()), expected)
    return float(np.mean(_distance(replicates, expected) >= _distance(found, expected)))


def _reason(counts: Mapping[CellClass, int], confusion: ConfusionMatrix, found: Counts) -> str:
    if found.sum() < SMALLEST_COUNT:
        return "few_cells_for_correction"
    if any(number and label not in confusion.classes for label, number in counts.items()):
        return "class_not_validated"
    if confusion.table.sum(axis=1).min() < SMALLEST_VALIDATION:
        return "small_validation"
    return ""


def _shares(classes: tuple[CellClass, ...], among: Floats) -> list[CorrectedShare]:
    found = []
    for label in CellClass:
        members = [index for index, one in enumerate(classes) if label in (one, one.parent)]
        if not label.in_denominator or not members:
            continue
        draws = 100.0 * among[:, members].sum(axis=1)
        low, high = np.quantile(draws, [0.025, 0.975])
        found.append(CorrectedShare(label, float(draws.mean()), float(low), float(high)))
    return found


def _dirichlet(alpha: Floats, rng: np.random.Generator) -> Floats:
    drawn = rng.standard_gamma(alpha)
    # Draws of a tiny alpha may all vanish; the smallest normal number keeps their sum above zero.
    drawn[..., 0] += np.finfo(np.float64).tiny
    shares: Floats = drawn / drawn.sum(axis=-1, keepdims=True)
    return shares


def _allocate(answers: Counts, joint: Floats, rng: np.random.Generator) -> Counts:
    by_answer = joint.transpose(0, 2, 1)
    sums = by_answer.sum(axis=2, keepdims=True)
    even = np.full_like(by_answer, 1.0 / by_answer.shape[2])
    chance = np.divide(by_answer, sums, out=even, where=sums > 0)
    behind: Counts = rng.multinomial(answers, chance).transpose(0, 2, 1)
    return behind


def _distance(observed: Counts, expected: Floats) -> Floats:
    total = observed.sum(axis=-1, keepdims=True)
    ratio = np.where(observed > 0, observed / np.maximum(total * expected, 1e-300), 1.0)
    distance: Floats = 2.0 * np.sum(observed * np.log(ratio), axis=-1)
    return distance
