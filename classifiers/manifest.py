"""Training manifests: which image has which label and belongs to which split."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cells import manifests
from cells.errors import DataError
from cells.units import CROP_ERYTHROCYTE_PX
from cells.vocabulary import CellClass

_COLUMNS = ("path", "label")


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image of a centred cell.

    Parameters
    ----------
    path : Path
        The image file.
    label : CellClass
        What the source says it is; may be a pooled class.
    split : str
        Split of the source, for example ``train``; empty where it has none.
    group : str
        Patient or original image; empty where unknown.
    erythrocyte_px : float
        Erythrocyte diameter in the image, in px.
    """

    path: Path
    label: CellClass
    split: str
    group: str
    erythrocyte_px: float


def read_manifest(path: Path, splits: Collection[str] | None = None) -> list[Sample]:
    """Read a manifest with the columns path, label and, where known, split, group and the scale.

    Parameters
    ----------
    path : Path
        The CSV file, UTF-8; paths in it are relative to its folder.
    splits : collection of str, optional
        Only these splits are returned; all where it is None.

    Returns
    -------
    list of Sample
        In the order of the file.

    Raises
    ------
    DataError
        Where the file is missing, is no table, lacks a column or has no rows, or a row has an unknown
        label or a bad number.
    """
    samples = []
    for number, row in enumerate(manifests.read_manifest(path, columns=_COLUMNS), start=2):
        missing = [name for name in _COLUMNS if not row.get(name)]
        if missing:
            raise DataError(f"{path}, line {number}: no value for {', '.join(missing)}; fill it in")
        split = row.get("split") or ""
        if splits is None or split in splits:
            samples.append(_sample(path, number, row, split))
    return samples


def _sample(path: Path, number: int, row: dict[str, str], split: str) -> Sample:
    try:
        label = CellClass(row["label"])
    except ValueError as error:
        known = ", ".join(CellClass)
        raise DataError(
            f"{path}, line {number}: unknown label {row['label']!r}; use one of {known}"
        ) from error
    scale = manifests.stated_scale(row, f"{path}, line {number}")
    erythrocyte_px = CROP_ERYTHROCYTE_PX if scale is None else scale
    return Sample(path.parent / row["path"], label, split, row.get("group") or "", erythrocyte_px)
