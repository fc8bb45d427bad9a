"""Ages: what is read, what is refused, how it is printed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.errors import UsageError
from counting.age import Age


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("34y", 12418),
        ("5m", 152),
        ("12d", 12),
        ("2w", 14),
        ("0d", 0),
        ("1y", 365),
        ("12m", 365),
        ("18y", 6574),
        ("1y6m", 547),
        ("1y 6m 3d", 550),
        ("34 years", 12418),
        (" 34 Y ", 12418),
        ("34 года", 12418),
        ("5 мес.", 152),
        ("12 дн", 12),
        ("130y", 47482),
    ],
)
def test_reads(text: str, days: int) -> None:
    assert Age.parse(text).days == days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "34",
        "y",
        "34 z",
        "-3y",
        "3.5y",
        "34y34y",
        "3d2y",
        "131y",
        "999999y",
        "34y!",
        "nan",
        "1y2m3w4d5y",
        "²y",
    ],
)
def test_refuses_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Age.parse(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)


@settings(deadline=None)
@given(st.integers(0, 120), st.integers(0, 11), st.integers(0, 31))
def test_text_reads_back(years: int, months: int, days: int) -> None:
    age = Age.of(years=years, months=months, days=days)
    assert Age.parse(age.text) == age


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_an_age_or_a_usage_error(text: str) -> None:
    try:
        assert Age.parse(text).days >= 0
    except UsageError as error:
        assert str(error)


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="negative"):
        Age.of(years=-1)


def test_birthday_of_every_year_is_that_year() -> None:
    assert all(
        Age.of(years=n) == Age.parse(f"{n}y") and Age.of(months=12 * n).days == Age.of(years=n).days
        for n in range(1, 130)
    )


@pytest.mark.parametrize(
    ("text", "en", "ru"),
    [
        ("1y", "1 year", "1 год"),
        ("34y", "34 years", "34 года"),
        ("11y", "11 years", "11 лет"),
        ("112y", "112 years", "112 лет"),
        ("21d", "21 days", "21 день"),
        ("1y6m", "1 year 6 months", "1 год 6 месяцев"),
        ("2w", "2 weeks", "2 недели"),
    ],
)
def test_words(text: str, en: str, ru: str) -> None:
    age = Age.parse(text)
    assert (age.display("en"), age.display("ru")) == (en, ru)
    assert Age.parse(ru).days == age.days
