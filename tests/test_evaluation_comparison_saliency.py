"""Grad-CAM and integrated gradients in the comparison of networks of the registry."""

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

pytest.importorskip("tensorflow")

from cells.model_files import MANIFEST
from cells.vocabulary import CellClass
from classifiers.architectures import OPTICAL_DENSITY, RGB, architecture
from classifiers.network_plan import Plan
from classifiers.published_sets.rows import ImageRow
from classifiers.train_network import train
from commands.main import main
from evaluation.comparison import saliency as room
from evaluation.comparison.compare import Options, compare
from evaluation.comparison.disagreements import TILE, tiles_in_row
from evaluation.comparison.labelled import read_manifest_cells
from evaluation.comparison.record import schema
from evaluation.comparison.report import pages
from evaluation.comparison.saliency import GRAD_CAM, INTEGRATED, MISSING, SaliencyMaker
from evaluation.comparison.systems import open_systems
from evaluation.pages import Gallery
from slides.optics import optical_density, white_point
from slides.synthetic import Stain, draw_cell

C = CellClass
SIDE = 32
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four drawn cells of two kinds and six smears."""
    folder = tmp_path_factory.mktemp("cells")
    rng = np.random.default_rng(5)
    rows = []
    for number in range(24):
        label = (C.LYMPHOCYTE, C.EOSINOPHIL)[number % 2]
        crop = draw_cell(label, rng=rng, stain=Stain.random(rng))
        assert cv2.imwrite(str(folder / f"{number:02d}.png"), crop[:, :, ::-1])
        rows.append(f"{number:02d}.png,{label},smear {number // 4},35")
    path = folder / "ward.csv"
    path.write_text("\n".join(["path,label,group,erythrocyte_px", *rows, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def networks(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network trained on the cells, and the same one with its classes the other way round."""
    rows = []
    for line in manifest.read_text(encoding="utf-8").splitlines()[1:]:
        name, label, group, _ = line.split(",")
        rows.append(ImageRow(manifest.parent / name, label, group))
    folder = tmp_path_factory.mktemp("networks")
    right, wrong = folder / "simplenet", folder / "contrary"
    plan = Plan(("simplenet",), size=(SIDE, SIDE), epochs=2, batch=4, augmentation=())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(rows, plan, out=right, log=lambda _: None)
    shutil.copytree(right, wrong, ignore=shutil.ignore_patterns("work"))
    stored = json.loads((right / MANIFEST).read_text(encoding="utf-8"))
    stored["classes"].reverse()
    (wrong / MANIFEST).write_text(json.dumps(stored), encoding="utf-8")
    return right, wrong


@pytest.fixture(scope="module")
def written(manifest: Path, networks: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "comparison"
    listed = ",".join(map(str, networks))
    words = ["compare", str(manifest), "--classifiers", listed, "--names", "plain by RGB/1,contrary"]
    assert main([*words, "--allow-overlap", "--no-timing", "--out", str(out)]) == 0
    return out


def test_each_network_has_both_maps_stored_for_each_cell_shown(written: Path) -> None:
    document = json.loads((written / "comparison.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema()).validate(document)
    assert document["cases"]
    stored = {f"saliency/{path.name}" for path in (written / "saliency").iterdir()}
    named: list[str] = []
    for case in document["cases"]:
        assert [(one["system"], one["method"]) for one in case["saliency"]] == [
            ("plain by RGB/1", GRAD_CAM),
            ("plain by RGB/1", INTEGRATED),
            ("contrary", GRAD_CAM),
            ("contrary", INTEGRATED),
        ]
        for one in case["saliency"]:
            assert case["answers"][one["system"]].startswith(one["answer"])
            named += [one["picture"], one["map"]]
            assert cv2.imread(str(written / one["picture"])).shape == (112, 112, 3)
            with np.load(written / one["map"], allow_pickle=False) as found:
                heat = found["heat"]
            assert heat.shape == (SIDE, SIDE)
            assert 0.0 <= heat.min() <= heat.max() <= 1.0
    assert len(named) == len(set(named))
    assert set(named) == stored


def test_the_gallery_shows_them_beside_occlusion(manifest: Path, networks: tuple[Path, Path]) -> None:
    systems = open_systems(list(map(str, networks)))
    quick = Options(timing=False, allow_overlap=True, resamples=20, gallery=2)
    comparison = compare(systems, [read_manifest_cells(manifest)], options=quick)
    case = comparison.cases[0]
    assert case.tiles == (
        "the cell",
        "simplenet",
        "simplenet by Grad-CAM",
        "simplenet by integrated gradients",
        "contrary",
        "contrary by Grad-CAM",
        "contrary by integrated gradients",
    )
    assert case.picture.shape == (2 * TILE + 6, 4 * TILE + 3 * 6, 3)
    assert (case.picture[TILE + 6 :, -TILE:] == 255).all()  # the eighth tile is empty
    (gallery,) = (block for block in pages(comparison).blocks if isinstance(block, Gallery))
    assert "4 in a row: the cell; simplenet; simplenet by Grad-CAM" in gallery.caption
    assert "folder saliency" in gallery.caption


def test_rows_of_tiles_are_as_full_as_each_other() -> None:
    assert [tiles_in_row(count) for count in (1, 2, 4, 5, 6, 7, 8, 9, 13)] == [1, 2, 4, 3, 3, 4, 4, 3, 4]


@pytest.mark.parametrize("takes", [RGB, OPTICAL_DENSITY])
def test_nothing_speaks_on_an_empty_slide(takes: str) -> None:
    class Prepared:
        def __init__(self) -> None:
            self.takes = takes

        def prepared(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
            small = np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
            if takes == RGB:
                return small.astype(np.float32)
            return optical_density(small, white_point(small))

    maker = SaliencyMaker(Path("nowhere"), Prepared())  # type: ignore[arg-type]
    name = "simplenet" if takes == RGB else "residual_gn"
    maker.__dict__["_model"] = architecture(name).build(height=SIDE, width=SIDE, classes=2)
    rng = np.random.default_rng(0)
    drawn = draw_cell(C.LYMPHOCYTE, rng=rng, stain=Stain.random(rng))
    assert not maker.maps(np.full((112, 112, 3), 231, np.uint8), class_index=0)[1].heat.any()
    assert any(maker.maps(drawn, class_index=k)[1].heat.any() for k in (0, 1))


def test_without_tensorflow_the_report_says_that_maps_are_missing(
    manifest: Path, networks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "find_spec", lambda _: None)
    systems = open_systems(list(map(str, networks)))
    quick = Options(timing=False, allow_overlap=True, resamples=20, gallery=1)
    (case,) = compare(systems, [read_manifest_cells(manifest)], options=quick).cases
    assert case.tiles == ("the cell", "simplenet", "contrary")
    assert case.saliency == ()
    assert all(MISSING in text for _, text in case.answers)


def test_nothing_but_a_map_imports_tensorflow(networks: tuple[Path, Path]) -> None:
    code = (
        "import sys, numpy as np\n"
        "import evaluation.comparison.compare, evaluation.comparison.writing\n"
        "from evaluation.comparison.systems import open_systems\n"
        f"(system,) = open_systems([{str(networks[0])!r}])\n"
        "crops = np.full((1, 112, 112, 3), 200, np.uint8)\n"
        "system.classifier.predict(crops, np.full((1, 3), 240.0))\n"
        "print('tensorflow' in sys.modules, system.classifier.saliency.possible)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]
