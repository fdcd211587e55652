from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from afield.api.doctor import Health
from afield.api.tools import Tool, list_tools
from afield.platforms.browser.runtime import cache_folder, pin


def test_where_nothing_is_installed_each_tool_tells_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    pin()  # reads its file while the folder is the real one
    monkeypatch.setattr("afield.platforms.browser.runtime.HERE", tmp_path)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("afield.platforms.phone.apk.programs.FRAMEWORK", tmp_path / "none.apk")
    found = list_tools()
    assert [t.name for t in found if t.where] == []
    assert all(t.get and t.purpose for t in found)
    commands = " ".join(t.get for t in found)
    for word in ("chromium", "nodejs", "afield.platforms.browser.runtime", "gcc-arm-none-eabi", "qemu-user-static",
                 "gcc-riscv64-unknown-elf", "apktool", "litert", "executorch"):  # fmt: skip
        assert word in commands


def test_the_runtime_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFIELD_CACHE", str(tmp_path))
    pin()  # reads its file while the folder is the real one
    monkeypatch.setattr("afield.platforms.browser.runtime.HERE", tmp_path)
    cache_folder().mkdir(parents=True)
    for name in ("ort.mjs.gz", "ort.wasm.gz"):
        (cache_folder() / name).write_bytes(b"")
    runtime = next(t for t in list_tools() if t.name.startswith("onnxruntime-web"))
    assert runtime.where == str(cache_folder())


def test_people_read_what_is_here_and_how_to_get_the_rest() -> None:
    tools = (Tool(name="gcc", purpose="proofs", where="/usr/bin/gcc", get="apt install gcc"),
             Tool(name="Chromium", purpose="pages", where="", get="apt install chromium"))  # fmt: skip
    health = Health(system={}, libraries={}, checks=(), extras={}, tools=tools)
    lines = {f.label: f.lines for f in health.facts()}
    assert lines["for exports"] == ("gcc: /usr/bin/gcc",)
    assert lines["not here"] == ("Chromium: pages: apt install chromium",)
    assert not health.broken
    assert health.to_json()["tools"][1]["get"] == "apt install chromium"
