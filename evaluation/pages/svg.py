"""A chart as an ``svg`` element inside an HTML page."""

import re
from xml.etree import ElementTree

from markupsafe import Markup
from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing

from reports.fonts import BOLD, REGULAR, SEMIBOLD, width

_FAMILY = "'Source Sans 3','Source Sans Pro','Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
_WEIGHTS = {REGULAR: "400", SEMIBOLD: "600", BOLD: "700"}
_SVG = "http://www.w3.org/2000/svg"
_SIZE = re.compile(r"font-size: ([0-9.]+)px")
_FONT = re.compile(r"font-family: ([^;]+);")
_LONG = re.compile(r"(\d+\.\d{2})\d+")


def svg_chart(drawing: Drawing, *, alt: str) -> Markup:
    """Return a chart as an ``svg`` element that takes the page's typeface.

    Parameters
    ----------
    drawing : Drawing
        The chart.
    alt : str
        What it shows; escaped here.

    Returns
    -------
    Markup
        The element. Every text keeps the width that the chart was laid out for, whatever typeface the reader
        has; nothing in it has an identifier, so that many charts may stand on one page.
    """
    source = str(renderSVG.drawToString(drawing))
    root = ElementTree.fromstring(source[source.index("<svg") :])
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}{name}" for name in ("title", "desc", "clipPath")}:
                parent.remove(child)
    for element in root.iter():
        element.text = element.text if element.tag == f"{{{_SVG}}}text" else None
        element.tail = None
        element.attrib.pop("id", None)
        if "clip-path" in element.get("style", ""):
            del element.attrib["style"]
        if element.tag == f"{{{_SVG}}}text":
            _fit(element)
        for key, value in element.attrib.items():
            element.set(key, _LONG.sub(r"\1", value))
    for name in ("width", "height", "version", "fill-rule"):
        root.attrib.pop(name, None)
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("style", f"max-width:{drawing.width * 1.4:.0f}px")
    ElementTree.register_namespace("", _SVG)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _fit(element: ElementTree.Element) -> None:
    style = element.get("style", "")
    font, size = _FONT.search(style), _SIZE.search(style)
    if font is None or size is None or not element.text:
        return
    name = font.group(1).strip()
    if name not in _WEIGHTS:
        return
    element.set("style", _FONT.sub(f"font-family:{_FAMILY};font-weight:{_WEIGHTS[name]};", style))
    element.set("textLength", f"{width(element.text, name, float(size.group(1))):.2f}")
    element.set("lengthAdjust", "spacingAndGlyphs")
