"""The two languages: complete, alike, with the right numbers."""

import math
import re
from pathlib import Path
from string import Formatter

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells.errors import UsageError
from cells.model_files import KINDS
from cells.records import Refusal
from cells.vocabulary import CellClass
from counting.records import Flag
from leukoformula.decisions import COUNTING_FRAME, NOT_A_LEUKOCYTE
from leukoformula.repeats import SEEN_BEFORE
from reports.fonts import plain
from reports.phrases import PHRASES
from reports.reasons import reason_text
from reports.texts import LANGUAGES, Language
from reports.view_facts import NOT_TO_BE_TRUSTED
from slides.reader import open_smear
from slides.scale_check import UNCHECKED

EN, RU = Language("en"), Language("ru")
FEW_FORMS, MANY_FORMS = 2, 3


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_a_phrase_says_the_same_in_both_languages(key: str) -> None:
    english, russian = PHRASES[key]
    assert bool(english) == bool(russian)
    forms = english.split("|"), russian.split("|")
    if len(forms[0]) > 1 or len(forms[1]) > 1:
        assert (len(forms[0]), len(forms[1])) == (FEW_FORMS, MANY_FORMS)
    assert len({frozenset(placeholders(form)) for one in forms for form in one}) == 1


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_no_russian_phrase_keeps_an_english_word(key: str) -> None:
    russian = re.sub(r"\{\w+\}", "", PHRASES[key][1])
    words = set(re.findall(r"[A-Za-z]{2,}", russian))
    assert words <= {"AdaBoost", "SHA", "result", "json", "report", "html"}
    assert not re.search(r"[А-Яа-яё]", PHRASES[key][0])


def test_every_code_of_the_other_rooms_has_its_phrase() -> None:
    keys = [f"short.{label.value}" for label in CellClass]
    keys += [f"{kind}.{flag.value}" for kind in ("flag", "sign") for flag in Flag]
    keys += [f"counted.{reason}" for reason in (COUNTING_FRAME, NOT_A_LEUKOCYTE)]
    quality = (Path(__file__).parents[1] / "slides" / "quality.py").read_text(encoding="utf-8")
    codes = re.findall(r'\("([a-z_]+)", "(?:warning|info|refused)"', quality)
    assert len(codes) > 4
    keys += [f"finding.{code}" for code in (*codes, *NOT_TO_BE_TRUSTED, SEEN_BEFORE, UNCHECKED)]
    indices = (Path(__file__).parents[1] / "counting" / "indices.py").read_text(encoding="utf-8")
    for code in ("nuclear_shift", "kalf_kalif", "ostrovsky", "neutrophil_lymphocyte"):
        assert f'"{code}"' in indices
        keys.append(f"index.{code}")
    assert [key for key in keys if key not in PHRASES] == []


@pytest.mark.parametrize(
    ("n", "english", "russian"),
    [
        (1, "1 field", "1 поле"),
        (2, "2 fields", "2 поля"),
        (5, "5 fields", "5 полей"),
        (11, "11 fields", "11 полей"),
        (21, "21 fields", "21 поле"),
        (112, "112 fields", "112 полей"),
        (1_234, "1,234 fields", "1\u00a0234 поля"),
    ],
)
def test_plural_forms(n: int, english: str, russian: str) -> None:
    assert EN.text("findings.fields", n=n) == english
    assert RU.text("findings.fields", n=n) == russian


def test_numbers_carry_the_decimal_sign_of_the_language() -> None:
    assert (EN.number(54.25, 1), RU.number(54.25, 1)) == ("54.2", "54,2")
    assert (EN.percent(8), RU.percent(8)) == ("8.0\u00a0%", "8,0\u00a0%")
    assert (EN.limits(0.5, 5), RU.limits(0.5, 5)) == ("0.5–5", "0,5–5")
    assert EN.limits(2.0, 5.5, digits=2) == "2.00–5.50"
    assert RU.limits(0.0, 0.065, digits=2) == "0–0,065"
    assert EN.absolute(6.4) == "6.40\u00a0×\u00a010⁹/L"
    assert RU.concentration(6.4) == "6,4\u00a0×\u00a010⁹/л"
    assert RU.concentration(17.45) == "17,45\u00a0×\u00a010⁹/л"


def test_dates_and_ages_are_put_into_words() -> None:
    assert (EN.date("2024-05-31"), RU.date("2024-05-31")) == ("2024-05-31", "31.05.2024")
    assert RU.date("2024-05-31T08:15") == "31.05.2024 08:15"
    assert RU.date("вчера") == "вчера"
    assert (EN.age("34y"), RU.age("34y"), RU.age("")) == ("34 years", "34 года", "")


@given(low=st.floats(0, 100), width=st.floats(0, 100), digits=st.integers(0, 3))
def test_an_interval_is_rounded_outward(low: float, width: float, digits: int) -> None:
    high = low + width
    lower, upper = (float(part) for part in EN.span(low, high, digits=digits).split("–"))
    step = 10.0**-digits
    assert low - step <= lower <= low + 1e-6
    assert high - 1e-6 <= upper <= high + step + 1e-9


def test_an_interval_on_a_printed_number_stays_there_and_one_without_end_says_so() -> None:
    assert EN.span(4.2, 16.4, digits=1) == "4.2–16.4"
    assert EN.span(4.15, 16.31, digits=1) == "4.1–16.4"
    assert EN.span(4.2, math.inf, digits=1) == ">\u00a04.2"


def test_a_list_names_the_rest() -> None:
    assert EN.listing(["a", "b", "c"], most=2) == "a, b, 1 more"
    assert RU.listing(["a", "b"], most=2) == "a, b"


def test_an_unknown_language_is_refused_with_the_choice() -> None:
    with pytest.raises(UsageError, match="en, ru"):
        Language("de")
    assert LANGUAGES == ("en", "ru")


def test_refusals_of_the_reader_are_put_into_russian(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 255, (90, 90, 3), np.uint8)
    (tmp_path / "a_empty.png").write_bytes(b"")
    (tmp_path / "b_text.png").write_text("no picture at all")
    whole = cv2.imencode(".png", noise)[1].tobytes()
    (tmp_path / "c_cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "d_small.png").write_bytes(cv2.imencode(".png", noise[:20, :20])[1].tobytes())
    (tmp_path / "e_black.png").write_bytes(cv2.imencode(".png", noise * 0)[1].tobytes())
    (tmp_path / "f_grey.png").write_bytes(cv2.imencode(".png", noise * 0 + 128)[1].tobytes())
    refusals = [item for item in open_smear(tmp_path).fields() if isinstance(item, Refusal)]
    assert len(refusals) == 6
    for refusal in refusals:
        assert reason_text(refusal.reason, EN, plain) == refusal.reason
        russian = reason_text(refusal.reason, RU, plain)
        assert set(re.findall(r"[A-Za-z]{2,}", russian)) <= {"PNG", "JPEG", "BMP", "TIFF"}, russian


def test_an_unknown_refusal_is_marked_as_a_message_of_the_program() -> None:
    assert reason_text("burst\ninto <flames>", RU, plain) == (
        "не прочитан; сообщение программы: burst into <flames>"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_has_a_name(kind: str) -> None:
    for lang in ("en", "ru"):
        assert Language(lang).has(f"kind.{kind}")
