"""What a figure was measured on and how: the machine, the versions, and a command watched while it runs."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
LIBRARIES = ("afield", "numpy", "onnx", "onnxruntime", "lightgbm", "scikit-learn", "pandas")
#: the command line of the afield that this Python runs
AFIELD = (sys.executable, "-m", "afield")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit() -> str:
    done = subprocess.run(
        ("git", "describe", "--always", "--dirty"), check=False, cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip()


@cache
def fingerprint() -> dict[str, object]:
    """Return what the figures depend on besides the code that is measured."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }


@dataclass(frozen=True)
class Run:
    """A finished command: what it wrote, how it ended and what it took; memory is that of its process tree."""

    exit_code: int
    out: str
    err: str
    wall_s: float
    load: float  # processes that wanted a core over the last minute, when it began
    rss_mb: float  # sum over the processes: pages that several share count several times
    pss_mb: float  # shared pages count once; 0 where the system does not tell

    @property
    def events(self) -> list[dict]:
        """The JSON objects that it wrote, one a line."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


def watch(command, *, home: Path, cwd: Path, timeout_s: float, env=()) -> Run:
    """Run a command with its own ``AFIELD_HOME`` and take its time and peak memory."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    settings = {**os.environ, "AFIELD_HOME": str(home), **dict(env)}
    began = time.perf_counter()
    with (cwd / "out.txt").open("w+") as out, (cwd / "err.txt").open("w+") as err:
        process = subprocess.Popen(
            [str(c) for c in command], cwd=cwd, env=settings, stdout=out, stderr=err, start_new_session=True
        )
        peaks, done = [0.0, 0.0], threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, peaks, done), daemon=True)
        sampler.start()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            err.write(f"\nkilled after {timeout_s:.0f} s\n")
        wall_s = time.perf_counter() - began
        done.set()
        sampler.join()
        out.seek(0)
        err.seek(0)
        return Run(process.returncode, out.read(), err.read(), wall_s, load, *peaks)


def _sample(pid: int, peaks: list[float], done: threading.Event) -> None:
    """Keep the largest memory, in MB, that the tree had at one moment."""
    turn = 0
    while not done.wait(0.1):
        try:
            top = psutil.Process(pid)
            tree = [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        rss = pss = 0.0
        for process in tree:
            try:
                rss += process.memory_info().rss
                if turn % 4 == 0:  # proportional sizes cost more to ask for
                    pss += getattr(process.memory_full_info(), "pss", 0)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        peaks[:] = [max(peaks[0], rss / 2**20), max(peaks[1], pss / 2**20)]
        turn += 1


def row_ms(answer, rows, repeats: int = 500) -> float:
    """Return the median milliseconds that ``answer`` takes for one of the rows."""
    taken = []
    for turn in range(repeats):
        row = rows[turn % len(rows)]
        began = time.perf_counter()
        answer(row)
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000


def session_row_ms(model, rows) -> float:
    """Return the median milliseconds of one row of a frame through the graph alone, in one thread."""
    import onnxruntime

    from afield.model.rows import feed_rows

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.bytes, options, providers=["CPUExecutionProvider"])
    feeds = [feed_rows(model.schema, rows.iloc[[i]])[0] for i in range(len(rows))]
    return row_ms(lambda feed: session.run(None, feed), feeds)
