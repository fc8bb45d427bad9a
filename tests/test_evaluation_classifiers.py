"""Scores of classifiers on labelled sets."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cells.errors import DataError
from cells.units import CROP_PX, CROP_UM
from cells.vocabulary import CLASSIFIED, CellClass
from evaluation import classifier_sets
from evaluation import classifiers as room
from evaluation.classifier_sets import SETS, LabelledSet, labelled_set
from evaluation.classifiers import blurred, main
from slides.optics import white_point
from slides.synthetic import draw_cell


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no labelled set"):
        labelled_set("mnist", tmp_path)


def test_a_missing_model_gives_the_exit_code_of_a_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--data", str(tmp_path), "--models", str(tmp_path), "--classifier", "mlp", "--set", "bccd"])
    assert code == 3
    assert capsys.readouterr().err.count("\n") == 1


def drawn_cells() -> LabelledSet:
    rng = np.random.default_rng(3)
    labels = (CellClass.NEUTROPHIL_SEGMENTED, CellClass.EOSINOPHIL, CellClass.LYMPHOCYTE, CellClass.MONOCYTE)
    crops = np.stack([draw_cell(label, rng=rng) for label in labels])
    return LabelledSet(crops, np.stack([white_point(crop) for crop in crops]), labels)


@pytest.mark.parametrize("blur_um", [0.3, 1.0])
def test_a_point_is_blurred_by_the_standard_deviation_in_micrometres(blur_um: float) -> None:
    points = np.zeros((2, CROP_PX, CROP_PX, 3), np.uint8)
    points[:, CROP_PX // 2 - 2 : CROP_PX // 2 + 3] = 255
    rows = np.arange(CROP_PX, dtype=float) - CROP_PX // 2
    spread = blurred(points, blur_um=blur_um)[1, :, 50, 0].astype(float)
    variance = (spread * rows**2).sum() / spread.sum() - 2.0
    assert np.sqrt(variance) * CROP_UM / CROP_PX == pytest.approx(blur_um, rel=0.05)


def test_drawn_cells_lose_detail_but_no_stain_and_are_not_written_to() -> None:
    crops = drawn_cells().crops
    before = crops.copy()
    soft = blurred(crops, blur_um=0.5)
    assert np.array_equal(crops, before)
    assert (soft.shape, soft.dtype) == (crops.shape, np.uint8)
    assert np.allclose(soft.mean(axis=(1, 2)), crops.mean(axis=(1, 2)), atol=1.0)
    steps, soft_steps = (np.abs(np.diff(c.astype(float), axis=2)).mean(axis=(1, 2, 3)) for c in (crops, soft))
    assert (soft_steps < 0.8 * steps).all()
    assert np.array_equal(blurred(crops, blur_um=0.0), crops)
    assert blurred(crops[:0], blur_um=0.5).shape == (0, *crops.shape[1:])


class Noting:
    """Takes every cell for a lymphocyte and keeps the crops that it is shown."""

    name = "noting"
    classes = CLASSIFIED

    def __init__(self) -> None:
        self.seen = np.empty(0, np.uint8)

    def predict(self, crops: np.ndarray, _: np.ndarray) -> np.ndarray:
        self.seen = crops
        sure = np.array([[float(c is CellClass.LYMPHOCYTE) for c in CLASSIFIED]], np.float32)
        return np.repeat(sure, len(crops), axis=0)


def test_the_command_blurs_what_the_classifier_sees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cells, classifier = drawn_cells(), Noting()
    monkeypatch.setattr(room, "labelled_set", lambda *_: cells)
    monkeypatch.setattr(room, "load_classifier", lambda *_, **__: (classifier, ()))
    given = ["--data", str(tmp_path), "--models", str(tmp_path), "--classifier", "cnn", "--set", "bccd"]
    assert main(given) == 0
    assert np.array_equal(classifier.seen, cells.crops)
    assert capsys.readouterr().out.startswith("cnn on bccd, 4 images\naccuracy 0.2500")
    assert main([*given, "--as-smear"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "cnn on bccd, 4 images, as one smear\nborder of eosinophils not moved, no neutrophils\n"
    )
    assert main([*given, "--blur", "0.3"]) == 0
    assert np.array_equal(classifier.seen, blurred(cells.crops, blur_um=0.3))
    assert capsys.readouterr().out.startswith("cnn on bccd, 4 images, blurred by 0.3 µm\naccuracy 0.2500")


def test_a_classifier_without_prior_is_refused_one_taken_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "labelled_set", lambda *_: drawn_cells())
    monkeypatch.setattr(room, "load_classifier", lambda *_, **__: (Noting(), ()))
    given = ["--data", str(tmp_path), "--models", str(tmp_path), "--classifier", "cnn", "--set", "bccd"]
    assert main([*given, "--no-prior"]) == 2
    assert "no prior" in capsys.readouterr().err


@pytest.mark.parametrize("blur", ["-0.1", "nan", "30", "much"])
def test_an_impossible_blur_is_a_fault_of_use(
    blur: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--data", str(tmp_path), "--models", str(tmp_path), "--classifier", "cnn", "--set", "bccd"]
    with pytest.raises(SystemExit) as ended:
        main([*given, f"--blur={blur}"])
    assert ended.value.code == 2
    assert "--blur" in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("bccd", 354),
        ("bccd_read", 352),
        ("bcisc", 268),
        ("deepbionet", 191),
        ("jtsc", 300),
        ("pbc_val", 1181),
    ],
)
def test_every_image_of_a_set_is_there(data: Path, name: str, images: int) -> None:
    cells = labelled_set(name, data)
    assert name in SETS
    assert cells.crops.shape == (images, 112, 112, 3)
    assert len(cells.whites) == len(cells.labels) == images


def _readings(name: str) -> list[dict[str, str]]:
    path = Path(classifier_sets.__file__).parent / "readings" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.data
def test_the_readings_of_bccd_beside_its_published_classes(data: Path) -> None:
    published, rows = labelled_set("bccd", data).labels, _readings("bccd")
    pairs = Counter(
        (str(label), row["label"]) for label, row in zip(published, rows, strict=True) if row["label"]
    )
    assert [row["reader_a"] == row["reader_b"] for row in rows].count(True) == pairs.total() == 352
    assert sum(n for (one, other), n in pairs.items() if one != other) == 47
    assert (pairs["eosinophil", "eosinophil"], pairs["eosinophil", "neutrophil"]) == (44, 41)
    assert (pairs["neutrophil", "neutrophil"], pairs["lymphocyte", "lymphocyte"]) == (210, 35)
    assert (pairs["monocyte", "lymphocyte"], pairs["monocyte", "neutrophil"]) == (4, 2)


@pytest.mark.data
def test_the_readings_of_jtsc_beside_its_published_classes(data: Path) -> None:
    cells = labelled_set("jtsc", data)
    read = {row["image"]: (row["reader_a"], row["reader_b"]) for row in _readings("jtsc")}
    told = [(str(label), *read[file.name]) for label, file in zip(cells.labels, cells.files, strict=True)]
    assert sum(label == one == other for label, one, other in told) == 266
    assert sum(label in others for label, *others in told) == 288
    assert told.count(("neutrophil", "neutrophil", "eosinophil")) == 18
