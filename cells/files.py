"""Writing files whole: a reader sees the old file or the new one, never a part."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cells.errors import InputError

_MOST_DIGITS = 18


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name when the block ends without an exception.

    Parameters
    ----------
    path : Path
        File to be written; its folder is made where it is missing.

    Yields
    ------
    Path
        Empty temporary file with the same suffix, to be written to.

    Raises
    ------
    InputError
        Where the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; choose another output folder with --out"
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_integer(text: str) -> int:
    """Read a whole number of a JSON file, for ``parse_int`` of ``json.loads``.

    Parameters
    ----------
    text : str
        Its digits.

    Returns
    -------
    int
        The number.

    Raises
    ------
    ValueError
        Where it has more than 18 digits, as no number of ours has.
    """
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"the number {text[:8]}… has {len(text)} digits")
    return int(text)
