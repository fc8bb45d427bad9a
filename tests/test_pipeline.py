"""The way of the data with stand-ins for the trained models."""

import dataclasses
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeClassifier
from hypothesis import given
from hypothesis import strategies as st

import leukoformula
from cells.errors import InputError, NoSmearError, UsageError
from cells.records import Finding, Refusal
from cells.vocabulary import CLASSIFIED, CellClass
from leukoformula import Identity, Settings, SmearResult, analyse
from leukoformula.alerts import eosinophil_remark
from leukoformula.decisions import COUNTING_FRAME, NOT_A_LEUKOCYTE, UNCERTAIN, decide
from leukoformula.fields import JoinedFields, calibrate_smear, map_fields
from slides.reader import open_smear

C = CellClass


def found(result: SmearResult) -> list[tuple[object, ...]]:
    return [
        (c.cell_id, c.image, c.detection.row, c.detection.col, c.label, c.probability, c.counted, c.reason)
        for c in result.cells
    ]


def test_the_whole_way(smear: Path, fake_models: FakeClassifier) -> None:
    result = analyse(smear, identity=Identity(sample="S-1", age="34y", sex="f"), wbc=6.4)
    assert [f.name for f in result.fields] == ["field_001.png", "field_002.png", "field_003.png"]
    assert [(f.height, f.width) for f in result.fields] == [(480, 640)] * 3
    assert [r.name for r in result.refused] == ["torn.png"]
    assert 9 <= len(result.cells) <= 15
    assert [c.cell_id for c in result.cells] == list(range(1, len(result.cells) + 1))
    assert result.formula.total == sum(c.counted and c.label.in_denominator for c in result.cells)
    assert result.formula.wbc == 6.4
    assert set(result.crops) == {c.cell_id for c in result.cells}
    assert all(crop.shape == (112, 112, 3) for crop in result.crops.values())
    assert result.identity.sample == "S-1"
    assert [m.kind for m in result.models] == ["detector", "cnn"]
    assert result.versions["leukoformula"] == leukoformula.__version__
    assert sum(f.detections for f in result.fields) == len(result.cells)
    assert sum(f.counted for f in result.fields) == sum(c.counted for c in result.cells)
    assert abs(result.calibration.um_per_px / 0.15 - 1) < 0.1


def test_cells_stand_in_the_order_of_reading(smear: Path, fake_models: FakeClassifier) -> None:
    cells = analyse(smear, settings=Settings(um_per_px=0.15)).cells
    places = [(c.image, c.detection.row, c.detection.col) for c in cells]
    assert places == sorted(places)


def test_the_overview_is_the_field_with_most_leukocytes(smear: Path, fake_models: FakeClassifier) -> None:
    result = analyse(smear, settings=Settings(um_per_px=0.15))
    counts = {
        f.name: sum(c.counted and c.label.in_denominator for c in result.cells if c.image == f.name)
        for f in result.fields
    }
    assert result.overview is not None
    assert counts[result.overview.field] == max(counts.values())
    assert result.overview.image.shape == (480, 640, 3)


def test_workers_change_nothing(smear: Path, fake_models: FakeClassifier) -> None:
    results = [analyse(smear, settings=Settings(um_per_px=0.15, workers=n)) for n in (1, 2, 5)]
    assert found(results[0]) == found(results[1]) == found(results[2])
    assert results[0].settings == results[2].settings


def test_batches_change_nothing(
    smear: Path, fake_models: FakeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = analyse(smear, settings=Settings(um_per_px=0.15))
    assert fake_models.calls == 1
    monkeypatch.setattr("leukoformula.survey._BATCH_PIXELS", 1)
    single = analyse(smear, settings=Settings(um_per_px=0.15))
    assert fake_models.calls == 4
    assert found(whole) == found(single)


def test_settings_are_recorded_and_in_force(smear: Path, fake_models: FakeClassifier) -> None:
    fake_models.answer = {C.LYMPHOCYTE: 0.6, C.MONOCYTE: 0.4}
    sure = analyse(smear, settings=Settings(um_per_px=0.15, abstain_below=0.55))
    unsure = analyse(smear, settings=Settings(um_per_px=0.15, abstain_below=0.65))
    assert sure.settings["abstain_below"] == 0.55
    unrecorded = {f.name for f in dataclasses.fields(Settings)} - set(sure.settings)
    assert unrecorded == {"workers", "models", "rules"}
    assert sure.settings["counting"]["alerts"]["wbc_high"] == 30.0
    assert sure.formula.unidentified == 0
    assert sure.formula.total > 0
    assert unsure.formula.total == 0
    assert unsure.formula.unidentified == sum(c.counted for c in unsure.cells) == sure.formula.total


def test_the_smear_sets_the_border_of_eosinophils(smear: Path, fake_models: FakeClassifier) -> None:
    fake_models.answer = {C.NEUTROPHIL_SEGMENTED: 0.7, C.NEUTROPHIL_BAND: 0.1, C.EOSINOPHIL: 0.2}
    fixed = analyse(smear, settings=Settings(um_per_px=0.15, smear_border=False))
    moved = analyse(smear, settings=Settings(um_per_px=0.15))
    assert fixed.eosinophil_border == 0
    finds = len(moved.cells)
    assert moved.eosinophil_border == pytest.approx(finds / (finds + 5))
    assert fixed.cells[0].probabilities[C.EOSINOPHIL] == pytest.approx(0.2)
    odds = math.log(0.25) - moved.eosinophil_border
    assert moved.cells[0].probabilities[C.EOSINOPHIL] == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-4)
    assert sum(moved.cells[0].probabilities.values()) == pytest.approx(1)
    for result in (fixed, moved):
        remarks = {remark.code for remark in result.findings}
        assert ("neutrophils_near_eosinophils" in remarks) == (finds >= 20)


def test_neutrophils_near_eosinophils_are_remarked_on() -> None:
    assert eosinophil_remark(-5.0, 20) == Finding("neutrophils_near_eosinophils", "info")
    for median, cells in ((None, 100), (-7.0, 100), (-5.0, 19)):
        assert eosinophil_remark(median, cells) is None


def test_artefacts_are_listed_and_not_counted(smear: Path, fake_models: FakeClassifier) -> None:
    fake_models.answer = {C.ARTEFACT: 0.9, C.BASOPHIL: 0.1}
    result = analyse(smear, settings=Settings(um_per_px=0.15))
    assert result.formula.total == 0
    assert {(c.label, c.counted, c.reason) for c in result.cells} == {(C.ARTEFACT, False, NOT_A_LEUKOCYTE)}


def test_no_field_no_result(smear: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    shutil.copy(smear / "torn.png", tmp_path)
    with pytest.raises(NoSmearError, match=r"torn\.png"):
        analyse(tmp_path, settings=Settings(um_per_px=0.15))


def test_wrong_words_are_refused_before_the_work(smear: Path, fake_models: FakeClassifier) -> None:
    for identity, wbc in ((Identity(age="old"), None), (Identity(sex="x"), None), (Identity(), -1.0)):
        with pytest.raises(UsageError):
            analyse(smear, identity=identity, wbc=wbc)
    assert fake_models.calls == 0


def test_a_missing_smear(tmp_path: Path, fake_models: FakeClassifier) -> None:
    with pytest.raises(InputError):
        analyse(tmp_path / "nothing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"classifier": "oracle"},
        {"um_per_px": 0.0},
        {"um_per_px": math.nan},
        {"abstain_below": 1.5},
        {"detection_threshold": math.nan},
        {"detection_threshold": 1.01},
        {"detection_threshold": -1000.0},
        {"cnn_share": -0.1},
        {"workers": 0},
        {"calibration_fields": 0},
    ],
)
def test_settings_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_joined_smears_keep_their_order(smear: Path) -> None:
    parts = [open_smear(smear / f"field_00{n}.png") for n in (2, 1)] + [open_smear(smear)]
    joined = JoinedFields(parts)
    assert len(joined) == 2 + len(parts[2])
    answers = list(map_fields(joined, lambda field: field.name, workers=3))
    names = [answer.name if isinstance(answer, Refusal) else answer for answer in answers]
    assert names[:5] == [f"field_00{n}.png" for n in (2, 1, 1, 2, 3)]
    assert [isinstance(answer, Refusal) for answer in answers[:5]] == [False, False, True, True, False]


@pytest.fixture
def twice(smear: Path, tmp_path: Path) -> Path:
    """A smear with three fields, and one of them thrice more: as a copy, as a link, and encoded anew."""
    folder = tmp_path / "twice"
    shutil.copytree(smear, folder)
    shutil.copy(folder / "field_001.png", folder / "copy.png")
    (folder / "sub").mkdir()
    (folder / "sub" / "link.png").symlink_to(folder / "field_001.png")
    image = cv2.imread(str(folder / "field_001.png"))
    assert image is not None
    cv2.imwrite(str(folder / "z.bmp"), image)
    image[0, 0, 0] ^= 1
    cv2.imwrite(str(folder / "other.png"), image)
    return folder


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_same_picture_is_counted_once(workers: int, twice: Path, fake_models: FakeClassifier) -> None:
    result = analyse(twice, settings=Settings(um_per_px=0.15, workers=workers))
    names = [field.name for field in result.fields]
    assert names == ["copy.png", "field_002.png", "field_003.png", "other.png"]
    same = [refusal for refusal in result.refused if "is the same picture as copy.png" in refusal.reason]
    assert [refusal.name for refusal in same] == ["field_001.png", "sub/link.png", "z.bmp"]
    assert {cell.image for cell in result.cells} <= set(names)


def test_the_same_picture_does_not_weigh_twice_in_the_pixel_size(smear: Path, twice: Path) -> None:
    (twice / "other.png").unlink()
    once = calibrate_smear(open_smear(smear), settings=Settings())
    assert calibrate_smear(open_smear(twice), settings=Settings()).erythrocytes == once.erythrocytes


def test_fields_of_several_folders_are_remarked_on(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier
) -> None:
    for name, folder in (("field_001.png", "a"), ("field_002.png", "b"), ("field_003.png", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(smear / name, tmp_path / folder)
    settings = Settings(um_per_px=0.15)
    remarks = [remark for remark in analyse(tmp_path, settings=settings).findings if not remark.where]
    assert Finding("several_folders", "warning", value=2.0) in remarks
    single = analyse(tmp_path / "b", settings=settings)
    assert "several_folders" not in {remark.code for remark in single.findings}


def test_an_error_in_a_worker_is_raised(smear: Path) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(map_fields(open_smear(smear), fail))


def probabilities(values: dict[CellClass, float]) -> np.ndarray:
    return np.array([values.get(label, 0.0) for label in CLASSIFIED], np.float32)


def test_a_clear_neutrophil_is_not_doubtful() -> None:
    answer = probabilities({C.NEUTROPHIL_BAND: 0.35, C.NEUTROPHIL_SEGMENTED: 0.33, C.MONOCYTE: 0.32})
    decision = decide(answer, CLASSIFIED, abstain_below=0.5, in_frame=True)
    assert (decision.label, decision.counted, decision.reason) == (C.NEUTROPHIL_BAND, True, "")
    assert decision.probability == pytest.approx(0.35)


def test_band_and_segmented_outweigh_a_single_class() -> None:
    answer = probabilities({C.NEUTROPHIL_BAND: 0.3, C.NEUTROPHIL_SEGMENTED: 0.31, C.MONOCYTE: 0.39})
    assert decide(answer, CLASSIFIED, abstain_below=0.5, in_frame=True).label is C.NEUTROPHIL_SEGMENTED


def test_outside_the_frame() -> None:
    answer = probabilities({C.LYMPHOCYTE: 1.0})
    decision = decide(answer, CLASSIFIED, abstain_below=0.5, in_frame=False)
    assert (decision.label, decision.counted, decision.reason) == (C.LYMPHOCYTE, False, COUNTING_FRAME)


@given(st.lists(st.floats(0.001, 1.0), min_size=10, max_size=10), st.floats(0.0, 1.0), st.booleans())
def test_decisions_hold_together(raw: list[float], abstain_below: float, in_frame: bool) -> None:
    answer = (np.array(raw) / sum(raw)).astype(np.float32)
    decision = decide(answer, CLASSIFIED, abstain_below=abstain_below, in_frame=in_frame)
    together = answer.copy()
    together[:2] = answer[:2].sum()
    assert (decision.label is C.UNIDENTIFIED) == (decision.reason == UNCERTAIN)
    if together.max() < abstain_below - 1e-6:
        assert decision.label is C.UNIDENTIFIED
    if together.max() > abstain_below + 1e-6:
        assert together[CLASSIFIED.index(decision.label)] == pytest.approx(together.max())
        assert decision.probability == pytest.approx(answer[CLASSIFIED.index(decision.label)])
    assert not (decision.counted and not in_frame)
    assert decision.counted or decision.reason in {COUNTING_FRAME, NOT_A_LEUKOCYTE} or not in_frame


def test_a_smear_of_nothing_but_photographs_is_no_smear(tmp_path: Path, fake_models: FakeClassifier) -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), black)
    with pytest.raises(NoSmearError, match="no field can be read"):
        analyse(tmp_path)
