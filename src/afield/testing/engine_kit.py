"""The conformance kit for engines: ``check_engine(make_engine)`` passes, or says what an engine does wrong.

Public, for whoever writes an engine. It needs workers on this machine, for it kills them by their process id.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from afield.engines.protocol import Done, Engine, Job
from afield.testing.engine_jobs import HERE

#: how long anything here may take before it counts as never happening
PATIENCE_S = 60.0


def gather(engine: Engine, count: int) -> list[Done]:
    """Poll until ``count`` attempts have ended.

    Raises
    ------
    AssertionError
        They do not end in time, or an attempt ends twice.
    """
    ended: list[Done] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(ended) < count:
        ended += engine.poll(1.0)
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(ended)} of {count} attempts ended within {PATIENCE_S:g} s")
    keys = [(done.id, done.attempt) for done in ended]
    _same(len(set(keys)), len(keys), "every attempt ends once")
    _same(len(ended), count, "nothing ends that was not submitted")
    return ended


def check_engine(make_engine: Callable[[int], Engine], *, seed: int = 0) -> None:
    """Hold an engine to its contract.

    Parameters
    ----------
    make_engine : callable
        Takes the number of jobs that run at once and returns a new engine.
    seed : int
        Of the order in which workers are killed.

    Raises
    ------
    AssertionError
        With what was wanted and what was found.
    """
    with tempfile.TemporaryDirectory(prefix="afield-engine-") as name:
        folder = Path(name)
        engine = make_engine(2)
        try:
            _true(isinstance(engine, Engine), "the engine has every method of the protocol")
            _true(engine.capacity() >= 1, "capacity() is at least 1")
            _same(engine.poll(0.0), [], "poll() of an engine without work is empty")
            _check_answers(engine)
            _check_errors(engine)
            _check_shared(engine, folder)
            _check_losses(engine)
            _check_limits(engine, folder)
            _check_cancel(engine, folder)
            _check_many(engine)
            _check_kills(engine, folder, random.Random(seed))  # noqa: S311  a schedule, not a secret
        finally:
            engine.close()
        engine.close()  # a second time is allowed
        _check_close(make_engine, folder)


def _true(found: object, rule: str) -> None:
    if not found:
        raise AssertionError(f"broken: {rule}")


def _same(found: object, wanted: object, rule: str) -> None:
    if found != wanted:
        raise AssertionError(f"broken: {rule}: wanted {wanted!r:.300}, found {found!r:.300}")


def _run(engine: Engine, function: str, config: Mapping[str, Any], timeout_s: float | None = None) -> Done:
    engine.submit(Job(id=function, attempt=0, function=HERE + function, config=config), timeout_s=timeout_s)
    return gather(engine, 1)[0]


def _wait_for(condition: Callable[[], bool], rule: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        _true(time.monotonic() < deadline, rule)
        time.sleep(0.01)


def _await_files(engine: Engine, paths: Sequence[Path]) -> None:
    """Wait until jobs have begun, polling, for an engine may start them there."""

    def all_there() -> bool:
        _same(engine.poll(0.0), [], "a long job does not end early")
        return all(path.exists() for path in paths)

    _wait_for(all_there, "jobs begin")


def _check_answers(engine: Engine) -> None:
    """Check that what comes back is what was returned, whatever else the worker prints."""
    config = {"text": 'ä 漢 \ud800 \n\0"', "list": [1, 2.5, 1e300, None, True], "nested": {"": [[]]}, "big": 1 << 70}
    done = _run(engine, "echo", config)
    _same((done.outcome, done.result), ("ok", config), "a result comes back as it was returned")
    _same((done.id, done.attempt), ("echo", 0), "a result bears its job's id and attempt")
    _true(done.wall_s >= 0 and done.cpu_s >= 0, "times are not negative")
    done = _run(engine, "noise", config)
    _same((done.outcome, done.result), ("ok", config), "prints of a worker do not touch its result")
    done = _run(engine, "large", {"bytes": 5_000_000})
    _same(len((done.result or {}).get("text", "")), 5_000_000, "a result may be large")
    config = {"text": "x" * 5_000_000}
    _same(_run(engine, "echo", config).result, config, "a config may be large")


def _check_errors(engine: Engine) -> None:
    """Check that what a function raises, or returns against the contract, is an error with its reason."""
    for kind in ("ValueError", "MemoryError", "SystemExit"):
        done = _run(engine, "fail", {"type": kind, "text": "grün"})
        _same((done.outcome, done.reason), ("error", f"{kind}: grün"), "an exception ends as error with its reason")
        _true("Traceback" in done.detail and "engine_jobs" in done.detail, "an error's detail is the traceback")
    for function in ("text", "nan", "no_such_function"):
        _same(_run(engine, function, {}).outcome, "error", f"{function} ends as error")


def _check_shared(engine: Engine, folder: Path) -> None:
    """Check that a shared file is readable by its reference."""
    path = folder / "shared ä.txt"
    path.write_text("by reference", encoding="utf-8")
    done = _run(engine, "read", {"path": engine.share(path).path})
    _same(done.result, {"text": "by reference"}, "workers read a shared file")


def _check_losses(engine: Engine) -> None:
    """Check that a worker's death is the end of one attempt and of nothing else."""
    for config, word in (({"signal": "SIGKILL"}, "SIGKILL"), ({"signal": "SIGSEGV"}, "SIGSEGV"), ({"code": 3}, "3")):
        done = _run(engine, "die", config)
        _same(done.outcome, "lost", f"a worker that dies by {config} is lost")
        _true(word in done.reason, f"the reason tells how the worker ended: {done.reason!r}")
        _true("last words" in done.detail, "the detail tells what the worker printed last")
    _same(_run(engine, "echo", {"a": 1}).result, {"a": 1}, "the engine works on after a loss")


def _check_limits(engine: Engine, folder: Path) -> None:
    """Check that a job over its time is killed, and no other."""
    began = time.monotonic()
    done = _run(engine, "beat", {"path": str(folder / "slow"), "seconds": 60}, timeout_s=0.3)
    _same(done.outcome, "timeout", "a job over its time ends as timeout")
    _true(0.25 < time.monotonic() - began < 20, "a timeout comes in time")
    _check_silent([folder / "slow"], "a job over its time is stopped")
    _same(_run(engine, "echo", {}, timeout_s=30.0).outcome, "ok", "a job within its time is ok")


def _check_cancel(engine: Engine, folder: Path) -> None:
    """Check that running and waiting jobs can be cancelled."""
    engine.cancel("unknown")
    count = engine.capacity() + 1  # the last one waits
    paths = [folder / f"cancel-{i}" for i in range(count)]
    for i, path in enumerate(paths):
        engine.submit(Job(id=f"c{i}", attempt=0, function=HERE + "beat", config={"path": str(path), "seconds": 60}))
    _await_files(engine, paths[:-1])
    _true(not paths[-1].exists(), "no more jobs run at once than capacity() says")
    for i in reversed(range(count)):
        engine.cancel(f"c{i}")
    _same({d.outcome for d in gather(engine, count)}, {"cancelled"}, "cancelled jobs end as cancelled")
    _check_silent(paths[:-1], "a cancelled job is stopped")


def _check_many(engine: Engine) -> None:
    """Check that every job of many is answered once, with its own result."""
    jobs = [
        Job(id=f"m{i}", attempt=a, function=HERE + "echo", config={"i": i, "a": a}) for i in range(150) for a in (1, 2)
    ]
    for job in jobs:
        engine.submit(job)
    found = {(d.id, d.attempt): d.result for d in gather(engine, len(jobs))}
    _same(found, {(j.id, j.attempt): dict(j.config) for j in jobs}, "each of many jobs has its own result")
    _same(engine.poll(0.0), [], "nothing is left when all have ended")


def _check_kills(engine: Engine, folder: Path, order: random.Random) -> None:
    """Kill workers at random: every attempt ends once, as ok or lost, and lost ones can be tried again."""
    waiting = {f"k{i}": 0 for i in range(24)}  # id -> attempt
    results: dict[str, Any] = {}
    kills = 0
    for key, attempt in waiting.items():
        engine.submit(_beat(key, attempt, folder))
    deadline = time.monotonic() + PATIENCE_S
    while waiting:
        _true(time.monotonic() < deadline, "work goes on while workers are killed")
        running = [p for key, attempt in waiting.items() if (p := folder / f"{key}.{attempt}").exists()]
        if running and kills < 12 and order.random() < 0.3:
            kills += _kill(order.choice(running))
        for done in engine.poll(0.02):
            _same(waiting.get(done.id), done.attempt, "an attempt ends once")
            _true(done.outcome in ("ok", "lost"), f"a killed worker is lost, not {done.outcome}: {done.reason}")
            if done.outcome == "ok":
                results[done.id] = done.result
                del waiting[done.id]
            else:
                waiting[done.id] += 1
                engine.submit(_beat(done.id, done.attempt + 1, folder))
    _same(results, {f"k{i}": {"done": 0.05} for i in range(24)}, "each job has its result in the end")
    _true(kills > 0, "workers were killed")


def _beat(id: str, attempt: int, folder: Path) -> Job:
    config = {"path": str(folder / f"{id}.{attempt}"), "seconds": 0.05}
    return Job(id=id, attempt=attempt, function=HERE + "beat", config=config)


def _kill(path: Path) -> int:
    """Kill the worker that runs the job behind ``path``; it may have ended, or run another by now."""
    try:
        os.kill(int(path.read_text()), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def _check_close(make_engine: Callable[[int], Engine], folder: Path) -> None:
    """Check that ``close`` stops what runs, and that engines made one after another leave no file handles."""
    handles = []
    for turn in range(5):
        engine = make_engine(2)
        path = folder / f"closed-{turn}"
        engine.submit(Job(id="c", attempt=0, function=HERE + "beat", config={"path": str(path), "seconds": 60}))
        _await_files(engine, [path])
        engine.close()
        _check_silent([path], "close() stops running jobs")
        if os.path.isdir("/proc/self/fd"):
            handles.append(len(os.listdir("/proc/self/fd")))
    _true(handles[-1:] <= handles[:1], f"close() gives its file handles back: {handles}")


def _check_silent(paths: Sequence[Path], rule: str) -> None:
    """Wait until the jobs behind ``paths`` no longer touch their files."""

    def silent() -> bool:
        before = [path.stat().st_mtime_ns for path in paths if path.exists()]
        time.sleep(0.05)  # ten touches
        return before == [path.stat().st_mtime_ns for path in paths if path.exists()]

    _wait_for(silent, rule)
