"""What a watched process took, with what it started and what it left behind."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.automl.measure import THREADS, environment, watch

BURN = "import time\nt = time.process_time()\nwhile time.process_time() - t < {}: pass\n"


def test_processor_time_and_memory_include_children(tmp_path):
    code = "import subprocess, sys\nheld = b'x' * 60_000_000\n"
    code += f"subprocess.run([sys.executable, '-c', {BURN.format(0.4)!r}])"
    found = watch([sys.executable, "-c", code], cwd=tmp_path, env=environment(1), timeout_s=60)
    assert found.exit_code == 0
    assert found.cpu_s >= 0.4
    assert found.rss_mb > 60
    assert not found.timed_out


def test_a_process_past_its_time_is_ended(tmp_path):
    found = watch(
        [sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env=environment(1), timeout_s=0.5
    )
    assert found.timed_out
    assert found.exit_code != 0
    assert found.wall_s < 30


def test_what_it_leaves_behind_is_ended_and_others_are_spared(tmp_path):
    code = "import subprocess, sys\nleft = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    code += "print(left.pid)"
    script = (
        "import subprocess, sys, pathlib, psutil, time\n"
        "from benchmarks.automl.measure import adopt_orphans, environment, watch\n"
        "print(adopt_orphans())\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        f"done = watch([sys.executable, '-c', {code!r}], cwd=place, env=environment(1), timeout_s=50)\n"
        "print(psutil.pid_exists(int(done.out)), other.poll())\n"
        "other.kill()\n"
    )
    root = Path(__file__).resolve().parents[3]
    shown = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True).stdout
    adopts, alive, spared = shown.split()
    if adopts == "False":
        pytest.skip("only Linux hands orphans over")
    assert (alive, spared) == ("False", "None")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_environment_states_threads_and_hides_this_python(monkeypatch, threads):
    monkeypatch.setenv("PYTHONPATH", "/here")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = environment(threads)
    assert "PYTHONPATH" not in found
    assert all(found[name] == str(threads) for name in THREADS)
