"""From the probabilities of a cell to its label, or to the admission that a person has to decide."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cells.vocabulary import NORMAL_FIVE, CellClass

UNCERTAIN = "uncertain"
"""Reason of a cell that is left unidentified."""

UNLIKE = "unlike_known_cells"
"""Reason of a cell answered with a normal kind that is unlike the normal cells that the classifier knows."""

NOT_A_LEUKOCYTE = "not_a_leukocyte"
"""Reason of a find that is no nucleated cell: an artefact, or a platelet, of which this is no count."""

COUNTING_FRAME = "counting_frame"
"""Reason of a cell that the counting-frame rule leaves to the neighbouring field."""

NOT_LEUKOCYTES = frozenset({CellClass.ARTEFACT, CellClass.PLATELET})
"""Answers that say that the detector was wrong."""


class Decision(NamedTuple):
    """What is decided on one cell.

    Parameters
    ----------
    label : CellClass
        Its class, or ``unidentified``.
    probability : float
        Probability of the most probable class of the decision, 0 to 1.
    counted : bool
        Whether it enters the formula or the counts beside it.
    reason : str
        Why not, why it is unidentified, or why a person should look at it; a code, else empty.
    """

    label: CellClass
    probability: float
    counted: bool
    reason: str


def decide(
    probabilities: NDArray[np.float32],
    classes: Sequence[CellClass],
    *,
    abstain_below: float,
    in_frame: bool,
    p_value: float = 1.0,
    flag_outliers: float = 0.0,
    abstain_outliers: float = 0.0,
) -> Decision:
    """Decide on the class of one cell.

    Band and segmented neutrophils are told apart only after the cell is known to be a neutrophil: the
    boundary between them is a matter of degree and must not make a clear neutrophil doubtful.

    Parameters
    ----------
    probabilities : ndarray of shape (K,), float32
        Probability of each class; they sum to 1.
    classes : sequence of CellClass
        The K classes.
    abstain_below : float
        Where the most probable answer is less probable than this, the cell is unidentified.
    in_frame : bool
        Whether the counting-frame rule counts the cell.
    p_value : float, optional
        How likely a normal leukocyte looks as unlike the known ones; see ``classifiers.abstention``.
    flag_outliers : float, optional
        A cell answered with one of the five normal kinds whose p-value is this or less has the reason
        ``UNLIKE``; 0 flags none.
    abstain_outliers : float, optional
        Where it is this or less, such a cell is unidentified; 0 leaves none so.

    Returns
    -------
    Decision
        The label, its probability, and whether the cell counts. Ties go to the class that stands first.
    """
    answer = likeliest(probabilities, classes)
    label, probability = label_of(probabilities, classes)
    if _together(probabilities, classes)[answer] < abstain_below:
        return Decision(CellClass.UNIDENTIFIED, probability, in_frame, UNCERTAIN)
    if label in NOT_LEUKOCYTES:
        return Decision(label, probability, False, NOT_A_LEUKOCYTE)
    normal = answer in NORMAL_FIVE
    if normal and p_value <= abstain_outliers:
        return Decision(CellClass.UNIDENTIFIED, probability, in_frame, UNLIKE)
    if not in_frame:
        return Decision(label, probability, False, COUNTING_FRAME)
    return Decision(label, probability, True, UNLIKE if normal and p_value <= flag_outliers else "")


def label_of(probabilities: NDArray[np.float32], classes: Sequence[CellClass]) -> tuple[CellClass, float]:
    """Return what a cell is called where nothing is left unidentified.

    Parameters
    ----------
    probabilities : ndarray of shape (K,), float32
        Probability of each class.
    classes : sequence of CellClass
        The K classes.

    Returns
    -------
    label : CellClass
        The most probable member of the most probable answer (``likeliest``): a cell that is surely a
        neutrophil, but band or segmented, is not called by a third class. Ties go to the class that stands
        first.
    probability : float
        Its own, 0 to 1.
    """
    answer = likeliest(probabilities, classes)
    members = [
        (label, float(p)) for label, p in zip(classes, probabilities, strict=True) if _answer(label) is answer
    ]
    return max(members, key=lambda member: member[1])


def likeliest(probabilities: NDArray[np.float32], classes: Sequence[CellClass]) -> CellClass:
    """Return the most probable answer, with band and segmented neutrophils taken together.

    Parameters
    ----------
    probabilities : ndarray of shape (K,), float32
        Probability of each class.
    classes : sequence of CellClass
        The K classes.

    Returns
    -------
    CellClass
        Ties go to the class that stands first.
    """
    together = _together(probabilities, classes)
    return max(together, key=lambda key: together[key])


def _together(probabilities: NDArray[np.float32], classes: Sequence[CellClass]) -> dict[CellClass, float]:
    found: dict[CellClass, float] = {}
    for label, value in zip(classes, probabilities, strict=True):
        answer = _answer(label)
        found[answer] = found.get(answer, 0.0) + float(value)
    return found


def _answer(label: CellClass) -> CellClass:
    return CellClass.NEUTROPHIL if label.parent is CellClass.NEUTROPHIL else label
