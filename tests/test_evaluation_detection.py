"""An evaluation from start to end, on drawn fields with known errors."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from detection_cases import ERYTHROCYTE_PX, FIELDS, box, find, paint, write_image, write_set, write_voc
from fakes import FakeClassifier
from pypdf import PdfReader

from cells.errors import CalibrationError, DataError, InputError, UsageError
from cells.vocabulary import CellClass
from detector.audit import read_audit
from detector.extra_negatives import extra_windows, read_extra_negatives
from detector.variations import Jitter
from evaluation.detection import (
    Evaluation,
    Request,
    evaluate_detector,
    evaluation_document,
    read_filled_audit,
    schema,
    write_evaluation,
)
from evaluation.detection.causes import Cause
from evaluation.detection.report import pages
from evaluation.pages import Gallery
from reports.schema_check import KEYWORDS, check
from slides.own_pictures import own_pictures


def _evaluate(images: Path, truth: Path, scanner: Any, form: str = "voc", **more: Any) -> Evaluation:
    others = {key: more.pop(key) for key in ("audit", "classifier") if key in more}
    given = {"erythrocyte_px": ERYTHROCYTE_PX, "resamples": 50, **more}
    return evaluate_detector(scanner, Request(images, truth, form, **given), **others)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return _evaluate(*write_set(tmp_path_factory.mktemp("small"), "voc"))


@pytest.fixture(scope="module")
def written(small: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    assert write_evaluation(small, folder) == {"hard_negatives": 2}
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("form", ["voc", "yolo", "coco"])
def test_the_figures_of_a_known_set(tmp_path: Path, form: str) -> None:
    made = _evaluate(*write_set(tmp_path, form), form=form)
    one = made.judgements[0]
    assert (one.counts.leukocytes, one.counts.found, one.counts.false) == (5, 4, 2)
    assert one.recall.value == pytest.approx(0.8)
    assert one.false_share.value == pytest.approx(2 / 6)
    assert one.per_field.value == pytest.approx(2 / 4)
    assert one.curve.at(-0.3) == pytest.approx((1.0, 2 / 7, 0.5))
    assert made.left_out == 0
    ranks = [1 / 2, 2 / 3, 3 / 4, 4 / 5, 5 / 7]
    assert one.average_precision.value == pytest.approx(sum([*[max(ranks)] * 4, ranks[-1]]) / 5)


def test_errors_stand_worst_first_with_their_scores(small: Evaluation) -> None:
    false, missed = small.errors("false"), small.errors("missed")
    assert [error.score for error, _ in false] == [0.7, 0.3]
    assert [error.score for error, _ in missed] == [-0.2]
    assert all(cause is not Cause.UNBOXED for _, cause in false)


def test_the_record_follows_its_schema(small: Evaluation, written: Path) -> None:
    document = json.loads((written / "evaluation.json").read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(evaluation_document(small)))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    check(document, schema(), where="evaluation.json")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "fields": 0}, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "more": 1}, schema())


def test_the_schema_uses_known_words_only() -> None:
    def words(part: object, *, named: bool) -> set[str]:
        if isinstance(part, list):
            return set().union(*(words(item, named=False) for item in part), set())
        if not isinstance(part, dict):
            return set()
        found = set() if named else set(part)
        for key, value in part.items():
            found |= words(value, named=not named and key in {"properties", "$defs"})
        return found

    assert words(schema(), named=False) <= KEYWORDS


def test_the_tables(small: Evaluation, written: Path) -> None:
    fields = _rows(written / "fields.csv")
    assert [row["image"] for row in fields] == sorted(FIELDS)
    assert {row["image"]: (row["found"], row["missed"], row["false"]) for row in fields} == {
        "a.png": ("2", "0", "0"),
        "b.png": ("1", "0", "1"),
        "empty.png": ("0", "0", "1"),
        "missed.png": ("1", "1", "0"),
    }
    verdicts = [row["verdict"] for row in _rows(written / "finds.csv")]
    assert sorted(verdicts) == ["false"] * 2 + ["missed"] + ["true"] * 4
    audit = _rows(written / "audit.csv")
    assert [(row["kind"], row["verdict"], row["reason"]) for row in audit] == [
        ("false", "", ""),
        ("false", "", ""),
        ("missed", "", ""),
    ]
    assert all(float(row["x1"]) > float(row["x0"]) >= 0 for row in audit)


def test_html_and_pdf_hold_the_figures(written: Path) -> None:
    html = (written / "evaluation.html").read_text(encoding="utf-8")
    assert "0.8000" in html
    assert html.count("<figure><img") == 3
    reader = PdfReader(written / "evaluation.pdf")
    text = " ".join(page.extract_text() for page in reader.pages)
    assert "Effect of the threshold" in text
    assert "FROC" in text


def test_the_same_input_gives_the_same_files(tmp_path: Path, written: Path, small: Evaluation) -> None:
    write_evaluation(small, tmp_path)
    names = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert all((written / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_hard_negatives_are_read_by_the_training(written: Path) -> None:
    fields = read_extra_negatives(written / "hard_negatives.csv")
    assert len(fields) == 2
    for field in fields:
        assert field.erythrocyte_px == pytest.approx(ERYTHROCYTE_PX)
        assert len(field.leukocytes) == 1
    drawn = {"seed": 1, "variants": 3, "shift": 0.1, "jitter": Jitter()}
    windows = extra_windows(fields, **drawn)
    assert 2 <= len(windows) <= 6
    assert (windows == extra_windows(fields, **drawn)).all()
    assert len(extra_windows([], **drawn)) == 0


def test_hard_negatives_are_no_fields(written: Path) -> None:
    names = [path.name for path in (written / "hard_negatives").iterdir()]
    assert own_pictures(written / "hard_negatives", names) == set(names)


def test_a_hard_negative_shows_the_place_of_the_false_find(small: Evaluation, written: Path) -> None:
    row = _rows(written / "hard_negatives.csv")[0]
    assert (row["image"], row["score"]) == ("empty.png", "0.7000")
    top = float(row["image_row"]) - float(row["row"])
    left = float(row["image_col"]) - float(row["col"])
    assert top == int(top)
    whole = paint(2)
    part = read_extra_negatives(written / "hard_negatives.csv")[0].image
    expected = whole[int(top) : int(top) + part.shape[0], int(left) : int(left) + part.shape[1]]
    assert (part == expected).all()


@pytest.mark.parametrize(
    "change",
    [{"path": "../out.png"}, {"row": "x"}, {"row": "-5"}, {"erythrocyte_px": "0"}, {"white_r": "nan"}],
)
def test_bad_hard_negatives_are_refused(written: Path, change: dict[str, str]) -> None:
    rows = _rows(written / "hard_negatives.csv")
    path = written / "bad.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerow({**rows[0], **change})
    with pytest.raises(DataError):
        read_extra_negatives(path)
    path.unlink()
    with pytest.raises(DataError, match="no readable list"):
        read_extra_negatives(path)


def test_an_audit_list_filled_in_corrects_the_truth(tmp_path: Path, written: Path) -> None:
    rows = _rows(written / "audit.csv")
    verdicts = ["unboxed_leukocyte", "detector_error", "not_a_leukocyte"]
    path = tmp_path / "audit.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows({**row, "verdict": verdict} for row, verdict in zip(rows, verdicts, strict=True))
    images, truth, scanner = write_set(tmp_path, "voc")
    made = _evaluate(images, truth, scanner, audit=read_filled_audit(path))
    counts = made.judgements[0].counts
    assert (counts.leukocytes, counts.found, counts.false) == (5, 5, 1)
    path.write_text("image,x0,y0,x1,y1,verdict\na.png,1,2,3,4,nonsense\n")
    with pytest.raises(DataError, match="line 2"):
        read_filled_audit(path)
    path.write_text("image,x0\na.png,1\n")
    with pytest.raises(DataError, match="no readable audit"):
        read_filled_audit(path)


def test_the_projects_own_audit_lists_read_the_same() -> None:
    folder = Path(__file__).resolve().parent.parent / "evaluation" / "audits"
    for path in sorted(folder.glob("*.csv")):
        assert read_filled_audit(path) == read_audit(path)


def test_figures_behind_the_classifier(tmp_path: Path) -> None:
    rejecting = FakeClassifier({CellClass.ARTEFACT: 1.0})
    made = _evaluate(*write_set(tmp_path, "voc"), classifier=rejecting)
    both = {one.name: one for one in made.judgements}
    assert both["detector"].counts.found == 4
    behind = both["detector and classifier"]
    assert (behind.counts.found, behind.counts.false) == (0, 0)
    assert math.isnan(behind.false_share.value)
    assert behind.recall.value == 0
    assert behind.average_precision.value == 0
    assert all(error.answer is not None and error.answer.rejected for error in made.scanned.errors)
    write_evaluation(made, tmp_path / "out")
    check(evaluation_document(made), schema(), where="document")


def test_empty_fields_and_empty_truth_are_normal(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "i" / f"{name}.png", paint(0))
        write_voc(tmp_path / "t" / f"{name}.xml", [])
    _, _, scanner = write_set(tmp_path / "other", "voc")
    scanner.finds = {}
    made = _evaluate(tmp_path / "i", tmp_path / "t", scanner)
    one = made.judgements[0]
    assert math.isnan(one.recall.value)
    assert one.per_field.value == 0
    assert one.per_field.exact[1] == pytest.approx(3.6889 / 2, abs=1e-3)
    write_evaluation(made, tmp_path / "out")
    check(evaluation_document(made), schema(), where="document")
    assert (tmp_path / "out" / "hard_negatives.csv").read_text().count("\n") == 1


def test_fields_that_cannot_be_judged_are_counted(tmp_path: Path) -> None:
    images, truth, scanner = write_set(tmp_path, "voc")
    (images / "torn.png").write_bytes(b"no image")
    write_image(images / "lone.png", paint(9))
    made = _evaluate(images, truth, scanner)
    assert made.left_out == 2
    assert len(made.scanned.fields) == 4


def test_nothing_usable_is_an_input_error(tmp_path: Path) -> None:
    images, _, scanner = write_set(tmp_path, "voc")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=r"no field .* can be judged .*no annotation"):
        _evaluate(images, tmp_path / "nothing", scanner)


def test_the_scale_comes_from_boxes_then_from_the_erythrocytes(tmp_path: Path) -> None:
    images, truth, scanner = write_set(tmp_path, "voc")
    cells = [box(30, 30 + 55 * n, 38, "RBC") for n in range(4)]
    write_voc(truth / "a.xml", [*FIELDS["a.png"], *cells])
    made = _evaluate(images, truth, scanner, erythrocyte_px=None)
    scales = {field.name: s for field, s in zip(made.scanned.fields, made.scanned.scales, strict=True)}
    assert scales["a.png"].source == "boxes"
    assert {scale.source for name, scale in scales.items() if name != "a.png"} == {"boxes of its size"}
    assert all(scale.erythrocyte_px == pytest.approx(38) for scale in scales.values())
    by_um = _evaluate(images, truth, scanner, erythrocyte_px=None, um_per_px=0.25)
    assert by_um.scanned.scales[0].erythrocyte_px == pytest.approx(7.5 / 0.25 * 1.14)


def test_without_any_scale_the_fields_are_left_out_with_the_remedy(tmp_path: Path) -> None:
    write_image(tmp_path / "i" / "a.png", np.full((60, 60, 3), 235, np.uint8))
    write_voc(tmp_path / "t" / "a.xml", [], shape=(60, 60))
    _, _, scanner = write_set(tmp_path / "other", "voc")
    with pytest.raises(InputError, match="--erythrocyte-px"):
        _evaluate(tmp_path / "i", tmp_path / "t", scanner, erythrocyte_px=None)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"um_per_px": 0.1}, UsageError),
        ({"threshold": 3.0}, UsageError),
        ({"threshold": math.nan}, UsageError),
        ({"resamples": 0}, UsageError),
        ({"erythrocyte_px": None, "um_per_px": 99.0}, CalibrationError),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, more: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        _evaluate(*write_set(tmp_path, "voc"), **more)


def test_the_gallery_is_bounded_and_pictures_have_three_tiles(small: Evaluation) -> None:
    galleries = [block for block in pages(small, gallery=1).blocks if isinstance(block, Gallery)]
    assert [len(gallery.pictures) for gallery in galleries] == [1, 1]
    assert all(p.image.shape == (224, 684, 3) for gallery in galleries for p in gallery.pictures)


def test_hostile_names_are_shown_not_obeyed(tmp_path: Path) -> None:
    name = "a<script>alert(1)<'&\".png"
    write_image(tmp_path / "plain.png", paint(0, [(100, 100)]))
    (tmp_path / "i").mkdir()
    (tmp_path / "plain.png").rename(tmp_path / "i" / name)
    write_voc(tmp_path / "t" / f"{name[:-4]}.xml", [box(100, 100), box(20, 20, 20, "&lt;b&gt;")])
    _, _, scanner = write_set(tmp_path / "other", "voc")
    scanner.finds = {0: [find(180, 250, 0.4)]}
    made = _evaluate(tmp_path / "i", tmp_path / "t", replace(scanner))
    write_evaluation(made, tmp_path / "out")
    html = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "a&lt;script&gt;" in html
    assert _rows(tmp_path / "out" / "fields.csv")[0]["image"] == name


@pytest.mark.data
@pytest.mark.model
def test_published_fields_give_the_figures_of_the_older_tool(data: Path) -> None:
    from evaluation.boxes import AUDITS, truth_fields
    from evaluation.detection.labels import Roles
    from evaluation.detection.scale import scales_of
    from evaluation.detection.scan import scan_fields
    from evaluation.detection.truth import load_truth
    from evaluation.detector_runs import run_detector
    from leukoformula.store import load_detector

    folder = data / "deepbionet"
    scanner, _ = load_detector()
    audit = read_filled_audit(AUDITS / "deepbionet.csv")
    truth = load_truth(folder / "Images", folder / "Annotations", form="voc", roles=Roles(), audit=audit)
    truth.fields = truth.fields[:12]
    scales, _ = scales_of(truth.fields)
    made = scan_fields(scanner, truth.fields, scales)
    names = {field.name for field in truth.fields}
    known = [field for field in truth_fields(data, "deepbionet") if field.name in names]
    older = {one.name: one for one in run_detector(scanner, known)}
    for one in made.outcomes:
        assert (len(one.pairs), one.false, one.missed) == (
            len(older[one.name].pairs),
            older[one.name].false,
            older[one.name].missed,
        )
