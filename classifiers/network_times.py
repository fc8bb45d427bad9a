"""What a training step of each network of the registry costs here. Needs the extra ``train``.

``python -m classifiers.network_times`` prints a Markdown table; names after it take those networks alone.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from cells.errors import LeukoformulaError
from classifiers.architectures import ARCHITECTURES, OPTICAL_DENSITY, architecture
from classifiers.network_fitting import Fitting

SIDE, BATCH, CLASSES = 64, 8, 2
"""Side of the images in px (the smallest possible where that is more), images a step, classes."""

_REPEATS = 3


@dataclass(frozen=True, slots=True)
class StepTime:
    """What a training step of one network costs.

    Parameters
    ----------
    name : str
        The network.
    parameters : int
        Weights, those of the head included.
    side : int
        Side of the images, px.
    wall_s, cpu_s : float
        Median over three steps, by the clock and of the processor (all cores together).
    """

    name: str
    parameters: int
    side: int
    wall_s: float
    cpu_s: float


def step_time(name: str, *, side: int = SIDE, batch: int = BATCH) -> StepTime:
    """Measure forward pass, backward pass and update of a network on random images.

    Parameters
    ----------
    name : str
        A network of the registry, built with random weights and the optimizer of its recipe.
    side : int, optional
        Side of the images, px; the smallest that the network takes where that is more.
    batch : int, optional
        Images a step.

    Returns
    -------
    StepTime
        The first step, which builds the graph, is left out.

    Raises
    ------
    UsageError
        Where there is no such network.
    """
    entry = architecture(name)
    side = max(side, entry.smallest)
    rng = np.random.default_rng(0)
    top = 2.0 if entry.takes == OPTICAL_DENSITY else 255.0
    images = tf.constant(rng.uniform(0, top, (batch, side, side, 3)).astype(np.float32))
    truth = tf.constant(rng.integers(0, CLASSES, batch))
    keras.utils.clear_session()
    model = entry.build(height=side, width=side, classes=CLASSES)
    fitting = Fitting(model, entry.recipe, seed=0)
    fitting.step(images, truth)
    taken = []
    for _ in range(_REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        fitting.step(images, truth)
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*taken, strict=True)
    return StepTime(name, int(model.count_params()), side, statistics.median(walls), statistics.median(cpus))


def _row(found: StepTime) -> str:
    return (
        f"| `{found.name}` | {found.parameters / 1e6:.2f} | {found.side} | {1000 * found.cpu_s:.0f}"
        f" | {1000 * found.wall_s:.0f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, one line as soon as it is measured; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m classifiers.network_times", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(ARCHITECTURES), help="networks; all by default")
    options = parser.parse_args(arguments)
    put = sys.stdout.write
    put("| network | parameters, million | px | CPU ms a step of 8 | ms by the clock |\n")
    put("|---|--:|--:|--:|--:|\n")
    try:
        for name in options.names:
            put(_row(step_time(name)) + "\n")
            sys.stdout.flush()
    except LeukoformulaError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
