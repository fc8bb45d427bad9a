"""The trained models that ship with the program: one folder each, with a ``manifest.json``."""
