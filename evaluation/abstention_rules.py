"""The rules of abstention: fitted to the models of a folder and written beside them."""

from pathlib import Path

import numpy as np

from cells.model_files import write_manifest
from classifiers.abstention import ARRAYS, write_arrays
from classifiers.abstention_fitting import Answers, answers_to, fit_abstention, read_normal
from classifiers.ensemble import EnsembleClassifier
from leukoformula.settings import Settings
from leukoformula.store import ABSTENTION, load_ensemble, model_info


def fit(data: Path, models: Path) -> Path:
    """Fit the rules of all classifiers and write them beside their models.

    Parameters
    ----------
    data, models : Path
        Folders of the published images and of the models.

    Returns
    -------
    Path
        The manifest.

    Raises
    ------
    LeukoformulaError
        Where data or models are missing or faulty.
    """
    share = Settings().cnn_share
    fitting, held_out = read_normal(data)
    views = (fitting.restained(every=2), held_out, held_out.restained(every=1))
    ensemble = load_ensemble(models)
    answers: dict[str, list[Answers]] = {}
    for classifier in ensemble.members:
        answers[classifier.name] = [answers_to(classifier, view.crops, view.whites) for view in views]
    answers["ensemble"] = [
        together(ensemble, cnn, mlp) for cnn, mlp in zip(answers["cnn"], answers["mlp"], strict=True)
    ]
    rules = {
        name: fit_abstention(first, fitting.kinds, _joined(plain, changed))
        for name, (first, plain, changed) in answers.items()
    }
    folder = models / ABSTENTION
    write_arrays(folder / ARRAYS, rules)
    return write_manifest(
        folder,
        name=ABSTENTION,
        kind=ABSTENTION,
        version="1",
        files=[ARRAYS],
        details={
            "models": {name: model_info(name, root=models).sha256 for name in ("cnn", "mlp")},
            "cnn_share": share,
            "fitted_on": len(fitting.kinds),
            "calibrated_on": 2 * len(held_out.kinds),
        },
    )


def together(ensemble: EnsembleClassifier, cnn: Answers, mlp: Answers) -> Answers:
    """Return what the ensemble answers where its members answer so.

    Parameters
    ----------
    ensemble : EnsembleClassifier
        Of the network and the feature classifier, in this order.
    cnn, mlp : Answers
        Answers of the members to the same cells.

    Returns
    -------
    Answers
    """
    return Answers(ensemble.combined([cnn.probabilities, mlp.probabilities]), mlp.features)


def _joined(first: Answers, second: Answers) -> Answers:
    features = None
    if first.features is not None and second.features is not None:
        features = np.concatenate([first.features, second.features])
    return Answers(np.concatenate([first.probabilities, second.probabilities]), features)
