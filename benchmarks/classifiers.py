"""Speed of a classifier: cells per second end to end, and the time to the first answer.

Run from the root of the repository::

    python benchmarks/classifiers.py [--classifier mlp] [--cells 400] [--repeats 3]

Cells are drawn; for the MLP each is segmented, measured and classified. Two figures are printed for the
throughput: by the clock on the wall, which other programs on the machine lengthen, and by the processor
time of the process, which they hardly do. The first answer is that of a fresh Python process, its imports
included.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cells.vocabulary import CLASSIFIED
from leukoformula.store import load_classifier
from slides.optics import white_point
from slides.synthetic import draw_cell

ROOT = Path(__file__).resolve().parents[1]

_FIRST = """
import time
start = time.perf_counter()
from pathlib import Path
import numpy as np
from leukoformula.store import load_classifier
classifier, _ = load_classifier({name!r}, root=Path({models!r}))
classifier.predict(np.full((1, 112, 112, 3), 200, np.uint8), np.full((1, 3), 240.0))
print(time.perf_counter() - start)
"""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classifier", choices=("mlp", "cnn", "ensemble"), default="mlp")
    parser.add_argument("--cells", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--models", type=Path, default=ROOT / "leukoformula" / "models")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    crops = np.stack([draw_cell(CLASSIFIED[k % len(CLASSIFIED)], rng=rng) for k in range(options.cells)])
    whites = np.stack([white_point(crop) for crop in crops])
    classifier, _ = load_classifier(options.classifier, root=options.models)
    classifier.predict(crops[:32], whites[:32])
    walls, busy = [], []
    for _ in range(options.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        classifier.predict(crops, whites)
        walls.append(options.cells / (time.perf_counter() - wall))
        busy.append(options.cells / (time.process_time() - cpu))
    code = _FIRST.format(name=options.classifier, models=str(options.models))
    start = time.perf_counter()
    inside = float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True))
    whole = time.perf_counter() - start
    print(f"throughput   {max(walls):.0f} cells/s on the wall clock, {max(busy):.0f} a processor second")
    print(f"first answer {inside:.2f} s after the interpreter started, {whole:.2f} s for the whole process")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
