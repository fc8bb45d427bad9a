"""Results as the pipeline would give them, drawn and counted for the tests of the reports."""

from collections.abc import Callable, Mapping
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.model_files import ModelInfo
from cells.records import Cell, Detection, Finding, Refusal
from cells.units import MicronsPerPixel, Pixels
from cells.vocabulary import CLASSIFIED, CellClass
from counting.age import Age
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from leukoformula.result import FieldSummary, Identity, Overview, SmearResult
from slides.calibration import Calibration

C = CellClass
SIDE = 112
FIELD = (480, 640)
HOSTILE = (
    "=cmd|' /C calc'!A0<b>&amp;</b><script>alert(1)</script>\u202egnp.exe \u05e9\u05dc\u05d5\u05dd 漢字 🩸\n"
)
LONG = "Иванова-Константинопольская_" * 7 + "end.png"

_NUCLEI: Mapping[CellClass, tuple[tuple[float, float, float], ...]] = {
    C.NEUTROPHIL_SEGMENTED: ((-13, -8, 10), (0, 9, 10), (13, -7, 9)),
    C.NEUTROPHIL_BAND: ((-14, -6, 8), (-9, 6, 8), (2, 11, 8), (11, 5, 8), (15, -7, 8)),
    C.EOSINOPHIL: ((-11, 0, 12), (12, 2, 12)),
    C.BASOPHIL: ((-6, -4, 14), (8, 6, 13)),
    C.LYMPHOCYTE: ((0, 0, 21),),
    C.MONOCYTE: ((-9, -3, 17), (10, 5, 17)),
    C.IMMATURE_GRANULOCYTE: ((-5, 2, 23),),
    C.ERYTHROBLAST: ((0, 0, 12),),
    C.PLATELET: ((0, 0, 6),),
    C.ARTEFACT: ((-4, 3, 7), (9, -8, 5)),
}
_BODY = {C.LYMPHOCYTE: 26, C.MONOCYTE: 40, C.ERYTHROBLAST: 20, C.PLATELET: 8, C.ARTEFACT: 0}
_PLASM = {
    C.EOSINOPHIL: (228, 150, 130),
    C.BASOPHIL: (150, 120, 185),
    C.LYMPHOCYTE: (168, 186, 226),
    C.MONOCYTE: (178, 182, 212),
}
_MODELS = (
    ModelInfo("window-scanner", "detector", "1.0.0", "3f" * 32),
    ModelInfo("cnn", "cnn", "1.0.0", "a7" * 32),
    ModelInfo("mlp", "mlp", "1.0.0", "0c" * 32),
)
_SETTINGS: dict[str, object] = {
    "classifier": "ensemble",
    "um_per_px": None,
    "calibration_fields": 48,
    "abstain_below": 0.5,
    "cnn_share": 0.7,
    "ranges": "ru",
}
_VERSIONS = {"leukoformula": "0.1.0", "python": "3.11.9", "numpy": "2.2.0", "scikit-learn": "1.7.0"}


def draw_cell(label: CellClass, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one cell among erythrocytes, shape (112, 112, 3)."""
    image = np.full((SIDE, SIDE, 3), (238, 232, 234), np.uint8)
    for _ in range(5):
        centre = [int(v) for v in rng.uniform(0, SIDE, 2)]
        if np.hypot(centre[0] - 56, centre[1] - 56) > 48:
            cv2.circle(image, centre, 17, (222, 176, 180), -1, cv2.LINE_AA)
            cv2.circle(image, centre, 7, (232, 204, 206), -1, cv2.LINE_AA)
    body = _BODY.get(label, 34)
    if body:
        cv2.circle(image, (56, 56), body, _PLASM.get(label, (224, 190, 206)), -1, cv2.LINE_AA)
    if label in (C.EOSINOPHIL, C.BASOPHIL):
        grain = (214, 96, 66) if label is C.EOSINOPHIL else (66, 38, 104)
        for angle, reach in rng.uniform((0, 8), (6.28, body - 3), (90, 2)):
            at = (int(56 + reach * np.cos(angle)), int(56 + reach * np.sin(angle)))
            cv2.circle(image, at, 2, grain, -1, cv2.LINE_AA)
    turn = rng.uniform(0, 6.28)
    for x, y, radius in _NUCLEI.get(label, ((0, 0, 18),)):
        at = (
            int(56 + x * np.cos(turn) - y * np.sin(turn)),
            int(56 + x * np.sin(turn) + y * np.cos(turn)),
        )
        cv2.circle(image, at, int(radius), (92, 48, 130), -1, cv2.LINE_AA)
    noise = rng.normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def make_result(
    counts: Mapping[CellClass, int],
    *,
    name: str = "smear-0417",
    identity: Identity | None = None,
    wbc: float | None = None,
    ranges: str = "ru",
    fields: int = 12,
    left_out: int = 0,
    refused: tuple[Refusal, ...] = (),
    findings: tuple[Finding, ...] = (),
    field_name: Callable[[int], str] = "field_{:03d}.png".format,
    source: str = "erythrocytes",
    seed: int = 7,
) -> SmearResult:
    """Make the result of a smear in which these cells were found; ``left_out`` more miss the frame."""
    rng = np.random.default_rng(seed)
    who = identity or Identity()
    labels = [label for label, n in counts.items() for _ in range(n)]
    labels = [labels[i] for i in rng.permutation(len(labels))] + [C.LYMPHOCYTE] * left_out
    cells, crops = [], {}
    overview = np.full((*FIELD, 3), (238, 232, 234), np.uint8)
    for number, label in enumerate(labels, start=1):
        cell, crop = _make_cell(
            number,
            label,
            rng,
            left_out=number > len(labels) - left_out,
            fields=fields,
            field_name=field_name,
        )
        cells.append(cell)
        crops[number] = crop
        if cell.image == field_name(1):
            _paste(overview, crop, cell.detection)
    names = [field_name(number) for number in range(1, fields + 1)]
    formula = make_formula(
        {label: n for label, n in counts.items() if label not in (C.PLATELET, C.ARTEFACT)},
        ranges=load_builtin(ranges),
        wbc=wbc,
        age=Age.parse(who.age) if who.age and who.age != HOSTILE else None,
        sex=who.sex if who.sex in ("f", "m") else None,
    )
    return SmearResult(
        name=name,
        source=f"/data/{name}",
        fields=tuple(
            FieldSummary(
                one,
                *FIELD,
                sum(cell.image == one for cell in cells),
                sum(cell.image == one and cell.counted for cell in cells),
            )
            for one in names
        ),
        refused=refused,
        calibration=Calibration(
            um_per_px=MicronsPerPixel(0.2143),
            erythrocyte_px=Pixels(35.0),
            source=source,
            erythrocytes=2314 if source == "erythrocytes" else 0,
            spread=0.04,
        ),
        findings=findings,
        cells=tuple(cells),
        formula=formula,
        identity=who,
        classifier="ensemble",
        models=_MODELS,
        settings=_SETTINGS,
        versions=_VERSIONS,
        crops=crops,
        overview=Overview(names[0], overview) if names else None,
    )


def _make_cell(
    number: int,
    label: CellClass,
    rng: np.random.Generator,
    *,
    left_out: bool,
    fields: int,
    field_name: Callable[[int], str],
) -> tuple[Cell, NDArray[np.uint8]]:
    drawn = label if label in CLASSIFIED else C.IMMATURE_GRANULOCYTE
    top = rng.uniform(0.34, 0.5) if label is C.UNIDENTIFIED else rng.uniform(0.55, 0.999)
    rest = rng.dirichlet(np.full(len(CLASSIFIED) - 1, 0.2)) * (1 - top)
    others = iter(rest)
    probabilities = {one: float(top if one is drawn else next(others)) for one in CLASSIFIED}
    waste = label in (C.PLATELET, C.ARTEFACT)
    reason = "uncertain" if label is C.UNIDENTIFIED else ""
    reason = "not_a_leukocyte" if waste else "counting_frame" if left_out else reason
    row, col = rng.uniform(8 if left_out else 60, FIELD[0] - 60), rng.uniform(60, FIELD[1] - 60)
    cell = Cell(
        cell_id=number,
        image=field_name(1 + (number - 1) % fields),
        detection=Detection(
            row=float(row),
            col=float(col),
            diameter_px=Pixels(62.0),
            score=float(rng.uniform(1, 9)),
            counted=not left_out,
        ),
        label=label,
        probability=float(top),
        probabilities=probabilities,
        counted=not (waste or left_out),
        reason=reason,
    )
    return cell, draw_cell(drawn, rng)


def _paste(overview: NDArray[np.uint8], crop: NDArray[np.uint8], detection: Detection) -> None:
    row, col = int(detection.row) - SIDE // 2, int(detection.col) - SIDE // 2
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + SIDE, FIELD[0]), min(col + SIDE, FIELD[1])
    piece = crop[top - row : bottom - row, left - col : right - col]
    overview[top:bottom, left:right] = np.minimum(overview[top:bottom, left:right], piece)


def normal_adult() -> SmearResult:
    """A healthy adult; 200 leukocytes, leukocyte count given."""
    return make_result(
        {
            C.NEUTROPHIL_SEGMENTED: 122,
            C.NEUTROPHIL_BAND: 6,
            C.EOSINOPHIL: 5,
            C.BASOPHIL: 1,
            C.LYMPHOCYTE: 53,
            C.MONOCYTE: 13,
            C.PLATELET: 9,
            C.ARTEFACT: 7,
        },
        identity=Identity("A-1042", "2024-05531", "34y", "f", "2024-05-31"),
        wbc=6.4,
        left_out=5,
    )


def left_shift() -> SmearResult:
    """Left shift with immature granulocytes; 400 leukocytes, remarks on quality, refused images."""
    return make_result(
        {
            C.NEUTROPHIL_SEGMENTED: 236,
            C.NEUTROPHIL_BAND: 72,
            C.IMMATURE_GRANULOCYTE: 14,
            C.EOSINOPHIL: 1,
            C.LYMPHOCYTE: 52,
            C.MONOCYTE: 25,
            C.UNIDENTIFIED: 11,
            C.ARTEFACT: 21,
        },
        identity=Identity("B-77", "2024-06002", "61y", "m", "2024-06-02"),
        wbc=18.2,
        fields=24,
        refused=(
            Refusal("notes.png", "is not a PNG, JPEG, BMP or TIFF image; convert it to one of these"),
            Refusal("thumbs.png", "shows no smear: 32×32 pixels, a field needs 64 a side"),
        ),
        findings=(
            Finding("blurred", "warning", "field_003.png", 0.4),
            Finding("blurred", "warning", "field_009.png", 0.5),
            Finding("too_few_erythrocytes", "warning", "field_011.png", 0.05),
            *(Finding("no_leukocyte_stain", "info", f"field_{i:03d}.png", 0.1) for i in (4, 5, 6, 7)),
            Finding("overlapping_erythrocytes", "warning", "field_002.png", 0.5),
            Finding("overlapping_erythrocytes", "warning", "", 0.25),
        ),
    )


def eosinophilia_within_error() -> SmearResult:
    """Eosinophils above the range, within the counting error; no leukocyte count, Western ranges."""
    return make_result(
        {
            C.NEUTROPHIL_SEGMENTED: 54,
            C.NEUTROPHIL_BAND: 3,
            C.EOSINOPHIL: 8,
            C.BASOPHIL: 1,
            C.LYMPHOCYTE: 28,
            C.MONOCYTE: 6,
        },
        identity=Identity(sample="77120"),
        ranges="western",
        source="metadata",
    )


def few_cells() -> SmearResult:
    """Thirty-seven leukocytes."""
    return make_result(
        {C.NEUTROPHIL_SEGMENTED: 20, C.NEUTROPHIL_BAND: 1, C.LYMPHOCYTE: 13, C.MONOCYTE: 3},
        identity=Identity("C-3", "", "5m", "m", ""),
        fields=3,
        source="option",
    )


def nothing_found() -> SmearResult:
    """No leukocyte at all."""
    return make_result(
        {},
        identity=Identity("D-9", "2024-7", "45y", "", "2024-06-09"),
        wbc=0.3,
        fields=4,
        findings=(Finding("no_leukocyte_stain", "warning", "", 1.0),),
    )


def erythroblasts() -> SmearResult:
    """Erythroblasts outside the denominator and a corrected leukocyte count."""
    return make_result(
        {
            C.NEUTROPHIL_SEGMENTED: 108,
            C.NEUTROPHIL_BAND: 20,
            C.EOSINOPHIL: 4,
            C.LYMPHOCYTE: 55,
            C.MONOCYTE: 13,
            C.ERYTHROBLAST: 16,
            C.UNIDENTIFIED: 2,
        },
        identity=Identity("E-12", "2024-8", "52y", "f", "2024-06-11"),
        wbc=17.4,
    )


def hostile_names() -> SmearResult:
    """Names of 200 signs, with markup, formulae, right-to-left marks and signs that fonts lack."""
    return make_result(
        {C.NEUTROPHIL_SEGMENTED: 66, C.LYMPHOCYTE: 30, C.MONOCYTE: 6, C.UNIDENTIFIED: 4},
        name=HOSTILE,
        identity=Identity(HOSTILE * 2, LONG, HOSTILE, "x", "<i>yesterday</i>"),
        fields=3,
        field_name=lambda number: f"{HOSTILE}{LONG}{number}",
        refused=tuple(Refusal(f"{LONG}{i}{HOSTILE}", f"<b>bad</b> {LONG}") for i in range(90)),
        findings=tuple(Finding(f"code<{i}>", "warning", LONG, None) for i in range(9)),
        source="option",
    )


def blasts() -> SmearResult:
    """Blasts beside few normal leukocytes: a physician must see it now."""
    return make_result(
        {C.BLAST: 84, C.NEUTROPHIL_SEGMENTED: 9, C.LYMPHOCYTE: 22, C.MONOCYTE: 3, C.UNIDENTIFIED: 9},
        identity=Identity("F-5", "2024-9", "29y", "f", "2024-06-15"),
        wbc=46.2,
        fields=6,
    )


CASES: dict[str, Callable[[], SmearResult]] = {
    "normal_adult": normal_adult,
    "left_shift": left_shift,
    "eosinophilia_within_error": eosinophilia_within_error,
    "few_cells": few_cells,
    "nothing_found": nothing_found,
    "erythroblasts": erythroblasts,
    "blasts": blasts,
    "hostile_names": hostile_names,
}


@cache
def case(name: str) -> SmearResult:
    """Return one of the cases; made once for the whole run, so tests must not change it."""
    return CASES[name]()
