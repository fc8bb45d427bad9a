"""``leukoformula classify`` and ``segment`` on images of single cells."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeClassifier
from test_slides_crop_check import draw

from cells.vocabulary import CLASSIFIED, CellClass
from commands.cell_check import CellCheck
from commands.cell_images import CellImage
from commands.main import main
from commands.segment import BACKGROUND, CYTOPLASM, NUCLEUS
from slides.own_pictures import MASK_LEVELS
from slides.synthetic import SCANNER, WRIGHT, draw_cell

SIDES = (80, 112, 150)


def read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(3)
    for number, side in enumerate(SIDES):
        image = draw_cell(CellClass.LYMPHOCYTE, rng=rng, stain=WRIGHT, camera=SCANNER, size_px=side)
        cv2.imwrite(str(folder / f"cell_{number}.png"), image[..., ::-1])
    (folder / "below").mkdir()
    (folder / "cell_0.png").rename(folder / "below" / "cell_0.png")
    return folder


def test_classify_a_folder(
    cells: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_models.answer = {CellClass.LYMPHOCYTE: 0.7, CellClass.MONOCYTE: 0.3}
    out = tmp_path / "predictions.csv"
    assert main(["classify", str(cells), "--out", str(out)]) == 0
    rows = table(out)
    assert list(rows[0]) == ["path", "label", "probability", *CLASSIFIED]
    assert {row["path"] for row in rows} == {"below/cell_0.png", "cell_1.png", "cell_2.png"}
    assert {(row["label"], row["probability"]) for row in rows} == {("lymphocyte", "0.7000")}
    assert "3.2 erythrocyte diameters" in capsys.readouterr().err


def test_classify_tells_band_and_segmented_apart_last(
    cells: Path, tmp_path: Path, fake_models: FakeClassifier
) -> None:
    fake_models.answer = {
        CellClass.NEUTROPHIL_BAND: 0.28,
        CellClass.NEUTROPHIL_SEGMENTED: 0.32,
        CellClass.EOSINOPHIL: 0.4,
    }
    out = tmp_path / "predictions.csv"
    assert main(["classify", str(cells), "--out", str(out)]) == 0
    assert {(row["label"], row["probability"]) for row in table(out)} == {("neutrophil_segmented", "0.3200")}


def test_classify_a_manifest(
    cells: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = cells / "list.csv"
    manifest.write_text("path,label,rbc_px\ncell_2.png,monocyte,47\ngone.png,monocyte,\ncell_1.png,,35\n")
    out = tmp_path / "predictions.csv"
    assert main(["classify", str(manifest), "--out", str(out)]) == 4
    assert [row["path"] for row in table(out)] == ["cell_2.png", "cell_1.png"]
    shown = capsys.readouterr().err
    assert "gone.png is left out" in shown
    assert "3.2 erythrocyte" not in shown


def test_both_names_of_the_scale_count(cells: Path, tmp_path: Path, fake_models: FakeClassifier) -> None:
    fake_models.answer = None
    for column in ("rbc_px", "erythrocyte_px"):
        (cells / "list.csv").write_text(f"path,{column}\ncell_2.png,20\n")
        for command in ("classify", "segment"):
            out = tmp_path / f"{column}_{command}"
            target = out / "p.csv" if command == "classify" else out
            assert main([command, str(cells / "list.csv"), "--out", str(target)]) == 0
    for name in ("classify/p.csv", "segment/cell_2.png"):
        one, two = (tmp_path / f"{column}_{name}" for column in ("rbc_px", "erythrocyte_px"))
        assert one.read_bytes() == two.read_bytes()
    (cells / "list.csv").write_text("path\ncell_2.png\n")
    assert main(["segment", str(cells / "list.csv"), "--out", str(tmp_path / "plain")]) == 0
    assert (tmp_path / "plain" / "cell_2.png").read_bytes() != two.read_bytes()
    (cells / "list.csv").unlink()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no images"),
        ("path\n", "lists no images"),
        ("name\nx.png\n", "has no column path; name path"),
        ("path;rbc_px\nx.png;35\n", "has no column path; separate its columns with commas"),
        ("path,rbc_px\n,35\n", "line 2: no path"),
        ("path,erythrocyte_px\ncell_1.png,1e9\n", "line 2: erythrocyte diameter '1e9'"),
        ("path,rbc_px\ncell_1.png,nan\n", "from 4 to 2000"),
    ],
)
def test_a_manifest_says_what_it_lacks(
    tmp_path: Path, text: str, said: str, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(text)
    for command in ("classify", "segment", "compare"):
        words = [command, str(tmp_path / "list.csv"), "--out", str(tmp_path / "out")]
        assert main(words + (["--classifiers", "mlp"] if command == "compare" else [])) == 3
        shown = capsys.readouterr().err
        assert command == "compare" or said in shown
        assert shown.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("scale", ["1e9", "1e-9", "3.9", "2001", "inf", "nan", "0", "-35", ""])
@pytest.mark.parametrize(
    "words",
    [
        ["classify", "cells"],
        ["segment", "cells"],
        ["compare", "list.csv"],
        ["evaluate", "detector", "--images", "a", "--truth", "b", "--format", "voc"],
        ["train", "cnn", "--adapt", "list.csv"],
    ],
)
def test_an_impossible_scale_is_wrong_usage(
    words: list[str], scale: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--out", str(tmp_path / "out.csv"), f"--erythrocyte-px={scale}"]) == 2
    shown = capsys.readouterr().err
    assert "--erythrocyte-px" in shown
    assert shown.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "path\n", "name\nx.png\n", "path,rbc_px\ncell_1.png,zero\n", "path\n\xff", "path\n\0\n"]
)
def test_a_faulty_manifest(
    cells: Path, tmp_path: Path, text: str, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(text, encoding="latin-1")
    assert main(["classify", str(manifest), "--out", str(tmp_path / "p.csv")]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "p.csv").exists()


def test_an_image_that_no_cell_fits_in_is_left_out(
    cells: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cells"
    shutil.copytree(cells, folder)
    for shape, scale, words in (
        ((30, 200), ["--erythrocyte-px", "60"], "200×30 pixels where an erythrocyte is said to measure 60"),
        ((8, 9), [], "9×8 pixels, too few for a cell"),
    ):
        cv2.imwrite(str(folder / "small.png"), np.full((*shape, 3), 200, np.uint8))
        for command, out in (("classify", "p.csv"), ("segment", "masks")):
            assert main([command, str(folder), "--out", str(tmp_path / out), *scale]) == 4
            assert f"small.png is left out: shows {words}" in capsys.readouterr().err
        assert "small.png" not in {row["path"] for row in table(tmp_path / "p.csv")}
        assert not (tmp_path / "masks" / "small.png").exists()


def test_segment(cells: Path, tmp_path: Path) -> None:
    assert main(["segment", str(cells), "--out", str(tmp_path)]) == 0
    for name, side in zip(("below/cell_0.png", "cell_1.png", "cell_2.png"), SIDES, strict=True):
        picture = read(tmp_path / name)
        assert picture.shape == (side, side)
        assert set(np.unique(picture)) == {0, 128, 255}
        middle = picture[side // 3 : -side // 3, side // 3 : -side // 3]
        assert (middle == 255).mean() > 0.5
        assert (picture[0] == 0).all()


def test_segment_names_outlines_in_doubt(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    whole = read(cells / "cell_2.png")
    cv2.imwrite(str(tmp_path / "in" / "whole.png"), whole)
    cv2.imwrite(str(tmp_path / "in" / "tight.png"), whole[50:100, 50:100])
    assert main(["segment", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().err
    assert "warning: outlines in doubt: tight.png (" in shown
    assert "2 images segmented, 1 of them in doubt" in shown


@pytest.mark.parametrize("command", ["classify", "segment"])
def test_swapped_colours_and_a_wrong_scale_are_named(
    command: str, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(12):
        image = draw(number)
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "bgr").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "bgr" / f"{number}.png"), image)
    out = tmp_path / ("out" if command == "segment" else "out.csv")
    assert main([command, str(tmp_path / "in"), "--out", str(out), "--erythrocyte-px", "41"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main([command, str(tmp_path / "bgr"), "--out", str(out), "--erythrocyte-px", "60"]) == 0
    shown = capsys.readouterr().err
    assert "red and blue seem to be swapped" in shown
    assert "measure about 42 px" in shown and "not 60" in shown


def test_grey_images_are_named(
    tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), cv2.cvtColor(draw(0), cv2.COLOR_RGB2GRAY))
    assert main(["classify", str(tmp_path / "in"), "--out", str(tmp_path / "out.csv")]) == 0
    assert "warning: the images are grey" in capsys.readouterr().err


def test_a_sample_of_the_images_is_looked_at() -> None:
    check = CellCheck(300)
    for number in range(300):
        image = np.zeros((2000, 2000, 3) if number == 100 else (4, 4, 3), np.uint8)
        check.add(CellImage(f"{number}", image, np.full(3, 255.0), 41.0))
    assert [item.name for item in check._sample] == [str(10 * n) for n in range(30) if n != 10]


def test_masks_below_the_cells_are_no_cells(
    cells: Path, tmp_path: Path, fake_models: FakeClassifier, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(cells, tmp_path / "cells"))
    for _ in range(2):
        assert main(["segment", str(folder), "--out", str(folder / "masks")]) == 0
    assert not (folder / "masks" / "masks").exists()
    unmarked = read(folder / "masks" / "cell_1.png")
    out = tmp_path / "p.csv"
    assert main(["classify", str(folder), "--out", str(out)]) == 0
    assert {row["path"] for row in table(out)} == {"below/cell_0.png", "cell_1.png", "cell_2.png"}
    cv2.imwrite(str(folder / "masks" / "of_an_earlier_version.png"), unmarked)
    capsys.readouterr()
    assert main(["classify", str(folder), "--out", str(out)]) == 4
    assert "is a mask" in capsys.readouterr().err
    assert len(table(out)) == 3


def test_masks_have_the_levels_that_are_known_as_such() -> None:
    assert (BACKGROUND, CYTOPLASM, NUCLEUS) == MASK_LEVELS


def test_segment_by_the_classical_route(cells: Path, tmp_path: Path) -> None:
    for route in ("network", "classical"):
        assert main(["segment", str(cells), "--out", str(tmp_path / route), "--route", route]) == 0
    ours, theirs = (read(tmp_path / route / "cell_2.png") for route in ("network", "classical"))
    assert 0.9 < (ours == theirs).mean() < 1


def test_segment_knows_the_scale(cells: Path, tmp_path: Path) -> None:
    image = read(cells / "cell_1.png")
    wide = cv2.copyMakeBorder(image, 30, 30, 50, 50, cv2.BORDER_REPLICATE)
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "wide.png"), wide)
    assert main(["segment", str(cells), "--out", str(tmp_path / "plain")]) == 0
    words = ["segment", str(tmp_path / "in"), "--out", str(tmp_path / "wide"), "--erythrocyte-px", "35"]
    assert main(words) == 0
    plain, framed = read(tmp_path / "plain" / "cell_1.png"), read(tmp_path / "wide" / "wide.png")
    assert framed.shape == wide.shape[:2]
    assert (framed[30:-30, 50:-50] == plain).mean() > 0.999
    assert framed[:30].max() == 0


def test_names_that_differ_by_suffix_alone(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    image = read(cells / "cell_1.png")
    for suffix in ("png", "jpg", "bmp"):
        cv2.imwrite(str(tmp_path / "in" / f"cell.{suffix}"), image)
    assert main(["segment", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_names_that_differ_by_case_alone(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("Cell.jpg", "cell.png"):
        cv2.imwrite(str(tmp_path / "in" / name), read(cells / "cell_1.png"))
    assert main(["segment", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    assert len({path.name.casefold() for path in (tmp_path / "out").iterdir()}) == 2
