"""From the bytes of an image file to upright RGB pixels, checked before they are decoded."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tifffile import EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffPage

from cells.errors import InputError
from cells.records import RGBImage
from cells.units import MicronsPerPixel
from slides.tiff_metadata import stated_um_per_px

MAX_PIXELS = 150_000_000
"""Largest image that is decoded, in pixels: 450 MB as RGB, and several times that while it is analysed."""

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_BLOCK = 8
_NO_DATA = 128
_COLOURS = (
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
    PHOTOMETRIC.SEPARATED,
    PHOTOMETRIC.YCBCR,
)
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    SyntaxError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    cv2.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One decoded image: (M, N, 3) uint8 RGB pixels, upright, read-only, and the pixel size it states."""

    image: RGBImage
    um_per_px: MicronsPerPixel | None


def kind_of(path: Path) -> str | None:
    """Return ``"PNG"``, ``"JPEG"``, ``"BMP"`` or ``"TIFF"`` by the first bytes of a file, whatever its name.

    Parameters
    ----------
    path : Path
        File to be looked at.

    Returns
    -------
    str or None
        None for any other content.

    Raises
    ------
    InputError
        Where the file is empty or cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"cannot be opened: {error.strerror}; check the file and its permissions") from error
    if not start:
        raise InputError("is empty (0 bytes); copy it again")
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), None)


def count_pages(path: Path) -> int:
    """Count the full-size images in a file without decoding them.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP or TIFF file.

    Returns
    -------
    int
        1 for everything but TIFF. For TIFF the number of pages, less thumbnails and pyramid levels; three
        grey pages that are the red, green and blue planes of one image count as one.

    Raises
    ------
    InputError
        Where the file is empty, damaged or of another kind.
    """
    if _known_kind(path) != "TIFF":
        return 1
    with _damage_named(), TiffFile(path) as tif:
        return len(_frames(tif))


def decode(path: Path, page: int = 0) -> Picture:
    """Decode one image of a file.

    Sixteen-bit values are shifted right until the brightest fits in 8 bits, so that 12-bit cameras keep their
    contrast; transparency is laid on white; EXIF and TIFF orientation are obeyed.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP or TIFF file.
    page : int
        Which image of a multi-page TIFF, from 0.

    Returns
    -------
    Picture

    Raises
    ------
    InputError
        Where the file is empty, truncated, damaged, of another kind, or larger than `MAX_PIXELS`.
    """
    kind = _known_kind(path)
    with _damage_named():
        picture = _decode_tiff(path, page) if kind == "TIFF" else Picture(_decode_plain(path, kind), None)
    picture.image.setflags(write=False)
    return picture


def _known_kind(path: Path) -> str:
    kind = kind_of(path)
    if kind is None:
        raise InputError("is not a PNG, JPEG, BMP or TIFF image; convert it to one of these")
    return kind


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _DAMAGE as error:
        text = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"is truncated or damaged ({text}); copy or export it again") from error


def _require_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"is damaged: its header says {width}×{height} pixels; export it again")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"is too large: {width}×{height} pixels, at most {MAX_PIXELS // 1_000_000} megapixels are read; "
            "export single fields or tiles"
        )


def _png_header(path: Path) -> tuple[int, int, int] | None:
    with path.open("rb") as file:
        start = file.read(25)
    if len(start) < 25 or start[12:16] != b"IHDR":
        return None
    width, height, depth = struct.unpack(">IIB", start[16:25])
    return width, height, depth


def _decode_plain(path: Path, kind: str) -> RGBImage:
    depth = 8
    header = _png_header(path) if kind == "PNG" else None
    if header is not None:
        _require_size(header[0], header[1])
        depth = header[2]
    with Image.open(path, formats=[kind]) as picture:
        _require_size(*picture.size)
        picture.load()
        if kind == "JPEG":
            _require_jpeg_end(path)
            _require_last_block(picture)
        if kind == "PNG" and getattr(picture, "n_frames", 1) > 1:
            raise InputError(
                "is an animation, of which one picture would be read; save its pictures one by one"
            )
        if depth == 16:
            return _deep_png(path, picture.getexif().get(0x0112, 1))
        return _to_rgb(ImageOps.exif_transpose(picture))


def _require_jpeg_end(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - 65536))
        if b"\xff\xd9" not in file.read():
            raise InputError("is truncated: the end of the JPEG data is missing; copy it again")


def _require_last_block(picture: Image.Image) -> None:
    # The decoder fills what it has no data for with zeros, which are this grey, and tells nobody.
    width, height = picture.size
    corner = picture.crop((max(width - _BLOCK, 0), max(height - _BLOCK, 0), width, height))
    if picture.mode in {"L", "RGB"} and (np.asarray(corner) == _NO_DATA).all():
        raise InputError("is damaged: the last part of the JPEG data cannot be decoded; copy it again")


def _deep_png(path: Path, orientation: int) -> RGBImage:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if values is None:
        raise InputError("is truncated or damaged; copy or export it again")
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return _upright(_from_array(values), orientation)


def _to_rgb(picture: Image.Image) -> RGBImage:
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        return _from_array(np.asarray(picture))
    if picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in picture.info:
        return _from_array(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"), np.uint8)


def _from_array(values: NDArray[np.generic]) -> RGBImage:
    """Turn (M, N), (M, N, 1 to 4) of any number type into (M, N, 3) uint8; of 2 or 4 the last is alpha."""
    if values.ndim == 2:
        values = values[..., None]
    channels = values.shape[2]
    if channels in {2, 4}:
        alpha = _eight_bits(values[..., -1:]).astype(np.uint16)
        colour = _eight_bits(values[..., :-1]).astype(np.uint16)
        eight = ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    else:
        eight = _eight_bits(values)
    if eight.shape[2] == 1:
        eight = np.repeat(eight, 3, axis=2)
    if eight.shape[2] != 3:
        raise InputError(f"has {channels} channels; only grey and RGB images are read")
    return np.ascontiguousarray(eight)


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind not in "uif":
        raise InputError(f"holds values of type {values.dtype}; only 8 and 16 bit images are read")
    numbers = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = max(1.0, float(numbers.max(initial=0.0)))
    if values.dtype.kind == "f" and top <= 1.0:
        return np.asarray(np.clip(np.rint(255 * numbers), 0, 255), np.uint8)
    shift = max(8, int(top).bit_length()) - 8
    return np.asarray(np.clip(numbers / 2**shift, 0, 255), np.uint8)


def _upright(image: RGBImage, orientation: int) -> RGBImage:
    if orientation in {5, 6, 7, 8}:
        image = image.transpose(1, 0, 2)
    if orientation in {3, 4, 7, 8}:
        image = image[::-1]
    if orientation in {2, 3, 6, 7}:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _frames(tif: TiffFile) -> list[tuple[int, ...]]:
    """List the page numbers of each full-size image: one, or three for separate colour planes."""
    planes = 1
    series = tif.series[0] if tif.series else None
    if series is not None and "C" in series.axes and "S" not in series.axes:
        place = series.axes.index("C")
        if place == len(series.axes) - 3 and series.shape[place] == 3:
            planes = 3
    full = [i for i, page in enumerate(tif.pages) if not (isinstance(page, TiffPage) and page.is_reduced)]
    if not full:
        raise InputError("holds no image; export it again")
    if planes == 3 and len(full) % 3 == 0:
        return [tuple(full[i : i + 3]) for i in range(0, len(full), 3)]
    return [(i,) for i in full]


def _decode_tiff(path: Path, number: int) -> Picture:
    with TiffFile(path) as tif:
        size = path.stat().st_size
        planes = []
        for index in _frames(tif)[number]:
            page = tif.pages[index]
            page = page if isinstance(page, TiffPage) else page.aspage()
            _require_size(page.imagewidth, page.imagelength)
            if any(a + n > size for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)):
                raise InputError("is truncated: the pixels of a page are missing; copy it again")
            planes.append(_page_pixels(path, page))
            um_per_px = stated_um_per_px(tif, page)
            tag = page.tags.get(274)
        orientation = int(tag.value) if tag is not None else 1
    if len(planes) == 3:
        planes = [_from_array(np.dstack(planes))]
    return Picture(_upright(_from_array(planes[0]), orientation), um_per_px)


def _page_pixels(path: Path, page: TiffPage) -> NDArray[np.generic]:
    if page.photometric not in _COLOURS:
        kind = getattr(page.photometric, "name", page.photometric)
        raise InputError(f"stores its colours as {kind}; export it as RGB")
    if page.photometric == PHOTOMETRIC.YCBCR:
        return _page_by_pillow(path, page.index)
    try:
        values = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        return _page_by_pillow(path, page.index)
    values = np.asarray(values)
    if values.ndim == 3 and values.shape[0] <= 4 < values.shape[2]:
        values = np.moveaxis(values, 0, -1)
    if page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        return np.asarray((page.colormap[:, values] >> 8).astype(np.uint8).transpose(1, 2, 0))
    if page.photometric == PHOTOMETRIC.MINISWHITE and values.dtype.kind in "ub":
        values = ~values if values.dtype.kind == "b" else np.iinfo(values.dtype).max - values
    if page.photometric == PHOTOMETRIC.SEPARATED:
        return _from_inks(values)
    if values.ndim == 3 and values.shape[2] > 3 and not page.extrasamples:
        raise InputError(f"has {values.shape[2]} channels; only grey and RGB images are read")
    return _without_extra(values, page.extrasamples) if values.ndim == 3 else values


def _without_extra(values: NDArray[np.generic], extra: tuple[int, ...]) -> NDArray[np.generic]:
    """Drop a channel that is said to be no alpha, and lay colours that hold their alpha already on white."""
    if len(extra) != 1 or values.shape[2] not in {2, 4}:
        return values
    if extra[0] == EXTRASAMPLE.UNSPECIFIED:
        return values[..., :-1]
    if extra[0] == EXTRASAMPLE.ASSOCALPHA:
        colour, alpha = (_eight_bits(part).astype(np.uint16) for part in (values[..., :-1], values[..., -1:]))
        return np.asarray(np.minimum(colour + 255 - alpha, 255), np.uint8)
    return values


def _from_inks(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn cyan, magenta, yellow and black into RGB, as for a JPEG."""
    if values.ndim != 3 or values.shape[2] != 4:
        raise InputError("stores its colours as inks other than the four of CMYK; export it as RGB")
    if values.dtype not in (np.uint8, np.uint16):
        raise InputError(f"holds values of type {values.dtype}; only 8 and 16 bit images are read")
    eight = values if values.dtype == np.uint8 else values.astype(np.uint16) >> np.uint16(8)
    height, width = eight.shape[:2]
    inks = Image.frombytes("CMYK", (width, height), eight.astype(np.uint8).tobytes())
    return np.asarray(inks.convert("RGB"))


def _page_by_pillow(path: Path, index: int) -> NDArray[np.generic]:
    with Image.open(path, formats=["TIFF"]) as picture:
        picture.seek(index)
        return _to_rgb(picture)
