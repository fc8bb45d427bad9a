"""``leukoformula train cnn --adapt`` from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from adaptation_cases import FakeNetwork, base_model, site_cells

from cells.model_files import write_manifest
from classifiers import adapt_cnn
from commands.main import main

Maker = Callable[..., Path]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(adapt_cnn.CnnClassifier, "load", lambda folder: FakeNetwork())
    folder = tmp_path / "models"
    base_model(folder / "cnn")
    (folder / "mlp").mkdir()
    (folder / "mlp" / "weights.npz").write_bytes(b"weights")
    write_manifest(folder / "mlp", name="mlp", kind="mlp", version="1", files=["weights.npz"], details={})
    return folder


@pytest.fixture
def manifest(tmp_path: Path) -> Maker:
    def make(*, side: int = 112, label: str = "", torn: bool = False, right: bool = False) -> Path:
        folder = tmp_path / "cells"
        folder.mkdir()
        cells = site_cells(wrong=not right)
        rows = ["path,label,group,erythrocyte_px"]
        for number, (crop, truth) in enumerate(zip(cells.crops, cells.labels, strict=True)):
            image = cv2.resize(crop, (side, side))
            image[0, 0] = number
            assert cv2.imwrite(str(folder / f"{number}.png"), image[:, :, ::-1])
            rows.append(f"{number}.png,{label or truth},ward {number % 4},35")
        if torn:
            (folder / "3.png").write_bytes(b"no image")
        path = folder / "ward.csv"
        path.write_text("\n".join([*rows, ""]), encoding="utf-8")
        return path

    return make


def test_a_gain_becomes_a_folder_of_models(
    models: Path, manifest: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["train", "cnn", "--adapt", str(manifest()), "--base", str(models), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["cnn", "mlp"]
    adapted = json.loads((out / "cnn" / "manifest.json").read_text())
    assert adapted["kind"] == "cnn" and adapted["version"] == "2-adapted"
    assert adapted["adaptation"]["smears"] == 4
    told = capsys.readouterr().err
    assert f"use them with --models {out}" in told
    assert "not corrected for validated errors" in told


def test_other_models_in_the_folder_stay(models: Path, manifest: Maker, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "mlp").mkdir(parents=True)
    (out / "mlp" / "mine").write_text("mine")
    assert main(["train", "cnn", "--adapt", str(manifest()), "--base", str(models), "--out", str(out)]) == 0
    assert [path.name for path in (out / "mlp").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"right": True}, "no gain shown"),
        ({"side": 400}, "11.4 by 11.4 erythrocytes is no image of one centred cell"),
        ({"side": 60}, "1.7 by 1.7 erythrocytes is no image of one centred cell"),
        ({"label": "blast"}, "no answer for blast"),
        ({"label": "granulocyte"}, "unknown label 'granulocyte'"),
        ({"label": "monocyte"}, "all 24 cells are labelled monocyte"),
        ({"torn": True}, "3.png: "),
    ],
)
def test_what_will_not_do_is_one_line_and_exit_code_3(
    changes: dict[str, object],
    message: str,
    models: Path,
    manifest: Maker,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = models.parent / "out"
    given = ["train", "cnn", "--adapt", str(manifest(**changes)), "--base", str(models), "--out", str(out)]
    assert main(given) == 3
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1 and message in errors[0]
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--adapt", "a.csv", "--data", "d"), "--data goes not with --adapt"),
        (("--adapt", "a.csv", "--initial", "d"), "--initial goes not with --adapt"),
        (("--data", "d", "--reviewed", "r.csv"), "--reviewed goes only with --adapt"),
        (("--adapt", "a.csv", "--reviewed", "r.csv"), "--reviewed belongs to a stored result"),
        (("--adapt", "."), "a stored result needs --reviewed"),
        (("--adapt", ".", "--reviewed", "r.csv", "--erythrocyte-px", "35"), "belongs to a manifest"),
        ((), "give --data DIR"),
    ],
)
def test_wrong_usage(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "cnn", "--out", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_models_that_are_adapted_are_not_overwritten(
    models: Path, manifest: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (models / "cnn" / "manifest.json").read_bytes()
    given = ["train", "cnn", "--adapt", str(manifest()), "--base", str(models), "--out", str(models)]
    assert main(given) == 2
    assert "choose another folder" in capsys.readouterr().err
    assert (models / "cnn" / "manifest.json").read_bytes() == before


def test_a_reviewed_result_can_be_adapted_to(
    models: Path, tmp_path: Path, fake_models: object, capsys: pytest.CaptureFixture[str]
) -> None:
    from cells.vocabulary import CellClass
    from slides.synthetic.smear import draw_smear

    smear = tmp_path / "smear"
    formula = {CellClass.LYMPHOCYTE: 14, CellClass.NEUTROPHIL_SEGMENTED: 14}
    draw_smear(smear, formula=formula, fields=4, seed=5, shape=(480, 640), um_per_px=0.15)
    first = cv2.imread(str(smear / "field_001.png"))
    assert first is not None
    cv2.imwrite(str(smear / "again.jpg"), first, (cv2.IMWRITE_JPEG_QUALITY, 85))
    assert main(["report", str(smear), "--out", str(tmp_path / "result"), "--um-per-px", "0.15"]) in (0, 4)
    table = (tmp_path / "result" / "cells.csv").read_text(encoding="utf-8-sig").splitlines()
    place = table[0].split(",").index("label")
    rows = [line.split(",") for line in table[1:]]
    for number, row in enumerate(rows):
        row[place] = "lymphocyte" if number % 2 else "monocyte"
    reviewed = tmp_path / "reviewed.csv"
    reviewed.write_text("\n".join([table[0], *map(",".join, rows)]) + "\n", encoding="utf-8")
    given = ["train", "cnn", "--adapt", str(tmp_path / "result"), "--reviewed", str(reviewed)]
    code = main([*given, "--base", str(models), "--out", str(tmp_path / "out")])
    told = capsys.readouterr().err
    assert (code == 0 and "models in" in told) or (code == 3 and "no gain shown" in told), told
    again = sum(row[table[0].split(",").index("reason")] == "seen_before" for row in rows)
    assert again >= 2
    assert f"{again} cells that an earlier field shows as well are left out" in told
    assert f"cross-validation on {len(rows) - again} cells" in told
