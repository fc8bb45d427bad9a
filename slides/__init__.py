"""From files to fields: reading, white point, optical density, calibration, quality, synthetic smears."""
