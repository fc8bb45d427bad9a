"""Each rule for the suggested cause: on facts, and on drawn places."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from detection_cases import ERYTHROCYTE_PX, box, find, paint

from cells.records import RGBImage
from detector.samples import TrainingField
from detector.truth import Box
from evaluation.detection.causes import MEANING, Cause, is_negative, suggest
from evaluation.detection.facts import Facts, measure, yardstick
from evaluation.detection.scan import Answer, Error
from evaluation.detection.truth import FieldTruth
from evaluation.finds import judge_field
from slides.optics import white_point

PLAIN = Facts(
    diameter=1.5,
    at_border=False,
    nuclear_area=0.0,
    largest_piece=0.0,
    pieces=0,
    density=0.0,
    edge=0.0,
    grey=0.3,
    darkness=0.2,
    erythrocyte=0.1,
    platelets=0,
    box_gap=math.inf,
    box_taken=False,
    overlap=0.0,
)
NUCLEUS = {"nuclear_area": 1.4, "largest_piece": 1.3, "pieces": 1, "density": 4.0, "edge": 0.5}


def _error(kind: str, answer: Answer | None = None, **facts: float | bool) -> Error:
    return Error(0, kind, 50.0, 50.0, 60.0, 0.4, None, replace(PLAIN, **facts), answer)  # type: ignore[arg-type]


def _answer(label: str, leukocyte: float, *, rejected: bool = False) -> Answer:
    return Answer(label, 0.9, leukocyte, rejected)


FALSE_FINDS = [
    (Cause.DOUBLED, {"box_gap": 0.8, "box_taken": True, **NUCLEUS}),
    (Cause.DEPOSIT, {"grey": 0.9, "darkness": 0.9}),
    (Cause.DEPOSIT, {"pieces": 7, "nuclear_area": 0.7, "largest_piece": 0.15, "density": 4.0, "edge": 0.6}),
    (Cause.SMUDGE, {**NUCLEUS, "edge": 0.05}),
    (Cause.SMUDGE, {**NUCLEUS, "density": 1.8}),
    (Cause.UNBOXED, NUCLEUS),
    (Cause.UNBOXED, {**NUCLEUS, "at_border": True}),
    (Cause.UNBOXED, {**NUCLEUS, "box_gap": 0.8}),
    (Cause.BORDER, {"at_border": True, "erythrocyte": 0.9}),
    (Cause.PLATELETS, {"nuclear_area": 0.2, "largest_piece": 0.1, "pieces": 3, "density": 3.0, "edge": 0.6}),
    (Cause.PLATELETS, {"platelets": 2}),
    (Cause.ERYTHROCYTE, {"erythrocyte": 0.8}),
    (Cause.UNEXPLAINED, {}),
]
MISSES = [
    (Cause.DOUBLED, {"overlap": 0.7, **NUCLEUS}),
    (Cause.BORDER, {"at_border": True, **NUCLEUS}),
    (Cause.DEPOSIT, {"grey": 0.9, "darkness": 0.9}),
    (Cause.TOUCHING, {"box_gap": 2.1, "box_taken": True, **NUCLEUS}),
    (Cause.SMUDGE, {**NUCLEUS, "edge": 0.05}),
    (Cause.PLATELETS, {"nuclear_area": 0.2, "largest_piece": 0.2, "pieces": 1, "density": 3.0}),
    (Cause.ERYTHROCYTE, {"erythrocyte": 0.8}),
    (Cause.UNEXPLAINED, NUCLEUS),
]


@pytest.mark.parametrize(("cause", "facts"), FALSE_FINDS)
def test_rules_for_false_finds(cause: Cause, facts: dict[str, float]) -> None:
    assert suggest(_error("false", **facts)) is cause


@pytest.mark.parametrize(("cause", "facts"), MISSES)
def test_rules_for_misses(cause: Cause, facts: dict[str, float]) -> None:
    assert suggest(_error("missed", **facts)) is cause


def test_the_classifier_is_heard() -> None:
    assert suggest(_error("false", _answer("lymphocyte", 0.95), **NUCLEUS)) is Cause.UNBOXED
    assert suggest(_error("false", _answer("unidentified", 0.6), **NUCLEUS)) is Cause.UNEXPLAINED
    rejected = _answer("platelet", 0.05, rejected=True)
    assert suggest(_error("false", rejected, **NUCLEUS)) is Cause.PLATELETS
    assert suggest(_error("false", rejected)) is Cause.PLATELETS


def test_every_cause_has_a_meaning() -> None:
    assert set(MEANING) == set(Cause)


def test_what_may_be_a_leukocyte_is_no_hard_negative() -> None:
    plain, rejected = _error("false"), _error("false", _answer("artefact", 0.05, rejected=True))
    for cause in (Cause.UNBOXED, Cause.DOUBLED, Cause.TOUCHING):
        assert not is_negative(plain, cause)
        assert not is_negative(rejected, cause)
    assert all(is_negative(plain, c) for c in (Cause.PLATELETS, Cause.DEPOSIT, Cause.UNEXPLAINED))
    assert not is_negative(plain, Cause.BORDER)
    assert is_negative(rejected, Cause.BORDER)


def _suggested(
    image: RGBImage,
    *,
    row: float = 120,
    col: float = 160,
    size: float = 60.0,
    boxes: tuple[Box, ...] = (),
    missed: Box | None = None,
) -> Cause:
    height, width = image.shape[:2]
    truth = TrainingField("a", image, white_point(image), ERYTHROCYTE_PX, boxes, (), ())
    field = FieldTruth("a", Path("a"), height, width, boxes, (), (), ())
    finds = [find(*one.centre) for one in boxes if one is not missed]
    outcome = judge_field(truth, finds)
    yard = yardstick(truth)
    facts = measure(truth, field, outcome, row=row, col=col, size_px=size, box=missed, yard=yard)
    kind = "false" if missed is None else "missed"
    return suggest(Error(0, kind, row, col, size, 0.3, missed, facts, None))


def test_a_drawn_leukocyte_without_box() -> None:
    assert _suggested(paint(0, [(120, 160)])) is Cause.UNBOXED


def test_a_drawn_erythrocyte() -> None:
    image = paint(0)
    cv2.circle(image, (160, 120), 20, (222, 160, 170), -1, cv2.LINE_AA)
    assert _suggested(image, size=45.0) is Cause.ERYTHROCYTE


def test_drawn_overlapping_erythrocytes() -> None:
    image = paint(0).astype(np.float64)
    for col in (150, 168):
        disc = cv2.circle(np.zeros(image.shape[:2], np.uint8), (col, 120), 20, 1, -1).astype(bool)
        image[disc] *= np.array([222, 160, 170]) / np.array([232, 230, 236])
    assert _suggested(image.astype(np.uint8)) is Cause.ERYTHROCYTE


def test_drawn_platelets() -> None:
    image = paint(0)
    for row, col in ((115, 150), (125, 165), (112, 168), (130, 152)):
        cv2.circle(image, (col, row), 4, (150, 90, 170), -1, cv2.LINE_AA)
    assert _suggested(image) is Cause.PLATELETS


def test_a_drawn_black_speck() -> None:
    image = paint(0)
    cv2.circle(image, (160, 120), 18, (30, 28, 32), -1, cv2.LINE_AA)
    assert _suggested(image) is Cause.DEPOSIT


def test_a_drawn_smudge() -> None:
    image = paint(0)
    layer = image.copy()
    cv2.circle(layer, (160, 120), 42, (150, 90, 175), -1)
    assert _suggested(cv2.GaussianBlur(layer, (0, 0), 22), size=90.0) is Cause.SMUDGE


def test_a_find_beside_the_find_of_its_cell() -> None:
    image = paint(0, [(120, 160)])
    assert _suggested(image, row=120, col=185, boxes=(box(120, 160),)) is Cause.DOUBLED


def test_a_box_that_repeats_another() -> None:
    image = paint(0, [(120, 160)])
    again = box(124, 164)
    assert _suggested(image, row=124, col=164, boxes=(box(120, 160), again), missed=again) is Cause.DOUBLED


def test_a_box_at_the_border() -> None:
    image = paint(0, [(120, 4)])
    cut = Box(0, 90, 34, 150, "leukocyte")
    assert _suggested(image, row=120, col=17, boxes=(cut,), missed=cut) is Cause.BORDER


def test_a_leukocyte_that_touches_another() -> None:
    image = paint(0, [(120, 130), (120, 188)])
    second = box(120, 188)
    made = _suggested(image, row=120, col=188, boxes=(box(120, 130), second), missed=second)
    assert made is Cause.TOUCHING


def test_an_empty_slide_is_unexplained() -> None:
    assert _suggested(paint(0)) is Cause.UNEXPLAINED
