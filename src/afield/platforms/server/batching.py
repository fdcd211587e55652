"""Rows that arrive together go through the graph together, where that is cheaper than one by one.

Nobody waits for a batch to fill: what one turn of the event loop brings is one batch. So a lone request loses nothing,
and batches grow with the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from afield.core.errors import ModelFileError
from afield.platforms.server.served import Answers, Served

#: Seconds a row that handing it to a batch and back costs, so a model must gain more to be batched.
HANDLING_S = 40e-6
MAX_ROWS = 64

Feed = Mapping[str, NDArray[Any]]


def gains(served: Served) -> bool:
    """Return whether a row in a batch is enough cheaper than a row alone; arrays of free sizes are not joined."""
    joinable = all(-1 not in i.shape[1:] for i in served.inputs)
    return joinable and served.row_s - served.batched_row_s > HANDLING_S


@final
class Batcher:
    """Gathers the rows of one model. Belongs to one event loop."""

    def __init__(self, served: Served, told: Callable[[int], None]) -> None:
        self._served, self._told = served, told
        self._waiting: list[tuple[Feed, int, asyncio.Future[Answers]]] = []
        self._rows = 0

    async def run(self, feed: Feed, rows: int) -> Answers:
        """Return all outputs for the rows; raises ``ModelFileError`` where the graph fails on them."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answers] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((feed, rows, future))
        self._rows += rows
        if self._rows >= MAX_ROWS:
            self._flush()
        return await future

    def _flush(self) -> None:
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if not waiting:
            return
        if len(waiting) == 1:
            self._alone(*waiting[0])
            return
        joined = {n: np.concatenate([feed[n] for feed, _, _ in waiting]) for n in waiting[0][0]}
        try:
            answers = self._served.run(joined)
        except ModelFileError:
            for entry in waiting:  # one of them spoils it: each for itself
                self._alone(*entry)
            return
        at = 0
        self._told(sum(rows for _, rows, _ in waiting))
        for _, rows, future in waiting:
            if not future.done():
                future.set_result({n: v[at : at + rows] for n, v in answers.items()})
            at += rows

    def _alone(self, feed: Feed, rows: int, future: asyncio.Future[Answers]) -> None:
        if future.done():
            return
        try:
            answers = self._served.run(feed)
        except ModelFileError as error:
            future.set_exception(error)
            return
        self._told(rows)
        future.set_result(answers)
