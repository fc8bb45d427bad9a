"""Why a cell was called what it was called, in words: names of the features and a line for each reason."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cells.vocabulary import CellClass
from classifiers.explanation import FAMILIES, Explanation, Reason
from features.vector import FEATURES
from leukoformula.result import SmearResult
from reports.pictures import Picture, encode
from reports.texts import Language

_UNITS = {f.name: f.unit for f in FEATURES}
_PARTS = {
    "nucleus": ("nucleus", "ядра"),
    "cytoplasm": ("cytoplasm", "цитоплазмы"),
    "granule": ("granules", "гранул"),
    "segment": ("largest segment", "наибольшего сегмента"),
    "cell": ("cell", "клетки"),
}
_COLOURS = {"red": ("red", "красном"), "green": ("green", "зелёном"), "blue": ("blue", "синем")}
_HUES = {"red": ("red", "красного"), "blue": ("blue", "синего")}
_AXES = {
    "l": ("lightness L*", "светлота L*"),
    "a": ("redness a*", "краснота a*"),
    "b": ("yellowness b*", "желтизна b*"),
}
_FORMS = {
    "circularity": ("roundness", "округлость"),
    "solidity": ("solidity", "выпуклость"),
    "eccentricity": ("elongation", "вытянутость"),
    "extent": ("share of the bounding rectangle", "доля описанного прямоугольника"),
}
_HARALICK = {
    "contrast": ("contrast", "контраст"),
    "homogeneity": ("homogeneity", "однородность"),
    "correlation": ("correlation", "корреляция"),
    "entropy": ("entropy", "энтропия"),
}
_DYES = {"basic": ("azure dye", "азур"), "acid": ("eosin", "эозин")}
_TEXTURED = {
    "nucleus": ("Chromatin", "Хроматин"),
    "cytoplasm": ("Cytoplasm", "Цитоплазма"),
    "cell": ("Cell", "Клетка"),
}

NAMES: dict[str, tuple[str, str]] = {
    "chromatin_texture": ("Texture of the chromatin", "Структура хроматина"),
    "cytoplasm_texture": ("Texture of the cytoplasm", "Структура цитоплазмы"),
    "nucleus_outline": ("Bends of the nuclear outline", "Изгибы контура ядра"),
    "cell_outline": ("Bends of the cell outline", "Изгибы контура клетки"),
    "nucleus_place": ("Place of the nucleus in the cell", "Расположение ядра в клетке"),
    "cell_diameter": ("Cell diameter", "Диаметр клетки"),
    "nucleus_area": ("Nuclear area", "Площадь ядра"),
    "nucleus_cell_ratio": ("Nucleus : cell area", "Площадь ядра : площадь клетки"),
    "nucleus_diameter": ("Nuclear diameter", "Диаметр ядра"),
    "segments": ("Separate nuclear segments", "Число отдельных сегментов ядра"),
    "lobes": ("Nuclear lobes", "Число долей ядра"),
    "largest_segment": ("Largest segment, share of the nucleus", "Наибольший сегмент, доля ядра"),
    "smallest_segment": ("Smallest segment, share of the nucleus", "Наименьший сегмент, доля ядра"),
    "second_segment": ("Second segment, share of the nucleus", "Второй сегмент, доля ядра"),
    "dark_parts_80": ("Parts of dense chromatin", "Число участков плотного хроматина"),
    "dark_parts_100": ("Parts of very dense chromatin", "Число участков очень плотного хроматина"),
    "dark_largest_80": ("Largest part of dense chromatin", "Наибольший участок плотного хроматина, доля"),
    "dark_largest_100": (
        "Largest part of very dense chromatin",
        "Наибольший участок очень плотного хроматина, доля",
    ),
    "ridge_width_p10": ("Nuclear ribbon where narrow", "Ширина ядерной ленты в узком месте"),
    "ridge_width_p50": ("Nuclear ribbon, median width", "Ширина ядерной ленты, медиана"),
    "ridge_length": ("Length of the nuclear ribbon", "Длина ядерной ленты, в диаметрах ядра"),
    "filament_width": ("Filament width", "Ширина перемычки ядра"),
    "filament_ratio": ("Filament : thickest part of the nucleus", "Перемычка : наибольшая толщина ядра"),
    "nucleus_thickness": ("Greatest thickness of the nucleus", "Наибольшая толщина ядра"),
    "nucleus_mean_depth": ("Mean : greatest depth of the nucleus", "Средняя : наибольшая глубина ядра"),
    "nucleus_ribbon": ("Compactness of the nucleus", "Компактность ядра"),
    "indentation": ("Nuclear indentation", "Глубина выемки ядра"),
    "indentation_second": ("Second nuclear indentation", "Глубина второй выемки ядра"),
    "bays": ("Nuclear indentations", "Число выемок ядра"),
    "nucleus_spread": ("Spread of the nucleus in the cell", "Разброс ядра по клетке"),
    "nucleus_hull_cell": ("Cell filled by the nucleus and its bays", "Доля клетки в охвате ядра"),
    "nucleus_holes": ("Holes in the nucleus", "Просветы в ядре, доля"),
    "eccentric_position": ("Eccentric position of the nucleus", "Смещение ядра от центра клетки"),
    "cytoplasm_rim": ("Mean width of the cytoplasm", "Средняя ширина цитоплазмы"),
    "cytoplasm_width": ("Greatest width of the cytoplasm", "Наибольшая ширина цитоплазмы"),
    "nucleus_at_border": ("Nucleus at the cell border, share", "Доля границы ядра у края клетки"),
    "cell_radius_spread": ("Irregularity of the cell outline", "Неровность контура клетки"),
    "cytoplasm_nucleus_od": (
        "Stain of the cytoplasm against the nucleus",
        "Окраска цитоплазмы относительно ядра",
    ),
    "lab_distance": ("Colour difference of cytoplasm and nucleus", "Цветовое различие цитоплазмы и ядра"),
    "granule_contrast": ("Contrast of granules", "Контраст гранул"),
    "vacuole_contrast": ("Contrast of vacuoles", "Контраст вакуолей"),
    "eosinophilia": ("Eosinophilia of the cytoplasm", "Эозинофильность цитоплазмы"),
    "surround_share": ("Stained share around the cell", "Окрашенная доля вокруг клетки"),
    "cytoplasm_surround_od": (
        "Stain of the cytoplasm against erythrocytes",
        "Окраска цитоплазмы относительно эритроцитов",
    ),
    "nucleus_surround_od": (
        "Stain of the nucleus against erythrocytes",
        "Окраска ядра относительно эритроцитов",
    ),
    "granule_red": ("Red tone of granules", "Красный тон гранул"),
    "granule_blue": ("Blue tone of granules", "Синий тон гранул"),
    "acid_share": ("Eosin : eosin and azure in the cytoplasm", "Доля эозина в окраске цитоплазмы"),
    "acid_share_granules": ("Eosin : eosin and azure in the granules", "Доля эозина в окраске гранул"),
    "dye_correlation": ("Azure and eosin in the same places", "Совпадение азура и эозина в цитоплазме"),
    "dye_residual": ("Colour that neither dye explains", "Цвет, не объяснимый двумя красителями"),
}
"""English and Russian names of the features that stand by themselves, and of the families."""

_Words = tuple[str, str]


def _pair(english: str, russian: str) -> _Words:
    return english, russian


_PATTERNS: tuple[tuple[str, Callable[..., _Words]], ...] = (
    (
        r"(nucleus|segment|cell)_(circularity|solidity|eccentricity|extent)",
        lambda p, k: _pair(
            f"{_FORMS[k][0].capitalize()} of the {_PARTS[p][0]}",
            f"{_FORMS[k][1].capitalize()} {_PARTS[p][1]}",
        ),
    ),
    (
        r"(nucleus|segment)_hu(\d)",
        lambda p, k: _pair(f"Form of the {_PARTS[p][0]}, moment {k}", f"Форма {_PARTS[p][1]}, момент {k}"),
    ),
    (
        r"nucleus_ring(\d)",
        lambda k: _pair(f"Nucleus in ring {k} of the cell", f"Доля ядра в кольце {k} клетки"),
    ),
    (
        r"(nucleus|cytoplasm|granule)_od_(red|green|blue)",
        lambda p, c: _pair(
            f"Density of the {_PARTS[p][0]} in {_COLOURS[c][0]}",
            f"Плотность {_PARTS[p][1]} в {_COLOURS[c][1]} свете",
        ),
    ),
    (
        r"(nucleus|cytoplasm)_od_sd_(red|green|blue)",
        lambda p, c: _pair(
            f"Unevenness of the {_PARTS[p][0]} in {_COLOURS[c][0]}",
            f"Неравномерность {_PARTS[p][1]} в {_COLOURS[c][1]} свете",
        ),
    ),
    (
        r"(nucleus|cytoplasm)_hue_(red|blue)(?:_p(\d+))?",
        lambda p, c, q: _pair(
            f"{_HUES[c][0].capitalize()} share of the {_PARTS[p][0]}{f' ({q} %)' if q else ''}",
            f"Доля {_HUES[c][1]} в окраске {_PARTS[p][1]}{f' ({q} %)' if q else ''}",
        ),
    ),
    (
        r"(nucleus|cytoplasm|granule)_lab_([lab])",
        lambda p, k: _pair(
            f"{_AXES[k][0].capitalize()} of the {_PARTS[p][0]}",
            f"{_AXES[k][1].capitalize()} {_PARTS[p][1]}",
        ),
    ),
    (
        r"hue_step_(red|blue)",
        lambda c: _pair(
            f"{_HUES[c][0].capitalize()} share, cytoplasm less nucleus",
            f"Доля {_HUES[c][1]}: цитоплазма минус ядро",
        ),
    ),
    (
        r"relative_stain_p(\d+)",
        lambda q: _pair(
            f"Stain of the cell against the nucleus ({q} %)", f"Окраска клетки относительно ядра ({q} %)"
        ),
    ),
    (
        r"(nucleus|cytoplasm)_surround_(red|blue)",
        lambda p, c: _pair(
            f"{_HUES[c][0].capitalize()} share, {_PARTS[p][0]} less erythrocytes",
            f"Доля {_HUES[c][1]} {_PARTS[p][1]} минус эритроцитов",
        ),
    ),
    (
        r"(basic|acid)_(cytoplasm|granules)",
        lambda d, p: _pair(
            f"{_DYES[d][0].capitalize()} in the {p}",
            f"{_DYES[d][1].capitalize()} в {'цитоплазме' if p == 'cytoplasm' else 'гранулах'}",
        ),
    ),
    (
        r"(basic|acid)_p(\d+)",
        lambda d, q: _pair(
            f"{_DYES[d][0].capitalize()} in the cytoplasm ({q} %)",
            f"{_DYES[d][1].capitalize()} в цитоплазме ({q} %)",
        ),
    ),
    (
        r"(basic|acid)_grain",
        lambda d: _pair(f"Granules of {_DYES[d][0]}", f"Зернистость ({_DYES[d][1]})"),
    ),
    (
        r"(nucleus|cytoplasm)_glcm_(\w+)_(\d)",
        lambda p, k, s: _pair(
            f"{_TEXTURED[p][0]}: {_HARALICK[k][0]} at {s} px",
            f"{_TEXTURED[p][1]}: {_HARALICK[k][1]}, {s} пикс.",
        ),
    ),
    (
        r"(nucleus|cytoplasm)_lbp_(\d)",
        lambda p, k: _pair(f"{_TEXTURED[p][0]}: fine pattern {k}", f"{_TEXTURED[p][1]}: мелкий узор {k}"),
    ),
    (
        r"(nucleus|cytoplasm)_grain_(\d)",
        lambda p, k: _pair(f"{_TEXTURED[p][0]}: grain of size {k}", f"{_TEXTURED[p][1]}: зерно размера {k}"),
    ),
    (
        r"(nucleus|cytoplasm)_dark_(\d)",
        lambda p, k: _pair(
            f"{_TEXTURED[p][0]}: dark grains below {k} px", f"{_TEXTURED[p][1]}: тёмные зёрна до {k} пикс."
        ),
    ),
    (
        r"(nucleus|cytoplasm)_bright_(\d)",
        lambda p, k: _pair(
            f"{_TEXTURED[p][0]}: bright gaps below {k} px",
            f"{_TEXTURED[p][1]}: светлые просветы до {k} пикс.",
        ),
    ),
    (
        r"(segment|cell)_angle_(\d)",
        lambda p, k: _pair(
            f"Bends of the {_PARTS[p][0]}, scale {k}", f"Изгибы контура {_PARTS[p][1]}, масштаб {k}"
        ),
    ),
    (
        r"(nucleus|cell)_grey_angle_(\d)",
        lambda p, k: _pair(
            f"{_TEXTURED[p][0]}: mean angle, scale {k}", f"{_TEXTURED[p][1]}: средний угол, масштаб {k}"
        ),
    ),
)

_ONE: dict[CellClass, _Words] = {
    CellClass.NEUTROPHIL_BAND: ("band neutrophil", "палочкоядерный нейтрофил"),
    CellClass.NEUTROPHIL_SEGMENTED: ("segmented neutrophil", "сегментоядерный нейтрофил"),
    CellClass.EOSINOPHIL: ("eosinophil", "эозинофил"),
    CellClass.BASOPHIL: ("basophil", "базофил"),
    CellClass.LYMPHOCYTE: ("lymphocyte", "лимфоцит"),
    CellClass.MONOCYTE: ("monocyte", "моноцит"),
    CellClass.IMMATURE_GRANULOCYTE: ("immature granulocyte", "незрелый гранулоцит"),
    CellClass.ERYTHROBLAST: ("erythroblast", "эритробласт"),
    CellClass.PLATELET: ("platelet", "тромбоцит"),
    CellClass.ARTEFACT: ("artefact", "артефакт"),
}

_TEXTS = {
    "heading": (
        "Why the least certain cells were called so",
        "Чем обоснованы наименее уверенные решения",
    ),
    "intro": (
        "What the feature classifier went by, for the label against the next likely class (integrated"
        " gradients, arXiv 1703.01365). In brackets: where 9 in 10 cells of the class lie in the training"
        " images.",
        "На что опирался классификатор по признакам: за указанный класс против следующего по вероятности"
        " (интегральные градиенты, arXiv 1703.01365). В скобках: где лежат 9 из 10 клеток класса в обучающих"
        " снимках.",
    ),
    "summary": ("{label} rather than {against}", "{label}, а не {against}"),
    "summary.named": (
        "by the program {label} rather than {against}; a person named it: {named}",
        "по оценке программы {label}, а не {against}; специалист указал: {named}",
    ),
    "for": ("For", "За"),
    "against": ("Against", "Против"),
    "usual": (
        "{name} {value} ({label} usually {usual})",
        "{name} {value} ({label}: обычно {usual})",
    ),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One explained cell: number, picture, the two classes in words, what speaks for and against."""

    number: str
    picture: Picture
    summary: str
    reasons: tuple[str, ...]
    counter: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanations:
    """The explained cells of a report under their heading."""

    heading: str
    intro: str
    speaks_for: str
    speaks_against: str
    cells: tuple[Explained, ...]


def feature_name(name: str, *, lang: str) -> str:
    """Return what a physician calls a feature or a family of features.

    Parameters
    ----------
    name : str
        Name in ``features.vector.NAMES`` or ``classifiers.explanation.FAMILIES``; KeyError for another.
    lang : {"en", "ru"}
        Language.

    Returns
    -------
    str
        The name, its first letter a capital.
    """
    column = ("en", "ru").index(lang)
    if name in NAMES:
        return NAMES[name][column]
    for pattern, words in _PATTERNS:
        found = re.fullmatch(pattern, name)
        if found:
            return words(*found.groups())[column]
    raise KeyError(name)


def explanations(result: SmearResult, language: Language) -> Explanations | None:
    """Say why the least certain cells of a result were called what they were called.

    Parameters
    ----------
    result : SmearResult
        The result; its ``explanations`` and ``crops`` are used.
    language : Language
        Language of the report.

    Returns
    -------
    Explanations or None
        None where nothing is explained.
    """
    cells, named = [], set(result.relabelled or ())
    for cell in sorted(result.cells, key=lambda c: (c.probability, c.cell_id)):
        explanation = result.explanations.get(cell.cell_id)
        if not isinstance(explanation, Explanation) or cell.cell_id not in result.crops:
            continue
        cells.append(
            Explained(
                number=language.text("number", n=cell.cell_id),
                picture=encode(result.crops[cell.cell_id]),
                summary=_text(language, "summary.named" if cell.cell_id in named else "summary").format(
                    label=_one(language, explanation.label),
                    against=_one(language, explanation.against),
                    named=language.label(cell.label),
                ),
                reasons=_lines(explanation, language, sign=1),
                counter=_lines(explanation, language, sign=-1),
            )
        )
    if not cells:
        return None
    heading, intro, speaks_for, speaks_against = (
        _text(language, key) for key in ("heading", "intro", "for", "against")
    )
    return Explanations(heading, intro, speaks_for, speaks_against, tuple(cells))


def explanation_records(result: SmearResult) -> list[dict[str, object]]:
    """Return the explanations of a result as JSON values.

    Parameters
    ----------
    result : SmearResult
        The result.

    Returns
    -------
    list of dict
        ``cell_id``, ``label``, ``against`` and ``reasons``, in the order of the cells' numbers.
    """
    return [
        {
            "cell_id": number,
            "label": found.label.value,
            "against": found.against.value,
            "reasons": [
                {
                    "name": reason.name,
                    "contribution": _rounded(reason.contribution),
                    "value": _rounded(reason.value),
                    "low": _rounded(reason.low),
                    "high": _rounded(reason.high),
                }
                for reason in found.reasons
            ],
        }
        for number, found in sorted(result.explanations.items())
        if isinstance(found, Explanation)
    ]


def read_explanations(records: Sequence[Mapping[str, Any]]) -> dict[int, object]:
    """Return explanations from their JSON values.

    Parameters
    ----------
    records : sequence of mapping
        What ``explanation_records`` gave; reasons of features that are not known any more are left out.

    Returns
    -------
    dict of int to Explanation
        By ``cell_id``.
    """
    known = {*_UNITS, *FAMILIES}
    return {
        int(record["cell_id"]): Explanation(
            CellClass(record["label"]),
            CellClass(record["against"]),
            tuple(Reason(**reason) for reason in record["reasons"] if reason["name"] in known),
        )
        for record in records
    }


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(value, 4)


def _lines(explanation: Explanation, language: Language, *, sign: int) -> tuple[str, ...]:
    return tuple(
        _line(reason, explanation, language)
        for reason in explanation.reasons
        if reason.contribution * sign > 0
    )


def _line(reason: Reason, explanation: Explanation, language: Language) -> str:
    name = feature_name(reason.name, lang=language.code)
    if reason.value is None or reason.low is None or reason.high is None or not reason.low <= reason.high:
        return name
    unit = _UNITS[reason.name]
    digits = _digits(unit, reason.high - reason.low)
    value, low, high = (
        language.number(v, digits).replace("-", "\u2212") for v in (reason.value, reason.low, reason.high)
    )
    to = " … " if reason.low < 0 else "–"
    if unit in ("µm", "µm²"):
        shown = unit if language.code == "en" else unit.replace("µm", "мкм")
        value = f"{value}\u00a0{shown}"
    label = _one(language, explanation.label)
    return _text(language, "usual").format(name=name, value=value, usual=low + to + high, label=label)


def _digits(unit: str, width: float) -> int:
    if unit == "count":
        return 0
    if unit == "µm²" or width >= 20:
        return 0
    return 1 if width >= 3 else 2


def _one(language: Language, label: CellClass) -> str:
    return _ONE[label][("en", "ru").index(language.code)]


def _text(language: Language, key: str) -> str:
    return _TEXTS[key][("en", "ru").index(language.code)]
