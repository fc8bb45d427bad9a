"""Sets of single cells sorted into folders: C-NMC 2019, Munich AML, Raabin-WBC, PBC and LISC."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from cells.errors import DataError, InputError
from cells.vocabulary import CellClass
from classifiers.published_sets.rows import ImageRow, images_in

_C = CellClass

CNMC_LABELS: Mapping[str, CellClass] = MappingProxyType({"all": _C.BLAST, "hem": _C.LYMPHOCYTE})
"""Classes of C-NMC 2019: lymphoblasts of patients, normal cells of healthy subjects."""

MUNICH_LABELS: Mapping[str, CellClass] = MappingProxyType(
    {
        "NGS": _C.NEUTROPHIL_SEGMENTED,
        "NGB": _C.NEUTROPHIL_BAND,
        "EOS": _C.EOSINOPHIL,
        "BAS": _C.BASOPHIL,
        "MON": _C.MONOCYTE,
        "LYT": _C.LYMPHOCYTE,
        "LYA": _C.LYMPHOCYTE_VARIANT,
        "MMZ": _C.METAMYELOCYTE,
        "MYB": _C.MYELOCYTE,
        "PMO": _C.PROMYELOCYTE,
        "PMB": _C.PROMYELOCYTE,
        "MYO": _C.BLAST,
        "MOB": _C.BLAST,
        "EBO": _C.ERYTHROBLAST,
        "KSC": _C.SMUDGE_CELL,
    }
)
"""Class codes of Munich AML-Cytomorphology; bilobed promyelocytes and monoblasts join their class here."""

_RAABIN_SPLITS = {"train": "train", "testa": "test_a", "testb": "test_b"}
_PBC_PREFIXES = {
    "MMY": _C.METAMYELOCYTE,
    "MY": _C.MYELOCYTE,
    "PMY": _C.PROMYELOCYTE,
    "IG": _C.IMMATURE_GRANULOCYTE,
    "BNE": _C.NEUTROPHIL_BAND,
    "SNE": _C.NEUTROPHIL_SEGMENTED,
    "NEUTROPHIL": _C.NEUTROPHIL,
}
_PBC_FOLDERS = {
    "basophil": _C.BASOPHIL,
    "eosinophil": _C.EOSINOPHIL,
    "erythroblast": _C.ERYTHROBLAST,
    "ig": _C.IMMATURE_GRANULOCYTE,
    "lymphocyte": _C.LYMPHOCYTE,
    "monocyte": _C.MONOCYTE,
    "neutrophil": _C.NEUTROPHIL,
    "platelet": _C.PLATELET,
}
_LISC_LABELS = {
    "baso": _C.BASOPHIL,
    "eosi": _C.EOSINOPHIL,
    "lymp": _C.LYMPHOCYTE,
    "mono": _C.MONOCYTE,
    "neut": _C.NEUTROPHIL,
}
_CNMC_NAME = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)\.bmp", re.IGNORECASE)


def cnmc_2019(folder: Path) -> list[ImageRow]:
    """Read C-NMC 2019: ``fold_N/all|hem/UID_<subject>_<image>_<cell>_all|hem.bmp``, at any depth.

    Parameters
    ----------
    folder : Path
        Holds the folds, and where it is there the preliminary test phase: numbered images beside
        ``C-NMC_test_prelim_phase_data_labels.csv`` with columns Patient_ID, new_names, labels.

    Returns
    -------
    list of ImageRow
        Labels ``blast`` (all) and ``lymphocyte`` (hem), group the subject (``H`` before a normal one's
        number), splits ``fold_0`` … and ``test_prelim``.

    Raises
    ------
    InputError
        Where there is nothing of the set.
    DataError
        Where a name or the table does not follow the convention.

    References
    ----------
    Gupta & Gupta 2019, doi 10.7937/tcia.2019.dc64i46r.
    """
    rows = [
        _cnmc_row(path, fold.name) for fold in sorted(folder.rglob("fold_*")) for path in _cnmc_images(fold)
    ]
    for table in sorted(folder.rglob("C-NMC_test_prelim_phase_data_labels.csv")):
        rows += _cnmc_test(table)
    return _some(rows, folder, "fold_0/all/UID_1_1_1_all.bmp")


def _cnmc_images(fold: Path) -> Iterator[Path]:
    for label in CNMC_LABELS:
        if (fold / label).is_dir():
            yield from images_in(fold / label)


def _cnmc_row(path: Path, split: str, name: str = "") -> ImageRow:
    match = _CNMC_NAME.fullmatch(name or path.name)
    if match is None:
        raise DataError(f"{path} is not named UID_<subject>_<image>_<cell>_all|hem.bmp; restore its name")
    return ImageRow(path, CNMC_LABELS[match[2].lower()], match[1].upper(), split)


def _cnmc_test(table: Path) -> Iterator[ImageRow]:
    with table.open(newline="", encoding="utf-8-sig") as handle:
        for line in csv.DictReader(handle):
            if not line.get("Patient_ID") or not line.get("new_names"):
                raise DataError(
                    f"{table} has no columns Patient_ID and new_names; restore the published table"
                )
            places = [table.parent, table.parent / "C-NMC_test_prelim_phase_data"]
            found = [place / line["new_names"] for place in places if (place / line["new_names"]).is_file()]
            if not found:
                raise InputError(f"{line['new_names']} of {table} is missing; unpack the images beside it")
            yield _cnmc_row(found[0], "test_prelim", line["Patient_ID"])


def munich_aml(folder: Path) -> list[ImageRow]:
    """Read Munich AML-Cytomorphology: folders of three-letter class codes and ``annotations.dat``.

    Parameters
    ----------
    folder : Path
        Holds the class folders or ``AML-Cytomorphology/`` with them, and where it is there
        ``annotations.dat`` with lines ``NGS/NGS_0001.tiff NGS …``: path, annotation, further annotations.

    Returns
    -------
    list of ImageRow
        Without groups: patients are not published. The first annotation wins over the folder.

    Raises
    ------
    InputError
        Where there is nothing of the set.
    DataError
        Where a class code is unknown.

    References
    ----------
    Matek et al. 2019, doi 10.7937/tcia.2019.36f5o9ld.
    """
    annotated: dict[str, str] = {}
    for table in sorted(folder.rglob("annotations.dat")):
        for line in table.read_text(encoding="utf-8").splitlines():
            words = line.replace(",", " ").split()
            if len(words) >= 2 and words[0].lower().endswith((".tif", ".tiff")):
                annotated["/".join(words[0].split("/")[-2:])] = words[1]
    rows = []
    for place in sorted(path for path in folder.rglob("*") if path.is_dir() and path.name in MUNICH_LABELS):
        for path in images_in(place):
            code = annotated.get(f"{place.name}/{path.name}", place.name)
            if code not in MUNICH_LABELS:
                raise DataError(f"{path} is annotated {code!r}; known codes are {', '.join(MUNICH_LABELS)}")
            rows.append(ImageRow(path, MUNICH_LABELS[code]))
    return _some(rows, folder, "NGS/NGS_0001.tiff")


def raabin(folder: Path) -> list[ImageRow]:
    """Read Raabin-WBC: ``Train/<class>/<date>_<time>_<n>.jpg``, ``TestA/…``, ``TestB/…``.

    Parameters
    ----------
    folder : Path
        Holds the folders of the splits, class folders with English names in them.

    Returns
    -------
    list of ImageRow
        Splits ``train``, ``test_a``, ``test_b``; group the field that the cell was cut from (date and time).

    Raises
    ------
    InputError
        Where there is nothing of the set.

    References
    ----------
    Kouzehkanan et al. 2022, doi 10.1038/s41598-021-04426-x.
    """
    rows = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        split = _RAABIN_SPLITS.get(re.sub(r"[^a-z]", "", place.name.lower()))
        if split is None:
            continue
        for classes in sorted(path for path in place.iterdir() if path.is_dir()):
            label = _PBC_FOLDERS.get(classes.name.lower().removesuffix("s"))
            if label is not None:
                rows += [
                    ImageRow(path, label, path.stem.rpartition("_")[0] or path.stem, split)
                    for path in images_in(classes)
                ]
    return _some(rows, folder, "Train/Neutrophil/20190526_162951_0.jpg")


def pbc(folder: Path) -> list[ImageRow]:
    """Read PBC (Barcelona): ``basophil/BA_100102.jpg``, ``ig/MMY_…``, ``neutrophil/BNE_…``.

    Parameters
    ----------
    folder : Path
        Holds the eight class folders.

    Returns
    -------
    list of ImageRow
        Band, segmented and unsplit neutrophils, meta-, myelo-, promyelocytes and unsplit immature
        granulocytes told apart by the beginning of the file's name; neither groups nor splits are published.

    Raises
    ------
    InputError
        Where there is nothing of the set.

    References
    ----------
    Acevedo et al. 2020, doi 10.1016/j.dib.2020.105474.
    """
    rows = []
    for name, label in _PBC_FOLDERS.items():
        if (folder / name).is_dir():
            finer = _PBC_PREFIXES if name in ("ig", "neutrophil") else {}
            rows += [
                ImageRow(path, finer.get(path.name.partition("_")[0].upper(), label))
                for path in images_in(folder / name)
            ]
    return _some(rows, folder, "neutrophil/SNE_100102.jpg")


def lisc(folder: Path) -> list[ImageRow]:
    """Read LISC: folders ``baso, eosi, lymp, mono, neut`` of fields with one leukocyte each.

    Parameters
    ----------
    folder : Path
        Holds the class folders, or ``Main Dataset`` with them. ``mixt`` (several classes in one field) is
        left out, since its images have no one class.

    Returns
    -------
    list of ImageRow
        Without groups and splits, which are not published.

    Raises
    ------
    InputError
        Where there is nothing of the set.

    References
    ----------
    Rezatofighi & Soltanian-Zadeh 2011, doi 10.1016/j.compmedimag.2011.01.003.
    """
    rows = []
    for place in sorted(path for path in folder.rglob("*") if path.is_dir()):
        label = _LISC_LABELS.get(place.name.lower())
        if label is not None and "ground truth" not in str(place.relative_to(folder)).lower():
            rows += [ImageRow(path, label) for path in images_in(place)]
    return _some(rows, folder, "neut/1.bmp")


def _some(rows: list[ImageRow], folder: Path, example: str) -> list[ImageRow]:
    if not rows:
        raise InputError(f"no image like {example} under {folder}; give the folder of the set as published")
    return rows
