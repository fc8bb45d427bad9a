"""The published sets, read in the form in which they are published, from small files made here."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cells.errors import DataError, InputError, UsageError
from classifiers.published_sets.fields import bccd, blood_cell_images, group_copies, same_field_share
from classifiers.published_sets.originals import MIN_CORRELATION, MIN_COVERED, OriginalFinder, overlapping
from classifiers.published_sets.registry import PUBLISHED_SETS, read_set
from classifiers.published_sets.rows import ImageRow, read_image, read_rows, relabelled, write_rows
from classifiers.published_sets.single_cells import cnmc_2019, lisc, munich_aml, pbc, raabin


def _image(path: Path, value: int = 200, shape: tuple[int, int] = (6, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*shape, 3), value, np.uint8))
    return path


def _facts(rows: list[ImageRow]) -> set[tuple[str, str, str, str]]:
    return {(row.path.name, row.label, row.group, row.split) for row in rows}


def test_cnmc_gives_subject_label_and_fold(tmp_path: Path) -> None:
    root = tmp_path / "C-NMC_training_data"
    _image(root / "fold_0" / "all" / "UID_11_10_1_all.bmp")
    _image(root / "fold_0" / "hem" / "UID_H10_1_2_hem.bmp")
    _image(root / "fold_2" / "all" / "UID_11_3_4_all.bmp")
    assert _facts(cnmc_2019(tmp_path)) == {
        ("UID_11_10_1_all.bmp", "blast", "11", "fold_0"),
        ("UID_H10_1_2_hem.bmp", "lymphocyte", "H10", "fold_0"),
        ("UID_11_3_4_all.bmp", "blast", "11", "fold_2"),
    }


def test_cnmc_preliminary_test_is_read_by_its_table(tmp_path: Path) -> None:
    _image(tmp_path / "fold_0" / "all" / "UID_1_1_1_all.bmp")
    place = tmp_path / "C-NMC_test_prelim_phase_data"
    _image(place / "1.bmp")
    table = place / "C-NMC_test_prelim_phase_data_labels.csv"
    table.write_text("Patient_ID,new_names,labels\nUID_H57_29_1_hem.bmp,1.bmp,0\n", encoding="utf-8")
    assert ("1.bmp", "lymphocyte", "H57", "test_prelim") in _facts(cnmc_2019(tmp_path))
    (place / "1.bmp").unlink()
    with pytest.raises(InputError, match=r"1\.bmp .* is missing"):
        cnmc_2019(tmp_path)


def test_cnmc_refuses_a_name_without_a_subject(tmp_path: Path) -> None:
    _image(tmp_path / "fold_1" / "hem" / "cell.bmp")
    with pytest.raises(DataError, match="not named UID_"):
        cnmc_2019(tmp_path)


def test_munich_takes_the_annotation_before_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "AML-Cytomorphology"
    for name in ("NGS/NGS_0001.tiff", "MYO/MYO_0001.tiff", "KSC/KSC_0001.tiff"):
        _image(root / name)
    (tmp_path / "annotations.dat").write_text("NGS/NGS_0001.tiff NGB NGS nan\n", encoding="utf-8")
    assert _facts(munich_aml(tmp_path)) == {
        ("NGS_0001.tiff", "neutrophil_band", "", ""),
        ("MYO_0001.tiff", "blast", "", ""),
        ("KSC_0001.tiff", "smudge_cell", "", ""),
    }
    (tmp_path / "annotations.dat").write_text("MYO/MYO_0001.tiff XYZ\n", encoding="utf-8")
    with pytest.raises(DataError, match="'XYZ'"):
        munich_aml(tmp_path)


def test_raabin_gives_the_field_as_group(tmp_path: Path) -> None:
    _image(tmp_path / "Train" / "Neutrophil" / "20190526_162951_0.jpg")
    _image(tmp_path / "Train" / "Neutrophil" / "20190526_162951_1.jpg")
    _image(tmp_path / "TestA" / "Basophil" / "20190530_100000_0.jpg")
    assert _facts(raabin(tmp_path)) == {
        ("20190526_162951_0.jpg", "neutrophil", "20190526_162951", "train"),
        ("20190526_162951_1.jpg", "neutrophil", "20190526_162951", "train"),
        ("20190530_100000_0.jpg", "basophil", "20190530_100000", "test_a"),
    }


def test_pbc_tells_finer_classes_by_the_name(tmp_path: Path) -> None:
    names = {
        "ig/MMY_1.jpg": "metamyelocyte",
        "ig/IG_2.jpg": "immature_granulocyte",
        "neutrophil/BNE_3.jpg": "neutrophil_band",
        "neutrophil/SNE_4.jpg": "neutrophil_segmented",
        "neutrophil/NEUTROPHIL_5.jpg": "neutrophil",
        "platelet/PLATELET_6.jpg": "platelet",
    }
    for name in names:
        _image(tmp_path / name)
    assert {row.path.relative_to(tmp_path).as_posix(): row.label for row in pbc(tmp_path)} == names


def test_lisc_leaves_mixed_fields_and_masks_out(tmp_path: Path) -> None:
    for name in ("Main Dataset/Baso/1.bmp", "Main Dataset/mixt/2.bmp", "Main Dataset/neut/3.bmp"):
        _image(tmp_path / name)
    _image(tmp_path / "Ground Truth Segmentation" / "neut" / "3.bmp")
    assert _facts(lisc(tmp_path)) == {("1.bmp", "basophil", "", ""), ("3.bmp", "neutrophil", "", "")}


_XML = """<annotation>{}</annotation>"""
_OBJECT = (
    "<object><name>{}</name>"
    "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


def _bccd(root: Path) -> Path:
    _image(root / "JPEGImages" / "BloodImage_00001.jpg", shape=(480, 640))
    (root / "Annotations").mkdir()
    objects = _OBJECT.format("WBC", 100, 50, 300, 210) + _OBJECT.format("RBC", 10, 10, 90, 100)
    (root / "Annotations" / "BloodImage_00001.xml").write_text(_XML.format(objects), encoding="utf-8")
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text("BloodImage_00001\n", encoding="utf-8")
    return root


def test_bccd_without_classes_gives_all_boxes(tmp_path: Path) -> None:
    _bccd(tmp_path / "BCCD")
    rows = bccd(tmp_path)
    assert [(row.label, row.group, row.split) for row in rows] == [
        ("leukocyte", "BloodImage_00001", "val"),
        ("erythrocyte", "BloodImage_00001", "val"),
    ]


def test_bccd_with_classes_gives_leukocytes_cut_from_their_fields(tmp_path: Path) -> None:
    _bccd(tmp_path / "BCCD")
    (tmp_path / "labels.csv").write_text(",Image,Category\n,1,EOSINOPHIL\n", encoding="utf-8")
    (row,) = bccd(tmp_path)
    assert row.label == "eosinophil"
    top, left, bottom, right = row.box
    assert abs(bottom - top - 160) <= 2
    assert abs(right - left - 200) <= 2
    assert read_image(row, height=20, width=30).shape == (20, 30, 3)
    (tmp_path / "labels.csv").write_text(',Image,Category\n,1,"EOSINOPHIL, NEUTROPHIL"\n', encoding="utf-8")
    with pytest.raises(InputError):
        bccd(tmp_path)


def test_blood_cell_images_keep_their_published_splits(tmp_path: Path) -> None:
    _image(tmp_path / "TRAIN" / "EOSINOPHIL" / "_0_1169.jpeg")
    _image(tmp_path / "TEST" / "MONOCYTE" / "_0_1.jpeg")
    _image(tmp_path / "TEST_SIMPLE" / "MONOCYTE" / "_0_2.jpeg")
    assert _facts(blood_cell_images(tmp_path)) == {
        ("_0_1169.jpeg", "eosinophil", "", "train"),
        ("_0_1.jpeg", "monocyte", "", "test"),
        ("_0_2.jpeg", "monocyte", "", "test_simple"),
    }


@pytest.mark.parametrize("name", sorted(set(PUBLISHED_SETS)))
def test_an_empty_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises((InputError, DataError)):
        read_set(name, tmp_path)


def test_a_set_without_its_folder_and_an_unknown_one_are_refused() -> None:
    with pytest.raises(UsageError, match="--folder"):
        read_set("lisc", None)
    with pytest.raises(UsageError, match="no set 'mnist'"):
        read_set("mnist", None)


def test_rows_come_back_from_a_manifest(tmp_path: Path) -> None:
    rows = [
        ImageRow(tmp_path / "a.png", "monocyte", "p1", "train", (1, 2, 30, 40)),
        ImageRow(tmp_path / "b, c.png", "моноцит"),
    ]
    write_rows(rows, tmp_path / "rows.csv")
    assert read_rows(tmp_path / "rows.csv") == rows


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("path,label\n", "lists no image"),
        ("path,label\na.png,\n", "line 2: no value for label"),
        ("path,label,box\na.png,x,1 2 3\n", "four whole numbers"),
        ("path,label,box\na.png,x,1 2 3 z\n", "four whole numbers"),
    ],
)
def test_faults_of_a_manifest_are_named(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        read_rows(tmp_path / "rows.csv")


def test_rows_as_a_spreadsheet_saves_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Path,Label ,Group\na.png,lymphocyte , s1\n", encoding="utf-8-sig")
    (row,) = read_rows(path)
    assert (row.path, row.label, row.group) == (tmp_path / "a.png", "lymphocyte", "s1")
    path.write_text("path;label\na.png;lymphocyte\n", encoding="utf-8")
    with pytest.raises(DataError, match="commas, not semicolons"):
        read_rows(path)


def test_labels_are_pooled_and_others_left_out() -> None:
    rows = [ImageRow(Path("a"), label) for label in ("monocyte", "neutrophil", "eosinophil", "basophil")]
    two = {"monocyte": "mono", "neutrophil": "poly", "eosinophil": "poly"}
    assert [row.label for row in relabelled(rows, two)] == ["mono", "poly", "poly"]
    with pytest.raises(DataError, match="labelled blast"):
        relabelled(rows, {"blast": "blast"})


def test_an_image_outside_its_box_or_missing_is_refused(tmp_path: Path) -> None:
    path = _image(tmp_path / "a.png")
    with pytest.raises(InputError, match="outside"):
        read_image(ImageRow(path, "x", box=(50, 50, 60, 60)), height=4, width=4)
    with pytest.raises(InputError, match="cannot read"):
        read_image(ImageRow(tmp_path / "b.png", "x"), height=4, width=4)


def _field(seed: int, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = np.full((*shape, 3), (225, 215, 220), np.uint8)
    for _ in range(22):
        centre = int(rng.integers(shape[1])), int(rng.integers(shape[0]))
        colour = tuple(int(c) for c in rng.integers(90, 200, 3))
        axes = int(rng.integers(7, 13)), int(rng.integers(5, 13))
        cv2.ellipse(field, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), 0.8), np.uint8)


def _copy(field: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = field.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-30, 30)), 1.0)
    matrix[:, 2] += rng.uniform(-8, 8, 2)
    source = field[:, ::-1] if rng.random() < 0.5 else field
    return np.asarray(cv2.warpAffine(np.ascontiguousarray(source), matrix, (width, height)), np.uint8)


def _half(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.resize(image, (80, 60), interpolation=cv2.INTER_AREA), np.uint8)


def test_turned_and_mirrored_copies_find_their_original() -> None:
    fields = [_field(seed) for seed in range(6)]
    finder = OriginalFinder([_half(field) for field in fields])
    rng = np.random.default_rng(5)
    for number, field in enumerate(fields):
        for _ in range(3):
            match = finder.find(_half(_copy(field, rng)))
            assert match.original == number
            assert match.correlation > 0.9
            assert match.correlation > match.runner_up + 0.2


def test_a_copy_of_nothing_known_finds_nothing_sure() -> None:
    finder = OriginalFinder([_half(_field(seed)) for seed in range(4)])
    match = finder.find(_half(_field(99)))
    assert match.correlation < 0.7 or match.covered < 0.9


def test_fields_that_overlap_are_one_group() -> None:
    wide = _field(3, (120, 260))
    pictures = [wide[:, :160], _field(7), wide[:, 70:230]]
    assert overlapping([_half(np.ascontiguousarray(p)) for p in pictures]).tolist() == [0, 1, 0]


def test_copies_are_grouped_by_the_field_that_they_come_from(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    (tmp_path / "bccd" / "JPEGImages").mkdir(parents=True)
    rows = []
    for number in range(3):
        field = _field(number)
        large = cv2.resize(field, (640, 480), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / "bccd" / "JPEGImages" / f"BloodImage_{number:05d}.png"), large)
        for copy in range(2):
            path = tmp_path / f"_{number}_{copy}.png"
            cv2.imwrite(str(path), _half(_copy(field, rng)))
            rows.append(ImageRow(path, "monocyte"))
    cv2.imwrite(str(tmp_path / "other.png"), _half(_field(50)))
    rows.append(ImageRow(tmp_path / "other.png", "monocyte"))
    grouped, matches = group_copies(rows, tmp_path / "bccd", log=lambda _: None)
    expected = [f"BloodImage_{number:05d}" for number in (0, 0, 1, 1, 2, 2)]
    assert [row.group for row in grouped] == [*expected, "unknown_monocyte"]
    assert len(matches) == 7


def test_copies_of_one_field_on_both_sides_are_seen_by_their_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    rows = []
    for number in range(4):
        for copy in range(2):
            path = tmp_path / f"{number}_{copy}.png"
            cv2.imwrite(str(path), _half(_copy(_field(number), rng)))
            rows.append(ImageRow(path, "x", str(number)))
    assert same_field_share(rows[::2], rows[1::2], test_images=4, training_images=4) == 1.0
    assert same_field_share(rows[:4], rows[4:], test_images=4, training_images=4) == 0.0


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "images"), [("pbc_barcelona", 14509), ("raabin_wbc", 11233), ("apl_aml_jhu", 5095)]
)
def test_prepared_folders_load(data: Path, name: str, images: int) -> None:
    rows = read_set("prepared", data / name)
    assert len(rows) == images
    assert rows[0].path.is_file()


@pytest.mark.data
def test_the_blood_cell_images_and_bccd_load(data: Path) -> None:
    rows = read_set("blood_cell_images", data / "kaggle_blood_cells")
    counts = {split: sum(row.split == split for row in rows) for split in ("train", "test", "test_simple")}
    assert counts == {"train": 9957, "test": 2487, "test_simple": 71}
    cells = read_set("bccd", data / "bccd")
    assert len(cells) == 354
    assert {row.split for row in cells} == {"train", "val", "test"}


@pytest.mark.data
@pytest.mark.slow
def test_real_copies_find_a_field_of_their_own_class(data: Path) -> None:
    rows = read_set("blood_cell_images", data / "kaggle_blood_cells")[200::1500]
    labels = {row.group: row.label for row in read_set("bccd", data / "bccd")}
    paths = [data / "bccd" / "JPEGImages" / f"{stem}.jpg" for stem in labels]
    finder = OriginalFinder([read_image(ImageRow(path, ""), height=60, width=80) for path in paths])
    right = 0
    for row in rows:
        match = finder.find(read_image(row, height=60, width=80))
        if match.correlation >= MIN_CORRELATION and match.covered >= MIN_COVERED:
            assert labels[paths[match.original].stem] == row.label
            right += 1
    assert right >= len(rows) - 2
