"""Held interrupts: the block runs to its end, and Ctrl-C comes then."""

import signal
import threading

import pytest

from afield.core.interrupts import held_interrupts


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt):
        _interrupted(steps)
    assert steps == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _interrupted(steps: list[str]) -> None:
    with held_interrupts(), held_interrupts():
        signal.raise_signal(signal.SIGINT)
        steps.append("whole")
    steps.append("never")


def test_without_an_interrupt_nothing_happens() -> None:
    with held_interrupts():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_get_no_signals_and_change_nothing() -> None:
    found = []

    def run() -> None:
        with held_interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
