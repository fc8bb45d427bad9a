"""The network that finds nucleus and cell, from its answers to masks."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import ModelError, UsageError
from cells.vocabulary import CellClass
from evaluation.classifier_sets import labelled_set
from evaluation.segmentation import SETS, agreement, boundary_distance, dice
from evaluation.segmentation import main as evaluate
from features.segmentation import Quality
from features.segmenter import ClassicalSegmenter, NetworkSegmenter, half_turn_mean, masks_from_logits
from features.vector import measure
from leukoformula.store import SHIPPED, load_segmenter
from slides.optics import white_point
from slides.synthetic import draw_cell, draw_cell_with_masks

WHITE = np.array([235.0, 230.0, 225.0])
BLANK = np.full((112, 112, 3), 230, np.uint8)
LABELS = (
    CellClass.NEUTROPHIL_SEGMENTED,
    CellClass.NEUTROPHIL_BAND,
    CellClass.LYMPHOCYTE,
    CellClass.MONOCYTE,
    CellClass.EOSINOPHIL,
    CellClass.IMMATURE_GRANULOCYTE,
)


def disc(row: float, col: float, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[:112, :112]
    return np.hypot(rows - row, cols - col) < radius


def answers(nucleus: np.ndarray, cell: np.ndarray, *, sure: float = 6.0) -> np.ndarray:
    logits = np.zeros((112, 112, 3), np.float32)
    logits[..., 0] = np.where(cell, 0, sure + 1)
    logits[..., 1] = np.where(cell & ~nucleus, sure, 0)
    logits[..., 2] = np.where(nucleus, sure, 0)
    return logits


@pytest.fixture(scope="module")
def network() -> NetworkSegmenter:
    return NetworkSegmenter.load(SHIPPED / "segmenter")


def test_plain_answers_become_masks() -> None:
    nucleus, cell = disc(54, 56, 14), disc(55, 56, 28)
    masks = masks_from_logits(answers(nucleus, cell), BLANK, WHITE)
    assert masks.quality is Quality.GOOD
    assert dice(masks.cell, cell) > 0.99
    assert np.array_equal(masks.nucleus, nucleus)


def test_the_cell_in_the_middle_is_taken_and_its_holes_are_filled() -> None:
    nucleus, cell = disc(56, 56, 12), disc(56, 56, 28)
    hole, other = disc(56, 74, 3), disc(12, 100, 12)
    masks = masks_from_logits(answers(nucleus | disc(12, 100, 7), (cell & ~hole) | other), BLANK, WHITE)
    assert dice(masks.cell, cell) > 0.99
    assert np.array_equal(masks.nucleus, nucleus)


def test_specks_of_nucleus_and_threads_of_cell_are_dropped() -> None:
    nucleus, cell = disc(56, 56, 14), disc(56, 56, 24)
    thread = np.zeros_like(cell)
    thread[55:57, 70:110] = True
    masks = masks_from_logits(answers(nucleus | disc(56, 75, 2), cell | thread), BLANK, WHITE)
    assert dice(masks.cell, cell) > 0.98
    assert np.array_equal(masks.nucleus, nucleus)


@pytest.mark.parametrize(
    ("nucleus", "cell", "sure", "quality"),
    [
        (disc(56, 56, 14), disc(56, 56, 0.5), 6.0, Quality.FALLBACK),
        (disc(0, 0, 0.5), disc(56, 56, 20), 6.0, Quality.NO_NUCLEUS),
        (disc(56, 20, 10), disc(56, 20, 25), 6.0, Quality.AT_BORDER),
        (disc(56, 56, 14), disc(56, 56, 24), 0.3, Quality.UNCERTAIN),
    ],
)
def test_doubt_is_said(nucleus: np.ndarray, cell: np.ndarray, sure: float, quality: Quality) -> None:
    crop = draw_cell(CellClass.LYMPHOCYTE, rng=np.random.default_rng(0))
    masks = masks_from_logits(answers(nucleus & cell, cell, sure=sure), crop, white_point(crop))
    assert masks.quality is quality
    assert masks.nucleus.any()
    assert not (masks.nucleus & ~masks.cell).any()


@given(seed=st.integers(0, 2**32 - 1), sharpness=st.floats(0.1, 20))
@settings(max_examples=20, deadline=None)
def test_any_answers_give_masks(seed: int, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    logits = cv2.resize(rng.normal(0, sharpness, (9, 9, 3)).astype(np.float32), (112, 112))
    masks = masks_from_logits(logits, BLANK, WHITE)
    assert masks.nucleus.any()
    assert not (masks.nucleus & ~masks.cell).any()


@given(
    seed=st.integers(0, 2**32 - 1),
    side=st.sampled_from([2, 5, 14, 112]),
    sharpness=st.floats(0.05, 30),
    lean=st.tuples(*[st.floats(-20, 20)] * 3),
    blank=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_answers_the_cell_can_be_measured(
    seed: int, side: int, sharpness: float, lean: tuple[float, float, float], *, blank: bool
) -> None:
    rng = np.random.default_rng(seed)
    logits = cv2.resize(rng.normal(lean, sharpness, (side, side, 3)).astype(np.float32), (112, 112))
    crop = BLANK if blank else rng.integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert np.isfinite(measure(crop, masks_from_logits(logits, crop, WHITE), WHITE)).all()


def test_half_turns_are_averaged() -> None:
    inputs = np.random.default_rng(0).random((2, 5, 5, 3), np.float32)

    def upper_rows_only(batch: np.ndarray) -> np.ndarray:
        kept = batch.copy()
        kept[:, 2:] = 0
        return kept

    mean = half_turn_mean(upper_rows_only, inputs)
    np.testing.assert_allclose(mean[:, :2], inputs[:, :2] / 2)
    np.testing.assert_allclose(mean[:, 3:], inputs[:, 3:] / 2)
    assert not mean[:, 2].any()


@pytest.mark.model
def test_the_shipped_network_finds_drawn_cells(network: NetworkSegmenter) -> None:
    drawn = [
        draw_cell_with_masks(label, rng=np.random.default_rng([77, k])) for k, label in enumerate(LABELS)
    ]
    crops = np.stack([crop for crop, _, _ in drawn])
    crops.flags.writeable = False
    found = network.segment_all(crops, np.stack([white_point(crop) for crop in crops]))
    assert [len(found), network.name] == [len(LABELS), "network"]
    assert np.mean([dice(m.cell, cell) for m, (_, _, cell) in zip(found, drawn, strict=True)]) > 0.96
    assert np.mean([dice(m.nucleus, core) for m, (_, core, _) in zip(found, drawn, strict=True)]) > 0.93


@pytest.mark.model
def test_masks_do_not_depend_on_the_company_of_a_crop(network: NetworkSegmenter) -> None:
    crops = np.stack([draw_cell(label, rng=np.random.default_rng(5)) for label in (*LABELS, *LABELS)][:11])
    whites = np.stack([white_point(crop) for crop in crops])
    together = network.segment_all(crops, whites)
    for index in (0, 7, 10):
        alone = network.segment_all(crops[index : index + 1], whites[index : index + 1])[0]
        assert dice(alone.cell, together[index].cell) > 0.999
    assert network.segment_all(crops[:0], whites[:0]) == []


@pytest.mark.model
def test_masks_do_not_depend_on_the_number_of_threads() -> None:
    content = (SHIPPED / "segmenter" / "network.tflite").read_bytes()
    rng = np.random.default_rng(6)
    crops = np.stack([draw_cell(LABELS[k % len(LABELS)], rng=rng) for k in range(20)])
    whites = np.stack([white_point(crop) for crop in crops])
    alone = NetworkSegmenter(content, threads=1)
    expected, logits = alone.segment_all(crops, whites), alone.logits(crops[:4], whites[:4])
    network = NetworkSegmenter(content, threads=3)
    for masks, other in zip(expected, network.segment_all(crops, whites), strict=True):
        assert np.array_equal(masks.nucleus, other.nucleus)
        assert np.array_equal(masks.cell, other.cell)
    with ThreadPoolExecutor(6) as threads:
        found = threads.map(lambda _: network.logits(crops[:4], whites[:4]), range(12))
        assert all(np.array_equal(logits, one) for one in found)


@pytest.mark.parametrize("hole", [29, 30])
def test_small_holes_of_the_nucleus_are_filled_wherever_it_lies(hole: int) -> None:
    for row, col in ((0, 0), (40, 30), (82, 82)):
        logits = np.zeros((112, 112, 3), np.float32)
        logits[..., 0] = 9
        logits[row : row + 30, col : col + 30, 1:] = (20, 30)
        missing = np.zeros((5, 6), np.float32)
        missing.flat[:hole] = -20
        logits[row + 12 : row + 17, col + 12 : col + 18, 2] += missing
        masks = masks_from_logits(logits, BLANK, WHITE)
        opened = int(masks.cell.sum())
        assert opened >= 30 * 30 - 12
        assert masks.nucleus.sum() == opened - (hole if hole >= 30 else 0)


@pytest.mark.model
def test_lamp_brightness_and_half_turns_change_nothing_to_speak_of(network: NetworkSegmenter) -> None:
    crop = draw_cell(CellClass.MONOCYTE, rng=np.random.default_rng(3))
    white = white_point(crop)
    dim = np.rint(crop * 0.8).astype(np.uint8)
    turned = np.ascontiguousarray(crop[::-1, ::-1])
    plain, darker, half = network.segment_all(
        np.stack([crop, dim, turned]), np.stack([white, 0.8 * white, white])
    )
    assert dice(plain.cell, darker.cell) > 0.98
    assert dice(plain.cell, half.cell[::-1, ::-1]) > 0.999


@pytest.mark.model
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_crop_still_gets_masks(network: NetworkSegmenter, level: int) -> None:
    masks = network.segment_all(np.full((1, 112, 112, 3), level, np.uint8), WHITE[None])[0]
    assert masks.nucleus.any()
    assert masks.quality is not Quality.GOOD


@pytest.mark.model
def test_routes_are_loaded_by_name(tmp_path: Path) -> None:
    classical, infos = load_segmenter("classical")
    assert isinstance(classical, ClassicalSegmenter)
    assert infos == ()
    assert [info.kind for info in load_segmenter()[1]] == ["segmenter"]
    with pytest.raises(ModelError, match="no route"):
        load_segmenter("magic")
    with pytest.raises(ModelError, match="segmenter"):
        load_segmenter(root=tmp_path)


@pytest.mark.model
def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no LiteRT model"):
        NetworkSegmenter(b"not a network")
    with pytest.raises(ModelError, match="answers"):
        NetworkSegmenter((SHIPPED / "cnn" / "network.tflite").read_bytes(), side_px=96)
    folder = shutil.copytree(SHIPPED / "segmenter", tmp_path / "segmenter")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps({**manifest, "answers": ["cell"]}), encoding="utf-8")
    with pytest.raises(ModelError, match="manifest"):
        NetworkSegmenter.load(folder)


def test_boundary_distance_of_known_masks() -> None:
    assert boundary_distance(disc(56, 56, 20), disc(56, 56, 20)) == 0.0
    assert boundary_distance(disc(56, 56, 20), disc(56, 56, 24)) == pytest.approx(4.0, abs=0.4)


@pytest.mark.data
@pytest.mark.model
@pytest.mark.parametrize("name", ["jtsc", "bcisc"])
def test_real_cells_can_be_measured_on_the_masks_of_the_network(
    data: Path, network: NetworkSegmenter, name: str
) -> None:
    cells = labelled_set(name, data)
    crops, whites = cells.crops[::10], cells.whites[::10]
    for crop, masks, white in zip(crops, network.segment_all(crops, whites), whites, strict=True):
        assert np.isfinite(measure(crop, masks, white)).all()


@pytest.mark.data
@pytest.mark.model
def test_the_shipped_network_holds_its_figures(data: Path, network: NetworkSegmenter) -> None:
    result = agreement("jtsc_segmentation", data, segmenter=network)
    assert sum(result.qualities.values()) == 300
    assert result.parts["cell"].mean >= 0.97
    assert result.parts["cell"].low >= 0.94
    assert result.parts["nucleus"].mean >= 0.94
    metrics = json.loads((SHIPPED / "segmenter" / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    assert metrics["bcisc_cell_dice_mean"] >= 0.95


@pytest.mark.data
@pytest.mark.model
def test_the_table_has_a_row_for_each_set_part_and_route(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(["--data", str(data), "--sets", SETS[1], "--routes", "network"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| `bcisc` | cell | network | 0.9")
    assert len(lines) == 3
    assert evaluate(["--data", str(data / "nowhere")]) == 3


def test_masks_of_a_drawn_cell_belong_to_the_same_picture() -> None:
    crop, nucleus, cell = draw_cell_with_masks(CellClass.MONOCYTE, rng=np.random.default_rng(9))
    assert np.array_equal(crop, draw_cell(CellClass.MONOCYTE, rng=np.random.default_rng(9)))
    assert 0.1 * cell.sum() < nucleus.sum() < cell.sum() < 0.5 * cell.size
    assert not (nucleus & ~cell).any()
    green = crop[..., 1].astype(float)
    assert green[nucleus].mean() < green[cell & ~nucleus].mean() < np.percentile(green, 95)
    with pytest.raises(UsageError, match="no nucleus"):
        draw_cell_with_masks(CellClass.PLATELET, rng=np.random.default_rng(9))
