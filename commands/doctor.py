"""``leukoformula doctor``: checks the installation and says how to mend what is wrong."""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cells.errors import LeukoformulaError, RefusedError
from commands.console import one_line, put_document

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

OWN_PACKAGES = (
    "cells",
    "slides",
    "detector",
    "features",
    "classifiers",
    "counting",
    "leukoformula",
    "reports",
    "templates",
    "evaluation",
    "commands",
)
"""The packages that this distribution installs; their names are short, so others may carry them too."""

DEPENDENCIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "threadpoolctl": "threadpoolctl",
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "tifffile": "tifffile",
    "ai_edge_litert": "ai-edge-litert",
    "reportlab": "reportlab",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
}
"""Module and distribution of each library that the program cannot do without."""

_OLDEST_PYTHON = (3, 11)
_REINSTALL = "install leukoformula again in an environment of its own"


class Check(NamedTuple):
    """The outcome of one check.

    Parameters
    ----------
    state : str
        ``"PASS"``, ``"WARN"`` or ``"FAIL"``.
    subject : str
        What was checked.
    detail : str
        What was found and, unless all is well, what to do.
    """

    state: str
    subject: str
    detail: str


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "doctor",
        help="check the installation, the models and the fonts",
        description="Prints PASS, WARN or FAIL for each check, with the remedy; exit code 3 where one fails.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--models", type=Path, metavar="DIR", help="folder of models to check instead of the shipped"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Print the outcome of every check.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0 where no check fails, else 3.
    """
    checks = list(all_checks(options.models))
    if options.json:
        entries = [check._asdict() for check in checks]
        put_document({"schema": "leukoformula.doctor/1", "checks": entries})
    else:
        for check in checks:
            print(f"{check.state}  {check.subject}: {one_line(check.detail)}")
    return RefusedError.exit_code if any(check.state == "FAIL" for check in checks) else 0


def all_checks(models: Path | None = None) -> Iterator[Check]:
    """Carry out every check.

    Parameters
    ----------
    models : Path, optional
        Folder of models; that of the shipped models where it is None.

    Yields
    ------
    Check
        Its outcome.
    """
    yield _python()
    yield from (_library(module, name) for module, name in DEPENDENCIES.items())
    yield from (_package(name) for name in OWN_PACKAGES)
    yield from _models(models)
    yield _validation(models)
    yield from _abstention(models)
    yield _tried("detector", _detector_answers, models, _REINSTALL)
    yield _tried("perceptron", _perceptron_answers, models, _REINSTALL)
    yield _tried("LiteRT", _network_answers, models, _REINSTALL)
    yield _tried("fonts", _fonts, None, _REINSTALL)
    yield _tried("temporary folder", _temporary, None, "set TMPDIR to a folder that you can write to")


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Check("FAIL", "Python", f"{version}; install Python 3.11 or later")
    return Check("PASS", "Python", version)


def _library(module: str, name: str) -> Check:
    try:
        import_module(module)
        return Check("PASS", name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check("WARN", name, f"it works, but not as the distribution {name}; {_REINSTALL}")
    except (ImportError, OSError) as error:
        return Check("FAIL", name, f"{error}; run: pip install {name}")


def _package(name: str) -> Check:
    try:
        place = Path(str(import_module(name).__file__)).resolve().parent
        ours = Path(str(import_module("leukoformula").__file__)).resolve().parent.parent
    except ImportError as error:
        return Check("FAIL", f"package {name}", f"{error}; {_REINSTALL}")
    if place.parent != ours:
        return Check("FAIL", f"package {name}", f"{place} belongs to another distribution; {_REINSTALL}")
    owners = set(metadata.packages_distributions().get(name, []))
    if others := owners - {"leukoformula"}:
        return Check("WARN", f"package {name}", f"{', '.join(sorted(others))} installs it too; {_REINSTALL}")
    return Check("PASS", f"package {name}", str(place))


def _models(root: Path | None) -> Iterator[Check]:
    from leukoformula.store import NEEDED, model_info

    for name in NEEDED:
        try:
            info = model_info(name, root=root)
        except LeukoformulaError as error:
            yield Check("FAIL", f"model {name}", str(error))
        else:
            yield Check("PASS", f"model {name}", f"version {info.version}, sha256 {info.sha256}")


def _validation(root: Path | None) -> Check:
    from counting.notes import note_text
    from leukoformula.settings import Settings
    from leukoformula.store import model_info
    from leukoformula.validation import load_validation, misfit

    settings = Settings(models=root)
    try:
        found = load_validation(settings.classifier, root=root)
        kinds = () if found is None else tuple(found.models)
        models = tuple(model_info(kind, root=root) for kind in kinds)
    except LeukoformulaError as error:
        return Check("FAIL", "validation", str(error))
    reason = "no_validation" if found is None else misfit(found, settings=settings, models=models)
    if reason:
        return Check("WARN", "validation", note_text(reason, "en"))
    return Check("PASS", "validation", f"of {', '.join(kinds)}")


def _abstention(root: Path | None) -> Iterator[Check]:
    from leukoformula.settings import Settings
    from leukoformula.store import ABSTENTION, SHIPPED, load_abstention, model_info

    if not ((root or SHIPPED) / ABSTENTION).is_dir():
        return
    settings = Settings(models=root)
    try:
        models = tuple(model_info(name, root=root) for name in ("cnn", "mlp"))
        rule, found = load_abstention(settings.classifier, models, root=root, cnn_share=settings.cnn_share)
    except LeukoformulaError as error:
        yield Check("FAIL", "abstention", str(error))
        return
    if rule is None:
        remedy = "fit it with `python -m evaluation.abstention --fit`; no cell is flagged as unusual"
        yield Check("WARN", "abstention", f"the rule is of other models; {remedy}")
    else:
        yield Check("PASS", "abstention", f"sha256 {found[0].sha256}")


def _tried(subject: str, check: "Callable[[Path | None], str]", models: Path | None, remedy: str) -> Check:
    try:
        return Check("PASS", subject, check(models))
    except LeukoformulaError as error:
        return Check("FAIL", subject, str(error))
    except (ImportError, OSError) as error:
        return Check("FAIL", subject, f"{error}; {remedy}")


def _network_answers(models: Path | None) -> str:
    return _classifies("cnn", models)


def _perceptron_answers(models: Path | None) -> str:
    return _classifies("mlp", models)


def _classifies(name: str, models: Path | None) -> str:
    import numpy as np

    from leukoformula.store import load_classifier

    classifier, _ = load_classifier(name, root=models)
    crops = np.full((1, 112, 112, 3), 200, np.uint8)
    answer = classifier.predict(crops, np.full((1, 3), 230.0))
    if not np.isclose(answer.sum(), 1.0, atol=1e-3):
        raise RefusedError(f"the probabilities of {name} add up to {answer.sum():.3f}; {_REINSTALL}")
    return f"{name} answers"


def _detector_answers(models: Path | None) -> str:
    import numpy as np

    from leukoformula.store import load_detector

    scanner, _ = load_detector(root=models)
    empty = np.full((240, 320, 3), 230, np.uint8)
    found = scanner.detect(empty, white=np.full(3, 230.0), erythrocyte_px=35.0)
    if found:
        raise RefusedError(f"the detector finds {len(found)} cells on an empty slide; {_REINSTALL}")
    return "it finds nothing on an empty slide"


def _fonts(_: Path | None) -> str:
    from reports.fonts import check

    return check()


def _temporary(_: Path | None) -> str:
    with tempfile.NamedTemporaryFile() as handle:
        handle.write(b"0")
    return tempfile.gettempdir()
