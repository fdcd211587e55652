"""The wasm runtime that goes into exported pages: where it lies, and how it gets there.

A wheel brings it (``hatch_build.py`` puts it there). A checkout fetches it once into a cache, by the command that the
error names; exporting itself never goes to the network. Standard library only: the build of the wheel runs this.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from afield.core.errors import MissingDependencyError
from afield.core.files import write_atomic

HERE = Path(__file__).parent
COMMAND = "python -m afield.platforms.browser.runtime"
TIME_LIMIT_S = 300


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The runtime's files, gzip.

    Parameters
    ----------
    version : str
    library : bytes
        The ES module that drives the wasm.
    wasm : bytes
    where : str
        The folder that it was read from.
    """

    version: str
    library: bytes
    wasm: bytes
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What ``runtime.toml`` pins: package, version, integrity as npm writes it, and name to name in the tarball."""

    package: str
    version: str
    integrity: str
    files: dict[str, str]


@cache
def pin() -> Pin:
    """Return the pinned package."""
    return Pin(**tomllib.loads((HERE / "runtime.toml").read_text(encoding="utf-8")))


def cache_folder() -> Path:
    """Return ``$AFIELD_CACHE``, or ``afield`` in the user's cache folder, with the pinned version below it."""
    home = os.environ.get("AFIELD_CACHE")
    root = Path(home) if home else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "afield"
    return root / f"{pin().package}-{pin().version}"


def find_runtime() -> Runtime:
    """Return the runtime from the wheel or from the cache.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``, with the command that fetches it.
    """
    for folder in (HERE / "wasm", cache_folder()):
        if all((folder / f"{name}.gz").is_file() for name in pin().files):
            library, wasm = ((folder / f"{name}.gz").read_bytes() for name in ("ort.mjs", "ort.wasm"))
            return Runtime(version=pin().version, library=library, wasm=wasm, where=str(folder))
    raise MissingDependencyError(
        "dependency.missing",
        f"The runtime of exported pages, {pin().package} {pin().version}, is not on this machine.",
        where=str(cache_folder()),
        fix=f"{COMMAND}  (once; it needs npm and the network. Wheels of afield bring it along.)",
    )


def fetch_runtime(folder: Path | None = None) -> Path:
    """Fetch the pinned package with ``npm pack``, check its integrity, keep its files gzipped; return their folder.

    Nothing is done where they lie there already.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: there is no npm, it cannot reach its registry, or what came is not what is pinned.
    """
    folder = folder or cache_folder()
    if all((folder / f"{name}.gz").is_file() for name in pin().files):
        return folder
    with tempfile.TemporaryDirectory() as temporary:
        unpack(_npm_pack(Path(temporary)).read_bytes(), folder)
    return folder


def unpack(tarball: bytes, folder: Path) -> None:
    """Check the tarball against the pin and write its files, gzipped, into ``folder``.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``: it is not the pinned tarball.
    """
    digest = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != pin().integrity:
        raise _not_fetched("what came is not what is pinned", got=digest, expected=pin().integrity)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as file:
        file.write(tarball)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for name, inside in pin().files.items():
                member = archive.extractfile(inside)
                assert member is not None, inside  # the integrity says what is in there
                content = member.read()
                if name.endswith(".mjs"):  # the map is not there, and no page may ask for it
                    content = re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", content)
                write_atomic(folder / f"{name}.gz", gzip.compress(content, 9, mtime=0))


def _npm_pack(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise _not_fetched("npm is not installed")
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{pin().package}@{pin().version}"]
    done = subprocess.run(  # noqa: S603 - npm with a pinned name
        command, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )
    found = list(folder.glob("*.tgz"))
    if done.returncode or not found:
        raise _not_fetched(f"npm pack failed: {' '.join(done.stderr.split())[-300:]}")
    return found[0]


def _not_fetched(reason: str, *, got: str = "", expected: str = "") -> MissingDependencyError:
    return MissingDependencyError(
        "dependency.missing",
        f"{pin().package} {pin().version} cannot be fetched: {reason}.",
        got=got,
        expected=expected,
        fix="Install Node and npm, see that npm reaches its registry, and run it again.",
    )


def main() -> int:
    """Fetch the runtime and say where it lies."""
    try:
        folder = fetch_runtime()
    except MissingDependencyError as error:
        sys.stderr.write(f"{error.text()}\n")
        return 1
    sys.stdout.write(f"{pin().package} {pin().version} lies in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
