"""Hard cases of published fields, by file name, picked by eye; and marks burned into published fields."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from test_detector_cases import BLACK, BLUE, MODEL, RED, burn

from cells.records import Detection
from detector.audit import apply_audit, read_audit
from detector.samples import TrainingField, erythrocyte_px_of, read_image
from detector.scanner import Scanner
from evaluation.boxes import AUDITS, SETS
from evaluation.finds import judge_field
from slides.optics import white_point

pytestmark = pytest.mark.data
Place = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """A place in a published field, row and column."""

    set: str
    name: str
    places: tuple[Place, ...] = ()


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner.load(MODEL)


def read(data: Path, case: Case) -> TrainingField:
    source = SETS[case.set]
    image = read_image(data / source.images / case.name)
    height, width = image.shape[:2]
    path = data / source.boxes / f"{Path(case.name).stem}{source.suffix}"
    boxes = source.read(path, height=height, width=width).boxes
    verdicts = read_audit(AUDITS / source.audit).get(case.name, ())
    truth, ignored = apply_audit(boxes, verdicts, height=height, width=width)
    erythrocyte_px = erythrocyte_px_of(boxes, (height, width))
    assert erythrocyte_px is not None
    return TrainingField(case.name, image, white_point(image), erythrocyte_px, truth, ignored, ())


def scan(scanner: Scanner, field: TrainingField, image: np.ndarray | None = None) -> list[Detection]:
    pixels = field.image if image is None else image
    return scanner.detect(pixels, white=field.white, erythrocyte_px=field.erythrocyte_px)


def near(found: list[Detection], place: Place, reach: float) -> list[Detection]:
    return [d for d in found if np.hypot(d.row - place[0], d.col - place[1]) < reach]


def assert_as_boxed(scanner: Scanner, field: TrainingField) -> None:
    outcome = judge_field(field, scan(scanner, field))
    assert outcome.false == ()
    assert outcome.missed == ()


TXL_TOUCHING = "6200d111-1c96-5476-b188-4d77c42b13ff.jpg"
ONE_CELL = {
    "far-apart lobes, three": Case("txl_val", "c8a4ebfb-e2b4-55a8-9bbe-2b8156e388ca.jpg"),
    "far-apart lobes, spread eosinophil": Case("bccd", "BloodImage_00344.jpg"),
    "far-apart lobes, at the border": Case("bccd", "BloodImage_00240.jpg"),
    "far-apart lobes, neutrophil": Case("deepbionet", "426.jpg"),
    "large monocyte, 2.9 erythrocytes": Case("bccd", "BloodImage_00255.jpg"),
    "large monocyte, 2.6 erythrocytes": Case("deepbionet", "061.jpg"),
    "lymphocyte of 0.85 erythrocytes": Case("bccd", "BloodImage_00070.jpg"),
    "lymphocyte of 1.04 erythrocytes": Case("deepbionet", "803.jpg"),
    "lymphocyte of 1.06 erythrocytes": Case("txl_val", "0479948c-7e6f-5e76-bf6c-ab89b843da9b.jpg"),
}
TOUCHING = {
    "bccd": Case("bccd", "BloodImage_00313.jpg"),
    "bccd 2": Case("bccd", "BloodImage_00176.jpg"),
    "txl": Case("txl_val", TXL_TOUCHING),
}
NOTHING = {
    "platelet clump": Case("bccd", "BloodImage_00312.jpg", ((232.5, 356.0),)),
    "platelet clump on an erythrocyte": Case("deepbionet", "1708.jpg", ((369.0, 183.5),)),
    "loose platelet clump": Case("bccd", "BloodImage_00156.jpg", ((450.5, 488.5),)),
    "streaks of stain": Case("bccd", "BloodImage_00273.jpg", ((385.0, 103.0),)),
}
FIELDS = {
    "lamp 17 % dimmer in a corner": Case("txl_val", "90b21ce3-ff8d-5aeb-9355-03303a4846d9.jpg"),
    "lamp 14 % dimmer on one side": Case("bccd", "BloodImage_00164.jpg"),
    "lamp 11 % dimmer on one side": Case("deepbionet", "781.jpg"),
    "dark line at the image edge": Case("txl_val", "0254dbc1-2cdb-5660-9638-0e96c5330a83.jpg"),
    "packed erythrocytes": Case("deepbionet", "1006.jpg"),
    "packed erythrocytes 2": Case("deepbionet", "1185.jpg"),
}


@pytest.mark.parametrize("case", TOUCHING.values(), ids=TOUCHING.keys())
def test_touching_leukocytes_are_separated(scanner: Scanner, data: Path, case: Case) -> None:
    field = read(data, case)
    assert len(field.leukocytes) == 2
    assert_as_boxed(scanner, field)


@pytest.mark.parametrize("case", ONE_CELL.values(), ids=ONE_CELL.keys())
def test_one_cell_is_one_find(scanner: Scanner, data: Path, case: Case) -> None:
    field = read(data, case)
    assert_as_boxed(scanner, field)
    found = scan(scanner, field)
    for box in field.leukocytes:
        assert len(near(found, box.centre, max(0.5 * box.size, field.erythrocyte_px))) == 1


@pytest.mark.parametrize("case", NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_leukocyte_is_not_found(scanner: Scanner, data: Path, case: Case) -> None:
    field = read(data, case)
    assert_as_boxed(scanner, field)
    assert all(near(scan(scanner, field), place, 0.9 * field.erythrocyte_px) == [] for place in case.places)


@pytest.mark.parametrize("case", FIELDS.values(), ids=FIELDS.keys())
def test_difficult_fields_are_found_as_boxed(scanner: Scanner, data: Path, case: Case) -> None:
    assert_as_boxed(scanner, read(data, case))


@pytest.mark.parametrize("name", ["1362.jpg", "294.jpg"])
def test_dark_platelets_on_erythrocytes_are_not_found(scanner: Scanner, data: Path, name: str) -> None:
    assert_as_boxed(scanner, read(data, Case("deepbionet", name)))


MARKED = ("010.jpg", "1193.jpg", "1522.jpg", "1936.jpg", "615.jpg")
MARKS = [(kind, ink) for kind in ("frame", "scale bar", "grid") for ink in (BLACK, RED, BLUE)]


@pytest.mark.parametrize("name", MARKED)
def test_marks_on_published_fields_are_not_found(scanner: Scanner, data: Path, name: str) -> None:
    field = read(data, Case("deepbionet", name))
    for kind, ink in MARKS:
        found = scan(scanner, field, burn(field.image, kind, ink))
        assert judge_field(field, found).false == ()
