"""A classifier by its name or its folder, with nothing imported that it does not need.

Time and memory are measured in a process that imports this module and little else.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cells.errors import ModelError, UsageError
from cells.model_files import MANIFEST, open_model
from leukoformula import store

if TYPE_CHECKING:
    from classifiers.base import Classifier

NAMED = ("cnn", "mlp", "ensemble")
"""Classifiers that ship, by name."""

KINDS = ("cnn", "mlp", "network")
"""Kinds of model folder that can be compared."""


def load(spec: str, *, models: Path | None, cnn_share: float) -> "Classifier":
    """Load a classifier.

    Parameters
    ----------
    spec : str
        One of ``NAMED``, or the folder of a model of one of ``KINDS``.
    models : Path or None
        Folder of models that names refer to; that of the shipped ones where it is None.
    cnn_share : float
        Weight of the network in the ensemble, 0 to 1.

    Returns
    -------
    Classifier

    Raises
    ------
    UsageError
        Where nothing of that name is known.
    ModelError
        Where a model is missing, altered or of another kind.
    """
    if spec in NAMED:
        return store.load_classifier(spec, root=models, cnn_share=cnn_share)[0]
    folder = Path(spec)
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"no classifier {spec!r}; give {', '.join(NAMED)} or the folder of a trained model")
    kind = open_model(folder).kind
    if kind == "cnn":
        from classifiers.cnn import CnnClassifier  # noqa: PLC0415 - loads LiteRT

        return CnnClassifier.load(folder)
    if kind == "mlp":
        from classifiers.mlp import MlpClassifier  # noqa: PLC0415 - loads OpenCV

        return MlpClassifier.load(folder)
    if kind == "network":
        from evaluation.comparison.networks import NetworkClassifier  # noqa: PLC0415 - loads LiteRT

        return NetworkClassifier.load(folder)
    raise ModelError(f"model {spec} is of kind {kind!r}; only {', '.join(KINDS)} classify cells")
