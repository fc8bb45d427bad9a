"""``leukoformula train``: makes each shipped model from data and one settings file."""

import shutil
import tomllib
from argparse import Namespace
from contextlib import contextmanager
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cells.errors import DataError, InputError, RefusedError, UsageError
from commands import train_adapted, train_network
from commands.console import say
from commands.paths import stands

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

_HELP = {
    "detector": "train the window scanner on the fields of txl_pbc",
    "mlp": "train the perceptron on morphological features",
    "cnn": "train the convolutional network (needs the extra train), or adapt it to a laboratory",
    "segmenter": "train the network that finds nucleus and cell (needs the extra train)",
}

_OPTIONAL = frozenset({"initial", "stain_strength"})
_FREE = frozenset({"blood_mix", "shares", "sources"})
_SHOWN_FAULTS = 3


def add_parser(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        The commands.
    """
    parser = commands.add_parser(
        "train",
        help="train a model from data and one settings file",
        description="Without --settings it repeats the run that made the shipped model.",
        allow_abbrev=False,
    )
    models = parser.add_subparsers(title="models", metavar="MODEL", required=True, dest="model")
    for name, text in _HELP.items():
        model = models.add_parser(name, help=text, description=f"{text.capitalize()}.", allow_abbrev=False)
        model.add_argument(
            "--data",
            type=Path,
            required=name != "cnn",
            metavar="DIR",
            help="folder that holds the data sets by name",
        )
        model.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")
        model.add_argument(
            "--settings", type=Path, metavar="FILE", help="TOML file (default: that of the shipped model)"
        )
        if name == "detector":
            model.add_argument(
                "--corrections",
                type=Path,
                metavar="FILE",
                help="audit of the boxes (default: that in evaluation/)",
            )
            model.add_argument(
                "--hard-negatives",
                type=Path,
                metavar="MANIFEST",
                help="hard_negatives.csv of `evaluate detector`, to be learned from as well",
            )
        elif name == "segmenter":
            model.add_argument(
                "--architecture", choices=("slim_unet", "unet", "cenet"), help="not that in the settings"
            )
        else:
            model.add_argument(
                "--artefacts",
                type=Path,
                metavar="MANIFEST",
                help="CSV file of the detector's false finds (default: those of the shipped one on txl_pbc)",
            )
        if name == "cnn":
            model.add_argument(
                "--initial",
                type=Path,
                metavar="FILE",
                help="published weights to start from (default: those of the package that the settings name)",
            )
            train_adapted.add_arguments(model)
    about = f"{train_network.HELP.capitalize()}."
    network = models.add_parser("network", help=train_network.HELP, description=about, allow_abbrev=False)
    train_network.add_arguments(network)
    parser.set_defaults(run=run)


def run(options: Namespace) -> int:
    """Train a model.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Returns
    -------
    int
        0; errors are raised.
    """
    if options.model == "network":
        train_network.run(options)
        say(f"model in {options.out}")
        return 0
    if options.model == "cnn" and train_adapted.wanted(options):
        return train_adapted.run(options)
    if options.data is None:
        raise UsageError("give --data DIR, the folder that holds the data sets, or --adapt with your cells")
    if not options.data.is_dir():
        raise InputError(f"no folder {options.data}; give the folder that holds the data sets with --data")
    trainers = {
        "detector": _train_detector,
        "mlp": _train_mlp,
        "cnn": _train_cnn,
        "segmenter": _train_segmenter,
    }
    with _nothing_left_of_a_refusal(options.out):
        trainers[options.model](options)
    say(f"model in {options.out}")
    return 0


@contextmanager
def _nothing_left_of_a_refusal(out: Path) -> "Iterator[None]":
    """Remove what a refused run has made, but never what took long: checkpoints and measured features."""
    harvested = out / "work" / "artefacts"
    made = [folder for folder in (harvested, harvested.parent, out, *out.parents) if not stands(folder)]
    try:
        yield
    except (RefusedError, UsageError):
        if harvested in made:
            shutil.rmtree(harvested, ignore_errors=True)
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def _settings(options: Namespace) -> dict[str, Any]:
    file = resources.files("classifiers").joinpath("settings", f"{options.model}.toml")
    shipped = tomllib.loads(file.read_text(encoding="utf-8"))
    if options.settings is None:
        return shipped
    try:
        given = tomllib.loads(options.settings.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot read the settings {options.settings}: {error}; give a TOML file") from error
    faults = list(_differences(given, shipped))
    if faults:
        more = f" and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise DataError(
            f"{options.settings}: no settings of {options.model}: {', '.join(faults[:_SHOWN_FAULTS])}{more}; "
            "change a copy of the shipped file"
        )
    return given


def _differences(
    given: "Mapping[str, Any]", shipped: "Mapping[str, Any]", where: str = ""
) -> "Iterator[str]":
    for name, value in shipped.items():
        if name not in given:
            if name not in _OPTIONAL:
                yield f"{where}{name} is missing"
        elif isinstance(value, dict) != isinstance(given[name], dict):
            yield f"{where}{name} is of another kind"
        elif isinstance(value, dict) and name not in _FREE:
            yield from _differences(given[name], value, f"{where}{name}.")
    yield from (f"{where}{name} is not known" for name in given if name not in shipped)


def _train_cnn(options: Namespace) -> None:
    if find_spec("tensorflow") is None:
        raise UsageError("training the network needs TensorFlow; run: pip install 'leukoformula[train]'")
    from classifiers.train_cnn import train
    from features.segmenter import NetworkSegmenter
    from leukoformula.store import SHIPPED

    train(
        _settings(options),
        data=options.data,
        out=options.out,
        artefacts=_artefacts(options),
        initial=options.initial,
        segmenter=NetworkSegmenter.load(SHIPPED / "segmenter"),
        log=say,
    )


def _train_segmenter(options: Namespace) -> None:
    if find_spec("tensorflow") is None:
        raise UsageError("training the segmenter needs TensorFlow; run: pip install 'leukoformula[train]'")
    from classifiers.train_segmenter import train

    settings = _settings(options)
    if options.architecture is not None:
        settings["architecture"] = options.architecture
    train(settings, data=options.data, out=options.out, log=say)


def _train_mlp(options: Namespace) -> None:
    from cells.model_files import open_model
    from classifiers.train_mlp import train
    from leukoformula.store import SHIPPED

    settings = _settings(options)
    network = None
    if settings.get("segmentation") == "network":
        network = open_model(SHIPPED / "segmenter", kind="segmenter").weights
    train(
        settings,
        data=options.data,
        out=options.out,
        artefacts=_artefacts(options),
        segmenter=network,
        log=say,
    )


def _artefacts(options: Namespace) -> Path:
    """Return the manifest of the detector's false finds, made where there is none yet."""
    if options.artefacts is not None:
        return Path(options.artefacts)
    from detector.harvest import harvest_false_finds
    from detector.samples import read_txl_fields
    from features.crops import cut_cell
    from leukoformula.store import load_detector

    folder: Path = options.out / "work" / "artefacts"
    manifest = folder / "manifest.csv"
    if not manifest.exists():
        scanner, _ = load_detector()
        with _audit() as corrections:
            fields = read_txl_fields(options.data / "txl_pbc", corrections=corrections)
            found = harvest_false_finds(scanner.cascade, fields, folder, cut_cell=cut_cell)
        say(f"{len(found)} false finds and platelets in {folder}")
    return manifest


def _audit() -> "AbstractContextManager[Path]":
    return resources.as_file(resources.files("evaluation").joinpath("audits", "txl_train.csv"))


def _train_detector(options: Namespace) -> None:
    from detector.training import train
    from detector.training_settings import read_settings

    with (
        resources.as_file(resources.files("detector").joinpath("settings.toml")) as shipped,
        _audit() as audit,
    ):
        settings = read_settings(options.settings or shipped)
        train(
            settings,
            options.data,
            options.out,
            corrections=options.corrections or audit,
            hard_negatives=options.hard_negatives,
            progress=say,
        )
