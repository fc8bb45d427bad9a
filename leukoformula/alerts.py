"""The alert of a smear that holds more cells unlike the known ones than chance explains."""

from scipy.stats import binom

from cells.records import Finding
from leukoformula.decisions import UNLIKE

NO_RULE = "no_rule_for_unknown_cells"
"""Code of the remark that no rule suits the classifier, so that no cell was flagged."""

NEAR_EOSINOPHILS = "neutrophils_near_eosinophils"
"""Code of the remark that the neutrophils of a smear look more like eosinophils than usual."""

NEAR = -6.0
"""Median log odds of eosinophil against neutrophil, among neutrophils, from which on it is made."""

LEAST_CELLS = 20
"""Cells that a smear must have for the alert."""

LEVEL = 0.001
"""Probability at most of the alert on a smear of a laboratory like those of the calibration."""


def eosinophil_remark(median: float | None, cells: int) -> Finding | None:
    """Return the remark that neutrophils look like eosinophils in a smear, so that the latter are less sure.

    Parameters
    ----------
    median : float or None
        What ``classifiers.smear_border.neutrophil_odds`` gave.
    cells : int
        Number of finds.

    Returns
    -------
    Finding or None
        ``neutrophils_near_eosinophils``; None below ``NEAR``, or with fewer than ``LEAST_CELLS`` finds.
    """
    if median is None or median < NEAR or cells < LEAST_CELLS:
        return None
    return Finding(NEAR_EOSINOPHILS, "info")


def outlier_alert(unlike: int, tested: int, *, level: float) -> Finding | None:
    """Return the alert where a smear holds too many cells unlike the normal ones that are known.

    Parameters
    ----------
    unlike : int
        Tested cells whose p-value is the level or less.
    tested : int
        Cells in the counting frame that were answered with a leukocyte, normal or immature.
    level : float
        Share at most of normal leukocytes that is found unlike, above 0.

    Returns
    -------
    Finding or None
        ``unlike_known_cells`` with the share of unlike cells. None where that many are expected once in
        1 / ``LEVEL`` smears or more often, or where fewer than ``LEAST_CELLS`` were tested.

    Notes
    -----
    A one-sided exact binomial test. It takes cells for independent, which those of one smear are not where
    the whole smear is stained unlike the known ones; the alert then rises too.
    """
    if not too_many(unlike, tested, level=level):
        return None
    return Finding(UNLIKE, "warning", value=unlike / tested)


def too_many(unlike: int, tested: int, *, level: float) -> bool:
    """Return whether so many unlike cells raise the alert.

    Parameters
    ----------
    unlike, tested : int
        Cells unlike the known ones, and cells that were tested.
    level : float
        Share at most of normal leukocytes that is found unlike, above 0.

    Returns
    -------
    bool
    """
    return tested >= LEAST_CELLS and float(binom.sf(unlike - 1, tested, level)) < LEVEL
