"""``leukoformula report``, ``detect`` and ``demo`` with stand-ins for the trained models."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import FakeClassifier

from cells.records import Finding
from cells.vocabulary import CellClass
from commands.main import main
from commands.remarks import warn_of_remarks
from leukoformula import pipeline
from project import ROOT
from slides.calibration import Calibration
from slides.own_pictures import report_pictures

FILES = [
    "cells.csv",
    "crops.jpg",
    "fhir.json",
    "formula.csv",
    "overview.jpg",
    "report.hl7",
    "report.html",
    "report.pdf",
    "result.json",
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_report(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["report", str(smear), "--out", str(out), "--wbc", "6.4", "--age", "34y", "--sex", "f"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert "Leukocytes counted" in shown.out
    lines = shown.err.splitlines()
    assert len(lines) == 2
    assert "torn.png is left out" in lines[0]
    assert str(out / "report.pdf") in lines[1]
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert document["identity"]["age"] == "34y"
    assert document["formula"]["wbc"] == 6.4
    assert len(rows(out / "cells.csv")) == len(document["cells"])


def test_a_signed_result_and_labels_in_work_are_not_overwritten(
    smear: Path,
    tmp_path: Path,
    fake_models: FakeClassifier,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    words = ["report", str(smear), "--out", str(out)]
    assert main(words) == 0
    assert main(words) == 0  # what nobody has touched is replaced
    table = rows(out / "cells.csv")
    for row in table:
        row["label"] = "lymphocyte"
    with (out / "cells.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(table[0]))
        writer.writeheader()
        writer.writerows(table)

    def analyse(*_: object, **__: object) -> None:
        raise AssertionError("the analysis is not begun")

    monkeypatch.setattr(pipeline, "analyse", analyse)
    signature = ["--signed-by", "A. Ivanova", "--signed-at", "2024-06-02T14:05:00+03:00"]
    reviewed = ["--reviewed", str(out / "cells.csv"), *signature]
    for named, then in (
        ("cells.csv holds labels", ["render", str(out), "--out", str(out), *reviewed]),
        ("signed by A. Ivanova", []),
    ):
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        for command in (words, ["demo", str(out)], ["formula", "--counts", "basophil=1", "--out", str(out)]):
            capsys.readouterr()
            assert main(command) == 2
            said = capsys.readouterr()
            assert named in said.err and "--out" in said.err
            assert (said.out, said.err.count("\n")) == ("", 1)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        if then:
            assert main(then) == 0
    (out / "result.json").write_text("{", encoding="utf-8")
    assert main(words) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_table_of_cells_without_its_result_is_not_overwritten(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    stored, out = tmp_path / "stored", tmp_path / "out"
    fake_models.answer = {CellClass.LYMPHOCYTE: 1.0}
    assert main(["report", str(smear), "--out", str(stored)]) == 0
    out.mkdir()
    table = out / "cells.csv"
    text = (stored / "cells.csv").read_text(encoding="utf-8")
    table.write_text(text.replace("lymphocyte,1.0000", "basophil,1.0000"), encoding="utf-8")
    for words in (["report", str(smear)], ["render", str(stored)], ["demo"]):
        target = [str(out)] if words == ["demo"] else ["--out", str(out)]
        capsys.readouterr()
        assert main([*words, *target]) == 2
        assert f"{table} would be overwritten" in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == ["cells.csv"]
    assert main(["formula", "--counts", "lymphocyte=1", "--out", str(out)]) == 0
    assert main(["render", str(stored), "--out", str(out), "--reviewed", str(table)]) == 0
    assert "basophil" in table.read_text(encoding="utf-8").splitlines()[1]


def test_a_review_begun_while_the_smear_is_analysed_is_not_overwritten(
    smear: Path,
    tmp_path: Path,
    fake_models: FakeClassifier,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    words = ["report", str(smear), "--out", str(out)]
    fake_models.answer = {CellClass.LYMPHOCYTE: 1.0}
    assert main(words) == 0
    analyse = pipeline.analyse

    def meanwhile(*given: object, **named: object) -> object:
        text = (out / "cells.csv").read_text(encoding="utf-8")
        (out / "cells.csv").write_text(text.replace("lymphocyte,1.0000", "basophil,1.0000"), encoding="utf-8")
        assert (out / "cells.csv").read_text(encoding="utf-8") != text
        return analyse(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "analyse", meanwhile)
    assert main(words) == 2
    assert "seems to be in review" in capsys.readouterr().err
    assert "basophil,1.0000" in (out / "cells.csv").read_text(encoding="utf-8")
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_what_another_run_has_written_meanwhile_does_not_stay(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyse = pipeline.analyse

    def meanwhile(*given: object, **named: object) -> object:
        assert main(["formula", "--counts", "lymphocyte=1", "--out", str(tmp_path)]) == 0
        return analyse(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "analyse", meanwhile)
    assert main(["report", str(smear), "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_json_is_what_is_written(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(smear), "--out", str(tmp_path), "--um-per-px", "0.15", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert printed["schema"] == "leukoformula.result/1"
    assert printed["calibration"]["source"] == "option"


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_doubtful_pixel_size_is_told_everywhere(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    words = {"en": "size given (0.1150 µm)", "ru": "(0,1150 мкм)"}
    out, table = tmp_path / "out", tmp_path / "finds.csv"
    assert main(["report", str(smear), "--out", str(out), "--um-per-px", "0.115", "--lang", lang]) == 0
    assert words[lang] in capsys.readouterr().err
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert document["findings"][0]["code"] == "option_against_erythrocytes"
    assert words[lang] in (out / "report.html").read_text(encoding="utf-8")
    assert main(["detect", str(smear), "--out", str(table), "--um-per-px", "0.115"]) in (0, 4)
    assert words["en"] in capsys.readouterr().err


def test_fields_that_forbid_trust_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    scale = Calibration.from_um_per_px(0.1, "option")
    odd = [Finding("other_magnification", "warning", name, 3.7) for name in ("a", "b", "c", "d")]
    warn_of_remarks([*odd, Finding("out_of_focus", "warning", "e")], scale)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("(a, b, c, …)")
    warn_of_remarks([Finding("other_magnification", "warning", "", 0.5), *odd[:2]], scale)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("(a, b)")


@pytest.mark.parametrize("command", ["report", "detect"])
def test_an_impossible_pixel_size_is_refused_with_the_way_out(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    out = tmp_path / "out.csv"
    assert main([command, str(smear), "--out", str(out), "--um-per-px", "0.05"]) == 3
    assert "leave --um-per-px out" in capsys.readouterr().err
    assert not out.exists()


def test_same_input_same_bytes(smear: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    for name in ("one", "two"):
        assert main(["report", str(smear), "--out", str(tmp_path / name), "--lang", "ru"]) == 0
    for name in FILES:
        one, two = ((tmp_path / run / name).read_bytes() for run in ("one", "two"))
        if name == "report.hl7":  # its first segment holds the time of the message
            one, two = one.partition(b"\r")[2], two.partition(b"\r")[2]
        assert one == two, name


def test_a_failure_leaves_nothing(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reports.table.write_csv", fail)
    assert main(["report", str(smear), "--out", str(tmp_path / "out"), "--um-per-px", "0.15"]) == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_analyse_is_exit_code_3(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "nothing", tmp_path / "empty", smear / "notes.txt", smear / "torn.png"):
        if path.name == "empty":
            path.mkdir()
        assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 3
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_a_report_does_not_count_its_own_pictures(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier
) -> None:
    folder = tmp_path / "smear"
    shutil.copytree(smear, folder)
    for out in (folder / "report", folder):
        texts = []
        for _ in range(2):
            assert main(["report", str(folder), "--out", str(out), "--um-per-px", "0.15"]) == 0
            texts.append((out / "result.json").read_text(encoding="utf-8"))
        assert texts[0] == texts[1]
    assert main(["detect", str(folder), "--out", str(tmp_path / "d.json"), "--um-per-px", "0.15"]) == 4
    images = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))["images"]
    assert [image["file_name"] for image in images] == [f"field_00{n}.png" for n in (1, 2, 3)]


def test_every_picture_of_a_report_is_known_as_such(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.stored_pictures.PER_SHEET", 4)
    assert main(["report", str(smear), "--out", str(tmp_path), "--um-per-px", "0.15"]) == 0
    pictures = {path.name for path in tmp_path.glob("*.jpg")}
    assert len(pictures) >= 4
    assert report_pictures(tmp_path, pictures) == pictures


def test_a_report_is_not_laid_over_a_field(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(smear / "field_001.png", tmp_path / "field_001.png")
    shutil.copy(smear / "field_002.png", tmp_path / "overview.jpg")
    before = (tmp_path / "overview.jpg").read_bytes()
    assert main(["report", str(tmp_path), "--out", str(tmp_path), "--um-per-px", "0.15"]) == 2
    assert "over the input" in capsys.readouterr().err
    assert (tmp_path / "overview.jpg").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_fields_of_several_folders_are_named(
    lang: str, smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        (tmp_path / "day" / str(number)).mkdir(parents=True)
        shutil.copy(smear / f"field_00{number}.png", tmp_path / "day" / str(number))
    out = tmp_path / "out"
    words = ["report", str(tmp_path / "day"), "--out", str(out), "--um-per-px", "0.15", "--lang", lang]
    assert main(words) == 0
    assert "the 2 fields come from 2 folders" in capsys.readouterr().err
    page = (out / "report.html").read_text(encoding="utf-8")
    assert {"en": "lie in several folders", "ru": "лежат в нескольких папках"}[lang] in page


def test_missing_models_are_exit_code_3(
    smear: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["report", str(smear), "--out", str(tmp_path / "out"), "--models", str(tmp_path / "none")]
    assert main(words) == 3
    assert "detector" in capsys.readouterr().err


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_leaves_nothing(stop: str, smear: Path, tmp_path: Path) -> None:
    if not hasattr(signal, stop):
        pytest.skip(f"this system has no {stop}")
    out = tmp_path / "out"
    # Where tests run in the background, the signal is ignored until a handler is set.
    code = (
        "import signal, sys, time, leukoformula.pipeline as p; from commands.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"if {stop!r} != 'SIGINT': signal.signal(signal.{stop}, signal.SIG_DFL)\n"
        "def wait(*_, **__): print('ready', flush=True); time.sleep(30)\n"
        f"p.analyse = wait; sys.exit(main(['report', {str(smear)!r}, '--out', {str(out)!r}]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n", running.communicate()
        time.sleep(0.1)
        running.send_signal(getattr(signal, stop))
        _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert err == "leukoformula: interrupted\n"
    assert not out.exists()


def test_detect_writes_a_table(smear: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    out = tmp_path / "detections.csv"
    assert main(["detect", str(smear), "--out", str(out), "--um-per-px", "0.15"]) == 4
    found = rows(out)
    assert list(found[0]) == ["image", "row", "col", "diameter_px", "score"]
    assert 9 <= len(found) <= 15
    assert {row["image"] for row in found} <= {f"field_00{n}.png" for n in (1, 2, 3)}


def test_detect_writes_coco(smear: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    images = [str(smear / f"field_00{n}.png") for n in (1, 2, 3)]
    assert main(["detect", *images, "--out", str(tmp_path / "d.json")]) == 0
    assert main(["detect", *images, "--out", str(tmp_path / "d.csv")]) == 0
    coco = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    table = rows(tmp_path / "d.csv")
    assert [image["file_name"] for image in coco["images"]] == [Path(image).name for image in images]
    assert len(coco["annotations"]) == len(table)
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    for box, row in zip(coco["annotations"], table, strict=True):
        left, top, width, height = box["bbox"]
        assert names[box["image_id"]] == row["image"]
        assert width == height == pytest.approx(float(row["diameter_px"]), abs=0.01)
        assert left + width / 2 - 0.5 == pytest.approx(float(row["col"]), abs=0.02)
        assert top + height / 2 - 0.5 == pytest.approx(float(row["row"]), abs=0.02)


def test_a_name_that_a_spreadsheet_would_run(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier
) -> None:
    shutil.copy(smear / "field_001.png", tmp_path / "=1+1.png")
    for command in ("detect", "classify"):
        out = tmp_path / f"{command}.csv"
        assert main([command, str(tmp_path), "--out", str(out)]) == 0
        assert {next(iter(row.values())) for row in rows(out)} == {"'=1+1.png"}
    assert main(["detect", str(tmp_path), "--out", str(tmp_path / "d.json")]) == 0
    coco = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))
    assert coco["images"][0]["file_name"] == "=1+1.png"


def test_detect_counts_a_picture_once(
    smear: Path,
    tmp_path: Path,
    fake_models: FakeClassifier,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "d.csv"
    monkeypatch.chdir(smear.parent)
    folder = Path(smear.name)
    assert main(["detect", str(folder), "--out", str(out), "--um-per-px", "0.15"]) == 4
    once = out.read_bytes()
    (link := tmp_path / "link").symlink_to(smear)
    more = [str(folder / "field_001.png"), str(smear / "field_001.png"), str(smear), str(link)]
    assert main(["detect", str(folder), *more, "--out", str(out), "--um-per-px", "0.15"]) == 4
    assert out.read_bytes() == once
    assert capsys.readouterr().err.count("is the same picture as field_001.png") == 1


def test_detect_counts_a_picture_of_two_folders_once(
    smear: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, numbers in (("a", (1, 2)), ("b", (1, 3))):
        (tmp_path / name).mkdir()
        for number in numbers:
            shutil.copy(smear / f"field_00{number}.png", tmp_path / name)
    words = [str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "d.json")]
    assert main(["detect", *words, "--um-per-px", "0.15"]) == 4
    images = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"))["images"]
    names = [Path(image["file_name"]).relative_to(tmp_path).as_posix() for image in images]
    assert names == ["a/field_001.png", "a/field_002.png", "b/field_003.png"]
    shown = capsys.readouterr().err
    assert f"{tmp_path}/b/field_001.png" in shown
    assert f"is the same picture as {tmp_path}/a/field_001.png" in shown


def test_detect_tells_folders_apart(smear: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    for number, name in enumerate(("a", "b"), start=1):
        (tmp_path / name).mkdir()
        shutil.copy(smear / f"field_00{number}.png", tmp_path / name / "field_001.png")
    out = tmp_path / "d.csv"
    folders = [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a")]
    assert main(["detect", *folders, "--out", str(out), "--um-per-px", "0.15"]) == 0
    names = {row["image"] for row in rows(out)}
    assert names == {f"{folder}/field_001.png" for folder in folders}


def test_demo(
    tmp_path: Path,
    fake_models: FakeClassifier,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--fields", "5"]) == 0
    shown = capsys.readouterr().out
    out = tmp_path / "demo-output"
    assert f"report: {out / 'report.pdf'}" in shown
    assert sorted(path.name for path in out.iterdir()) == [*FILES, "smear"]
    assert len(list((out / "smear").glob("*.png"))) == 5
    assert main(["demo", "--fields", "4"]) == 0
    assert len(list((out / "smear").glob("*.png"))) == 4


def test_demo_touches_nothing_of_others(
    tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "smear").mkdir()
    (tmp_path / "smear" / "field_001.png").write_text("mine")
    assert main(["demo", str(tmp_path)]) == 2
    assert "another folder" in capsys.readouterr().err
    assert (tmp_path / "smear" / "field_001.png").read_text() == "mine"


def test_progress_is_told_of_every_field(smear: Path, fake_models: FakeClassifier) -> None:
    told: list[tuple[str, int, int]] = []
    pipeline.analyse(smear, progress=lambda *step: told.append(step))
    stages = dict.fromkeys(stage for stage, _, _ in told)
    assert list(stages) == ["measuring erythrocytes", "looking at fields"]
    for stage in stages:
        assert [done for name, done, _ in told if name == stage] == [1, 2, 3, 4]
        assert {total for name, _, total in told if name == stage} == {4}
