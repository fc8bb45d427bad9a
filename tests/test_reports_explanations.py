"""The words of an explanation: every feature has a name in both languages, numbers follow the language."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.explanation import FAMILIES, Explanation, Reason
from features.vector import NAMES
from reports.document import write_json
from reports.explanations import explanations, feature_name
from reports.html import render_html
from reports.reading import read_result
from reports.texts import Language
from tests.report_cases import normal_adult

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.mark.parametrize("name", [*NAMES, *FAMILIES])
def test_every_feature_has_a_name_in_both_languages(name: str) -> None:
    english, russian = (feature_name(name, lang=lang) for lang in ("en", "ru"))
    assert english[0].isupper()
    assert not CYRILLIC.search(english)
    assert CYRILLIC.search(russian)
    assert "_" not in english + russian


def test_no_two_features_share_a_name() -> None:
    for lang in ("en", "ru"):
        names = [feature_name(name, lang=lang) for name in (*NAMES, *FAMILIES)]
        assert len(set(names)) == len(names)


def test_an_unknown_feature_has_no_name() -> None:
    with pytest.raises(KeyError):
        feature_name("nucleus_colour", lang="en")


def explained(*reasons: Reason) -> object:
    return Explanation(CellClass.LYMPHOCYTE, CellClass.MONOCYTE, reasons)


def test_a_reason_brings_the_value_and_the_usual_range_in_the_language() -> None:
    result = normal_adult()
    cell = next(c for c in result.cells if c.counted)
    reasons = (
        Reason("nucleus_cell_ratio", 1.5, 0.82, 0.62, 0.9),
        Reason("cell_diameter", -0.5, 12.34, 9.0, 14.0),
        Reason("chromatin_texture", 0.4),
    )
    result = replace(result, explanations={cell.cell_id: explained(*reasons)})
    english = explanations(result, Language("en"))
    russian = explanations(result, Language("ru"))
    assert english is not None
    assert russian is not None
    assert english.cells[0].reasons == (
        "Nucleus : cell area 0.82 (lymphocyte usually 0.62–0.90)",
        "Texture of the chromatin",
    )
    assert english.cells[0].counter == ("Cell diameter 12.3\u00a0µm (lymphocyte usually 9.0–14.0)",)
    assert russian.cells[0].reasons[0] == "Площадь ядра : площадь клетки 0,82 (лимфоцит: обычно 0,62–0,90)"
    assert "12,3\u00a0мкм" in russian.cells[0].counter[0]


def test_the_page_shows_what_is_explained_and_only_that() -> None:
    result = normal_adult()
    assert '<details class="why">' not in render_html(result, lang="en")
    cell = next(c for c in result.cells if c.counted)
    reason = Reason("nucleus_cell_ratio", 1.5, 0.82, 0.62, 0.9)
    page = render_html(replace(result, explanations={cell.cell_id: explained(reason)}), lang="ru")
    assert page.count('<details class="why">') == 1
    assert "0,82" in page


@pytest.mark.parametrize("label", CLASSIFIED)
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_every_class_can_be_explained_in_words(label: CellClass, lang: str) -> None:
    result = normal_adult()
    cell = result.cells[0]
    reason = Reason("segments", 0.1, 3.0, 2.0, 4.0)
    other = CellClass.ARTEFACT if label is CellClass.PLATELET else CellClass.PLATELET
    found = explanations(
        replace(result, explanations={cell.cell_id: Explanation(label, other, (reason,))}), Language(lang)
    )
    assert found is not None
    assert "3 (" in found.cells[0].reasons[0]
    assert found.cells[0].summary


def test_explanations_are_stored_and_read_again(tmp_path: Path) -> None:
    result = normal_adult()
    reasons = (Reason("lobes", 1.25, 3.0, 2.0, 4.5), Reason("chromatin_texture", -0.5))
    result = replace(result, explanations={result.cells[0].cell_id: explained(*reasons)})
    write_json(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json").explanations == result.explanations


@pytest.mark.parametrize("label", list(CellClass))
def test_what_a_person_named_is_not_explained_as_the_programs_answer(label: CellClass) -> None:
    result = normal_adult()
    cell = replace(result.cells[0], label=label)
    reason = Reason("segments", 0.1, 3.0, 2.0, 4.0)
    result = replace(
        result,
        cells=(cell, *result.cells[1:]),
        relabelled=(cell.cell_id,),
        explanations={cell.cell_id: explained(reason)},
    )
    for lang, said in (("en", "by the program"), ("ru", "по оценке программы")):
        found = explanations(result, Language(lang))
        assert found is not None
        assert said in found.cells[0].summary
        assert label.display(lang) in found.cells[0].summary
