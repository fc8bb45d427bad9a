"""A small perceptron and the changes of crops that the tests of the feature MLP train with."""

from itertools import pairwise

import numpy as np

from cells.vocabulary import CLASSIFIED
from classifiers.perceptron import Perceptron
from features.vector import NAMES

CHANGE = {
    "scale": 0.08,
    "shift_px": 4.0,
    "white": 0.03,
    "gain": 0.2,
    "common_gain": [0.5, 1.4],
    "fade_probability": 0.5,
    "cut_probability": 0.5,
    "cut_share": 0.3,
    "gamma": 0.1,
    "mix": 0.2,
    "blur_px": [0.3, 1.5],
    "blur_probability": 0.5,
    "noise": 0.01,
    "sharpen": 1.0,
    "sharpen_probability": 0.5,
    "jpeg_quality": [50, 96],
    "jpeg_probability": 0.5,
}


def quiet(_: str) -> None:
    return None


def perceptron(seed: int = 0) -> Perceptron:
    rng = np.random.default_rng(seed)
    widths = [len(NAMES), 8, len(CLASSIFIED)]
    return Perceptron(
        names=NAMES,
        mean=rng.normal(size=len(NAMES)).astype(np.float32),
        scale=rng.uniform(0.5, 2, len(NAMES)).astype(np.float32),
        limit=4.0,
        weights=tuple(rng.normal(size=s).astype(np.float32) for s in pairwise(widths)),
        biases=tuple(rng.normal(size=n).astype(np.float32) for n in widths[1:]),
        temperature=1.7,
        factors=rng.uniform(0.5, 2, len(CLASSIFIED)).astype(np.float32),
    )
