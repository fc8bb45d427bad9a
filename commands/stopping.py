"""Being stopped from outside: a request to end, or a closed terminal, tidies up as Ctrl-C does."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")


@contextmanager
def stopped_cleanly() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise ``KeyboardInterrupt`` within the block.

    A signal that the caller has ignored, as ``nohup`` does, stays ignored. Nothing changes outside the main
    thread, and where the system lacks a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    taken = [number for number in known if before[number] not in {signal.SIG_IGN, None}]

    def stop(number: int, frame: FrameType | None) -> None:
        # Service managers send both signals, one after the other: the second must not break off the tidying.
        for one in taken:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
