"""kill -9 and Ctrl-C against the real command: nothing finished is lost or repeated, and the file stays the same.

"The same" is byte for byte. Ten kills each, instead of two: ``AFIELD_FULL=1 pytest tests/attacks/test_kills_fit.py``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest

from afield.core.failpoints import FAILPOINTS, VARIABLE
from afield.model.model import Model
from afield.search.journal import read_journal
from afield.search.trial import STUDENT

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

FULL = bool(os.environ.get("AFIELD_FULL"))
KILLS = 10 if FULL else 2
#: failpoint -> the highest passing that a whole run still reaches in the driver
PASSINGS = {
    "journal.write": 40, "journal.half": 40, "journal.synced": 40, "artifact.replace": 14, "file.replace": 7,
    "ensemble": 4,
}  # fmt: skip
FIT = ("fit", "table.csv", "--target", "grade", "--effort", "quick", "--jobs", "2", "--out", "model.onnx", "--quiet")
STUDY = "grade-1"


def test_every_failpoint_is_attacked() -> None:
    assert PASSINGS.keys() == FAILPOINTS.keys()


def write_table(path: Path, rows: int = 120) -> None:
    """Numbers with holes, a category and a date: every family of encoders takes part."""
    draw = np.random.default_rng(11)
    size, depth = draw.normal(size=rows), draw.normal(size=rows)
    site = draw.choice(["north", "south", "reef"], rows)
    good = size + (site == "reef") + 0.5 * draw.normal(size=rows) > 0
    lines = ["size,depth,site,seen,grade"]
    for i in range(rows):
        hole = "" if i % 9 == 0 else f"{depth[i]:.4f}"
        lines.append(f"{size[i]:.4f},{hole},{site[i]},2024-0{1 + i % 9}-1{i % 7},{'good' if good[i] else 'poor'}")
    path.write_text("\n".join(lines) + "\n")


class Place:
    """A folder with the table, in which the command runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        write_table(folder / "table.csv")
        self.study = folder / ".afield" / "studies" / STUDY
        self.kept: dict[Path, tuple[int, int]] = {}
        self.known: Counter[tuple[str, str]] = Counter()

    def start(self, *arguments: str, failpoint: str = "", hash_seed: str = "2") -> subprocess.Popen[str]:
        environment = os.environ | {VARIABLE: failpoint, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"}
        environment.pop("AFIELD_HOME", None)
        return subprocess.Popen(
            [sys.executable, "-m", "afield", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, failpoint: str = "", hash_seed: str = "2") -> tuple[int, str]:
        return ended(self.start(*arguments, failpoint=failpoint, hash_seed=hash_seed))

    @property
    def begun(self) -> bool:
        """True when the study has its first line, so that there is something to go on with."""
        return ("study", "asked") in self.records()

    def records(self) -> Counter[tuple[str, str]]:
        journal = self.study / "journal.jsonl"
        if not journal.exists() or not journal.stat().st_size:
            return Counter()
        return Counter((r["kind"], r["name"]) for r in read_journal(journal))

    def check(self) -> None:
        """What was recorded stays, once, and the files of finished work are never written again."""
        records = self.records()
        twice = {name: n for name, n in records.items() if n > 1}
        assert not twice, f"repeated: {twice}"
        assert self.known.keys() <= records.keys(), "lost"
        now = {path: marks(path) for kind, name in records if kind == "job" for path in self.files(name)}
        changed = [path for path, mark in self.kept.items() if now.get(path) != mark]
        assert not changed, f"done again: {changed[:3]}"
        self.known, self.kept = records, now

    def files(self, job: str) -> list[Path]:
        """Return the files that a finished job left."""
        split, *rest = job.split("/")
        folder = self.study / "splits" / split
        if len(rest) == 1:
            return [folder / "features" / f"{rest[0]}.state", folder / "features" / f"{rest[0]}.npy"]
        trial, fold = rest
        return [folder / "trials" / trial / f"fold-{fold}.state", folder / "trials" / trial / f"answers-{fold}.npy"]

    def go_on(self, failpoint: str = "") -> subprocess.Popen[str]:
        """Fit, or resume where there is something to go on with."""
        if self.begun:
            return self.start("resume", STUDY, "--quiet", failpoint=failpoint)
        for left in (self.study / "journal.jsonl", self.study / "journal.jsonl.lock"):
            left.unlink(missing_ok=True)  # so that the next study gets the same name
        if self.study.exists():
            self.study.rmdir()
        return self.start(*FIT, failpoint=failpoint)

    def finish(self) -> bytes:
        """Go on to the end, without kills, and check the outcome."""
        code, said = ended(self.go_on())
        assert code == 0, said
        return self.outcome()

    def outcome(self) -> bytes:
        self.check()
        content = (self.folder / "model.onnx").read_bytes()
        assert Model(content).verify().passed
        records = self.records()
        trials = [name for kind, name in records if kind == "trial"]
        assert sum(name.startswith("main/0") for name in trials) == 8
        assert sum(name.startswith(f"main/{STUDENT}-") for name in trials) == 4
        assert ("study", "finished") in records
        left = list(self.folder.rglob("*.part"))
        assert not left, left
        return content


def marks(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def workers_of(pid: int) -> list[psutil.Process]:
    return [
        p
        for p in psutil.process_iter(["cmdline", "status"])
        if (line := p.info["cmdline"])
        and "afield.engines.worker" in line
        and line[-1] == str(pid)
        and p.info["status"] != psutil.STATUS_ZOMBIE
    ]


def ended(driver: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the command and for its workers to be gone; return its code and what it said."""
    out, said = driver.communicate(timeout=180)
    deadline = time.monotonic() + 10
    while left := workers_of(driver.pid):
        assert time.monotonic() < deadline, f"workers outlive their driver: {left}"
        time.sleep(0.02)
    assert "Traceback" not in said, said
    return driver.returncode, out + said


def wait_for(condition: object, driver: subprocess.Popen[str], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """The file that an undisturbed run writes, under another hash seed, and how long that took."""
    place = Place(tmp_path_factory.mktemp("whole") / "w")
    began = time.monotonic()
    code, said = place.run(*FIT, hash_seed="1")
    assert code == 0, said
    return place.outcome(), time.monotonic() - began


@pytest.mark.parametrize("name", PASSINGS)
def test_kills_at_a_failpoint_lose_nothing(name: str, tmp_path: Path, whole: tuple[bytes, float]) -> None:
    order = random.Random(name)
    place, killed, studies = Place(tmp_path / "0"), 0, 1
    while killed < KILLS:
        passing = order.randint(1 if place.begun or name != "journal.write" else 3, PASSINGS[name])
        code, said = ended(place.go_on(f"{name}:{passing}"))
        assert code in (0, -signal.SIGKILL), said
        place.check()
        killed += code != 0
        if code == 0:  # so little was left that the point was not passed so often: once more from the start
            assert place.outcome() == whole[0]
            place, studies = Place(tmp_path / str(studies)), studies + 1
    assert place.finish() == whole[0]
    print(f"{name}: {killed} kills in {studies} studies")


def test_kills_of_the_driver_at_random_moments_lose_nothing(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    order = random.Random(7)
    place, killed, studies = Place(tmp_path / "0"), 0, 1
    while killed < KILLS:
        driver = place.go_on()
        time.sleep(order.uniform(0.1, 0.6) * whole[1])
        driver.kill()
        code, said = ended(driver)
        assert code in (0, -signal.SIGKILL), said
        place.check()
        killed += code != 0
        if ("study", "finished") in place.records():
            assert place.outcome() == whole[0]
            place, studies = Place(tmp_path / str(studies)), studies + 1
    assert place.finish() == whole[0]
    print(f"random: {killed} kills in {studies} studies")


def test_kills_of_workers_cost_attempts_and_no_trial(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    order = random.Random(3)
    killed, turn = 0, 0
    while killed < KILLS:
        place, turn = Place(tmp_path / str(turn)), turn + 1
        driver = place.start(*FIT)
        wait_for(lambda place=place: len(place.records()) > 3, driver)
        while driver.poll() is None and killed < KILLS:
            time.sleep(order.uniform(0.5, 1.0))
            # three starts in a row that fail end an engine: mostly, let workers start
            born = time.time() - (0.0 if killed % 3 == 2 else 2.0)
            if workers := [w for w in workers_of(driver.pid) if w.create_time() < born]:
                order.choice(workers).kill()
                killed += 1
        code, said = ended(driver)
        assert code == 0, said
        assert place.outcome() == whole[0]
    print(f"workers: {killed} kills in {turn} studies")


def test_ctrl_c_in_the_search_ends_with_a_valid_model_that_says_so(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    place = Place(tmp_path / "0")
    driver = place.start(*FIT)
    wait_for(lambda: any(kind == "trial" for kind, _ in place.records()), driver)
    os.killpg(driver.pid, signal.SIGINT)  # as a terminal does it
    code, said = ended(driver)
    assert code == 0, said
    model = Model.load(place.folder / "model.onnx")
    assert model.verify().passed
    assert model.card.score is not None
    assert model.card.score.how == "out_of_fold"
    assert "stopped" in model.card.score.text
    assert any("stopped" in note for note in model.card.notes)
    code, said = place.run("show", "model.onnx")
    assert code == 0
    assert "stopped" in said
    code, said = place.run("resume", STUDY, "--quiet")  # and goes on to what it would have been
    assert code == 0, said
    assert (place.folder / "model.onnx").read_bytes() == whole[0]


@pytest.mark.error_code("study.stopped")
def test_ctrl_c_before_the_first_trial_says_so(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    place = Place(tmp_path / "0")
    driver = place.start(*FIT)
    stopped: set[int] = set()

    def searching() -> bool:
        for worker in workers_of(driver.pid):  # they sleep, so that nothing can be finished
            if worker.pid not in stopped:
                worker.suspend()
                stopped.add(worker.pid)
        return len(stopped) == 2 and ("study", "understood") in place.records()

    wait_for(searching, driver)
    time.sleep(1.0)
    os.killpg(driver.pid, signal.SIGINT)
    code, said = ended(driver)
    assert code == 130, said
    assert "Stopped before the first trial was done." in said
    assert "afield resume" in said
    assert not (place.folder / "model.onnx").exists()
    assert place.finish() == whole[0]


@pytest.mark.error_code("data.changed")
def test_changed_data_is_refused(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    place = Place(tmp_path / "0")
    assert place.run(*FIT, failpoint="journal.synced:9")[0] == -signal.SIGKILL
    table = place.folder / "table.csv"
    before = table.read_text()
    table.write_text(before.replace("north", "south", 1))
    code, said = place.run("resume", STUDY)
    assert code == 2
    assert "data.changed" in said
    assert "table.csv" in said
    table.write_text(before)
    assert place.finish() == whole[0]


def test_data_that_is_gone_does_not_stop_a_study(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    place = Place(tmp_path / "0")
    assert place.run(*FIT, failpoint="ensemble")[0] == -signal.SIGKILL
    (place.folder / "table.csv").unlink()
    code, said = place.run("resume", STUDY)
    assert code == 0, said
    assert "own copy" in said
    assert place.outcome() == whole[0]


@pytest.mark.error_code("study.busy")
def test_a_running_study_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path / "0")
    driver = place.start(*FIT)
    wait_for(lambda: place.begun, driver)
    for command in (("resume", STUDY), ("studies", "--remove", STUDY, "--yes")):
        code, said = place.run(*command)
        if "No such option" in said:
            code, said = place.run(*command[:-1])
        assert code == 6, said
        assert "study.busy" in said
    driver.kill()
    ended(driver)


@pytest.mark.error_code("study.journal")
def test_a_study_killed_before_its_first_line_says_so(tmp_path: Path) -> None:
    place = Place(tmp_path / "0")
    assert place.run(*FIT, failpoint="journal.write:2")[0] == -signal.SIGKILL
    code, said = place.run("resume", STUDY)
    assert code == 6
    assert "nothing to go on with" in said
