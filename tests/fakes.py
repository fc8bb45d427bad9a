"""Stand-ins for the trained models, so that what is around them can be tested without them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cells.model_files import ModelInfo
from cells.records import Detection, Field, RGBImage, WhitePoint
from cells.units import Pixels
from cells.vocabulary import CLASSIFIED, CellClass
from slides.optics import optical_density

DETECTOR_INFO = ModelInfo("detector", "detector", "0", "0" * 64)
CLASSIFIER_INFO = ModelInfo("cnn", "cnn", "0", "1" * 64)


@dataclass
class FakeScanner:
    """Takes every dark red-absorbing patch of the size of a nucleus for a leukocyte."""

    def detect(
        self, image: RGBImage, *, white: WhitePoint, erythrocyte_px: float, threshold: float | None = None
    ) -> list[Detection]:
        red = cv2.GaussianBlur(optical_density(image, white)[..., 0], (0, 0), erythrocyte_px / 12)
        count, _, stats, centres = cv2.connectedComponentsWithStats((red > 0.28).astype(np.uint8))
        found = []
        for (x, y, w, h, area), (col, row) in zip(stats[1:count], centres[1:count], strict=True):
            if area < 0.15 * erythrocyte_px**2:
                continue
            border = x == 0 or y == 0 or x + w == image.shape[1] or y + h == image.shape[0]
            found.append(Detection(row, col, Pixels(1.5 * erythrocyte_px), float(area), border, not border))
        return sorted(found, key=lambda d: (-d.score, d.row, d.col))

    def find(self, field: Field, *, erythrocyte_px: float, threshold: float | None = None) -> list[Detection]:
        """Find them in a field."""
        return self.detect(
            field.image, white=field.white_point, erythrocyte_px=erythrocyte_px, threshold=threshold
        )


@dataclass
class FakeClassifier:
    """Answers the same for every crop, or by the crop's own darkness where no answer is set."""

    answer: dict[CellClass, float] | None = None
    name: str = "cnn"
    calls: int = 0

    @property
    def classes(self) -> tuple[CellClass, ...]:
        return CLASSIFIED

    def predict(self, crops: NDArray[np.uint8], whites: NDArray[np.float64]) -> NDArray[np.float32]:
        assert crops.shape[1:] == (112, 112, 3)
        assert whites.shape == (len(crops), 3)
        self.calls += 1
        out = np.zeros((len(crops), len(CLASSIFIED)), np.float32)
        if self.answer is None:
            chosen = (crops.reshape(len(crops), -1).mean(axis=1) % 6).astype(int)
            out[np.arange(len(crops)), chosen] = 1.0
            return out
        for label, value in self.answer.items():
            out[:, CLASSIFIED.index(label)] = value
        return out
