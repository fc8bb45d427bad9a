"""Two counts of one sample side by side: a table for a terminal, and JSON values."""

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from counting.comparison import ClassComparison, Comparison
    from reports.texts import Language

_SMALLEST_P = 0.001


def comparison_document(comparison: "Comparison") -> dict[str, object]:
    """Return a comparison as JSON values.

    Parameters
    ----------
    comparison : Comparison
        Two counts of one sample.

    Returns
    -------
    dict
        Totals, the probability of the whole table, and both shares of each class with their intervals.
    """
    return {
        **asdict(comparison),
        "differs": comparison.differs,
        "classes": [
            {**asdict(one), "label": str(one.label), "differs": one.differs} for one in comparison.classes
        ],
    }


def comparison_table(comparison: "Comparison", *, lang: str) -> str:
    """Write a comparison as a table for a terminal.

    Parameters
    ----------
    comparison : Comparison
        Two counts of one sample.
    lang : {"en", "ru"}
        Language.

    Returns
    -------
    str
        Lines of text without an end of line at the last.

    Raises
    ------
    UsageError
        Where there are no texts in the language.
    """
    from reports.texts import Language

    language = Language(lang)
    head = ("column.cells", "comparison.first", "comparison.second", "comparison.p", "comparison.verdict")
    rows = [tuple(language.text(key) for key in head)]
    rows += [_row(one, comparison, language) for one in comparison.classes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    verdict = "comparison.differ" if comparison.differs else "comparison.agree"
    p = _probability(comparison.p, language)
    whole = language.text(verdict, p=p if p.startswith("<") else f"= {p}")
    return "\n".join([language.text("comparison"), "", *lines, "", whole, language.text("comparison.method")])


def _row(one: "ClassComparison", comparison: "Comparison", language: "Language") -> tuple[str, ...]:
    listed = {other.label for other in comparison.classes}
    indent = "  " if one.label.parent in listed else ""
    return (
        indent + language.label(one.label),
        _share(one.n_first, one.percent_first, one.low_first, one.high_first, language),
        _share(one.n_second, one.percent_second, one.low_second, one.high_second, language),
        _probability(one.p_adjusted, language),
        language.text("comparison.differs" if one.differs else "none"),
    )


def _share(n: int, percent: float, low: float, high: float, language: "Language") -> str:
    return f"{language.number(percent, 1)} ({language.span(low, high, digits=1)}), n = {language.integer(n)}"


def _probability(p: float, language: "Language") -> str:
    return f"< {language.number(_SMALLEST_P, 3)}" if p < _SMALLEST_P else language.number(p, 3)
