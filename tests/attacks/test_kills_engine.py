"""kill -9 of a driver, at random moments and at each failpoint: nothing finished is lost or repeated, no worker stays.

The driver is as small as a driver can be: it journals what its workers return, stores a state, writes a file.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from afield.core.failpoints import FAILPOINTS, VARIABLE
from afield.search.artifacts import load_state
from afield.search.journal import Journal, read_journal

TRIALS = 40
KILLS = 10

JOB = """
import os, time
from pathlib import Path
import numpy as np
from afield.search.artifacts import save_state

def run(config):
    with open("ran", "a") as log:
        log.write(f"{config['driver']} {config['id']}\\n")
    time.sleep(0.004)
    state = {"x": np.arange(config["id"] + 1) * 0.5}
    return {"sha256": save_state(Path(f"state-{config['id']}"), state)}
"""

DRIVER = """
import hashlib, os
from pathlib import Path
import numpy as np
from afield.core.failpoints import failpoint
from afield.core.files import write_atomic
from afield.engines.local import LocalEngine
from afield.engines.protocol import Job
from afield.search.artifacts import save_state
from afield.search.journal import Journal

journal = Journal.open(Path("journal"))
told = os.open("told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
done = {r["id"] for r in journal.records if r["kind"] == "trial"}
with LocalEngine(2) as engine:
    for i in sorted(set(range(TRIALS)) - done):
        engine.submit(Job(id=str(i), attempt=0, function="kill_job:run", config={"id": i, "driver": os.getpid()}))
    while len(done) < TRIALS:
        ended = engine.poll(10)
        journal.append([{"kind": "trial", "id": int(d.id), "outcome": d.outcome, **(d.result or {})} for d in ended])
        for d in ended:
            os.write(told, f"{os.getpid()} {d.id}\\n".encode())
            done.add(int(d.id))
    failpoint("ensemble")
    records = sorted((r for r in journal.records if r["kind"] == "trial"), key=lambda r: r["id"])
    sha256 = save_state(Path("ensemble"), {"n": np.array([len(r["sha256"]) for r in records])})
    write_atomic(Path("model"), "\\n".join(r["sha256"] for r in records).encode())
    journal.append({"kind": "end", "sha256": sha256})
""".replace("TRIALS", str(TRIALS))


def start(folder: Path, failpoint: str = "") -> subprocess.Popen[bytes]:
    environment = os.environ | {VARIABLE: failpoint, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", DRIVER], cwd=folder, env=environment, stderr=subprocess.PIPE)


def finish(driver: subprocess.Popen[bytes]) -> int:
    """Wait for a driver and for its workers to be gone."""
    _, said = driver.communicate(timeout=60)
    assert not said, said.decode()
    deadline = time.monotonic() + 10
    while left := workers_of(driver.pid):
        assert time.monotonic() < deadline, f"workers outlive their driver: {left}"
        time.sleep(0.02)
    return driver.returncode


def workers_of(pid: int) -> list[int]:
    found = psutil.process_iter(["pid", "cmdline"])
    return [
        p.info["pid"] for p in found if (line := p.info["cmdline"]) and line[-1] == str(pid) and "afield" in line[3]
    ]


def pairs(path: Path) -> list[tuple[int, int]]:
    """Return (driver, trial) of each line."""
    if not path.exists():
        return []
    return [(int(a), int(b)) for a, b in (line.split() for line in path.read_text().splitlines())]


def check(folder: Path) -> None:
    """Check what must hold after any kill: what was told is recorded, and once."""
    trials = (
        [r["id"] for r in read_journal(folder / "journal") if r["kind"] == "trial"]
        if (folder / "journal").exists()
        else []
    )
    assert len(trials) == len(set(trials))
    told = pairs(folder / "told")
    assert {trial for _, trial in told} <= set(trials)
    drivers = list(dict.fromkeys(driver for driver, _ in pairs(folder / "ran")))
    known: set[int] = set()
    for driver in drivers:  # no driver runs again what an earlier one was told
        assert not known & {trial for d, trial in pairs(folder / "ran") if d == driver}
        known |= {trial for d, trial in told if d == driver}


def check_end(folder: Path) -> bytes:
    check(folder)
    records = read_journal(folder / "journal")
    for record in (r for r in records if r["kind"] == "trial"):
        assert record["outcome"] == "ok"
        assert len(load_state(folder / f"state-{record['id']}", record["sha256"])["x"]) == record["id"] + 1
    assert sum(r["kind"] == "trial" for r in records) == TRIALS
    load_state(folder / "ensemble", records[-1]["sha256"])
    return (folder / "model").read_bytes()


def folder_with_job(path: Path) -> Path:
    path.mkdir()
    (path / "kill_job.py").write_text(JOB)
    return path


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a driver makes that nobody kills."""
    folder = folder_with_job(tmp_path_factory.mktemp("whole") / "study")
    assert finish(start(folder)) == 0
    return check_end(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILPOINTS)
def test_a_kill_at_a_failpoint_loses_nothing(name: str, tmp_path: Path, wanted: bytes) -> None:
    folder = folder_with_job(tmp_path / "study")
    for turn in range(KILLS):
        passing = 1 + turn % 3 if name.startswith("journal") else 1
        assert finish(start(folder, f"{name}:{passing}")) == -signal.SIGKILL
        check(folder)
    assert finish(start(folder)) == 0
    assert check_end(folder) == wanted


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, wanted: bytes) -> None:
    order = random.Random(7)
    began = time.monotonic()
    assert finish(start(folder_with_job(tmp_path / "timed"))) == 0
    usual_s = time.monotonic() - began
    killed = 0
    for turn in range(KILLS):
        folder = folder_with_job(tmp_path / f"study-{turn}")
        driver = start(folder)
        time.sleep(order.uniform(0.2, 1.0) * usual_s)
        driver.kill()
        killed += finish(driver) == -signal.SIGKILL
        check(folder)
        assert finish(start(folder)) == 0
        assert check_end(folder) == wanted
    assert killed >= KILLS // 2


def test_a_busy_worker_dies_with_its_driver(tmp_path: Path) -> None:
    (tmp_path / "busy_job.py").write_text(
        "import ctypes, pathlib\n"
        "def run(config):\n"
        "    pathlib.Path('begun').touch()\n"
        "    ctypes.PyDLL(None).sleep(60)\n"  # PyDLL keeps the interpreter's lock: no thread of Python's can act
    )
    script = (
        "from afield.engines.local import LocalEngine\nfrom afield.engines.protocol import Job\n"
        "engine = LocalEngine(1)\nengine.submit(Job(id='a', attempt=0, function='busy_job:run', config={}))\n"
        "engine.poll(60)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE)
    while not (tmp_path / "begun").exists():
        assert driver.poll() is None
        time.sleep(0.01)
    assert len(workers_of(driver.pid)) == 1
    driver.kill()
    finish(driver)


def test_a_stopped_study_can_be_opened_at_once(tmp_path: Path) -> None:
    folder = folder_with_job(tmp_path / "study")
    assert finish(start(folder, "journal.synced:3")) == -signal.SIGKILL
    with Journal.open(folder / "journal") as journal:
        assert len(journal.records) >= 2


def test_a_misspelt_failpoint_is_not_silent() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import afield.core.failpoints"],
        env=os.environ | {VARIABLE: "jurnal.write"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no such failpoint" in ran.stderr


def test_every_failpoint_named_in_the_code_is_in_the_table() -> None:
    import re

    source = Path(__file__).parents[2] / "src" / "afield"
    text = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    named = set(re.findall(r"""(?:failpoint\(|point(?:: str)? ?= ?|POINT = )"([a-z.]+)\"""", text))
    assert named
    assert named <= FAILPOINTS.keys()
