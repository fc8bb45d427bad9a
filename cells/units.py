"""Units of length and the fixed lengths of a smear."""

from typing import NewType

Pixels = NewType("Pixels", float)
Microns = NewType("Microns", float)
MicronsPerPixel = NewType("MicronsPerPixel", float)

ERYTHROCYTE_UM = Microns(7.5)
"""Diameter of an erythrocyte on a dried smear: the yardstick of the slide, in µm."""

WINDOW_UM = Microns(21.0)
"""Side of the detector's window, the size of the largest leukocyte: 2.8 erythrocyte diameters, in µm."""

CROP_UM = Microns(24.0)
"""Side of a cell crop for classification: 3.2 erythrocyte diameters, in µm."""

CROP_PX = 112
"""Side of a stored cell crop in pixels; an erythrocyte then measures 35 px."""

CROP_ERYTHROCYTE_PX = Pixels(35.0)
"""Erythrocyte diameter in a stored cell crop, in px."""
