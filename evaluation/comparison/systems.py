"""The classifiers that are compared, with what is known of their models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cells.errors import UsageError
from cells.model_files import open_model
from classifiers.base import Classifier
from classifiers.training_hashes import HASHES, TrainingHashes, training_hashes
from evaluation.comparison.loading import NAMED, load
from leukoformula import store
from leukoformula.settings import Settings

_MEMBERS = {"cnn": ("cnn",), "mlp": ("mlp",), "ensemble": ("cnn", "mlp")}


@dataclass(frozen=True, slots=True, eq=False)
class ModelFacts:
    """What there is to know of a model that takes part.

    Parameters
    ----------
    folder : Path
        Where it lies.
    name, kind, version, sha256 : str
        As in its manifest; the hash is ``Model.fingerprint``, as in a result.
    size_bytes : int
        Size of the files that it needs to answer.
    hashes : TrainingHashes or None
        What it was trained on; None where it does not say.
    """

    folder: Path
    name: str
    kind: str
    version: str
    sha256: str
    size_bytes: int
    hashes: TrainingHashes | None


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """A classifier under its name in the comparison.

    Parameters
    ----------
    name : str
        Name in the report.
    spec : str
        What the user asked for: a classifier's name or a folder.
    classifier : Classifier
        The classifier.
    models : tuple of ModelFacts
        The models that it consists of.
    """

    name: str
    spec: str
    classifier: Classifier
    models: tuple[ModelFacts, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all models together."""
        return sum(model.size_bytes for model in self.models)

    @property
    def checkable(self) -> bool:
        """Whether every model says what it was trained on."""
        return all(model.hashes is not None for model in self.models)

    @property
    def told(self) -> str:
        """Its models in words."""
        return ", ".join(
            f"{model.name} version {model.version}, sha256 {model.sha256[:16]}…" for model in self.models
        )


def open_systems(
    specs: Sequence[str], *, names: Sequence[str] = (), models: Path | None = None
) -> tuple[System, ...]:
    """Load the classifiers of a comparison.

    Parameters
    ----------
    specs : sequence of str
        For each ``cnn``, ``mlp`` or ``ensemble``, or the folder of a trained model; one alone is judged
        without a comparison.
    names : sequence of str, optional
        Their names in the report; none, or one for each.
    models : Path, optional
        Folder of models that names refer to; that of the shipped ones by default.

    Returns
    -------
    tuple of System

    Raises
    ------
    UsageError
        Where a classifier is unknown, or names are missing or given twice.
    ModelError
        Where a model is missing, altered or of another kind.
    """
    if not specs:
        raise UsageError("no classifier is given; give for example --classifiers mlp,cnn,ensemble")
    if names and len(names) != len(specs):
        raise UsageError(f"{len(specs)} classifiers, {len(names)} names; give --names one for each")
    called = [
        name or (spec if spec in NAMED else Path(spec).resolve().name)
        for spec, name in zip(specs, names or [""] * len(specs), strict=True)
    ]
    if len(set(called)) != len(called):
        raise UsageError(f"two classifiers have one name ({', '.join(called)}); tell them apart with --names")
    share = Settings().cnn_share
    found = []
    for spec, name in zip(specs, called, strict=True):
        classifier = load(spec, models=models, cnn_share=share)
        folders = [Path(spec)]
        if spec in NAMED:
            folders = [(models or store.SHIPPED) / member for member in _MEMBERS[spec]]
        found.append(System(name, spec, classifier, tuple(map(_facts, folders))))
    return tuple(found)


def _facts(folder: Path) -> ModelFacts:
    model = open_model(folder)
    needed = [content for name, content in model.contents.items() if name != HASHES]
    if model.kind == "network":  # its other files serve saliency and further training
        needed = needed[:1]
    size = sum(map(len, needed))
    named = (model.name, model.kind, model.version, model.fingerprint)
    return ModelFacts(folder.resolve(), *named, size, training_hashes(model))
