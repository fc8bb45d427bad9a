"""docs/report.md names every column and key of what is written."""

from pathlib import Path

from report_cases import case

from reports.document import SCHEMA, result_document
from reports.table import COLUMNS
from reports.texts import Language
from reports.view_cells import CAP, CAP_OUTSIDE
from reports.view_formula import MOST_NEEDED

TEXT = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")


def test_every_column_of_the_table_is_explained() -> None:
    assert [column for column in COLUMNS if f"`{column}`" not in TEXT] == []


def test_every_key_of_the_document_is_explained() -> None:
    assert [key for key in result_document(case("few_cells")) if f"`{key}`" not in TEXT] == []
    assert SCHEMA in TEXT


def test_every_column_of_the_formula_is_explained() -> None:
    language = Language("en")
    keys = ("n", "percent", "interval", "range", "flag", "absolute", "absolute_range")
    for title in (language.text(f"column.{key}").replace("\u00a0", " ") for key in keys):
        assert f"| {title} |" in TEXT


def test_the_limits_named_are_those_in_force() -> None:
    assert f"at most {CAP} of a class" in TEXT
    assert f"{CAP_OUTSIDE} of a class outside" in TEXT
    assert f"at most {MOST_NEEDED:,} more" in TEXT
