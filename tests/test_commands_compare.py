"""``leukoformula compare`` from the command line."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from cells.errors import ModelError
from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import USUAL, UsualValues
from classifiers.mlp import WEIGHTS
from classifiers.perceptron import Perceptron
from classifiers.training_hashes import HASHES, TrainingHashes
from commands import compare as command
from commands.main import main
from commands.options import CLASSIFIERS
from evaluation import classifier_sets
from evaluation.comparison import loading
from evaluation.comparison.compare import Options
from evaluation.comparison.cost import measure_cost
from evaluation.comparison.networks import NetworkClassifier
from evaluation.comparison.record import schema
from evaluation.comparison.systems import open_systems
from features.vector import NAMES, VERSION
from leukoformula.store import SHIPPED, model_info
from slides.synthetic import Stain, draw_cell

C = CellClass
KINDS = (C.LYMPHOCYTE, C.NEUTROPHIL_SEGMENTED, C.EOSINOPHIL, C.MONOCYTE)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn cells of two smears, and a torn image."""
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(3)
    stain = Stain.random(rng)
    rows = []
    for number in range(12):
        label = KINDS[number % len(KINDS)]
        crop = draw_cell(label, rng=rng, stain=stain)
        assert cv2.imwrite(str(folder / f"{number:02d}.png"), crop[:, :, ::-1])
        rows.append(f"{number:02d}.png,{label},smear {number % 2},35")
    (folder / "torn.png").write_bytes((folder / "00.png").read_bytes()[:700])
    rows.append("torn.png,monocyte,smear 1,35")
    path = folder / "ward.csv"
    path.write_text("\n".join(["path,label,group,erythrocyte_px", *rows, ""]), encoding="utf-8")
    return path


def make_model(folder: Path, *, seed: int, trained_on: list[Path]) -> Path:
    """Write a perceptron of random weights in the form in which a trained one is stored."""
    rng = np.random.default_rng(seed)
    shapes = ((len(NAMES), 8), (8, len(CLASSIFIED)))
    perceptron = Perceptron(
        NAMES,
        np.zeros(len(NAMES), np.float32),
        np.ones(len(NAMES), np.float32),
        3.0,
        tuple(rng.normal(0, 0.3, shape).astype(np.float32) for shape in shapes),
        tuple(np.zeros(shape[1], np.float32) for shape in shapes),
        1.0,
        np.ones(len(CLASSIFIED), np.float32),
    )
    folder.mkdir()
    perceptron.save(folder / WEIGHTS)
    features = rng.normal(0, 1, (40, len(NAMES))).astype(np.float32)
    UsualValues.of(features, np.eye(len(CLASSIFIED), dtype=np.float32)[np.arange(40) % 10]).save(
        folder / USUAL
    )
    (folder / HASHES).write_bytes(TrainingHashes.of(trained_on).to_bytes())
    details = {"classes": list(CLASSIFIED), "features_version": VERSION}
    files = [WEIGHTS, USUAL, HASHES]
    write_manifest(folder, name="mlp", kind="mlp", version="1", files=files, details=details)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, manifest: Path) -> tuple[Path, Path, Path]:
    """Two models that never saw the cells, and one that did."""
    folder = tmp_path_factory.mktemp("models")
    return (
        make_model(folder / "first", seed=1, trained_on=[]),
        make_model(folder / "second", seed=2, trained_on=[]),
        make_model(
            folder / "seen", seed=1, trained_on=[manifest.parent / "03.png", manifest.parent / "05.png"]
        ),
    )


def test_the_names_are_those_of_the_library() -> None:
    assert classifier_sets.SETS == command.SETS
    assert set(loading.NAMED) == set(CLASSIFIERS)
    assert Options().gallery > 0


def test_a_comparison_is_written_whole(
    manifest: Path,
    models: tuple[Path, Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    listed = f"{models[0]},{models[1]}"
    words = ["compare", str(manifest), "--classifiers", listed, "--names", "one,two", "--out", str(out)]
    assert main([*words, "--no-timing", "--json"]) == 4  # an image is torn
    written = {"cells.csv", "comparison.html", "comparison.json", "comparison.pdf"}
    assert {path.name for path in out.iterdir()} == written
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    Draft202012Validator(schema()).validate(document)
    assert document == json.loads((out / "comparison.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in document["systems"]] == ["one", "two"]
    assert [one["checked"] for one in document["overlaps"]] == [True, True]
    (cells,) = document["sets"]
    assert (cells["name"], cells["images"], cells["groups"]) == ("ward", 12, 2)
    assert [one["path"] for one in cells["refused"]] == ["torn.png"]
    assert "torn.png is left out" in shown.err
    assert "On ward (12 images)" in shown.err
    html = (out / "comparison.html").read_text(encoding="utf-8")
    assert "Cells on which the classifiers disagree" in html
    assert "held against" in html  # the features that moved the decision
    with (out / "cells.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 13
    assert {"one_answer", "one_probability", "one_right", "two_answer"} <= set(rows[0])


def test_training_images_are_refused_unless_allowed(
    manifest: Path, models: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(manifest), "--classifiers", str(models[2]), "--no-timing"]
    out = tmp_path / "out"
    assert main([*words, "--out", str(out)]) == 3
    assert "2 of the 12 images of ward (03.png, 05.png, …)" in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--out", str(out), "--allow-overlap"]) == 4
    assert "TRAINED ON: seen was trained on 2 of the 12 images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give a MANIFEST"),
        (["--set", "bcisc"], "--set needs --data"),
        (["x.csv", "--classifiers", "cnn,,mlp"], "leaves a name empty"),
        (["x.csv", "--classifiers", "nobody"], "no classifier 'nobody'"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_cells_of_a_report_are_not_written_over(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "cells.csv").write_text("in review")
    assert main(["compare", str(manifest), "--out", str(tmp_path)]) == 2
    assert "holds a report" in capsys.readouterr().err
    assert (tmp_path / "cells.csv").read_text() == "in review"


def test_two_manifests_are_judged_apart_and_together(
    manifest: Path, models: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    lines = manifest.read_text(encoding="utf-8").splitlines()
    other = manifest.parent / "clinic.csv"
    other.write_text("\n".join([*lines[:8], ""]), encoding="utf-8")
    listed = str(models[0])
    words = [
        "compare",
        str(manifest),
        str(other),
        "--classifiers",
        listed,
        "--out",
        str(tmp_path),
        "--no-timing",
    ]
    assert main([*words, "--known-answers"]) == 4
    document = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in document["sets"]] == ["ward", "clinic"]
    assert {share["total"] for share in document["overall"]["accuracy"].values()} == {19}
    known = {str(kind) for kind in KINDS}
    answers = document["sets"][0]["judgements"][0]["confusion"]
    used = {
        a for a, column in zip(answers["answers"], np.sum(answers["counts"], axis=0), strict=True) if column
    }
    assert used <= known


def test_time_and_memory_are_those_of_a_fresh_process(models: tuple[Path, Path, Path]) -> None:
    rng = np.random.default_rng(0)
    crops = np.stack([draw_cell(C.LYMPHOCYTE, rng=rng, stain=Stain.random(rng)) for _ in range(2)])
    (system,) = open_systems([str(models[0])])
    cost = measure_cost(system, crops, np.full((2, 3), 240.0), count=4)
    assert cost.fault == ""
    assert cost.first_answer_s is not None
    assert cost.ms_per_cell is not None
    assert 0.01 < cost.first_answer_s < 120
    assert cost.cpu_ms_per_cell is not None
    assert 0.01 < cost.ms_per_cell < 5000
    assert 0.01 < cost.cpu_ms_per_cell < 1000
    assert cost.peak_memory_mib is None or 20 < cost.peak_memory_mib < 4000
    assert cost.size_bytes == sum((models[0] / name).stat().st_size for name in (WEIGHTS, USUAL))


def test_a_classifier_that_cannot_be_measured_says_why(
    models: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    moved = make_model(tmp_path / "gone", seed=4, trained_on=[])
    (system,) = open_systems([str(moved)])
    (moved / WEIGHTS).write_bytes(b"altered")
    cost = measure_cost(system, np.full((1, 112, 112, 3), 200, np.uint8), np.full((1, 3), 240.0))
    assert cost.ms_per_cell is None
    assert "was altered" in cost.fault


class Network:
    classes = ("lymphocyte", "monocyte")

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        return np.full((len(images), 2), 0.5, np.float32)


def test_networks_of_the_registry_compare_where_their_classes_are_known() -> None:
    network = NetworkClassifier(Network(), name="net")  # type: ignore[arg-type]
    assert network.classes == (C.LYMPHOCYTE, C.MONOCYTE)
    assert network.predict(np.zeros((3, 112, 112, 3), np.uint8), np.ones((3, 3))).shape == (3, 2)
    other = Network()
    other.classes = ("abnormal", "normal")
    with pytest.raises(ModelError, match="abnormal"):
        NetworkClassifier(other, name="net")  # type: ignore[arg-type]


@pytest.mark.model
def test_the_shipped_network_is_found_by_name_and_by_folder() -> None:
    by_name, by_folder = open_systems(["cnn", str(SHIPPED / "cnn")], names=["a", "b"])
    assert by_name.models[0].sha256 == by_folder.models[0].sha256 == model_info("cnn").sha256
    crops = np.full((2, 112, 112, 3), 200, np.uint8)
    whites = np.full((2, 3), 240.0)
    assert (by_name.classifier.predict(crops, whites) == by_folder.classifier.predict(crops, whites)).all()
