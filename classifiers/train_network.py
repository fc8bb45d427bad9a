"""Training of any network of the registry on any labelled images. Needs the extra ``train``.

What a run leaves in its folder::

    network.tflite   the network as LiteRT runs it
    weights.npz      its weights as plain arrays, for saliency and further training
    manifest.json    classes, input, split, settings, metrics, sha256 of both
    metrics.json     scores on the test images, by class, with the confusion matrix
    history.csv      loss and accuracy of both sets, epoch by epoch
    curves.svg .pdf  the same as a figure
    card.md          the model card
    work/            a checkpoint for each network; a run that is started again goes on from it
"""

import csv
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cells.errors import DataError, UsageError
from cells.files import atomic_path
from cells.model_files import write_manifest
from classifiers.architectures import RGB, Architecture, architecture
from classifiers.curves import Epoch, write_curves
from classifiers.literature_augmentation import known_augmentations
from classifiers.network_card import write_network_card
from classifiers.network_fitting import Fitting, Images, logits_for
from classifiers.network_plan import Plan
from classifiers.network_scores import scores
from classifiers.network_training import export_litert
from classifiers.networks.averaging import averaging
from classifiers.probabilities import softmax
from classifiers.published_sets.rows import ImageRow, read_image
from classifiers.splitting import shared_groups, split_rows
from classifiers.trained_network import TrainedNetwork
from classifiers.training_hashes import write_hashes
from slides.optics import optical_density, white_point

NETWORK, WEIGHTS = "network.tflite", "weights.npz"
_LIBRARIES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "ai-edge-litert")
_PARITY_IMAGES = 32


def train(rows: Sequence[ImageRow], plan: Plan, *, out: Path, log: Callable[[str], None]) -> dict[str, Any]:
    """Train a network, or several that are averaged, to a model folder.

    Parameters
    ----------
    rows : sequence of ImageRow
        Labelled images.
    plan : Plan
        What is trained and how.
    out : Path
        The model folder; checkpoints in its ``work`` are gone on from.
    log : callable
        Takes one line of progress.

    Returns
    -------
    dict of str to object
        What is in ``metrics.json``.

    Raises
    ------
    UsageError
        Where a name, a size or a setting is not possible.
    DataError
        Where labels, groups or splits do not suit, or a checkpoint is of another run.
    InputError
        Where an image or weights cannot be read, or the folder cannot be written.
    """
    run = _run(rows, plan, out, log)
    log(f"{len(run.sides[0])} training and {len(run.sides[1])} test images of {', '.join(run.classes)}")
    start = time.perf_counter()
    members = [_member(run, entry) for entry in run.chosen]
    model = members[0].model if len(members) == 1 else averaging([member.model for member in members])
    test = members[0].test
    if len(members) > 1:
        test = _images(run.sides[1], run.classes, model.input_shape[1:3], RGB)
    metrics = _evaluated(model, test, run.classes)
    metrics |= {
        "split": plan.split,
        "training_images": len(run.sides[0]),
        "groups_on_both_sides": run.shared,
        "training_seconds": round(sum(e.seconds for member in members for e in member.history), 1),
        "wall_seconds": round(time.perf_counter() - start, 1),
        "parameters": int(model.count_params()),
    }
    if len(members) > 1:
        metrics["members"] = {
            entry.name: _evaluated(member.model, member.test, run.classes)["accuracy"]
            for entry, member in zip(run.chosen, members, strict=True)
        }
    _write(run, model, members, test, metrics)
    log(f"accuracy {metrics['accuracy']:.4f}, F1 {metrics['f1']:.4f} on {metrics['images']} test images")
    return metrics


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    plan: Plan
    chosen: list[Architecture]
    classes: list[str]
    sides: tuple[list[ImageRow], list[ImageRow]]
    shared: int
    out: Path
    log: Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    model: keras.Model
    history: list[Epoch]
    test: Images


def _run(rows: Sequence[ImageRow], plan: Plan, out: Path, log: Callable[[str], None]) -> _Run:
    chosen = [architecture(name) for name in plan.architectures]
    if not chosen or (len(chosen) > 1 and any(entry.takes != RGB for entry in chosen)):
        raise UsageError("name one network, or several that take RGB for an ensemble")
    for entry in chosen:
        known_augmentations(plan.recipe(entry).augmentation)
    side = split_rows(rows, by=plan.split, share=plan.test_share, seed=plan.seed)
    classes = sorted({row.label for row, where in zip(rows, side, strict=True) if where >= 0})
    training = [row for row, where in zip(rows, side, strict=True) if where == 0]
    testing = [row for row, where in zip(rows, side, strict=True) if where == 1]
    return _Run(plan, chosen, classes, (training, testing), shared_groups(rows, side), out, log)


def _images(rows: Sequence[ImageRow], classes: list[str], size: Sequence[int], takes: str) -> Images:
    height, width = size
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    for number, row in enumerate(rows):
        pixels[number] = read_image(row, height=height, width=width)
    truth = np.array([classes.index(row.label) for row in rows], np.int64)
    return Images(pixels, truth, network_pixels if takes == RGB else network_densities)


def network_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return RGB of 0 to 255 as networks on RGB take it, float32, same shape."""
    return pixels.astype(np.float32)


def network_densities(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return optical density against each image's own white point, 0 to 2, float32, same shape."""
    return np.stack([optical_density(image, white_point(image)) for image in pixels]).astype(np.float32)


def _member(run: _Run, entry: Architecture) -> _Member:
    plan, recipe = run.plan, run.plan.recipe(entry)
    height, width = plan.size or entry.size
    keras.utils.set_random_seed(plan.seed)
    tf.config.experimental.enable_op_determinism()
    model = entry.build(height=height, width=width, classes=len(run.classes), weights=plan.weights)
    training, test = (_images(rows, run.classes, (height, width), entry.takes) for rows in run.sides)
    fitting = Fitting(model, recipe, seed=plan.seed)
    checkpoint = run.out / "work" / f"{entry.name}.npz"
    _same_run(run, entry, checkpoint)
    if checkpoint.exists():
        fitting.restore(checkpoint)
        run.log(f"{entry.name}: going on after epoch {len(fitting.history)}")
    while len(fitting.history) < recipe.epochs:
        done = fitting.epoch(training, test, log=run.log)
        fitting.save(checkpoint)
        left = (recipe.epochs - done.epoch) * done.seconds / 60.0
        run.log(
            f"{entry.name}, epoch {done.epoch} of {recipe.epochs}: loss {done.loss:.4f}, accuracy"
            f" {done.accuracy:.4f}, test {done.test_loss:.4f}, {done.test_accuracy:.4f}"
            f" ({done.seconds:.0f} s, {left:.0f} min left)"
        )
    return _Member(model, fitting.history, test)


def _same_run(run: _Run, entry: Architecture, checkpoint: Path) -> None:
    """Keep beside the checkpoint what it was trained with; refuse one trained with something else."""
    plan = run.plan
    recipe = asdict(plan.recipe(entry))
    for name in ("epochs", "learning_rate"):
        recipe.pop(name)
    described = {
        "recipe": recipe | {"augmentation": list(recipe["augmentation"])},
        "classes": run.classes,
        "size": list(plan.size or entry.size),
        "seed": plan.seed,
        "split": [plan.split, plan.test_share],
        "images": [_digest(rows) for rows in run.sides],
        "weights": plan.weights,
    }
    path = checkpoint.with_suffix(".json")
    text = json.dumps(described, indent=2) + "\n"
    if checkpoint.exists() and path.exists() and path.read_text(encoding="utf-8") != text:
        raise DataError(
            f"{checkpoint} was trained with other settings or images; use another --out or remove it"
        )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _digest(rows: Sequence[ImageRow]) -> str:
    lines = "\n".join(f"{row.path.name} {row.label} {row.group} {row.box}" for row in rows)
    return hashlib.sha256(lines.encode()).hexdigest()


def _evaluated(model: keras.Model, test: Images, classes: list[str]) -> dict[str, Any]:
    start = time.perf_counter()
    logits = logits_for(model, test)
    seconds = time.perf_counter() - start
    found = scores(test.truth, logits.argmax(axis=-1), classes)
    return found | {"test_ms_per_image": round(1000.0 * seconds / len(test.truth), 3)}


def _write(
    run: _Run, model: keras.Model, members: list[_Member], test: Images, metrics: dict[str, Any]
) -> None:
    plan, chosen, out = run.plan, run.chosen, run.out
    export_litert(model, out / NETWORK)
    save_weights(model, out / WEIGHTS)
    few = Images(test.pixels[:_PARITY_IMAGES], test.truth[:_PARITY_IMAGES], test.prepare)
    takes = chosen[0].takes
    name = "+".join(entry.name for entry in chosen)
    network = TrainedNetwork((out / NETWORK).read_bytes(), classes=tuple(run.classes), takes=takes)
    difference = np.abs(network.probabilities(few.pixels) - softmax(logits_for(model, few))).max()
    metrics["litert_largest_difference"] = float(difference)
    details: dict[str, object] = {
        "architectures": [entry.name for entry in chosen],
        "sources": [entry.source for entry in chosen],
        "classes": run.classes,
        "input": [int(n) for n in model.input_shape[1:3]],
        "members_input": [[int(n) for n in member.model.input_shape[1:3]] for member in members],
        "takes": takes,
        "recipes": [asdict(plan.recipe(entry)) for entry in chosen],
        "seed": plan.seed,
        "weights": plan.weights or "none",
        "metrics": metrics,
        "libraries": {library: version(library) for library in _LIBRARIES},
    }
    files = [NETWORK, WEIGHTS, write_hashes(out, [row.path for row in run.sides[0]])]
    write_manifest(out, name=name, kind="network", version="1", files=files, details=details)
    with atomic_path(out / "metrics.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _write_history(members, chosen, out / "history.csv")
    for number, (entry, member) in enumerate(zip(chosen, members, strict=True)):
        folder = out if number == 0 else out / "work" / entry.name
        write_curves(member.history, folder, title=f"{entry.name}, split by {plan.split}")
    write_network_card(out / "card.md", name=name, details=details)


def _write_history(members: list[_Member], chosen: list[Architecture], path: Path) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("network", *Epoch._fields))
        for entry, member in zip(chosen, members, strict=True):
            writer.writerows((entry.name, *line) for line in member.history)


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights of a network as plain arrays, numbered in the order of ``model.weights``.

    Parameters
    ----------
    model : keras.Model
        The network.
    path : Path
        The ``.npz`` file.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    arrays: dict[str, Any] = {f"w{i:05d}": np.asarray(weight) for i, weight in enumerate(model.weights)}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)
