"""The wasm runtime: found in the wheel or the cache, checked against its pin, and named with a command when absent."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from afield.core.errors import MissingDependencyError
from afield.platforms.browser import runtime
from afield.platforms.browser.platform import platform
from small_models import small_model


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "HERE", tmp_path)
    runtime.pin.cache_clear()
    (tmp_path / "runtime.toml").write_text(
        'package = "p"\nversion = "1.2.3"\nintegrity = "sha512-x"\n'
        '[files]\n"ort.mjs" = "package/a.mjs"\n"ort.wasm" = "package/b"\n'
    )
    yield tmp_path
    runtime.pin.cache_clear()


def tarball() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in {"package/a.mjs": b"x;\n//# sourceMappingURL=a.map\n", "package/b": b"\0asm"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_without_it_the_error_has_the_command(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match=r"python -m afield\.platforms\.browser\.runtime") as caught:
        platform.export(small_model(), tmp_path / "out")
    assert caught.value.where == str(cache / "p-1.2.3")
    assert not (tmp_path / "out").exists()


def test_another_tarball_is_refused(cache: Path) -> None:
    with pytest.raises(MissingDependencyError, match="not what is pinned"):
        runtime.unpack(tarball(), cache / "p-1.2.3")
    assert not (cache / "p-1.2.3").exists()


def test_the_right_tarball_becomes_the_runtime(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64
    import hashlib

    digest = base64.b64encode(hashlib.sha512(tarball_bytes := tarball()).digest()).decode()
    text = (cache / "runtime.toml").read_text().replace("sha512-x", f"sha512-{digest}")
    (cache / "runtime.toml").write_text(text)
    runtime.pin.cache_clear()
    runtime.unpack(tarball_bytes, runtime.cache_folder())
    found = runtime.find_runtime()
    assert gzip.decompress(found.library) == b"x;\n"  # no page may ask for a source map
    assert gzip.decompress(found.wasm) == b"\0asm"
    monkeypatch.setattr(runtime.shutil, "which", lambda _: pytest.fail("it lies there already"))
    assert runtime.fetch_runtime() == runtime.cache_folder()


def test_no_npm_and_a_failing_npm_are_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runtime.shutil, "which", lambda _: None)
    assert runtime.main() == 1
    assert "npm is not installed" in capsys.readouterr().err
    monkeypatch.setattr(runtime.shutil, "which", lambda _: "npm")
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(runtime.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(MissingDependencyError, match="no network"):
        runtime.fetch_runtime()
