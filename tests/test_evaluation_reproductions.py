"""The tool of the reproductions: tasks, refusals, and the table of finished runs."""

import json
from pathlib import Path

import pytest

from classifiers.published_sets.rows import ImageRow, write_rows
from evaluation.reproduction_table import finished, pooled_accuracy, table
from evaluation.reproductions import main, task_rows

_METRICS = {
    "split": "group",
    "images": 282,
    "accuracy": 0.9,
    "precision": 0.91,
    "recall": 0.92,
    "f1": 0.93,
    "training_seconds": 77.2,
    "test_ms_per_image": 1.865,
}


def _cells(work: Path) -> None:
    labels = ("neutrophil", "eosinophil", "lymphocyte", "monocyte")
    write_rows(
        [ImageRow(work / f"{label}.png", label, label, "train") for label in labels], work / "blood_cells.csv"
    )


def test_two_classes_are_the_nuclei_of_one_and_of_several_segments(tmp_path: Path) -> None:
    _cells(tmp_path)
    assert len(task_rows("blood_cells_four", tmp_path)) == 4
    pooled = {row.path.stem: row.label for row in task_rows("blood_cells_two", tmp_path)}
    assert pooled == {
        "neutrophil": "polymorphonuclear",
        "eosinophil": "polymorphonuclear",
        "lymphocyte": "mononuclear",
        "monocyte": "mononuclear",
    }


def test_every_finished_run_is_one_line_of_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("simplenet-group", "three_cascades-group"):
        (tmp_path / "blasts" / name).mkdir(parents=True)
    (tmp_path / "blasts" / "simplenet-group" / "metrics.json").write_text(json.dumps(_METRICS), "utf-8")
    assert [run.name for run in finished(tmp_path)] == ["simplenet-group"]
    assert main(["table", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == table(tmp_path).splitlines()
    line = (
        "| blasts | simplenet | – | – | – | group | 282 | 0.9000 | 0.9100 | 0.9200 | 0.9300 | – | 77 | 1.86 |"
    )
    assert printed[2:] == [line]
    assert printed[0].count("|") == printed[1].count("|") == line.count("|")


def test_the_settings_of_a_run_stand_in_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "blood_cells_four" / "efficientnet_lite-image"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(_METRICS), "utf-8")
    manifest = {"recipes": [{"epochs": 9}], "members_input": [[60, 80]], "weights": "/somewhere/lite0.pth"}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert "| efficientnet_lite | 60 × 80 | 9 | lite0.pth | group |" in table(tmp_path)


def test_two_classes_are_pooled_from_four() -> None:
    names = ("eosinophil", "lymphocyte", "monocyte", "neutrophil")
    confusion = [[10, 1, 0, 4], [2, 9, 3, 0], [0, 5, 8, 0], [6, 0, 1, 11]]
    metrics = {"classes": dict.fromkeys(names), "confusion": confusion}
    assert pooled_accuracy(metrics) == pytest.approx((10 + 4 + 6 + 11 + 9 + 3 + 5 + 8) / 60)
    assert pooled_accuracy({"classes": {"blast": 1, "lymphocyte": 1}, "confusion": [[1, 0], [0, 1]]}) is None


def test_a_missing_manifest_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "--task", "blasts", "--split", "group", "--architecture", "simplenet"]
    assert main([*command, "--out", str(tmp_path)]) == 3
    assert "evaluation.reproductions manifests" in capsys.readouterr().err


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    _cells(tmp_path)
    command = ["run", "--task", "blood_cells_two", "--split", "image", "--architecture", "lenet"]
    assert main([*command, "--out", str(tmp_path)]) == 2
