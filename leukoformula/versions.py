"""The versions that a result was made with."""

import platform
from importlib import metadata

LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "opencv-python-headless",
    "tifffile",
    "ai-edge-litert",
)
"""Distributions whose version may bear on a result."""


def versions() -> dict[str, str]:
    """Return the versions of this program, of Python and of the libraries that may bear on a result.

    Returns
    -------
    dict of str to str
        Version by name; ``"unknown"`` for a library without metadata.
    """
    from leukoformula import __version__  # noqa: PLC0415 - the package must not need this module

    found = {"leukoformula": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found
