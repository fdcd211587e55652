"""One process, watched: wall time, processor time and memory of it and of everything that it started.

Libraries start daemons (ray) that leave the process tree. On Linux the harness makes itself the parent of such
orphans, so that they are counted with the system that started them, and ended with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_INTERVAL_S = 0.2
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
)


@dataclass(frozen=True)
class Watched:
    """A finished process and what its tree took."""

    exit_code: int
    out: str
    err: str
    wall_s: float
    cpu_s: float
    rss_mb: float  # largest sum at one moment; pages that several share count several times
    pss_mb: float  # shared pages count once; 0 where the system does not tell
    load: float  # of the machine over the last minute, when it began
    timed_out: bool


def adopt_orphans() -> bool:
    """Make this process the parent of what its children leave behind; return whether the system can."""
    if not sys.platform.startswith("linux"):
        return False
    return ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def environment(threads: int, extra: Mapping[str, str] = {}) -> dict[str, str]:
    """Return the environment of a system: its own Python alone, so many threads, no network for model hubs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "AFIELD_"))}
    kept |= dict.fromkeys(THREADS, str(threads))
    kept |= {"PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1", "RAY_USAGE_STATS_ENABLED": "0", "TQDM_DISABLE": "1"}
    return kept | dict(extra)


def watch(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> Watched:
    """Run a command, sample its tree, end what it leaves behind, and return what all of it took."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    before = _children_cpu_s()
    spared = {process.pid for process in psutil.Process().children(recursive=True)}
    began = time.perf_counter()
    with (cwd / "out.txt").open("wb") as out, (cwd / "err.txt").open("wb") as err:
        process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdout=out, stderr=err, start_new_session=True)
        sampler = _Sampler(spared)
        sampler.start()
        timed_out = False
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        wall_s = time.perf_counter() - began
        sampler.stop()
    _end_orphans(spared)
    return Watched(
        exit_code=process.returncode,
        out=(cwd / "out.txt").read_text(encoding="utf-8", errors="replace"),
        err=(cwd / "err.txt").read_text(encoding="utf-8", errors="replace"),
        wall_s=wall_s,
        # the kernel's sum misses processes that nobody waited for, the samples miss the last moment: neither is too big
        cpu_s=max(_children_cpu_s() - before, sampler.cpu_s),
        rss_mb=sampler.rss_mb,
        pss_mb=sampler.pss_mb,
        load=load,
        timed_out=timed_out,
    )


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Sampler(threading.Thread):
    """Keeps the peak memory of all descendants of this process, and the processor time that each was seen with."""

    def __init__(self, spared: set[int]) -> None:
        super().__init__(daemon=True)
        self._done, self._spared = threading.Event(), spared
        self._seen: dict[tuple[int, float], float] = {}
        self.rss_mb = self.pss_mb = 0.0

    @property
    def cpu_s(self) -> float:
        """Processor seconds of all processes that were seen."""
        return sum(self._seen.values())

    def stop(self) -> None:
        """End the sampling."""
        self._done.set()
        self.join()

    def run(self) -> None:
        """Sample until stopped."""
        me, turn = psutil.Process(), 0
        while not self._done.is_set():
            rss = pss = 0.0
            for process in me.children(recursive=True):
                if process.pid in self._spared:
                    continue
                try:
                    with process.oneshot():
                        times = process.cpu_times()
                        self._seen[process.pid, process.create_time()] = times.user + times.system
                        rss += process.memory_info().rss
                    if turn % 5 == 0:  # proportional sizes cost more to ask for
                        pss += getattr(process.memory_full_info(), "pss", 0)
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            self.rss_mb, self.pss_mb = max(self.rss_mb, rss / 2**20), max(self.pss_mb, pss / 2**20)
            turn += 1
            self._done.wait(_INTERVAL_S)


def _end_orphans(spared: set[int]) -> None:
    """End and reap the descendants that are left, but for those that were there before."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        left = [process for process in psutil.Process().children(recursive=True) if process.pid not in spared]
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
            with contextlib.suppress(ChildProcessError):  # its parent has not ended yet: it becomes ours next turn
                os.waitpid(process.pid, os.WNOHANG)
        time.sleep(0.02)
