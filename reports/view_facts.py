"""The facts beside the formula: identity, what was counted, quality and scale, models, versions, settings."""

from collections import Counter
from collections.abc import Iterator, Mapping

from cells.records import Finding
from cells.units import ERYTHROCYTE_UM
from cells.vocabulary import CellClass
from counting.intervals import cells_to_see, zero_seen_upper
from counting.records import LeukocyteFormula, OutsideLine
from leukoformula.decisions import NOT_A_LEUKOCYTE, UNLIKE
from leukoformula.result import SmearResult
from reports.reasons import reason_text
from reports.texts import Language
from reports.view import Clean, Grid, Item
from slides.calibration import Calibration
from slides.quality import CHANNELS_SWAPPED
from slides.scale_check import METADATA_DOUBTFUL, OPTION_DOUBTFUL, OTHER_MAGNIFICATION

_OF_SCALE = (OPTION_DOUBTFUL, METADATA_DOUBTFUL)

NOT_TO_BE_TRUSTED = (*_OF_SCALE, OTHER_MAGNIFICATION, CHANNELS_SWAPPED)
"""Codes of the remarks that forbid to trust a result; they stand before the others."""

SECOND_COUNT = "second_count_differs"
"""Code of the remark that a second count of the sample says something else."""

_LISTED_CELLS = 8
_LISTED_NAMES = 3
_FINDING_GROUPS = 5
_GRID_ROWS = 60
_VALUE_LENGTH = 240
_NAME_LENGTH = 44
_RARE_PERCENT = 1.0


def identity(result: SmearResult, language: Language, clean: Clean) -> tuple[Item, ...]:
    """Return who and what the report is about, as terms and texts.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of Item
        The terms and texts.
    """
    who = result.identity
    sex = language.text(f"sex.{who.sex}") if language.has(f"sex.{who.sex}") else who.sex
    wbc = result.formula.wbc
    given = [
        ("patient", who.patient),
        ("age", language.age(who.age)),
        ("sex", sex),
        ("sample", who.sample),
        ("taken", language.date(who.taken)),
        ("wbc", "" if wbc is None else language.concentration(wbc)),
    ]
    missing = language.text("none")
    return tuple(Item(language.text(key), _fit(clean(text)) or missing) for key, text in given)


def _fit(text: str) -> str:
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"


def _brief(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else f"{name[:24]}…{name[-(_NAME_LENGTH - 25) :]}"


def counted(result: SmearResult, language: Language, clean: Clean) -> tuple[Item, ...]:
    """Return what was counted and where, and what stands outside the formula.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of Item
        The terms and texts.
    """
    formula = result.formula
    items = [Item(language.text("smear"), _brief(clean(result.name)))]
    if result.fields:
        items.append(Item(language.text("counted.fields"), language.integer(len(result.fields))))
        items.append(Item(language.text("counted.finds"), _finds(result, language)))
        if result.relabelled is not None:
            changed = language.text("counted.relabelled", n=len(result.relabelled))
            items.append(Item(language.text("counted.review"), changed))
    else:
        items.append(Item(language.text("counted.fields"), language.text("counted.from_counts")))
    items += [
        Item(language.label(line.label), _outside(line, language)) for line in formula.outside if line.n
    ]
    if formula.wbc_corrected is not None:
        items.append(Item(language.text("wbc"), _corrected(formula.wbc_corrected, formula, language)))
    items.append(Item(language.text("unidentified"), _unidentified(result, language)))
    return tuple(items)


def _finds(result: SmearResult, language: Language) -> str:
    left_out = Counter(cell.reason for cell in result.cells if not cell.counted or cell.reason == UNLIKE)
    said = [language.integer(len(result.cells))]
    said += [
        language.text(f"counted.{reason}", number=language.integer(n))
        if language.has(f"counted.{reason}")
        else language.text("counted.uncounted", number=language.integer(n))
        for reason, n in sorted(left_out.items(), key=lambda pair: (pair[0] != NOT_A_LEUKOCYTE, pair[0]))
    ]
    return "; ".join(said)


def _outside(line: OutsideLine, language: Language) -> str:
    if line.per_100 is None or line.low is None or line.high is None:
        return language.text("outside.bare", n=line.n)
    return language.text(
        "outside.line",
        value=language.number(line.per_100, 1),
        interval=language.span(line.low, line.high, digits=1),
        n=line.n,
    )


def _unidentified(result: SmearResult, language: Language) -> str:
    count = result.formula.unidentified
    if count == 0:
        return language.text("unidentified.none")
    numbers = [
        str(cell.cell_id) for cell in result.cells if cell.counted and cell.label is CellClass.UNIDENTIFIED
    ]
    if not numbers:
        return language.text("unidentified.bare", n=count)
    cells = language.text("numbers", list=language.listing(numbers, most=_LISTED_CELLS))
    return language.text("unidentified.line", n=count, cells=cells)


def quality(result: SmearResult, language: Language, clean: Clean) -> tuple[Item, ...]:
    """Return how the pixel size was found, the remarks on the images and what was refused.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of Item
        The terms and texts.
    """
    items = []
    if result.fields or result.cells:
        items.append(Item(language.text("pixel"), pixel_size(result, language)))
    grouped = _by_code(result.findings)
    shown = list(grouped.items())[:_FINDING_GROUPS]
    for (severity, _), found in shown:
        term = language.text(f"severity.{severity}") if language.has(f"severity.{severity}") else severity
        text = finding(found[0], result.calibration, language, clean)
        where = "" if found[0].code == SECOND_COUNT else f": {_where(found, language, clean)}"
        items.append(Item(term.capitalize(), text + where))
    if len(grouped) > len(shown):
        more = language.text("more", n=len(grouped) - len(shown))
        see = language.text("see_method", section=language.text("findings.list"))
        items.append(Item(language.text("findings"), f"{more}, {see}"))
    if result.fields and not grouped:
        items.append(Item(language.text("findings"), language.text("findings.none")))
    if result.refused:
        names = [_brief(clean(refusal.name)) for refusal in result.refused]
        text = language.text("refused.count", n=len(names), names=language.listing(names, most=_LISTED_NAMES))
        items.append(Item(language.text("refused"), text))
    return tuple(items)


def pixel_size(result: SmearResult, language: Language) -> str:
    """Return the pixel size and how it was found, as a sentence.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.

    Returns
    -------
    str
        The sentence.
    """
    scale = result.calibration
    key = f"pixel.{scale.source}"
    return language.text(
        key if language.has(key) else "pixel.other",
        size=language.number(scale.um_per_px, 4),
        n=scale.erythrocytes,
        diameter=language.number(scale.erythrocyte_px, 1),
    )


def finding(one: Finding, scale: Calibration, language: Language, clean: Clean) -> str:
    """Return what a remark on quality means.

    Parameters
    ----------
    one : Finding
        The remark.
    scale : Calibration
        The pixel size that was used.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    str
        What the remark means.
    """
    key = f"finding.{one.code}"
    if not language.has(key) or (one.code in _OF_SCALE and not one.value):
        return language.text("finding.unknown", code=clean(one.code))
    if one.code not in _OF_SCALE or not one.value:
        return language.text(key)
    return language.text(
        key,
        size=language.number(scale.um_per_px, 4),
        diameter=language.number(one.value, 1),
        measured=language.number(scale.um_per_px * ERYTHROCYTE_UM / one.value, 4),
    )


def _corrected(value: float, formula: LeukocyteFormula, language: Language) -> str:
    ends = formula.wbc_corrected_interval
    return language.text(
        "corrected",
        value=language.absolute(value),
        interval=language.span(ends.low, ends.high, digits=2) if ends else language.text("none"),
        given=language.text("none") if formula.wbc is None else language.concentration(formula.wbc),
    )


def _by_code(findings: tuple[Finding, ...]) -> dict[tuple[str, str], list[Finding]]:
    weight = {"refused": 0, "warning": 1, "info": 2}
    whole = {one.code for one in findings if not one.where}
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for one in sorted(
        findings, key=lambda one: (weight.get(one.severity, 3), one.code not in NOT_TO_BE_TRUSTED, one.code)
    ):
        if not (one.where and one.code in whole):
            grouped.setdefault((one.severity, one.code), []).append(one)
    return grouped


def _where(found: list[Finding], language: Language, clean: Clean) -> str:
    names = [_brief(clean(one.where)) for one in found if one.where]
    if not names:
        share = found[0].value
        if share is None or not 0 < share <= 1 or found[0].code in _OF_SCALE:
            return language.text("findings.smear")
        of = "findings.cells" if found[0].code == UNLIKE else "findings.share"
        return language.text(of, share=language.percent(100 * share, 0))
    if len(names) <= _LISTED_NAMES:
        return language.listing(names, most=_LISTED_NAMES)
    return language.text("findings.fields", n=len(names))


def corrected_status(result: SmearResult, language: Language, clean: Clean) -> str:
    """Return that a signed report replaces an earlier signed one, and which.

    Parameters
    ----------
    result : SmearResult
        A corrected result.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    str
        The status, without a full stop.
    """
    last = result.superseded[-1].signature
    return language.text("final.corrected", by=_brief(clean(last.by)), at=language.moment(last.at))


def models_line(result: SmearResult, language: Language, program: str) -> str:
    """Return the detector, the classifier and the program with their versions, as one line.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    program : str
        Name and version of the program.

    Returns
    -------
    str
        The line.
    """
    said = [
        f"{model.name} ({language.text('version', version=model.version)})"
        for model in result.models
        if model.kind == "detector"
    ]
    deciding = [model for model in result.models if model.kind != "detector"]
    classifier = " + ".join(
        f"{model.name} ({language.text('version', version=model.version)})" for model in deciding
    )
    if result.classifier and result.classifier not in [model.name for model in deciding]:
        classifier = f"{result.classifier}: {classifier}" if classifier else result.classifier
    if not said and not classifier:
        return f"{language.text('program')}: {program}."
    none = language.text("models.none")
    return language.text(
        "models.line",
        detector=", ".join(said) or none,
        classifier=classifier or none,
        program=program,
    )


def method(result: SmearResult, language: Language, clean: Clean) -> tuple[Item, ...]:
    """Return how the result was made and where the reference intervals come from, as paragraphs.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of Item
        A lead and a text for each paragraph.
    """
    keys = ["percent", "interval", "absolute", "flags", "bands"]
    if result.cells or result.fields:
        keys = ["finding", "classification", *keys]
    formula = result.formula
    stratum = formula.stratum if language.code == "en" else formula.stratum_ru
    none = language.text("none")
    ranges = language.text(
        "method.ranges",
        name=ranges_name(result, language, clean),
        version=clean(formula.ranges_version),
        stratum=clean(stratum) or none,
        source=clean(formula.ranges_source).rstrip(".") or none,
    )
    said = [Item(language.text(f"lead.{key}"), language.text(f"method.{key}")) for key in keys]
    if "classification" in keys and result.eosinophil_border:
        sign = "+" if result.eosinophil_border > 0 else ""
        border = language.text("method.border", shift=sign + language.number(result.eosinophil_border, 2))
        item = said[keys.index("classification")]
        said[keys.index("classification")] = Item(item.term, f"{item.text} {border}")
    if formula.total:
        upper = language.percent(zero_seen_upper(formula.total))
        unseen = language.text("method.unseen", upper=upper, cells=cells_to_see(_RARE_PERCENT))
        said.insert(keys.index("interval") + 1, Item(language.text("lead.unseen"), unseen))
    said.append(Item(language.text("lead.ranges"), ranges))
    said.append(Item(language.text("lead.responsibility"), language.text("disclaimer")))
    return tuple(said)


def ranges_name(result: SmearResult, language: Language, clean: Clean) -> str:
    """Return what the set of reference intervals is called.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    str
        The name.
    """
    formula = result.formula
    title = formula.ranges_title_en if language.code == "en" else formula.ranges_title_ru
    return clean(title or formula.ranges_name)


def grids(result: SmearResult, language: Language, clean: Clean) -> tuple[Grid, ...]:
    """Return the small tables of the method page: models, versions, refused inputs, remarks, settings.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.

    Returns
    -------
    tuple of Grid
        The tables that hold anything.
    """
    said = language.text
    tables = [
        Grid(
            said("models"),
            "",
            (said("model.name"), said("model.kind"), said("model.version"), said("model.sha256")),
            tuple(
                (clean(model.name), _kind(model.kind, language), clean(model.version), clean(model.sha256))
                for model in result.models
            ),
        ),
        Grid(
            said("refused"),
            "" if result.refused else said("refused.none"),
            (said("input"), said("reason")),
            _capped(
                [
                    (_fit(clean(one.name)), _fit(reason_text(one.reason, language, clean)))
                    for one in result.refused
                ],
                language,
            ),
        ),
        Grid(
            said("findings.list"),
            "",
            (said("input"), said("remark")),
            _capped(
                [
                    (
                        _fit(clean(one.where)) or said("findings.smear"),
                        finding(one, result.calibration, language, clean),
                    )
                    for one in result.findings
                ],
                language,
            ),
        ),
        Grid(
            said("versions"),
            "",
            (),
            tuple((clean(name), clean(version)) for name, version in sorted(result.versions.items())),
        ),
        Grid(
            said("settings"),
            said("settings.intro"),
            (),
            tuple((clean(name), _fit(clean(text))) for name, text in flatten(result.settings, language)),
        ),
    ]
    return tuple(grid for grid in tables if grid.rows or (result.fields and grid.heading == said("refused")))


def _kind(kind: str, language: Language) -> str:
    key = f"kind.{kind}"
    return language.text(key) if language.has(key) else kind


def _capped(rows: list[tuple[str, ...]], language: Language) -> tuple[tuple[str, ...], ...]:
    if len(rows) <= _GRID_ROWS:
        return tuple(rows)
    left = language.text("list.more", n=len(rows) - _GRID_ROWS)
    return (*rows[:_GRID_ROWS], (left, *("" for _ in rows[0][1:])))


def flatten(
    settings: Mapping[str, object], language: Language, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield every setting as its dotted name and its value in words, sorted by name.

    Parameters
    ----------
    settings : mapping
        Settings, nested as they stand in the settings file.
    language : Language
        Language of the report.
    prefix : str, optional
        Name of the section, with its dot.

    Yields
    ------
    tuple of str
        Name and value.
    """
    for name in sorted(settings):
        value = settings[name]
        if isinstance(value, Mapping):
            yield from flatten(value, language, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _value(value, language)


def _value(value: object, language: Language) -> str:
    if value is None:
        return language.text("none")
    if isinstance(value, bool):
        return language.text("yes" if value else "no")
    if isinstance(value, float):
        return language.shortest(value, digits=6)
    if isinstance(value, list | tuple):
        return "; ".join(_value(one, language) for one in value)
    return str(value)
