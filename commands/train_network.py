"""``leukoformula train network``: trains a network of the literature on a manifest or a published set."""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from importlib.util import find_spec
from pathlib import Path

from cells.errors import UsageError
from commands.console import positive_number, say
from commands.options import seed

HELP = "train a network of the literature (needs the extra train)"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of ``train network``.
    """
    parser.add_argument(
        "--architecture",
        required=True,
        metavar="NAME[,NAME,…]",
        help="network of docs/networks.md; several make an averaging ensemble",
    )
    parser.add_argument(
        "--images", required=True, metavar="MANIFEST|SET", help="CSV file, or the name of a published set"
    )
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder of the published set")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument(
        "--split",
        choices=("group", "image", "published"),
        default="group",
        help="by original cell or patient (default), by image, or as published",
    )
    parser.add_argument(
        "--test-share", type=positive_number, default=0.2, metavar="X", help="share that tests (default: 0.2)"
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="train OLD as NEW; classes without such a line are then left out",
    )
    parser.add_argument("--size", type=_size, metavar="HxW", help="input size (default: that of the network)")
    parser.add_argument("--epochs", type=_whole, metavar="N", help="passes over the training images")
    parser.add_argument("--batch", type=_whole, metavar="N", help="images a step")
    parser.add_argument("--learning-rate", type=positive_number, metavar="X", help="learning rate")
    parser.add_argument(
        "--schedule",
        choices=("constant", "cosine"),
        help="what becomes of the learning rate over the run (default: that of the network)",
    )
    parser.add_argument(
        "--augmentation", metavar="NAME,…|none", help="of docs/networks.md (default: that of the network)"
    )
    parser.add_argument(
        "--weights",
        default="none",
        metavar="none|imagenet|FILE",
        help="weights to start from (default: none)",
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of every draw (default: 0)")


def _whole(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d{0,3})[x×]([1-9]\d{0,3})", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no size; give height and width in px, 60x80 for example")
    return int(match[1]), int(match[2])


def _labels(lines: list[str]) -> dict[str, str]:
    wrong = [line for line in lines if not re.fullmatch(r"[^=]+=[^=]+", line)]
    if wrong:
        raise UsageError(f"--label {wrong[0]}: give OLD=NEW")
    return dict(line.split("=") for line in lines)


def run(options: Namespace) -> None:
    """Train the network.

    Parameters
    ----------
    options : Namespace
        Parsed arguments.

    Raises
    ------
    UsageError
        Where an option is not possible or TensorFlow is missing.
    RefusedError
        Where the images cannot be read.
    """
    if find_spec("tensorflow") is None:
        raise UsageError("training a network needs TensorFlow; run: pip install 'leukoformula[train]'")
    from classifiers.network_plan import Plan
    from classifiers.published_sets.registry import read_set
    from classifiers.published_sets.rows import relabelled
    from classifiers.train_network import train

    plan = Plan(
        tuple(options.architecture.split(",")),
        split=options.split,
        test_share=options.test_share,
        seed=options.seed,
        size=options.size,
        epochs=options.epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
        augmentation=_names(options.augmentation),
        weights=None if options.weights == "none" else options.weights,
        schedule=options.schedule,
    )
    rows = read_set(options.images, options.folder)
    if options.label:
        rows = relabelled(rows, _labels(options.label))
    train(rows, plan, out=options.out, log=say)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return () if text == "none" else tuple(text.split(","))
