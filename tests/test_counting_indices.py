"""Indices: published vectors, intervals, suppression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.vocabulary import CellClass
from counting.counts import parse_counts
from counting.indices import INDEX_NAMES, leukocyte_indices
from counting.records import Index
from counting.rules import CountingRules

RULES = CountingRules()
P3 = "neutrophil_band=3,neutrophil_segmented=60,lymphocyte=28,monocyte=6,eosinophil=3"
YU2 = "metamyelocyte=2,neutrophil_band=14,neutrophil_segmented=66,lymphocyte=13,monocyte=5"


def indices(text: str, rules: CountingRules = RULES) -> dict[str, Index]:
    found = leukocyte_indices(parse_counts(text), np.random.default_rng(0), rules=rules)
    return {index.code: index for index in found}


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        (P3, "kalf_kalif", 0.485),
        (YU2, "kalf_kalif", 5.556),
        (P3, "nuclear_shift", 0.05),
        (YU2, "nuclear_shift", 16 / 66),
        (P3, "ostrovsky", 63 / 37),
        (P3, "neutrophil_lymphocyte", 63 / 28),
    ],
)
def test_vectors(text: str, code: str, value: float) -> None:
    index = indices(text)[code]
    assert index.value is not None
    assert index.low is not None
    assert index.high is not None
    assert index.value == pytest.approx(value, abs=5e-4)
    assert index.low < index.value < index.high
    assert index.suppressed == ""


def test_kalf_kalif_weighs_every_class() -> None:
    text = "myelocyte=2,metamyelocyte=3,neutrophil_band=10,neutrophil_segmented=55,plasma_cell=1,"
    text += "eosinophil=1,lymphocyte=20,monocyte=8"
    index = indices(text)["kalf_kalif"]
    assert index.value == pytest.approx((8 + 9 + 20 + 55) * 2 / (28 * 2))


def test_reactive_lymphocytes_are_lymphocytes() -> None:
    moved = P3.replace("lymphocyte=28", "lymphocyte=20,lymphocyte_variant=8")
    assert indices(moved)["neutrophil_lymphocyte"].value == indices(P3)["neutrophil_lymphocyte"].value


def test_intervals_narrow_with_more_cells() -> None:
    many = ",".join(f"{pair.split('=')[0]}={10 * int(pair.split('=')[1])}" for pair in P3.split(","))
    for code, index in indices(P3).items():
        more = indices(many)[code]
        assert more.value == pytest.approx(index.value)
        assert more.high is not None
        assert more.low is not None
        assert index.high is not None
        assert index.low is not None
        assert more.high - more.low < 0.5 * (index.high - index.low)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lymphocyte=0", dict.fromkeys(INDEX_NAMES, "no_leukocytes")),
        ("neutrophil_segmented=60,lymphocyte=39", dict.fromkeys(INDEX_NAMES, "few_cells")),
        (P3 + ",blast=1", dict.fromkeys(INDEX_NAMES, "blasts_present")),
        (
            "neutrophil=70,lymphocyte=30",
            {"nuclear_shift": "unsplit_neutrophils", "kalf_kalif": "unsplit_neutrophils",
             "ostrovsky": "", "neutrophil_lymphocyte": ""},
        ),
        (
            P3 + ",immature_granulocyte=1",
            {"nuclear_shift": "", "kalf_kalif": "unsplit_immature_granulocytes",
             "ostrovsky": "", "neutrophil_lymphocyte": ""},
        ),
        (
            "neutrophil_segmented=95,lymphocyte=5",
            {"nuclear_shift": "", "kalf_kalif": "small_denominator",
             "ostrovsky": "small_denominator", "neutrophil_lymphocyte": "small_denominator"},
        ),
    ],
)  # fmt: skip
def test_suppression(text: str, expected: dict[str, str]) -> None:
    found = indices(text)
    assert {code: index.suppressed for code, index in found.items()} == expected
    for index in found.values():
        assert (index.value is None) == (index.low is None) == (index.high is None) == bool(index.suppressed)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(list(CellClass)), st.integers(0, 300)))
def test_any_counts_give_finite_indices(counts: dict[CellClass, int]) -> None:
    rules = CountingRules(few_cells=0, smallest_index_count=0)
    first = leukocyte_indices(counts, np.random.default_rng(1), rules=rules, draws=200)
    assert first == leukocyte_indices(counts, np.random.default_rng(1), rules=rules, draws=200)
    for index in first:
        if index.value is not None and index.low is not None and index.high is not None:
            assert 0 <= index.low <= index.value <= index.high < np.inf


def test_interval_covers() -> None:
    """Of 100 intervals, nominal 95 %, fewer than 86 holding has odds of about 1 in 2,000."""
    rng = np.random.default_rng(11)
    labels = list(parse_counts(P3))
    shares = np.array(list(parse_counts(P3).values())) / 100
    held = 0
    for _ in range(100):
        counts = dict(zip(labels, map(int, rng.multinomial(200, shares)), strict=True))
        index = leukocyte_indices(counts, rng, rules=RULES, draws=500)[3]
        assert index.low is not None
        assert index.high is not None
        held += index.low <= 63 / 28 <= index.high
    assert held >= 86


def test_every_index_is_named() -> None:
    assert set(indices(P3)) == set(INDEX_NAMES)
    assert all(set(names) == {"en", "ru"} for names in INDEX_NAMES.values())
