"""When a draining server ends: soon after the last request, and however long somebody keeps asking."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("uvicorn")
from afield.platforms.server import running
from unit.platforms.server.asked import make_service


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(running, "time", found)
    return found


def ends_after(server: Any, clock: Clock, service: Any, *, asking: bool, limit_s: float = 60.0) -> float:
    """Return the seconds from the signal to the end, ticking as the server does."""
    server.handle_exit(signal.SIGTERM, None)
    start = clock.now
    while not asyncio.run(server.on_tick(1)):
        clock.now += 0.1
        service.arrivals += asking
        assert clock.now - start < limit_s
    return clock.now - start


def test_a_quiet_server_ends_at_once_and_a_busy_one_in_time(tmp_path: Path, clock: Clock) -> None:
    for asking, wanted in ((False, running.QUIET_S), (True, running.LONGEST_S)):
        service = make_service(tmp_path)
        server = running.make_server(service, lambda: None)
        assert not asyncio.run(server.on_tick(1))
        assert ends_after(server, clock, service, asking=asking) == pytest.approx(wanted, abs=0.2)
        assert service.draining


def test_what_is_being_answered_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    service = make_service(tmp_path)
    service.flying = 1
    server = running.make_server(service, lambda: None)
    with pytest.raises(AssertionError):
        ends_after(server, clock, service, asking=False)
