"""Going over the fields of a smear: a sample of them to find the pixel size, then all of them in parallel."""

import hashlib
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

import numpy as np

from cells.errors import CalibrationError, NoSmearError
from cells.records import Field, Refusal, RGBImage
from leukoformula.settings import Settings
from slides.calibration import Calibration, calibrate

Progress = Callable[[str, int, int], None]
"""Takes the name of a stage, the number of steps done and the number of all steps."""

Answer = TypeVar("Answer")
Given_co = TypeVar("Given_co", covariant=True)


class Fields(Protocol):
    """Fields that are read one by one when they are asked for; ``slides.reader.Smear`` is one."""

    def __len__(self) -> int:
        """Return the number of candidate images and pages."""

    def field(self, index: int) -> Field | Refusal:
        """Read one candidate; ``index`` counts from 0."""


class JoinedFields:
    """Several smears one after another, as one.

    Parameters
    ----------
    parts : sequence of Fields
        The smears, at least one.
    """

    def __init__(self, parts: Sequence[Fields]) -> None:
        self._parts = tuple(parts)
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        """Return the number of candidate images and pages."""
        return self._ends[-1]

    def field(self, index: int) -> Field | Refusal:
        """Read one candidate; ``index`` counts from 0 over all parts."""
        part = bisect_right(self._ends, index)
        return self._parts[part].field(index - (self._ends[part - 1] if part else 0))


def silent(stage: str, done: int, total: int) -> None:
    """Take a step of progress and tell nobody.

    Parameters
    ----------
    stage : str
        Name of the stage.
    done, total : int
        Steps done, and all steps.
    """


def calibrate_smear(smear: Fields, *, settings: Settings, progress: Progress = silent) -> Calibration:
    """Find the pixel size of a smear from the settings, the files, or a sample of its fields.

    Parameters
    ----------
    smear : Fields
        The smear.
    settings : Settings
        Gives the pixel size, or the number of fields to measure, which are spread evenly over the smear.
    progress : callable, optional
        Is told of each field.

    Returns
    -------
    Calibration
        Pixel size and where it comes from.

    Raises
    ------
    CalibrationError
        Where no pixel size can be had.
    NoSmearError
        Where none of the sampled fields can be read.
    """
    refused: list[Refusal] = []
    sample = _sample(smear, settings.calibration_fields, progress, refused)
    try:
        return calibrate(sample, um_per_px=settings.um_per_px)
    except CalibrationError as error:
        if len(refused) < min(len(smear), settings.calibration_fields):
            raise
        raise NoSmearError(
            f"no field can be read ({refused[0].name}: {refused[0].reason}); give fields of a stained smear"
        ) from error


def map_fields(
    smear: Fields,
    function: Callable[[Field], Answer],
    *,
    workers: int = 2,
    progress: Progress = silent,
    seen: dict[bytes, str] | None = None,
    prefix: str = "",
) -> Iterator[Answer | Refusal]:
    """Apply a function to every field, several at a time; the answers come in the order of the fields.

    Of fields with the same pixels, whatever their files, the first is answered and the others are refused:
    their cells would be counted twice.

    Parameters
    ----------
    smear : Fields
        The smear.
    function : callable
        Takes a field; it runs in several threads.
    workers : int
        Number of threads. At most three fields for each are held in memory.
    progress : callable, optional
        Is told of each field.
    seen : dict of bytes to str, optional
        Fingerprints of the fields that were answered before and their names; those of this smear are added.
        Give one dict to several smears whose cells must not be counted twice.
    prefix : str, optional
        What stands before the names of this smear in ``seen``.

    Yields
    ------
    Answer or Refusal
        The answer for each field, or why the field could not be read or is not counted.
    """

    def work(index: int) -> _Answered[Answer] | Refusal:
        item = smear.field(index)
        if isinstance(item, Refusal):
            return item
        return _Answered(prefix + item.name, _fingerprint(item.image), function(item))

    waiting: deque[Future[_Answered[Answer] | Refusal]] = deque()
    seen = {} if seen is None else seen
    done = 0
    pool = ThreadPoolExecutor(workers)
    try:
        for index in range(len(smear)):
            waiting.append(pool.submit(work, index))
            if len(waiting) > 2 * workers:
                yield _once(waiting.popleft().result(), seen)
                progress("looking at fields", done := done + 1, len(smear))
        while waiting:
            yield _once(waiting.popleft().result(), seen)
            progress("looking at fields", done := done + 1, len(smear))
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Answered(Generic[Given_co]):
    name: str
    fingerprint: bytes
    answer: Given_co


def _once(item: _Answered[Answer] | Refusal, seen: dict[bytes, str]) -> Answer | Refusal:
    if isinstance(item, Refusal):
        return item
    if item.fingerprint in seen:
        reason = f"is the same picture as {seen[item.fingerprint]}, which is counted; leave one of them out"
        return Refusal(item.name, reason)
    seen[item.fingerprint] = item.name
    return item.answer


def _fingerprint(image: RGBImage) -> bytes:
    # SHA-1 for its speed, 1 ms per MB: two fields of a smear do not collide by chance.
    digest = hashlib.sha1(repr(image.shape).encode(), usedforsecurity=False)
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()


def _sample(smear: Fields, most: int, progress: Progress, refused: list[Refusal]) -> Iterator[Field]:
    count = min(len(smear), most)
    seen: set[bytes] = set()
    for number in range(count):
        progress("measuring erythrocytes", number + 1, count)
        item = smear.field(number * len(smear) // count)
        if isinstance(item, Refusal):
            refused.append(item)
        elif (fingerprint := _fingerprint(item.image)) not in seen:
            seen.add(fingerprint)
            yield item
