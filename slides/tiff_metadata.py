"""The pixel size that a TIFF file states."""

import re
from typing import Any
from xml.etree import ElementTree

from tifffile import TiffFile, TiffPage, TiffTags

from cells.units import MicronsPerPixel
from slides.calibration import UM_PER_PX_RANGE

_UM_PER_UNIT = {
    "pm": 1e-6,
    "å": 1e-4,
    "nm": 1e-3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25400.0,
}
_UM_PER_RESOLUTION_UNIT = {2: 25400.0, 3: 10000.0, 4: 1000.0, 5: 1.0}
_ANISOTROPY = 1.01


def stated_um_per_px(tif: TiffFile, page: TiffPage) -> MicronsPerPixel | None:
    """Read the pixel size of a page from OME-XML, ImageJ or Aperio metadata, else from its resolution tags.

    Parameters
    ----------
    tif : tifffile.TiffFile
        Open file.
    page : tifffile.TiffPage
        Page of it.

    Returns
    -------
    MicronsPerPixel or None
        Pixel size, µm per px; None where none is stated, where the pixels are not square within 1 %, or
        where the value is not between 0.02 and 2 µm per px, as are the 72, 96 and 300 dpi that editing
        software writes.
    """
    for pair in (_from_ome(tif), _from_imagej(tif, page.tags), _from_aperio(page), _from_tags(page.tags)):
        size = _plausible(pair)
        if size is not None:
            return size
    return None


def _plausible(pair: tuple[float, float] | None) -> MicronsPerPixel | None:
    if pair is None:
        return None
    low, high = UM_PER_PX_RANGE
    if not all(low <= size <= high for size in pair) or max(pair) > _ANISOTROPY * min(pair):
        return None
    return MicronsPerPixel((pair[0] * pair[1]) ** 0.5)


def _from_ome(tif: TiffFile) -> tuple[float, float] | None:
    text = tif.ome_metadata
    if not text or "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return None
    sizes = []
    for axis in "XY":
        value = _number(pixels.get(f"PhysicalSize{axis}"))
        unit = _UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "µm").lower())
        if value is None or unit is None:
            return None
        sizes.append(value * unit)
    return sizes[0], sizes[1]


def _from_imagej(tif: TiffFile, tags: TiffTags) -> tuple[float, float] | None:
    metadata = tif.imagej_metadata
    if not metadata:
        return None
    name = str(metadata.get("unit", "")).replace("\\u00B5", "µ").strip().lower()
    unit = _UM_PER_UNIT.get(name)
    return None if unit is None else _per_unit(tags, unit)


def _from_aperio(page: TiffPage) -> tuple[float, float] | None:
    match = re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", str(page.description))
    size = _number(match.group(1)) if match else None
    return None if size is None else (size, size)


def _from_tags(tags: TiffTags) -> tuple[float, float] | None:
    unit = _UM_PER_RESOLUTION_UNIT.get(int(_value(tags, 296, 2)))
    return None if unit is None else _per_unit(tags, unit)


def _per_unit(tags: TiffTags, um_per_unit: float) -> tuple[float, float] | None:
    sizes = []
    for code in (282, 283):
        value = _value(tags, code, None)
        if not isinstance(value, tuple) or len(value) != 2 or not value[0] or not value[1]:
            return None
        sizes.append(um_per_unit * value[1] / value[0])
    return sizes[0], sizes[1]


def _value(tags: TiffTags, code: int, default: Any) -> Any:
    tag = tags.get(code)
    return default if tag is None else tag.value


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
