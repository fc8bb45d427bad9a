"""``leukoformula doctor`` and ``train``: what is wrong is named with its remedy."""

import importlib.metadata
import json
from argparse import Namespace
from pathlib import Path

import pytest
from fakes import CLASSIFIER_INFO, FakeClassifier

import commands.doctor
import commands.options
import commands.train
from cells.errors import DataError
from commands.doctor import all_checks
from commands.main import main
from leukoformula import settings, store
from project import ROOT


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch, fake_models: FakeClassifier) -> None:
    monkeypatch.setattr(store, "model_info", lambda name, *, root=None: CLASSIFIER_INFO)


def states(subject: str) -> set[str]:
    return {check.state for check in all_checks() if check.subject == subject}


def test_all_is_well(healthy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 25
    assert {line.split("  ")[0] for line in lines} <= {"PASS", "WARN"}


def test_json(healthy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "leukoformula.doctor/1"
    assert {"state", "subject", "detail"} == set(document["checks"][0])


def test_missing_models_fail_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--models", str(tmp_path)]) == 3
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert {line.split("  ")[1].split(":")[0] for line in failed} == {
        "model detector",
        "model cnn",
        "model mlp",
        "model segmenter",
        "detector",
        "perceptron",
        "LiteRT",
    }
    assert all("leukoformula train" in line for line in failed)


def test_a_missing_library_fails_with_a_remedy(healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(commands.doctor.DEPENDENCIES, "no_such_module", "no-such-library")
    assert states("no-such-library") == {"FAIL"}
    assert main(["doctor"]) == 3


def test_a_package_of_another_distribution(
    healthy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "strangers").mkdir()
    (tmp_path / "strangers" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(commands.doctor, "OWN_PACKAGES", ("cells", "strangers"))
    assert states("package cells") == {"PASS"}
    assert states("package strangers") == {"FAIL"}


def test_a_package_that_two_distributions_install(healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        importlib.metadata, "packages_distributions", lambda: {"cells": ["leukoformula", "biology"]}
    )
    check = next(check for check in all_checks() if check.subject == "package cells")
    assert check.state == "WARN"
    assert "biology" in check.detail


def test_no_writable_temporary_folder(healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(commands.doctor.tempfile, "NamedTemporaryFile", fail)
    check = next(check for check in all_checks() if check.subject == "temporary folder")
    assert check.state == "FAIL"
    assert "TMPDIR" in check.detail


def test_old_python(healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.doctor, "_OLDEST_PYTHON", (99, 0))
    assert states("Python") == {"FAIL"}


def test_commands_offer_the_classifiers_there_are() -> None:
    assert commands.options.CLASSIFIERS == settings.CLASSIFIERS
    assert settings.DEFAULT_CLASSIFIER in settings.CLASSIFIERS


@pytest.mark.parametrize("model", ["detector", "mlp", "cnn"])
def test_train_needs_its_data(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", model, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert main(words) == 3
    assert "--data" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("before", [[], ["out/notes.txt"], ["out/work/artefacts/manifest.csv"]])
@pytest.mark.parametrize("costly", [False, True])
def test_a_refused_training_leaves_nothing_but_what_took_long(
    before: list[str], costly: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in before:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("mine")
    checkpoint = ["out/work/features.npz"] if costly else []

    def refuse(options: Namespace) -> None:
        harvest = options.out / "work" / "artefacts" / "crop.png"
        harvest.parent.mkdir(parents=True, exist_ok=True)
        harvest.write_text("harvested")
        for name in checkpoint:
            (tmp_path / name).write_text("an hour's work")
        raise DataError("a set is missing")

    monkeypatch.setattr(commands.train, "_train_mlp", refuse)
    assert main(["train", "mlp", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    resumed = ["out/work/artefacts/crop.png"] if "out/work/artefacts/manifest.csv" in before else []
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted([*before, *checkpoint, *resumed])
    assert (tmp_path / "out").exists() == bool(before or costly)


@pytest.mark.parametrize("model", ["mlp", "cnn", "segmenter"])
@pytest.mark.parametrize(
    ("line", "instead", "fault"),
    [
        ("seed = 2026", "sed = 2026", "seed is missing, sed is not known"),
        ("jpeg_probability = ", "jpg_probability = ", "jpeg_probability is missing"),
        ("[sources]", "[source]", "sources is missing, source is not known"),
    ],
)
def test_train_names_settings_that_are_missing_or_unknown(
    model: str, line: str, instead: str, fault: str, tmp_path: Path
) -> None:
    shipped = (ROOT / "classifiers" / "settings" / f"{model}.toml").read_text(encoding="utf-8")
    assert line in shipped
    (tmp_path / "s.toml").write_text(shipped.replace(line, instead), encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        commands.train._settings(Namespace(settings=tmp_path / "s.toml", model=model))
    assert commands.train._settings(Namespace(settings=None, model=model))["seed"]


@pytest.mark.parametrize("text", [None, "seed = ", "\udc80", "seed = 1\n"])
def test_train_refuses_faulty_settings(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
    words = ["train", "mlp", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--settings", str(path)]
    assert main(words) == 3
    shown = capsys.readouterr().err
    assert str(path) in shown
    assert shown.count("\n") == 1
