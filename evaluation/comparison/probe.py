"""Time to the first answer, time per cell and peak memory of one classifier; run in a process of its own.

Run as ``python -m evaluation.comparison.probe CELLS.npz --classifier cnn``; prints one JSON object.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.comparison.loading import load

REPEATS = 3
"""So many times the cells are classified; the fastest counts."""

_STATUS = Path("/proc/self/status")
_KIB, _MIB = 1024, 1 << 20


def peak_memory_mib() -> float | None:
    """Return the greatest resident memory of this process so far, in MiB; None where the system keeps none.

    Returns
    -------
    float or None
        On Linux ``VmHWM``: unlike ``ru_maxrss`` it does not begin with the memory of the parent process.
    """
    try:
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * _KIB / _MIB
    except OSError:
        pass
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MIB if sys.platform == "darwin" else peak * _KIB / _MIB


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a classifier and print the figures as JSON; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.comparison.probe", description=__doc__.split("\n")[0]
    )
    parser.add_argument("cells", type=Path, help=".npz file with crops and whites")
    parser.add_argument("--classifier", required=True, help="name, or folder of a model")
    parser.add_argument("--models", type=Path, help="folder of models that names refer to")
    parser.add_argument("--cnn-share", type=float, default=0.5, help="weight of the network in the ensemble")
    parser.add_argument("--started", type=float, help="when the process was started, seconds since 1970")
    options = parser.parse_args(arguments)
    started = options.started or time.time()
    with np.load(options.cells, allow_pickle=False) as stored:
        crops, whites = stored["crops"], stored["whites"]
    classifier = load(options.classifier, models=options.models, cnn_share=options.cnn_share)
    classifier.predict(crops[:1], whites[:1])
    first = time.time() - started
    runs = []
    for _ in range(REPEATS):
        start, start_cpu = time.perf_counter(), time.process_time()
        classifier.predict(crops, whites)
        runs.append((time.perf_counter() - start, time.process_time() - start_cpu))
    wall, cpu = min(run[0] for run in runs), min(run[1] for run in runs)
    found = {
        "first_answer_s": first,
        "ms_per_cell": 1000.0 * wall / len(crops),
        "cpu_ms_per_cell": 1000.0 * cpu / len(crops),
        "peak_memory_mib": peak_memory_mib(),
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
