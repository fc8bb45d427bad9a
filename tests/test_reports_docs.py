"""docs/report.md names every column and key of what is written."""

from pathlib import Path

from report_cases import case

from counting.intervals import cells_to_see, zero_seen_upper
from reports.document import SCHEMA, result_document
from reports.formula_csv import FORMULA_COLUMNS
from reports.pictures import OVERVIEW_PX
from reports.stored_pictures import COLUMNS as COLUMNS_OF_SHEET
from reports.stored_pictures import PER_SHEET
from reports.table import COLUMNS
from reports.texts import Language
from reports.view_cells import CAP, CAP_OUTSIDE
from reports.view_formula import MOST_NEEDED

TEXT = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")


def test_every_column_of_the_table_is_explained() -> None:
    assert [column for column in COLUMNS if f"`{column}`" not in TEXT] == []


def test_every_column_of_the_formula_table_is_explained() -> None:
    assert [column for column in FORMULA_COLUMNS if f"`{column}`" not in TEXT] == []


def test_numbers_of_the_method_page() -> None:
    assert f"{zero_seen_upper(200):.2f} % for 200" in TEXT
    assert f"{cells_to_see(1.0)} leukocytes" in TEXT
    assert (PER_SHEET, COLUMNS_OF_SHEET, OVERVIEW_PX) == (2000, 20, 1600)


def test_every_key_of_the_document_is_explained() -> None:
    assert [key for key in result_document(case("few_cells")) if f"`{key}`" not in TEXT] == []
    assert SCHEMA in TEXT


def test_every_column_of_the_formula_is_explained() -> None:
    language = Language("en")
    keys = ("n", "percent", "interval", "corrected_share", "range", "flag", "absolute", "absolute_range")
    for title in (language.text(f"column.{key}").replace("\u00a0", " ") for key in keys):
        assert f"| {title} |" in TEXT


def test_the_limits_named_are_those_in_force() -> None:
    assert f"at most {CAP} of a class" in TEXT
    assert f"{CAP_OUTSIDE} of a class outside" in TEXT
    assert f"at most {MOST_NEEDED:,} more" in TEXT
