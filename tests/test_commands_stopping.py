"""A request to end, or a closed terminal, tidies up as Ctrl-C does."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from commands.stopping import stopped_cleanly

STOPS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    before = {stop: signal.signal(stop, signal.SIG_DFL) for stop in STOPS}
    yield
    for stop, handler in before.items():
        signal.signal(stop, handler)


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_is_an_interrupt_and_the_handlers_come_back(stop: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), stopped_cleanly():
        signal.raise_signal(stop)
    assert [signal.getsignal(one) for one in STOPS] == [signal.SIG_DFL] * len(STOPS)


def test_a_second_stop_does_not_break_off_the_tidying() -> None:
    tidied = []
    with pytest.raises(KeyboardInterrupt), stopped_cleanly():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            for stop in STOPS:
                os.kill(os.getpid(), stop)
            tidied.append(True)
    assert tidied


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_that_is_ignored_stays_ignored(stop: signal.Signals) -> None:
    signal.signal(stop, signal.SIG_IGN)
    with stopped_cleanly():
        signal.raise_signal(stop)
    assert signal.getsignal(stop) is signal.SIG_IGN


def test_another_thread_changes_nothing() -> None:
    seen: list[object] = []

    def work() -> None:
        with stopped_cleanly():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
