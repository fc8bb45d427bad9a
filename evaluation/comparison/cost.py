"""What a classifier costs: time, memory and size, each measured in a fresh process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.comparison.systems import System
from leukoformula.settings import Settings

CELLS = 128
"""So many cells are classified at once to measure the time per cell."""

_LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a classifier costs.

    Parameters
    ----------
    size_bytes : int
        Size of its models.
    first_answer_s : float or None
        Seconds from the start of a process to its first answer, imports and loading included.
    ms_per_cell : float or None
        Milliseconds per cell where 128 are classified at once, the fastest of three runs.
    cpu_ms_per_cell : float or None
        Time of the processor for a cell, over all its cores; it hardly depends on what else runs.
    peak_memory_mib : float or None
        Greatest resident memory of that process, in MiB.
    fault : str, optional
        Why it was not measured.
    """

    size_bytes: int
    first_answer_s: float | None = None
    ms_per_cell: float | None = None
    cpu_ms_per_cell: float | None = None
    peak_memory_mib: float | None = None
    fault: str = ""


def measure_cost(
    system: System,
    crops: NDArray[np.uint8],
    whites: NDArray[np.float64],
    *,
    models: Path | None = None,
    count: int = CELLS,
) -> Cost:
    """Measure a classifier in a fresh process.

    Parameters
    ----------
    system : System
        The classifier.
    crops : ndarray of shape (N, 112, 112, 3), uint8
        Crops; the first ``count`` are used, fewer are repeated.
    whites : ndarray of shape (N, 3), float64
        Their white points.
    models : Path, optional
        Folder of models that names refer to; that of the shipped ones by default.
    count : int, optional
        So many cells are classified at once.

    Returns
    -------
    Cost
        Its size alone, and why, where no process could be run.
    """
    chosen = np.arange(count) % len(crops)
    words = [sys.executable, "-m", "evaluation.comparison.probe"]
    with tempfile.TemporaryDirectory(prefix="leukoformula-") as folder:
        cells = Path(folder) / "cells.npz"
        np.savez(cells, crops=crops[chosen], whites=whites[chosen])
        words += [str(cells), "--classifier", system.spec, "--cnn-share", str(Settings().cnn_share)]
        if models is not None:
            words += ["--models", str(models)]
        words += ["--started", repr(time.time())]
        try:
            done = subprocess.run(
                words,
                capture_output=True,
                check=True,
                timeout=_LONGEST_S,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            found = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return Cost(system.size_bytes, fault=_reason(error))
    names = ("first_answer_s", "ms_per_cell", "cpu_ms_per_cell", "peak_memory_mib")
    return Cost(system.size_bytes, *(found[name] for name in names))


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        return f"the process ended with {error.returncode}: {lines[-1] if lines else 'no message'}"
    return f"{type(error).__name__}: {error}"
