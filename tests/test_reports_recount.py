"""A stored result whose numbers are not those of its cells is refused, and names what differs."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_cases import CASES, case, make_result

from cells.errors import DataError
from cells.model_files import ModelInfo
from cells.vocabulary import CellClass
from counting.age import Age
from counting.formula import make_formula
from counting.notes import NOTES
from counting.ranges_file import load_builtin
from counting.records import CorrectedShare, Correction
from counting.rules import CountingRules, SmudgePolicy
from leukoformula.result import Identity, Signature, SmearResult
from leukoformula.reviewed import apply_review, sign
from leukoformula.settings import Settings
from leukoformula.validation import correction_of, load_validation
from leukoformula.versions import versions
from reports.document import result_document, write_json
from reports.html import write_html
from reports.reading import read_result

C = CellClass
SIGNED = {"by": "A. Ivanova", "at": "2026-11-20T14:05:00+03:00"}
RU = load_builtin("ru")


def line_of(document: dict[str, Any], label: str) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in document["formula"]["lines"] if line["label"] == label)
    return found


def swap_labels(document: dict[str, Any]) -> None:
    cells = document["cells"]
    one = next(cell for cell in cells if cell["label"] == "lymphocyte")
    other = next(cell for cell in cells if cell["label"] == "monocyte")
    one["label"], other["label"] = other["label"], one["label"]


def nobody_reviewed(document: dict[str, Any]) -> None:
    document.update(status="final", signature=SIGNED, relabelled=None)


def unidentified_left(document: dict[str, Any]) -> None:
    document.update(status="final", signature=SIGNED, relabelled=[])


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (lambda d: d["formula"].update(total=2600), "total is 2600, and the cells give 400"),
        (lambda d: d["formula"].update(unidentified=0), "unidentified is 0, and the cells give 11"),
        (lambda d: line_of(d, "neutrophil").update(percent=79.9), "neutrophil.percent"),
        (lambda d: line_of(d, "neutrophil").update(percent=80), "neutrophil.percent"),
        (lambda d: line_of(d, "monocyte").update(n=24), "monocyte.n is 24, and the cells give 25"),
        (lambda d: line_of(d, "monocyte").update(high=7.0), "monocyte.high"),
        (lambda d: line_of(d, "monocyte").update(absolute=4.0), "monocyte.absolute"),
        (lambda d: line_of(d, "neutrophil_band").update(flag="inside"), "neutrophil_band.flag"),
        (
            lambda d: line_of(d, "neutrophil_band").update(range_percent={"low": 1, "high": 20}),
            "neutrophil_band.range_percent is 1-20, and the cells give 1-6",
        ),
        (lambda d: d["formula"]["lines"].append(d["formula"]["lines"][0]), "lists a class twice"),
        (lambda d: d["formula"]["lines"].pop(0), "lacks neutrophil"),
        (lambda d: d["formula"].update(wbc_corrected=19.0), "wbc_corrected"),
        (lambda d: d["formula"].update(smudge_policy="as_other2"), "smudge_policy"),
        (lambda d: d["cells"][0].update(label="blast"), "blast, of which there are 1"),
        (lambda d: d["cells"][0].update(counted=False), "finds"),
        (lambda d: d["cells"][0].update(cell_id=2), "cell 2 stands twice"),
        (lambda d: d["cells"][0].update(image="other.png"), "'other.png'"),
        (lambda d: d["fields"].pop(), "not among the fields"),
        (lambda d: d.update(cells=[]), "its cells give 0 and 0"),
        (lambda d: d.update(relabelled=[9999]), "9999"),
        (swap_labels, "without a person"),
        (nobody_reviewed, "not reviewed"),
        (unidentified_left, "11 cells are unidentified"),
        (lambda d: d.update(status="final", signature={"by": "A", "at": "2026"}), "no time of signing"),
    ],
)
def test_an_altered_number_is_named(
    alter: Callable[[dict[str, Any]], object], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "result.json"
    document = json.loads(json.dumps(result_document(case("left_shift"))))
    alter(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        read_result(path)
    said = str(refusal.value)
    assert said.startswith(f"{path}: ")
    assert named in said
    assert "restore it" in said
    assert "\n" not in said


def stored(result: SmearResult, folder: Path) -> SmearResult:
    write_json(result, folder / "result.json")
    return read_result(folder / "result.json")


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_the_program_writes_is_read_before_and_after_a_signature(name: str, tmp_path: Path) -> None:
    result = case(name)
    if name == "hostile_names":  # an age that the command line refuses
        result = replace(result, identity=replace(result.identity, age="", sex=""))
    assert result_document(stored(result, tmp_path)) == result_document(result)
    labels = {cell.cell_id: C.BLAST if cell.label is C.UNIDENTIFIED else cell.label for cell in result.cells}
    reviewed = apply_review(result, labels, ranges=load_builtin(result.formula.ranges_name))
    final = sign(reviewed, Signature(**SIGNED))
    assert stored(final, tmp_path).status == "final"


@pytest.mark.parametrize("smudge", list(SmudgePolicy))
@pytest.mark.parametrize("recorded", [True, False])
def test_every_smudge_policy_is_recounted(smudge: SmudgePolicy, recorded: bool, tmp_path: Path) -> None:
    counts = {C.LYMPHOCYTE: 60, C.NEUTROPHIL_SEGMENTED: 30, C.SMUDGE_CELL: 20, C.ERYTHROBLAST: 9}
    rules = CountingRules(smudge=smudge)
    result = make_result(counts, wbc=5.0)
    formula = make_formula(counts, ranges=RU, wbc=5.0, rules=rules)
    settings = Settings(rules=rules).record() if recorded else {"ranges": "ru"}
    stored(replace(result, formula=formula, settings=settings), tmp_path)


@pytest.mark.parametrize("smudge", list(SmudgePolicy))
@pytest.mark.parametrize(
    "counts",
    [
        {},
        {C.NEUTROPHIL: 5, C.NEUTROPHIL_BAND: 3, C.LYMPHOCYTE: 31, C.ERYTHROBLAST: 7, C.UNIDENTIFIED: 2},
        {C.IMMATURE_GRANULOCYTE: 2, C.MYELOCYTE: 3, C.SMUDGE_CELL: 9, C.LYMPHOCYTE: 31, C.GIANT_PLATELET: 1},
    ],
)
def test_a_result_of_counts_alone_is_held_against_its_own_counts(
    counts: Mapping[CellClass, int], smudge: SmudgePolicy, tmp_path: Path
) -> None:
    formula = make_formula(counts, ranges=RU, wbc=6.4, rules=CountingRules(smudge=smudge))
    blank = replace(make_result({}, fields=0), formula=formula, settings={}, classifier="", overview=None)
    stored(blank, tmp_path)
    if formula.total:
        with pytest.raises(DataError, match="total"):
            stored(replace(blank, formula=replace(formula, total=formula.total + 1)), tmp_path)


def of_this_program(counts: Mapping[CellClass, int], **more: Any) -> SmearResult:
    """A result whose comments, notes and indices are those that this program gives."""
    rules = CountingRules()
    result = make_result(counts, **more)
    who = result.identity
    formula = make_formula(
        Counter(cell.label for cell in result.cells if cell.counted),
        ranges=RU,
        wbc=more.get("wbc"),
        age=Age.parse(who.age) if who.age else None,
        sex=who.sex or None,
        rules=rules,
    )
    return replace(
        result, formula=formula, settings=Settings(rules=rules).record(), versions=versions(), ranges=RU
    )


SHIFTED = {
    C.NEUTROPHIL_SEGMENTED: 100,
    C.NEUTROPHIL_BAND: 40,
    C.LYMPHOCYTE: 50,
    C.MONOCYTE: 6,
    C.EOSINOPHIL: 4,
    C.ERYTHROBLAST: 20,
}


def retold(document: dict[str, Any]) -> None:
    document["formula"]["comments"][0]["text_en"] = "All is well"


def altered_index(document: dict[str, Any]) -> None:
    index = next(one for one in document["formula"]["indices"] if one["value"] is not None)
    index["high"] = 2 * index["high"] + 1


SAYINGS = [
    (lambda d: d["formula"]["comments"].pop(), "comments is"),
    (retold, "does not read as this program writes it"),
    (lambda d: d["formula"]["notes"].append("few_cells"), "notes is"),
    (altered_index, ".high is"),
    (lambda d: d["formula"]["indices"].pop(), "indices is"),
]


@pytest.mark.parametrize(("alter", "named"), SAYINGS)
@pytest.mark.parametrize("reviewed", [True, False])
def test_what_is_said_of_the_counts_is_held_against_them(
    alter: Callable[[dict[str, Any]], object], named: str, reviewed: bool, tmp_path: Path
) -> None:
    result = of_this_program(SHIFTED, wbc=18.0, identity=Identity(age="34y", sex="f"))
    if reviewed:
        labels = {c.cell_id: C.MONOCYTE if c.label is C.EOSINOPHIL else c.label for c in result.cells}
        result = sign(apply_review(result, labels, ranges=RU), Signature(**SIGNED))
    document = json.loads(json.dumps(result_document(result)))
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert result_document(read_result(path)) == result_document(result)
    alter(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(named)):
        read_result(path)
    for name in ("leukoformula", "numpy"):
        other = {**document, "versions": {**document["versions"], name: "0.0.9"}}
        path.write_text(json.dumps(other), encoding="utf-8")
        read_result(path)


def test_a_review_drops_the_corrected_shares_and_says_so(tmp_path: Path) -> None:
    share = CorrectedShare(C.LYMPHOCYTE, 100.0, 90.0, 100.0)
    plain = of_this_program(SHIFTED)
    corrected = replace(plain, formula=replace(plain.formula, correction=Correction(shares=(share,))))
    labels = {cell.cell_id: cell.label for cell in corrected.cells}
    reviewed = apply_review(corrected, labels, ranges=RU)
    assert reviewed.formula.correction == Correction(uncorrected="reviewed")
    assert apply_review(reviewed, labels, ranges=RU).formula.correction == Correction(uncorrected="reviewed")
    assert apply_review(plain, labels, ranges=RU).formula.correction is None
    for lang in ("en", "ru"):
        write_html(stored(reviewed, tmp_path), tmp_path / "r.html", lang=lang)
        assert NOTES["reviewed"][lang] in (tmp_path / "r.html").read_text(encoding="utf-8")
    kept = replace(reviewed, formula=replace(reviewed.formula, correction=corrected.formula.correction))
    with pytest.raises(DataError, match="though a person reviewed"):
        stored(kept, tmp_path)


def test_corrected_shares_are_reckoned_again_where_the_models_are_those_that_ship(tmp_path: Path) -> None:
    counts = {C.NEUTROPHIL_SEGMENTED: 120, C.NEUTROPHIL_BAND: 20, C.LYMPHOCYTE: 90, C.MONOCYTE: 20}
    plain, settings = of_this_program(counts), Settings()
    validation = load_validation(settings.classifier)
    assert validation is not None
    models = tuple(ModelInfo(kind, kind, "1", sha256) for kind, sha256 in validation.models.items())
    made = correction_of(plain.cells, settings=settings, models=models, seed=settings.rules.seed)
    assert made.shares
    result = replace(plain, models=models, formula=replace(plain.formula, correction=made))
    stored(result, tmp_path)
    first = replace(made.shares[0], percent=made.shares[0].percent + 0.5)
    moved = replace(made, shares=(first, *made.shares[1:]))
    with pytest.raises(DataError, match=rf"correction\.{first.label}\.percent"):
        stored(replace(result, formula=replace(plain.formula, correction=moved)), tmp_path)
    with pytest.raises(DataError, match=r"correction\.uncorrected"):
        said = Correction(uncorrected="poor_fit")
        stored(replace(result, formula=replace(plain.formula, correction=said)), tmp_path)
    elsewhere = tuple(replace(model, sha256="0" * 64) for model in models)
    of_others = replace(plain.formula, correction=moved)
    stored(replace(result, models=elsewhere, formula=of_others), tmp_path)
