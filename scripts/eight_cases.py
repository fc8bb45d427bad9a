"""Eight telling results, drawn and stored, and their reports in both languages by `leukoformula render`.

Run ``python scripts/eight_cases.py DIR`` from the root of the repository. ``DIR/stored/CASE`` gets each
result as `leukoformula report` stores it, ``DIR/CASE.en`` and ``DIR/CASE.ru`` the files of its report. The
cells are drawn, their labels are those drawn, and nothing is claimed of any classifier.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.records import Cell, Detection, Finding
from cells.units import CROP_PX, MicronsPerPixel, Pixels
from cells.vocabulary import CLASSIFIED, CellClass
from commands.main import main as leukoformula
from commands.report_files import Look, write_reports
from counting.age import Age
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from leukoformula.decisions import NOT_A_LEUKOCYTE, NOT_LEUKOCYTES, UNCERTAIN
from leukoformula.result import FieldSummary, Identity, Overview, SmearResult
from leukoformula.settings import Settings
from leukoformula.store import model_info
from leukoformula.validation import correction_of
from leukoformula.versions import versions
from reports.reading import as_stored
from reports.stored_pictures import encode_pictures
from reports.table import write_csv
from slides.calibration import Calibration
from slides.synthetic.camera import SCANNER
from slides.synthetic.field import draw_cell, draw_field
from slides.synthetic.stains import MAY_GRUNWALD_GIEMSA

C = CellClass
FIELD = (480, 640)
UM_PER_PX = 27.0 / CROP_PX
HEADERS = {
    "en": ("Haematology laboratory", "1 Example Street"),
    "ru": ("Клинико-диагностическая лаборатория", "Примерная ул., 1"),
}
"""Header of the reports, by language."""

DRAWN = {C.BLAST: C.LYMPHOCYTE, C.UNIDENTIFIED: C.MONOCYTE}
"""Classes that cannot be drawn, and what is drawn in their place."""


@dataclass(frozen=True)
class Case:
    """One of the eight: what was found, in whom, and what became of it."""

    counts: Mapping[CellClass, int]
    identity: Identity
    wbc: float | None = None
    fields: int = 12
    findings: tuple[Finding, ...] = ()
    signed: tuple[str, str] | None = None
    ranges: str = "ru"


CASES: dict[str, Case] = {
    "normal_adult": Case(
        {
            C.NEUTROPHIL_SEGMENTED: 120,
            C.NEUTROPHIL_BAND: 8,
            C.EOSINOPHIL: 5,
            C.BASOPHIL: 1,
            C.LYMPHOCYTE: 53,
            C.MONOCYTE: 13,
            C.PLATELET: 6,
            C.ARTEFACT: 3,
        },
        Identity("A-1042", "2026-05531", "34y", "f", "2026-05-31"),
        wbc=6.4,
        signed=("Dr A. Ivanova", "2026-05-31T14:05:00+03:00"),
    ),
    "left_shift": Case(
        {
            C.NEUTROPHIL_SEGMENTED: 118,
            C.NEUTROPHIL_BAND: 36,
            C.IMMATURE_GRANULOCYTE: 7,
            C.EOSINOPHIL: 1,
            C.LYMPHOCYTE: 26,
            C.MONOCYTE: 12,
            C.UNIDENTIFIED: 4,
            C.ARTEFACT: 5,
        },
        Identity("B-77", "2026-06002", "61y", "m", "2026-06-02"),
        wbc=18.2,
        findings=(
            Finding("blurred", "warning", "field_003.png", 0.4),
            Finding("too_few_erythrocytes", "warning", "field_011.png", 0.05),
        ),
    ),
    "neonate": Case(
        {
            C.NEUTROPHIL_SEGMENTED: 58,
            C.NEUTROPHIL_BAND: 14,
            C.IMMATURE_GRANULOCYTE: 3,
            C.EOSINOPHIL: 3,
            C.LYMPHOCYTE: 34,
            C.MONOCYTE: 10,
            C.ERYTHROBLAST: 5,
        },
        Identity("N-8", "2026-06010", "1d", "m", "2026-06-03"),
        wbc=17.8,
        ranges="western",
    ),
    "eosinophilia_within_error": Case(
        {
            C.NEUTROPHIL_SEGMENTED: 54,
            C.NEUTROPHIL_BAND: 3,
            C.EOSINOPHIL: 8,
            C.BASOPHIL: 1,
            C.LYMPHOCYTE: 28,
            C.MONOCYTE: 6,
        },
        Identity(sample="77120", age="41y", sex="f"),
    ),
    "few_cells": Case(
        {C.NEUTROPHIL_SEGMENTED: 20, C.NEUTROPHIL_BAND: 1, C.LYMPHOCYTE: 13, C.MONOCYTE: 3},
        Identity("C-3", "", "5y", "m", ""),
        fields=3,
    ),
    "blasts_suspected": Case(
        {C.BLAST: 41, C.NEUTROPHIL_SEGMENTED: 9, C.LYMPHOCYTE: 42, C.MONOCYTE: 8},
        Identity("F-5", "2026-6015", "29y", "f", "2026-06-15"),
        wbc=46.2,
        fields=6,
        signed=("Dr P. Petrov", "2026-06-15T09:40:00+03:00"),
    ),
    "erythroblasts": Case(
        {
            C.NEUTROPHIL_SEGMENTED: 108,
            C.NEUTROPHIL_BAND: 20,
            C.EOSINOPHIL: 4,
            C.LYMPHOCYTE: 55,
            C.MONOCYTE: 13,
            C.ERYTHROBLAST: 16,
            C.UNIDENTIFIED: 2,
        },
        Identity("E-12", "2026-6008", "52y", "f", "2026-06-11"),
        wbc=17.4,
    ),
    "nothing_found": Case(
        {},
        Identity("D-9", "2026-6007", "45y", "", "2026-06-09"),
        wbc=0.3,
        fields=4,
        findings=(Finding("no_leukocyte_stain", "warning", "", 1.0),),
    ),
}


def make_result(name: str, case: Case, *, root: Path | None = None) -> SmearResult:
    """Draw the cells of a case and count them, as the program leaves them before a person's review."""
    rng = np.random.default_rng(sum(name.encode()))
    settings = Settings(ranges=case.ranges, models=root)
    models = tuple(model_info(kind, root=root) for kind in ("detector", "cnn", "mlp"))
    labels = [label for label, n in case.counts.items() for _ in range(n)]
    labels = [labels[place] for place in rng.permutation(len(labels))]
    names = [f"field_{number:03d}.png" for number in range(1, case.fields + 1)]
    overview, places = _overview(labels[:: case.fields], rng)
    cells, crops = [], {}
    for number, label in enumerate(labels, start=1):
        row, col = (rng.uniform(60, side - 60) for side in FIELD)
        on_overview = (number - 1) % case.fields == 0
        if on_overview:
            row, col = places[(number - 1) // case.fields]
        cells.append(_cell(number, label, names[(number - 1) % case.fields], (row, col), rng))
        crops[number] = draw_cell(DRAWN.get(label, label), rng=rng, stain=MAY_GRUNWALD_GIEMSA, camera=SCANNER)
    who = case.identity
    formula = make_formula(
        {label: n for label, n in case.counts.items() if label not in NOT_LEUKOCYTES},
        ranges=load_builtin(settings.ranges),
        wbc=case.wbc,
        age=Age.parse(who.age) if who.age else None,
        sex=who.sex or None,
        rules=settings.rules,
        correction=correction_of(cells, settings=settings, models=models),
    )
    return SmearResult(
        name=name,
        source=name,
        fields=tuple(
            FieldSummary(
                one,
                *FIELD,
                sum(cell.image == one for cell in cells),
                sum(cell.image == one and cell.counted for cell in cells),
            )
            for one in names
        ),
        refused=(),
        calibration=Calibration(
            MicronsPerPixel(UM_PER_PX), Pixels(7.5 / UM_PER_PX), "erythrocytes", 2314, 0.04
        ),
        findings=case.findings,
        cells=tuple(cells),
        formula=formula,
        identity=who,
        classifier="ensemble",
        models=models,
        settings=settings.record(),
        versions=versions(),
        crops=crops,
        overview=Overview(names[0], overview),
    )


def _overview(
    labels: list[CellClass], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], list[tuple[float, float]]]:
    drawn = [DRAWN.get(label, label) for label in labels]
    field = draw_field(
        shape=FIELD, leukocytes=drawn, rng=rng, um_per_px=UM_PER_PX, erythrocytes_per_mm2=5_000.0
    )
    return field.image, [(cell.row, cell.col) for cell in field.truth]


def _cell(
    number: int, label: CellClass, image: str, place: tuple[float, float], rng: np.random.Generator
) -> Cell:
    unsure = label is C.UNIDENTIFIED
    top = rng.uniform(0.34, 0.49) if unsure else rng.uniform(0.55, 0.999)
    first = label if label in CLASSIFIED else DRAWN.get(label, C.LYMPHOCYTE)
    others = iter(rng.dirichlet(np.full(len(CLASSIFIED) - 1, 0.2)) * (1 - top))
    waste = label in NOT_LEUKOCYTES
    return Cell(
        cell_id=number,
        image=image,
        detection=Detection(*map(float, place), Pixels(60.0), float(rng.uniform(1, 9))),
        label=label,
        probability=float(top),
        probabilities={one: float(top if one is first else next(others)) for one in CLASSIFIED},
        counted=not waste,
        reason=NOT_A_LEUKOCYTE if waste else UNCERTAIN if unsure else "",
    )


def make_case(name: str, out: Path, *, root: Path | None = None) -> None:
    """Store one case and render it in both languages."""
    case = CASES[name]
    result = make_result(name, case, root=root)
    stored = out / "stored" / name
    pictures = encode_pictures(result)
    write_reports(as_stored(result, pictures), stored, look=Look("en", "a4", None), pictures=pictures)
    words = [str(stored)]
    if case.signed:
        reviewed = stored / "reviewed.csv"
        write_csv(result, reviewed)
        words += ["--reviewed", str(reviewed), "--signed-by", case.signed[0], "--signed-at", case.signed[1]]
    for lang, lines in HEADERS.items():
        header = [word for line in lines for word in ("--laboratory", line)]
        if leukoformula(["render", *words, *header, "--lang", lang, "--out", str(out / f"{name}.{lang}")]):
            raise SystemExit(f"{name}: render failed")


def main() -> None:
    """Make the cases that are asked for, or all eight."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, help="folder of other models than those shipped")
    parser.add_argument("--case", choices=CASES, action="append")
    options = parser.parse_args()
    for name in options.case or CASES:
        make_case(name, options.out, root=options.models)


if __name__ == "__main__":
    main()
