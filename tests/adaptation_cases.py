"""A stand-in for the network and labelled cells, for the tests of the adaptation to a laboratory."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cells.model_files import write_manifest
from cells.vocabulary import CLASSIFIED, CellClass
from classifiers.adapt_cnn import SiteCells

C = CellClass


class FakeNetwork:
    """Calls red-absorbing cells lymphocytes and all others eosinophils; its features are the colours."""

    feature_count = 3

    def answer(
        self, crops: NDArray[np.uint8], whites: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        features = (crops.mean(axis=(1, 2)) / 30).astype(np.float32)
        return np.zeros((len(crops), len(CLASSIFIED)), np.float32), features

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        out = np.full((len(crops), len(CLASSIFIED)), 0.02, np.float32)
        for row, red in enumerate(crops[..., 0].mean(axis=(1, 2))):
            out[row, CLASSIFIED.index(C.LYMPHOCYTE if red < 128 else C.EOSINOPHIL)] = 0.82
        return out


def site_cells(
    *,
    count: int = 24,
    labels: tuple[CellClass, ...] = (C.LYMPHOCYTE, C.EOSINOPHIL),
    wrong: bool = False,
    twice: bool = False,
) -> SiteCells:
    """Cells of two colours; where ``wrong``, eosinophils look the way the network expects of lymphocytes."""
    rng = np.random.default_rng(8)
    crops = np.empty((count, 112, 112, 3), np.uint8)
    for number in range(count):
        red = 60 if number % 2 == 0 or wrong else 200
        colour = np.array([red, 60 + 120 * (number % 2), 120])
        crops[number] = np.clip(colour + rng.normal(0, 6, 3), 0, 255)
    hashes = [hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(count)]
    if twice:
        hashes[-1] = hashes[0]
    return SiteCells(
        crops,
        np.full((count, 3), 240.0),
        tuple(labels[number % len(labels)] for number in range(count)),
        tuple(f"cell {number}" for number in range(count)),
        tuple(hashes),
        ("",) * count,
    )


def base_model(folder: Path) -> Path:
    """Write a model folder of the kind ``cnn`` whose network is a stand-in."""
    folder.mkdir(parents=True)
    (folder / "network.tflite").write_bytes(b"a network")
    details: dict[str, object] = {
        "classes": list(map(str, CLASSIFIED)),
        "metrics": {"held_out_accuracy": 0.9},
    }
    write_manifest(folder, name="cnn", kind="cnn", version="2", files=["network.tflite"], details=details)
    return folder
