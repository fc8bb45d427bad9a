"""Grad-CAM and integrated gradients, on networks whose answer is known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cells.errors import ModelError, UsageError

keras = pytest.importorskip("keras")

from classifiers.architectures import architecture  # noqa: E402 - needs TensorFlow
from classifiers.networks.averaging import averaging  # noqa: E402
from classifiers.saliency import (  # noqa: E402
    grad_cam,
    integrated_gradients,
    last_feature_layer,
    load_keras,
)
from classifiers.saliency_maps import draw_over, heat_of, write_saliency  # noqa: E402
from slides.own_pictures import own_pictures  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def red_seeker():
    """A network whose class 1 is the amount of red, class 0 that of blue."""
    inputs = keras.layers.Input((32, 40, 3), name="rgb")
    maps = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="colours")(inputs)
    pooled = keras.layers.AveragePooling2D(4, name="pooled")(maps)
    outputs = keras.layers.Dense(2, name="logits")(keras.layers.GlobalAveragePooling2D()(pooled))
    model = keras.Model(inputs, outputs, name="toy")
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    kernel[1, 1, 0, 1], kernel[1, 1, 2, 1] = 1.0, -1.0
    kernel[1, 1, 2, 0], kernel[1, 1, 0, 0] = 1.0, -1.0
    model.get_layer("colours").set_weights([kernel, np.zeros(2, np.float32)])
    model.get_layer("logits").set_weights([np.eye(2, dtype=np.float32), np.zeros(2, np.float32)])
    return model


@pytest.fixture
def two_spots() -> np.ndarray:
    """Red top left, blue bottom right, on grey."""
    image = np.full((32, 40, 3), 100.0, np.float32)
    image[4:12, 4:12] = (220, 60, 60)
    image[20:28, 28:36] = (60, 60, 220)
    return image


def _centre(heat: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]]
    return float((rows * heat).sum() / heat.sum()), float((columns * heat).sum() / heat.sum())


@pytest.mark.parametrize(("index", "place"), [(1, (7.5, 7.5)), (0, (23.5, 31.5))])
def test_grad_cam_shows_the_spot_that_speaks_for_the_class(red_seeker, two_spots, index, place) -> None:
    heat = grad_cam(red_seeker, two_spots, class_index=index)
    assert heat.shape == (32, 40)
    assert heat.max() == 1.0
    assert heat.min() >= 0.0
    assert _centre(heat) == pytest.approx(place, abs=1.5)
    assert heat[int(place[0]), int(place[1])] > 0.9


def test_grad_cam_takes_a_layer_by_name(red_seeker, two_spots) -> None:
    fine = grad_cam(red_seeker, two_spots, class_index=1, layer="colours")
    assert fine[4:12, 4:12].min() == 1.0
    assert fine[14:].max() == 0.0
    assert last_feature_layer(red_seeker) == "pooled"


def test_what_does_not_speak_for_a_class_is_all_zero(red_seeker) -> None:
    grey = np.full((32, 40, 3), 90.0, np.float32)
    assert not grad_cam(red_seeker, grey, class_index=1).any()


@pytest.mark.parametrize("index", [0, 1])
def test_integrated_gradients_are_complete_and_exact_on_a_plain_network(red_seeker, two_spots, index) -> None:
    parts = integrated_gradients(red_seeker, two_spots, class_index=index, steps=8)
    difference = (
        np.asarray(red_seeker(two_spots[None]))[0] - np.asarray(red_seeker(np.zeros_like(two_spots[None])))[0]
    )
    assert parts.sum() == pytest.approx(difference[index], rel=1e-4)
    spot = parts[4:12, 4:12] if index else parts[20:28, 28:36]
    assert spot.sum() == pytest.approx(parts.sum(), rel=1e-4)


@pytest.mark.parametrize("name", ["three_cascades", "simplenet", "leucocytenet", "residual_gn"])
def test_integrated_gradients_are_complete_on_networks_of_the_registry(name: str) -> None:
    keras.utils.set_random_seed(4)
    model = architecture(name).build(height=32, width=32, classes=3)
    top = 2.0 if name == "residual_gn" else 255.0
    image = np.random.default_rng(2).uniform(0, top, (32, 32, 3)).astype(np.float32)
    image = cv2.GaussianBlur(image, (0, 0), 2.0)
    baseline = np.full_like(image, image.mean())
    parts = integrated_gradients(model, image, class_index=2, baseline=baseline, steps=256)
    both = np.asarray(model(np.stack([image, baseline]), training=False))[:, 2]
    assert parts.sum() == pytest.approx(both[0] - both[1], abs=0.02 * max(1e-3, float(np.abs(parts).sum())))


def test_an_ensemble_shows_the_mean_of_its_members() -> None:
    keras.utils.set_random_seed(1)
    members = [architecture("simplenet").build(height=side, width=side, classes=2) for side in (32, 48)]
    ensemble = averaging(members)
    image = np.random.default_rng(0).uniform(0, 255, (48, 48, 3)).astype(np.float32)
    heat = grad_cam(ensemble, image, class_index=0)
    large = grad_cam(members[1], image, class_index=0)
    assert heat.shape == (48, 48)
    assert 0.0 <= heat.min() <= heat.max() <= 1.0
    assert (heat >= large / 2 - 1e-6).all()


def test_what_is_not_there_is_refused(red_seeker, two_spots) -> None:
    with pytest.raises(UsageError, match="no class 5"):
        grad_cam(red_seeker, two_spots, class_index=5)
    with pytest.raises(UsageError, match="no layer 'eyes'"):
        grad_cam(red_seeker, two_spots, class_index=0, layer="eyes")
    with pytest.raises(UsageError, match="at least 1"):
        integrated_gradients(red_seeker, two_spots, class_index=0, steps=0)


def test_a_map_is_drawn_over_the_cell_and_leaves_cold_places_alone() -> None:
    cell = np.full((20, 30, 3), 200, np.uint8)
    heat = np.zeros((10, 15), np.float32)
    heat[:, 10:] = 1.0
    drawn = draw_over(cell, heat)
    np.testing.assert_array_equal(drawn[:, :15], cell[:, :15])
    assert (drawn[:, 25:] != cell[:, 25:]).any()
    assert (cell == 200).all()


def test_a_map_is_stored_as_picture_and_plain_array(tmp_path: Path) -> None:
    heat = np.random.default_rng(0).uniform(0, 1, (8, 8)).astype(np.float32)
    path = write_saliency(np.full((16, 16, 3), 120, np.uint8), heat, tmp_path, name="cell_1")
    assert cv2.imread(str(path)).shape == (16, 16, 3)
    assert own_pictures(tmp_path, [path.name]) == {path.name}
    with np.load(tmp_path / "cell_1.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["heat"], heat)


def test_heat_of_attributions_is_between_0_and_1_where_they_speak_for_the_class() -> None:
    attributions = np.zeros((40, 40, 3), np.float32)
    attributions[10:20, 10:20] = 0.5
    attributions[30:35, 30:35] = -9.0
    heat = heat_of(attributions)
    assert heat[14, 14] > 0.9
    assert heat[32, 32] == 0.0
    assert 0.0 <= heat.min() <= heat.max() <= 1.0


def test_a_folder_that_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        load_keras(tmp_path)
