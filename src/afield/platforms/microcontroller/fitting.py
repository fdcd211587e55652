"""What a compiled model needs of a device, known before any compiler runs: data exactly, code by an estimate."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from afield.core.findings import Finding
from afield.platforms.microcontroller.counting import counted
from afield.platforms.microcontroller.devices import Device
from afield.platforms.microcontroller.emission.network import Network

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
LIBRARY = Path(__file__).with_name("library.json")
#: chips with Cortex-M's DSP instructions, for which the emitted C has lines of its own
DSP = ("cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55")
#: the board whose sizes stand for a device that none stands for, times the device's own factor
STAND_IN = "cortex-m4f"


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Bytes that a model takes.

    Parameters
    ----------
    constant_bytes, ram_bytes : int
        Exact: tables; the arena, and what the C library keeps.
    code_bytes : int
        Estimated within a tenth or 1 KB of what gcc -O2 makes of it.
    """

    constant_bytes: int
    code_bytes: int
    ram_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Constants and code."""
        return self.constant_bytes + self.code_bytes


def needs(network: Network, device: Device | None = None) -> Needs:
    """Return what a network takes on a device; without one on a Cortex-M4F."""
    board = device.board if device and device.board else STAND_IN
    sizes = _sizes()[board]
    counts = counted(network.functions, network.body, dsp=board in DSP)
    brought = {m for name in counts.operations for m in sizes["operations"].get(name) or ()}
    members = [sizes["members"][name] for name in sorted(brought)]
    code = sizes["code"]["program"] + sum(flash for flash, _ in members)
    for name in ("calls", "kernels", "branches", "floats", "doubles", "leaves"):
        code += sizes["code"][name] * getattr(counts, name)
    return Needs(
        constant_bytes=network.constant_bytes,
        code_bytes=round(code * (device.code if device else 1.0)),
        ram_bytes=network.arena_bytes + sum(ram for _, ram in members),
    )


@cache
def _sizes() -> dict[str, Any]:
    """Return what was measured on each board: bytes of each token, members of the C library, operations that need them.

    benchmarks/microcontroller/library.py and fitting.py write the file.
    """
    found: dict[str, Any] = json.loads(LIBRARY.read_text(encoding="utf-8"))
    return found


def shortfalls(network: Network, device: Device) -> list[Finding]:
    """Return a finding for each memory of a device that a network does not fit into, and for what it cannot compute."""
    wanted, found = needs(network, device), _without_form(network, device)
    for memory, needed, there, said in (
        ("flash", wanted.flash_bytes, device.flash_bytes,
         f"{wanted.constant_bytes:,} of constants and about {wanted.code_bytes:,} of code"),
        ("ram", wanted.ram_bytes, device.ram_bytes, "static memory"),
    ):  # fmt: skip
        if needed > there:
            name = "RAM" if memory == "ram" else memory
            found.append(Finding(
                code=f"device.{memory}",
                severity="serious",
                what=f"The model needs {needed:,} bytes of {name} ({said}); {device.title} has {there:,}.",
                fix=f"Fit a smaller model (afield fit --max-size {max(1, there // 1500)}KB), "
                "or pick one from the study (afield pick).",
            ))  # fmt: skip
    return found


def _without_form(network: Network, device: Device) -> list[Finding]:
    """Return findings for types and functions that a device's compiler is without."""
    text, found = _COMMENT.sub("", "\n".join((network.declaration, network.functions, network.body))), []
    if device.double_bytes < 8 and re.search(r"\bdouble\b", text):
        found.append(Finding(
            code="device.double",
            severity="serious",
            what=f"The model needs numbers of 64 bits; a double of {device.title} has {8 * device.double_bytes}.",
            fix="Export for another device, or fit with columns of fewer digits: years, not seconds since 1970.",
        ))  # fmt: skip
    for name in device.lacks:
        if re.search(rf"\b{name}\(", text):
            found.append(Finding(
                code="device.function",
                severity="serious",
                what=f"The model needs the function {name}, which the C library of {device.title} is without.",
                fix="Export for another device.",
            ))  # fmt: skip
    return found
