"""Crops of cells, their nucleus and cell masks, and the measures of a morphologist on them."""
