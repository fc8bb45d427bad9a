"""Model folders: a manifest beside its files, and the check of every byte before anything is built of them.

A model is a folder with a ``manifest.json``::

    {"schema": "leukoformula.model/1", "name": "cnn", "kind": "cnn", "version": "1",
     "files": {"network.tflite": "<sha256>", ...},      the first file holds the weights
     ... }                                              what else the model card needs

Nothing is unpickled and nothing is downloaded.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cells.errors import ModelError
from cells.files import atomic_path

SCHEMA = "leukoformula.model/1"
"""Format of ``manifest.json`` that this version reads and writes."""

KINDS = ("detector", "cnn", "mlp", "confusion", "segmenter", "network", "abstention")
"""The kinds of model."""

MANIFEST = "manifest.json"
"""Name of the manifest in a model's folder."""

_MANIFEST_LIMIT = 1 << 20
_REMEDY = "install leukoformula again, or train the model with `leukoformula train`"


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose files are all there and unaltered.

    Parameters
    ----------
    name, kind, version : str
        As in its manifest.
    contents : mapping of str to bytes
        Each file as it was when its hash was checked; the first holds the weights.
    sha256 : str
        Hash of the first file.
    manifest : mapping of str to object
        The whole manifest.
    """

    name: str
    kind: str
    version: str
    contents: Mapping[str, bytes]
    sha256: str
    manifest: Mapping[str, Any]

    @property
    def weights(self) -> bytes:
        """The checked bytes of the file that holds the weights."""
        return next(iter(self.contents.values()))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest's values, among them the hash of every file and all settings in use."""
        text = json.dumps(dict(self.manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that took part: its name, kind (``detector``, ``cnn``, ``mlp``), version and fingerprint.

    ``sha256`` is ``Model.fingerprint``.
    """

    name: str
    kind: str
    version: str
    sha256: str


def open_model(folder: Path, *, kind: str | None = None) -> Model:
    """Read a model's files and check them against the hashes in its manifest.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    kind : str, optional
        The kind that is wanted; any where it is None.

    Returns
    -------
    Model
        The checked model; what was checked is what is returned.

    Raises
    ------
    ModelError
        Where the model or one of its files is missing or altered, is of another kind, or its manifest is
        not of a known format.
    """
    manifest = _read_manifest(folder / MANIFEST, folder.name)
    entries = manifest.get("files")
    if not isinstance(entries, dict) or not entries:
        raise ModelError(f"model {folder.name}: {folder / MANIFEST} lists no files; {_REMEDY}")
    contents = {file: _checked(folder, file, str(expected)) for file, expected in entries.items()}
    found = manifest.get("kind")
    if found not in KINDS or kind not in (None, found):
        raise ModelError(
            f"model {folder.name} is of kind {found!r}, not {kind or ' or '.join(KINDS)}; {_REMEDY}"
        )
    return Model(
        str(manifest.get("name", folder.name)),
        found,
        str(manifest.get("version", "")),
        MappingProxyType(contents),
        str(next(iter(entries.values()))),
        MappingProxyType(manifest),
    )


def write_manifest(
    folder: Path, *, name: str, kind: str, version: str, files: Sequence[str], details: Mapping[str, object]
) -> Path:
    """Write the manifest of a model whose files lie in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the model.
    name, kind, version : str
        Name, kind and version of the model.
    files : sequence of str
        Names of its files in the folder; the first holds the weights.
    details : mapping of str to object
        JSON values for the model card: classes, input, training data, settings, metrics, library versions.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    ModelError
        Where the kind is unknown or a file is missing.
    """
    if kind not in KINDS:
        raise ModelError(f"unknown kind of model {kind!r}; use one of {', '.join(KINDS)}")
    hashes = {file: hashlib.sha256(_bytes(folder, file)).hexdigest() for file in files}
    manifest = {"schema": SCHEMA, "name": name, "kind": kind, "version": version, "files": hashes, **details}
    path = folder / MANIFEST
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _bytes(folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {folder.name}: cannot read {folder / file}: {error.strerror}; {_REMEDY}"
        ) from error


def _checked(folder: Path, file: str, expected: str) -> bytes:
    if Path(file).name != file or file in {"", ".", ".."}:
        raise ModelError(f"model {folder.name}: {file!r} in its manifest is not a plain file name; {_REMEDY}")
    content = _bytes(folder, file)
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"model {folder.name}: {folder / file} was altered (sha256 {found}, not {expected}); {_REMEDY}"
        )
    return content


def _read_manifest(path: Path, name: str) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MANIFEST_LIMIT:
            raise ModelError(f"model {name}: {path} is larger than 1 MiB, no manifest is; {_REMEDY}")
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"model {name}: cannot read {path}: {error.strerror}; {_REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"model {name}: {path} is no JSON document; {_REMEDY}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise ModelError(f"model {name}: {path} is not of the format {SCHEMA}; {_REMEDY}")
    return manifest
