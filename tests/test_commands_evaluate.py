"""``leukoformula evaluate detector`` from the command line."""

import csv
import json
from pathlib import Path

import pytest
from detection_cases import paint, write_image, write_set
from fakes import DETECTOR_INFO

from commands import evaluate
from commands.main import main
from evaluation.detection.truth import FORMATS
from leukoformula import store
from slides.reader import read_image

FILES = {
    "audit.csv",
    "evaluation.html",
    "evaluation.json",
    "evaluation.pdf",
    "fields.csv",
    "finds.csv",
    "hard_negatives",
    "hard_negatives.csv",
}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    images, truth, scanner = write_set(tmp_path, "voc")
    monkeypatch.setattr(store, "load_detector", lambda *, root=None: (scanner, (DETECTOR_INFO,)))
    given = ["--images", str(images), "--truth", str(truth), "--format", "voc", "--erythrocyte-px", "40"]
    return ["evaluate", "detector", *given, "--out", str(tmp_path / "out")]


def test_it_writes_every_file(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "4 fields, 5 leukocytes, 4 found, 2 false finds, 2 hard negatives" in captured.err


def test_json_goes_to_standard_output(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert printed["schema"] == "leukoformula.detector_evaluation/1"


def test_images_left_out_give_exit_code_4_and_a_report(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "images" / "lone.png", paint(9))
    assert main(command) == 4
    assert (tmp_path / "out" / "evaluation.pdf").stat().st_size > 1000
    assert "lone.png is left out: has no annotation" in capsys.readouterr().err
    assert main([*command, "--missing-empty"]) == 0


def test_what_class_numbers_stand_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images, truth, scanner = write_set(tmp_path, "yolo")
    monkeypatch.setattr(store, "load_detector", lambda *, root=None: (scanner, (DETECTOR_INFO,)))
    given = ["--images", str(images), "--truth", str(truth), "--format", "yolo", "--erythrocyte-px", "40"]
    command = ["evaluate", "detector", *given, "--out", str(tmp_path / "out")]
    with (truth / "a.txt").open("a") as handle:
        handle.write("\n4 0.1 0.1 0.1 0.1\n")
    assert main(command) == 0
    told = "0 WBC, 1 RBC, 2 platelet (assumed, as no file names them)"
    shown = capsys.readouterr().err
    assert told in shown
    assert "1 boxes are left unused, as their class numbers have no name" in shown
    assert told in (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    (truth / "classes.txt").write_text("WBC\nRBC\nplatelet\nartefact\nRBC\n")
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    facts = json.loads(captured.out)["facts"]
    assert facts["Class numbers"] == "0 WBC, 1 RBC, 2 platelet, 3 artefact, 4 RBC (classes.txt)"
    assert "have no name" not in captured.err


def test_a_diameter_that_the_erythrocytes_do_not_have_is_doubted(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command[command.index("--erythrocyte-px") + 1] = "33"
    assert main(command) == 0
    assert "an erythrocyte of 33 px was given, and those there measure" in capsys.readouterr().err
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert [fault["kind"] for fault in document["faults"]] == ["doubt"]
    assert "not to be trusted" in (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")


def test_a_diameter_that_the_erythrocytes_contradict_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command[command.index("--erythrocyte-px") + 1] = "22"
    assert main(command) == 3
    said = capsys.readouterr().err
    assert "leave --erythrocyte-px and --um-per-px out" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_swapped_colours_are_doubted(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    assert "seem to be swapped" not in capsys.readouterr().err
    for path in (tmp_path / "images").iterdir():
        write_image(path, read_image(path)[..., ::-1])
    assert main(command) == 0
    assert "red and blue seem to be swapped" in capsys.readouterr().err
    assert "Red and blue seem to be swapped" in (tmp_path / "out" / "evaluation.html").read_text("utf-8")


def test_nothing_usable_gives_exit_code_3_and_no_files(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    command[command.index("--truth") + 1] = str(tmp_path / "empty")
    assert main(command) == 3
    assert not (tmp_path / "out").exists()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no field of" in said


@pytest.mark.parametrize(
    "more",
    [
        ["--format", "pascal"],
        ["--um-per-px", "0.1"],
        ["--threshold", "seven"],
        ["--threshold", "7"],
        ["--leukocytes", ",;"],
        ["--classifier", "yolo"],
    ],
)
def test_wrong_usage_gives_exit_code_2(command: list[str], tmp_path: Path, more: list[str]) -> None:
    assert main([*command, *more]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [["--model", "no.npz"], ["--audit", "no.csv"], ["--images", "nowhere"]])
def test_missing_files_give_exit_code_3(command: list[str], tmp_path: Path, more: list[str]) -> None:
    assert main([*command, *more]) == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "\n", "image,verdict\n", "image;x0;y0;x1;y1;verdict\n"])
def test_a_list_that_is_no_audit_is_refused(
    text: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(text)
    assert main([*command, "--audit", str(tmp_path / "list.csv")]) == 3
    said = capsys.readouterr().err
    assert "list.csv: no readable audit list, it has no column" in said
    assert "commas part the columns" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_filled_audit_is_not_written_over(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    audit = tmp_path / "out" / "audit.csv"
    before = audit.read_bytes()
    assert main([*command, "--audit", str(audit)]) == 2
    assert "over the input" in capsys.readouterr().err
    assert audit.read_bytes() == before


@pytest.mark.parametrize("text", ["image,verdict\na.png,smudge\n", "image;verdict\na.png;\n", "\udcff"])
def test_verdicts_in_the_output_folder_are_not_lost(
    text: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = tmp_path / "out" / "audit.csv"
    audit.parent.mkdir()
    audit.write_text(text, encoding="utf-8", errors="surrogateescape")
    before = audit.read_bytes()
    assert main(command) == 2
    assert "verdicts that a person gave" in capsys.readouterr().err
    assert audit.read_bytes() == before
    audit.write_text("image,verdict\na.png,\n")
    assert main(command) == 0


def test_hard_negatives_of_an_earlier_evaluation_do_not_stay(command: list[str], tmp_path: Path) -> None:
    pictures = tmp_path / "out" / "hard_negatives"
    pictures.mkdir(parents=True)
    for name in ("0001.png", "0999.png", "mine.png"):
        (pictures / name).write_bytes(b"x")
    assert main(command) == 0
    assert {"0999.png", "mine.png"} <= {path.name for path in pictures.iterdir()}
    assert main(command) == 0
    left = {path.name for path in pictures.iterdir()}
    assert "mine.png" in left
    assert "0999.png" not in left
    with (tmp_path / "out" / "hard_negatives.csv").open(encoding="utf-8") as handle:
        listed = {Path(row["path"]).name for row in csv.DictReader(handle)}
    assert left == listed | {"mine.png"}


def test_a_model_that_is_none_is_refused(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 nothing")
    assert main([*command, "--model", str(tmp_path / "bad.npz")]) == 3


def test_the_threshold_is_the_operating_point(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--threshold", "-0.3", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["settings"]["threshold"] == -0.3
    assert printed["systems"][0]["found"] == 5


def test_labels_choose_the_leukocytes(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--leukocytes", "lymphocyte, Blast", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["systems"][0]["leukocytes"] == 0
    assert printed["settings"]["leukocyte_labels"] == ["blast", "lymphocyte"]


def test_the_formats_are_those_of_the_reader() -> None:
    assert evaluate.FORMATS == FORMATS
