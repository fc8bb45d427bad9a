"""Output folders that are filled whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, EISDIR, ENOSPC, EROFS
from os import strerror
from pathlib import Path

from cells.errors import InputError

_NO_ROOM = (ENOSPC, EDQUOT, EFBIG, EROFS)


@contextmanager
def staged_folder(out: Path, *, outdated: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """Give an empty folder whose files move to ``out`` together when the block ends without an exception.

    Parameters
    ----------
    out : Path
        Folder to be filled; made where it is missing. Files of the same name in it are replaced, others
        stay.
    outdated : callable, optional
        Says of the name of a file in ``out`` whether it belongs to the files that are replaced: it is removed
        where the block did not write it anew. Without it nothing is removed.

    Yields
    ------
    Path
        Temporary folder within ``out``.

    Raises
    ------
    InputError
        Where ``out`` cannot be made or written to.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".tmp-", dir=out))
    except OSError as error:
        _remove_empty(made)
        raise _refusal(out, error) from error
    try:
        yield stage
        _move(stage, out, outdated)
    except OSError as error:
        if error.errno not in _NO_ROOM and not _lies_in(error, out):
            raise
        raise _refusal(out, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _remove_empty(made)


def _lies_in(error: OSError, folder: Path) -> bool:
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)


def _move(stage: Path, out: Path, outdated: Callable[[str], bool] | None) -> None:
    sources = sorted(path for path in stage.rglob("*") if path.is_file())
    for source in sources:
        if (out / source.relative_to(stage)).is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR), str(out / source.relative_to(stage)))
    for source in sources:
        target = out / source.relative_to(stage)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    written = {source.relative_to(stage) for source in sources}
    for path in sorted(out.iterdir()) if outdated else ():
        if outdated and outdated(path.name) and path.relative_to(out) not in written and path.is_file():
            path.unlink()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _refusal(out: Path, error: OSError) -> InputError:
    return InputError(f"cannot write to {out}: {error.strerror}; choose another output folder with --out")
