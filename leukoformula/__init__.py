"""The face of the library: ``analyse`` turns a smear into a ``SmearResult``.

Importing this package loads nothing heavy; the names below are loaded when they are first asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leukoformula.pipeline import analyse
    from leukoformula.result import Identity, SmearResult
    from leukoformula.settings import Settings

__version__ = "0.1.0"

__all__ = ["Identity", "Settings", "SmearResult", "__version__", "analyse"]

_HOMES = {
    "analyse": "leukoformula.pipeline",
    "Identity": "leukoformula.result",
    "SmearResult": "leukoformula.result",
    "Settings": "leukoformula.settings",
}


def __getattr__(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - keeps `import leukoformula` light

    if name not in _HOMES:
        raise AttributeError(f"module 'leukoformula' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
