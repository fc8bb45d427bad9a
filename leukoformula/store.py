"""The model store: where the models lie, and one function that builds each of them.

The format of a model and the check of its hashes are in ``cells.model_files``. There is no falling back from
one model to another, nothing is unpickled and nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import ModelError
from cells.model_files import MANIFEST, ModelInfo, open_model

if TYPE_CHECKING:
    from classifiers.abstention import Abstention
    from classifiers.base import Classifier
    from classifiers.ensemble import EnsembleClassifier
    from detector.scanner import Scanner
    from features.segmenter import Segmenter

SHIPPED = Path(__file__).parent / "models"
"""Folder of the models that ship with the program."""

ABSTENTION = "abstention"
"""Folder and kind of the rule of abstention."""

NEEDED = ("detector", "cnn", "mlp", "segmenter")
"""The models that the program ships with."""


def model_info(name: str, *, root: Path | None = None) -> ModelInfo:
    """Check a model's files and return the entry that names it in a result.

    Parameters
    ----------
    name : str
        Name of its folder.
    root : Path, optional
        The folder of models; that of the shipped models where it is None.

    Returns
    -------
    ModelInfo
        Its name, kind, version and fingerprint.

    Raises
    ------
    ModelError
        Where it is missing, altered or not of a known format.
    """
    model = open_model((root or SHIPPED) / name)
    return ModelInfo(model.name, model.kind, model.version, model.fingerprint)


def load_detector(*, root: Path | None = None) -> "tuple[Scanner, tuple[ModelInfo, ...]]":
    """Load the leukocyte detector.

    Parameters
    ----------
    root : Path, optional
        The folder of models; that of the shipped models where it is None.

    Returns
    -------
    Scanner
        The window scanner.
    tuple of ModelInfo
        The model that it was built from.

    Raises
    ------
    ModelError
        Where it is missing, altered or of another kind.
    """
    from detector.scanner import Scanner  # noqa: PLC0415 - loads OpenCV
    from detector.storage import CLUSTERS  # noqa: PLC0415

    folder = (root or SHIPPED) / "detector"
    model = open_model(folder, kind="detector")
    path = folder / next(iter(model.contents))
    scanner = Scanner.load(path, sha256=model.sha256, clusters_sha256=model.manifest["files"].get(CLUSTERS))
    return scanner, (model_info("detector", root=root),)


def load_segmenter(
    route: str = "network", *, root: Path | None = None
) -> "tuple[Segmenter, tuple[ModelInfo, ...]]":
    """Load a route that finds nucleus and cell in crops.

    Parameters
    ----------
    route : str
        ``"network"`` or ``"classical"``.
    root : Path, optional
        The folder of models; that of the shipped models where it is None.

    Returns
    -------
    Segmenter
        The route.
    tuple of ModelInfo
        The model that it was built from; none for the classical route.

    Raises
    ------
    ModelError
        Where the model is missing, altered or of another kind, or no route has that name.
    """
    from features.segmenter import ClassicalSegmenter, NetworkSegmenter  # noqa: PLC0415 - loads LiteRT

    if route == "classical":
        return ClassicalSegmenter(), ()
    if route == "network":
        folder = (root or SHIPPED) / "segmenter"
        return NetworkSegmenter.load(folder), (model_info("segmenter", root=root),)
    raise ModelError(f"no route of segmentation is called {route!r}; use network or classical")


def ensemble_temperature(cnn_share: float) -> float:
    """Return the temperature of the shipped ensemble: 0.7 for equal shares, 1 for a member alone.

    Parameters
    ----------
    cnn_share : float
        Weight of the network, 0 to 1.

    Returns
    -------
    float
        On crops that both trainings held out 0.7 is about the most likely for equal shares
        (``python -m evaluation.ensemble_temperature``).
    """
    return 1.0 - 1.2 * cnn_share * (1.0 - cnn_share)


def load_ensemble(root: Path | None = None, *, cnn_share: float = 0.5) -> "EnsembleClassifier":
    """Load the ensemble of network and feature classifier, in this order; see ``load_classifier``."""
    from classifiers.ensemble import EnsembleClassifier  # noqa: PLC0415 - loads the classifiers

    members = [load_classifier(name, root=root)[0] for name in ("cnn", "mlp")]
    weights = [cnn_share, 1.0 - cnn_share]
    return EnsembleClassifier(members, weights, temperature=ensemble_temperature(cnn_share))


def load_classifier(
    name: str, *, root: Path | None = None, cnn_share: float = 0.5
) -> "tuple[Classifier, tuple[ModelInfo, ...]]":
    """Load a classifier of cells.

    Parameters
    ----------
    name : str
        ``"cnn"``, ``"mlp"`` or ``"ensemble"``.
    root : Path, optional
        The folder of models; that of the shipped models where it is None.
    cnn_share : float
        Weight of the network in the ensemble, 0 to 1; the feature classifier has the rest.

    Returns
    -------
    Classifier
        The classifier.
    tuple of ModelInfo
        Every model that it was built from.

    Raises
    ------
    ModelError
        Where one of its models is missing, altered or of another kind, or no classifier has that name.
    """
    folder = root or SHIPPED
    if name == "cnn":
        from classifiers.cnn import CnnClassifier  # noqa: PLC0415 - loads LiteRT

        return CnnClassifier.load(folder / name), (model_info(name, root=root),)
    if name == "mlp":
        from classifiers.mlp import MlpClassifier  # noqa: PLC0415 - loads OpenCV

        return MlpClassifier.load(folder / name), (model_info(name, root=root),)
    if name == "ensemble":
        infos = tuple(model_info(member, root=root) for member in ("cnn", "mlp"))
        return load_ensemble(root, cnn_share=cnn_share), infos
    raise ModelError(f"no classifier is called {name!r}; use cnn, mlp or ensemble")


def load_abstention(
    classifier: str, models: "Sequence[ModelInfo]", *, root: Path | None = None, cnn_share: float = 0.5
) -> "tuple[Abstention | None, tuple[ModelInfo, ...]]":
    """Load the rule that says which cells are unlike those that a classifier knows.

    Parameters
    ----------
    classifier : str
        ``"cnn"``, ``"mlp"`` or ``"ensemble"``.
    models : sequence of ModelInfo
        The models that the classifier was built from.
    root : Path, optional
        The folder of models; that of the shipped models where it is None.
    cnn_share : float
        Weight of the network in the ensemble.

    Returns
    -------
    Abstention or None
        The rule; None where the folder holds none, or one of other models or another weight.
    tuple of ModelInfo
        The model that it was read from; empty where there is none.

    Raises
    ------
    ModelError
        Where the stored rule is altered or faulty.
    """
    folder = (root or SHIPPED) / ABSTENTION
    if not (folder / MANIFEST).is_file():
        return None, ()
    stored = open_model(folder, kind=ABSTENTION)
    fitted, weight = stored.manifest.get("models"), stored.manifest.get("cnn_share")
    if not isinstance(fitted, dict) or any(fitted.get(model.kind) != model.sha256 for model in models):
        return None, ()
    if classifier == "ensemble" and weight != cnn_share:
        return None, ()
    from classifiers.abstention import read_arrays  # noqa: PLC0415 - loads OpenCV

    return read_arrays(stored.weights, classifier), (model_info(ABSTENTION, root=root),)
