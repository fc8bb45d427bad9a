"""The report as one HTML file: pictures and styles inside, no scripts, nothing loaded from elsewhere."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from cells.files import atomic_path
from leukoformula.result import SmearResult
from reports.bars import svg_bar
from reports.content import build_view
from reports.explanations import explanations
from reports.fonts import plain
from reports.palette import PALETTE
from reports.pictures import encode_data_uri
from reports.texts import Language
from reports.view import Header


def write_html(result: SmearResult, path: Path, *, lang: str, header: Header | None = None) -> None:
    """Write the report as one self-contained HTML file.

    Parameters
    ----------
    result : SmearResult
        What was found.
    path : Path
        File to be written.
    lang : {"en", "ru"}
        Language.
    header : Header or None, optional
        The laboratory that hands the report over.

    Raises
    ------
    UsageError
        Where the language is unknown.
    DataError
        Where the logo cannot be read.
    InputError
        Where the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(render_html(result, lang=lang, header=header), encoding="utf-8", newline="\n")


def render_html(result: SmearResult, *, lang: str, header: Header | None = None) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    result : SmearResult
        What was found.
    lang : {"en", "ru"}
        Language.
    header : Header or None, optional
        The laboratory that hands the report over.

    Returns
    -------
    str
        The document.

    Raises
    ------
    UsageError
        Where the language is unknown.
    DataError
        Where the logo cannot be read.
    """
    language = Language(lang)
    view = build_view(result, language=language, clean=plain, header=header)
    logo = encode_data_uri(header.logo) if header and header.logo is not None else ""
    return _template().render(
        view=view,
        t=language.text,
        whole=language.number(100, 0),
        lang=language.code,
        logo=logo,
        svg_bar=svg_bar,
        explained=explanations(result, language),
        palette=PALETTE,
        css=Markup(_read("report.css")),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html")


def _read(name: str) -> str:
    return files("templates").joinpath(name).read_text(encoding="utf-8")
