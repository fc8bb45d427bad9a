"""Why an input was refused, in the language of the report.

Refusals carry their reason as the one English line that the reader gave; the Russian report puts the known
lines into Russian and shows an unknown one as it is.
"""

import re

from reports.texts import Language
from reports.view import Clean

RUSSIAN: tuple[tuple[str, str], ...] = (
    (r"cannot be opened", "не открывается; проверьте файл и права доступа к нему"),
    (r"is empty", "пуст (0 байт); скопируйте его заново"),
    (r"is not a PNG", "не является изображением PNG, JPEG, BMP или TIFF; преобразуйте его"),
    (r"is truncated", "обрывается; скопируйте или сохраните его заново"),
    (r"is damaged", "повреждён; сохраните его заново"),
    (
        r"is too large: (?P<size>[\d×]+) pixels",
        "слишком велик ({size} пикселей); сохраните отдельные поля зрения",
    ),
    (
        r"has (?P<n>\d+) channels",
        "содержит каналов: {n}; читаются только полутоновые и цветные изображения",
    ),
    (r"holds values of type", "хранит неподходящий тип чисел; читаются изображения по 8 и 16 бит на канал"),
    (
        r"is a picture of a kind that is not read \((?P<kind>\.\w+)\)",
        "имеет формат {kind}, который не читается; преобразуйте его в PNG, JPEG, BMP или TIFF",
    ),
    (r"is an animation", "содержит анимацию; сохраните её кадры по отдельности"),
    (r"stores its colours as", "хранит цвета в необычном виде; сохраните его в RGB"),
    (r"holds no image", "не содержит изображения; сохраните его заново"),
    (
        r"shows no smear: (?P<size>[\d×]+) pixels",
        "не показывает мазка: всего {size} пикселей",
    ),
    (
        r"shows no smear: it is black",
        "не показывает мазка: изображение чёрное; снимите поле с включённой лампой",
    ),
    (r"shows no smear: it is of one colour", "не показывает мазка: изображение одноцветное"),
    (
        r"is the same picture as (?P<name>.+), which is counted",
        "то же изображение, что и {name}, которое уже учтено; уберите одно из них",
    ),
    (r"(shows no smear|it does not look like)", "не показывает мазка: нет ни цветов окраски, ни эритроцитов"),
)
"""Start of the English line → the Russian one; what the pattern names is carried over."""


def reason_text(reason: str, language: Language, clean: Clean) -> str:
    """Return the reason of a refusal in the language of the report.

    Parameters
    ----------
    reason : str
        The English line.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    str
        The reason; an English line that is not known stays English, marked as a message of the program.
    """
    if language.code == "en":
        return clean(reason)
    for pattern, text in RUSSIAN:
        if found := re.match(pattern, reason):
            return text.format(**{key: clean(value) for key, value in found.groupdict().items()})
    return language.text("refused.unknown", reason=clean(reason))
