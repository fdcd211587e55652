"""Each system in its own environment, from a lock file; afield from the commit that is checked out.

``requirements/<env>.in`` says what is asked for and why, ``requirements/<env>.txt`` is the lock: it is installed
without looking at dependencies, so that ``xgboost-cpu`` can stand in for ``xgboost`` and its 470 MB of CUDA libraries.
On a machine whose package index serves CUDA builds of torch, pass ``--index https://download.pytorch.org/whl/cpu``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from benchmarks.automl.plan import HERE
from benchmarks.automl.systems import SYSTEMS

ROOT = HERE.parent.parent
ENVS = HERE / ".envs"
LOCKS = HERE / "requirements"
NAMES = tuple(dict.fromkeys(system.env for system in SYSTEMS))
_OWN = {"afield": "", "afield-neural": "neural"}


class CannotInstall(Exception):
    """Why an environment is not there."""


def python_of(env: str) -> Path:
    """Return the interpreter of an environment."""
    return ENVS / env / "bin" / "python"


def why_not(env: str) -> str:
    """Return why a system of this environment cannot run here; empty when it can."""
    facts = ENVS / env / "installed.json"
    if facts.exists():
        return ""
    failed = ENVS / f"{env}.failed"
    if failed.exists():
        return failed.read_text(encoding="utf-8")
    return f"not installed; run: python -m benchmarks.automl install {env}"


def facts_of(env: str) -> dict:
    """Return what ``install`` wrote down: versions, bytes, and afield's commit."""
    return json.loads((ENVS / env / "installed.json").read_text(encoding="utf-8"))


def source_of_head() -> str:
    """Return the short id of what afield is built from in the commit that is checked out."""
    return "".join(_git("rev-parse", "--short", f"HEAD:{path}").strip()[:8] for path in ("src", "pyproject.toml"))


def install(env: str, index: str = "") -> dict:
    """Make the environment anew and return its facts."""
    if env not in NAMES:
        raise CannotInstall(f"no environment is called {env!r}; there are: {', '.join(NAMES)}")
    folder, failed = ENVS / env, ENVS / f"{env}.failed"
    shutil.rmtree(folder, ignore_errors=True)
    failed.unlink(missing_ok=True)
    ENVS.mkdir(exist_ok=True)
    try:
        _run(sys.executable, "-m", "venv", str(folder))
        extra = ["--extra-index-url", index] if index else []
        _pip(env, "--no-deps", *extra, "-r", str(LOCKS / f"{env}.txt"))
        commit = _install_afield(env) if env in _OWN else {}
        _run(str(python_of(env)), "-m", "pip", "check", accept_failure=True)
    except CannotInstall as error:
        failed.write_text(str(error), encoding="utf-8")
        raise
    listed = json.loads(
        _run(str(python_of(env)), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check")
    )
    size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    facts = {"versions": {p["name"].lower(): p["version"] for p in listed}, "bytes": size, **commit}
    (folder / "installed.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return facts


def _install_afield(env: str) -> dict[str, str]:
    """Install afield as committed, so that a half-done edit is never what was measured."""
    with tempfile.TemporaryDirectory(prefix="afield-source-") as name:
        archive = Path(name) / "source.tar"
        _git(
            "archive",
            "--output",
            str(archive),
            "HEAD",
            "src",
            "pyproject.toml",
            "hatch_build.py",
            "README.md",
            "LICENSE",
        )
        _run("tar", "-xf", str(archive), "-C", name)
        project = tomllib.loads((Path(name) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        if _OWN[env] and _OWN[env] not in project.get("optional-dependencies", {}):
            raise CannotInstall(f"this commit of afield has no extra called {_OWN[env]!r}")
        wanted = f"{name}[{_OWN[env]}]" if _OWN[env] else name
        _pip(env, wanted)
    if not _OWN[env]:
        held = _run(str(python_of(env)), "-c", "import importlib.util as u; print(u.find_spec('torch') is None)")
        if held.strip() != "True":
            raise CannotInstall("torch is in the environment of the core: it would not be the core that is measured")
    return {"commit": _git("rev-parse", "--short", "HEAD").strip(), "source": source_of_head()}


def _pip(env: str, *arguments: str) -> None:
    _run(str(python_of(env)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def _git(*arguments: str) -> str:
    return _run("git", "-C", str(ROOT), *arguments)


def _run(*command: str, accept_failure: bool = False) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode and not accept_failure:
        raise CannotInstall(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
    return done.stdout
