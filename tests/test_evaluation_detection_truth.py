"""Truth in three formats and its faults: named and listed, never a crash."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from detection_cases import FIELDS, SHAPE, box, coco_document, paint, write_image, write_set, write_voc

from cells.errors import DataError, InputError, UsageError
from detector.truth import ERYTHROCYTE, LEUKOCYTE, PLATELET, Box
from evaluation.detection.coco import read_coco
from evaluation.detection.labels import OPEN, Roles
from evaluation.detection.truth import DOUBTED, Truth, load_truth
from slides.own_pictures import mark_png

ROLES = Roles()


def _load(images: Path, truth: Path, form: str, **more: Any) -> Truth:
    return load_truth(images, truth, form=form, roles=more.pop("roles", ROLES), **more)


@pytest.mark.parametrize("form", ["voc", "yolo", "coco"])
def test_each_format_gives_the_same_boxes(tmp_path: Path, form: str) -> None:
    images, truth, _ = write_set(tmp_path, form)
    read = _load(images, truth, form)
    assert read.faults == []
    assert [field.name for field in read.fields] == sorted(FIELDS)
    for field in read.fields:
        assert (field.height, field.width) == SHAPE
        expected = FIELDS[field.name]
        assert len(field.leukocytes) == len(expected)
        for one, other in zip(field.leukocytes, expected, strict=True):
            assert one.centre == pytest.approx(other.centre, abs=0.01)
            assert one.size == pytest.approx(other.size, abs=0.01)


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("WBC", LEUKOCYTE),
        ("White Blood Cells", LEUKOCYTE),
        ("neutrophils", LEUKOCYTE),
        ("Band-Neutrophil", LEUKOCYTE),
        ("blast", LEUKOCYTE),
        ("RBC", ERYTHROCYTE),
        ("Platlets", PLATELET),
        ("giant platelet", PLATELET),
        ("smudge cell", OPEN),
        ("NRBC", OPEN),
        ("erythroblast", OPEN),
        ("dog", None),
        ("", None),
    ],
)
def test_roles_of_labels(label: str, role: str | None) -> None:
    assert ROLES.of_label(label) == role


def test_labels_of_the_user_replace_the_leukocytes() -> None:
    roles = Roles.of(["dog", "Neutrophil"])
    assert roles.of_label("DOG") == LEUKOCYTE
    assert roles.of_label("neutrophils") == LEUKOCYTE
    assert roles.of_label("WBC") == OPEN
    assert roles.of_label("RBC") == ERYTHROCYTE


def test_faults_of_voc_files_are_listed(tmp_path: Path) -> None:
    images, truth = tmp_path / "i", tmp_path / "t"
    for name in ("sound", "torn", "lone", "bomb", "latin", "many"):
        write_image(images / f"{name}.png", paint(0))
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n not much")
    write_voc(truth / "sound.xml", [box(100, 100)])
    write_voc(truth / "broken.xml", [box(100, 100)])
    write_voc(truth / "nowhere.xml", [box(100, 100)])
    (truth / "torn.xml").write_text("<annotation><object>", encoding="utf-8")
    bomb = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;">]><annotation>&c;</annotation>'
    (truth / "bomb.xml").write_text(bomb, encoding="utf-8")
    (truth / "latin.xml").write_bytes("<annotation>é</annotation>".encode("latin-1"))
    sound = box(100, 100)
    write_voc(
        truth / "many.xml",
        [
            sound,
            sound,
            Box(50, 50, 40, 60, "WBC"),
            Box(-500, -500, -400, -400, "WBC"),
            Box(300, 200, 400, 300, "WBC"),
            Box(10, 10, 30, 30, "dog"),
            Box(float("nan"), 1, 2, 3, "WBC"),
        ],
        shape=(99, 99),
    )
    read = _load(images, truth, "voc")
    assert [field.name for field in read.fields] == ["many.png", "sound.png"]
    out = {fault.where: fault.what for fault in read.faults if fault.left_out}
    assert set(out) == {"broken.png", "torn.png", "lone.png", "bomb.png", "latin.png"}
    assert "has no annotation" in out["lone.png"]
    assert "document type" in out["bomb.png"]
    told = " | ".join(fault.what for fault in read.faults if fault.where == "many.png")
    for said in ("states a size", "repeats an earlier box", "without area", "beyond the image", "'dog'"):
        assert said in told
    assert any(f.where == "nowhere.xml" and f.kind == "image" and not f.left_out for f in read.faults)
    many = read.fields[0]
    assert len(many.leukocytes) == 2


def test_faults_of_yolo_files_are_listed(tmp_path: Path) -> None:
    images, truth = tmp_path / "i", tmp_path / "t"
    write_image(images / "a.png", paint(0))
    truth.mkdir()
    lines = [
        "0 0.5 0.5 0.2 0.2",
        "7 0.5 0.5 0.1 0.1",
        "0 x 0 0 0",
        "0 0.5",
        "0 0.5 0.5 -0.1 0.1",
        "0 2 2 0.1 0.1",
    ]
    (truth / "a.txt").write_text("\n".join([*lines, "0 nan nan nan nan", "1 1e999 0 1 1"]), encoding="utf-8")
    read = _load(images, truth, "yolo")
    assert len(read.fields[0].leukocytes) == 1
    assert len(read.faults) == 7
    assert not any(fault.left_out for fault in read.faults)


def test_yolo_class_names_from_a_file(tmp_path: Path) -> None:
    images, truth = tmp_path / "i", tmp_path / "t"
    write_image(images / "a.png", paint(0))
    truth.mkdir()
    (truth / "classes.txt").write_text("RBC\nWBC\ncat\n", encoding="utf-8")
    (truth / "a.txt").write_text(
        "1 0.5 0.5 0.2 0.2\n0 0.2 0.2 0.1 0.1\n2 0.8 0.8 0.1 0.1\n", encoding="utf-8"
    )
    field = _load(images, truth, "yolo").fields[0]
    assert (len(field.leukocytes), len(field.erythrocytes)) == (1, 1)
    with pytest.raises(DataError, match="class names"):
        _load(images, truth, "yolo", classes=tmp_path / "missing.txt")


def test_a_picture_that_comes_twice_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "i" / f"{name}.png", paint(0))
        write_voc(tmp_path / "t" / f"{name}.xml", [box(60, 60)])
    read = _load(tmp_path / "i", tmp_path / "t", "voc")
    (fault,) = read.faults
    assert (fault.where, fault.what) == ("b.png", "is the same picture as a.png; it is judged twice")
    assert len(read.fields) == 2


def test_links_capitals_and_other_formats_among_the_images(tmp_path: Path) -> None:
    write_image(tmp_path / "elsewhere" / "a.png", paint(0))
    (tmp_path / "i").mkdir()
    (tmp_path / "i" / "smear").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "i" / "b.webp").write_bytes(b"RIFF")
    write_voc(tmp_path / "t" / "a.XML", [box(60, 60)])
    write_voc(tmp_path / "t" / "b.xml", [box(60, 60)])
    read = _load(tmp_path / "i", tmp_path / "t", "voc")
    assert [(field.name, len(field.leukocytes)) for field in read.fields] == [("smear/a.png", 1)]
    (fault,) = read.faults
    assert (fault.where, fault.left_out) == ("b.webp", True)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("../../data.yaml", "train: ../train/images\nnc: 3\nnames: ['Platelets', 'RBC', 'WBC']\n"),
        ("../data.yaml", "names:\n  0: Platelets\n  # cells\n  1: RBC\n  2: 'WBC'\npath: .\n"),
        ("data.yml", "names:\n- Platelets\n- RBC\n- WBC # leukocytes\nnc: 3\n"),
        ("../obj.names", "Platelets\nRBC\nWBC\n"),
        ("../classes.txt", "Platelets\r\nRBC\r\nWBC"),
    ],
)
def test_yolo_class_names_from_the_exporting_program(tmp_path: Path, place: str, text: str) -> None:
    images, truth = tmp_path / "set" / "train" / "images", tmp_path / "set" / "train" / "labels"
    write_image(images / "a.png", paint(0))
    truth.mkdir()
    (truth / "a.txt").write_text("2 0.5 0.5 0.2 0.2\n1 0.2 0.2 0.1 0.1\n0 0.8 0.8 0.05 0.05\n")
    assert len(_load(images, truth, "yolo").fields[0].platelets) == 1
    (truth / place).write_bytes(text.encode())
    read = _load(images, truth, "yolo")
    (field,) = read.fields
    assert (field.leukocytes[0].size, field.erythrocytes[0].size) == pytest.approx((56.0, 28.0))
    assert read.classes == f"0 Platelets, 1 RBC, 2 WBC ({Path(place).name})"
    assert read.faults == []
    read = _load(images, truth, "yolo", classes=truth / place)
    assert read.fields == [field]


@pytest.mark.parametrize("text", ["nc: 3\n", "names: {0: WBC}\n", "names: []\n", ""])
def test_a_file_that_names_no_class_is_refused(tmp_path: Path, text: str) -> None:
    write_image(tmp_path / "i" / "a.png", paint(0))
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "data.yaml").write_text(text)
    with pytest.raises(DataError, match="--class-names"):
        _load(tmp_path / "i", tmp_path / "t", "yolo")


def test_annotations_of_another_size_are_doubted(tmp_path: Path) -> None:
    write_image(tmp_path / "i" / "a.png", paint(0))
    write_voc(tmp_path / "t" / "a.xml", [box(60, 60)], (SHAPE[1], SHAPE[0]))
    (fault,) = [
        fault for fault in _load(tmp_path / "i", tmp_path / "t", "voc").faults if fault.kind == DOUBTED
    ]
    assert fault.what.startswith("1 annotations state another size")


@pytest.mark.parametrize("form", ["voc", "coco"])
def test_names_that_do_not_match_are_doubted_where_images_are_taken_for_empty(
    tmp_path: Path, form: str
) -> None:
    images, truth, _ = write_set(tmp_path, form)
    assert _load(images, truth, form, missing="empty").faults == []
    (images / "a.png").rename(images / "4f1c-a.png")
    faults = _load(images, truth, form, missing="empty").faults
    (doubt,) = [fault for fault in faults if fault.kind == DOUBTED]
    assert doubt.what.startswith("1 images without annotation are taken for empty, and 1 annotations")


def test_unknown_labels_are_named_and_a_truth_without_leukocytes_is_doubted(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        write_image(tmp_path / "i" / f"{name}.png", paint(number))
        write_voc(tmp_path / "t" / f"{name}.xml", [replace(box(60, 60), label="Лейкоцит")])
    *single, label, doubt = _load(tmp_path / "i", tmp_path / "t", "voc").faults
    assert [fault.where for fault in single] == ["a.png", "b.png"]
    assert (label.kind, doubt.kind) == ("label", DOUBTED)
    assert "'Лейкоцит' is unknown: its 2 boxes" in label.what
    roles = Roles.of(("лейкоцит",))
    assert _load(tmp_path / "i", tmp_path / "t", "voc", roles=roles).faults == []


def test_an_image_without_annotation_may_be_empty(tmp_path: Path) -> None:
    write_image(tmp_path / "i" / "a.png", paint(0))
    (tmp_path / "t").mkdir()
    assert _load(tmp_path / "i", tmp_path / "t", "yolo").fields == []
    read = _load(tmp_path / "i", tmp_path / "t", "yolo", missing="empty")
    assert read.fields[0].leukocytes == ()
    assert read.faults == []


def test_pictures_that_the_program_made_are_no_fields(tmp_path: Path) -> None:
    write_image(tmp_path / "i" / "a.png", paint(0))
    write_image(made := tmp_path / "i" / "evaluation" / "hard_negatives" / "0001.png", paint(0))
    made.write_bytes(mark_png(made.read_bytes()))
    (tmp_path / "t").mkdir()
    read = _load(tmp_path / "i", tmp_path / "t", "yolo", missing="empty")
    assert [field.name for field in read.fields] == ["a.png"]


def test_images_in_folders_find_their_annotations_by_path_then_by_name(tmp_path: Path) -> None:
    images, truth = tmp_path / "i", tmp_path / "t"
    for name in ("x/a.png", "y/a.png", "y/b.png"):
        write_image(images / name, paint(0))
    write_voc(truth / "x" / "a.xml", [box(100, 100)])
    write_voc(truth / "b.xml", [box(100, 100), box(100, 200)])
    read = _load(images, truth, "voc")
    assert {f.name: len(f.leukocytes) for f in read.fields} == {"x/a.png": 1, "y/b.png": 2}
    assert [f.where for f in read.faults if f.left_out] == ["y/a.png"]


def _coco(tmp_path: Path, document: object) -> Truth:
    write_image(tmp_path / "i" / "a.png", paint(0))
    path = tmp_path / "t.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return _load(tmp_path / "i", path, "coco")


def test_faults_of_coco_annotations_are_listed(tmp_path: Path) -> None:
    document = coco_document({"a.png": [box(100, 100)], "../../etc/passwd": [], "gone.png": []})
    document["categories"].append({"id": 9, "name": "dog"})
    document["categories"].append("no category")
    for number, bad in enumerate(
        [
            {"bbox": [1, 2, 3]},
            {"bbox": [1, 2, "3", 4]},
            {"bbox": [1, 2, True, 4]},
            {"bbox": [10, 10, -5, 5]},
            {"bbox": [10, 10, 0, 5]},
            {"bbox": [1000, 10, 5, 5]},
            {"bbox": [300, 200, 60, 60]},
            {"bbox": [70.5, 70.5, 60, 60], "again": "box"},
            {"bbox": [10, 10, 5, 5], "category_id": 77},
            {"bbox": [10, 10, 5, 5], "category_id": 9},
            {"bbox": [10, 10, 50, 50], "iscrowd": 1},
            {"bbox": [10, 10, 5, 5], "image_id": 55},
            {"image_id": [1]},
        ]
    ):
        document["annotations"].append({"id": 100 + number, "image_id": 1, "category_id": 1, **bad})
    document["annotations"].append("no annotation")
    document["images"].append({"id": 1, "file_name": "twice.png"})
    document["images"].append({"id": 5})
    read = _coco(tmp_path, document)
    field = read.fields[0]
    assert len(field.leukocytes) == 2
    assert len(field.open) == 1
    told = " | ".join(f"{fault.where}: {fault.what}" for fault in read.faults)
    for said in (
        "no bbox of four numbers",
        "without area",
        "beyond the image",
        "repeats an earlier box",
        "unknown category 77",
        "'dog'",
        "unknown image 55",
        "is no object",
        "repeats an earlier id",
        "has no file_name",
        "../../etc/passwd: is not among the images",
        "gone.png: is not among the images",
        "category 3: has no name",
    ):
        assert said in told, said
    assert not any(fault.left_out for fault in read.faults)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"images": 3, "annotations": []}', "[" * 100_000, '{"images": []}', "\ud800"]
)
def test_what_is_no_coco_document_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(DataError) as told:
        read_coco(path, roles=ROLES)
    assert "\n" not in str(told.value)


def test_coco_numbers_that_are_not_finite_are_faults(tmp_path: Path) -> None:
    text = json.dumps(coco_document({"a.png": [box(100, 100)]})).replace("70.5", "NaN", 1)
    read = _coco(tmp_path, text)
    assert read.fields[0].leukocytes == ()
    assert "no bbox" in read.faults[0].what


def test_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--images"):
        _load(tmp_path / "no", tmp_path, "voc")
    with pytest.raises(InputError, match="no PNG"):
        _load(tmp_path, tmp_path, "voc")
    write_image(tmp_path / "i" / "a.png", paint(0))
    with pytest.raises(InputError, match="--truth"):
        _load(tmp_path / "i", tmp_path / "no", "voc")
    with pytest.raises(InputError, match="--truth"):
        _load(tmp_path / "i", tmp_path / "i", "coco")
    with pytest.raises(UsageError, match="format"):
        _load(tmp_path / "i", tmp_path / "i", "pascal")


def test_an_audit_corrects_the_boxes(tmp_path: Path) -> None:
    images, truth, _ = write_set(tmp_path, "voc")
    wrong = FIELDS["b.png"][0]
    audit = {
        "b.png": ((wrong, "not_a_leukocyte"), (box(60, 60), "unboxed_leukocyte")),
        "other.png": ((wrong, "smudge"),),
    }
    read = _load(images, truth, "voc", audit=audit)
    field = next(field for field in read.fields if field.name == "b.png")
    assert [one.centre for one in field.leukocytes] == [(60.0, 60.0)]
    assert [fault.where for fault in read.faults] == ["other.png"]
