"""Training of segmenters: data, views, loss and networks."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.segmentation_data import (
    BACKGROUND,
    CELL,
    CYTOPLASM,
    NUCLEUS,
    MaskedCell,
    SegmentationData,
    agreed_answers,
    drawn_cell,
    hand_drawn_answers,
    load_segmentation_data,
)
from classifiers.segmentation_views import random_view
from slides.optics import optical_density

SETTINGS: dict[str, Any] = tomllib.loads(
    resources.files("classifiers").joinpath("settings", "segmenter.toml").read_text(encoding="utf-8")
)
STILL = {
    "geometry": {
        "cut_probability": 0.0,
        "cut_share": 0.4,
        "blur_probability": 0.0,
        "blur_px": [0.2, 1.0],
        "reduce_probability": 0.0,
        "scale": [1.0, 1.0],
        "stretch": 0.0,
        "shift_px": 0.0,
        "sharpen_probability": 0.0,
        "jpeg_probability": 0.0,
    },
    "stain": {
        "white": 0.0,
        "gamma": 0.0,
        "mix": 0.0,
        "grey_probability": 0.0,
        "common_gain": [1.0, 1.0],
        "gain": 0.0,
        "fade_probability": 0.0,
        "veil": 0.0,
        "noise": 0.0,
    },
}


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


def test_drawn_cells_are_told_apart_and_repeat() -> None:
    crop, white, answers = drawn_cell((3, 1))
    assert set(np.unique(answers)) == {BACKGROUND, CYTOPLASM, NUCLEUS}
    again = drawn_cell((3, 1))
    assert np.array_equal(crop, again[0])
    assert np.array_equal(answers, again[2])
    density = optical_density(crop, white).sum(axis=2)
    assert density[answers == NUCLEUS].mean() > 1.5 * density[answers == BACKGROUND].mean()


def test_the_classical_route_agrees_with_itself_on_a_plain_cell() -> None:
    crop, white, truth = drawn_cell((3, 2))
    answers = agreed_answers(crop, white, least_agreement=0.8)
    assert answers is not None
    assert dice((answers & BACKGROUND) == 0, truth != BACKGROUND) > 0.9
    assert agreed_answers(np.full_like(crop, 230), white, least_agreement=0.8) is None


def test_a_mask_with_a_second_cell_is_left_out() -> None:
    crop, white, truth = drawn_cell((3, 2))
    item = MaskedCell("neut_1-1_0", crop, white, None, truth != BACKGROUND)
    answers = hand_drawn_answers(item, least_agreement=0.9)
    assert answers is not None
    assert np.array_equal(answers != BACKGROUND, item.cell)
    assert not (answers & ~np.uint8(CELL))[item.cell].any()
    two = item.cell.copy()
    two[:20, :20] = True
    assert hand_drawn_answers(item._replace(cell=two), least_agreement=0.9) is None


def test_a_still_view_is_a_turned_crop() -> None:
    crop, white, answers = drawn_cell((3, 2))
    rng = np.random.default_rng(0)
    density, seen = random_view(rng, crop, white, answers, neighbour=None, out_px=112, settings=STILL)
    assert density.shape == (112, 112, 3)
    assert density.dtype == np.float32
    truth = optical_density(crop, white)
    for bit in (NUCLEUS, CYTOPLASM):
        assert (seen == bit).sum() == pytest.approx((answers == bit).sum(), rel=0.05)
        assert density[seen == bit].mean() == pytest.approx(truth[answers == bit].mean(), abs=0.03)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_neighbour_is_background_and_leaves_the_cell_alone(seed: int) -> None:
    crop, white, answers = drawn_cell((3, 2))
    before = crop.copy()
    alone, beside = (
        random_view(
            np.random.default_rng(seed), crop, white, answers, neighbour=other, out_px=112, settings=STILL
        )
        for other in (None, drawn_cell((3, 5)))
    )
    assert np.array_equal(crop, before)
    for bit in (NUCLEUS, CYTOPLASM):
        assert (alone[1] == bit).sum() == pytest.approx((beside[1] == bit).sum(), rel=0.05)
    assert beside[0].sum() > 1.02 * alone[0].sum()


def test_views_repeat_with_their_seed() -> None:
    crop, white, answers = drawn_cell((3, 3))
    views = [
        random_view(
            np.random.default_rng(4), crop, white, answers, neighbour=None, out_px=96, settings=SETTINGS
        )
        for _ in range(2)
    ]
    assert np.array_equal(views[0][0], views[1][0])
    assert np.array_equal(views[0][1], views[1][1])
    assert views[0][0].min() >= 0.0
    assert views[0][0].max() <= 2.0


def test_sources_are_read_in_parallel_as_in_a_row(tmp_path: Path) -> None:
    settings = {**SETTINGS, "sources": {"synthetic": 3}}
    lines: list[str] = []
    data = load_segmentation_data(settings, data=tmp_path, workers=1, log=lines.append)
    assert data.crops.shape == (3, 112, 112, 3)
    assert np.array_equal(data.answers[2], drawn_cell((SETTINGS["seed"], 2))[2])
    assert lines == ["synthetic: 3 crops with masks of 3"]


def test_the_loss_asks_nothing_of_pixels_that_allow_everything() -> None:
    from classifiers.segmentation_training import allowed_pixel_loss

    loss = allowed_pixel_loss(0.5)
    logits = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
    everything = np.ones((2, 16, 16, 3), np.float32)
    assert np.asarray(loss(everything, logits)) == pytest.approx(0.0, abs=1e-4)
    truth = np.zeros((2, 16, 16, 3), np.float32)
    truth[..., 0] = 1
    truth[:, 4:12, 4:12] = (0, 0, 1)
    right, wrong = np.asarray(loss(truth, 12 * truth)), np.asarray(loss(truth, -12 * truth))
    assert right.max() < 0.02
    assert wrong.min() > 1.0


def test_the_loss_lets_a_cell_be_nucleus_or_cytoplasm() -> None:
    from classifiers.segmentation_training import allowed_pixel_loss

    allowed = np.zeros((1, 16, 16, 3), np.float32)
    allowed[..., 0] = 1
    allowed[:, 4:12, 4:12] = (0, 1, 1)
    as_nucleus, as_cytoplasm = 12 * allowed * (1, 0, 1), 12 * allowed * (1, 1, 0)
    loss = allowed_pixel_loss(0.5)
    for logits in (as_nucleus, as_cytoplasm):
        assert float(np.asarray(loss(allowed, logits.astype(np.float32)))[0]) < 0.02


def one_step(build: Any, side: int) -> tuple[Any, float, float]:
    import keras

    keras.utils.set_random_seed(1)
    model = build(side_px=side, classes=3)
    from classifiers.segmentation_training import allowed_pixel_loss

    model.compile(keras.optimizers.Adam(1e-3), allowed_pixel_loss(0.5), run_eagerly=True)
    rng = np.random.default_rng(0)
    x = rng.random((2, side, side, 3), np.float32)
    y = np.eye(3, dtype=np.float32)[(x[..., 0] > 0.5).astype(int) * 2]
    first = model.train_on_batch(x, y)
    second = model.train_on_batch(x, y)
    assert model.output_shape == (None, side, side, 3)
    return model, float(first), float(second)


def test_the_slim_network_learns() -> None:
    from classifiers.networks.unet import slim_unet

    model, first, second = one_step(slim_unet, 48)
    assert second < first
    assert 100_000 < slim_unet(side_px=112, classes=3).count_params() < 300_000
    assert model.get_layer("place").map.shape == (3, 3, 96)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "least", "most"), [("unet", 16, 30e6, 32e6), ("cenet", 32, 28e6, 30e6)]
)
def test_published_networks_take_a_step(name: str, side: int, least: float, most: float) -> None:
    from classifiers.segmentation_training import ARCHITECTURES

    model, first, second = one_step(ARCHITECTURES[name], side)
    assert least < model.count_params() < most
    assert np.isfinite([first, second]).all()


@pytest.mark.slow
def test_training_stops_resumes_and_starts_from_another(tmp_path: Path) -> None:
    from classifiers.segmentation_training import train_stage

    cells = [drawn_cell((3, index)) for index in range(4)]
    data = SegmentationData(
        np.stack([c[0] for c in cells]),
        np.stack([c[1] for c in cells]).astype(np.float32),
        np.stack([c[2] for c in cells]),
        np.full(4, "synthetic"),
    )
    short = {**SETTINGS, "input_px": 32, "batch": 2, "images_per_epoch": 4, "learning_rate": 1e-3}
    path, lines = tmp_path / "base.npz", list[str]()
    stage = {"checkpoint": path, "log": lines.append}
    train_stage({**short, "epochs": 1}, lambda: data, start=None, **stage)
    train_stage({**short, "epochs": 2}, lambda: data, start=None, **stage)
    assert [line.partition(":")[0] for line in lines if "loss" in line] == ["base, epoch 1", "base, epoch 2"]

    def no_data() -> SegmentationData:
        raise AssertionError("a finished training asked for its data")

    done = train_stage({**short, "epochs": 2}, no_data, start=None, **stage)
    fine = train_stage(
        {**short, "epochs": 0}, no_data, checkpoint=tmp_path / "fine.npz", start=done, log=lines.append
    )
    for ours, theirs in zip(done.get_weights(), fine.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_mean_of_three_answers_with_mean_probabilities() -> None:
    import keras

    from cells.errors import UsageError
    from classifiers.networks.mean import mean_segmenter

    members = []
    for bias in ((0.0, 0.0, 3.0), (0.0, 3.0, 0.0), (3.0, 0.0, 0.0)):
        layer = keras.layers.Conv2D(3, 1, kernel_initializer="zeros")
        member = keras.Sequential([keras.layers.Input((4, 4, 3)), layer])
        layer.bias.assign(bias)
        members.append(member)
    mean = mean_segmenter(members)
    answers = np.asarray(keras.ops.softmax(mean(np.zeros((1, 4, 4, 3), np.float32))))
    np.testing.assert_allclose(answers, 1 / 3, atol=1e-5)
    with pytest.raises(UsageError, match="two or more"):
        mean_segmenter(members[:1])
