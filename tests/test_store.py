"""The model store: what is missing, altered or of another kind is refused with its remedy."""

import json
from pathlib import Path

import pytest

from cells.errors import ModelError
from cells.model_files import write_manifest
from leukoformula import store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("detector", "cnn", "mlp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.npz").write_bytes(b"not really weights of " + name.encode())
        write_manifest(tmp_path / name, name=name, kind=name, version="7", files=["weights.npz"], details={})
    return tmp_path


def test_info(root: Path) -> None:
    info = store.model_info("mlp", root=root)
    assert (info.name, info.kind, info.version, len(info.sha256)) == ("mlp", "mlp", "7", 64)


@pytest.mark.parametrize("name", ["cnn", "mlp", "ensemble"])
def test_a_missing_classifier(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leukoformula train"):
        store.load_classifier(name, root=tmp_path)


def test_an_unknown_classifier(root: Path) -> None:
    with pytest.raises(ModelError, match="oracle"):
        store.load_classifier("oracle", root=root)


def test_an_altered_detector(root: Path) -> None:
    with (root / "detector" / "weights.npz").open("ab") as handle:
        handle.write(b"!")
    with pytest.raises(ModelError, match="was altered"):
        store.load_detector(root=root)


def test_a_detector_that_is_none(root: Path) -> None:
    with pytest.raises(ModelError):
        store.load_detector(root=root)


def test_a_model_of_another_kind(root: Path) -> None:
    path = root / "cnn" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "kind": "mlp"}))
    with pytest.raises(ModelError, match="cnn"):
        store.load_classifier("cnn", root=root)


@pytest.mark.model
@pytest.mark.parametrize("name", store.NEEDED)
def test_every_shipped_model_is_whole(name: str) -> None:
    assert store.model_info(name).kind == name


@pytest.mark.model
@pytest.mark.parametrize("name", ["cnn", "mlp", "ensemble"])
def test_every_classifier_answers(name: str) -> None:
    import numpy as np

    classifier, infos = store.load_classifier(name)
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    answers = classifier.predict(crops, np.full((3, 3), 235.0))
    assert answers.shape == (3, len(classifier.classes))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-4)
    assert {info.name for info in infos} == ({"cnn", "mlp"} if name == "ensemble" else {name})
