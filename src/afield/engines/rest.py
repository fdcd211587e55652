"""Workers between two engines of one process, kept warm so that the second ``fit`` starts at once."""

from __future__ import annotations

import os
import threading

from afield.engines.frames import frame
from afield.engines.process import WorkerProcess

#: a resting worker ends by itself after this long; no thread of the driver has to watch
REST_S = 120.0

_resting: list[WorkerProcess] = []
_lock = threading.Lock()
_owner = os.getpid()


def _ours() -> list[WorkerProcess]:
    """Return the list, emptied in a forked process: what it inherits is not its own."""
    global _owner  # noqa: PLW0603  the one owner of the list
    if _owner != os.getpid():
        _owner = os.getpid()
        _resting.clear()
    return _resting


def put(worker: WorkerProcess) -> None:
    """Let an idle worker rest."""
    worker.send(frame({"rest_s": REST_S}))
    with _lock:
        _ours().append(worker)


def take(threads: int) -> WorkerProcess | None:
    """Return a resting worker with that thread count, or None."""
    with _lock:
        resting = _ours()
        for worker in [w for w in resting if w.has_ended()]:
            resting.remove(worker)
            worker.kill()
        for worker in reversed(resting):  # the one used last has most in memory
            if worker.threads == threads:
                resting.remove(worker)
                worker.adopted = True
                return worker
    return None


def trim(count: int) -> None:
    """End resting workers until ``count`` are left, the longest at rest first."""
    with _lock:
        resting = _ours()
        while len(resting) > count:
            resting.pop(0).kill()
