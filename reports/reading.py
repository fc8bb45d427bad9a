"""Reading ``result.json`` back, so that a report can be made again from a stored result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells.errors import DataError, InputError, UsageError
from cells.files import json_integer
from cells.model_files import ModelInfo
from cells.records import Cell, Detection, Finding, Refusal
from cells.vocabulary import CellClass
from counting.formula import LeukocyteFormula
from counting.ranges import Range
from counting.records import Comment, CorrectedShare, Correction, Flag, Index, Line, OutsideLine
from leukoformula.reference import stored_ranges
from leukoformula.result import FieldSummary, Identity, Signature, SmearResult, Superseded
from reports.document import result_document, schema
from reports.explanations import read_explanations
from reports.recount import check_recount
from reports.schema_check import check
from reports.stored_pictures import StoredPictures, read_pictures, with_pictures
from slides.calibration import Calibration

_UNKNOWN = {"percent": 0.0, "low": 0.0, "high": 100.0}  # what a line says where no leukocyte was counted


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A stored result with its pictures.

    Parameters
    ----------
    result : SmearResult
        The result, with crops and overview where their files are there.
    pictures : StoredPictures or None
        The files; None where the result was stored without pictures.
    """

    result: SmearResult
    pictures: StoredPictures | None


def open_result(path: Path) -> StoredResult:
    """Read a stored result and the pictures beside it.

    Parameters
    ----------
    path : Path
        A ``result.json``.

    Returns
    -------
    StoredResult
        The result; files of pictures that are gone are named in it.

    Raises
    ------
    InputError
        Where a file cannot be read.
    DataError
        Where the document does not fit the schema, its numbers are not those of its cells, it is signed and
        must not be, or a file of pictures was altered.
    """
    document = _read(path)
    result = _checked(document, where=str(path))
    record = document.get("pictures")
    if record is None:
        return StoredResult(result, None)
    stored = read_pictures(path.parent, record)
    return StoredResult(with_pictures(result, stored), stored)


def as_stored(result: SmearResult, pictures: StoredPictures | None) -> SmearResult:
    """Return a result as it will be read back: numbers rounded and pictures decoded as they are stored.

    A report made of it is the same, byte for byte, as one that is made again from the stored files.

    Parameters
    ----------
    result : SmearResult
        The result of an analysis.
    pictures : StoredPictures or None
        Its pictures as files.

    Returns
    -------
    SmearResult
        The result.
    """
    again = _result(json.loads(json.dumps(result_document(result))), where=result.name)
    return with_pictures(again, pictures)


def read_result(path: Path) -> SmearResult:
    """Read a result that ``write_json`` wrote, without its pictures.

    Parameters
    ----------
    path : Path
        A file of the schema ``leukoformula.result/1``.

    Returns
    -------
    SmearResult
        The result, without crops and overview.

    Raises
    ------
    InputError
        Where the file cannot be read.
    DataError
        Where it is no JSON or does not fit the schema, its numbers are not those of its cells, or it is
        signed and must not be.
    """
    return _checked(_read(path), where=str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; give a result.json of this program") from error
    try:
        document = json.loads(text, parse_int=json_integer)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}); give a result.json of this program") from error
    check(document, schema(), where=str(path))
    found: dict[str, Any] = document
    return found


def _checked(document: Mapping[str, Any], *, where: str) -> SmearResult:
    try:
        result = _result(document, where=where)
    except UsageError as error:
        raise DataError(f"{where}: {error}; the file was altered: restore it") from error
    check_recount(result, where=where)
    return result


def _result(document: Mapping[str, Any], *, where: str) -> SmearResult:
    signature, relabelled = document.get("signature"), document.get("relabelled")
    ranges = document.get("reference_set")
    if (document.get("status") == "final") != (signature is not None):
        raise DataError(f"{where}: $.status does not suit $.signature; write the result anew")
    return SmearResult(
        name=document["name"],
        source=document["source"],
        fields=tuple(FieldSummary(**one) for one in document["fields"]),
        refused=tuple(Refusal(**one) for one in document["refused"]),
        calibration=Calibration(**document["calibration"]),
        findings=tuple(Finding(**one) for one in document["findings"]),
        cells=tuple(_cell(one) for one in document["cells"]),
        explanations=read_explanations(document.get("explanations", ())),
        formula=_formula(document["formula"]),
        identity=Identity(**document["identity"]),
        classifier=document["classifier"],
        eosinophil_border=document.get("eosinophil_border", 0.0),
        models=tuple(ModelInfo(**one) for one in document["models"]),
        settings=document["settings"],
        versions=document["versions"],
        relabelled=None if relabelled is None else tuple(relabelled),
        signature=None if signature is None else Signature(**signature),
        superseded=tuple(_superseded(one) for one in document.get("superseded", ())),
        ranges=None if ranges is None else stored_ranges(ranges, where=f"{where}, $.reference_set"),
    )


def _superseded(one: Mapping[str, Any]) -> Superseded:
    return Superseded(Signature(one["by"], one["at"]), tuple(CellClass(label) for label in one["classes"]))


def _cell(one: Mapping[str, Any]) -> Cell:
    return Cell(
        cell_id=one["cell_id"],
        image=one["image"],
        detection=Detection(
            row=one["row"],
            col=one["col"],
            diameter_px=one["diameter_px"],
            score=one["score"] if one["score"] is not None else 0.0,
            at_border=one["at_border"],
            counted=one["in_frame"],
        ),
        label=CellClass(one["label"]),
        probability=one["probability"],
        probabilities={CellClass(name): share for name, share in one["probabilities"].items()},
        counted=one["counted"],
        reason=one["reason"],
    )


def _formula(document: Mapping[str, Any]) -> LeukocyteFormula:
    ranges = document["ranges"]
    return LeukocyteFormula(
        total=document["total"],
        lines=tuple(_line(one) for one in document["lines"]),
        outside=tuple(
            OutsideLine(**{**one, "label": CellClass(one["label"])}) for one in document["outside"]
        ),
        unidentified=document["unidentified"],
        wbc=document["wbc"],
        wbc_corrected=document["wbc_corrected"],
        ranges_name=ranges["name"],
        ranges_source=ranges["source"],
        ranges_version=ranges["version"],
        stratum=ranges["stratum_en"],
        notes=tuple(document["notes"]),
        stratum_ru=ranges["stratum_ru"],
        stratum_id=ranges["stratum_id"],
        stratum_from_days=ranges.get("from_days"),
        stratum_until_days=ranges.get("until_days"),
        stratum_sex=ranges.get("sex"),
        ranges_title_en=ranges["title_en"],
        ranges_title_ru=ranges["title_ru"],
        wbc_range=_range(document["wbc_range"]),
        wbc_flag=Flag(document["wbc_flag"]),
        smudge_policy=document["smudge_policy"],
        indices=tuple(Index(**{**one, "usual": _range(one["usual"])}) for one in document["indices"]),
        comments=tuple(Comment(**one) for one in document["comments"]),
        correction=_correction(document["correction"]),
    )


def _line(one: Mapping[str, Any]) -> Line:
    flag = one["flag_absolute"]
    read = {
        "label": CellClass(one["label"]),
        "flag": Flag(one["flag"]),
        "flag_absolute": None if flag is None else Flag(flag),
        "range_percent": _range(one["range_percent"]),
        "range_absolute": _range(one["range_absolute"]),
    }
    shares = {name: unknown if one[name] is None else one[name] for name, unknown in _UNKNOWN.items()}
    return Line(**{**one, **read, **shares})


def _range(one: Mapping[str, float] | None) -> Range | None:
    return None if one is None else Range(**one)


def _correction(one: Mapping[str, Any] | None) -> Correction | None:
    if one is None:
        return None
    shares = tuple(CorrectedShare(**{**share, "label": CellClass(share["label"])}) for share in one["shares"])
    return Correction(**{**one, "shares": shares})
