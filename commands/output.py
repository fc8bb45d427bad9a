"""Output folders that are filled whole or not at all."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import EDQUOT, EFBIG, EISDIR, ENOSPC, EROFS
from os import strerror
from pathlib import Path

from cells.errors import InputError

if sys.platform != "win32":
    import fcntl

NO_ROOM = (ENOSPC, EDQUOT, EFBIG, EROFS)
"""Errors of the system that say that nothing more can be written there."""


@contextmanager
def staged_folder(
    out: Path, *, outdated: Callable[[str], bool] | None = None, replaced: Sequence[str] = ()
) -> Iterator[Path]:
    """Give an empty folder whose files move to ``out`` together when the block ends without an exception.

    Where one of them cannot be moved, or the user breaks off meanwhile, ``out`` is left as it was.

    Parameters
    ----------
    out : Path
        Folder to be filled; made where it is missing. Files of the same name in it are replaced, others
        stay.
    outdated : callable, optional
        Says of the name of a file in ``out`` whether it belongs to the files that are replaced: it is removed
        where the block did not write it anew. Without it nothing is removed.
    replaced : sequence of str, optional
        Patterns of files in folders of ``out`` that are removed likewise, such as ``pictures/[0-9]*.png``.

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
        _move(stage, out, outdated, replaced)
    except OSError as error:
        if error.errno not in NO_ROOM and not _lies_in(error, out):
            raise
        raise _refusal(out, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _remove_empty(made)


def _lies_in(error: OSError, folder: Path) -> bool:
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)


def _move(stage: Path, out: Path, outdated: Callable[[str], bool] | None, replaced: Sequence[str]) -> None:
    sources = sorted(path for path in stage.rglob("*") if path.is_file())
    for source in sources:
        if (out / source.relative_to(stage)).is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR), str(out / source.relative_to(stage)))
    with _alone(out):
        _move_all(stage, out, sources, outdated, replaced)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other run moves its files to the folder: two reports at once would be mixed."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every network drive can lock
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_all(
    stage: Path,
    out: Path,
    sources: list[Path],
    outdated: Callable[[str], bool] | None,
    replaced: Sequence[str],
) -> None:
    moves = {source: out / source.relative_to(stage) for source in sources}
    there = [path for path in sorted(out.iterdir()) if outdated(path.name)] if outdated else []
    there += [path for pattern in replaced for path in sorted(out.glob(pattern))]
    gone = [path for path in there if path not in moves.values() and path.is_file()]
    kept = Path(tempfile.mkdtemp(dir=stage))
    copies = {path: kept / str(n) for n, path in enumerate([*moves.values(), *gone]) if path.is_file()}
    for path, copy in copies.items():
        shutil.copy2(path, copy)
    with ExitStack() as undo:
        for source, target in moves.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            undo.callback(_undo_move, source, target, copies.get(target))
            source.replace(target)
        for path in gone:
            undo.callback(copies[path].replace, path)
            path.unlink()
        undo.pop_all()
    _remove_empty(sorted({path.parent for path in gone} - {out}))


def _undo_move(source: Path, target: Path, copy: Path | None) -> None:
    if source.exists():
        return
    if copy is None:
        target.unlink(missing_ok=True)
    else:
        copy.replace(target)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _refusal(out: Path, error: OSError) -> InputError:
    return InputError(f"cannot write to {out}: {error.strerror}; choose another output folder with --out")
