"""The suggested cause of a false find or a miss: the first rule of a fixed list that its facts fulfil.

The limits come from what the facts measure on boxed leukocytes, platelets and erythrocytes of the training
split of ``txl_pbc`` and on drawn smears, never from the fields that are judged. ``docs/evaluate.md`` lists
the rules. They are suggestions: a person decides.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from evaluation.detection.facts import Facts
from evaluation.detection.scan import Answer, Error


class Cause(StrEnum):
    """A suggested cause."""

    DOUBLED = "doubled box"
    BORDER = "cut at border"
    UNBOXED = "real leukocyte unboxed"
    PLATELETS = "platelet clump"
    DEPOSIT = "stain deposit"
    SMUDGE = "smudge"
    ERYTHROCYTE = "erythrocyte"
    TOUCHING = "touching leukocytes"
    UNEXPLAINED = "unexplained"


MEANING = {
    Cause.DOUBLED: (
        "one leukocyte twice: a find on a leukocyte that another find holds, or a box that repeats another"
    ),
    Cause.BORDER: "the image border cuts the cell",
    Cause.UNBOXED: "it looks like a leukocyte but the truth has no box there",
    Cause.PLATELETS: "platelets, alone or in a clump",
    Cause.DEPOSIT: "a deposit of stain, or dirt",
    Cause.SMUDGE: "a smudge cell, or a pale nucleus without outline",
    Cause.ERYTHROCYTE: "erythrocytes, alone or overlapping, without nuclear stain",
    Cause.TOUCHING: "a leukocyte that touches another, of which only one was found",
    Cause.UNEXPLAINED: "none of the rules holds",
}
"""What each cause means."""

SAME_CELL = 1.2
SURE_LEUKOCYTE = 0.8
SURE_OTHER = 0.5
LEAST_NUCLEUS = 0.6
LEAST_NUCLEAR_PIECE = 0.45
SHARP_EDGE = 0.15
BLACK = 0.6
DARK = 0.45
GRANULES = 5
GRANULE_AREA = 0.2
PLATELET_AREA = 0.45
ERYTHROCYTE_SHARE = 0.4
NO_NUCLEUS = 0.06
TOUCHES = 2.6
REPEATED = 0.5
SMUDGE_AREA = 0.6
PALE = 2.2

_Rule = tuple[Cause, Callable[[Error, Facts, Answer | None], bool]]


def _doubled_find(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.box_gap <= SAME_CELL and facts.box_taken


def _doubled_box(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.overlap >= REPEATED


def _border(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.at_border


def _deposit(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    black = facts.grey >= BLACK and facts.darkness >= DARK
    return black or (facts.pieces >= GRANULES and facts.largest_piece < GRANULE_AREA)


def _unboxed(_error: Error, facts: Facts, answer: Answer | None) -> bool:
    if answer is not None and (answer.rejected or answer.leukocyte < SURE_LEUKOCYTE):
        return False
    nucleus = facts.nuclear_area >= LEAST_NUCLEUS and facts.largest_piece >= LEAST_NUCLEAR_PIECE
    return nucleus and facts.edge >= SHARP_EDGE


def _platelets(_error: Error, facts: Facts, answer: Answer | None) -> bool:
    if facts.platelets and facts.nuclear_area < LEAST_NUCLEUS:
        return True
    if answer is not None and answer.label == "platelet":
        return True
    return NO_NUCLEUS <= facts.nuclear_area < PLATELET_AREA


def _smudge(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.nuclear_area >= SMUDGE_AREA and (facts.edge < SHARP_EDGE or facts.density < PALE)


def _erythrocyte(_error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.nuclear_area < NO_NUCLEUS and facts.erythrocyte >= ERYTHROCYTE_SHARE


def _touching(error: Error, facts: Facts, _answer: Answer | None) -> bool:
    return facts.box_gap <= TOUCHES and facts.box_taken and facts.nuclear_area >= LEAST_NUCLEUS


FALSE_RULES: Sequence[_Rule] = (
    (Cause.DOUBLED, _doubled_find),
    (Cause.DEPOSIT, _deposit),
    (Cause.SMUDGE, _smudge),
    (Cause.UNBOXED, _unboxed),
    (Cause.BORDER, _border),
    (Cause.PLATELETS, _platelets),
    (Cause.ERYTHROCYTE, _erythrocyte),
)
"""Rules for false finds, in the order in which they are asked."""

MISS_RULES: Sequence[_Rule] = (
    (Cause.DOUBLED, _doubled_box),
    (Cause.BORDER, _border),
    (Cause.DEPOSIT, _deposit),
    (Cause.TOUCHING, _touching),
    (Cause.SMUDGE, _smudge),
    (Cause.PLATELETS, _platelets),
    (Cause.ERYTHROCYTE, _erythrocyte),
)
"""Rules for misses, in the order in which they are asked."""


def suggest(error: Error) -> Cause:
    """Suggest the cause of a false find or a miss.

    Parameters
    ----------
    error : Error
        The error with its facts.

    Returns
    -------
    Cause
        That of the first rule that holds, ``unexplained`` where none does.
    """
    rules = FALSE_RULES if error.kind == "false" else MISS_RULES
    for cause, holds in rules:
        if holds(error, error.facts, error.answer):
            return cause
    return Cause.UNEXPLAINED


_NO_LEUKOCYTE = frozenset(
    {Cause.PLATELETS, Cause.DEPOSIT, Cause.SMUDGE, Cause.ERYTHROCYTE, Cause.UNEXPLAINED}
)


def is_negative(error: Error, cause: Cause) -> bool:
    """Tell whether a false find may be exported as a hard negative: it is hardly a leukocyte.

    Parameters
    ----------
    error : Error
        A false find.
    cause : Cause
        Its suggested cause.

    Returns
    -------
    bool
        False for doubled finds and what looks like a leukocyte; at the border only true where the classifier
        says that it is none.
    """
    if cause is Cause.BORDER:
        return error.answer is not None and error.answer.rejected
    return cause in _NO_LEUKOCYTE
