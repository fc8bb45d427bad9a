"""Classifiers held against each other on the same labelled cells: figures, tests, agreement, a verdict."""
