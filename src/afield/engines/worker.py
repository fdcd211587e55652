"""The other end of ``engines.local``: a process that takes jobs one at a time and dies with its driver.

Started as ``python -m afield.engines.worker CHANNEL LIFE DRIVER``: two inherited file descriptors and the driver's
process id. Messages travel on the channel alone, so prints and the noise of C libraries cannot damage them. Nothing
heavy is imported here: a worker is ready some 50 ms after its start.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from afield.core.lazy import attribute, need
from afield.engines.frames import Frames, frame

DETAIL_CHARACTERS = 20_000


def die_with_driver(life: int, driver: int) -> None:
    """End this process and its children as soon as the driver is gone, busy or not.

    The driver holds the other end of ``life`` and never writes to it, so anything that happens there is its end. Linux
    then sends SIGKILL to the group, even while C code holds the interpreter's lock. The thread serves other
    systems, and the case that a forked copy of the driver keeps the other end open. (PR_SET_PDEATHSIG would kill when
    the *thread* that started the worker ends.)
    """
    import fcntl

    if sys.platform == "linux":
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)

    def watch() -> None:
        while not select.select([life], [], [], 1.0)[0] and os.getppid() == driver:
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="afield-life").start()


def is_stale(started: float) -> bool:
    """Tell whether a module was edited after this worker began (a notebook and its package under development)."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        with suppress(OSError, TypeError, ValueError):
            if path and os.stat(path).st_mtime > started:
                return True
    return False


def begin(message: dict[str, Any]) -> None:
    """Take over the driver's import path, environment and folder, and import what its jobs will need."""
    sys.path[:] = message["path"]
    for name in os.environ.keys() - message["environ"].keys():
        del os.environ[name]
    os.environ.update(message["environ"])
    os.chdir(message["folder"])
    for module in message["preload"]:
        with suppress(Exception):  # the job that needs it says what is wrong with it
            need(module, purpose="a job")


def _cpu_s() -> float:
    return time.process_time() + sum(os.times()[2:4])  # own, all threads, and ended children


def run(job: dict[str, Any]) -> bytes:
    """Run one job and return its framed answer, whatever happens."""
    wall, cpu = time.perf_counter(), _cpu_s()

    def answer(**fields: Any) -> bytes:
        spent = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu}
        return frame({"done": {**fields, **spent}})

    try:
        result = attribute(job["function"])(job["config"])
        if not isinstance(result, Mapping):
            raise TypeError(f"{job['function']} returned {type(result).__name__}, not a JSON object")
        return answer(outcome="ok", result=dict(result))
    except BaseException as error:  # noqa: BLE001  whatever a job does, SystemExit too, is an outcome and not our end
        story = traceback.TracebackException.from_exception(error)
        reason = "".join(story.format_exception_only()).strip().removeprefix(f"{type(error).__module__}.")
        return answer(outcome="error", reason=reason, detail="".join(story.format())[-DETAIL_CHARACTERS:])


def serve(channel: socket.socket) -> None:
    """Answer messages until the driver hangs up, or a rest has lasted long enough."""
    started, frames = time.time(), Frames()
    while received := channel.recv(1 << 20):
        for message in frames.feed(received):
            channel.settimeout(None)
            if "job" in message:
                channel.sendall(run(message["job"]))
            elif "rest_s" in message:
                gc.collect()
                channel.settimeout(message["rest_s"])
            elif message["begin"] > 1 and is_stale(started):
                channel.sendall(frame({"stale": message["begin"]}))
                return
            else:
                begin(message)
                channel.sendall(frame({"ready": message["begin"]}))


def main(channel: int, life: int, driver: int) -> None:
    """Serve one driver to the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to decide on
    faulthandler.enable()  # a crash in C leaves its trace on stderr, and so in the reason of the loss
    for handle in (channel, life):
        os.set_inheritable(handle, False)
    die_with_driver(life, driver)
    with suppress(ConnectionError, TimeoutError), socket.socket(fileno=channel) as stream:
        serve(stream)
    os._exit(0)  # nothing here needs a slow goodbye


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
