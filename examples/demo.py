"""The whole of afield in about a minute: a table becomes a file, and plain onnxruntime answers with it.

It runs the real command line in the folder ``out``, and then the lines of plain onnxruntime that the README prints.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out"
SHELLS = Path("../examples/shellfish")
MADE = ("shellfish.onnx", "answers.csv", "report.html", ".afield")  # by this script: removed when it runs again

COMMANDS = (
    f"afield fit {SHELLS / 'shellfish.csv'} --target rings --out shellfish.onnx",
    "afield show shellfish.onnx",
    "afield verify shellfish.onnx",
    f"afield predict shellfish.onnx {SHELLS / 'new.csv'} --keep tag --out answers.csv",
    "afield studies",
    "afield report rings-1 report.html",
)


def main() -> None:
    """Run everything; a command that fails ends it."""
    started = time.monotonic()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in order with the commands' own output
    OUT.mkdir(exist_ok=True)
    for name in MADE:
        path = OUT / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for command in COMMANDS:
        run(command)
    print((OUT / "answers.csv").read_text(encoding="utf-8"))
    say("the same file in plain onnxruntime, without afield")
    lines = plain_lines()
    print(lines)
    environment = os.environ | {"PYTHONPATH": ""}
    subprocess.run([sys.executable, "-c", lines], cwd=OUT, env=environment, check=True)
    print(f"\nmodel   {OUT / 'shellfish.onnx'}")
    print(f"report  {OUT / 'report.html'}  (open it in a browser)")
    print(f"time    {time.monotonic() - started:.0f} s")


def plain_lines() -> str:
    """Return the README's lines of plain onnxruntime."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(import numpy as np, onnxruntime.*?)```", readme, re.DOTALL)
    if found is None:
        raise SystemExit("README.md lacks its lines of plain onnxruntime")
    return found[1]


def run(command: str) -> None:
    """Print a command and run it in the folder ``out``, by the afield of this Python."""
    say(f"$ {command}")
    program, *arguments = shlex.split(command)
    subprocess.run([Path(sysconfig.get_path("scripts")) / program, *arguments], cwd=OUT, check=True)
    print()


def say(line: str) -> None:
    """Print a heading."""
    print(f"\033[1m{line}\033[0m" if sys.stdout.isatty() else line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"the demo stopped: {error}")
