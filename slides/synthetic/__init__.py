"""Synthetic blood smears with a known truth: for the demo, for tests and as one more laboratory in training.

Everything is drawn from geometry and chance; no pixel of a real image is used. A cell is painted in µm, as
amounts of four dyes; dyes add in optical density; a stain turns them into colour, a camera into pixels.
"""

from slides.synthetic.camera import BENCH_MICROSCOPE, CAMERAS, SCANNER, SMARTPHONE, Camera
from slides.synthetic.field import (
    SyntheticCell,
    SyntheticField,
    draw_cell,
    draw_cell_with_masks,
    draw_field,
)
from slides.synthetic.layout import DRAWABLE
from slides.synthetic.smear import draw_smear
from slides.synthetic.stains import (
    BLUE_SHIFTED,
    GIEMSA,
    MAY_GRUNWALD_GIEMSA,
    PALE,
    RED_SHIFTED,
    STAINS,
    STRONG,
    WRIGHT,
    Stain,
)

__all__ = [
    "BENCH_MICROSCOPE",
    "BLUE_SHIFTED",
    "CAMERAS",
    "DRAWABLE",
    "GIEMSA",
    "MAY_GRUNWALD_GIEMSA",
    "PALE",
    "RED_SHIFTED",
    "SCANNER",
    "SMARTPHONE",
    "STAINS",
    "STRONG",
    "WRIGHT",
    "Camera",
    "Stain",
    "SyntheticCell",
    "SyntheticField",
    "draw_cell",
    "draw_cell_with_masks",
    "draw_field",
    "draw_smear",
]
