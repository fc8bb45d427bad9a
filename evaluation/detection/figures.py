"""The figures of an evaluation: of the detector alone, and with the classifier's "not a leukocyte"."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.detection.curves import Curve, Estimate, curve_estimates, curve_of, ratio_estimate
from evaluation.detection.scan import Candidate, Scanned
from evaluation.finds import FieldOutcome, Figures, summarise


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What one system makes of the fields.

    Parameters
    ----------
    name : str
        ``detector``, or ``detector and classifier``.
    counts : Figures
        Counts and exact intervals at the operating threshold, centre error and diameters.
    recall, false_share, per_field : Estimate
        Found over leukocytes, false over finds, false finds per field, at the operating threshold.
    average_precision : Estimate
        Area under the precision envelope, over the low scan.
    recalls : tuple of Estimate
        Recall at each level of `evaluation.detection.curves.LEVELS`.
    curve : Curve
        All thresholds of the low scan.
    """

    name: str
    counts: Figures
    recall: Estimate
    false_share: Estimate
    per_field: Estimate
    average_precision: Estimate
    recalls: tuple[Estimate, ...]
    curve: Curve


def judge(scanned: Scanned, *, seed: int, resamples: int) -> tuple[Judgement, ...]:
    """Sum up the detector and, where there is one, the classifier behind it.

    Parameters
    ----------
    scanned : Scanned
        What came of the fields; at least one.
    seed : int
        Seed of the bootstrap; each figure starts from it anew.
    resamples : int
        Number of resamples.

    Returns
    -------
    tuple of Judgement
        One or two.
    """
    systems = [("detector", scanned.outcomes, scanned.candidates)]
    if scanned.accepted:
        systems.append(("detector and classifier", scanned.accepted, scanned.accepted_candidates))
    return tuple(
        _judged(name, outcomes, candidates, seed, resamples) for name, outcomes, candidates in systems
    )


def _judged(
    name: str,
    outcomes: Sequence[FieldOutcome],
    candidates: Sequence[Candidate],
    seed: int,
    resamples: int,
) -> Judgement:
    found = [len(one.pairs) for one in outcomes]
    leukocytes = [len(one.pairs) + len(one.missed) for one in outcomes]
    false = [len(one.false) for one in outcomes]
    finds = [good + bad for good, bad in zip(found, false, strict=True)]
    area, recalls = curve_estimates(candidates, leukocytes, seed=seed, resamples=resamples)
    return Judgement(
        name,
        summarise(outcomes),
        ratio_estimate(found, leukocytes, seed=seed, exact="binomial", resamples=resamples),
        ratio_estimate(false, finds, seed=seed, exact="binomial", resamples=resamples),
        ratio_estimate(false, [1] * len(outcomes), seed=seed, exact="poisson", resamples=resamples),
        area,
        recalls,
        curve_of(candidates, leukocytes=sum(leukocytes), fields=len(outcomes)),
    )
