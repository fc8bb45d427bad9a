"""The names of the class numbers in YOLO files: from the file that the exporting program wrote with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cells.errors import DataError

ASSUMED: Mapping[int, str] = {0: "WBC", 1: "RBC", 2: "platelet"}
"""Classes where no file names them."""

FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml")
"""Files that name classes: of LabelImg and Label Studio, CVAT and darknet, Roboflow and Ultralytics."""

_FOLDERS_UP = 2
_YAML = frozenset({".yaml", ".yml"})
_MAX_BYTES = 1_000_000
_LISTED = re.compile(r"""'([^']*)'|"([^"]*)"|([^\s,'"][^,'"]*)""")
_LINE = re.compile(r"\s*(?:-|([0-9]{1,4})\s*:)\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The names of the class numbers.

    Parameters
    ----------
    names : mapping of int to str
        Name of each number.
    source : str
        The file that names them; empty where they are assumed.
    """

    names: Mapping[int, str]
    source: str

    def __str__(self) -> str:
        """Return the numbers with their names, and where these come from."""
        listed = ", ".join(f"{number} {name}" for number, name in self.names.items())
        return f"{listed} ({self.source or 'assumed, as no file names them'})"


def class_names(truth: Path, given: Path | None = None) -> ClassNames:
    """Find the names of the class numbers.

    Parameters
    ----------
    truth : Path
        Folder of YOLO files.
    given : Path, optional
        File that names the classes; None looks for one of `FILES` in the folder and the two above it.

    Returns
    -------
    ClassNames
        The names; `ASSUMED` where no file is given or found.

    Raises
    ------
    DataError
        Where the file cannot be read or names no class.
    """
    path = given or _beside(truth)
    if path is None:
        return ClassNames(ASSUMED, "")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path}: too large for a file of class names; give another")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the class names {path} ({error}); give one name a line") from error
    names = _of_yaml(text) if path.suffix.lower() in _YAML else _of_lines(text)
    if not names:
        raise DataError(f"{path} names no class; give a file with one name a line with --class-names")
    return ClassNames(names, path.name)


def _beside(truth: Path) -> Path | None:
    place = truth.absolute()
    places = (place, *place.parents[:_FOLDERS_UP])
    return next((path for folder in places for path in map(folder.joinpath, FILES) if path.is_file()), None)


def _of_lines(text: str) -> dict[int, str]:
    return {number: name for number, line in enumerate(text.splitlines()) if (name := line.strip())}


def _of_yaml(text: str) -> dict[int, str]:
    """Read ``names`` of a YAML file: a list in brackets, a list of lines, or lines of number and name."""
    head = re.search(r"^names[ \t]*:[ \t]*", text, re.MULTILINE)
    rest = text[head.end() :] if head else ""
    if rest.startswith("["):
        listed = _LISTED.findall(rest[1:].partition("]")[0])
        return dict(enumerate("".join(item).strip() for item in listed))
    names: dict[int, str] = {}
    for line in rest.splitlines():
        item = _LINE.fullmatch(line)
        if item is not None:
            names[int(item[1]) if item[1] else len(names)] = item[2].partition(" #")[0].strip(" '\"")
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return names
