"""Shares corrected for the errors of detector and classifier, with intervals that hold those errors."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError
from cells.vocabulary import CellClass, pooled
from counting.records import CorrectedShare, Correction

PRIOR = 0.5
"""Prior pseudo-count of each share and of each rate of error (Jeffreys)."""

CHAINS = 40
BURN_IN = 30
KEPT = 50
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
        True classes; ``artefact`` stands for every find that is no nucleated cell.
    answers : tuple of CellClass
        What the classifier answers: the true classes and, where it may abstain, ``unidentified``.
    counts : ndarray of shape (L, K), int
        Validation cells, true classes down, answers across.
    missed : ndarray of shape (L,), int
        Of the cells on which the detector was tried for each true class, those that it did not find.
    sought : ndarray of shape (L,), int
        Cells on which the detector was tried for each true class; zeros where it was not, and then it is
        taken to miss none.
    effective : float or None
        As how many cells each row counts where laboratories differ so much that its own number would feign
        certainty; None takes every cell.

    Raises
    ------
    DataError
        Where shapes do not fit, a number is negative, a class stands twice, a true class is no answer or
        more cells were missed than sought.
    """

    classes: tuple[CellClass, ...]
    answers: tuple[CellClass, ...]
    counts: Counts
    missed: Counts
    sought: Counts
    effective: float | None = None

    @property
    def evidence(self) -> Floats:
        """The counts as they enter the correction, shape (L, K): each row at most ``effective`` cells."""
        counts = self.counts.astype(np.float64)
        if self.effective is None:
            return counts
        sums = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        scaled: Floats = counts * np.minimum(1.0, self.effective / sums)
        return scaled

    def __post_init__(self) -> None:
        size = len(self.classes)
        if len(set(self.classes)) != size or size < 2:
            raise DataError("confusion matrix needs at least two classes, each once; correct its class list")
        if len(set(self.answers)) != len(self.answers) or not set(self.classes) <= set(self.answers):
            raise DataError("confusion matrix needs each class among its answers, each once; correct them")
        wanted = (size, len(self.answers))
        if self.counts.shape != wanted or not self.missed.shape == self.sought.shape == (size,):
            raise DataError(
                f"confusion matrix is {self.counts.shape} with {self.missed.shape} missed cells of "
                f"{self.sought.shape}; give {wanted} and twice ({size},) for its {size} classes"
            )
        if min(self.counts.min(), self.missed.min(), (self.sought - self.missed).min()) < 0:
            raise DataError("confusion matrix holds a negative number; give counts of cells")


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws from the posterior of the true shares.

    Parameters
    ----------
    shares : ndarray of shape (D, L), float64
        True share of each class among all cells, found and missed; rows sum to 1.
    rates : ndarray of shape (D, L, K + 1), float64
        Rates of the answers for each true class, the last one that of being missed; rows sum to 1.
    """

    shares: Floats
    rates: Floats


def correct(
    counts: Mapping[CellClass, int],
    confusion: ConfusionMatrix,
    rng: np.random.Generator,
    *,
    split: ConfusionMatrix | None = None,
) -> Correction:
    """Correct the counts of a classifier for its validated errors and those of the detector.

    Parameters
    ----------
    counts : mapping of CellClass to int
        Answers of the classifier on this smear, before any person changed them, cells that it left
        unidentified and finds that it holds for no leukocyte among them.
    confusion : ConfusionMatrix
        Validated answers.
    rng : numpy.random.Generator
        Source of the draws.
    split : ConfusionMatrix or None, optional
        Where ``confusion`` holds a pooled class: validated answers among its children, cells that were
        answered with one of them. Without it the children are not corrected apart.

    Returns
    -------
    Correction
        Share of each leukocyte class, and of pooled classes, with its 95 % interval; or the reason why
        nothing was corrected: too few finds, an answer that was not validated, too few validation cells of
        a class, more unidentified cells than the validation explains, or another mix of answers that it
        does not explain.

    Notes
    -----
    The model takes the rates of error on this smear to be those of the validation. That holds for the same
    stain and camera only; the check of fit notices gross breaks of it, not small ones. The children of a
    pooled class are told apart in a second step of the same kind with a check of its own: where it fails,
    the pooled class is corrected and its children are not.

    References
    ----------
    Ziegler A, Czyż P. Bayesian quantification with black-box estimators. arXiv 2302.09159. Differs from it:
    Gibbs sampling with conjugate steps, prior 0.5, answers that are no class, and cells that the detector
    missed.
    """
    gathered = Counter[CellClass | None]()
    for label, number in counts.items():
        gathered[pooled(label, confusion.answers)] += number
    found = np.array([gathered[label] for label in confusion.answers], dtype=np.int64)
    reason = "class_not_validated" if gathered[None] else _reason(confusion, found)
    if reason:
        return Correction(uncorrected=reason)
    posterior = sample(found, confusion.evidence, rng, missed=confusion.missed, sought=confusion.sought)
    fit = check_of_fit(found, posterior, rng)
    if _abstains_too_often(found, confusion.answers, posterior, rng):
        return Correction(uncorrected="many_unidentified", fit_p=fit)
    if fit < POOR_FIT:
        return Correction(uncorrected="poor_fit", fit_p=fit)
    leukocytes = np.array([label.in_denominator for label in confusion.classes])
    among = posterior.shares * leukocytes
    among /= among.sum(axis=1, keepdims=True)
    missed = (among * posterior.rates[:, :, -1]).sum(axis=1).mean()
    classes, parts, unsplit = _with_children(counts, confusion.classes, among, split, rng)
    return Correction(
        shares=tuple(_shares(classes, parts)),
        unsplit=unsplit,
        fit_p=fit,
        missed_percent=100.0 * float(missed) if confusion.sought.any() else None,
    )


def sample(
    found: Counts,
    table: Counts | Floats,
    rng: np.random.Generator,
    *,
    missed: Counts | None = None,
    sought: Counts | None = None,
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
    table : ndarray of shape (L, K), int64 or float64
        Validation of the classifier: true classes down, answers across.
    rng : numpy.random.Generator
        Source of the draws.
    missed, sought : ndarray of shape (L,), int64, optional
        Validation of the detector: cells of each true class that it missed, and those that it was tried on;
        where none were sought, or without both, it is taken to miss none.
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
    (multinomial), the shares and the rates of the answers (Dirichlet) and the rates of being missed (beta).
    Every chain starts at rates drawn from the validation alone and at the shares that suit them best, so that
    the chains are spread from the first step on as the answer is.
    """
    size, total = table.shape[0], int(found.sum())
    lost = _Lost(np.zeros(size, np.int64), np.zeros(size, np.int64))
    if missed is not None and sought is not None:
        lost = _Lost(missed, sought)
    answers = np.concatenate([np.tile(found, (chains, 1)), np.zeros((chains, 1), np.int64)], axis=1)
    behind = np.zeros((chains, size, table.shape[1] + 1), np.int64)
    rates = _rates(behind, table, lost, prior, rng)
    shares = _likely_shares(found, rates)
    kept_shares, kept_rates = [], []
    for step in range(burn_in + kept):
        joint = shares[:, :, None] * rates
        unseen = joint[:, :, -1].sum(axis=1)
        answers[:, -1] = rng.negative_binomial(max(1, total), 1.0 - unseen) if unseen.any() else 0
        behind = _allocate(answers, joint, rng)
        shares = _dirichlet(behind.sum(axis=2) + prior, rng)
        rates = _rates(behind, table, lost, prior, rng)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Lost:
    missed: Counts
    sought: Counts


def _rates(
    behind: Counts, table: Counts | Floats, lost: _Lost, prior: float, rng: np.random.Generator
) -> Floats:
    """Draw the rates of the answers and, last, of being missed, given the true classes behind the answers."""
    named = _dirichlet((behind[:, :, :-1] + table).astype(np.float64) + prior, rng)
    gone = rng.beta(
        behind[:, :, -1] + lost.missed + prior,
        behind[:, :, :-1].sum(axis=2) + (lost.sought - lost.missed) + prior,
    )
    gone = np.where(lost.sought > 0, gone, 0.0)[:, :, None]
    return np.concatenate([named * (1.0 - gone), gone], axis=2)


def _likely_shares(found: Counts, rates: Floats, steps: int = 100) -> Floats:
    """Return the most likely shares for given rates, by expectation and maximisation."""
    chains, size, _ = rates.shape
    seen = rates[:, :, :-1]
    shares = np.full((chains, size), 1.0 / size)
    for _ in range(steps):
        joint = shares[:, :, None] * seen
        behind = (joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300) * found).sum(axis=2)
        shares = behind / seen.sum(axis=2) + 1e-12
        shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _abstains_too_often(
    found: Counts, answers: tuple[CellClass, ...], posterior: Posterior, rng: np.random.Generator
) -> bool:
    """Say whether more cells are unidentified than the validation explains, whatever the mix of classes."""
    if CellClass.UNIDENTIFIED not in answers:
        return False
    place = answers.index(CellClass.UNIDENTIFIED)
    joint = np.einsum("dl,dlk->dk", posterior.shares, posterior.rates[:, :, :-1])
    replicates = rng.binomial(int(found.sum()), joint[:, place] / joint.sum(axis=1))
    return bool(np.mean(replicates >= found[place]) < POOR_FIT)


def _reason(confusion: ConfusionMatrix, found: Counts) -> str:
    if found.sum() < SMALLEST_COUNT:
        return "few_cells_for_correction"
    if confusion.counts.sum(axis=1).min() < SMALLEST_VALIDATION:
        return "small_validation"
    return ""


def _with_children(
    counts: Mapping[CellClass, int],
    classes: tuple[CellClass, ...],
    among: Floats,
    split: ConfusionMatrix | None,
    rng: np.random.Generator,
) -> tuple[tuple[CellClass, ...], Floats, str]:
    """Replace the pooled class of the draws by its children where their own validation allows it."""
    if split is None:
        answered_apart = any(counts.get(child) for label in classes for child in label.children)
        return classes, among, "split_not_validated" if answered_apart else ""
    found = np.array([counts.get(label, 0) for label in split.answers], dtype=np.int64)
    if reason := _reason(split, found):
        return classes, among, "split_" + reason
    posterior = sample(found, split.evidence, rng)
    if check_of_fit(found, posterior, rng) < POOR_FIT:
        return classes, among, "split_poor_fit"
    parent = classes.index(_parent(split))
    rest = tuple(label for label in classes if label is not classes[parent])
    children = among[:, [parent]] * rng.permutation(posterior.shares)
    return (*split.classes, *rest), np.concatenate([children, np.delete(among, parent, 1)], axis=1), ""


def _parent(split: ConfusionMatrix) -> CellClass:
    parents = {label.parent for label in split.classes}
    parent = parents.pop()
    if parents or parent is None:
        raise DataError("confusion matrix of a split needs classes of one parent; correct its class list")
    return parent


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
