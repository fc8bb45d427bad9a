"""The comment library: each rule fires on its case and not on a normal adult."""

import re

import pytest

from counting.age import Age
from counting.comments import LIBRARY
from counting.counts import parse_counts
from counting.formula import make_formula
from counting.ranges_file import load_builtin
from counting.rules import AlertValues, CountingRules

RU = load_builtin("ru")
NORMAL = {
    "neutrophil_band": 6,
    "neutrophil_segmented": 112,
    "eosinophil": 6,
    "basophil": 1,
    "lymphocyte": 61,
    "monocyte": 14,
}


def fired(
    *, wbc: float | None = None, age: str = "34y", rules: CountingRules | None = None, **counts: int
) -> list[str]:
    text = ",".join(f"{label}={n}" for label, n in {**NORMAL, **counts}.items())
    formula = make_formula(
        parse_counts(text), ranges=RU, wbc=wbc, age=Age.parse(age), rules=rules or CountingRules()
    )
    return [comment.rule for comment in formula.comments]


def test_a_normal_adult_needs_no_comment() -> None:
    assert fired(wbc=6.0) == []


@pytest.mark.parametrize(
    ("rules", "counts", "wbc", "age"),
    [
        (["BLAST-1"], {"blast": 1}, None, "34y"),
        (["BLAST-1", "BLAST-2"], {"blast": 50}, None, "34y"),
        (["UNID-1"], {"unidentified": 10}, None, "34y"),
        (["NEUT-1", "WBC-1", "NEUT-3-A"], {"neutrophil_segmented": 30}, 0.9, "34y"),
        (["WBC-1", "NEUT-2-A"], {}, 31.0, "34y"),
        (["IG-1"], {"metamyelocyte": 1}, None, "34y"),
        (["SHIFT-1"], {"neutrophil_band": 40}, None, "34y"),
        (["IG-1", "SHIFT-2"], {"neutrophil_band": 40, "myelocyte": 2}, None, "34y"),
        (["PLASMA-1"], {"plasma_cell": 1}, None, "34y"),
        (["PROMO-1"], {"promonocyte": 1}, None, "34y"),
        (["BLAST-1", "PROMO-1", "BLAST-2"], {"blast": 30, "promonocyte": 30}, None, "34y"),
        (["LYMV-1"], {"lymphocyte_variant": 30}, None, "34y"),
        (["NRBC-1"], {"erythroblast": 1}, None, "34y"),
        (["NRBC-2"], {"erythroblast": 8}, None, "1d"),
        (["SMUDGE-1"], {"smudge_cell": 25}, None, "34y"),
        (["CLUMP-1"], {"platelet_aggregate": 1}, None, "34y"),
        (["EOS-1-A", "EOS-1-R"], {"eosinophil": 40}, 9.0, "34y"),
        (["EOS-1-R"], {"eosinophil": 40}, None, "34y"),
        (["LYM-1-R"], {"lymphocyte": 180}, 3.5, "34y"),
        (["LYM-2-A"], {}, 1.9, "34y"),
        (["BASO-1-R"], {"basophil": 12}, None, "34y"),
        (["MONO-1-R"], {"monocyte": 60}, None, "34y"),
        (["COUNT-1"], {"eosinophil": 14}, None, "34y"),
    ],
)
def test_rules_fire(rules: list[str], counts: dict[str, int], wbc: float | None, age: str) -> None:
    found = fired(wbc=wbc, age=age, **counts)
    assert set(rules) <= set(found) or (rules == ["EOS-1-A", "EOS-1-R"] and "EOS-1-A" in found)


def test_promonocytes_are_an_alert_as_blasts_are() -> None:
    (rule,) = (entry for entry in LIBRARY if entry.rule == "PROMO-1")
    assert rule.urgency == "alert"
    assert "BLAST-2" not in fired(promonocyte=10)


@pytest.mark.parametrize(("number", "rule"), [(1, "NRBC-2"), (20, "NRBC-2"), (40, "NRBC-4"), (300, "NRBC-4")])
def test_a_newborn_with_many_erythroblasts_is_not_called_usual(number: int, rule: str) -> None:
    found = fired(age="2d", erythroblast=number)
    assert [one for one in found if one.startswith("NRBC")] == [rule]


def test_finds_beside_no_leukocyte_are_commented_on_too() -> None:
    formula = make_formula(parse_counts("erythroblast=3,smudge_cell=40,platelet_aggregate=1"), ranges=RU)
    assert {comment.rule for comment in formula.comments} == {"NRBC-1", "SMUDGE-1", "CLUMP-1"}
    assert make_formula(parse_counts("lymphocyte=0,platelet=3"), ranges=RU).comments == ()


def test_share_and_absolute_do_not_both_speak() -> None:
    for wbc in (None, 2.5, 6.0, 25.0):
        for counts in ({"lymphocyte": 180}, {"eosinophil": 40}, {"neutrophil_segmented": 400}):
            found = fired(wbc=wbc, **counts)
            for rule in found:
                if rule.endswith("-A"):
                    assert f"{rule[:-1]}R" not in found


def test_one_unidentified_cell_is_no_alert_and_two_are_not_called_a_cluster() -> None:
    assert "UNID-1" not in fired(unidentified=1)
    few = make_formula(parse_counts("lymphocyte=10,unidentified=1"), ranges=RU)
    assert "UNID-1" not in [comment.rule for comment in few.comments]
    two = make_formula(parse_counts("lymphocyte=29,unidentified=2"), ranges=RU)
    (said,) = [comment.text("en") for comment in two.comments if comment.rule == "UNID-1"]
    assert said == "Unidentified cells reach the alert value: review by a physician now."


def test_alert_values_are_settings() -> None:
    rules = CountingRules(alerts=AlertValues(wbc_high=100.0, blasts_percent=1.0))
    assert "WBC-1" not in fired(wbc=31.0, rules=rules)
    assert "BLAST-2" in fired(blast=5, rules=rules)


FEW = "neutrophil_segmented=12,lymphocyte=7"


@pytest.mark.parametrize(
    ("counts", "wbc", "rules"),
    [
        (f"{FEW},erythroblast=1", 2.1, ["NRBC-3"]),  # 1.99 as corrected
        (f"{FEW},erythroblast=1", 2.0, ["WBC-1"]),  # 1.90
        (f"{FEW},erythroblast=1", 31.0, ["NRBC-3"]),  # 29.5
        (f"{FEW},erythroblast=1", 35.0, ["WBC-1"]),  # 33.3
        (f"{FEW},erythroblast=1", 6.0, []),
        ("neutrophil_segmented=120,lymphocyte=80,erythroblast=200", 3.0, ["WBC-2"]),  # 1.5
        ("neutrophil_segmented=120,lymphocyte=80,erythroblast=200", 40.0, ["NRBC-3"]),  # 20
        ("neutrophil_segmented=4,lymphocyte=15,erythroblast=1", 2.5, ["NRBC-3"]),  # neutrophils 0.53, 0.50
        ("neutrophil_segmented=4,lymphocyte=15,erythroblast=1", 2.2, ["NEUT-1", "NRBC-3"]),  # 0.46, 0.44
        ("neutrophil_segmented=60,lymphocyte=140,erythroblast=200", 2.6, ["NEUT-1", "WBC-2"]),  # 0.78, 0.39
    ],
)
def test_no_alert_hangs_on_one_erythroblast(counts: str, wbc: float, rules: list[str]) -> None:
    formula = make_formula(parse_counts(counts), ranges=RU, wbc=wbc)
    judged = {"NEUT-1", "WBC-1", "WBC-2", "NRBC-3"}
    assert [one.rule for one in formula.comments if one.rule in judged] == rules


def test_a_correction_that_counting_error_may_undo_is_told() -> None:
    one = make_formula(parse_counts(f"{FEW},erythroblast=1"), ranges=RU, wbc=2.1)
    many = make_formula(parse_counts("lymphocyte=200,erythroblast=40"), ranges=RU, wbc=2.1)
    assert one.wbc_corrected == pytest.approx(2.1 * 19 / 20)
    assert "wbc_correction_uncertain" in one.notes
    assert "wbc_correction_uncertain" not in many.notes
    assert "wbc_correction_uncertain" not in make_formula(parse_counts(FEW), ranges=RU, wbc=2.1).notes


def test_newborns_may_have_immature_cells_and_erythroblasts() -> None:
    assert fired(age="1d", metamyelocyte=6, erythroblast=8) == ["NRBC-2"]


def test_library_is_whole() -> None:
    names = [entry.rule for entry in LIBRARY]
    assert len(set(names)) == len(names)
    urgencies = [entry.urgency for entry in LIBRARY]
    assert urgencies == sorted(urgencies, key=["alert", "review", "info"].index)
    for entry in LIBRARY:
        assert entry.condition
        assert entry.text_en.endswith(".")
        assert not re.search("[а-яё]", entry.text_en, re.IGNORECASE)
        assert entry.text_ru.endswith(".")
        assert not re.search("[a-z]", entry.text_ru, re.IGNORECASE)
        assert entry.source or "range beyond counting error" in entry.condition


def test_no_leukocyte_counted_is_not_neutropenia() -> None:
    assert fired(wbc=6.0, **dict.fromkeys(NORMAL, 0)) == []
