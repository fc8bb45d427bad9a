"""Which images a model was trained on: hashes beside its weights, so that nobody judges it on them unawares.

Run as ``python -m classifiers.training_hashes --model leukoformula/models/cnn --data DIR`` it adds the file
to a model that was trained without it; training writes it by itself.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cells.errors import DataError, LeukoformulaError, ModelError
from cells.files import atomic_path
from cells.model_files import Model, open_model, write_manifest
from classifiers.labels import allowed_answers
from classifiers.manifest import read_manifest

HASHES = "training_hashes.bin"
"""Name of the file of hashes in a model's folder."""

FIELDS = Path("txl_pbc", "images", "train")
"""Where the fields lie that the detector's false finds were cut from."""

_MAGIC = b"LFTRAIN1"
_BYTES = 8
_OF_MANIFEST = ("schema", "name", "kind", "version", "files")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingHashes:
    """The images that a model was trained on.

    Parameters
    ----------
    prefixes : ndarray of shape (N,), uint64
        The first 8 bytes, big-endian, of the SHA-256 of each image file; ascending, each once.
    """

    prefixes: NDArray[np.uint64]

    @classmethod
    def of(cls, files: Iterable[Path]) -> "TrainingHashes":
        """Hash image files.

        Parameters
        ----------
        files : iterable of Path
            The files, in any order; copies count once.

        Returns
        -------
        TrainingHashes

        Raises
        ------
        DataError
            Where a file cannot be read.
        """
        return cls(np.unique(prefixes_of(file_hash(path) for path in files)))

    @classmethod
    def read(cls, content: bytes) -> "TrainingHashes":
        """Read what ``to_bytes`` wrote.

        Parameters
        ----------
        content : bytes
            The file.

        Returns
        -------
        TrainingHashes

        Raises
        ------
        ModelError
            Where it is no such file.
        """
        body = content[len(_MAGIC) :]
        if content[: len(_MAGIC)] != _MAGIC or len(body) % _BYTES:
            raise ModelError(f"{HASHES} is no file of training hashes; train the model again")
        found = np.frombuffer(body, ">u8").astype(np.uint64)
        if bool((found[1:] <= found[:-1]).any()):
            raise ModelError(f"{HASHES} is not in order; train the model again")
        return cls(found)

    def to_bytes(self) -> bytes:
        """Return the file: eight bytes that name the format, then the prefixes, big-endian."""
        return _MAGIC + self.prefixes.astype(">u8").tobytes()

    def known(self, hashes: Sequence[str]) -> NDArray[np.bool_]:
        """Say which images were trained on.

        Parameters
        ----------
        hashes : sequence of str
            SHA-256 of N image files, hexadecimal.

        Returns
        -------
        ndarray of shape (N,), bool
            Two different images share a prefix with a probability of 1 in 2**64.
        """
        return np.isin(prefixes_of(hashes), self.prefixes)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal; DataError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"cannot read the image {path}: {error.strerror}; restore it") from error


def prefixes_of(hashes: Iterable[str]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of hexadecimal hashes as numbers, shape (N,), uint64."""
    return np.array([int(text[: 2 * _BYTES], 16) for text in hashes], np.uint64)


def training_files(settings: dict[str, Any], *, data: Path, artefacts: Path | None) -> list[Path]:
    """Return the image files that a classifier is trained on by its settings.

    Parameters
    ----------
    settings : dict
        The settings file of a training; its table ``sources`` names the sources.
    data : Path
        Folder that holds the data sets by name.
    artefacts : Path or None
        Manifest of the detector's false finds; None leaves their crops out. The fields that they come from
        are taken where the data hold them.

    Returns
    -------
    list of Path
        Crops that serve calibration alone are among them; drawn cells have no file.

    Raises
    ------
    DataError
        Where a source is missing or faulty.
    """
    files: list[Path] = []
    for name, share in settings["sources"].items():
        if not share or name.startswith("synthetic"):
            continue
        if name == "artefacts":
            files += _listed(artefacts) if artefacts is not None else []
            files += _images(data / FIELDS) if (data / FIELDS).is_dir() else []
        elif name == "bcisc":
            files += _images(data / name / "images")
        else:
            files += _listed(data / name / "manifest.csv")
    return files


def _listed(manifest: Path) -> list[Path]:
    samples = read_manifest(manifest, {"train", ""})
    return [sample.path for sample in samples if allowed_answers(sample.label).any()]


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; check the folder given with --data")
    return sorted(path for path in folder.iterdir() if path.is_file())


def write_training_hashes(
    folder: Path, settings: dict[str, Any], *, data: Path, artefacts: Path | None = None
) -> str:
    """Write the hashes of the images of a training by its settings.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    settings : dict
        The settings file of the training.
    data : Path
        Folder that holds the data sets by name.
    artefacts : Path or None
        Manifest of the detector's false finds.

    Returns
    -------
    str
        Name of the file, to be listed in the model's manifest after the weights.

    Raises
    ------
    DataError
        Where an image cannot be read.
    """
    return write_hashes(folder, training_files(settings, data=data, artefacts=artefacts))


def write_hashes(folder: Path, files: Iterable[Path]) -> str:
    """Write the hashes of image files into a model's folder.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    files : iterable of Path
        The images that it was trained on.

    Returns
    -------
    str
        Name of the file, to be listed in the model's manifest after the weights.

    Raises
    ------
    DataError
        Where an image cannot be read.
    """
    hashes = TrainingHashes.of(files)
    with atomic_path(folder / HASHES) as temporary:
        temporary.write_bytes(hashes.to_bytes())
    return HASHES


def add_training_hashes(folder: Path, *, data: Path, artefacts: Path | None = None) -> int:
    """Add the hashes to a model that was trained without them.

    Parameters
    ----------
    folder : Path
        Folder of a model whose manifest holds the settings of its training.
    data : Path
        Folder that holds the data sets by name, as they were when it was trained.
    artefacts : Path or None
        Manifest of the detector's false finds.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    ModelError
        Where the model is missing or altered, or its manifest holds no settings.
    DataError
        Where an image cannot be read.
    """
    model = open_model(folder)
    settings = model.manifest.get("settings")
    if not isinstance(settings, dict) or not isinstance(settings.get("sources"), dict):
        raise ModelError(f"model {folder.name}: its manifest does not say what it was trained on")
    name = write_training_hashes(folder, settings, data=data, artefacts=artefacts)
    files = [*(file for file in model.contents if file != name), name]
    details = {key: value for key, value in model.manifest.items() if key not in _OF_MANIFEST}
    write_manifest(
        folder, name=model.name, kind=model.kind, version=model.version, files=files, details=details
    )
    return len(TrainingHashes.read((folder / name).read_bytes()).prefixes)


def training_hashes(model: Model) -> TrainingHashes | None:
    """Return the hashes that lie beside a model's weights.

    Parameters
    ----------
    model : Model
        A checked model.

    Returns
    -------
    TrainingHashes or None
        None where the model brings none: nobody can tell then what it was trained on.

    Raises
    ------
    ModelError
        Where the file is faulty.
    """
    content = model.contents.get(HASHES)
    return None if content is None else TrainingHashes.read(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Add the hashes of the training images to models; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m classifiers.training_hashes", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--model", type=Path, required=True, action="append", help="folder of a model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the published images")
    parser.add_argument("--artefacts", type=Path, help="manifest of the detector's false finds")
    options = parser.parse_args(arguments)
    for folder in options.model:
        try:
            count = add_training_hashes(folder, data=options.data, artefacts=options.artefacts)
        except LeukoformulaError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        size = (folder / HASHES).stat().st_size
        sys.stdout.write(f"{folder}: {count} images, {size / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
