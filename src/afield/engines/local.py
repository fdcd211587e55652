"""The engine of one machine: own worker processes, one job at a time each, nothing shared but files.

A worker that ends, by whatever cause, is seen at once: its channel closes, and its process is looked at four times a
second while ``poll`` runs. That is the heartbeat; on one machine silence of a living process is only slow work, and
``timeout_s`` is the answer to that. Everything here happens inside ``submit``, ``poll`` and ``cancel``; the
driver has no threads of ours.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from afield.core.errors import DataError, EngineError
from afield.core.interrupts import held_interrupts
from afield.engines import rest
from afield.engines.frames import frame
from afield.engines.process import WorkerProcess
from afield.engines.protocol import Done, Job, Outcome, Ref

TICK_S = 0.25
START_LIMIT_S = 120.0
START_ATTEMPTS = 3
#: a start that was killed from outside says less of the installation than one that ended by itself
KILLED_START = 0.25


@dataclass
class _Task:
    """A job on its way. ``running_since`` is None until its worker is known to be ready."""

    job: Job
    framed: bytes
    timeout_s: float | None
    running_since: float | None = None


@dataclass
class _Slot:
    """A worker, what it does, and since when it has been starting."""

    worker: WorkerProcess
    since: float
    task: _Task | None = None


class LocalEngine:
    """Runs jobs in ``jobs`` processes of this machine.

    Parameters
    ----------
    jobs : int
        How many jobs run at once, at least 1.
    memory_bytes : int
        What all workers together may use; each has an equal share. A worker whose own memory (resident, without the
        pages it shares, such as mapped files) is over its share is killed, and its job ends as "error" with the
        reason ``memory: used X of Y``: a second attempt would need as much. 0: no limit. It is looked at four times a
        second, in ``poll``; a limit on the address space would stop LightGBM and onnxruntime, which reserve far more
        than they use.
    folder : Path, optional
        The folder that jobs run in; the driver's own where None.
    preload : sequence of str
        Modules that each worker imports as it starts, while the driver does other things.
    threads : int
        The thread count of jobs to come. Workers with another count are started when a job asks for it.

    Raises
    ------
    EngineError
        ``engine.failed``: no worker can be started.
    """

    def __init__(
        self,
        jobs: int,
        *,
        memory_bytes: int = 0,
        folder: Path | None = None,
        preload: Sequence[str] = (),
        threads: int = 1,
    ) -> None:
        if jobs < 1:
            raise EngineError("engine.failed", f"An engine needs at least one worker, not {jobs}.", fix="--jobs 1")
        self._jobs, self._share_bytes = jobs, memory_bytes // jobs
        self._folder, self._preload = folder, tuple(preload)
        self._queue: deque[_Task] = deque()
        self._known: set[tuple[str, int]] = set()  # all attempts on their way
        self._ended: list[Done] = []
        self._slots: list[_Slot] = []
        self._selector = selectors.DefaultSelector()
        self._failures, self._ticked, self._closed, self._owner = 0.0, 0.0, False, os.getpid()
        for _ in range(jobs):
            self._add(threads)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def capacity(self) -> int:
        """Return how many jobs run at once."""
        return self._jobs

    def share(self, path: Path) -> Ref:
        """Return a reference to a file or folder; workers of this machine open it where it is.

        Raises
        ------
        DataError
            ``data.not_found``.
        """
        if not path.exists():
            raise DataError("data.not_found", "There is nothing to share with the workers.", where=str(path))
        return Ref(str(path.resolve()))

    @held_interrupts()
    def submit(self, job: Job, *, timeout_s: float | None = None) -> None:
        """Queue a job; it ends as "timeout" ``timeout_s`` after it starts running.

        Raises
        ------
        TypeError, ValueError
            The job's config is not JSON, or this attempt is already on its way.
        """
        self._check_open()
        if (job.id, job.attempt) in self._known:
            raise ValueError(f"attempt {job.attempt} of job {job.id!r} is already on its way")
        message = {"function": job.function, "config": dict(job.config)}
        self._queue.append(_Task(job, frame({"job": message}), timeout_s))
        self._known.add((job.id, job.attempt))
        self._dispatch()

    def poll(self, timeout_s: float) -> list[Done]:
        """Return the attempts that ended, waiting up to ``timeout_s`` for the first.

        Returns an empty list when none did, and at once when no job is on its way.

        Raises
        ------
        EngineError
            ``engine.failed``: workers end before they are ready; with what they printed.
        """
        self._check_open()
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            self._step(0.0 if self._ended or not self._known else max(0.0, left))
            if self._ended or left <= 0 or not self._known:
                ended, self._ended = self._ended, []
                return ended

    @held_interrupts()
    def cancel(self, id: str) -> None:
        """Stop all attempts of a job; each ends as "cancelled". A job that is not on its way is ignored."""
        self._check_open()
        for task in [t for t in self._queue if t.job.id == id]:
            self._queue.remove(task)
            self._end(task, "cancelled", reason="cancelled before it began")
        for slot in [s for s in self._slots if s.task and s.task.job.id == id]:
            self._stop(slot, "cancelled", "cancelled while it ran")
        self._dispatch()

    @held_interrupts()
    def close(self) -> None:
        """Stop all jobs. Idle workers rest for the next engine of this process; busy ones are killed."""
        if self._closed:
            return
        self._closed = True
        self._selector.close()
        self._queue.clear()
        slots, self._slots = self._slots, []
        if self._owner != os.getpid():  # a forked copy of the driver: the workers are not its own
            return
        for slot in slots:
            if slot.worker.ready and not slot.task and not slot.worker.has_ended():
                rest.put(slot.worker)
            else:
                slot.worker.kill()
        rest.trim(self._jobs)

    def _check_open(self) -> None:
        if self._closed or self._owner != os.getpid():
            raise EngineError("engine.failed", "The engine is closed, or belongs to the process that forked this one.")

    def _add(self, threads: int) -> None:
        """Take or start a worker, and listen to it."""
        try:
            worker = rest.take(threads) or WorkerProcess(threads)
        except EngineError:
            self.close()
            raise
        worker.begin(self._preload, self._folder)
        slot = _Slot(worker, time.monotonic())
        self._slots.append(slot)
        self._selector.register(worker.channel, selectors.EVENT_READ, slot)
        self._selector.register(worker.stderr, selectors.EVENT_READ, slot)

    def _remove(self, slot: _Slot) -> tuple[str, str]:
        """Kill a worker; return how it ended and what it printed last."""
        self._slots.remove(slot)
        for file in (slot.worker.channel, slot.worker.stderr):
            if file in self._selector.get_map():
                self._selector.unregister(file)
        return slot.worker.kill()

    def _dispatch(self) -> None:
        """Hand queued jobs, in order, to idle workers."""
        while self._queue:
            idle = [s for s in self._slots if not s.task]
            threads = self._queue[0].job.threads
            slot = next(
                (s for s in sorted(idle, key=lambda s: not s.worker.ready) if s.worker.threads == threads), None
            )
            if slot is None:
                if not idle:
                    return
                self._remove(idle[0])
                self._add(threads)
                continue
            task = slot.task = self._queue.popleft()
            task.running_since = time.monotonic() if slot.worker.ready else None
            if slot.worker.ready:  # what one says while it starts is why it does not
                slot.worker.forget_stderr()
            self._send(slot, task.framed)

    def _send(self, slot: _Slot, framed: bytes) -> None:
        """Send, and ask to be told when the rest can be sent."""
        done = slot.worker.send(framed)
        events = selectors.EVENT_READ if done else selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.modify(slot.worker.channel, events, slot)

    def _step(self, wait_s: float) -> None:
        """Wait for something to happen and deal with it."""
        now = time.monotonic()
        running = [s.task for s in self._slots if s.task and s.task.running_since]
        limits = [(t.running_since or now) + t.timeout_s - now for t in running if t.timeout_s]
        events = self._selector.select(max(0.0, min([wait_s, TICK_S, *limits])))
        with held_interrupts():  # Ctrl-C ends the wait, and never leaves a job half taken in
            self._deal_with(events)

    def _deal_with(self, events: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, mask in events:
            slot: _Slot = key.data
            if slot not in self._slots:
                continue
            if key.fileobj is slot.worker.stderr:
                if not slot.worker.drain():
                    self._selector.unregister(slot.worker.stderr)
                continue
            if mask & selectors.EVENT_WRITE:
                self._send(slot, b"")
            if mask & selectors.EVENT_READ:
                self._listen(slot)
        self._watch()
        self._dispatch()

    def _listen(self, slot: _Slot) -> None:
        messages, more = slot.worker.receive()
        for message in messages:
            if slot in self._slots:
                self._heed(slot, message)
        if not more and slot in self._slots:
            slot.worker.wait(10.0)
            self._lose(slot)

    def _heed(self, slot: _Slot, message: dict[str, Any]) -> None:
        """Deal with one message of a worker."""
        if message.get("ready") == slot.worker.begun:
            slot.worker.ready, self._failures = True, 0.0
            if slot.task:
                slot.task.running_since = time.monotonic()
        elif "stale" in message:
            self._replace(slot)
        elif "done" in message and slot.task:
            task, slot.task = slot.task, None
            self._finish(task, Done(id=task.job.id, attempt=task.job.attempt, **message["done"]))

    def _watch(self) -> None:
        """Look at clocks, and a few times a second at processes and memory."""
        now = time.monotonic()
        for slot in list(self._slots):
            task = slot.task
            if task and task.timeout_s and task.running_since and now >= task.running_since + task.timeout_s:
                self._listen(slot)  # it may have made it just in time
                if slot.task is task:
                    self._stop(slot, "timeout", f"ran longer than {task.timeout_s:g} s")
        if now < self._ticked + TICK_S:
            return
        self._ticked = now
        for slot in list(self._slots):
            if slot.worker.has_ended():
                self._listen(slot)
                if slot in self._slots:
                    self._lose(slot)
            elif not slot.worker.ready and now > slot.since + START_LIMIT_S:
                self._lose(slot)
            elif slot.task and self._share_bytes and (used := _own_bytes(slot.worker.pid)) > self._share_bytes:
                self._stop(slot, "error", f"memory: used {used / 1e6:.0f} MB of {self._share_bytes / 1e6:.0f} MB")

    def _finish(self, task: _Task, done: Done) -> None:
        self._known.discard((task.job.id, task.job.attempt))
        self._ended.append(done)

    def _end(self, task: _Task, outcome: Outcome, *, reason: str, detail: str = "") -> None:
        """Record an end that the worker did not report itself."""
        wall_s = time.monotonic() - task.running_since if task.running_since else 0.0
        done = Done(
            id=task.job.id, attempt=task.job.attempt, outcome=outcome, reason=reason, detail=detail, wall_s=wall_s
        )
        self._finish(task, done)

    def _stop(self, slot: _Slot, outcome: Outcome, reason: str) -> None:
        """End a running job from outside: kill its worker and start another."""
        task, slot.task = slot.task, None
        _, printed = self._replace(slot)
        if task:
            self._end(task, outcome, reason=reason, detail=printed)

    def _replace(self, slot: _Slot) -> tuple[str, str]:
        """Kill a worker and start another; a job that it never began goes back to the front."""
        how = self._remove(slot)
        self._refill(slot)
        return how

    def _refill(self, slot: _Slot) -> None:
        if slot.task:
            self._queue.appendleft(slot.task)
            slot.task = None
        self._add(slot.worker.threads)

    def _lose(self, slot: _Slot) -> None:
        """Deal with a worker that ended by itself."""
        if slot.worker.ready:
            task, slot.task = slot.task, None
            how, printed = self._replace(slot)
            if task:
                self._end(task, "lost", reason=how, detail=printed)
            return
        how, printed = self._remove(slot)
        if not slot.worker.adopted:  # a worker at rest may end in the moment it is woken
            self._failures += KILLED_START if slot.worker.killed else 1.0
        if self._failures < START_ATTEMPTS:
            self._refill(slot)
            return
        self.close()
        raise EngineError(
            "engine.failed",
            f"Workers end before they are ready: {how}.",
            got=printed or "nothing printed",
            fix="see what they printed; `afield doctor` tells what is broken in this installation",
        )


def _own_bytes(pid: int) -> int:
    """Return the resident memory of a process that it shares with nobody, in bytes."""
    import psutil

    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess:
        return 0
    return int(memory.rss - getattr(memory, "shared", 0))  # only Linux tells what is shared
