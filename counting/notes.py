"""The codes that a formula carries and their texts in English and Russian."""

NOTES: dict[str, dict[str, str]] = {
    "no_leukocytes": {
        "en": "No leukocyte was counted; there is no formula.",
        "ru": "Лейкоциты не подсчитаны; формулы нет.",
    },
    "few_cells": {
        "en": "Few leukocytes were counted; the intervals are wide and no indices are given.",
        "ru": "Подсчитано мало лейкоцитов; интервалы широки, индексы не приводятся.",
    },
    "unsplit_neutrophils": {
        "en": "Some neutrophils were not split into band and segmented; these two rows are lower bounds and "
        "carry no flag.",
        "ru": "Часть нейтрофилов не разделена на палочкоядерные и сегментоядерные; эти две строки — нижние "
        "оценки, без отметок.",
    },
    "unsplit_immature_granulocytes": {
        "en": "Immature granulocytes were counted together, not by stage.",
        "ru": "Незрелые гранулоциты подсчитаны вместе, без разделения по стадиям.",
    },
    "bands_low_reproducibility": {
        "en": "Observers agree poorly on band neutrophils; interpret the pooled neutrophils.",
        "ru": "Палочкоядерные нейтрофилы плохо воспроизводимы; оценивайте нейтрофилы в целом.",
    },
    "adult_assumed": {
        "en": "No age was given; the ranges of adults apply.",
        "ru": "Возраст не указан; применены интервалы для взрослых.",
    },
    "no_range_for_age": {
        "en": "The chosen set publishes no ranges for this age; nothing is flagged.",
        "ru": "В выбранном наборе нет интервалов для этого возраста; отметки не ставятся.",
    },
    "sex_needed": {
        "en": "Ranges for this age exist only by sex, and no sex was given; nothing is flagged.",
        "ru": "Интервалы для этого возраста есть только по полу, а пол не указан; отметки не ставятся.",
    },
    "unverified_ranges": {
        "en": "Some ranges are handed down and were not verified at their source.",
        "ru": "Часть интервалов традиционна и не сверена с первоисточником.",
    },
    "expected_absent": {
        "en": "Classes without a range are normally absent from blood; any find needs review by a person.",
        "ru": "Классы без интервала в норме в крови отсутствуют; любая находка требует просмотра.",
    },
    "immature_in_newborn": {
        "en": "Immature granulocytes are found in healthy newborns; no range is published for them.",
        "ru": "Незрелые гранулоциты встречаются у здоровых новорождённых; интервал не опубликован.",
    },
    "unidentified_cells": {
        "en": "Some cells are unidentified; they are in no class until a person decides.",
        "ru": "Часть клеток не определена; до решения специалиста они не входят ни в один класс.",
    },
    "wbc_corrected": {
        "en": "The leukocyte count is corrected for erythroblasts.",
        "ru": "Число лейкоцитов исправлено с учётом эритробластов.",
    },
    "wbc_correction_uncertain": {
        "en": "Within counting error the erythroblasts may be too few to correct the leukocyte count for; "
        "confirm them.",
        "ru": "В пределах ошибки подсчёта эритробластов может быть слишком мало для поправки числа "
        "лейкоцитов; подтвердите их.",
    },
    "absolute_counting_error_only": {
        "en": "Intervals of absolute counts hold the error of the differential, not that of the leukocyte "
        "count.",
        "ru": "Интервалы абсолютных чисел учитывают ошибку подсчёта формулы, но не ошибку числа лейкоцитов.",
    },
    "smudge_exclude": {
        "en": "Smudge cells are left out of the denominator.",
        "ru": "Клетки лейколиза не входят в знаменатель.",
    },
    "smudge_as_lymphocytes": {
        "en": "Smudge cells are counted as lymphocytes.",
        "ru": "Клетки лейколиза подсчитаны как лимфоциты.",
    },
    "smudge_as_other": {
        "en": "Smudge cells are counted among the leukocytes, in a row of their own.",
        "ru": "Клетки лейколиза подсчитаны среди лейкоцитов отдельной строкой.",
    },
    "many_smudge_cells": {
        "en": "There are many smudge cells; the formula may be distorted. A smear with albumin helps.",
        "ru": "Клеток лейколиза много; формула может быть искажена. Поможет мазок с альбумином.",
    },
    "small_denominator": {
        "en": "Not given: too few cells in the denominator of the index.",
        "ru": "Не приводится: слишком мало клеток в знаменателе индекса.",
    },
    "blasts_present": {
        "en": "Not given: the index has no meaning where blasts are present.",
        "ru": "Не приводится: при наличии бластных клеток индекс не имеет смысла.",
    },
    "few_cells_for_correction": {
        "en": "Uncorrected for classifier errors: too few cells were counted.",
        "ru": "Без поправки на ошибки классификатора: подсчитано слишком мало клеток.",
    },
    "class_not_validated": {
        "en": "Uncorrected for classifier errors: a class was found that the validation does not hold.",
        "ru": "Без поправки на ошибки классификатора: найден класс, которого нет в проверочных данных.",
    },
    "small_validation": {
        "en": "Uncorrected for classifier errors: the validation holds too few cells of a class.",
        "ru": "Без поправки на ошибки классификатора: в проверочных данных слишком мало клеток одного из "
        "классов.",
    },
    "poor_fit": {
        "en": "Uncorrected for classifier errors: the classes found do not suit the validated error rates.",
        "ru": "Без поправки на ошибки классификатора: найденные классы не согласуются с проверенной частотой "
        "ошибок.",
    },
    "many_unidentified": {
        "en": "Uncorrected for classifier errors: more cells are unidentified than in the validation; stain "
        "or camera may differ from those validated.",
        "ru": "Без поправки на ошибки классификатора: неопределённых клеток больше, чем при проверке; "
        "окраска или камера могут отличаться от проверенных.",
    },
    "strange_smear": {
        "en": "Uncorrected for classifier errors: the cells of this smear are unlike those validated.",
        "ru": "Без поправки на ошибки классификатора: клетки этого мазка не похожи на проверочные.",
    },
    "split_poor_fit": {
        "en": "Band and segmented neutrophils are corrected together only: their split here does not suit "
        "the validation.",
        "ru": "Палочкоядерные и сегментоядерные нейтрофилы исправлены только в сумме: их соотношение не "
        "согласуется с проверочными данными.",
    },
    "split_few_cells_for_correction": {
        "en": "Band and segmented neutrophils are corrected together only: too few were counted.",
        "ru": "Палочкоядерные и сегментоядерные нейтрофилы исправлены только в сумме: их подсчитано слишком "
        "мало.",
    },
    "split_small_validation": {
        "en": "Band and segmented neutrophils are corrected together only: the validation holds too few.",
        "ru": "Палочкоядерные и сегментоядерные нейтрофилы исправлены только в сумме: в проверочных данных "
        "их слишком мало.",
    },
    "split_not_validated": {
        "en": "Band and segmented neutrophils are corrected together only: their split was not validated.",
        "ru": "Палочкоядерные и сегментоядерные нейтрофилы исправлены только в сумме: их разделение не "
        "проверялось.",
    },
    "no_validation": {
        "en": "Uncorrected for classifier errors: no validation belongs to these models.",
        "ru": "Без поправки на ошибки классификатора: для этих моделей нет проверочных данных.",
    },
    "reviewed": {
        "en": "Uncorrected for classifier errors: a person has reviewed the cells.",
        "ru": "Без поправки на ошибки классификатора: клетки просмотрены специалистом.",
    },
    "validation_of_other_models": {
        "en": "Uncorrected for classifier errors: the stored validation belongs to other models.",
        "ru": "Без поправки на ошибки классификатора: проверочные данные относятся к другим моделям.",
    },
    "validation_of_other_settings": {
        "en": "Uncorrected for classifier errors: the stored validation was made with other settings of the "
        "detector or classifier.",
        "ru": "Без поправки на ошибки классификатора: проверка проведена с другими настройками детектора или "
        "классификатора.",
    },
}
"""Text of every code, by language."""


def note_text(code: str, lang: str) -> str:
    """Return the text of a code.

    Parameters
    ----------
    code : str
        A key of ``NOTES``.
    lang : {"en", "ru"}
        Language.

    Returns
    -------
    str
        One or two sentences; KeyError for an unknown code or language.
    """
    return NOTES[code][lang]
