"""The coded library of comments: each with its rule, its condition, its text in two languages, its source."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from cells.vocabulary import CellClass
from counting.age import Age
from counting.ranges import ADULT
from counting.records import Comment, Flag, LeukocyteFormula, Line
from counting.rules import CountingRules

_C = CellClass
_ISLH = (
    "Barnes PW et al. The international consensus group for hematology review. Lab Hematol 2005;11:83-90, "
    "https://www.islh.org/web/consensus_rules.php"
)
_BANDS = "doi 10.5858/arpa.2023-0015-CP"
_HOMERTON = "Homerton Healthcare, haematology critical results, homerton.nhs.uk"
_SHIFT = "https://helpiks.org/3-33871.html"
_RANGE = ""
_ALBUMIN = "https://www.captodayonline.com/q-a-0513/2/"
_NRBC = "https://www.medicalalgorithms.com/correction-of-wbc-for-nucleated-red-blood-cells"
_WHO = "WHO classification of haematolymphoid tumours"
_NEWBORN = "https://studopedia.ru/17_76368_pokazateli-perifericheskoy-krovi-u-detey-starshe-goda.html"
_AT_BIRTH = 7.0
"""Most erythroblasts per 100 leukocytes that are described at birth."""
_UNREAD = (_ISLH, _WHO, _ALBUMIN)
"""Sources whose values are handed down: the works are named, the numbers were not read there."""


@dataclass(frozen=True, slots=True)
class _Case:
    formula: LeukocyteFormula
    age: Age | None
    rules: CountingRules

    @property
    def adult(self) -> bool:
        return self.age is None or self.age.days >= ADULT.days

    @property
    def counts(self) -> tuple[float, ...]:
        """The leukocyte counts that can be meant: as given and, where it is corrected, as corrected."""
        return tuple(wbc for wbc in (self.formula.wbc, self.formula.wbc_corrected) if wbc is not None)

    def is_critical(self, wbc: float) -> bool:
        return wbc <= self.rules.alerts.wbc_low or wbc > self.rules.alerts.wbc_high

    def line(self, label: CellClass) -> Line | None:
        return self.formula.line(label)

    def n(self, label: CellClass) -> int:
        line = self.line(label)
        return line.n if line else 0

    def beside(self, label: CellClass) -> float:
        """Finds per 100 leukocytes; infinite beside no leukocyte at all."""
        line = self.formula.beside(label)
        if line is None or not line.n:
            return 0.0
        return math.inf if line.per_100 is None else line.per_100


Condition = Callable[[_Case], bool]


@dataclass(frozen=True, slots=True)
class CommentRule:
    """A rule of the library.

    Parameters
    ----------
    rule : str
        Identifier, printed with the comment.
    urgency : str
        ``"alert"``, ``"review"`` or ``"info"``.
    condition : str
        When the comment is given, in words.
    text_en, text_ru : str
        The comment.
    source : str
        Where the rule was published; empty where it is the reference range itself.
    holds : callable
        Whether the condition holds for a formula.
    """

    rule: str
    urgency: str
    condition: str
    text_en: str
    text_ru: str
    source: str
    holds: Condition

    @property
    def status(self) -> str:
        """``"published"``, or ``"unverified"`` where its values were not read in the source."""
        return "unverified" if any(source in self.source for source in _UNREAD) else "published"


def _left_shift(case: _Case) -> bool:
    bands = case.line(_C.NEUTROPHIL_BAND)
    return bands is not None and bands.flag is Flag.HIGH


def _many_unidentified(case: _Case) -> bool:
    total = max(1, case.formula.total)
    return (
        case.formula.unidentified >= 2
        and 100.0 * case.formula.unidentified / total >= case.rules.alerts.unidentified_per_100
    )


def _blasts_above(case: _Case) -> bool:
    blasts = case.n(_C.BLAST) + case.n(_C.PROMONOCYTE)
    return blasts > 0 and 100.0 * blasts >= case.rules.alerts.blasts_percent * case.formula.total


def _few_neutrophils(case: _Case, wbc: float | None) -> bool:
    line = case.line(_C.NEUTROPHIL)
    if line is None or wbc is None or case.formula.total == 0:
        return False
    return line.percent * wbc / 100.0 < case.rules.alerts.neutrophils_low


def _neutropenia(case: _Case) -> bool:
    # A correction lowers every count; the least that the erythroblasts allow must reach the limit.
    corrected = case.formula.wbc_corrected_interval
    return _few_neutrophils(case, case.formula.wbc if corrected is None else corrected.high)


def _wbc_critical(case: _Case) -> bool:
    return bool(case.counts) and all(map(case.is_critical, case.counts))


def _only_corrected_critical(case: _Case) -> bool:
    corrected = case.formula.wbc_corrected_interval
    if corrected is None or _wbc_critical(case):
        return False
    return case.is_critical(corrected.low) and case.is_critical(corrected.high)


def _correction_decides(case: _Case) -> bool:
    corrected = case.formula.wbc_corrected_interval
    if corrected is None:
        return False
    if _few_neutrophils(case, corrected.low) and not _neutropenia(case):
        return True
    if _wbc_critical(case) or _only_corrected_critical(case):
        return False
    return any(map(case.is_critical, (corrected.low, *case.counts, corrected.high)))


def _grown_granulocytes(case: _Case) -> bool:
    return case.n(_C.IMMATURE_GRANULOCYTE) > 0 and (case.age is None or case.age.days >= 28)


def _shift_with_immature(case: _Case) -> bool:
    return case.n(_C.MYELOCYTE) + case.n(_C.PROMYELOCYTE) > 0 and _left_shift(case)


def _smudges(case: _Case) -> bool:
    line = case.line(_C.SMUDGE_CELL)
    share = line.percent if line else case.beside(_C.SMUDGE_CELL)
    return share >= case.rules.smudge_warning_from and share > 0


def _erythroblasts(case: _Case) -> bool:
    return case.beside(_C.ERYTHROBLAST) > 0 and (case.age is None or case.age.days >= 28)


def _many_at_birth(case: _Case) -> bool:
    line = case.formula.beside(_C.ERYTHROBLAST)
    if line is None or _erythroblasts(case):
        return False
    return line.n > 0 and (line.low is None or line.low > _AT_BIRTH)


def _borderline(case: _Case) -> bool:
    return any(line.cells_needed for line in case.formula.lines)


def _flagged(label: CellClass, flag: Flag) -> Condition:
    def absolute(case: _Case) -> bool:
        line = case.line(label)
        return line is not None and line.flag_absolute is flag

    return absolute


def _share_only(label: CellClass, flag: Flag) -> Condition:
    """Hold where the share is outside its range and no absolute count says the same."""

    def relative(case: _Case) -> bool:
        line = case.line(label)
        return line is not None and line.flag is flag and line.flag_absolute is not flag

    return relative


def _pair(
    rule: str, label: CellClass, flag: Flag, *, en: str, ru: str, agree: str
) -> "tuple[CommentRule, ...]":
    name_en, side_en = label.display("en"), "above" if flag is Flag.HIGH else "below"
    side_ru = "выше" if flag is Flag.HIGH else "ниже"
    return (
        CommentRule(
            f"{rule}-A",
            "info",
            f"{name_en}: absolute count {side_en} its range beyond counting error",
            f"{en}.",
            f"{ru}.",
            _RANGE,
            _flagged(label, flag),
        ),
        CommentRule(
            f"{rule}-R",
            "info",
            f"{name_en}: share {side_en} its range beyond counting error, absolute count not so or unknown",
            f"Relative {en.lower()}: the share is {side_en} its range; judge the absolute count.",
            f"{agree} {ru.lower()}: доля {side_ru} интервала; оцените абсолютное число.",
            _RANGE,
            _share_only(label, flag),
        ),
    )


_M, _F = "Относительный", "Относительная"
_SHARE_RULES = (
    *_pair("NEUT-2", _C.NEUTROPHIL, Flag.HIGH, en="Neutrophilia", ru="Нейтрофилия", agree=_F),
    *_pair("NEUT-3", _C.NEUTROPHIL, Flag.LOW, en="Neutropenia", ru="Нейтропения", agree=_F),
    *_pair("EOS-1", _C.EOSINOPHIL, Flag.HIGH, en="Eosinophilia", ru="Эозинофилия", agree=_F),
    *_pair("EOS-2", _C.EOSINOPHIL, Flag.LOW, en="Eosinopenia", ru="Эозинопения", agree=_F),
    *_pair("BASO-1", _C.BASOPHIL, Flag.HIGH, en="Basophilia", ru="Базофилия", agree=_F),
    *_pair("LYM-1", _C.LYMPHOCYTE, Flag.HIGH, en="Lymphocytosis", ru="Лимфоцитоз", agree=_M),
    *_pair("LYM-2", _C.LYMPHOCYTE, Flag.LOW, en="Lymphopenia", ru="Лимфопения", agree=_F),
    *_pair("MONO-1", _C.MONOCYTE, Flag.HIGH, en="Monocytosis", ru="Моноцитоз", agree=_M),
    *_pair("MONO-2", _C.MONOCYTE, Flag.LOW, en="Monocytopenia", ru="Моноцитопения", agree=_F),
)

LIBRARY: tuple[CommentRule, ...] = (
    CommentRule(
        "BLAST-1",
        "alert",
        "at least one blast",
        "Blasts suspected: review by a physician now.",
        "Подозрение на бластные клетки: немедленный просмотр врачом.",
        _ISLH,
        lambda case: case.n(_C.BLAST) > 0,
    ),
    CommentRule(
        "PROMO-1",
        "alert",
        "at least one promonocyte",
        "Promonocytes in blood: review the cells; they count as blast equivalents.",
        "Промоноциты в крови: просмотреть клетки; они приравниваются к бластным.",
        _WHO,
        lambda case: case.n(_C.PROMONOCYTE) > 0,
    ),
    CommentRule(
        "BLAST-2",
        "alert",
        "share of blasts, with promonocytes, at or above the alert value (20 %)",
        "The share of blasts reaches that of acute leukaemia; exclude it at once.",
        "Доля бластных клеток соответствует острому лейкозу; исключить немедленно.",
        "hakimilab.com, critical values",
        _blasts_above,
    ),
    CommentRule(
        "UNID-1",
        "alert",
        "at least 2 unidentified cells and 5 or more per 100 leukocytes",
        "Unidentified cells reach the alert value: review by a physician now.",
        "Доля неопределённых клеток достигла критического значения: немедленный просмотр врачом.",
        _ISLH,
        _many_unidentified,
    ),
    CommentRule(
        "NEUT-1",
        "alert",
        "absolute neutrophils below the alert value (0.5), even with the least correction for erythroblasts "
        "within its counting error",
        "Critically few neutrophils.",
        "Критически низкое число нейтрофилов.",
        _HOMERTON,
        _neutropenia,
    ),
    CommentRule(
        "WBC-1",
        "alert",
        "leukocyte count at or below 2.0 or above 30 (alert values), where it is corrected for erythroblasts "
        "both as given and as corrected",
        "The leukocyte count is critical.",
        "Критическое число лейкоцитов.",
        _HOMERTON,
        _wbc_critical,
    ),
    CommentRule(
        "WBC-2",
        "alert",
        "leukocyte count critical as corrected, over the whole interval of the correction, but not as given",
        "The leukocyte count corrected for erythroblasts is critical; the one given is not.",
        "Критическим является число лейкоцитов с поправкой на эритробласты; указанное число – нет.",
        f"{_HOMERTON}; {_NRBC}",
        _only_corrected_critical,
    ),
    CommentRule(
        "IG-1",
        "review",
        "immature granulocytes from the 28th day of life on",
        "Immature granulocytes in blood: review the cells.",
        "Незрелые гранулоциты в крови: просмотреть клетки.",
        _ISLH,
        _grown_granulocytes,
    ),
    CommentRule(
        "SHIFT-2",
        "review",
        "band neutrophils above their range beyond counting error, with myelocytes or promyelocytes",
        "Left shift down to myelocytes.",
        "Сдвиг лейкоцитарной формулы влево до миелоцитов.",
        _SHIFT,
        _shift_with_immature,
    ),
    CommentRule(
        "SHIFT-1",
        "review",
        "band neutrophils above their range beyond counting error, without myelocytes or promyelocytes",
        "Left shift: more band neutrophils than usual. Observers agree poorly on bands.",
        "Сдвиг лейкоцитарной формулы влево: палочкоядерных больше обычного. Палочкоядерные плохо "
        "воспроизводимы.",
        f"{_SHIFT}; {_BANDS}",
        lambda case: _left_shift(case) and not _shift_with_immature(case),
    ),
    CommentRule(
        "PLASMA-1",
        "review",
        "at least one plasma cell",
        "Plasma cells in blood: review the cells.",
        "Плазматические клетки в крови: просмотреть клетки.",
        _ISLH,
        lambda case: case.n(_C.PLASMA_CELL) > 0,
    ),
    CommentRule(
        "LYMV-1",
        "review",
        "reactive lymphocytes above 5 %, beyond counting error",
        "Many reactive lymphocytes: review the cells.",
        "Много реактивных лимфоцитов: просмотреть клетки.",
        _ISLH,
        lambda case: (line := case.line(_C.LYMPHOCYTE_VARIANT)) is not None and line.low > 5.0,
    ),
    CommentRule(
        "NRBC-1",
        "review",
        "erythroblasts from the 28th day of life on",
        "Erythroblasts in blood; after the newborn period healthy blood has none.",
        "Эритробласты в крови; после периода новорождённости в норме их нет.",
        f"{_ISLH}; {_NRBC}",
        _erythroblasts,
    ),
    CommentRule(
        "NRBC-4",
        "review",
        "erythroblasts before the 28th day of life, above 7 per 100 leukocytes beyond counting error",
        "More erythroblasts than the 3 to 7 per 100 leukocytes described at birth.",
        "Эритробластов больше, чем описано при рождении (3–7 на 100 лейкоцитов).",
        _NEWBORN,
        _many_at_birth,
    ),
    CommentRule(
        "NRBC-3",
        "review",
        "leukocytes or neutrophils pass an alert value or not, depending on the correction for erythroblasts "
        "within its counting error",
        "Whether an alert value is passed depends on the correction for erythroblasts: confirm these cells "
        "first.",
        "От поправки на эритробласты зависит, достигнуто ли критическое значение: сначала подтвердите эти "
        "клетки.",
        f"{_HOMERTON}; {_NRBC}",
        _correction_decides,
    ),
    CommentRule(
        "SMUDGE-1",
        "review",
        "smudge cells at or above 10 per 100 leukocytes (setting)",
        "Many smudge cells: repeat on a smear with albumin; in an adult think of chronic lymphocytic "
        "leukaemia.",
        "Много клеток лейколиза: повторить на мазке с альбумином; у взрослого исключить хронический "
        "лимфолейкоз.",
        _ALBUMIN,
        lambda case: _smudges(case) and case.adult,
    ),
    CommentRule(
        "CLUMP-1",
        "review",
        "at least one platelet aggregate",
        "Platelet aggregates: a platelet count of the same tube may be too low.",
        "Агрегаты тромбоцитов: число тромбоцитов из той же пробирки может быть занижено.",
        _ISLH,
        lambda case: case.beside(_C.PLATELET_AGGREGATE) > 0,
    ),
    CommentRule(
        "NRBC-2",
        "info",
        "erythroblasts before the 28th day of life, not above 7 per 100 leukocytes beyond counting error",
        "Erythroblasts: 3 to 7 per 100 leukocytes are described at birth.",
        "Эритробласты: при рождении описаны 3–7 на 100 лейкоцитов.",
        _NEWBORN,
        lambda case: (
            case.beside(_C.ERYTHROBLAST) > 0 and not _erythroblasts(case) and not _many_at_birth(case)
        ),
    ),
    *_SHARE_RULES,
    CommentRule(
        "COUNT-1",
        "info",
        "a share outside its range within counting error that more cells would settle",
        "A value lies outside its range within the counting error; counting more cells would settle it.",
        "Значение вне интервала в пределах ошибки подсчёта; подсчёт большего числа клеток решит вопрос.",
        "doi 10.1093/biomet/26.4.404",
        _borderline,
    ),
)
"""All rules, the urgent ones first."""


def comment_on(
    formula: LeukocyteFormula, *, age: Age | None = None, rules: CountingRules
) -> tuple[Comment, ...]:
    """Return the comments whose conditions a formula meets.

    Parameters
    ----------
    formula : LeukocyteFormula
        The formula.
    age : Age or None, optional
        Age at sampling; None is taken for an adult.
    rules : CountingRules
        The laboratory's rules with its alert values.

    Returns
    -------
    tuple of Comment
        In the order of ``LIBRARY``: alerts, then what needs review, then information.
    """
    case = _Case(formula, age, rules)
    return tuple(
        Comment(entry.rule, entry.urgency, entry.text_en, entry.text_ru, entry.source, entry.status)
        for entry in LIBRARY
        if entry.holds(case)
    )
