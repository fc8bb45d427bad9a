"""Classifiers compared on drawn cells: overlap, figures, formulas, explanations, pages, records."""

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from cells.errors import DataError, InputError, ModelError, UsageError
from cells.model_files import open_model, write_manifest
from cells.records import Refusal
from cells.units import CROP_ERYTHROCYTE_PX
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers import training_hashes as hashes_module
from classifiers.ensemble import EnsembleClassifier
from classifiers.training_hashes import HASHES, TrainingHashes, add_training_hashes, file_hash, training_files
from evaluation.classifier_sets import SETS
from evaluation.comparison.compare import Comparison, Options, compare, scored_labels
from evaluation.comparison.disagreements import TILE
from evaluation.comparison.formulas import agree
from evaluation.comparison.labelled import LabelledCells, published_cells, read_manifest_cells
from evaluation.comparison.occlusion import draw_map, occlusion_map
from evaluation.comparison.overlap import find_overlaps
from evaluation.comparison.record import comparison_document, schema
from evaluation.comparison.report import pages
from evaluation.comparison.systems import ModelFacts, System, open_systems
from evaluation.comparison.tables import write_cells
from evaluation.comparison.verdict import verdict
from evaluation.comparison.writing import write_comparison
from evaluation.pages import Gallery, Paragraph, render_html
from tests.drawn_crops import draw

C = CellClass
KINDS = (C.NEUTROPHIL, C.LYMPHOCYTE, C.MONOCYTE)
HONEST = (
    CLASSIFIED.index(C.NEUTROPHIL_SEGMENTED),
    CLASSIFIED.index(C.LYMPHOCYTE),
    CLASSIFIED.index(C.MONOCYTE),
)


@dataclass
class Reader:
    """Reads the answer that the first pixel of a crop encodes; errs where the second says so."""

    name: str
    errs: int

    @property
    def classes(self) -> tuple[CellClass, ...]:
        return CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        assert len(whites) == len(crops)
        out = np.full((len(crops), len(CLASSIFIED)), 0.01, np.float32)
        code, trouble = crops[:, 0, 0, 0] % 3, crops[:, 0, 0, 1]
        wrong = trouble < self.errs
        answers = np.array(HONEST)[np.where(wrong, (code + 1) % 3, code)]
        out[np.arange(len(crops)), answers] = 0.91
        return out


def cells_of(name: str, count: int, *, groups: int = 0, seed: int = 0) -> LabelledCells:
    rng = np.random.default_rng(seed)
    crops = rng.integers(100, 200, (count, 112, 112, 3), dtype=np.uint8)
    crops[:, 0, 0, 0] = rng.integers(0, 3, count)
    crops[:, 0, 0, 1] = rng.integers(0, 100, count)
    labels = tuple(KINDS[k] for k in crops[:, 0, 0, 0])
    return LabelledCells(
        name,
        crops,
        np.full((count, 3), 240.0),
        labels,
        tuple(f"{k}.png" for k in range(count)),
        tuple(f"smear {k % groups}" if groups else "" for k in range(count)),
        tuple(f"{seed * 1000 + k:064x}"[::-1] for k in range(count)),
    )


def system(name: str, errs: int, *, trained_on: tuple[str, ...] | None = ()) -> System:
    known = None
    if trained_on is not None:
        known = TrainingHashes(np.unique(hashes_module.prefixes_of(trained_on)))
    facts = ModelFacts(Path(name), name, "cnn", "1", "ab" * 32, 3 << 20, known)
    return System(name, name, Reader(name, errs), (facts,))


QUICK = Options(timing=False, resamples=200, gallery=4)


@pytest.fixture(scope="module")
def two_sets() -> Comparison:
    sets = [cells_of("ward", 240, groups=8), cells_of("clinic", 90, seed=1)]
    return compare([system("good", 5), system("poor", 40)], sets, options=QUICK, facts={"leukoformula": "9"})


def test_the_better_classifier_is_named_with_what_it_is_better_at(two_sets: Comparison) -> None:
    whole, *_ = verdict(two_sets)
    assert whole.startswith("On all sets together (330 images) good is right most often")
    assert "better than poor beyond chance" in whole
    ward = next(text for text in verdict(two_sets) if text.startswith("On ward"))
    assert "better than poor on neutrophil (recall" in ward
    assert "p < 0.001" in ward


def test_equal_classifiers_cannot_be_told_apart() -> None:
    same = compare([system("a", 9), system("b", 9)], [cells_of("ward", 60)], options=QUICK)
    (text,) = verdict(same)
    assert "a and b are right equally often" in text
    assert "a cannot be told apart from b" in text
    assert same.results[0].pairs[0].whole.p == 1.0
    assert same.differing == 0
    assert not any(isinstance(block, Gallery) for block in pages(same).blocks)


def test_figures_count_every_cell(two_sets: Comparison) -> None:
    for result in two_sets.results:
        for one, errs in zip(result.judgements, (5, 40), strict=True):
            wrong = int((result.cells.crops[:, 0, 0, 1] < errs).sum())
            assert one.score.accuracy.total - one.score.accuracy.hits == wrong
            assert one.score.confusion.sum() == len(result.cells)
    assert two_sets.overall is not None
    assert two_sets.overall.accuracy[0].total == 330
    differing = sum(int(((t >= 5) & (t < 40)).sum()) for t in _trouble(two_sets))
    assert two_sets.differing == differing


def _trouble(comparison: Comparison) -> list[NDArray[np.uint8]]:
    return [result.cells.crops[:, 0, 0, 1] for result in comparison.results]


def test_training_images_are_refused_and_named() -> None:
    cells = cells_of("ward", 30)
    seen = system("seen", 5, trained_on=(cells.hashes[4], cells.hashes[7]))
    with pytest.raises(DataError, match=r"2 of the 30 images of ward \(4.png, 7.png, …\) .*--allow-overlap"):
        compare([seen], [cells], options=QUICK)
    allowed = Options(timing=False, resamples=50, allow_overlap=True)
    found = compare([seen, system("new", 6)], [cells], options=allowed)
    warnings = [b.text for b in pages(found).blocks if isinstance(b, Paragraph) and b.style == "warning"]
    assert any("TRAINED ON: seen was trained on 2 of the 30 images" in text for text in warnings)
    assert any("among the training images of seen" in text for text in verdict(found))
    assert [one["shared"] for one in comparison_document(found)["overlaps"]] == [2, 0]


def test_a_model_without_hashes_is_said_not_to_be_checked() -> None:
    found = compare([system("old", 5, trained_on=None)], [cells_of("ward", 30)], options=QUICK)
    assert "OVERLAP NOT CHECKED: old" in found.overlaps[0].words
    assert "OVERLAP NOT CHECKED: old" in render_html(pages(found))
    assert any("among the training images of old" in text for text in verdict(found))


def test_an_ensemble_is_checked_against_all_its_models() -> None:
    cells = cells_of("ward", 10)
    one, other = system("a", 1), system("b", 1, trained_on=(cells.hashes[3],))
    both = System("both", "both", Reader("both", 1), (*one.models, *other.models))
    (overlap,) = find_overlaps([cells], [both])
    assert (overlap.shared, overlap.examples, overlap.checked) == (1, ("3.png",), True)


def test_labels_finer_than_a_classifier_answers_are_scored_as_the_parent(tmp_path: Path) -> None:
    cells = cells_of("ward", 30)
    named = {C.NEUTROPHIL: C.NEUTROPHIL_SEGMENTED, C.LYMPHOCYTE: C.MYELOCYTE, C.MONOCYTE: C.BLAST}
    object.__setattr__(cells, "labels", tuple(named[label] for label in cells.labels))
    found = compare([system("a", 5)], [cells], options=QUICK)
    assert found.results[0].coarsened == {C.MYELOCYTE: C.IMMATURE_GRANULOCYTE}
    html = render_html(pages(found))
    assert "myelocyte as immature granulocyte is scored" in html
    assert "no classifier can answer blast" in html
    assert comparison_document(found)["sets"][0]["scored_as"] == {"myelocyte": "immature_granulocyte"}
    write_cells(found, tmp_path / "cells.csv")
    with (tmp_path / "cells.csv").open(newline="", encoding="utf-8") as handle:
        pairs = {(row["label"], row["scored_as"]) for row in csv.DictReader(handle)}
    assert pairs == {
        ("neutrophil_segmented", "neutrophil_segmented"),
        ("myelocyte", "immature_granulocyte"),
        ("blast", "blast"),
    }
    five = [C.NEUTROPHIL, C.LYMPHOCYTE]
    assert scored_labels([C.NEUTROPHIL_BAND], [CLASSIFIED, five]) == (C.NEUTROPHIL,)
    assert scored_labels([C.NEUTROPHIL_BAND], [CLASSIFIED]) == (C.NEUTROPHIL_BAND,)


def test_formulas_agree_as_the_answers_do() -> None:
    rng = np.random.default_rng(0)
    labels, answers, groups = [], [], []
    for smear in range(12):
        share = rng.uniform(0.2, 0.8)
        for cell in range(200):
            label = C.LYMPHOCYTE if cell < 200 * share else C.NEUTROPHIL_SEGMENTED
            labels.append(label)
            # every fourth lymphocyte is taken for an artefact, which no formula counts
            answers.append(C.ARTEFACT if label is C.LYMPHOCYTE and cell % 4 == 0 else label)
            groups.append(f"s{smear}")
    perfect, flawed = agree("x", labels, labels, groups), agree("x", labels, answers, groups)
    assert [c.line.slope.value for c in perfect.classes] == pytest.approx([1.0, 1.0])
    assert all(c.accepted and c.certain for c in perfect.classes)
    lymphocytes = flawed.classes[1]
    expected = [100 * 0.75 * p / (100 - 0.25 * p) for p in lymphocytes.truth]
    assert lymphocytes.found == pytest.approx(np.array(expected), abs=0.6)
    assert lymphocytes.limits.bias.value == pytest.approx(
        float(np.mean(expected) - lymphocytes.truth.mean()), abs=0.5
    )
    assert lymphocytes.r > 0.99


def test_children_are_pooled_in_formulas_where_some_truths_are() -> None:
    labels = [C.NEUTROPHIL, C.NEUTROPHIL_BAND, C.LYMPHOCYTE, C.MONOCYTE] * 40
    groups = [str(k // 32) for k in range(160)]
    found = agree("x", labels, labels, groups)
    assert [c.label for c in found.classes] == [C.NEUTROPHIL, C.LYMPHOCYTE, C.MONOCYTE]
    assert found.classes[0].mean == pytest.approx(50.0)


def test_without_groups_the_reason_stands_in_the_report(two_sets: Comparison) -> None:
    assert two_sets.results[1].agreements[0].reason == "the set names no smears or patients (column group)"
    assert "clinic: left out, as the set names no smears" in render_html(pages(two_sets))
    few = agree("x", [C.MONOCYTE] * 30, [C.MONOCYTE] * 30, ["a"] * 25 + ["b"] * 5)
    assert few.reason == "1 groups hold at least 20 leukocytes, 5 are needed (1 groups hold fewer)"


def test_every_file_is_written_and_true_to_its_schema(two_sets: Comparison, tmp_path: Path) -> None:
    write_comparison(two_sets, tmp_path)
    names = {"comparison.html", "comparison.pdf", "comparison.json", "cells.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    document = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(document)
    assert (tmp_path / "comparison.pdf").read_bytes().startswith(b"%PDF")
    again = tmp_path / "again"
    write_comparison(two_sets, again)
    assert all((again / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_the_schema_refuses_what_it_does_not_know(two_sets: Comparison) -> None:
    document = comparison_document(two_sets)
    for spoilt in ({**document, "schema": "x/1"}, {**document, "more": 1}, {**document, "verdict": []}):
        assert not Draft202012Validator(schema()).is_valid(spoilt)
    document["sets"][0]["pairs"][0]["p"] = 1.5
    assert not Draft202012Validator(schema()).is_valid(document)


def test_the_table_holds_every_cell_and_every_refusal(two_sets: Comparison, tmp_path: Path) -> None:
    result = two_sets.results[0]
    object.__setattr__(result.cells, "refused", (Refusal("torn.png", "it is torn"),))
    write_cells(two_sets, tmp_path / "cells.csv")
    object.__setattr__(result.cells, "refused", ())
    with (tmp_path / "cells.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 331
    assert [row["path"] for row in rows if row["reason"]] == ["torn.png"]
    read = [row for row in rows if not row["reason"]]
    assert sum(int(row["disagree"]) for row in read) == two_sets.differing
    assert sum(int(row["poor_right"]) for row in read) == sum(
        result.judgements[1].score.accuracy.hits for result in two_sets.results
    )
    assert {row["good_answer"] for row in read} == {"neutrophil", "lymphocyte", "monocyte"}


def test_the_gallery_shows_the_worst_with_a_map_for_each_network(two_sets: Comparison) -> None:
    assert len(two_sets.cases) == 4
    case = two_sets.cases[0]
    assert case.picture.shape == (TILE, 3 * TILE + 12, 3)
    assert case.tiles[0] == "the cell"
    assert [name for name, _ in case.answers] == ["good", "poor"]
    assert "(right)" in case.answers[0][1]
    assert "(wrong)" in case.answers[1][1]


def test_an_ensemble_takes_the_answers_of_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = system("left", 5), system("right", 60)
    whole = EnsembleClassifier([one.classifier, other.classifier], [1.0, 3.0])
    both = System("both", "both", whole, (*one.models, *other.models))
    cells = cells_of("ward", 40)
    alone = compare([both], [cells], options=QUICK).results[0].judgements[0]
    monkeypatch.setattr(EnsembleClassifier, "predict", lambda *_: pytest.fail("asked again"))
    quick = Options(timing=False, resamples=50, gallery=0)
    _, beside, _ = compare([one, both, other], [cells], options=quick).results[0].judgements
    assert (beside.probability == alone.probability).all()
    assert beside.answers == alone.answers


def test_an_ensemble_is_explained_by_its_members() -> None:
    members = [Reader("left", 5), Reader("right", 60)]
    both = System("both", "both", EnsembleClassifier(members, [1.0, 3.0]), system("x", 0).models)
    found = compare([system("good", 5), both], [cells_of("ward", 60)], options=QUICK)
    text = dict(found.cases[0].answers)["both"]
    assert "left gave" in text
    assert "right gave" in text


class Spot:
    """Sees a lymphocyte where the middle of the crop is dark."""

    name = "spot"
    classes = CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        del whites
        dark = 1 - crops[:, 52:60, 52:60].mean(axis=(1, 2, 3)) / 255
        out = np.full((len(crops), len(CLASSIFIED)), 1e-4)
        out[:, CLASSIFIED.index(C.LYMPHOCYTE)] = 0.05 + 0.9 * dark
        out[:, CLASSIFIED.index(C.MONOCYTE)] = 0.95 - 0.9 * dark
        return out.astype(np.float32)


def test_occlusion_finds_what_the_answer_hangs_on() -> None:
    crop = np.full((112, 112, 3), 230, np.uint8)
    crop[48:64, 48:64] = 20
    white = np.full(3, 240.0)
    values = occlusion_map(Spot(), crop, white, label=C.LYMPHOCYTE, against=C.MONOCYTE)
    assert values.shape == (112, 112)
    row, col = np.unravel_index(values.argmax(), values.shape)
    assert 44 <= row < 68
    assert 44 <= col < 68
    assert np.abs(values[:30]).max() < 1e-9
    turned = occlusion_map(Spot(), crop, white, label=C.MONOCYTE, against=C.LYMPHOCYTE)
    assert turned == pytest.approx(-values)
    drawn = draw_map(crop, values)
    assert drawn[56, 56, 0] > drawn[56, 56, 2]
    assert (drawn[:30] == drawn[:30, :, :1]).all()


def test_two_sets_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="ward"):
        compare([system("a", 1)], [cells_of("ward", 9), cells_of("ward", 9)], options=QUICK)


def test_known_answers_alone_are_refused_on_one_class() -> None:
    cells = cells_of("ward", 30)
    one = replace(cells, labels=(C.LYMPHOCYTE,) * 30)
    options = replace(QUICK, known_answers=True)
    with pytest.raises(DataError, match="all cells of ward are labelled lymphocyte"):
        compare([system("a", 1)], [one], options=options)
    compare([system("a", 1)], [cells], options=options)
    compare([system("a", 1)], [one], options=QUICK)


def write_image(path: Path, *, seed: int, side: int = 96) -> None:
    image = np.random.default_rng(seed).integers(150, 250, (side, side, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), image)


def write_manifest_csv(
    folder: Path, rows: list[str], header: str = "path,label,group,erythrocyte_px"
) -> Path:
    path = folder / "cells.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def test_a_manifest_is_read_with_what_cannot_be_read(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", seed=1)
    write_image(tmp_path / "b.png", seed=2)
    (tmp_path / "copy.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "torn.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    rows = [
        "a.png,lymphocyte,p1,30",
        "b.png,neutrophil,,",
        "copy.png,lymphocyte,p2,30",
        "torn.png,monocyte,p1,30",
    ]
    cells = read_manifest_cells(write_manifest_csv(tmp_path, rows))
    assert cells.paths == ("a.png", "b.png", "copy.png")
    assert cells.labels == (C.LYMPHOCYTE, C.NEUTROPHIL, C.LYMPHOCYTE)
    assert cells.groups == ("p1", "", "p2")
    assert [one.name for one in cells.refused] == ["torn.png"]
    assert (cells.assumed_scale, cells.repeated) == (1, 1)
    assert cells.hashes[0] == file_hash(tmp_path / "a.png") == cells.hashes[2]
    assert cells.crops.shape == (3, 112, 112, 3)
    assert (cells.crops[0] == cells.crops[2]).all()


def test_the_scale_of_a_manifest_is_known_by_both_names(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", seed=1)
    first = read_manifest_cells(write_manifest_csv(tmp_path, ["a.png,basophil,25"], "path,label,rbc_px"))
    second = read_manifest_cells(
        write_manifest_csv(tmp_path, ["a.png,basophil,25"], "path,label,erythrocyte_px")
    )
    third = read_manifest_cells(
        write_manifest_csv(tmp_path, ["a.png,basophil,"], "path,label,rbc_px"), erythrocyte_px=25
    )
    assert (first.crops == second.crops).all()
    assert (first.crops == third.crops).all()


def test_an_image_that_no_leukocyte_fits_in_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", seed=1)
    write_image(tmp_path / "b.png", seed=2)
    write_image(tmp_path / "tiny.png", seed=3, side=9)
    rows = ["a.png,basophil,,30", "b.png,basophil,,120", "tiny.png,basophil,,"]
    cells = read_manifest_cells(write_manifest_csv(tmp_path, rows))
    assert cells.paths == ("a.png",)
    assert [one.name for one in cells.refused] == ["b.png", "tiny.png"]
    assert "no leukocyte fits in" in cells.refused[0].reason
    assert cells.assumed_scale == 0


def test_cells_of_two_sets_are_told(tmp_path: Path) -> None:
    sets = [cells_of("ward", 30), cells_of("clinic", 10), cells_of("else", 10, seed=1)]
    comparison = compare([system("a", 1), system("b", 9)], sets, options=QUICK)
    assert [result.shared for result in comparison.results] == [0, 10, 0]
    (told,) = comparison.results[1].warnings
    assert told.startswith("clinic: the images of 10 cells stand in an earlier set")
    assert comparison_document(comparison)["sets"][1]["doubts"] == [told]


def test_a_split_can_be_chosen(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", seed=1)
    write_image(tmp_path / "b.png", seed=2)
    path = write_manifest_csv(tmp_path, ["a.png,basophil,train", "b.png,basophil,val"], "path,label,split")
    assert read_manifest_cells(path, split="val").paths == ("b.png",)
    with pytest.raises(DataError, match="'test'"):
        read_manifest_cells(path, split="test")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.png,neutrofil,,", "line 2: unknown label 'neutrofil'"),
        ("a.png,,,", "line 2: no path or no label"),
        (
            "a.png,monocyte,,\nb.png,monocyte,,\na.png,lymphocyte,,",
            "line 4: the image a.png stands in line 2",
        ),
        ("a.png,basophil,,-3", "line 2: erythrocyte diameter '-3'"),
        ("a.png,basophil,,nan", "line 2: erythrocyte diameter 'nan'"),
    ],
)
def test_a_faulty_manifest_is_refused(tmp_path: Path, row: str, message: str) -> None:
    write_image(tmp_path / "a.png", seed=1)
    with pytest.raises(DataError, match=message):
        read_manifest_cells(write_manifest_csv(tmp_path, [row]))


def test_a_manifest_of_nothing_readable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the 1 images"):
        read_manifest_cells(write_manifest_csv(tmp_path, ["a.png,basophil,,"]))
    with pytest.raises(DataError, match="cannot read the manifest"):
        read_manifest_cells(tmp_path / "no.csv")


def test_classifiers_are_known_by_name_or_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no classifier 'cmm'"):
        open_systems(["cmm"])
    with pytest.raises(UsageError, match="no classifier is given"):
        open_systems([])
    with pytest.raises(UsageError, match="2 classifiers, 1 names"):
        open_systems(["cnn", "mlp"], names=["a"])
    with pytest.raises(UsageError, match="one name"):
        open_systems(["cnn", "mlp"], names=["a", "a"])
    (tmp_path / "weights.bin").write_bytes(b"x")
    write_manifest(tmp_path, name="d", kind="detector", version="1", files=["weights.bin"], details={})
    with pytest.raises(ModelError, match="kind 'detector'"):
        open_systems([str(tmp_path)])


def test_hashes_are_read_as_they_were_written(tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.png" for k in range(6)]
    for number, path in enumerate(files):
        path.write_bytes(bytes([number // 2]))
    known = TrainingHashes.of(files[:4])
    content = known.to_bytes()
    assert len(content) == 8 + 8 * 2
    read = TrainingHashes.read(content)
    assert read.known([file_hash(path) for path in files]).tolist() == [True] * 4 + [False] * 2
    for spoilt in (b"", content[:-1], b"LFTRAIN2" + content[8:], content[:8] + content[16:] + content[8:16]):
        with pytest.raises(ModelError):
            TrainingHashes.read(spoilt)


def source(folder: Path) -> None:
    (folder / "pbc").mkdir()
    rows = []
    for number, split in enumerate(("train", "train", "val")):
        (folder / "pbc" / f"{number}.jpg").write_bytes(bytes([number]))
        rows.append(f"{number}.jpg,basophil,{split}")
    rows.append("3.jpg,smudge_cell,train")
    (folder / "pbc" / "manifest.csv").write_text("\n".join(["path,label,split", *rows]), encoding="utf-8")
    (folder / "txl_pbc" / "images" / "train").mkdir(parents=True)
    (folder / "txl_pbc" / "images" / "train" / "f.jpg").write_bytes(b"field")


SETTINGS = {"sources": {"pbc": 1.0, "artefacts": 0.2, "synthetic": 0.3, "synthetic_cells": 9, "bcisc": 0.0}}


def test_training_images_are_those_of_the_settings(tmp_path: Path) -> None:
    source(tmp_path)
    found = training_files(SETTINGS, data=tmp_path, artefacts=None)
    assert [path.name for path in found] == ["0.jpg", "1.jpg", "f.jpg"]


def test_hashes_are_added_to_a_model_and_nothing_else_changes(tmp_path: Path) -> None:
    source(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "w.bin").write_bytes(b"weights")
    details = {"settings": SETTINGS, "classes": ["a"], "temperature": 0.7}
    write_manifest(folder, name="cnn", kind="cnn", version="3", files=["w.bin"], details=details)
    before = open_model(folder)
    assert hashes_module.training_hashes(before) is None
    assert hashes_module.main(["--model", str(folder), "--data", str(tmp_path)]) == 0
    assert add_training_hashes(folder, data=tmp_path) == 3
    after = open_model(folder)
    assert list(after.contents) == ["w.bin", HASHES]
    assert after.sha256 == before.sha256
    assert {**after.manifest, "files": None} == {**before.manifest, "files": None}
    known = hashes_module.training_hashes(after)
    assert known is not None
    assert known.known([file_hash(tmp_path / "pbc" / f"{k}.jpg") for k in range(3)]).tolist() == [
        True,
        True,
        False,
    ]


def test_hashes_need_the_settings_of_the_training(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"weights")
    write_manifest(tmp_path, name="cnn", kind="cnn", version="3", files=["w.bin"], details={})
    with pytest.raises(ModelError, match="does not say what it was trained on"):
        add_training_hashes(tmp_path, data=tmp_path)


@pytest.mark.data
def test_a_published_set_brings_paths_hashes_and_groups(data: Path) -> None:
    cells = published_cells("bcisc", data)
    assert "bcisc" in SETS
    assert len(cells) == 268
    assert cells.paths[0].startswith("bcisc/images/")
    assert cells.hashes[0] == file_hash(data / cells.paths[0])
    assert set(cells.groups) == {""}


def test_swapped_colours_and_a_wrong_scale_are_told(tmp_path: Path) -> None:
    cells = cells_of("ward", 40)
    crops = np.full((40, 112, 112, 3), (232, 230, 236), np.uint8)
    crops[:, 16:96, 16:96] = np.stack([cv2.resize(draw(n), (80, 80)) for n in range(40)])
    whites = np.full((40, 3), (232.0, 230.0, 236.0))
    told = compare([system("a", 9)], [replace(cells, crops=crops, whites=whites)], options=QUICK)
    (warning,) = told.results[0].warnings
    assert "ward: the erythrocytes beside the cells are" in warning
    assert told.results[0].doubts.size == pytest.approx(1.14 * 20 / CROP_ERYTHROCYTE_PX, rel=0.1)
    swapped = replace(cells, crops=crops[..., ::-1].copy(), whites=whites[:, ::-1].copy())
    found = compare([system("a", 9)], [swapped], options=QUICK)
    assert "red and blue seem to be swapped" in found.results[0].warnings[0]
    assert comparison_document(found)["sets"][0]["doubts"] == list(found.results[0].warnings)
    write_comparison(found, tmp_path)
    assert "red and blue seem to be swapped" in (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert not compare([system("a", 9)], [cells], options=QUICK).results[0].warnings
