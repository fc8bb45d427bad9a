"""Leave-one-laboratory-out: what is trained without what, which model judges which laboratory."""

import json
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from cells.errors import DataError
from cells.vocabulary import CellClass
from evaluation.class_scores import Share
from evaluation.classifier_sets import LabelledSet
from evaluation.generalisation import (
    CLASSIFIERS,
    LABORATORIES,
    Figure,
    five_kinds,
    main,
    markdown,
    models_without,
    settings_without,
)


def _settings(name: str) -> dict:
    return tomllib.loads(
        resources.files("classifiers").joinpath("settings", f"{name}.toml").read_text("utf-8")
    )


def _model(root: Path, name: str, *laboratories: str) -> None:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    counts = {f"{laboratory}/lymphocyte": 7 for laboratory in laboratories}
    (folder / "manifest.json").write_text(json.dumps({"training": counts}), encoding="utf-8")


def test_a_training_without_a_laboratory_draws_nothing_of_it() -> None:
    whole = _settings("cnn")
    changed = settings_without(whole, "raabin_wbc", epochs=None)
    assert changed["sources"]["raabin_wbc"] == 0
    assert whole["sources"]["raabin_wbc"] > 0
    assert changed["stages"] == whole["stages"]
    assert {k: v for k, v in changed["sources"].items() if k != "raabin_wbc"} == {
        k: v for k, v in whole["sources"].items() if k != "raabin_wbc"
    }


def test_a_short_training_has_one_stage_of_so_many_epochs() -> None:
    whole = _settings("cnn")
    changed = settings_without(whole, "pbc_barcelona", epochs=3)
    assert [stage["epochs"] for stage in changed["stages"]] == [3]
    assert changed["stages"][0]["stain"] == whole["stages"][0]["stain"]
    assert "averaged_stages" not in changed


@pytest.mark.parametrize("laboratory", ["bccd", "jtsc"])
def test_a_laboratory_that_is_never_trained_on_needs_no_training(laboratory: str) -> None:
    with pytest.raises(DataError, match="judge the model that ships"):
        settings_without(_settings("cnn"), laboratory, epochs=1)


def test_no_model_judges_a_laboratory_that_it_was_trained_on(tmp_path: Path) -> None:
    models, work = tmp_path / "models", tmp_path / "work"
    _model(models, "cnn", "pbc_barcelona", "bcisc")
    _model(models, "mlp", "pbc_barcelona")
    assert models_without("bccd", "ensemble", models, work) == (models, False)
    assert models_without("bcisc", "mlp", models, work) == (models, False)
    assert models_without("pbc_barcelona", "cnn", models, work) is None
    root = work / "without-pbc_barcelona"
    _model(root, "cnn")
    assert models_without("pbc_barcelona", "cnn", models, work) == (root, True)
    assert models_without("pbc_barcelona", "ensemble", models, work) is None
    _model(root, "mlp")
    assert models_without("pbc_barcelona", "ensemble", models, work) == (root, True)


def test_a_model_that_does_not_say_what_it_was_trained_on_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="cannot tell what"):
        models_without("bccd", "cnn", tmp_path, tmp_path)


def test_five_kinds_leave_out_the_others_and_pool_neutrophils() -> None:
    labels = (CellClass.PLATELET, CellClass.NEUTROPHIL_BAND, CellClass.ERYTHROBLAST, CellClass.MONOCYTE)
    crops = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 112, 112, 3), np.uint8)
    kept = five_kinds(LabelledSet(crops, np.full((4, 3), 230.0), labels))
    assert kept.labels == (CellClass.NEUTROPHIL, CellClass.MONOCYTE)
    assert kept.crops[:, 0, 0, 0].tolist() == [1, 3]
    assert kept.whites.shape == (2, 3)


def test_the_table_marks_short_trainings_and_gaps() -> None:
    shown = Figure(Share(8, 10, 0.8, 0.44, 0.97), Share(9, 10, 0.9, 0.55, 1.0), 0.75, short=True)
    text = markdown([("bcisc", 10, {"cnn": shown, "mlp": None, "ensemble": None})])
    row = text.splitlines()[-1]
    assert row == "| `bcisc` | 10 | 0.800 (0.44–0.97) * | 0.900 | 0.750 |" + " – |" * 6
    assert text.splitlines()[0].count("|") == row.count("|") == 3 + 1 + 3 * len(CLASSIFIERS) - 1


def test_every_laboratory_has_its_set_and_errors_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(_settings("cnn")["sources"]) & set(LABORATORIES) == {"pbc_barcelona", "raabin_wbc", "bcisc"}
    shared = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    code = main(
        [
            "train",
            "--classifier",
            "mlp",
            "--leave-out",
            "jtsc",
            "--artefacts",
            str(tmp_path / "no.csv"),
            *shared,
        ]
    )
    assert code == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
