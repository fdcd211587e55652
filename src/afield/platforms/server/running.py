"""Starts and stops the server: one process here, several through ``workers``.

On SIGTERM or SIGINT the server drains: readiness and new requests get 503 and their connections close, accepted
requests are finished, and only when nothing has come for a moment the sockets close. SIGHUP loads all models anew.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from afield.core.errors import ProblemError
from afield.core.lazy import need
from afield.platforms.server.app import make_app
from afield.platforms.server.logs import start_logging, tell
from afield.platforms.server.repository import Repository
from afield.platforms.server.service import Service
from afield.platforms.server.settings import ServeSettings

uvicorn: Any = need("uvicorn", purpose="The server")

#: Without a request for so long, a draining server closes its sockets; those who keep asking hold it up no longer
#: than the second.
QUIET_S, LONGEST_S = 1.0, 10.0
BACKLOG = 2048


def open_socket(settings: ServeSettings) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    ProblemError
        ``problem.option``: the address is taken, not there, or not allowed.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        raise ProblemError(
            "problem.option",
            f"The server cannot listen there: {error.strerror}.",
            where="--host, --port",
            got=f"{settings.host}:{settings.port}",
            fix="Choose another port, or --port 0 for a free one.",
        ) from error
    return opened


def load_models(settings: ServeSettings) -> Repository:
    """Return the models, all of them; raises what the first that fails raises."""
    repository = Repository(settings.sources)
    if failures := repository.load_all():
        raise failures[0]
    return repository


def run(settings: ServeSettings, listening: socket.socket | None = None) -> None:
    """Serve until a signal ends it.

    Raises
    ------
    ProblemError
        ``problem.option``.
    ModelFileError
        See ``Served``.
    """
    start_logging(settings.log_level)
    service = Service(settings, load_models(settings), settings.token())
    opened = listening or open_socket(settings)
    host, port = opened.getsockname()[:2]
    names = sorted({s.name for s in service.repository.served})

    def ready() -> None:
        if listening is None:
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"http://{shown}:{port}/ serves {', '.join(names)}\n")
            sys.stdout.flush()
        tell(logging.INFO, "started", host=host, port=port, models=names)

    if not settings.is_loopback and not service.token:
        tell(logging.WARNING, "open", what="Anyone who reaches this address can ask: there is no token.")
    gc.collect()
    gc.freeze()  # what is loaded by now stays, so no collection between requests has to walk through it
    make_server(service, ready).run(sockets=[opened])
    tell(logging.INFO, "stopped", requests=service.arrivals)


def make_server(service: Service, ready: Callable[[], None]) -> Any:
    """Return a uvicorn server that drains before it ends; it calls ``ready`` once it takes requests and signals."""

    class Draining(uvicorn.Server):  # type: ignore[misc]  # uvicorn comes with an extra
        signalled = last = 0.0  # times of the signal and of the last request seen
        seen = -1

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            del frame
            if service.draining and sig == signal.SIGINT:
                self.force_exit = self.should_exit = True  # the second Ctrl-C
            elif not service.draining:
                service.draining = True
                self.signalled = self.last = time.monotonic()
                tell(logging.INFO, "draining", signal=signal.Signals(sig).name, in_flight=service.flying)

        async def on_tick(self, counter: int) -> bool:
            ended = bool(await super().on_tick(counter))
            if service.draining and not ended:
                now = time.monotonic()
                if service.arrivals != self.seen:
                    self.seen, self.last = service.arrivals, now
                return not service.flying and (now - self.last > QUIET_S or now - self.signalled > LONGEST_S)
            return ended

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if hasattr(signal, "SIGHUP"):
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: _reload(service))
            ready()

    return Draining(
        uvicorn.Config(
            make_app(service), log_config=None, access_log=False, lifespan="off", server_header=False, http="httptools",
            timeout_graceful_shutdown=int(service.settings.timeout_s) + 1, proxy_headers=False, ws="none",
        )
    )  # fmt: skip


_reloads: set[asyncio.Future[Any]] = set()


def _reload(service: Service) -> None:
    async def work() -> None:
        try:
            failures: list[Any] = await asyncio.to_thread(service.repository.load_all)
        except Exception as error:  # noqa: BLE001 - the folder may be gone; what is served stays
            failures = [error]
        for failure in failures:
            tell(logging.ERROR, "not loaded", what=str(failure))
        service.metrics.models.set(len(service.repository.served))
        tell(logging.INFO, "reloaded", models=sorted({s.name for s in service.repository.served}))

    task = asyncio.ensure_future(work())
    _reloads.add(task)
    task.add_done_callback(_reloads.discard)
