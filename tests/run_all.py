"""Everything that must hold before a change is merged, in order: style, types, imports, docs, tests.

``make test`` and ``.ci/run`` call it. Every step runs even when an earlier one failed, so that one run shows all;
the tests come last, so that their closing line is the last thing printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sysconfig.get_path("scripts"))
WORKERS = "2"  # CI has two cores; each test keeps to one thread

#: heading -> command
STEPS: dict[str, list[str]] = {
    "Style: ruff check": [str(BIN / "ruff"), "check", "."],
    "Style: ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    "Types: mypy": [str(BIN / "mypy"), "--no-error-summary"],
    "Imports: import-linter": [str(BIN / "lint-imports"), "--no-logo"],
    "Docs: generated pages are fresh": [sys.executable, "docs/build.py", "--check"],
    "Tests: pytest": [sys.executable, "-m", "pytest", "-rfEs", "-n", WORKERS, "--dist", "worksteal", *sys.argv[1:]],
}


def run(heading: str, command: list[str]) -> bool:
    """Run one step in the repository's root and say how it went; the tests' own closing line stays the last."""
    print(f"\n== {heading}", flush=True)
    started = time.monotonic()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if "pytest" not in heading:
        outcome = "ok" if done.returncode == 0 else f"FAILED (exit code {done.returncode})"
        print(f"   {outcome}, {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run all steps and return the exit code."""
    *checks, tests = STEPS.items()
    failed = [heading for heading, command in checks if not run(heading, command)]
    if failed:
        print(f"\nfailed before the tests: {', '.join(failed)}", flush=True)
    return 0 if run(*tests) and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
