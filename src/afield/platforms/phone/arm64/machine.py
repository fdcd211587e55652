"""An arm64 machine without the hardware: qemu's user emulation, Debian's Python, and onnxruntime's wheel for arm64.

The emulator is a program of the system. Python and the wheels are fetched once into a cache by the command below:
Python's packages by apt-get with a state of its own, so that nothing is installed and no architecture is added to
the system; the wheels by pip, held to pinned digests. An export only looks for what is there. Where this machine is
arm64 itself, its own Python runs.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from afield.core.errors import MissingDependencyError

HERE = Path(__file__).parent
COMMAND = "python -m afield.platforms.phone.arm64.machine"
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6")
FOLDER = "arm64-onnxruntime-1.24.4"  # wheels.txt says why not a newer one
FETCH_LIMIT_S = 900


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How to run Python on arm64: the start of a command, and what it is called."""

    command: tuple[str, ...]
    name: str


def find_machine() -> Machine | None:
    """Return the machine, or None where its parts are not here; ``lacking`` then says which."""
    if platform.machine() in ("aarch64", "arm64"):
        return Machine(command=(sys.executable, "-P"), name="arm64, this machine")
    emulator, root = find_emulator(), cache_folder()
    if emulator is None or not root.is_dir():
        return None
    settings = {"PYTHONHOME": str(root / "usr"), "PYTHONPATH": str(root / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    given = [part for name, value in settings.items() for part in ("-E", f"{name}={value}")]
    given += ["-U", "LD_PRELOAD", "-U", "LD_LIBRARY_PATH"]  # of this machine, and of no use to that one
    command = (emulator, "-L", str(root), *given, str(root / "usr" / "bin" / "python3"), "-P")
    return Machine(command=command, name=f"arm64 under {_version_of(emulator)}")


def lacking() -> str:
    """Return what to do for a machine that is not there."""
    wanted = [] if find_emulator() else ["qemu for aarch64 (Debian: apt install qemu-user-static)"]
    return ", then ".join([*wanted, *([] if cache_folder().is_dir() else [COMMAND])])


def find_emulator() -> str | None:
    """Return the path of the emulator."""
    return next((found for name in EMULATORS if (found := shutil.which(name))), None)


def cache_folder() -> Path:
    """Return the folder below ``$AFIELD_CACHE``, or below ``afield`` in the user's cache folder."""
    home = os.environ.get("AFIELD_CACHE")
    root = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afield"
    return root.absolute() / FOLDER


def fetch_machine(folder: Path | None = None) -> Path:
    """Fetch Python and the wheels for arm64, unless they are there; return their folder.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: apt-get, dpkg-deb or pip is not there or cannot fetch.
    """
    folder = folder or cache_folder()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        work, root = Path(temporary), Path(temporary) / "root"
        for package in _debian_packages(work / "apt"):
            _run("dpkg-deb", "--extract", str(package), str(root))
        if not (root / "lib").exists():  # where all of /lib lies in /usr/lib
            (root / "lib").symlink_to("usr/lib")
        shutil.rmtree(root / "usr" / "share", ignore_errors=True)
        for wheel in _wheels(work / "wheels", _python_version(root)):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(root / "site")
        if not folder.is_dir():  # else somebody else was faster
            root.rename(folder)
    return folder


def _debian_packages(state: Path) -> list[Path]:
    """Download Python for arm64 with all that it needs, from the sources that this system trusts."""
    archives = state / "cache" / "archives"
    for path in (state / "lists" / "partial", archives / "partial"):
        path.mkdir(parents=True)
    (state / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",
        "Dir::State": str(state),
        "Dir::State::status": str(state / "status"),
        "Dir::Cache": str(state / "cache"),
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-qq", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
    _run(*apt, "update", fails=True)  # a source without arm64 is no obstacle
    _run(*apt, "--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES)
    return sorted(archives.glob("*.deb"))


def _python_version(root: Path) -> str:
    found = re.fullmatch(r"python(3\.\d+)", os.path.basename(os.readlink(root / "usr" / "bin" / "python3")))
    if found is None:
        raise _not_fetched("its Python has no version that can be told")
    return found[1]


def _wheels(folder: Path, version: str) -> list[Path]:
    platforms = [part for tag in ("manylinux_2_27_aarch64", "manylinux_2_28_aarch64") for part in ("--platform", tag)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pinned = ["--require-hashes", "--only-binary=:all:", "--requirement", str(HERE / "wheels.txt")]
    _run(*pip, *platforms, "--python-version", version, *pinned, "--dest", str(folder))
    return sorted(folder.glob("*.whl"))


def _version_of(emulator: str) -> str:
    told = _run(emulator, "--version")
    found = re.search(r"version (\d+(?:\.\d+)+)", told)
    return f"qemu-aarch64 {found[1]}" if found else "qemu-aarch64"


def _run(*command: str, fails: bool = False) -> str:
    """Return what the command printed; ``fails``: it may."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of the system and our own arguments
            command, capture_output=True, text=True, timeout=FETCH_LIMIT_S, check=False
        )
    except FileNotFoundError as error:
        raise _not_fetched(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise _not_fetched(f"{command[0]} took longer than {FETCH_LIMIT_S} s") from error
    if done.returncode and not fails:
        raise _not_fetched(f"{Path(command[0]).name} failed: {' '.join(done.stderr.split())[-300:]}")
    return done.stdout


def _not_fetched(reason: str) -> MissingDependencyError:
    return MissingDependencyError(
        "dependency.missing",
        f"Python for arm64 cannot be fetched: {reason}.",
        fix="It takes apt-get and dpkg-deb (Debian, Ubuntu), pip, and the network; then run it again.",
    )


def main() -> int:
    """Fetch what an arm64 machine takes and say where it lies."""
    try:
        folder = fetch_machine()
    except MissingDependencyError as error:
        sys.stderr.write(f"{error.text()}\n")
        return 1
    sys.stdout.write(f"Python and onnxruntime for arm64 lie in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
