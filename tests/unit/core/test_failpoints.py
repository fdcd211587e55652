"""Failpoints: nothing without the variable, death at the k-th passing with it."""

import os
import signal
import subprocess
import sys

import pytest

from afield.core.failpoints import VARIABLE

SCRIPT = """
from afield.core.failpoints import failpoint
for i in range(4):
    print(i, flush=True)
    failpoint("journal.write")
"""


@pytest.mark.parametrize(
    ("value", "code", "lines"),
    [
        ("", 0, 4),
        ("ensemble:1", 0, 4),
        ("journal.write", -signal.SIGKILL, 1),
        ("journal.write:3", -signal.SIGKILL, 3),
        ("journal.write:5", 0, 4),
    ],
)
def test_the_process_dies_at_the_kth_passing(value: str, code: int, lines: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | {VARIABLE: value}, stdout=subprocess.PIPE, check=False
    )
    assert (ran.returncode, len(ran.stdout.split())) == (code, lines)
