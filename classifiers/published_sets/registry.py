"""The published sets by name, and the prepared folders of the same kind."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cells.errors import UsageError
from classifiers.manifest import read_manifest
from classifiers.published_sets.fields import bccd, blood_cell_images
from classifiers.published_sets.rows import ImageRow, read_rows
from classifiers.published_sets.single_cells import cnmc_2019, lisc, munich_aml, pbc, raabin


def prepared(folder: Path) -> list[ImageRow]:
    """Read a folder with ``manifest.csv``: columns path, label, split, group, rbc_px.

    Parameters
    ----------
    folder : Path
        Holds the manifest; its paths are relative to it.

    Returns
    -------
    list of ImageRow

    Raises
    ------
    DataError
        Where the manifest is missing or faulty.
    """
    samples = read_manifest(folder / "manifest.csv")
    return [ImageRow(s.path, s.label, s.group, s.split) for s in samples]


PUBLISHED_SETS: Mapping[str, Callable[[Path], list[ImageRow]]] = MappingProxyType(
    {
        "c_nmc_2019": cnmc_2019,
        "munich_aml": munich_aml,
        "raabin_wbc": raabin,
        "pbc": pbc,
        "lisc": lisc,
        "bccd": bccd,
        "blood_cell_images": blood_cell_images,
        "prepared": prepared,
    }
)
"""A reader for each set, by name; each takes the folder of the set as it was published."""


def read_set(images: str, folder: Path | None) -> list[ImageRow]:
    """Read a manifest, or a published set.

    Parameters
    ----------
    images : str
        Path of a CSV manifest (columns path, label and, where known, group, split, box), or a name of
        ``PUBLISHED_SETS``.
    folder : Path or None
        The folder of the published set.

    Returns
    -------
    list of ImageRow

    Raises
    ------
    UsageError
        Where the name is unknown or its folder is not given.
    InputError, DataError
        Where the set or the manifest cannot be read.
    """
    if images in PUBLISHED_SETS:
        if folder is None:
            raise UsageError(f"{images} is a published set; say where it lies with --folder")
        return PUBLISHED_SETS[images](folder)
    if not images.lower().endswith(".csv"):
        raise UsageError(f"no set {images!r}; give a .csv manifest or one of {', '.join(PUBLISHED_SETS)}")
    return read_rows(Path(images))
