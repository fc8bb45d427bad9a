"""Every text of the reports: key → (English, Russian). ``a|b|c`` holds plural forms: one, (few,) many."""

from collections.abc import Mapping
from types import MappingProxyType

from reports.interfaces.phrases import INTERFACE_PHRASES

_PAGE = {
    "title": ("Leukocyte formula", "Лейкоцитарная формула"),
    "subtitle": (
        "Automated count of leukocytes on a stained blood smear",
        "Автоматизированный подсчёт лейкоцитов в окрашенном мазке крови",
    ),
    "preliminary": ("Preliminary – not signed", "Предварительно – не подписано"),
    "preliminary.reviewed": (
        "Preliminary – cells reviewed, not signed",
        "Предварительно – клетки просмотрены, не подписано",
    ),
    "final": ("Final – signed", "Окончательный результат – подписан"),
    "final.corrected": (
        "Corrected – signed; replaces the report that {by} signed {at}",
        "Исправленный результат – подписан; заменяет отчёт, подписанный {at} ({by})",
    ),
    "next_page": ("On the next page: {sections}.", "На следующей странице: {sections}."),
    "page": ("Page {page} of {pages}", "Страница {page} из {pages}"),
    "footer": (
        "Decision support for a qualified person. Not a certified medical device.",
        "Система поддержки принятия решений. Не является сертифицированным медицинским изделием.",
    ),
    "disclaimer": (
        "This report is decision support. The program is not a certified medical device; the result counts "
        "only after a qualified person has reviewed the cells and signed.",
        "Отчёт служит поддержкой принятия решения. Программа не является сертифицированным медицинским "
        "изделием; результат действителен только после просмотра клеток и подписи квалифицированного "
        "специалиста.",
    ),
    "unprintable": (
        "¿ stands for characters that this typeface lacks; report.html shows them.",
        "Знак ¿ заменяет символы, которых нет в шрифте; они показаны в файле report.html.",
    ),
    "none": ("—", "—"),
    "program": ("Program", "Программа"),
    "subject": ("Leukocyte formula of the smear {name}", "Лейкоцитарная формула, мазок {name}"),
}

_IDENTITY = {
    "identity": ("Patient and sample", "Пациент и проба"),
    "patient": ("Patient", "Пациент"),
    "sample": ("Sample", "Проба"),
    "age": ("Age", "Возраст"),
    "sex": ("Sex", "Пол"),
    "taken": ("Sample taken", "Дата взятия"),
    "smear": ("Smear", "Мазок"),
    "wbc": ("Leukocyte count", "Лейкоциты"),
    "sex.f": ("female", "женский"),
    "sex.m": ("male", "мужской"),
    "not_given": ("not given", "не указано"),
}

_FORMULA = {
    "formula": ("Formula", "Формула"),
    "column.cells": ("Cells", "Клетки"),
    "column.n": ("n", "n"),
    "column.percent": ("%", "%"),
    "column.interval": ("95\u00a0% confidence interval", "Доверит. интервал 95\u00a0%"),
    "column.corrected_share": ("Corrected, % (95\u00a0%)", "С поправкой, % (95\u00a0%)"),
    "column.range": ("Reference interval, %", "Референсный интервал, %"),
    "column.absolute": ("10⁹/L", "10⁹/л"),
    "column.absolute_range": ("Reference interval, 10⁹/L", "Референсный интервал, 10⁹/л"),
    "at_least": ("≥\u00a0", "≥\u00a0"),
    "column.bar": ("Below · reference interval · above", "Ниже · референсный интервал · выше"),
    "column.flag": ("Flag", "Отметка"),
    "row.neutrophil_band": ("Band", "Палочкоядерные"),
    "row.neutrophil_segmented": ("Segmented", "Сегментоядерные"),
    "row.metamyelocyte": ("Metamyelocytes", "Метамиелоциты"),
    "row.myelocyte": ("Myelocytes", "Миелоциты"),
    "row.promyelocyte": ("Promyelocytes", "Промиелоциты"),
    "row.total": ("Leukocytes counted", "Всего лейкоцитов"),
    "unit.absolute": ("×\u00a010⁹/L", "×\u00a010⁹/л"),
    "flag.none": ("", ""),
    "flag.inside": ("", ""),
    "flag.low": ("▼ below", "▼ ниже"),
    "flag.high": ("▲ above", "▲ выше"),
    "flag.low_within_error": ("▽ below", "▽ ниже"),
    "flag.high_within_error": ("△ above", "△ выше"),
    "flag.within_error": ("within error", "в пределах ошибки"),
    "sign.none": ("", ""),
    "sign.inside": ("", ""),
    "sign.low": ("▼", "▼"),
    "sign.high": ("▲", "▲"),
    "sign.low_within_error": ("▽", "▽"),
    "sign.high_within_error": ("△", "△"),
    "legend.bar": (
        "Bar: shaded – reference interval; line – 95 % confidence interval; mark – value. Each row has its "
        "own scale: from 0 to at least twice the upper limit, or to 100 % without a reference interval.",
        "Шкала: серая полоса – референсный интервал; линия – доверительный интервал 95 %; знак – значение. "
        "У каждой строки своя шкала: от 0 до удвоенной верхней границы или больше, а без референсного "
        "интервала – до 100 %.",
    ),
    "legend.flags": (
        "▲ ▼ outside the reference interval beyond counting error · △ ▽ outside, but counting error alone "
        "can explain it.",
        "▲ ▼ вне референсного интервала, больше ошибки счёта · △ ▽ вне интервала, но это может объясняться "
        "одной ошибкой счёта.",
    ),
    "legend.interval": (
        "Confidence intervals: exact binomial (Clopper–Pearson), rounded outward; they cover counting error "
        "alone, not errors of classification.",
        "Доверительные интервалы: точные биномиальные (Клоппера – Пирсона), округлены наружу; учитывают "
        "только ошибку счёта, но не ошибки классификации.",
    ),
    "legend.corrected": (
        "Corrected: estimated share with its 95 % interval, which covers counting error and the validated "
        "errors of detector and classifier, for stains and cameras like those of the validation; laborator"
        "ies split band and segmented neutrophils differently, hence the wide intervals of these two.",
        "С поправкой: оценка доли с интервалом 95 %, который учитывает и ошибку счёта, и проверенные ошибки "
        "детектора и классификатора при окраске и камере, как в проверочных данных; палочкоядерные и "
        "сегментоядерные лаборатории разделяют по-разному, поэтому их интервалы широки.",
    ),
    "ranges": ("Reference intervals: {name}.", "Референсные интервалы: {name}."),
}

_GLANCE = {
    "glance.beyond": (
        "Outside the reference interval, beyond counting error",
        "Вне референсного интервала, больше ошибки счёта",
    ),
    "glance.near": (
        "Outside the reference interval, within counting error",
        "Вне референсного интервала, в пределах ошибки счёта",
    ),
    "glance.wbc": (
        "Leukocyte count outside its reference interval",
        "Число лейкоцитов вне референсного интервала",
    ),
    "glance.inside": (
        "Every value lies inside its reference interval.",
        "Все значения в пределах референсных интервалов.",
    ),
    "glance.no_ranges": (
        "No reference intervals apply; nothing is flagged.",
        "Подходящих референсных интервалов нет; отметки не ставятся.",
    ),
    "glance.also": ("Beyond the usual classes", "Вне обычного состава"),
    "glance.erythroblasts": (
        "Erythroblasts {value} per 100 leukocytes",
        "Эритробласты {value} на 100 лейкоцитов",
    ),
    "glance.needed": (
        "about {n} more cell would settle it|about {n} more cells would settle it",
        "для уверенности нужна ещё примерно {n} клетка|для уверенности нужно ещё около {n} клеток|"
        "для уверенности нужно ещё около {n} клеток",
    ),
    "glance.unidentified": (
        "{n} unidentified cell|{n} unidentified cells",
        "{n} неопределённая клетка|{n} неопределённые клетки|{n} неопределённых клеток",
    ),
    "empty": ("No leukocyte found – no formula given", "Лейкоциты не найдены – формула не приводится"),
    "empty.detail": (
        "No leukocyte was counted, so nothing can be said of the formula. Check that the smear is stained "
        "and in focus, that the fields lie where leukocytes do, and that the pixel size below is right.",
        "Не подсчитано ни одного лейкоцита, поэтому о формуле сказать ничего нельзя. Проверьте, что мазок "
        "окрашен и в фокусе, что поля сняты там, где лежат лейкоциты, и что размер пикселя ниже указан "
        "верно.",
    ),
    "only_unidentified": (
        "No leukocyte identified – no formula given",
        "Ни один лейкоцит не определён – формула не приводится",
    ),
    "only_unidentified.detail": (
        "Unidentified cells: {n}. They are in no class until a person decides: look at them. They may be "
        "abnormal, or stain and camera unlike those that the program knows.",
        "Неопределённых клеток: {n}. До решения специалиста они не входят ни в один класс: просмотрите их. "
        "Возможны патологические клетки либо окраска и камера, не похожие на известные программе.",
    ),
    "few": (
        "Only {n} leukocyte counted – read the intervals, not the percentages|"
        "Only {n} leukocytes counted – read the intervals, not the percentages",
        "Подсчитан только {n} лейкоцит: важны интервалы, а не проценты|"
        "Подсчитано только {n} лейкоцита: важны интервалы, а не проценты|"
        "Подсчитано только {n} лейкоцитов: важны интервалы, а не проценты",
    ),
    "few.detail": (
        "A formula is commonly counted on at least 100, better 200 leukocytes. With fewer, chance alone "
        "moves every percentage as far as its interval shows.",
        "Формулу обычно считают не менее чем на 100, лучше на 200 лейкоцитах. При меньшем числе каждый "
        "процент случайно меняется в пределах своего интервала.",
    ),
}

_COUNTED = {
    "counted": ("Count", "Подсчёт"),
    "counted.fields": ("Fields", "Поля зрения"),
    "counted.finds": ("Finds", "Находки"),
    "counted.from_counts": (
        "none: the formula was made from counts alone",
        "нет: формула рассчитана по готовым числам",
    ),
    "counted.not_a_leukocyte": (
        "of them not leukocytes (platelets, artefacts): {number}",
        "из них не лейкоциты (тромбоциты, артефакты): {number}",
    ),
    "counted.counting_frame": (
        "left to a neighbouring field by the counting frame: {number}",
        "отнесены к соседнему полю по правилу счётной рамки: {number}",
    ),
    "counted.unlike_known_cells": (
        "flagged as unlike the normal cells that the program knows: {number}",
        "отмечены как не похожие на известные программе нормальные клетки: {number}",
    ),
    "counted.uncounted": ("not counted: {number}", "не учтены: {number}"),
    "counted.review": ("Review", "Просмотр"),
    "counted.relabelled": (
        "cells reviewed by a person; {n} label changed|cells reviewed by a person; {n} labels changed",
        "клетки просмотрены специалистом; изменена {n} метка|клетки просмотрены специалистом; изменены "
        "{n} метки|клетки просмотрены специалистом; изменено {n} меток",
    ),
    "outside.line": (
        "{value} per 100 leukocytes ({interval}), n = {n}",
        "{value} на 100 лейкоцитов ({interval}), n = {n}",
    ),
    "outside.bare": ("n = {n}", "n = {n}"),
    "over": ("over {value}", "более {value}"),
    "corrected": (
        "{value}, corrected for erythroblasts (by their counting error {interval}); {given} as given",
        "{value} с поправкой на эритробласты (по ошибке их подсчёта {interval}); указано {given}",
    ),
    "unidentified": ("Unidentified", "Не определено"),
    "unidentified.line": (
        "{n} cell, outside the percentages: a person decides ({cells}).|"
        "{n} cells, outside the percentages: a person decides ({cells}).",
        "{n} клетка вне процентов: решает специалист ({cells}).|"
        "{n} клетки вне процентов: решает специалист ({cells}).|"
        "{n} клеток вне процентов: решает специалист ({cells}).",
    ),
    "unidentified.bare": (
        "{n} cell, outside the percentages: a person decides.|"
        "{n} cells, outside the percentages: a person decides.",
        "{n} клетка вне процентов: решает специалист.|"
        "{n} клетки вне процентов: решает специалист.|"
        "{n} клеток вне процентов: решает специалист.",
    ),
    "unidentified.none": ("none", "нет"),
    "number": ("no.\u00a0{n}", "№\u00a0{n}"),
    "numbers": ("no.\u00a0{list}", "№\u00a0{list}"),
    "more": ("{n} more", "ещё {n}"),
}

_QUALITY = {
    "quality": ("Quality and scale", "Качество и масштаб"),
    "pixel": ("Pixel size", "Размер пикселя"),
    "pixel.value": ("{size} µm", "{size} мкм"),
    "pixel.option": ("{size} µm, as given by the user.", "{size} мкм, задан пользователем."),
    "pixel.metadata": (
        "{size} µm, as stated in the image files.",
        "{size} мкм, указан в файлах изображений.",
    ),
    "pixel.erythrocytes": (
        "{size} µm, measured on {n} erythrocyte of this smear: {diameter} px across = 7.5 µm.|"
        "{size} µm, measured on {n} erythrocytes of this smear: {diameter} px across = 7.5 µm.",
        "{size} мкм, измерен по {n} эритроциту этого мазка: диаметр {diameter} пикс. = 7,5 мкм.|"
        "{size} мкм, измерен по {n} эритроцитам этого мазка: диаметр {diameter} пикс. = 7,5 мкм.|"
        "{size} мкм, измерен по {n} эритроцитам этого мазка: диаметр {diameter} пикс. = 7,5 мкм.",
    ),
    "pixel.other": ("{size} µm.", "{size} мкм."),
    "findings": ("Image quality", "Качество изображений"),
    "findings.none": ("no remarks", "без замечаний"),
    "findings.fields": ("{n} field|{n} fields", "{n} поле|{n} поля|{n} полей"),
    "findings.smear": ("whole smear", "весь мазок"),
    "findings.cells": ("{share} of the cells", "{share} клеток"),
    "findings.share": ("{share} of the fields", "{share} полей зрения"),
    "severity.info": ("note", "примечание"),
    "severity.warning": ("warning", "внимание"),
    "severity.refused": ("refused", "отклонено"),
    "finding.blurred": ("Out of focus", "Изображение не в фокусе"),
    "finding.underexposed": ("Too dark", "Слишком тёмное изображение"),
    "finding.overexposed": ("Overexposed", "Пересвеченное изображение"),
    "finding.too_few_erythrocytes": ("Few erythrocytes", "Мало эритроцитов"),
    "finding.overlapping_erythrocytes": ("Erythrocytes overlap", "Эритроциты перекрываются"),
    "finding.no_leukocyte_stain": (
        "No stained nucleus seen",
        "Не видно окрашенных ядер лейкоцитов",
    ),
    "finding.uneven_lamp": (
        "Uneven lamp, made even before the analysis: centre the lamp and the condenser",
        "Неравномерное освещение, выровнено перед анализом: отцентрируйте лампу и конденсор",
    ),
    "finding.surround": (
        "The field is only part of the picture (a disc in the dark, as seen through an eyepiece, or within "
        "margins): cells at its rim are not counted",
        "Поле зрения занимает лишь часть снимка (круг на тёмном фоне, как в окуляре, или снимок в рамке): "
        "клетки у его края не учтены",
    ),
    "finding.ink_over_cells": (
        "Drawn marks (label, line, frame) lie over cells: check these cells",
        "Надписи, линии или рамка поверх клеток: проверьте эти клетки",
    ),
    "finding.ink_over_field": (
        "Drawn marks or black areas hide part of the field: cells there are not counted",
        "Надписи или чёрные области закрывают часть поля: клетки под ними не учтены",
    ),
    "finding.option_against_erythrocytes": (
        "The pixel size given ({size} µm) does not suit the erythrocytes, which would measure {diameter} µm "
        "(usual: 6 to 9); by them it is {measured} µm. Do not trust the result before the size is checked; "
        "without a given size it is measured",
        "Заданный размер пикселя ({size} мкм) не подходит к эритроцитам: их диаметр был бы {diameter} мкм "
        "(обычно 6–9); по ним он составляет {measured} мкм. Не полагайтесь на результат, пока размер не "
        "проверен; если его не задавать, он измеряется",
    ),
    "finding.metadata_against_erythrocytes": (
        "The pixel size stated in the files ({size} µm) does not suit the erythrocytes, which would measure "
        "{diameter} µm (usual: 6 to 9); by them it is {measured} µm. Do not trust the result before the size "
        "is checked; where the files are wrong, give the right size",
        "Размер пикселя из файлов ({size} мкм) не подходит к эритроцитам: их диаметр был бы {diameter} мкм "
        "(обычно 6–9); по ним он составляет {measured} мкм. Не полагайтесь на результат, пока размер не "
        "проверен; если ошибка в файлах, задайте верный размер",
    ),
    "finding.pixel_size_unchecked": (
        "Too few erythrocytes could be measured to check the pixel size: be sure that it is right, all else "
        "rests on it",
        "Эритроцитов, которые удалось измерить, слишком мало для проверки размера пикселя: убедитесь, что он "
        "верен, на нём основано всё остальное",
    ),
    "finding.other_magnification": (
        "Erythrocytes of a size that does not suit the pixel size of the smear (another magnification?): "
        "do not trust the count there; analyse fields of one magnification together",
        "Размер эритроцитов не подходит к размеру пикселя мазка (другое увеличение?): не полагайтесь на "
        "подсчёт в этих полях; анализируйте вместе поля одного увеличения",
    ),
    "finding.channels_swapped": (
        "Red and blue seem to be swapped (BGR instead of RGB?): nuclei absorb blue more than red. Do not "
        "trust the result; correct the order of the channels and analyse again",
        "Красный и синий каналы, по-видимому, переставлены: ядра поглощают синий свет сильнее красного. Не "
        "полагайтесь на результат; исправьте порядок каналов и повторите анализ",
    ),
    "finding.unlike_known_cells": (
        "More cells than chance explains are unlike the normal cells that the program knows: look for "
        "blasts and other abnormal cells, and at the stain",
        "Клеток, не похожих на известные программе нормальные, больше, чем объяснила бы случайность: "
        "проверьте, нет ли бластов и других патологических клеток, и качество окраски",
    ),
    "finding.several_folders": (
        "The fields lie in several folders and are counted as one smear: check that all are of one patient",
        "Поля зрения лежат в нескольких папках и посчитаны как один мазок: проверьте, что все они одного "
        "пациента",
    ),
    "finding.mixed_stains": (
        "Some fields differ from the others by stain or camera: look whether fields of two smears or slides "
        "were mixed",
        "Часть полей отличается от остальных окраской или камерой: проверьте, не смешаны ли поля разных "
        "мазков или препаратов",
    ),
    "finding.second_count_differs": (
        "A second count of this sample differs beyond counting error or gives an alert that this one lacks: "
        "settle which holds before signing",
        "Второй подсчёт этой пробы отличается больше, чем допускает ошибка счёта, или требует немедленного "
        "просмотра, а этот – нет: до подписи выясните, какой из них верен",
    ),
    "finding.neutrophils_near_eosinophils": (
        "The neutrophils of this smear look more like eosinophils than usual: check the cells called "
        "eosinophils",
        "Нейтрофилы этого мазка больше обычного похожи на эозинофилы: проверьте клетки, названные "
        "эозинофилами",
    ),
    "finding.seen_before": (
        "Cells look the same as in an earlier field (overlapping fields, or one taken twice?) and count "
        "twice unless a person calls the second of the two an artefact; better leave one of the fields out",
        "Клетки выглядят так же, как в одном из предыдущих полей (поля перекрываются или поле снято "
        "дважды?), и считаются дважды, если вторую из двух не отметить при проверке как артефакт; лучше "
        "убрать одно из полей",
    ),
    "finding.no_rule_for_unknown_cells": (
        "Cells unlike the known ones are not flagged: no rule for this classifier is stored",
        "Клетки, не похожие на известные, не отмечаются: для этого классификатора нет правила",
    ),
    "finding.unknown": ("Remark “{code}”", "Замечание «{code}»"),
    "refused": ("Refused inputs", "Отклонённые файлы"),
    "refused.count": (
        "{n} image was refused and is not part of the count: {names}.|"
        "{n} images were refused and are not part of the count: {names}.",
        "{n} изображение отклонено и в подсчёт не вошло: {names}.|"
        "{n} изображения отклонены и в подсчёт не вошли: {names}.|"
        "{n} изображений отклонено и в подсчёт не вошло: {names}.",
    ),
    "refused.unknown": ("{reason}", "не прочитан; сообщение программы: {reason}"),
    "refused.none": ("No input was refused.", "Отклонённых файлов нет."),
    "see_method": ("see “{section}”", "см. раздел «{section}»"),
    "list.more": (
        "{n} more in result.json.",
        "Ещё {n} – в файле result.json.",
    ),
}

_MODELS = {
    "models": ("Models", "Модели"),
    "models.line": (
        "Detector: {detector}. Classifier: {classifier}. Program: {program}.",
        "Детектор: {detector}. Классификатор: {classifier}. Программа: {program}.",
    ),
    "models.none": ("none", "нет"),
    "model.name": ("Model", "Модель"),
    "model.kind": ("Kind", "Вид"),
    "model.version": ("Version", "Версия"),
    "model.sha256": ("SHA-256 of the model", "SHA-256 модели"),
    "kind.detector": ("window scanner (AdaBoost)", "сканирующий детектор (AdaBoost)"),
    "kind.cnn": ("convolutional network", "свёрточная сеть"),
    "kind.mlp": ("perceptron on cell features", "перцептрон по признакам клетки"),
    "kind.ensemble": ("ensemble", "ансамбль"),
    "kind.network": ("convolutional network", "свёрточная сеть"),
    "kind.segmenter": ("segmentation of nucleus and cytoplasm", "сегментация ядра и цитоплазмы"),
    "kind.abstention": (
        "rule for cells unlike the known ones",
        "правило для клеток, не похожих на известные",
    ),
    "kind.confusion": ("validated error rates", "проверенная частота ошибок"),
    "version": ("version {version}", "версия {version}"),
}

_SIGNATURE = {
    "signature": ("Reviewed and released by", "Просмотрено и утверждено"),
    "signature.name": ("Name", "Фамилия, инициалы"),
    "signature.date": ("Date", "Дата"),
    "signature.sign": ("Signature", "Подпись"),
    "comment": ("Comment", "Заключение"),
}

_GALLERY = {
    "gallery": ("Cells by class", "Клетки по классам"),
    "gallery.intro": (
        "The least certain cells stand first. Under each cell: its number on the smear, the probability of "
        "its class, and the next likely class.",
        "Сначала показаны наименее уверенно определённые клетки. Под каждой клеткой: её номер в мазке, "
        "вероятность её класса и следующий по вероятности класс.",
    ),
    "gallery.intro.reviewed": (
        "A cell that a person named stands before the others of its class and has no probability of its own: "
        "under it stands the class that the program held for the likeliest.",
        "Клетка, класс которой указал специалист, стоит первой в своём классе и своей вероятности не имеет: "
        "под ней указан класс, наиболее вероятный по оценке программы.",
    ),
    "gallery.named": ("named by a person", "указано специалистом"),
    "gallery.program": ("program: {answer}", "программа: {answer}"),
    "gallery.finds": ("{n} find|{n} finds", "{n} находка|{n} находки|{n} находок"),
    "gallery.uncounted": ("not counted", "не учитываются"),
    "gallery.count": ("{n} cell|{n} cells", "{n} клетка|{n} клетки|{n} клеток"),
    "gallery.shown": ("{shown} of {n} shown", "показано {shown} из {n}"),
    "gallery.unlike": ("unusual!", "необычная!"),
    "gallery.again": ("seen before?", "уже была?"),
    "gallery.empty": ("No cell was found.", "Клетки не найдены."),
    "gallery.no_crops": (
        "The pictures of the cells are not stored with this result.",
        "Изображения клеток с этим результатом не сохранены.",
    ),
    "overview": ("A field with its finds", "Поле зрения с найденными клетками"),
    "overview.intro": (
        "{field}: {finds}. The numbers are those of the gallery; dashed circles are finds left out of the "
        "count.",
        "{field}: {finds}. Номера – как в галерее клеток; пунктиром обведены находки, не вошедшие в подсчёт.",
    ),
    "short.neutrophil": ("neut.", "нейтр."),
    "short.neutrophil_band": ("band", "п/я"),
    "short.neutrophil_segmented": ("segm.", "с/я"),
    "short.eosinophil": ("eos.", "эоз."),
    "short.basophil": ("baso.", "баз."),
    "short.lymphocyte": ("lymph.", "лимф."),
    "short.monocyte": ("mono.", "мон."),
    "short.immature_granulocyte": ("imm. gran.", "незр. гран."),
    "short.metamyelocyte": ("metamyel.", "метамиел."),
    "short.myelocyte": ("myel.", "миел."),
    "short.promyelocyte": ("promyel.", "промиел."),
    "short.blast": ("blast", "бласт"),
    "short.promonocyte": ("promono.", "промон."),
    "short.lymphocyte_variant": ("react. lymph.", "реакт. лимф."),
    "short.plasma_cell": ("plasma", "плазм."),
    "short.unidentified": ("unident.", "не опред."),
    "short.erythroblast": ("NRBC", "эритробл."),
    "short.platelet": ("plt.", "тромб."),
    "short.giant_platelet": ("giant plt.", "гиг. тромб."),
    "short.platelet_aggregate": ("plt. aggr.", "агр. тромб."),
    "short.smudge_cell": ("smudge", "тень"),
    "short.artefact": ("artefact", "артефакт"),
}

_METHOD = {
    "method": ("Method and versions", "Метод и версии"),
    "method.finding": (
        "A window of 21 µm, the size of the largest leukocyte, scans every field; a classifier "
        "boosted by AdaBoost decides at each place, and repeated finds of one cell are removed by the "
        "distance between window positions. Cells that the counting frame gives to a neighbouring field are "
        "not counted.",
        "Окно размером 21 мкм, с самый крупный лейкоцит, просматривает каждое поле; в каждом "
        "положении решение принимает классификатор, построенный методом AdaBoost, а повторные находки одной "
        "клетки устраняются по расстоянию между положениями окна. Клетки, которые по правилу счётной рамки "
        "относятся к соседнему полю, не учитываются.",
    ),
    "method.classification": (
        "Each find is cut out as a square of 27 µm and given a probability for each class. "
        "Where the program is not sure it answers “unidentified” and a person decides.",
        "Каждая находка вырезается квадратом 27 мкм и получает вероятность для каждого "
        "класса. Если уверенности нет, программа отвечает «не определено», и решает специалист.",
    ),
    "method.border": (
        "The border between eosinophils and neutrophils is set by how clear the neutrophils of the smear "
        "are: log odds of {shift} (usual: 0).",
        "Граница между эозинофилами и нейтрофилами зависит от того, насколько ясно различимы нейтрофилы "
        "мазка: логарифм отношения шансов {shift} (обычно 0).",
    ),
    "method.percent": (
        "They refer to all counted leukocytes. Erythroblasts, platelets, smudge cells, artefacts and "
        "unidentified cells stand outside.",
        "Рассчитаны от всех подсчитанных лейкоцитов. Эритробласты, тромбоциты, клетки лейколиза, "
        "артефакты и неопределённые клетки в знаменатель не входят.",
    ),
    "method.interval": (
        "The 95 % interval of a percentage is the exact binomial one (Clopper and Pearson 1934), "
        "rounded outward. It tells how far chance alone may move the count, not how often the program "
        "errs.",
        "Интервал 95 % для процента – точный биномиальный (Клоппер и Пирсон, 1934), округлён "
        "наружу. Он показывает, насколько результат меняется случайно, а не как часто ошибается программа.",
    ),
    "lead.unseen": ("Classes not seen", "Не встреченные классы"),
    "method.unseen": (
        "A class without a find makes up at most {upper} here (one-sided 95 % limit); {cells} leukocytes "
        "would show a class of 1 % with a probability of 95 %.",
        "Класс без находок составляет здесь не более {upper} (односторонняя граница 95 %); класс с долей 1 % "
        "встретится с вероятностью 95 % среди {cells} лейкоцитов.",
    ),
    "method.absolute": (
        "The given leukocyte count (corrected for erythroblasts where that is stated) "
        "times the percentage; their intervals leave out the error of the leukocyte count itself.",
        "Указанное число лейкоцитов (с поправкой на эритробласты, если это отмечено), "
        "умноженное на процент; их интервалы не учитывают погрешность самого числа лейкоцитов.",
    ),
    "method.flags": (
        "A value outside its reference interval is flagged ▲ or ▼ where its whole confidence interval lies "
        "outside, and △ or ▽ where the two overlap.",
        "Значение вне референсного интервала отмечается ▲ или ▼, если весь его доверительный интервал лежит "
        "вне референсного, и △ или ▽, если они пересекаются.",
    ),
    "method.ranges": (
        "{name}, version {version}. Group: {stratum}. Source: {source}.",
        "{name}, версия {version}. Группа: {stratum}. Источник: {source}.",
    ),
    "lead.finding": ("Finding", "Поиск"),
    "lead.classification": ("Classification", "Классификация"),
    "lead.percent": ("Percentages", "Проценты"),
    "lead.interval": ("Confidence intervals", "Доверительные интервалы"),
    "lead.absolute": ("Absolute counts", "Абсолютные значения"),
    "lead.flags": ("Flags", "Отметки"),
    "lead.bands": ("Band neutrophils", "Палочкоядерные нейтрофилы"),
    "lead.ranges": ("Reference intervals", "Референсные интервалы"),
    "lead.responsibility": ("Responsibility", "Ответственность"),
    "method.bands": (
        "Band and segmented neutrophils are told apart poorly by people and programs alike; read the pooled "
        "neutrophils first.",
        "Палочкоядерные и сегментоядерные нейтрофилы плохо различают и люди, и программы; в первую очередь "
        "оценивайте нейтрофилы в сумме.",
    ),
    "versions": ("Versions", "Версии"),
    "settings": ("Settings", "Настройки"),
    "settings.intro": (
        "Names as in the settings file.",
        "Имена параметров – как в файле настроек.",
    ),
    "findings.list": ("Quality remarks by field", "Замечания о качестве по полям"),
    "input": ("Input", "Вход"),
    "remark": ("Remark", "Замечание"),
    "reason": ("Reason", "Причина"),
    "source": ("Read from", "Источник"),
    "yes": ("yes", "да"),
    "no": ("no", "нет"),
}

_REMARKS = {
    "note.unknown": ("Remark “{code}”.", "Замечание «{code}»."),
    "notes": ("Notes", "Примечания"),
    "comments": ("Comments", "Комментарии"),
    "alerts": ("A physician must see this now", "Требуется немедленный просмотр врачом"),
    "indices": (
        "Leukocyte indices (LII: leukocyte index of intoxication)",
        "Лейкоцитарные индексы (ЛИИ – лейкоцитарный индекс интоксикации)",
    ),
    "index.nuclear_shift": ("Nuclear-shift index", "Индекс ядерного сдвига"),
    "index.kalf_kalif": (
        "LII of Kalf-Kalif",
        "ЛИИ по Кальф-Калифу",
    ),
    "index.ostrovsky": (
        "LII of Ostrovsky",
        "ЛИИ по Островскому",
    ),
    "index.neutrophil_lymphocyte": ("Neutrophils / lymphocytes", "Нейтрофилы / лимфоциты"),
    "index.usual": ("usual {limits}", "обычно {limits}"),
    "correction": ("Shares corrected for classification errors", "Доли с поправкой на ошибки классификации"),
    "correction.intro": (
        "Estimated from the shipped validation of the classifier; the intervals cover counting error and "
        "classification error together. After a person has signed, the plain counts apply.",
        "Оценены по проверочным данным классификатора; интервалы учитывают и ошибку счёта, и ошибки "
        "классификации. После подписи специалиста действуют простые подсчёты.",
    ),
    "correction.missed": (
        "Estimated share of leukocytes that the detector missed: {value}.",
        "Оценка доли лейкоцитов, пропущенных детектором: {value}.",
    ),
    "comparison": ("Two counts of one sample", "Два подсчёта одной пробы"),
    "comparison.first": ("First count, % (95 %)", "Первый подсчёт, % (95 %)"),
    "comparison.second": ("Second count, % (95 %)", "Второй подсчёт, % (95 %)"),
    "comparison.p": ("p", "p"),
    "comparison.verdict": ("Difference", "Различие"),
    "comparison.differs": ("beyond counting error", "больше ошибки счёта"),
    "comparison.differ": (
        "The two counts differ beyond counting error (p {p}).",
        "Подсчёты различаются больше, чем допускает ошибка счёта (p {p}).",
    ),
    "comparison.agree": (
        "Counting error alone can explain the difference (p {p}); small counts show large ones only.",
        "Различие может объясняться одной ошибкой счёта (p {p}); малые подсчёты выявляют лишь большие "
        "различия.",
    ),
    "comparison.method": (
        "Fisher\u2019s exact test for each class, adjusted by Holm; the whole table against random tables.",
        "Точный критерий Фишера для каждого класса с поправкой Холма; вся таблица – против случайных таблиц.",
    ),
    "column.plain": ("Counted", "Подсчитано"),
    "column.corrected": ("Corrected", "С поправкой"),
}

PHRASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **_PAGE,
        **_IDENTITY,
        **_FORMULA,
        **_GLANCE,
        **_COUNTED,
        **_QUALITY,
        **_MODELS,
        **_SIGNATURE,
        **_GALLERY,
        **_METHOD,
        **_REMARKS,
        **INTERFACE_PHRASES,
    }
)
"""Every text, by key: English and Russian."""
