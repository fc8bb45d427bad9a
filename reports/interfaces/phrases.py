"""The texts that only other systems read: key → (English, Russian)."""

from collections.abc import Mapping
from types import MappingProxyType

INTERFACE_PHRASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "interface.percent": ("{name}, %", "{name}, %"),
        "interface.absolute": ("{name}, 10⁹/L", "{name}, 10⁹/л"),
        "interface.per_100": ("{name} per 100 leukocytes", "{name} на 100 лейкоцитов"),
        "interface.corrected": (
            "{name}, %, corrected for errors of classification",
            "{name}, %, с поправкой на ошибки классификации",
        ),
        "interface.missed": (
            "Leukocytes missed by the detector, % (estimated)",
            "Лейкоциты, пропущенные детектором, % (оценка)",
        ),
        "interface.wbc_corrected": (
            "Leukocyte count, corrected for erythroblasts",
            "Лейкоциты с поправкой на эритробласты",
        ),
        "interface.n": ("Cells counted", "Подсчитано клеток"),
        "interface.interval": ("95 % confidence interval", "Доверительный интервал 95 %"),
        "interface.interval.low": (
            "95 % confidence interval, lower end",
            "Доверительный интервал 95 %, нижняя граница",
        ),
        "interface.interval.high": (
            "95 % confidence interval, upper end",
            "Доверительный интервал 95 %, верхняя граница",
        ),
        "interface.interpretation": ("Interpretation", "Интерпретация"),
        "interface.within_error": (
            "Outside the reference interval; counting error alone can explain it.",
            "Вне референсного интервала; это может объясняться одной ошибкой счёта.",
        ),
        "interface.unverified": (
            "The reference interval is handed down and was not verified at its source.",
            "Референсный интервал традиционный и не сверен с первоисточником.",
        ),
        "interface.taken": ("Sample taken, as given: {text}", "Дата взятия, как указано: {text}"),
        "interface.usual": ("Usual in healthy adults", "Обычно у здоровых взрослых"),
        "interface.device": (
            "Software that counts leukocytes on stained blood smears",
            "Программа для подсчёта лейкоцитов в окрашенных мазках крови",
        ),
        "interface.method.image": (
            "Automated image analysis of a stained blood smear; not reviewed",
            "Автоматический анализ изображений окрашенного мазка крови; не просмотрено",
        ),
        "interface.method.reviewed": (
            "Image analysis of a stained blood smear; reviewed by a qualified person",
            "Анализ изображений окрашенного мазка крови; просмотрено специалистом",
        ),
        "interface.method.counts": (
            "Leukocyte formula of given counts",
            "Лейкоцитарная формула по готовым числам",
        ),
        "interface.method.given": (
            "As given to the program; not measured by it",
            "Указано пользователем; программой не измерялось",
        ),
        "interface.method.calculated": ("Calculated from the counts", "Рассчитано по подсчётам"),
        "interface.method.corrected": (
            "Estimated from the counts and the validated errors of detector and classifier",
            "Оценено по подсчётам и проверенной частоте ошибок детектора и классификатора",
        ),
    }
)
"""Every text, by key."""
