"""The exceptions of the whole project, and the exit code of each.

::

    LeukoformulaError            1
    ├── UsageError               2   the command line or a setting asks for what cannot be
    └── RefusedError             3   an input or a model is refused
        ├── InputError               a file or folder: missing, unreadable, wrong type, empty, too large
        │   └── NoSmearError         an image that shows no blood smear
        ├── CalibrationError         no pixel size can be had
        ├── ModelError               a model is missing, altered or of an unknown format
        └── DataError                a table, manifest, settings or range file with a fault
    PartialFailure               4   some items of a batch failed, the others are done
"""


class LeukoformulaError(Exception):
    """Base of every error that this project raises on purpose; its text says what, where and what to do."""

    exit_code = 1


class UsageError(LeukoformulaError):
    """The command line or a setting asks for what cannot be."""

    exit_code = 2


class RefusedError(LeukoformulaError):
    """An input or a model is refused."""

    exit_code = 3


class InputError(RefusedError):
    """A file or folder is missing, unreadable, empty, of the wrong type or too large."""


class NoSmearError(InputError):
    """An image shows no stained blood smear."""


class CalibrationError(RefusedError):
    """No pixel size can be had for a smear."""


class ModelError(RefusedError):
    """A model is missing, altered or of an unknown format."""


class DataError(RefusedError):
    """A table, manifest, settings or range file has a fault."""


class PartialFailure(LeukoformulaError):  # noqa: N818 - it reports what did succeed as well
    """Some items of a batch failed; the others are done."""

    exit_code = 4
