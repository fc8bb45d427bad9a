"""Pictures of one cell among erythrocytes."""

import cv2
import numpy as np


def draw(number: int, erythrocyte_px: int = 36) -> np.ndarray:
    """A cell among four erythrocytes, which a box around them measures as 41 px where they have 36."""
    side = 4 * erythrocyte_px
    image = np.full((side, side, 3), (232, 230, 236), np.uint8)
    rng = np.random.default_rng(number)
    for row in (0.16, 0.84):
        for col in (0.16, 0.84):
            centre = (np.array((col, row)) * side + rng.uniform(-3, 3, 2)).round().astype(int)
            cv2.circle(image, centre.tolist(), erythrocyte_px // 2, (222, 160, 170), -1, cv2.LINE_AA)
    cv2.circle(image, (side // 2, side // 2), erythrocyte_px // 2, (95, 45, 140), -1, cv2.LINE_AA)
    return image
