"""The network's file with features beside its answers, and older files without."""

from pathlib import Path

import numpy as np
import pytest

from cells.errors import ModelError, UsageError
from cells.vocabulary import CLASSIFIED
from classifiers.cnn import CnnClassifier

pytest.importorskip("tensorflow")

import keras

from classifiers.network_training import export_litert

SIDE = 16


def network(classes: int = len(CLASSIFIED)) -> keras.Model:
    """Answers with a dense layer over the mean density of each channel."""
    keras.utils.set_random_seed(0)
    inputs = keras.layers.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes)(keras.layers.Dropout(0.2)(pooled)))


def load(path: Path) -> CnnClassifier:
    return CnnClassifier(path.read_bytes(), side_px=SIDE, temperature=1.0, threads=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folder, model = tmp_path_factory.mktemp("networks"), network()
    found = {features: folder / f"{features}.tflite" for features in (False, True)}
    for features, path in found.items():
        export_litert(model, path, features=features)
    return found


def test_the_features_are_what_the_last_layer_weighs(files: dict[bool, Path]) -> None:
    rng = np.random.default_rng(0)
    batch = rng.random((5, SIDE, SIDE, 3)).astype(np.float32)
    logits, features = load(files[True]).answer_input(batch)
    assert logits.shape == (5, len(CLASSIFIED))
    np.testing.assert_allclose(features, batch.mean(axis=(1, 2)), atol=1e-6)


def test_both_files_give_the_same_answers(files: dict[bool, Path]) -> None:
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (40, SIDE, SIDE, 3)).astype(np.uint8)
    whites = np.full((40, 3), 240.0)
    plain, both = load(files[False]), load(files[True])
    assert (plain.feature_count, both.feature_count) == (0, 3)
    logits, features = both.answer(crops, whites)
    np.testing.assert_allclose(plain.logits(crops, whites), logits, atol=1e-5)
    assert features.shape == (40, 3)
    assert plain.answer(crops, whites)[1].shape == (40, 0)
    assert both.answer(crops[:0], whites[:0])[1].shape == (0, 3)


def test_a_network_of_other_classes_is_refused(tmp_path: Path) -> None:
    export_litert(network(7), tmp_path / "seven.tflite", features=True)
    with pytest.raises(ModelError, match="install leukoformula again"):
        load(tmp_path / "seven.tflite")


def test_a_network_without_a_last_dense_layer_has_no_features(tmp_path: Path) -> None:
    inputs = keras.layers.Input((SIDE, SIDE, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    with pytest.raises(UsageError, match="not dense"):
        export_litert(model, tmp_path / "none.tflite", features=True)
    assert not (tmp_path / "none.tflite").exists()
