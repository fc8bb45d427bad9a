"""Counts to percentages: the leukocyte formula with exact intervals, reference ranges and flags."""
