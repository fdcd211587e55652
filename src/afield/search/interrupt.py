"""Ctrl-C while there is something worth keeping: the first asks the search to end well, the second ends the process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """Whether the user asked to stop; every loop of the driver looks at it."""

    asked: bool = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Turn the first SIGINT into ``asked``; a second one raises KeyboardInterrupt.

        Signals reach the main thread only; elsewhere, and where a host took them over in C, this does nothing.
        """
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or before is None:
            yield
            return

        def hear(number: int, frame: FrameType | None) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True

        signal.signal(signal.SIGINT, hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
