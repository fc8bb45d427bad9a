"""Units of length and the fixed lengths of a smear."""

from typing import NewType

Pixels = NewType("Pixels", float)
Microns = NewType("Microns", float)
MicronsPerPixel = NewType("MicronsPerPixel", float)

ERYTHROCYTE_UM = Microns(7.5)
"""Diameter of an erythrocyte on a dried smear: the yardstick of the slide, in µm."""

WINDOW_UM = Microns(21.0)
"""Side of the detector's window, the size of the largest leukocyte: 2.8 erythrocyte diameters of 7.5 µm."""

BOXED_PER_EDGE = 1.14
"""What a box that a person draws around an erythrocyte measures, over the cell's own diameter.

Measured by ``python -m evaluation.calibration``: 104 px against 91 px in ``bccd``, 35 px as stated against
30.7 px in the published crops of single cells. Data sets, and so detector and classifiers, hold to the box.
"""

ERYTHROCYTE_PX_RANGE = (4.0, 2000.0)
"""Diameters of an erythrocyte, in px, that an image of blood cells can have.

Below, no cell can be told; the other end only an enlarged picture of a single cell comes near.
"""

CROP_PX = 112
"""Side of a stored cell crop in pixels."""

CROP_ERYTHROCYTE_PX = Pixels(35.0)
"""Diameter of an erythrocyte in a stored cell crop as a box measures it, in px: 3.2 of them are a side."""

CROP_UM = Microns(CROP_PX / CROP_ERYTHROCYTE_PX * BOXED_PER_EDGE * ERYTHROCYTE_UM)
"""Side of a cell crop for classification, in µm: 27.4."""
