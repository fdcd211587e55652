"""What a compiled model needs of a device, known before any compiler runs: data exactly, code by an estimate."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afield.core.findings import Finding
from afield.platforms.microcontroller.devices import Device
from afield.platforms.microcontroller.emission.network import Network

_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|[^\s\w]")
#: bytes of a Cortex-M4F at -O2, from measured programs: the wrapper, a token of C, a leaf of branched trees
_WRAPPER, _BYTES_A_TOKEN, _BYTES_A_LEAF = 130.0, 0.36, 25.0
_LEAF = re.compile(r"\bsum \+= [^;]*f;")
#: functions of libm and libgcc that a program brings along
_LIBRARY = {
    r"\bdouble\b": 2_300,
    r"expf?\(": 500,
    r"logf?\(": 300,
    r"\b(cosf|sinf|tanf)\(": 7_300,
    r"\b(powf|erff|tanhf|atanf|asinf|acosf|sinhf|coshf|expm1f|log1pf|fmodf)\(": 1_200,
}


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Bytes that a model takes.

    Parameters
    ----------
    constant_bytes, ram_bytes : int
        Exact: tables; the arena.
    code_bytes : int
        Estimated within a tenth or 1 KB of what gcc 12 -O2 makes of it for a Cortex-M4F.
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
    text = _COMMENT.sub("", network.functions + network.body)
    leaves = len(_LEAF.findall(text)) if "forest_branches" in text else 0
    plain = len(_TOKEN.findall(text)) - 20 * leaves
    code = _WRAPPER + _BYTES_A_TOKEN * max(0, plain) + _BYTES_A_LEAF * leaves
    code += sum(size for pattern, size in _LIBRARY.items() if re.search(pattern, text))
    return Needs(
        constant_bytes=network.constant_bytes,
        code_bytes=round(code * device.code + device.library_bytes if device else code),
        ram_bytes=network.arena_bytes,
    )


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
