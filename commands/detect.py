"""``leukoformula detect``: where the leukocytes are, as a table or as COCO."""

import csv
import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import UsageError
from cells.files import atomic_path
from commands.console import TerminalProgress, say
from commands.exits import exit_code
from commands.options import add_model_options, add_scale_option, add_threshold_option, settings_of
from commands.paths import Inputs, different, refuse_folder
from commands.remarks import warn_of_remarks

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from cells.records import Detection, Field, Refusal
    from leukoformula.fields import Progress
    from leukoformula.settings import Settings
    from slides.reader import Smear

COLUMNS = ("image", "row", "col", "diameter_px", "score")
"""Columns of the table: centre in pixels from the centre of the top left pixel, diameter in pixels."""


@dataclass(frozen=True, slots=True)
class DetectedField:
    """The finds in one image.

    Parameters
    ----------
    image : str
        Name of the image.
    height, width : int
        Its size in px.
    detections : tuple of Detection
        Its finds, the surest first.
    """

    image: str
    height: int
    width: int
    detections: "tuple[Detection, ...]"


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "detect",
        help="find the leukocytes and write where they are",
        description=(
            "Writes one row for each find: image,row,col,diameter_px,score; with --out FILE.json a COCO"
            " document. Each folder, and all single images of one folder together, share one pixel size. A"
            " picture that comes twice is left out the second time, with a warning; a path or link given"
            " twice is read once. In the table a name that a spreadsheet would run as a formula gets an"
            " apostrophe before it."
        ),
        allow_abbrev=False,
    )
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="folder of fields, or image")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="detections.csv or detections.json"
    )
    add_threshold_option(parser, "detection_threshold")
    add_model_options(parser, classifier=False)
    add_scale_option(parser)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Find the leukocytes of the images given.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0, or 4 where some images were refused; errors are raised.
    """
    from cells.records import Refusal

    if options.out.suffix.lower() not in {".csv", ".json"}:
        raise UsageError(f"cannot write {options.out}: give --out a name that ends in .csv or .json")
    refuse_folder(options.out)
    settings = settings_of(options)
    smears = smears_of(options.paths)
    Inputs(file for _, parts in smears for part in parts for file in part.files).spare(options.out)
    found: list[DetectedField] = []
    refused: list[Refusal] = []
    seen: dict[bytes, str] = {}
    with TerminalProgress() as progress:
        for prefix, parts in smears:
            for item in _detected(parts, prefix, settings, progress, seen):
                if isinstance(item, Refusal):
                    refused.append(Refusal(prefix + item.name, item.reason))
                else:
                    found.append(item)
    code = exit_code(len(found), refused)
    with atomic_path(options.out) as path:
        if options.out.suffix.lower() == ".json":
            path.write_text(json.dumps(coco(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        else:
            write_csv(found, path)
    say(f"{sum(len(item.detections) for item in found)} finds in {len(found)} images; table in {options.out}")
    return code


def _detected(
    parts: "list[Smear]", prefix: str, settings: "Settings", progress: "Progress", seen: dict[bytes, str]
) -> "Iterator[DetectedField | Refusal]":
    from leukoformula.fields import JoinedFields, calibrate_smear, map_fields
    from leukoformula.store import load_detector

    smear = JoinedFields(parts)
    scanner, _ = load_detector(root=settings.models)
    calibration = calibrate_smear(smear, settings=settings, progress=progress)
    warn_of_remarks(calibration.findings, calibration)
    erythrocyte_px = calibration.boxed_erythrocyte_px

    def detect(field: "Field") -> DetectedField:
        found = scanner.find(field, erythrocyte_px=erythrocyte_px, threshold=settings.detection_threshold)
        height, width = field.image.shape[:2]
        return DetectedField(prefix + field.name, height, width, tuple(found))

    return map_fields(smear, detect, workers=settings.workers, progress=progress, seen=seen, prefix=prefix)


def smears_of(paths: Sequence[Path]) -> list[tuple[str, "list[Smear]"]]:
    """Group the paths given to smears: each folder is one, and so are the single images of one folder.

    Parameters
    ----------
    paths : sequence of Path
        Folders and images; what is given twice, by whatever name, counts once.

    Returns
    -------
    list of (str, list of Smear)
        What to write before the names of a smear's images so that they are told apart, and its parts.

    Raises
    ------
    InputError
        Where nothing readable stands at a path.
    """
    from slides.reader import open_smear

    groups: dict[Path, tuple[Path, list[Smear]]] = {}
    for path in different(paths):
        folder = path if path.is_dir() else path.parent
        groups.setdefault(folder.resolve(), (folder, []))[1].append(open_smear(path))
    several = len(groups) > 1
    return [(f"{folder.as_posix()}/" if several else "", parts) for folder, parts in groups.values()]


def coco(found: Sequence[DetectedField]) -> dict[str, object]:
    """Return the finds as a COCO document.

    Parameters
    ----------
    found : sequence of DetectedField
        The images and their finds.

    Returns
    -------
    dict
        ``images``, ``annotations`` with the square around each find, and the one category ``leukocyte``. COCO
        counts pixels from the corner of the top left pixel, so that half a pixel is added to each centre.
    """
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, item in enumerate(found, start=1):
        images.append({"id": number, "file_name": item.image, "width": item.width, "height": item.height})
        for find in item.detections:
            side = round(float(find.diameter_px), 2)
            left, top = (round(float(centre) + 0.5 - side / 2, 2) for centre in (find.col, find.row))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [left, top, side, side],
                    "area": round(side * side, 2),
                    "score": round(float(find.score), 6),
                    "iscrowd": 0,
                }
            )
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "leukocyte"}]}


def write_csv(found: Sequence[DetectedField], path: Path) -> None:
    """Write the finds as a table with the columns ``COLUMNS``.

    A name that a spreadsheet would take for a formula gets an apostrophe before it, as in ``cells.csv``.

    Parameters
    ----------
    found : sequence of DetectedField
        The images and their finds.
    path : Path
        File to be written, UTF-8.
    """
    from reports.table import harmless

    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for item in found:
            for d in item.detections:
                row = (f"{d.row:.2f}", f"{d.col:.2f}", f"{d.diameter_px:.2f}", f"{d.score:.6f}")
                writer.writerow((harmless(item.image), *row))
