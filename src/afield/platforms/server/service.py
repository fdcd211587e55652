"""What all requests share: models, limits, counters, threads, and whether the server is on its way out."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, final

from afield.core.errors import ModelFileError
from afield.platforms.server.batching import MAX_ROWS, Batcher, gains
from afield.platforms.server.failures import Refusal, Unreadable
from afield.platforms.server.inference import Request, read_request, write_answer
from afield.platforms.server.metrics import Metrics
from afield.platforms.server.repository import Repository
from afield.platforms.server.served import INLINE_S, Answers, Served
from afield.platforms.server.settings import ServeSettings

#: Bodies up to this size are read between two other requests; larger ones in a thread.
INLINE_BYTES = 65_536
#: Requests that may wait for a thread.
WAITING = 64

T = TypeVar("T")


@final
class Service:
    """The state of one process.

    Attributes
    ----------
    draining : bool
        New requests get 503; those accepted before are finished.
    flying : int
        Requests being answered.
    arrivals : int
        Requests so far.
    """

    def __init__(self, settings: ServeSettings, repository: Repository, token: str = "") -> None:
        self.settings, self.repository, self.token = settings, repository, token.encode()
        self.metrics = Metrics()
        self.draining = False
        self.flying = self.arrivals = 0
        self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="answer")
        self._busy = 0
        self._batchers: weakref.WeakKeyDictionary[Served, Batcher | None] = weakref.WeakKeyDictionary()

    @property
    def ready(self) -> bool:
        """Whether all models are there and new requests are taken."""
        return not self.draining and bool(self.repository.served)

    async def infer(self, served: Served, body: bytes, header: str | None) -> tuple[bytes, int | None]:
        """Return the answer to a request of the protocol: (body, length of its JSON part).

        Raises
        ------
        Refusal
        """
        if len(body) > INLINE_BYTES:
            return await self.in_thread(lambda: self._whole(served, body, header))
        request = read_request(served, body, header)
        answers = await self.answers(served, request)
        return write_answer(served, request, answers)

    async def answers(self, served: Served, request: Request) -> Answers:
        """Return all outputs for a feed that has been read; raises ``Refusal``."""
        try:
            batcher = self._batcher(served)
            if batcher is not None and request.rows <= MAX_ROWS // 4:
                answers = await batcher.run(request.feed, request.rows)
            elif served.row_s + served.batched_row_s * (request.rows - 1) <= INLINE_S:
                answers = served.run(request.feed)
                self.batched(served, request.rows)
            else:
                answers = await self.in_thread(lambda: served.run(request.feed))
                self.batched(served, request.rows)
        except ModelFileError as error:
            raise Unreadable(error) from error
        self.metrics.rows.labels(served.name, served.version).inc(request.rows)
        return answers

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, within the time-out.

        Raises
        ------
        Refusal
            ``server.busy``, ``server.timeout``.
        """
        if self._busy >= WAITING:
            raise Refusal("server.busy", f"{WAITING} requests are waiting already.", fix="Ask again later.")
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._free)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.settings.timeout_s)
        except TimeoutError as error:
            raise Refusal(
                "server.timeout", f"There was no answer within {self.settings.timeout_s:g} s.", fix="Send fewer rows."
            ) from error

    def batched(self, served: Served, rows: int) -> None:
        """Take down that rows went through a graph together."""
        self.metrics.batches.labels(served.name).observe(rows)

    def _whole(self, served: Served, body: bytes, header: str | None) -> tuple[bytes, int | None]:
        request = read_request(served, body, header)
        try:
            answers = served.run(request.feed)
        except ModelFileError as error:
            raise Unreadable(error) from error
        self.batched(served, request.rows)
        self.metrics.rows.labels(served.name, served.version).inc(request.rows)
        return write_answer(served, request, answers)

    def _batcher(self, served: Served) -> Batcher | None:
        if served not in self._batchers:
            wanted = self.settings.batch == "on" or (self.settings.batch == "auto" and gains(served))
            self._batchers[served] = Batcher(served, lambda n: self.batched(served, n)) if wanted else None
        return self._batchers[served]

    def _free(self, future: asyncio.Future[T]) -> None:
        self._busy -= 1
        if not future.cancelled():
            future.exception()  # seen, where nobody waits any more
