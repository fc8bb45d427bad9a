"""The formula: rows, shares, absolute counts, flags, notes, and what it refuses."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from cells.vocabulary import CellClass
from counting.age import Age
from counting.cells_needed import cells_needed
from counting.counts import checked_counts, parse_counts
from counting.flags import judge
from counting.formula import ALWAYS, Flag, LeukocyteFormula, Range, make_formula
from counting.intervals import Interval, clopper_pearson_percent
from counting.notes import NOTES, note_text
from counting.ranges_file import load_builtin
from counting.rules import CountingRules, SmudgePolicy

RU, WESTERN = load_builtin("ru"), load_builtin("western")
NORMAL = "neutrophil_segmented=56,neutrophil_band=3,eosinophil=3,basophil=1,lymphocyte=30,monocyte=7"
C = CellClass

# Class, range, side, and for 100, 200, 400, 1000 cells the first count wholly outside (None: impossible).
HIGH_LIMITS = [
    ("basophil", (4, 6, 9, 18)),
    ("neutrophil_band", (12, 20, 35, 76)),
    ("eosinophil", (11, 17, 30, 65)),
    ("monocyte", (18, 32, 58, 131)),
    ("lymphocyte", (48, 88, 168, 401)),
    ("neutrophil_segmented", (82, 157, 306, 749)),
]
LOW_LIMITS = [
    ("neutrophil_band", (None, None, 0, 3)),
    ("eosinophil", (None, None, None, 0)),
    ("monocyte", (None, 1, 5, 19)),
    ("lymphocyte", (11, 26, 60, 165)),
    ("neutrophil_segmented", (36, 79, 167, 438)),
]
TOTALS = (100, 200, 400, 1000)

counts_of_any_class = st.dictionaries(st.sampled_from(list(CellClass)), st.integers(0, 400))


def formula_of(text: str, **given: object) -> LeukocyteFormula:
    return make_formula(parse_counts(text), ranges=RU, **given)  # type: ignore[arg-type]


def flag_of(label: str, k: int, n: int) -> Flag:
    other = C.EOSINOPHIL if label == "lymphocyte" else C.LYMPHOCYTE
    formula = make_formula({C(label): k, other: n - k}, ranges=RU)
    line = formula.line(C(label))
    assert line is not None
    return line.flag


@pytest.mark.parametrize(("label", "first"), HIGH_LIMITS)
def test_first_count_beyond_the_upper_limit(label: str, first: tuple[int, ...]) -> None:
    for n, k in zip(TOTALS, first, strict=True):
        assert flag_of(label, k, n) is Flag.HIGH
        assert flag_of(label, k - 1, n) is Flag.HIGH_WITHIN_ERROR


@pytest.mark.parametrize(("label", "last"), LOW_LIMITS)
def test_last_count_beyond_the_lower_limit(label: str, last: tuple[int | None, ...]) -> None:
    for n, k in zip(TOTALS, last, strict=True):
        if k is not None:
            assert flag_of(label, k, n) is Flag.LOW
        assert flag_of(label, 0 if k is None else k + 1, n) is Flag.LOW_WITHIN_ERROR


def test_normal_adult() -> None:
    formula = formula_of(NORMAL, wbc=6.0, age=Age.of(years=34))
    assert formula.total == 100
    assert tuple(line.label for line in formula.lines) == ALWAYS
    assert [line.n for line in formula.lines] == [59, 3, 56, 3, 1, 30, 7]
    assert {line.flag for line in formula.lines} == {Flag.INSIDE}
    neutrophils = formula.line(C.NEUTROPHIL)
    assert neutrophils is not None
    assert neutrophils.absolute == pytest.approx(3.54)
    assert neutrophils.absolute_low == pytest.approx(neutrophils.low * 0.06)
    assert (formula.stratum, formula.stratum_ru, formula.ranges_name) == ("Adults", "Взрослые", "ru")
    assert formula.ranges_source.startswith("Таблица 16")
    assert (formula.wbc_flag, formula.wbc_range) == (Flag.INSIDE, Range(4.0, 9.0))
    assert formula.outside == ()
    assert formula.notes == ("absolute_counting_error_only", "bands_low_reproducibility", "unverified_ranges")
    assert formula.comments == ()


def test_nine_bands_are_within_counting_error() -> None:
    line = formula_of("neutrophil_segmented=60,neutrophil_band=9,lymphocyte=31").line(C.NEUTROPHIL_BAND)
    assert line is not None
    assert (line.flag, round(line.low, 1), round(line.high, 1)) == (Flag.HIGH_WITHIN_ERROR, 4.2, 16.4)
    assert line.cells_needed == 197


@pytest.mark.parametrize(("age", "told"), [("1d", False), ("17y11m", False), ("18y", True), (None, True)])
def test_what_is_usual_in_adults_is_left_out_for_children(age: str | None, told: bool) -> None:
    formula = formula_of(NORMAL, age=Age.parse(age) if age else None)
    assert {index.usual is not None for index in formula.indices} == {told}
    assert all(index.value is not None for index in formula.indices)


def test_no_leukocyte() -> None:
    for text in ("lymphocyte=0", "platelet=12,erythroblast=3"):
        formula = formula_of(text, wbc=5.0)
        assert formula.total == 0
        assert {line.flag for line in formula.lines} == {Flag.NONE}
        assert {(line.percent, line.low, line.high) for line in formula.lines} == {(0.0, 0.0, 100.0)}
        assert "no_leukocytes" in formula.notes
        assert {index.suppressed for index in formula.indices} == {"no_leukocytes"}
        assert all(line.per_100 is None for line in formula.outside)
        assert formula.wbc_corrected is None


def test_few_cells() -> None:
    assert "few_cells" in formula_of("lymphocyte=37").notes
    assert "few_cells" not in formula_of("lymphocyte=100").notes


def test_unsplit_neutrophils_leave_band_and_segmented_unflagged() -> None:
    formula = formula_of("neutrophil=60,neutrophil_band=2,lymphocyte=30,monocyte=8", wbc=6.0)
    rows = {line.label: line for line in formula.lines}
    assert (rows[C.NEUTROPHIL].n, rows[C.NEUTROPHIL_BAND].n, rows[C.NEUTROPHIL_SEGMENTED].n) == (62, 2, 0)
    assert rows[C.NEUTROPHIL].flag is Flag.INSIDE
    for label in (C.NEUTROPHIL_BAND, C.NEUTROPHIL_SEGMENTED):
        assert (rows[label].flag, rows[label].flag_absolute) == (Flag.NONE, Flag.NONE)
        assert rows[label].range_percent is not None
    assert "unsplit_neutrophils" in formula.notes


def test_conditional_classes_appear_when_not_zero() -> None:
    formula = formula_of(NORMAL + ",myelocyte=1,immature_granulocyte=2,blast=1")
    tail = [(line.label, line.n, line.flag) for line in formula.lines[len(ALWAYS) :]]
    assert tail == [
        (C.IMMATURE_GRANULOCYTE, 3, Flag.NONE),
        (C.MYELOCYTE, 1, Flag.NONE),
        (C.BLAST, 1, Flag.NONE),
    ]
    assert "expected_absent" in formula.notes


def test_newborn_immature_cells_are_not_called_unexpected() -> None:
    counts = parse_counts(NORMAL + ",metamyelocyte=4")
    assert "immature_in_newborn" in make_formula(counts, ranges=RU, age=Age.parse("2d")).notes
    newborn = make_formula(counts, ranges=RU, age=Age.parse("2d"))
    assert "expected_absent" not in newborn.notes
    assert "no_range_for_age" in newborn.notes
    assert {line.flag for line in newborn.lines} == {Flag.NONE}
    blasts = make_formula({**counts, C.BLAST: 1}, ranges=RU, age=Age.parse("2d"))
    assert {"immature_in_newborn", "expected_absent"} <= set(blasts.notes)


def test_western_immature_granulocytes_have_a_published_range() -> None:
    formula = make_formula(parse_counts(NORMAL + ",metamyelocyte=6"), ranges=WESTERN)
    line = formula.line(C.IMMATURE_GRANULOCYTE)
    assert line is not None
    assert (line.range_percent, line.flag) == (Range(0.0, 0.9), Flag.HIGH)
    assert "expected_absent" not in formula.notes


def test_outside_the_denominator() -> None:
    formula = formula_of(NORMAL + ",erythroblast=4,platelet=150,artefact=2,unidentified=3", wbc=6.0)
    assert formula.total == 100
    assert [(line.label, line.n, line.per_100) for line in formula.outside] == [
        (C.ERYTHROBLAST, 4, 4.0),
        (C.PLATELET, 150, 150.0),
        (C.ARTEFACT, 2, 2.0),
    ]
    assert formula.unidentified == 3
    assert formula.wbc_corrected is None
    assert "unidentified_cells" in formula.notes


def test_absolute_counts_use_the_corrected_leukocytes() -> None:
    formula = formula_of(NORMAL + ",erythroblast=8", wbc=17.4)
    assert formula.wbc_corrected == pytest.approx(16.111, abs=5e-4)
    line = formula.line(C.LYMPHOCYTE)
    assert line is not None
    assert line.absolute == pytest.approx(0.3 * 17.4 / 1.08)
    assert "wbc_corrected" in formula.notes
    assert formula.wbc_flag is Flag.HIGH
    kept = formula_of(NORMAL + ",erythroblast=8", wbc=17.4, rules=CountingRules(nrbc_correction_from=None))
    assert kept.wbc_corrected is None


@pytest.mark.parametrize(
    ("policy", "total", "lymphocytes", "outside"),
    [("exclude", 100, 30, 12), ("as_lymphocytes", 112, 42, None), ("as_other", 112, 30, None)],
)
def test_smudge_policy(policy: str, total: int, lymphocytes: int, outside: int | None) -> None:
    rules = CountingRules(smudge=SmudgePolicy(policy))
    formula = formula_of(NORMAL + ",smudge_cell=12", rules=rules)
    line, beside = formula.line(C.LYMPHOCYTE), formula.beside(C.SMUDGE_CELL)
    assert line is not None
    assert (formula.total, line.n, beside.n if beside else None) == (total, lymphocytes, outside)
    assert (formula.line(C.SMUDGE_CELL) is not None) == (policy == "as_other")
    assert f"smudge_{policy}" in formula.notes
    assert "expected_absent" not in formula.notes
    assert formula.smudge_policy == policy


def test_rounding_keeps_the_absolute_count_in_its_interval() -> None:
    line = formula_of("neutrophil=1", wbc=113.0).line(C.NEUTROPHIL)
    assert line is not None
    assert line.absolute == line.absolute_high


def test_age_notes() -> None:
    assert "adult_assumed" in formula_of(NORMAL).notes
    child = formula_of(NORMAL, age=Age.parse("5m"))
    assert "no_range_for_age" in child.notes
    assert (child.stratum, child.ranges_source, child.wbc_range) == ("", "", None)


@settings(max_examples=60, deadline=None)
@given(counts_of_any_class, st.none() | st.floats(0.01, 1000), st.sampled_from([RU, WESTERN]))
def test_any_counts(counts: dict[CellClass, int], wbc: float | None, ranges: object) -> None:
    before = dict(counts)
    formula = make_formula(counts, ranges=ranges, wbc=wbc)  # type: ignore[arg-type]
    assert counts == before
    assert formula == make_formula(dict(reversed(counts.items())), ranges=ranges, wbc=wbc)  # type: ignore[arg-type]
    assert formula.total == sum(n for label, n in counts.items() if label.in_denominator)
    order = list(CellClass)
    assert list(formula.lines) == sorted(formula.lines, key=lambda line: order.index(line.label))
    tops = [line for line in formula.lines if line.label.parent is None]
    assert sum(line.n for line in tops) == formula.total
    assert sum(line.percent for line in tops) == pytest.approx(100 if formula.total else 0)
    shown = sum(line.n for line in (*tops, *formula.outside)) + formula.unidentified
    assert shown == sum(counts.values())
    for line in formula.lines:
        assert line.low <= line.percent <= line.high
        assert (line.absolute is None) == (wbc is None) == (line.flag_absolute is None)
        if line.label.children and line.label in counts:
            assert line.n >= counts[line.label]
        if wbc is not None and formula.total:
            assert line.absolute is not None
            assert line.absolute_low is not None
            assert line.absolute_high is not None
            assert line.absolute_low <= line.absolute <= line.absolute_high
        if line.range_percent is not None and line.flag is not Flag.NONE:
            assert line.flag is judge(line.percent, Interval(line.low, line.high), line.range_percent)
    assert set(formula.notes) <= set(NOTES)
    assert {index.suppressed for index in formula.indices} <= {"", *NOTES}


@settings(deadline=None)
@given(st.floats(0, 100), st.floats(0, 50), st.floats(0, 50), st.floats(0, 100), st.floats(0.1, 100))
def test_flags_are_consistent(value: float, below: float, above: float, low: float, width: float) -> None:
    limits, interval = Range(low, low + width), Interval(value - below, value + above)
    flag = judge(value, interval, limits)
    overlap = interval.high >= limits.low and interval.low <= limits.high
    assert flag.certain == (not overlap)
    assert (flag is Flag.INSIDE) == (limits.low <= value <= limits.high)
    assert flag.borderline == (overlap and flag is not Flag.INSIDE)
    assert judge(value, interval, None) is Flag.NONE


@settings(deadline=None)
@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_cells_needed_settle_the_flag(pair: tuple[int, int]) -> None:
    (k, n), limits = pair, Range(3.0, 11.0)
    more = cells_needed(k, n, limits)
    flag = judge(100 * k / n, clopper_pearson_percent(k, n), limits)
    if flag is Flag.INSIDE:
        assert more is None
    elif flag.certain:
        assert more == 0
    elif more is not None:
        assert more > 0
        for total, settled in ((n + more, True), (n + more - 1, False)):
            interval = clopper_pearson_percent(total * k / n, total)
            assert judge(100 * k / n, interval, limits).certain is settled


def test_a_share_at_the_very_limit_is_never_settled() -> None:
    assert cells_needed(1101, 10_000, Range(3.0, 11.0)) is None


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({C.LYMPHOCYTE: -1}, "lymphocyte is -1"),
        ({C.LYMPHOCYTE: 2.5}, "whole number"),
        ({C.LYMPHOCYTE: math.nan}, "whole number"),
        ({C.LYMPHOCYTE: "7"}, "whole number"),
        ({C.LYMPHOCYTE: 10**9}, "whole number"),
        ({"lymfocyte": 3}, "did you mean 'lymphocyte'"),
    ],
)
def test_impossible_counts(counts: dict[CellClass, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_formula(counts, ranges=RU)


@pytest.mark.parametrize("wbc", [0.0, -3.0, math.nan, math.inf, 1000.1])
def test_impossible_leukocyte_count(wbc: float) -> None:
    with pytest.raises(UsageError, match="leukocyte count"):
        formula_of(NORMAL, wbc=wbc)


def test_impossible_sex() -> None:
    with pytest.raises(UsageError, match="write f or m"):
        formula_of(NORMAL, sex="x")
    assert formula_of(NORMAL, sex="Ж") == formula_of(NORMAL, sex="f")


@pytest.mark.parametrize(
    "text",
    ["", " , ", "lymphocyte", "lymphocyte=", "lymphocyte=x", "lymphocyte=3.5", "lymphocyte=-3", "=3",
     "lymphocyte=3,lymphocyte=4", "lymfocyte=3", "lymphocyte=--3", "lymphocyte=3=4", "lymphocyte=٣"],
)  # fmt: skip
def test_counts_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_counts(text)
    assert "\n" not in str(caught.value)


def test_counts_are_read_with_commas_or_spaces() -> None:
    expected = {C.EOSINOPHIL: 2, C.LYMPHOCYTE: 31}
    assert (
        parse_counts("lymphocyte=31,eosinophil=2")
        == parse_counts(" lymphocyte=31  eosinophil=2 ")
        == expected
    )
    assert checked_counts({C.BASOPHIL: 0}) == {}


def test_every_note_is_told_in_both_languages() -> None:
    for code in NOTES:
        assert note_text(code, "en").endswith(".")
        assert any("а" <= letter <= "я" for letter in note_text(code, "ru"))


@pytest.mark.parametrize("setting", ["nrbc_correction_from", "few_cells", "smallest_index_count", "seed"])
def test_impossible_rules(setting: str) -> None:
    with pytest.raises(UsageError, match=setting):
        CountingRules(**{setting: -1})  # type: ignore[arg-type]
