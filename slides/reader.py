"""Reading a smear: a folder of fields, one image, or a multi-page TIFF, behind one small interface."""

import os
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from cells.errors import InputError, NoSmearError
from cells.records import Field, Refusal, RGBImage
from slides.decode import count_pages, decode, kind_of
from slides.lamp import even_lamp
from slides.optics import white_point
from slides.own_pictures import is_mask, own_pictures
from slides.screening import require_smear

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff"})
"""Suffixes, in any case, of the files of a folder that are taken for its images."""

UNREAD_SUFFIXES = frozenset(
    {
        *(".heic", ".heif", ".avif", ".webp", ".gif", ".jp2", ".j2k", ".jpx", ".jxl", ".jxr", ".psd", ".tga"),
        *(".ppm", ".pgm", ".pnm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
        *(".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".vsi", ".czi", ".zvi", ".lif", ".nd2", ".oib", ".dcm"),
    }
)
"""Suffixes, in any case, of pictures that are not read: in a folder they are named, not passed over."""

_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    path: Path
    page: int
    fault: str = ""


class Smear:
    """The fields of one smear, in stable natural order, decoded one by one when they are asked for.

    Made by `open_smear`. ``len(smear)`` is the number of candidate images and pages, readable or not.

    Parameters
    ----------
    name : str
        Name of the folder or file, printable.
    source : Path
        The folder or file.
    candidates : list
        The images and pages, in order.
    """

    def __init__(self, name: str, source: Path, candidates: list[_Candidate]) -> None:
        self.name = name
        self.source = source
        self._candidates = tuple(candidates)

    def __len__(self) -> int:
        return len(self._candidates)

    def __repr__(self) -> str:
        return f"Smear({self.name!r}, {len(self)} images)"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the candidate images and pages, in order."""
        return tuple(candidate.name for candidate in self._candidates)

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths of the files that hold the candidates, each once, in order."""
        return tuple(dict.fromkeys(candidate.path for candidate in self._candidates))

    def fields(self, *, at_most: int | None = None) -> Iterator[Field | Refusal]:
        """Read the fields one by one.

        Parameters
        ----------
        at_most : int, optional
            Read no more than this many candidates, spread evenly over the smear; all of them by default.

        Yields
        ------
        Field or Refusal
            A field for each image that shows a smear, a refusal for each that does not or cannot be read.
        """
        total = len(self._candidates)
        count = total if at_most is None else min(total, max(0, at_most))
        for i in range(count):
            yield self.field(i * total // count)

    def field(self, index: int) -> Field | Refusal:
        """Read one candidate.

        Parameters
        ----------
        index : int
            Its place in the smear, from 0.

        Returns
        -------
        Field or Refusal
        """
        candidate = self._candidates[index]
        if candidate.fault:
            return Refusal(candidate.name, candidate.fault)
        try:
            picture = decode(candidate.path, candidate.page)
            _require_photograph(picture.image)
            lighting = even_lamp(picture.image)
            white = white_point(lighting.image)
            white.setflags(write=False)
            require_smear(lighting.image, white)
        except InputError as error:
            return Refusal(candidate.name, str(error))
        return Field(candidate.name, lighting.image, white, picture.um_per_px, lighting.fall, lighting.lit)


def open_smear(path: Path) -> Smear:
    """Open a folder of fields, one image or a multi-page TIFF as a smear.

    Pictures of other kinds (HEIC, WebP, slide files …) in a folder are refused by name, unless one that is
    read has the same name beside them, as where a camera saves both. Hidden files, files with another suffix,
    pipes and the pictures that this program made of others (those of a report, masks) are passed over;
    sub-folders are read too, each once.

    Parameters
    ----------
    path : Path
        Folder, or PNG, JPEG, BMP or TIFF file.

    Returns
    -------
    Smear

    Raises
    ------
    InputError
        Where the path is missing, no image by its content, or a folder without any image.
    """
    source = Path(path)
    shown = printable(source.name or str(source.absolute().name))
    try:
        is_folder = source.is_dir()
    except OSError as error:
        raise InputError(
            f"{printable(str(source))} cannot be opened: {error.strerror}; check the path and its permissions"
        ) from error
    if is_folder:
        candidates = [c for file, name in _walk(source) for c in _listed(file, name)]
        if not candidates:
            raise InputError(
                f"{printable(str(source))}: no PNG, JPEG, BMP or TIFF image in this folder (pictures that "
                "leukoformula made of others do not count); give another"
            )
        return Smear(shown, source, candidates)
    if not source.is_file():
        fault = "is no file and no folder" if source.exists() else "does not exist"
        raise InputError(f"{printable(str(source))} {fault}; check the path")
    try:
        kind = kind_of(source)
    except InputError as error:
        raise InputError(f"{printable(str(source))} {error}") from error
    if kind is None:
        raise InputError(
            f"{printable(str(source))} is not a PNG, JPEG, BMP or TIFF image; convert it to one of these"
        )
    return Smear(shown, source, _expand(source, shown))


def read_image(path: Path) -> RGBImage:
    """Read one image file, or the first page of a TIFF, without asking what it shows.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP or TIFF file, 8 or 16 bit, grey, RGB, RGBA or palette.

    Returns
    -------
    ndarray of shape (M, N, 3), uint8
        RGB pixels, upright, read-only.

    Raises
    ------
    InputError
        Where the file is missing, empty, truncated, damaged, of another kind or too large.
    """
    try:
        return decode(Path(path)).image
    except InputError as error:
        raise InputError(f"{printable(str(path))} {error}") from error


def printable(text: str) -> str:
    """Return text with every unprintable character, line break and undecodable byte written as an escape.

    Parameters
    ----------
    text : str
        For example a file name from the operating system, surrogate escapes included.

    Returns
    -------
    str
        Printable text that encodes as UTF-8; letters of every script and emoji stay.
    """
    joiners = "\u200d\ufe0f"
    return "".join(
        c if c.isprintable() or c in joiners else c.encode("unicode_escape").decode("ascii") for c in text
    )


def _require_photograph(image: RGBImage) -> None:
    if is_mask(image):
        raise NoSmearError("shows no smear: it is a mask, all black, white and one grey; leave it out")


def _walk(folder: Path) -> list[tuple[Path, str]]:
    found: list[tuple[tuple[tuple[tuple[int, int, str], ...], ...], Path, str]] = []
    seen: set[tuple[int, int]] = set()

    def visit(place: Path, parts: tuple[str, ...]) -> None:
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen or len(parts) > _MAX_DEPTH:
                return
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(place), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError:
            found.append((tuple(_natural(p) for p in parts), place, "/".join(parts) or "."))
            return
        passed_over = own_pictures(place, (entry.name for entry in entries))
        read = {Path(entry.name).stem for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES}
        for entry in entries:
            here = (*parts, entry.name)
            if entry.name.startswith((".", "__MACOSX")) or entry.name in passed_over:
                continue
            if _is_folder(entry):
                visit(Path(entry.path), here)
            elif _is_picture(Path(entry.name), read) and _is_candidate(entry):
                found.append((tuple(_natural(p) for p in here), Path(entry.path), "/".join(here)))

    visit(folder, ())
    return [(path, printable(name)) for _, path, name in sorted(found, key=lambda item: (item[0], item[2]))]


def _is_picture(name: Path, read: Set[str]) -> bool:
    suffix = name.suffix.lower()
    return suffix in SUFFIXES or (suffix in UNREAD_SUFFIXES and name.stem not in read)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_candidate(entry: os.DirEntry[str]) -> bool:
    """Tell a file, or a link to nothing (which is to be named), from pipes, sockets and loops of links."""
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    pieces = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(p), "") if p.isdigit() and p.isascii() else (1, 0, p) for p in pieces if p)


def _listed(path: Path, name: str) -> list[_Candidate]:
    suffix = path.suffix.lower()
    if suffix in UNREAD_SUFFIXES and not path.is_dir():
        fault = f"is a picture of a kind that is not read ({suffix}); convert it to PNG, JPEG, BMP or TIFF"
        return [_Candidate(name, path, 0, fault)]
    return _expand(path, name)


def _expand(path: Path, name: str) -> list[_Candidate]:
    try:
        if path.is_dir():
            return [_Candidate(name, path, 0, "is a folder that cannot be opened; check its permissions")]
        pages = count_pages(path)
    except InputError as error:
        return [_Candidate(name, path, 0, str(error))]
    if pages == 1:
        return [_Candidate(name, path, 0)]
    return [_Candidate(f"{name}#{page + 1}", path, page) for page in range(pages)]
