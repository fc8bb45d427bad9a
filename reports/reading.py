"""Reading ``result.json`` back, so that a report can be made again from a stored result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cells.errors import DataError, InputError
from cells.records import Cell, Detection, Finding, Refusal
from cells.vocabulary import CellClass
from counting.formula import LeukocyteFormula
from counting.ranges import Range
from counting.records import Comment, CorrectedShare, Correction, Flag, Index, Line, OutsideLine
from leukoformula.result import FieldSummary, Identity, ModelInfo, SmearResult
from reports.document import schema
from reports.schema_check import check
from slides.calibration import Calibration


def read_result(path: Path) -> SmearResult:
    """Read a result that ``write_json`` wrote; the pictures of cells and fields are not stored in it.

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
        Where it is no JSON or does not fit the schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; give a result.json of this program") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON ({error}); give a result.json of this program") from error
    check(document, schema(), where=str(path))
    return _result(document)


def _result(document: Mapping[str, Any]) -> SmearResult:
    return SmearResult(
        name=document["name"],
        source=document["source"],
        fields=tuple(FieldSummary(**one) for one in document["fields"]),
        refused=tuple(Refusal(**one) for one in document["refused"]),
        calibration=Calibration(**document["calibration"]),
        findings=tuple(Finding(**one) for one in document["findings"]),
        cells=tuple(_cell(one) for one in document["cells"]),
        formula=_formula(document["formula"]),
        identity=Identity(**document["identity"]),
        classifier=document["classifier"],
        models=tuple(ModelInfo(**one) for one in document["models"]),
        settings=document["settings"],
        versions=document["versions"],
    )


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
    return Line(**{**one, **read})


def _range(one: Mapping[str, float] | None) -> Range | None:
    return None if one is None else Range(**one)


def _correction(one: Mapping[str, Any] | None) -> Correction | None:
    if one is None:
        return None
    shares = tuple(CorrectedShare(**{**share, "label": CellClass(share["label"])}) for share in one["shares"])
    return Correction(**{**one, "shares": shares})
