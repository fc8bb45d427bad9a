"""The fields of an evaluation: images paired with their truth, and every fault on the way by name."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cells.errors import DataError, InputError, UsageError
from cells.records import RGBImage
from detector.audit import AuditRows, apply_audit
from detector.truth import ERYTHROCYTE, LEUKOCYTE, PLATELET, Box, Boxes, read_voc, read_yolo
from evaluation.detection.class_names import FILES, class_names
from evaluation.detection.coco import CocoTruth, read_coco
from evaluation.detection.labels import OPEN, Roles
from slides.lamp import Lighting, even_lamp
from slides.reader import open_smear, printable, read_image

FORMATS = ("voc", "yolo", "coco")
"""Formats of truth."""

DOUBTED = "doubt"
"""Kind of a fault that forbids to trust the figures: swapped colours, another scale than that given."""

ALL_FIELDS = "all fields"
"""Place of a fault that is told once for all fields."""

_SUFFIX = {"voc": ".xml", "yolo": ".txt"}
_NO_LABELS = frozenset(
    {
        *(*FILES, "notes.txt", "readme.txt", "readme.roboflow.txt", "readme.dataset.txt"),
        *("train.txt", "val.txt", "test.txt"),
    }
)
_OTHER_SIZE = "states a size of"
_SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the images or of the truth.

    Parameters
    ----------
    kind : {"image", "annotation", "box", "label", "scale", "audit", "doubt"}
        What is at fault; `DOUBTED` where it forbids to trust the figures.
    where : str
        File, line, object or annotation.
    what : str
        The fault and what became of it.
    left_out : bool, optional
        Whether a field could not be judged because of it.
    """

    kind: str
    where: str
    what: str
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class FieldTruth:
    """The truth of one image.

    Parameters
    ----------
    name : str
        Path of the image below the folder of images, printable.
    path : Path
        Image file.
    height, width : int
        Size in pixels.
    leukocytes, open, platelets, erythrocytes : tuple of Box
        Boxes by their role: to be found, neither find nor error, and the others.
    """

    name: str
    path: Path
    height: int
    width: int
    leukocytes: tuple[Box, ...]
    open: tuple[Box, ...]
    platelets: tuple[Box, ...]
    erythrocytes: tuple[Box, ...]


@dataclass(slots=True)
class Truth:
    """The truth of a folder of images.

    Parameters
    ----------
    fields : list of FieldTruth
        The fields that can be judged, by name.
    faults : list of Fault
        Everything that is wrong with images and truth.
    classes : str
        What the class numbers of YOLO files stand for and which file says so; empty for other formats.
    """

    fields: list[FieldTruth] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    classes: str = ""


def load_truth(
    images: Path,
    truth: Path,
    *,
    form: str,
    roles: Roles,
    classes: Path | None = None,
    audit: AuditRows | None = None,
    missing: str = "left_out",
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> Truth:
    """Pair images with their boxes.

    Parameters
    ----------
    images : Path
        Folder of images; folders in it are read too.
    truth : Path
        Folder of VOC or YOLO files that have the images' names, or a COCO document.
    form : {"voc", "yolo", "coco"}
        Format of the truth.
    roles : Roles
        What each label stands for.
    classes : Path, optional
        Names of the YOLO classes, as `evaluation.detection.class_names.class_names` takes them.
    audit : AuditRows, optional
        Audit list that is applied to the boxes.
    missing : {"left_out", "empty"}, optional
        What becomes of an image without annotation: it is left out, or it holds no leukocyte.
    progress : callable, optional
        Is told of each image.

    Returns
    -------
    Truth
        Fields and faults; an image or annotation that cannot be used is a fault, never an exception.

    Raises
    ------
    UsageError
        Where the format is unknown.
    InputError
        Where the folder of images or the truth is missing or of the wrong kind, or holds no image.
    DataError
        Where a COCO document or a file of classes cannot be read.
    """
    if form not in FORMATS:
        raise UsageError(f"no truth format {form!r}; choose one of {', '.join(FORMATS)}")
    paths = _images(images)
    source: _Source
    result = Truth()
    if form == "coco":
        source = _coco_source(truth, paths, roles, result.faults)
    else:
        if not truth.is_dir():
            raise InputError(f"no folder {truth}; give the folder of {form.upper()} files with --truth")
        names: Mapping[str, str] = roles.names()
        if form == "yolo":
            known = class_names(truth, classes)
            names = {str(number): roles.of_label(name) or name for number, name in known.names.items()}
            result.classes = printable(str(known))
        source = _folder_source(truth, paths, form, names, result.faults)
    unknown: Counter[str] = Counter()
    pictures: dict[bytes, str] = {}
    for number, (name, path) in enumerate(paths.items(), 1):
        progress("reading truth", number, len(paths))
        found = _field(
            name,
            path,
            source,
            missing=missing,
            audit=audit or {},
            faults=result.faults,
            unknown=unknown,
            pictures=pictures,
        )
        if found is not None:
            result.fields.append(found)
    result.faults.extend(_of_all(result, unknown))
    if missing == "empty":
        result.faults.extend(_of_names(source))
    used = {Path(field.name).name for field in result.fields} | {field.name for field in result.fields}
    result.faults.extend(
        Fault("audit", name, "is in the audit list but not among the fields that are judged")
        for name in audit or {}
        if name not in used
    )
    return result


@dataclass(frozen=True, slots=True)
class _Source:
    """Finds the boxes of an image, None where it has no annotation; counts what has no partner."""

    boxes: Callable[[str, int, int], Boxes | None]
    lone_annotations: int
    lone_images: int


def _images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; give the folder of fields with --images")
    return {path.relative_to(folder).as_posix(): path for path in sorted(open_smear(folder).files)}


def _folder_source(
    truth: Path,
    paths: Mapping[str, Path],
    form: str,
    names: Mapping[str, str],
    faults: list[Fault],
) -> _Source:
    suffix = _SUFFIX[form]
    files = {
        path.relative_to(truth).with_suffix("").as_posix(): path
        for path in sorted(truth.rglob("*"))
        if path.suffix.lower() == suffix
        and path.name.lower() not in _NO_LABELS
        and not path.name.startswith(".")
    }
    stems = {_stem(name) for name in paths}
    chosen = _matched(stems, files)
    lone = sorted(set(files.values()) - set(chosen.values()))
    faults.extend(
        Fault("image", printable(path.name), "has no image of this name; passed over") for path in lone
    )

    def boxes(name: str, height: int, width: int) -> Boxes | None:
        path = chosen.get(_stem(name))
        if path is None:
            return None
        read = read_yolo if form == "yolo" else read_voc
        return read(path, height=height, width=width, names=names)

    return _Source(boxes, len(lone), sum(_stem(name) not in chosen for name in paths))


def _stem(name: str) -> str:
    return str(Path(name).with_suffix("").as_posix())


def _matched(stems: Iterable[str], files: Mapping[str, Path]) -> dict[str, Path]:
    """Annotation of each image by its path, else by its name alone where that is unique."""
    by_name: dict[str, list[Path]] = {}
    for stem, path in files.items():
        by_name.setdefault(Path(stem).name, []).append(path)
    counts: dict[str, int] = {}
    wanted = list(stems)
    for stem in wanted:
        counts[Path(stem).name] = counts.get(Path(stem).name, 0) + 1
    chosen = {}
    for stem in wanted:
        alone = by_name.get(Path(stem).name, [])
        if stem in files:
            chosen[stem] = files[stem]
        elif len(alone) == 1 and counts[Path(stem).name] == 1:
            chosen[stem] = alone[0]
    return chosen


def _coco_source(truth: Path, paths: Mapping[str, Path], roles: Roles, faults: list[Fault]) -> _Source:
    if not truth.is_file():
        raise InputError(f"no file {truth}; give the COCO document with --truth")
    document = read_coco(truth, roles=roles)
    faults.extend(Fault("annotation", where, what) for where, what in document.faults)
    chosen = _coco_names(document, paths)
    lone = sorted(set(document.rows) - set(chosen.values()))
    faults.extend(Fault("image", printable(name), "is not among the images; passed over") for name in lone)

    def boxes(name: str, height: int, width: int) -> Boxes | None:
        file_name = chosen.get(name)
        return None if file_name is None else document.boxes(file_name, height=height, width=width)

    return _Source(boxes, len(lone), len(paths) - len(chosen))


def _coco_names(document: CocoTruth, paths: Mapping[str, Path]) -> dict[str, str]:
    """File name in the document of each image; a name is compared, never opened."""
    by_name: dict[str, list[str]] = {}
    for name in document.rows:
        by_name.setdefault(Path(name.replace("\\", "/")).name, []).append(name)
    counts: dict[str, int] = {}
    for name in paths:
        counts[Path(name).name] = counts.get(Path(name).name, 0) + 1
    chosen = {}
    for name in paths:
        alone = by_name.get(Path(name).name, [])
        if name in document.rows:
            chosen[name] = name
        elif len(alone) == 1 and counts[Path(name).name] == 1:
            chosen[name] = alone[0]
    return chosen


def _of_all(truth: Truth, unknown: Mapping[str, int]) -> list[Fault]:
    """Return the unknown labels of all fields, and what forbids to trust the figures."""
    found = [
        Fault(
            "label",
            ALL_FIELDS,
            f"the label '{printable(label)[:80]}' is unknown: its {number} boxes are left unused, and finds "
            "on them count as false; name the labels of leukocytes with --leukocytes",
        )
        for label, number in sorted(unknown.items())
    ]
    sizes = sum(_OTHER_SIZE in fault.what for fault in truth.faults)
    if sizes:
        said = f"{sizes} annotations state another size than their image has (made smaller or turned since?)"
        found.append(Fault(DOUBTED, ALL_FIELDS, f"{said}; the figures there are not to be trusted"))
    unused = sum(unknown.values()) + sum(_SKIPPED in fault.what for fault in truth.faults)
    unused += sum(len(field.open) for field in truth.fields)
    if unused and not any(field.leukocytes for field in truth.fields):
        said = f"no box of a leukocyte among the annotations, and {unused} boxes of no use"
        found.append(Fault(DOUBTED, ALL_FIELDS, f"{said}; the figures are not to be trusted"))
    return found


def _of_names(source: _Source) -> list[Fault]:
    if not (source.lone_annotations and source.lone_images):
        return []
    said = (
        f"{source.lone_images} images without annotation are taken for empty, and "
        f"{source.lone_annotations} annotations have no image of their name; if these belong together, "
        "the figures are not to be trusted"
    )
    return [Fault(DOUBTED, ALL_FIELDS, said)]


def _field(
    name: str,
    path: Path,
    source: _Source,
    *,
    missing: str,
    audit: AuditRows,
    faults: list[Fault],
    unknown: Counter[str],
    pictures: dict[bytes, str],
) -> FieldTruth | None:
    shown = printable(name)
    try:
        image = read_image(path)
    except InputError as error:
        faults.append(Fault("image", shown, str(error), left_out=True))
        return None
    height, width = image.shape[:2]
    try:
        read = source.boxes(name, height, width)
    except DataError as error:
        faults.append(Fault("annotation", shown, f"{error}", left_out=True))
        return None
    if read is None and missing != "empty":
        faults.append(Fault("annotation", shown, "has no annotation; left out", left_out=True))
        return None
    first = pictures.setdefault(hashlib.sha256(image.tobytes()).digest(), shown)
    if first != shown:
        faults.append(Fault("image", shown, f"is the same picture as {first}; it is judged twice"))
    boxes = read.boxes if read is not None else ()
    lines = [line for line in (read.faults if read is not None else ()) if "unknown name" not in line]
    faults.extend(Fault("box", shown, printable(line)) for line in lines)
    verdicts = audit.get(shown, audit.get(Path(shown).name, ()))
    by_role: dict[str, list[Box]] = {}
    for box in boxes:
        by_role.setdefault(box.label, []).append(box)
    for label in sorted(set(by_role) - {LEUKOCYTE, ERYTHROCYTE, PLATELET, OPEN}):
        said = f"{len(by_role[label])} boxes of the unknown label '{printable(label)[:80]}'; left unused"
        faults.append(Fault("label", shown, said))
        unknown[label] += len(by_role[label])
    leukocytes, left_open = apply_audit(boxes, verdicts, height=height, width=width)
    return FieldTruth(
        shown,
        path,
        height,
        width,
        leukocytes,
        (*left_open, *by_role.get(OPEN, ())),
        tuple(by_role.get(PLATELET, ())),
        tuple(by_role.get(ERYTHROCYTE, ())),
    )


def field_image(field: FieldTruth) -> RGBImage:
    """Read the image of a field again, RGB, as `field_lighting` gives it; raises what that raises."""
    return field_lighting(field).image


def field_lighting(field: FieldTruth) -> Lighting:
    """Read the image of a field again, the lamp made even as wherever the program reads one.

    Parameters
    ----------
    field : FieldTruth
        The field.

    Returns
    -------
    Lighting
        RGB pixels, and what part of them is lit.

    Raises
    ------
    InputError
        Where it cannot be read any more, or has another size than before.
    """
    image = read_image(field.path)
    if image.shape[:2] != (field.height, field.width):
        raise InputError(f"{field.name}: the image has changed while it was evaluated; start again")
    return even_lamp(image)
