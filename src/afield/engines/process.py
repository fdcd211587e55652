"""One worker process as its driver sees it: started, spoken to, watched, killed."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import site
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afield.core.errors import EngineError
from afield.core.failpoints import VARIABLE
from afield.engines.frames import Frames, frame

#: read once, when a library is loaded; so a worker keeps its thread count for life
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS",
)  # fmt: skip
WORKER = "afield.engines.worker"
TAIL_BYTES = 8_000
CHUNK_BYTES = 1 << 20

_every: weakref.WeakSet[WorkerProcess] = weakref.WeakSet()


def _environment(threads: int) -> dict[str, str]:
    """Return what a worker's environment should be: the driver's, its thread count, and no failpoint."""
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}  # failpoints are for drivers
    return kept | dict.fromkeys(THREAD_VARIABLES, str(threads))


def _start_environment(threads: int) -> dict[str, str]:
    """Return an environment in which ``python -m afield...`` finds this very afield, shadowing nothing else."""
    environment = _environment(threads)
    root = str(Path(__file__).resolve().parents[2])
    if root not in (*site.getsitepackages(), site.getusersitepackages()):  # those would then come before the library
        paths = [root, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment


class WorkerProcess:
    """A worker that runs jobs with ``threads`` threads.

    It has its own session, so Ctrl-C in the terminal reaches the driver alone, and a kill takes its children along.

    Raises
    ------
    EngineError
        ``engine.failed`` when the system starts no process.
    """

    def __init__(self, threads: int) -> None:
        if os.name != "posix":
            raise EngineError(
                "engine.failed",
                "Local workers need a POSIX system.",
                got=sys.platform,
                fix="run it on Linux or macOS, or in the Windows Subsystem for Linux",
            )
        self.threads = threads
        self.begun = 0
        self.ready = self.adopted = False
        self._frames, self._outgoing, self._tail = Frames(), bytearray(), bytearray()
        self.channel, theirs = socket.socketpair()
        life, driver_life = os.pipe()
        stderr, their_stderr = os.pipe()
        self._life, self.stderr = open(driver_life, "wb", 0), open(stderr, "rb", 0)  # noqa: SIM115  closed by kill()
        self.channel.setblocking(False)
        os.set_blocking(stderr, False)
        numbers = (theirs.fileno(), life)
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-P", "-m", WORKER, *map(str, numbers), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=their_stderr,
                stderr=their_stderr,
                pass_fds=numbers,
                env=_start_environment(threads),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._close_handles()
            raise EngineError(
                "engine.failed",
                f"A worker process cannot be started: {error}",
                where=sys.executable or "sys.executable",
            ) from error
        finally:
            theirs.close()
            os.close(life)
            os.close(their_stderr)
        self.pid = self._process.pid
        _every.add(self)

    def begin(self, preload: Sequence[str], folder: Path | None) -> None:
        """Tell the worker whom it serves; it answers ``ready`` with the number ``begun``."""
        self.begun, self.ready = self.begun + 1, False
        here = "/"
        with contextlib.suppress(FileNotFoundError):  # the folder was removed under us
            here = os.getcwd()
        self.send(
            frame(
                {
                    "begin": self.begun,
                    "path": [os.path.join(here, str(entry)) if not str(entry) else str(entry) for entry in sys.path],
                    "environ": _environment(self.threads),
                    "folder": str(folder or here),
                    "preload": list(preload),
                }
            )
        )

    def send(self, framed: bytes) -> bool:
        """Queue bytes and send what can be sent; return whether all of them went."""
        self._outgoing += framed
        try:
            while self._outgoing:
                del self._outgoing[: self.channel.send(self._outgoing)]
        except BlockingIOError:
            return False
        except ConnectionError:  # it is gone; receive() will tell
            self._outgoing.clear()
        return True

    def receive(self) -> tuple[list[dict[str, Any]], bool]:
        """Return the messages that have arrived, and whether the worker can still send more."""
        messages: list[dict[str, Any]] = []
        try:
            while received := self.channel.recv(CHUNK_BYTES):
                messages += self._frames.feed(received)
                if len(received) < CHUNK_BYTES // 8:  # nearly always all there is
                    return messages, True
        except BlockingIOError:
            return messages, True
        except ConnectionError:
            return messages, False
        return messages, False

    def forget_stderr(self) -> None:
        """Begin a new tail, so that a loss is not explained with an earlier job's warnings."""
        self.drain()
        self._tail.clear()

    def drain(self) -> bool:
        """Read what the worker printed, keep its end, and return whether more can come."""
        for _ in range(16):  # a worker that prints without end must not hold the driver
            received = self.stderr.read(CHUNK_BYTES)
            if received is None:
                break
            self._tail += received
            del self._tail[:-TAIL_BYTES]
            if not received:
                return False
        return True

    def has_ended(self) -> bool:
        """Tell whether the process has ended, without releasing its id."""
        if self._process.returncode is not None or not hasattr(os, "waitid"):
            return self._process.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # the program ignores SIGCHLD, or waits for all children itself
            return True

    def wait(self, timeout_s: float) -> None:
        """Wait for a worker that hung up to end, so that its own exit code is known."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def kill(self) -> tuple[str, str]:
        """Kill the worker and its children, release its handles, and return how it ended and its last lines."""
        ended = self.has_ended()
        if self._process.returncode is None:  # the id is still ours
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a zombie
                os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        self.drain()
        self._close_handles()
        _every.discard(self)
        if code >= 0:
            how = f"worker exited with code {code}"
        else:
            how = f"worker ended by {signal.Signals(-code).name}"
            if ended and -code == signal.SIGKILL:
                how += " (from outside; often the system is out of memory)"
        return how, "\n".join(self._tail.decode("utf-8", "replace").splitlines()[-20:])

    @property
    def killed(self) -> bool:
        """Whether a signal ended the process, as of an operator or of a system out of memory."""
        return (self._process.returncode or 0) < 0

    def _close_handles(self) -> None:
        self.channel.close()
        self._life.close()
        self.stderr.close()

    def _disown(self) -> None:
        """In a forked copy of the driver: let go of a process that is not its child."""
        self._close_handles()
        self._process.returncode = 0


def _kill_all() -> None:
    for worker in list(_every):
        worker.kill()


def _disown_all() -> None:
    for worker in list(_every):
        worker._disown()
    _every.clear()


atexit.register(_kill_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
