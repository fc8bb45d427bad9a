"""Readers of boxes and audit lists, with the faults that published files have."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells.errors import DataError
from detector.audit import apply_audit, is_sliver, read_audit
from detector.samples import erythrocyte_px_of
from detector.truth import ERYTHROCYTE, LEUKOCYTE, PLATELET, Box, read_voc, read_yolo

VOC = """<annotation><size><width>{w}</width><height>{h}</height></size>{objects}</annotation>"""
OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax>"
    "</bndbox></object>"
)


def test_yolo_boxes_and_faults(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        "0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1\n\n0 0.5 0.5 0.2 0.4\n7 0.5 0.5 0.1 0.1\n0 0.5 x 0.1 0.1\n"
        "0 0.5 0.5\n2 0.99 0.5 0.2 0.1\n0 0.5 0.5 0 0.1\n0 nan 0.5 0.1 0.1\n",
        encoding="utf-8",
    )
    read = read_yolo(path, height=100, width=200)
    first, second, third = read.boxes
    assert (first.x0, first.y0, first.x1, first.y1) == pytest.approx((80, 30, 120, 70))
    assert (first.label, second.label, third.label) == (LEUKOCYTE, ERYTHROCYTE, PLATELET)
    assert first.centre == pytest.approx((49.5, 99.5))
    assert third.x1 == 200
    told = "\n".join(read.faults)
    for line, word in [
        (4, "repeats"),
        (5, "class '7'"),
        (6, "no number"),
        (7, "3 values"),
        (8, "beyond the image"),
        (9, "without area"),
        (10, "without area"),
    ]:
        assert f"a.txt line {line}: " in told
        assert word in told
    assert len(read.faults) == 7


def test_a_yolo_polygon_counts_by_the_box_around_it(tmp_path: Path) -> None:
    lines = ["0 0.4 0.5 0.5 0.3 0.6 0.5 0.5 0.7", "1 0.1 0.1 0.2 0.2 nan 0.1", "0 0.1 0.1 0.2 0.2 0.3"]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    read = read_yolo(tmp_path / "a.txt", height=100, width=200)
    (box,) = read.boxes
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((80, 30, 120, 70))
    assert ["no number" in read.faults[0], "6 values" in read.faults[1]] == [True, True]


def test_empty_yolo_file_is_an_image_without_cells(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("", encoding="utf-8")
    read = read_yolo(tmp_path / "a.txt", height=10, width=10)
    assert read.boxes == ()
    assert read.faults == ()


def test_voc_boxes_and_faults(tmp_path: Path) -> None:
    objects = [
        OBJECT.format("WBC", 10, 20, 30, 50),
        OBJECT.format("Platlets", 1, 1, 5, 5),
        OBJECT.format("dog", 1, 1, 9, 9),
        OBJECT.format("RBC", 30, 30, 30, 40),
        OBJECT.format("RBC", "", 30, 35, 40),
        "<object><name>RBC</name></object>",
    ]
    path = tmp_path / "b.xml"
    path.write_text(VOC.format(w=64, h=48, objects="".join(objects)), encoding="utf-8")
    read = read_voc(path, height=60, width=64)
    assert [box.label for box in read.boxes] == [LEUKOCYTE, PLATELET, "dog"]
    told = "\n".join(read.faults)
    assert "states a size of 64x48" in told
    assert "object 3: unknown name 'dog'" in told
    assert "object 4: box without area" in told
    assert "object 5: has no four numbers" in told
    assert "object 6: has no four numbers" in told


@pytest.mark.parametrize(
    "text", ["", "<annotation>", "no xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>']
)
def test_broken_voc_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"c\.xml"):
        read_voc(path, height=10, width=10)


def test_missing_and_binary_box_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\x00\x81")
    for name in ("d.txt", "missing.txt"):
        with pytest.raises(DataError, match=name):
            read_yolo(tmp_path / name, height=10, width=10)


@given(st.text(max_size=200))
def test_no_yolo_text_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("yolo") / "e.txt"
    path.write_text(text, encoding="utf-8", errors="replace")
    for box in read_yolo(path, height=40, width=30).boxes:
        assert 0 <= box.x0 < box.x1 <= 30
        assert 0 <= box.y0 < box.y1 <= 40


def box(x0: float, y0: float, x1: float, y1: float, label: str = LEUKOCYTE) -> Box:
    return Box(x0, y0, x1, y1, label)


def test_slivers() -> None:
    assert is_sliver(box(0, 50, 9, 70), height=100, width=100)
    assert not is_sliver(box(0, 50, 11, 70), height=100, width=100)
    assert is_sliver(box(40, 95, 80, 100), height=100, width=100)
    assert not is_sliver(box(40, 50, 80, 55), height=100, width=100)


def test_erythrocyte_diameter_needs_three_whole_boxes() -> None:
    whole = tuple(box(20 + i, 20, 60 + 2 * i, 60, ERYTHROCYTE) for i in range(3))
    assert erythrocyte_px_of(whole, (100, 120)) == pytest.approx(40.5)
    cut = (box(0, 20, 10, 60, ERYTHROCYTE),) * 5
    assert erythrocyte_px_of((*whole[:2], *cut), (100, 120)) is None
    assert erythrocyte_px_of((), (182, 180)) == 36.3


def test_audit_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "audit.csv"
    rows = [
        "a.jpg,10,10,30,30,not_a_leukocyte",
        "a.jpg,60,60,80,80,unboxed_leukocyte",
        "a.jpg,41,40,60,60,smudge",
        "b.jpg,0,0,5,5,doubled_box",
    ]
    path.write_text("image,x0,y0,x1,y1,verdict\n" + "\n".join(rows) + "\n", encoding="utf-8")
    audit = read_audit(path)
    published = (box(11, 10, 30, 31), box(40, 40, 60, 60), box(5, 60, 25, 80), box(0, 0, 4, 30))
    truth, ignored = apply_audit(published, audit["a.jpg"], height=100, width=100)
    assert truth == (published[2], box(60, 60, 80, 80))
    assert ignored == (box(41, 40, 60, 60), published[3])


@pytest.mark.parametrize(
    "text",
    [
        "image,x0,y0,x1,y1,verdict\na.jpg,1,2,3,4,model_is_wrong\n",
        "image,x0,y0,x1,y1,verdict\na.jpg,1,x,3,4,smudge\n",
        "image,x0,y0,verdict\na.jpg,1,2,smudge\n",
    ],
)
def test_bad_audit_lists_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "audit.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"audit\.csv"):
        read_audit(path)
    with pytest.raises(DataError):
        read_audit(tmp_path / "missing.csv")
