"""The programs of Debian that build, sign and check an Android app, and the key that signs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from afield.core.errors import MissingDependencyError, ProblemError

PACKAGES = {"apktool": "apktool", "aapt": "aapt", "zipalign": "zipalign", "apksigner": "apksigner",
            "keytool": "default-jre-headless"}  # fmt: skip
FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")  # the names that resources may refer to
FRAMEWORK_PACKAGE = "android-framework-res"
PASSWORD = "AFIELD_KEYSTORE_PASSWORD"  # noqa: S105 - a variable's name
DEBUG_PASSWORD = "android"  # noqa: S105 - as Android's own tools have it: a debug key keeps no secret
TIME_LIMIT_S = 600


@dataclass(frozen=True, kw_only=True)
class Key:
    """What signs: a key store, its password, and which key in it; the only one where ``alias`` is empty."""

    store: Path
    password: str
    alias: str = ""


def need_programs() -> None:
    """Refuse to go on where one is not there.

    Raises
    ------
    MissingDependencyError
        ``dependency.missing``, with all that are not there.
    """
    lacking = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    lacking += [] if FRAMEWORK.is_file() else [FRAMEWORK_PACKAGE]
    if lacking:
        raise MissingDependencyError(
            "dependency.missing",
            f"An Android app takes programs that are not on this machine: {', '.join(lacking)}.",
            fix=f"Debian: apt install {' '.join(lacking)}",
        )


def run(*command: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return exit status, and what the command wrote."""
    done = subprocess.run(  # noqa: S603 - programs of the system and our own arguments
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
    )
    return done.returncode, done.stdout


def must(*command: str) -> str:
    """Return what the command wrote; that it fails is a defect of ours."""
    status, text = run(*command)
    if status:
        raise RuntimeError(f"{command[0]} failed: {text.strip()[-800:]}")
    return text


def own_key(store: Path, alias: str) -> Key:
    """Return the user's key, with the password from the environment.

    Raises
    ------
    ProblemError
        ``problem.option``: there is no such file, or no password.
    """
    if not store.is_file():
        raise ProblemError("problem.option", "The key store does not exist.", where="--keystore", got=str(store))
    if PASSWORD not in os.environ:
        raise ProblemError(
            "problem.option",
            "The key store has a password, and none was given.",
            where="--keystore",
            fix=f"Set the environment variable {PASSWORD}.",
        )
    return Key(store=store, password=os.environ[PASSWORD], alias=alias)


def debug_key() -> Key:
    """Return the debug key of this user, made when first asked for.

    It stays the same, so that a phone takes a newer app over an older one.
    """
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "afield"
    key = Key(store=home / "android_debug.p12", password=DEBUG_PASSWORD)
    if not key.store.is_file():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as folder:
            made = Path(folder) / "key.p12"
            must("keytool", "-genkeypair", "-noprompt", "-keystore", str(made), "-storetype", "PKCS12", "-alias",
                 "debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10950", "-dname", "CN=afield debug",
                 "-storepass", DEBUG_PASSWORD)  # fmt: skip
            made.replace(key.store)
    return key


def sign(app: Path, key: Key) -> None:
    """Sign an aligned app in place.

    Raises
    ------
    ProblemError
        ``problem.option``: the key cannot be used.
    """
    alias = ["--ks-key-alias", key.alias] if key.alias else []
    status, text = run(
        "apksigner", "sign", "--ks", str(key.store), "--ks-pass", f"env:{PASSWORD}", *alias,
        "--v4-signing-enabled", "false", str(app), environment={PASSWORD: key.password},
    )  # fmt: skip
    if status:
        raise ProblemError(
            "problem.option",
            "The app cannot be signed with this key.",
            where="--keystore",
            got=text.strip().splitlines()[0] if text.strip() else f"exit {status}",
            fix=f"Check {PASSWORD}, and --key-alias where the store has several keys.",
        )
