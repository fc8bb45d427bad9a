"""The typeface of the PDF: Source Sans Pro (SIL Open Font License 1.1), carried by ``font-source-sans-pro``.

The built-in fonts of PDF have no Cyrillic letters. This one has Latin, Greek and Cyrillic letters, figures
of one width and the triangles of the flags.
"""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from cells.errors import RefusedError

REGULAR = "SourceSansPro-Regular"
SEMIBOLD = "SourceSansPro-Semibold"
BOLD = "SourceSansPro-Bold"

_PACKAGE = "font_source_sans_pro"
_REMEDY = "run: pip install --force-reinstall font-source-sans-pro"
_NO_GLYPH = "¿"


def folder() -> Path:
    """Return the folder of the font files.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RefusedError
        Where the package that carries them is not installed.
    """
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        raise RefusedError(f"the fonts of the PDF are missing: no package {_PACKAGE}; {_REMEDY}")
    return Path(places[0]) / "files"


@cache
def register() -> None:
    """Make the three weights known to reportlab, once.

    Raises
    ------
    RefusedError
        Where a font file is missing or damaged; the message names the remedy.
    """
    place = folder()
    for name in (REGULAR, SEMIBOLD, BOLD):
        path = place / f"{name}.ttf"
        try:
            pdfmetrics.registerFont(TTFont(name, path))
        except (OSError, TTFError) as error:
            raise RefusedError(f"the font {path} cannot be read ({error}); {_REMEDY}") from error
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=SEMIBOLD, italic=REGULAR, boldItalic=SEMIBOLD)


def check() -> str:
    """Check that the fonts are there and hold what the reports print.

    Returns
    -------
    str
        Name and place of the typeface, for ``doctor``.

    Raises
    ------
    RefusedError
        Where a font is missing, damaged or without Cyrillic letters; the message names the remedy.
    """
    register()
    for name in (REGULAR, SEMIBOLD, BOLD):
        missing = [sign for sign in "АЯёщ0123456789▲▼△▽–×⁹µ" if not _has(name, sign)]
        if missing:
            raise RefusedError(f"the font {name} has no glyph for {' '.join(missing)}; {_REMEDY}")
    return f"Source Sans Pro in {folder()}"


def width(text: str, font: str, size: float) -> float:
    """Return the width of a line of text in points, in a registered font at ``size`` points.

    Parameters
    ----------
    text : str
        The text.
    font : str
        Name of a registered font.
    size : float
        Font size in points.

    Returns
    -------
    float
        Width in points.
    """
    register()
    return float(pdfmetrics.stringWidth(text, font, size))


def printable(text: str) -> str:
    """Return the text on one line with every sign that the font cannot draw replaced by ``¿``.

    Control and formatting characters are dropped (a name may hold line ends or marks that reverse its
    order on paper); a run of signs without a glyph becomes one ``¿``.

    Parameters
    ----------
    text : str
        Text from outside: a file name, an identifier.

    Returns
    -------
    str
        Text that the PDF can show.
    """
    register()
    signs: list[str] = []
    for sign in plain(text):
        if _has(REGULAR, sign):
            signs.append(sign)
        elif not signs or signs[-1] != _NO_GLYPH:
            signs.append(_NO_GLYPH)
    return "".join(signs)


def plain(text: str) -> str:
    """Return the text composed (NFC), on one line, without control and formatting characters.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    str
        The text.
    """
    kept = (
        " " if sign in "\t\n\r\v\f\u2028\u2029" else sign
        for sign in unicodedata.normalize("NFC", text)
        if sign in "\t\n\r\v\f\u2028\u2029" or unicodedata.category(sign)[0] != "C"
    )
    return " ".join("".join(kept).split(" "))


def shorten(text: str, *, font: str, size: float, room: float) -> str:
    """Return the text, or its two ends with ``…`` between them, so that it is at most ``room`` points wide.

    Parameters
    ----------
    text : str
        Printable text on one line.
    font : str
        Registered font.
    size : float
        Font size in points.
    room : float
        Width to keep within, in points.

    Returns
    -------
    str
        The text or a shortened one; at least ``…``.
    """
    if width(text, font, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        keep = (low + high + 1) // 2
        if width(_ends(text, keep), font, size) <= room:
            low = keep
        else:
            high = keep - 1
    return _ends(text, low)


def _ends(text: str, keep: int) -> str:
    head, tail = (keep + 1) // 2, keep // 2
    return text[:head] + "…" + (text[-tail:] if tail else "")


def _has(font: str, sign: str) -> bool:
    return ord(sign) in pdfmetrics.getFont(font).face.charToGlyph
