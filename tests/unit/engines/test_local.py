"""The local engine beyond its contract: how it starts, what it keeps warm, what it leaves behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from afield.core.errors import AfieldError, EngineError
from afield.engines import process, rest
from afield.engines.local import LocalEngine
from afield.engines.protocol import Engine, Job
from afield.testing.engine_jobs import HERE
from afield.testing.engine_kit import gather


@pytest.fixture(autouse=True)
def _cold() -> Iterator[None]:
    rest.trim(0)
    yield
    rest.trim(0)


def job(name: str, function: str, config: dict[str, Any] | None = None, threads: int = 1) -> Job:
    return Job(id=name, attempt=0, function=function, config=config or {}, threads=threads)


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def pids(engine: LocalEngine, count: int) -> set[int]:
    for i in range(count):
        engine.submit(job(f"p{i}", HERE + "threads"))
    return {(done.result or {})["pid"] for done in gather(engine, count)}


def test_it_is_an_engine() -> None:
    with LocalEngine(1) as engine:
        assert isinstance(engine, Engine)
        assert engine.capacity() == 1


@pytest.mark.error_code("engine.failed")
def test_no_workers_at_all_is_refused() -> None:
    with pytest.raises(EngineError, match="at least one") as caught:
        LocalEngine(0)
    assert caught.value.code == "engine.failed"


@pytest.mark.error_code("engine.failed")
def test_workers_that_cannot_start_are_told_with_what_they_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WORKER", "afield.no_such_module")
    before = handles()
    engine = LocalEngine(2)
    engine.submit(job("a", HERE + "echo"))
    with pytest.raises(EngineError, match="before they are ready") as caught:
        gather(engine, 1)
    assert caught.value.code == "engine.failed"
    assert "no_such_module" in caught.value.got
    assert not children()
    assert handles() == before


@pytest.mark.error_code("engine.failed")
def test_an_interpreter_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    before = handles()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(EngineError, match="cannot be started") as caught:
        LocalEngine(1)
    assert caught.value.code == "engine.failed"
    assert handles() == before


@pytest.mark.error_code("data.not_found")
def test_sharing_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with LocalEngine(1) as engine, pytest.raises(AfieldError) as caught:
        engine.share(tmp_path / "absent")
    assert caught.value.code == "data.not_found"


def test_one_attempt_cannot_be_on_its_way_twice() -> None:
    with LocalEngine(1) as engine:
        engine.submit(job("a", HERE + "echo"))
        with pytest.raises(ValueError, match="already"):
            engine.submit(job("a", HERE + "echo"))
        gather(engine, 1)
        engine.submit(job("a", HERE + "echo"))
        gather(engine, 1)


def test_a_config_that_is_not_json_is_refused() -> None:
    with LocalEngine(1) as engine:
        with pytest.raises(TypeError):
            engine.submit(job("a", HERE + "echo", {"a": object()}))
        assert engine.poll(0.0) == []


def test_a_closed_engine_takes_no_work() -> None:
    engine = LocalEngine(1)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.submit(job("a", HERE + "echo"))


def test_workers_stay_warm_for_the_next_engine() -> None:
    with LocalEngine(2) as engine:
        first = pids(engine, 20)
    began = time.perf_counter()
    with LocalEngine(2) as engine:
        second = pids(engine, 20)
    assert second <= first
    assert time.perf_counter() - began < 0.5
    with LocalEngine(1) as engine:
        pids(engine, 1)
    assert len(children()) == 1  # what a smaller engine does not need is let go


def test_a_warm_worker_takes_over_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalEngine(1) as engine:
        pids(engine, 1)
    (tmp_path / "late_module.py").write_text(
        "import os\ndef f(c): return {'x': os.environ['LATE'], 'cwd': os.getcwd()}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("LATE", "1")
    with LocalEngine(1, folder=tmp_path) as engine:
        engine.submit(job("a", "late_module:f"))
        assert gather(engine, 1)[0].result == {"x": "1", "cwd": str(tmp_path)}


def test_a_worker_with_an_edited_module_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    module = tmp_path / "edited_module.py"
    found = []
    for version in (1, 2):
        module.write_text(f"def f(c): return {{'version': {version}}}")
        os.utime(module, (time.time() + 5 * version - 9,) * 2)
        with LocalEngine(1) as engine:
            engine.submit(job("a", "edited_module:f"))
            found += [done.result for done in gather(engine, 1)]
    assert found == [{"version": 1}, {"version": 2}]


def test_a_worker_at_rest_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "REST_S", 0.1)
    with LocalEngine(1) as engine:
        first = pids(engine, 1)
    worker = psutil.Process(first.pop())
    worker_ended = time.monotonic() + 10
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < worker_ended
        time.sleep(0.02)
    with LocalEngine(1) as engine:
        assert worker.pid not in pids(engine, 1)


def test_threads_are_set_before_a_library_can_load() -> None:
    with LocalEngine(1) as engine:
        found = []
        for threads in (1, 2, 1):
            engine.submit(job("a", HERE + "threads", threads=threads))
            found += [(done.result or {})["threads"] for done in gather(engine, 1)]
    assert found == ["1", "2", "1"]


def test_preloaded_modules_are_there() -> None:
    with LocalEngine(1, preload=["wave", "no_such_module"]) as engine:
        engine.submit(job("a", "afield.core.lazy:attribute"))  # any function; what counts is that the worker lives
        assert gather(engine, 1)[0].outcome == "error"


def test_memory_over_the_share_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "hungry.py").write_text(
        "import mmap, time\n"
        "def own(c):\n    held = b'x' * c['bytes']\n    time.sleep(c['seconds'])\n    return {'n': len(held)}\n"
        "def mapped(c):\n"
        "    with open(c['path'], 'rb') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:\n"
        "        n = sum(m[i] for i in range(0, len(m), 4096))\n        time.sleep(c['seconds'])\n    return {'n': n}\n"
    )
    shared = tmp_path / "shared.bin"
    shared.write_bytes(b"\1" * 120_000_000)
    with LocalEngine(1, memory_bytes=100_000_000) as engine:
        engine.submit(job("big", "hungry:own", {"bytes": 150_000_000, "seconds": 30}))
        engine.submit(job("small", "hungry:own", {"bytes": 1_000, "seconds": 0.3}))
        engine.submit(job("mapped", "hungry:mapped", {"path": engine.share(shared).path, "seconds": 0.6}))
        ended = {done.id: done for done in gather(engine, 3)}
    assert ended["big"].outcome == "error"
    assert ended["big"].reason.startswith("memory: used 1")
    assert ended["big"].reason.endswith("MB of 100 MB")
    assert [ended[n].outcome for n in ("small", "mapped")] == ["ok", "ok"]


def test_two_hundred_kills_leave_no_processes_and_no_handles(tmp_path: Path) -> None:
    with LocalEngine(2) as engine:
        pids(engine, 4)
        before = handles()
        for i in range(200):
            engine.submit(job(f"k{i}", HERE + "die", {"signal": "SIGKILL"}))
        assert {done.outcome for done in gather(engine, 200)} == {"lost"}
        assert handles() == before
        assert len(children()) == 2
    rest.trim(0)
    assert not children()


def test_children_of_a_worker_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "parent_job.py").write_text(
        "import subprocess, time\ndef f(c):\n    subprocess.Popen(['sleep', '61.75'])\n    time.sleep(60)\n"
    )
    with LocalEngine(1) as engine:
        engine.submit(job("a", "parent_job:f"), timeout_s=0.5)
        assert gather(engine, 1)[0].outcome == "timeout"
    rest.trim(0)
    assert not [p for p in psutil.process_iter(["name", "cmdline"]) if p.info["cmdline"] == ["sleep", "61.75"]]


def test_ctrl_c_is_the_drivers_alone() -> None:
    with LocalEngine(1) as engine:
        (worker,) = pids(engine, 1)
        assert os.getpgid(worker) != os.getpgid(0)
        os.kill(worker, signal.SIGINT)
        assert pids(engine, 1) == {worker}


def test_a_forked_copy_of_the_driver_leaves_the_workers_alone() -> None:
    with LocalEngine(1) as engine:
        (worker,) = pids(engine, 1)
        child = os.fork()
        if child == 0:  # the copy: nothing of this may reach the workers
            engine.close()
            rest.trim(0)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert pids(engine, 1) == {worker}


def test_an_engine_may_live_in_a_thread_that_ends() -> None:
    made: list[LocalEngine] = []
    thread = threading.Thread(target=lambda: made.append(LocalEngine(1)))
    thread.start()
    thread.join()
    with made[0] as engine:
        (worker,) = pids(engine, 1)
        time.sleep(0.1)
        assert pids(engine, 1) == {worker}


SCRIPT = f"""
from afield.engines.local import LocalEngine
from afield.engines.protocol import Job
engine = LocalEngine(2)
engine.submit(Job(id="a", attempt=0, function="{HERE}echo", config={{"x": 1}}))
print(engine.poll(30)[0].result)
"""


@pytest.mark.parametrize("way", ["file", "stdin", "command", "exec"])
def test_it_works_without_a_main_guard(way: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")  # beside the driver, not in it
    arguments = {"file": ["-P", "script.py"], "stdin": ["-P", "-"], "command": ["-P", "-c", SCRIPT]}
    arguments["exec"] = ["-P", "-c", f"exec({SCRIPT!r}, {{'__name__': 'cell'}})"]
    ran = subprocess.run(
        [sys.executable, "-W", "error", *arguments[way]],
        input=SCRIPT if way == "stdin" else "",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "{'x': 1}\n"), ran.stderr
    assert not ran.stderr


def test_the_import_path_of_the_driver_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "package.py").write_text("def f(config):\n    return {'found': True}\n")
    script = SCRIPT.replace(f"{HERE}echo", "package:f")
    ran = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert ran.stdout == "{'found': True}\n", ran.stderr


def test_ctrl_c_at_any_moment_leaves_the_engine_whole() -> None:
    """A driver is hit by SIGINT again and again, and still gets every job back once."""
    main, stop = threading.get_ident(), threading.Event()
    armed, presses = False, 0

    def pressed(number: int, where: object) -> None:
        nonlocal armed, presses
        if armed:
            armed, presses = False, presses + 1
            raise KeyboardInterrupt

    def press() -> None:
        while not stop.wait(0.003):
            signal.pthread_kill(main, signal.SIGINT)

    ended = []
    before = signal.signal(signal.SIGINT, pressed)
    presser = threading.Thread(target=press)
    presser.start()
    try:
        with LocalEngine(2) as engine:
            for i in range(300):
                engine.submit(job(f"i{i}", HERE + ("die" if i % 10 == 0 else "echo"), {"code": 1}))
            deadline = time.monotonic() + 30
            while len(ended) < 300 and engine._known and time.monotonic() < deadline:
                with contextlib.suppress(KeyboardInterrupt):
                    armed = True
                    ended += engine.poll(1.0)
                    armed = False
            ended += engine.poll(0.0)
    finally:
        stop.set()
        presser.join()
        signal.signal(signal.SIGINT, before)
    assert presses > 10
    assert len({done.id for done in ended}) == len(ended)
    assert len(ended) >= 298  # the one moment that is not ours: poll has returned, and its list is not yet taken
    assert {done.outcome for done in ended} == {"ok", "lost"}
