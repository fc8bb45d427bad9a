"""A result put into words: builds the view that the PDF and the HTML lay out."""

from leukoformula.result import SmearResult
from reports import view_cells, view_facts, view_formula, view_remarks
from reports.texts import Language
from reports.view import Clean, Header, View


def build_view(result: SmearResult, *, language: Language, clean: Clean, header: Header | None) -> View:
    """Put a result into the words of a report.

    Parameters
    ----------
    result : SmearResult
        What was found.
    language : Language
        Language of the report.
    clean : Clean
        Makes a text from outside fit to be shown.
    header : Header or None
        The laboratory.

    Returns
    -------
    View
        Everything that the report says.
    """
    formula = result.formula
    table = view_formula.table(formula, language)
    name = clean(result.name)
    program = f"leukoformula {result.versions.get('leukoformula', '')}".strip()
    legends = () if table is None else ("legend.flags", "legend.bar", "legend.interval")
    if table is not None and table.with_corrected:
        legends = (*legends, "legend.corrected")
    groups = view_cells.groups(result, language)
    return View(
        language=language,
        name=name,
        subject=language.text("subject", name=name),
        program=program,
        status=_status(result, language, clean),
        signed=_signed(result, language, clean),
        header=header,
        identity=view_facts.identity(result, language, clean),
        notice=view_formula.notice(formula, language),
        glance=view_formula.glance(formula, language),
        comments=view_remarks.comments(formula, language),
        table=table,
        notes=view_remarks.notes(formula, language, clean),
        indices=view_remarks.indices(formula, language),
        legends=(
            *(language.text(key) for key in legends),
            language.text("ranges", name=view_facts.ranges_name(result, language, clean)),
        ),
        counted=view_facts.counted(result, language, clean),
        quality=view_facts.quality(result, language, clean),
        models_line=view_facts.models_line(result, language, program),
        groups=groups,
        gallery_note=_gallery_note(result, language),
        overview=view_cells.overview(result, language, clean),
        method=view_facts.method(result, language, clean),
        grids=view_remarks.correction(formula, language) + view_facts.grids(result, language, clean),
    )


def _status(result: SmearResult, language: Language, clean: Clean) -> str:
    if result.is_corrected:
        return view_facts.corrected_status(result, language, clean)
    if result.signature is not None:
        return language.text("final")
    return language.text("preliminary" if result.relabelled is None else "preliminary.reviewed")


def _signed(result: SmearResult, language: Language, clean: Clean) -> tuple[str, str] | None:
    if result.signature is None:
        return None
    return clean(result.signature.by), language.moment(result.signature.at)


def _gallery_note(result: SmearResult, language: Language) -> str:
    if not result.fields and not result.cells:
        return ""
    if not result.cells:
        return language.text("gallery.empty")
    if not result.crops:
        return language.text("gallery.no_crops")
    said = ("gallery.intro", "gallery.intro.reviewed") if result.relabelled else ("gallery.intro",)
    return " ".join(language.text(key) for key in said)
