"""The vocabulary and the files that models are kept in."""

import json
from pathlib import Path

import pytest

from cells.errors import LeukoformulaError, ModelError, PartialFailure, UsageError
from cells.files import atomic_path
from cells.model_files import open_model, write_manifest
from cells.vocabulary import CLASSIFIED, NORMAL_FIVE, CellClass, clinical_order, pooled

# Copied from LOINC 2.78; a wrong code is a wrong result in the hospital's record.
LOINC = {
    "neutrophil": ("26511-6", "26499-4"),
    "neutrophil_band": ("26508-2", "26507-4"),
    "neutrophil_segmented": ("26505-8", "30451-9"),
    "eosinophil": ("26450-7", "26449-9"),
    "basophil": ("30180-4", "26444-0"),
    "lymphocyte": ("26478-8", "26474-7"),
    "monocyte": ("26485-3", "26484-6"),
    "immature_granulocyte": ("38518-7", "51584-1"),
    "metamyelocyte": ("28541-1", "30433-7"),
    "myelocyte": ("26498-6", "30446-9"),
    "promyelocyte": ("26524-9", "26523-1"),
    "blast": ("26446-5", "30376-8"),
    "promonocyte": ("30466-7", "34926-6"),
    "lymphocyte_variant": ("13046-8", "26477-0"),
    "plasma_cell": ("13047-6", "30458-4"),
    "erythroblast": ("18309-5", None),
    "smudge_cell": ("34992-8", "34993-6"),
}


def test_loinc_codes_are_those_of_the_table():
    found = {
        c.value: (c.loinc_percent, c.loinc_absolute) for c in CellClass if c.loinc_percent or c.loinc_absolute
    }
    assert found == LOINC


def test_every_class_has_distinct_names_in_both_languages():
    for lang in ("en", "ru"):
        names = [c.display(lang) for c in CellClass]
        assert len(set(names)) == len(names)
        assert all(names)
    assert not any(ord(ch) < 128 and ch.isalpha() for c in CellClass for ch in c.display("ru"))


def test_parents_and_children_agree():
    for label in CellClass:
        assert all(child.parent is label for child in label.children)
        assert label.parent is None or label in label.parent.children
        assert label.parent is None or label.parent.in_denominator == label.in_denominator
    assert CellClass.NEUTROPHIL.children == (CellClass.NEUTROPHIL_BAND, CellClass.NEUTROPHIL_SEGMENTED)


def test_clinical_order_is_stable_and_without_repeats():
    mixed = [CellClass.MONOCYTE, CellClass.NEUTROPHIL_BAND, CellClass.MONOCYTE, CellClass.ARTEFACT]
    assert clinical_order(mixed) == [CellClass.NEUTROPHIL_BAND, CellClass.MONOCYTE, CellClass.ARTEFACT]


def test_pooling_stops_at_the_nearest_known_class():
    assert pooled(CellClass.NEUTROPHIL_BAND, NORMAL_FIVE) is CellClass.NEUTROPHIL
    assert pooled(CellClass.NEUTROPHIL_BAND, CLASSIFIED) is CellClass.NEUTROPHIL_BAND
    assert pooled(CellClass.MYELOCYTE, CLASSIFIED) is CellClass.IMMATURE_GRANULOCYTE
    assert pooled(CellClass.BLAST, CLASSIFIED) is None


def test_exit_codes_are_those_of_the_table():
    def walk(base: type[LeukoformulaError]) -> list[type[LeukoformulaError]]:
        return [base, *(c for sub in base.__subclasses__() for c in walk(sub))]

    assert {c.exit_code for c in walk(LeukoformulaError)} == {1, 2, 3, 4}
    assert (UsageError.exit_code, ModelError.exit_code, PartialFailure.exit_code) == (2, 3, 4)


def test_atomic_path_leaves_the_old_file_where_the_block_fails(tmp_path: Path):
    target = tmp_path / "deep" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "weights.bin").write_bytes(b"numbers")
    (tmp_path / "card.md").write_text("card")
    write_manifest(
        tmp_path, name="m", kind="cnn", version="3", files=["weights.bin", "card.md"], details={"x": 1}
    )
    return tmp_path


def test_a_model_comes_back_as_written(model: Path):
    opened = open_model(model, kind="cnn")
    assert (opened.name, opened.version, opened.weights) == ("m", "3", b"numbers")
    assert opened.manifest["x"] == 1
    assert opened.sha256 == "f3c7807d475073ba009bf4801b2d934e9f0126cb96dd19a27dbffcae23a7f5a3"


def test_a_fingerprint_covers_every_file_and_every_setting(model: Path):
    path, before = model / "manifest.json", open_model(model).fingerprint
    manifest = json.loads(path.read_text())
    path.write_bytes(json.dumps(manifest, indent=7).replace("\n", "\r\n").encode())
    assert open_model(model).fingerprint == before
    path.write_text(json.dumps(manifest | {"x": 1.5}))
    assert open_model(model).fingerprint not in {before, open_model(model).sha256}
    (model / "card.md").write_text("other card")
    write_manifest(
        model, name="m", kind="cnn", version="3", files=["weights.bin", "card.md"], details={"x": 1}
    )
    assert open_model(model).fingerprint != before


def test_an_altered_model_is_refused(model: Path):
    (model / "weights.bin").write_bytes(b"numberz")
    with pytest.raises(ModelError, match="was altered"):
        open_model(model)


@pytest.mark.parametrize("change", ["missing file", "no json", "schema", "kind", "escape", "empty"])
def test_a_broken_model_is_refused(model: Path, change: str):
    path = model / "manifest.json"
    manifest = json.loads(path.read_text())
    if change == "missing file":
        (model / "card.md").unlink()
    elif change == "schema":
        manifest["schema"] = "leukoformula.model/2"
    elif change == "kind":
        manifest["kind"] = "oracle"
    elif change == "escape":
        manifest["files"] = {"../weights.bin": "0"}
    elif change == "empty":
        manifest["files"] = {}
    path.write_text("{" if change == "no json" else json.dumps(manifest))
    with pytest.raises(ModelError):
        open_model(model)


def test_a_missing_model_names_its_remedy(tmp_path: Path):
    with pytest.raises(ModelError, match="install leukoformula again"):
        open_model(tmp_path / "none")
