"""Isolated environments for converters and runtimes whose pins conflict with ours: made on request, kept in a cache.

An environment is a folder of the user's cache, named after its pins, so that new pins make a new one. It is complete
or not there: it is made under another name and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from afield.core.errors import MissingDependencyError, OutputError

HERE = Path(__file__).parent
MODULE = "afield.platforms.phone.neural.environments"
TIME_LIMIT_S = 3_600
_MADE = "made.json"
_ROOM = 2.0  # pip unpacks beside what it keeps


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What an environment is, and what it costs.

    Parameters
    ----------
    name, title : str
    size_mb, minutes : int
        On the disk, and to make it; as once measured.
    """

    name: str
    title: str
    size_mb: int
    minutes: int

    @property
    def lock(self) -> Path:
        """The file of its pins."""
        return HERE / "locks" / f"{self.name}.txt"

    @property
    def torch(self) -> str:
        """The requirement for torch: a build without GPU libraries."""
        pins = _described()["torch"]
        return f"torch=={pins['linux' if sys.platform == 'linux' else 'others']}"

    @property
    def folder(self) -> Path:
        """Where it lies, made or not."""
        pins = hashlib.sha256(self.lock.read_bytes() + self.torch.encode()).hexdigest()[:12]
        return cache_folder() / f"{self.name}-{pins}-py{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def made(self) -> bool:
        """Whether it is there."""
        return (self.folder / _MADE).is_file()

    @property
    def cost(self) -> str:
        """What making it takes, in words."""
        return f"about {self.size_mb / 1000:.1f} GB on the disk, about {self.minutes} minutes, and the network"


@cache
def _described() -> dict[str, dict[str, object]]:
    return tomllib.loads((HERE / "environments.toml").read_text(encoding="utf-8"))


def environment(name: str) -> Environment:
    """Return the environment called ``litert`` or ``executorch``."""
    return Environment(name=name, **_described()[name])  # type: ignore[arg-type]


def cache_folder() -> Path:
    """Return ``environments`` in ``$AFIELD_CACHE``, or in ``afield`` in the user's cache folder."""
    home = os.environ.get("AFIELD_CACHE")
    root = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afield"
    return root / "environments"


def require(name: str) -> Environment:
    """Return an environment that is there.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``, with the command that makes it, and what that takes.
    """
    found = environment(name)
    if found.made:
        return found
    raise MissingDependencyError(
        "dependency.missing",
        f"The environment for {found.title} is not on this machine.",
        where=str(found.folder),
        fix=f"--make-env, or once: python -m {MODULE} {name}  (It takes {found.cost}.)",
    )


def make(name: str) -> Environment:
    """Make an environment where it is not there yet, and return it.

    Raises
    ------
    OutputError
        ``output.disk_full``, ``output.unwritable``.
    MissingDependencyError
        ``dependency.missing``: pip does not get what is pinned.
    """
    wanted = environment(name)
    if wanted.made:
        return wanted
    _check_room(wanted)
    started = time.monotonic()
    part = wanted.folder.with_name(f".{wanted.folder.name}.{os.getpid()}.part")
    try:
        _install(wanted, part)
        size = sum(f.lstat().st_size for f in part.rglob("*"))
        facts = {"size_bytes": size, "seconds": round(time.monotonic() - started)}
        (part / _MADE).write_text(json.dumps(facts) + "\n", encoding="ascii")
        if not wanted.made:  # somebody else may have been faster
            part.rename(wanted.folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return wanted


def _check_room(wanted: Environment) -> None:
    root = cache_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            "output.unwritable", f"The folder cannot be made: {error.strerror}.", where=str(root)
        ) from error
    free, needed = shutil.disk_usage(root).free, int(_ROOM * wanted.size_mb * 1_000_000)
    if free < needed:
        raise OutputError(
            "output.disk_full",
            f"The environment for {wanted.title} does not fit on the disk.",
            where=str(root),
            got=f"{free / 1e9:.1f} GB free",
            expected=f"{needed / 1e9:.1f} GB",
            fix="Make room, or set AFIELD_CACHE to a folder on another disk.",
        )


def _install(wanted: Environment, folder: Path) -> None:
    _call(wanted, [sys.executable, "-m", "venv", str(folder)])
    python = str(folder / wanted.python.relative_to(wanted.folder))
    pip = [python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--disable-pip-version-check"]
    index = str(_described()["torch"]["index"])
    try:  # an index that is configured may have the build; PyPI has not
        _call(wanted, [*pip, wanted.torch])
    except MissingDependencyError:
        _call(wanted, [*pip, "--extra-index-url", index, wanted.torch])
    _call(wanted, [*pip, "--requirement", str(wanted.lock)])


def _call(wanted: Environment, command: list[str]) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    try:
        done = subprocess.run(  # noqa: S603 - Python and pip with our own pins
            command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False, env=environment
        )
        reason = done.stderr if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        lines = [line for line in reason.splitlines() if line.startswith("ERROR")] or reason.splitlines()
        raise MissingDependencyError(
            "dependency.missing",
            f"The environment for {wanted.title} cannot be made.",
            where=str(wanted.folder),
            got=" ".join(" ".join(lines).split())[-400:],
            fix="See that pip reaches its index and that Python has venv (Debian: python3-venv), and try again.",
        )


def main(names: list[str]) -> int:
    """Make the environments named, or all, and say where each lies and what it took."""
    for name in names or ["litert", "executorch"]:
        sys.stdout.write(f"{name}: {environment(name).cost}\n")
        made = make(name)
        facts = json.loads((made.folder / _MADE).read_text(encoding="ascii"))
        sys.stdout.write(f"{made.folder}: {facts['size_bytes'] / 1e9:.2f} GB, made in {facts['seconds']} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
