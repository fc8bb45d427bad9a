"""A document as one HTML file: pictures and styles inside, no scripts, nothing loaded from elsewhere."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from cells.files import atomic_path
from evaluation.pages.document import Block, Chart, Document, Gallery, Heading
from evaluation.pages.svg import svg_chart
from reports.fonts import plain
from reports.palette import PALETTE
from reports.pictures import encode


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    block: Block
    anchor: str = ""


def write_html(document: Document, path: Path) -> None:
    """Write a document as one self-contained HTML file.

    Parameters
    ----------
    document : Document
        What stands in it.
    path : Path
        File to be written.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    text = render_html(document)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def render_html(document: Document) -> str:
    """Return a document as HTML.

    Parameters
    ----------
    document : Document
        What stands in it.

    Returns
    -------
    str
        The page; the same text for the same document. Every text is escaped.
    """
    entries = [
        _Entry(type(block).__name__.lower(), block, f"part-{number}" if isinstance(block, Heading) else "")
        for number, block in enumerate(document.blocks)
    ]
    return _template().render(
        document=document,
        entries=entries,
        contents=[entry for entry in entries if isinstance(entry.block, Heading) and entry.block.level == 1],
        palette=PALETTE,
        css=Markup(_read("pages.css")),
        plain=plain,
        chart=_chart,
        pictures=_pictures,
    )


def _chart(block: Chart) -> Markup:
    return svg_chart(block.drawing, alt=plain(block.alt))


def _pictures(block: Gallery) -> list[tuple[str, int, int, tuple[str, ...]]]:
    found = []
    for item in block.pictures:
        picture = encode(item.image)
        found.append((picture.data_uri, picture.width, picture.height, item.lines))
    return found


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
    return environment.get_template("pages.html")


def _read(name: str) -> str:
    return files("templates").joinpath(name).read_text(encoding="utf-8")
