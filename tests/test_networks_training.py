"""Splits, scores, curves, training with resume, and the folder that a run leaves."""

import json
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, precision_recall_fscore_support

from cells.errors import DataError, ModelError, UsageError
from classifiers.architectures import Recipe
from classifiers.curves import Epoch, write_curves
from classifiers.network_plan import Plan
from classifiers.network_scores import scores
from classifiers.published_sets.rows import ImageRow, write_rows
from classifiers.splitting import shared_groups, split_rows
from commands.main import main

pytest.importorskip("tensorflow")

from classifiers.network_fitting import Fitting, Images, rate_share
from classifiers.saliency import load_keras
from classifiers.train_network import network_pixels, train
from classifiers.trained_network import TrainedNetwork


def _rows(groups: int = 20, each: int = 5) -> list[ImageRow]:
    return [
        ImageRow(
            Path(f"{g}_{k}.png"), ("blast", "lymphocyte")[(g + k) % 2], f"p{g}", ("train", "test")[g % 2]
        )
        for g in range(groups)
        for k in range(each)
    ]


@given(st.integers(0, 1000), st.integers(6, 30), st.integers(2, 9), st.floats(0.15, 0.4))
@settings(max_examples=25, deadline=None)
def test_a_split_by_group_never_parts_a_group(seed: int, groups: int, each: int, share: float) -> None:
    rows = _rows(groups, each)
    side = split_rows(rows, by="group", share=share, seed=seed)
    assert shared_groups(rows, side) == 0
    assert set(side) == {0, 1}
    assert abs((side == 1).mean() - share) < 1.5 / groups + 0.05


def test_a_split_by_image_keeps_the_shares_of_the_classes_and_leaks() -> None:
    rows = _rows()
    side = split_rows(rows, by="image")
    assert shared_groups(rows, side) > 5
    for label in ("blast", "lymphocyte"):
        of = np.array([row.label == label for row in rows])
        assert side[of].mean() == pytest.approx(0.2)


def test_a_published_split_is_taken_as_it_is() -> None:
    rows = [*_rows(), ImageRow(Path("x"), "blast", "p1", "test_simple")]
    side = split_rows(rows, by="published")
    assert side[-1] == -1
    assert [int(s) for s in side[:-1]] == [0 if row.split == "train" else 1 for row in rows[:-1]]


@pytest.mark.parametrize(
    ("rows", "by", "fault"),
    [
        (_rows(), "cell", "no way to split"),
        ([ImageRow(Path("a"), "x"), ImageRow(Path("b"), "x")], "group", "2 of 2 images have no group"),
        ([ImageRow(Path("a"), "x", "g"), ImageRow(Path("b"), "x", "g")], "group", "on one side only"),
        ([ImageRow(Path("a"), "x")], "published", "no splits train and test"),
    ],
)
def test_a_split_that_cannot_be_is_refused(rows: list[ImageRow], by: str, fault: str) -> None:
    with pytest.raises((UsageError, DataError), match=fault):
        split_rows(rows, by=by)


@given(st.integers(0, 10**6), st.integers(2, 60))
@settings(max_examples=30, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_scores_equal_those_of_scikit_learn(seed: int, images: int) -> None:
    rng = np.random.default_rng(seed)
    truth, answers = rng.integers(0, 4, images), rng.integers(0, 4, images)
    found = scores(truth, answers, ["a", "b", "c", "d"])
    present = sorted(set(truth.tolist()))
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, answers, labels=present, zero_division=0
    )
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, answers))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, answers))
    np.testing.assert_allclose(
        [found["precision"], found["recall"], found["f1"]], [precision.mean(), recall.mean(), f1.mean()]
    )
    assert np.sum(found["confusion"]) == images


def test_the_curves_show_both_sets_over_all_epochs(tmp_path: Path) -> None:
    history = [Epoch(k, 2.0 / k, 1 - 0.5 / k, 2.5 / k, 1 - 0.6 / k, 1.0) for k in range(1, 8)]
    write_curves(history, tmp_path, title="simplenet <by> group")
    svg = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    assert svg.count("<polyline") == 4
    assert all(word in svg for word in ("training", "test", "loss", "accuracy", "epoch", "&lt;by&gt;"))
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")


def test_the_curves_of_a_single_epoch_can_be_drawn(tmp_path: Path) -> None:
    write_curves([Epoch(1, 0.0, 1.0, 0.0, 1.0, 1.0)], tmp_path, title="one")
    assert (tmp_path / "curves.svg").stat().st_size > 500


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRow]:
    """Two kinds of drawn cell, red discs and blue squares, six patients of each."""
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(72):
        image = np.full((24, 24, 3), 225, np.uint8)
        row, column = (int(c) for c in rng.integers(8, 16, 2))
        if number % 2:
            cv2.circle(image, (column, row), 6, (40, 40, 180), -1)
        else:
            cv2.rectangle(image, (column - 5, row - 5), (column + 5, row + 5), (180, 40, 40), -1)
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        rows.append(ImageRow(path, ("blast", "lymphocyte")[number % 2], f"p{number // 6}"))
    return rows


_PLAN = Plan(("simplenet",), size=(24, 24), epochs=12, batch=16, learning_rate=0.005, augmentation=("flips",))


@pytest.fixture(scope="module")
def run(cells: list[ImageRow], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, list[str]]:
    out, lines = tmp_path_factory.mktemp("run"), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics = train(cells, _PLAN, out=out, log=lines.append)
    return out, metrics, lines


def test_a_run_learns_two_kinds_of_cell_and_says_so(run: tuple[Path, dict, list[str]]) -> None:
    _, metrics, lines = run
    assert metrics["accuracy"] > 0.9
    assert metrics["groups_on_both_sides"] == 0
    assert metrics["litert_largest_difference"] < 1e-4
    assert sum("epoch" in line for line in lines) == 12


def test_a_run_leaves_everything_in_its_folder(run: tuple[Path, dict, list[str]]) -> None:
    out, metrics, _ = run
    names = {path.name for path in out.iterdir()}
    assert names == {
        "network.tflite", "weights.npz", "manifest.json", "metrics.json", "history.csv", "curves.svg",
        "curves.pdf", "training_hashes.bin", "card.md", "work",
    }  # fmt: skip
    assert json.loads((out / "metrics.json").read_text(encoding="utf-8"))["accuracy"] == metrics["accuracy"]
    assert len((out / "history.csv").read_text(encoding="utf-8").splitlines()) == 13
    assert "12" in (out / "card.md").read_text(encoding="utf-8")


def test_the_saved_network_runs_without_tensorflow_and_keeps_its_answers(
    run: tuple[Path, dict, list[str]], cells: list[ImageRow]
) -> None:
    network = TrainedNetwork.load(run[0])
    assert network.classes == ("blast", "lymphocyte")
    images = np.stack([cv2.imread(str(row.path))[:, :, ::-1] for row in cells])
    answers = network.probabilities(images).argmax(axis=1)
    assert np.mean([network.classes[a] == row.label for a, row in zip(answers, cells, strict=True)]) > 0.9


def test_an_altered_network_is_refused(run: tuple[Path, dict, list[str]], tmp_path: Path) -> None:
    for path in run[0].glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "network.tflite").write_bytes(b"torn")
    with pytest.raises(ModelError, match="altered"):
        TrainedNetwork.load(tmp_path)


def _some_images(seed: int, count: int) -> Images:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 24, 24, 3), np.uint8)
    return Images(pixels, rng.integers(0, 2, count), network_pixels)


@pytest.mark.filterwarnings("ignore")
def test_a_resumed_run_is_the_same_to_the_bit(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    from classifiers.architectures import architecture

    tf.config.experimental.enable_op_determinism()
    recipe = Recipe(4, batch=8, augmentation=("rotation", "noise"))
    train_images, test = _some_images(1, 30), _some_images(2, 10)

    def fresh() -> Fitting:
        keras.utils.set_random_seed(3)
        model = architecture("simplenet").build(height=24, width=24, classes=2)
        return Fitting(model, recipe, seed=3)

    whole = fresh()
    for _ in range(4):
        whole.epoch(train_images, test, log=lambda _: None)
    first = fresh()
    for _ in range(2):
        first.epoch(train_images, test, log=lambda _: None)
    first.save(tmp_path / "half.npz")
    second = fresh()
    second.restore(tmp_path / "half.npz")
    for _ in range(2):
        second.epoch(train_images, test, log=lambda _: None)
    for a, b in zip(whole.model.weights, second.model.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    assert [line[:5] for line in whole.history] == [line[:5] for line in second.history]


def test_the_cosine_rises_to_1_and_falls_to_almost_0() -> None:
    shares = [rate_share(step, 200) for step in range(200)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == shares[9] == shares[10] == 1.0
    steps = np.diff(shares)
    assert (steps[:9] > 0).all()
    assert (steps[10:] < 0).all()
    assert 0.0 < shares[-1] < 1e-3
    assert rate_share(0, 1) == 1.0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("schedule", "share"), [("constant", 1.0), ("cosine", rate_share(7, 8))])
def test_a_run_ends_at_the_learning_rate_of_its_schedule(schedule: str, share: float) -> None:
    from classifiers.architectures import architecture

    recipe = Recipe(2, batch=8, learning_rate=0.01, schedule=schedule)
    fitting = Fitting(architecture("simplenet").build(height=24, width=24, classes=2), recipe, seed=0)
    for _ in range(2):
        fitting.epoch(_some_images(1, 30), _some_images(2, 10), log=lambda _: None)
    assert float(fitting.learning_rate) == pytest.approx(0.01 * share)


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    from classifiers.architectures import architecture

    small = Fitting(architecture("simplenet").build(height=24, width=24, classes=2), Recipe(1), seed=0)
    small.save(tmp_path / "c.npz")
    other = Fitting(architecture("simplenet").build(height=24, width=24, classes=3), Recipe(1), seed=0)
    with pytest.raises(DataError, match="another network"):
        other.restore(tmp_path / "c.npz")
    (tmp_path / "c.npz").write_bytes(b"torn")
    with pytest.raises(DataError, match="no checkpoint"):
        other.restore(tmp_path / "c.npz")


@pytest.mark.filterwarnings("ignore")
def test_a_run_with_other_settings_does_not_go_on_from_this_one(
    run: tuple[Path, dict, list[str]], cells: list[ImageRow]
) -> None:
    other = Plan(("simplenet",), size=(24, 24), epochs=12, batch=8)
    with pytest.raises(DataError, match="other settings"):
        train(cells, other, out=run[0], log=lambda _: None)


@pytest.mark.filterwarnings("ignore")
def test_an_ensemble_is_trained_member_by_member_and_saved_once(
    cells: list[ImageRow], tmp_path: Path
) -> None:
    names = ("simplenet", "three_cascades", "panin_three_stages")
    plan = Plan(names, size=(24, 24), epochs=1, batch=16, augmentation=())
    metrics = train(cells, plan, out=tmp_path, log=lambda _: None)
    assert set(metrics["members"]) == set(names)
    assert metrics["litert_largest_difference"] < 1e-4
    assert {path.name for path in tmp_path.glob("*.npz")} == {"weights.npz"}
    assert TrainedNetwork.load(tmp_path).logits(np.zeros((1, 24, 24, 3), np.uint8)).shape == (1, 2)


def test_a_network_on_density_cannot_join_an_ensemble(cells: list[ImageRow], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="RGB"):
        train(cells, Plan(("simplenet", "residual_gn")), out=tmp_path, log=lambda _: None)


@pytest.mark.filterwarnings("ignore")
def test_the_command_trains_what_it_is_asked_for(cells: list[ImageRow], tmp_path: Path) -> None:
    write_rows(cells, tmp_path / "cells.csv")
    command = ["train", "network", "--architecture", "simplenet", "--images", str(tmp_path / "cells.csv")]
    options = ["--size", "16x20", "--epochs", "1", "--augmentation", "none", "--label", "blast=a"]
    labels = ["--label", "lymphocyte=b", "--out", str(tmp_path / "model")]
    assert main([*command, *options, *labels]) == 0
    network = TrainedNetwork.load(tmp_path / "model")
    assert (network.classes, network.size) == (("a", "b"), (16, 20))
    rebuilt = load_keras(tmp_path / "model")
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 20, 3), np.uint8)
    np.testing.assert_allclose(
        np.asarray(rebuilt(image.astype(np.float32))), network.logits(image), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--architecture", "lenet", "--images", "cells.csv"], 2),
        (["--architecture", "simplenet", "--images", "lisc"], 2),
        (["--architecture", "simplenet", "--images", "missing.csv"], 3),
        (["--architecture", "simplenet", "--images", "cells.csv", "--augmentation", "mixup"], 2),
        (["--architecture", "simplenet", "--images", "cells.csv", "--label", "blast"], 2),
    ],
)
def test_the_command_refuses_what_cannot_be(
    cells: list[ImageRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(cells, tmp_path / "cells.csv")
    assert main(["train", "network", *options, "--out", "model"]) == code
    assert not (tmp_path / "model" / "network.tflite").exists()
