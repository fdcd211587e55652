"""What tests need from npm: installed once from a lockfile, into the cache or beside it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

INSTALLED = ".package-lock.json"  # npm writes it into node_modules when it is done


def program(name: str) -> str:
    """Return the path of a program of Node, or fail with what installs it."""
    path = shutil.which(name)
    assert path, f"{name} is not installed: this test needs Node 20 and npm (Debian: apt install nodejs npm)"
    return path


def install(source: Path) -> Path:
    """Return the ``node_modules`` of the lockfile in ``source``; below ``$AFIELD_NODE_CACHE`` where that is set."""
    cache = os.environ.get("AFIELD_NODE_CACHE")
    folder = Path(cache) / source.name if cache else source
    done = folder / "node_modules" / INSTALLED
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests run in several processes
        _install(source, folder, done)
    return done.parent


def _install(source: Path, folder: Path, done: Path) -> None:
    lock = source / "package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    if folder != source:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, folder / name)
    command = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, f"npm ci failed in {folder}:\n{ran.stderr}"
    done.touch()
