"""The boards that are emulated here: which tool chain builds for them, which emulator runs them, how each is told."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A compiler for a family of chips.

    Parameters
    ----------
    prefix : str
        Of the compiler's programs, such as ``arm-none-eabi-``.
    flags, linking, libraries : tuple of str
        For every program; for the linker; libraries stand last.
    harness : tuple of str
        Files of ``prove/boards``: the main program, and what runs before it where the tool chain has nothing.
    packages : str
        Debian's names.
    standard : str
    """

    prefix: str
    flags: tuple[str, ...]
    linking: tuple[str, ...]
    libraries: tuple[str, ...]
    harness: tuple[str, ...]
    packages: str
    standard: str = "c99"


@dataclass(frozen=True, kw_only=True)
class Board:
    """An emulated board.

    Parameters
    ----------
    tools : Toolchain
    flags : tuple of str
        Of the compiler for this core.
    emulator, machine, package : str
        Program, its name of the board, and the package it is from.
    script : str
        Linker script; "": the tool chain's own.
    room_bytes, ram_bytes : int
        What a model and the rows may take of the board's memory: code and constants; static memory.
    options : tuple of str
        More for the emulator.
    fed : bool
        Whether the emulator writes each row into RAM; otherwise all lie in flash.
    clock_hz : int
        For emulators that want one.
    """

    tools: Toolchain
    flags: tuple[str, ...]
    emulator: str
    machine: str
    package: str
    script: str
    room_bytes: int
    ram_bytes: int
    options: tuple[str, ...] = ()
    fed: bool = False
    clock_hz: int = 0

    @property
    def lacking(self) -> str:
        """What this machine lacks to run it, as packages; empty where nothing."""
        wanted = ((f"{self.tools.prefix}gcc", self.tools.packages), (self.emulator, self.package))
        there = (shutil.which(program) or Path(program).is_file() for program, _ in wanted)
        return " and ".join(packages for (_, packages), found in zip(wanted, there, strict=True) if not found)

    @property
    def runs_in(self) -> str:
        """The emulator's name."""
        return "simavr" if self.fed else "qemu"

    @property
    def install(self) -> str:
        """The command that installs all it needs."""
        return f"apt install {self.tools.packages} {self.package}".replace(" and ", " ")


_BARE = ("-ffreestanding", "-nostartfiles")
ARM = Toolchain(
    prefix="arm-none-eabi-",
    flags=("-mthumb",),
    linking=_BARE,
    libraries=("-lm", "-lc", "-lgcc"),
    harness=("cortex_m_startup.c", "main.c"),
    packages="gcc-arm-none-eabi and libnewlib-arm-none-eabi",
)
RISCV = Toolchain(
    prefix="riscv64-unknown-elf-",
    flags=("--specs=picolibc.specs",),
    linking=_BARE,
    libraries=("-lm", "-lc", "-lgcc"),
    harness=("rv32_startup.c", "main.c"),
    packages="gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf",
)
#: constants stay in flash by a qualifier that only GNU C has
AVR = Toolchain(
    prefix="avr-", flags=(), linking=(), libraries=("-lm",), harness=("avr_main.c",),
    packages="gcc-avr and avr-libc", standard="gnu99",
)  # fmt: skip


def _arm(
    machine: str, *flags: str, script: str = "mps2.ld", room_bytes: int = 3_800_000, ram_bytes: int = 3_000_000
) -> Board:
    return Board(tools=ARM, flags=flags, emulator="qemu-system-arm", machine=machine, package="qemu-system-arm",
                 script=script, room_bytes=room_bytes, ram_bytes=ram_bytes)  # fmt: skip


#: by the name of the core; code for Cortex-M0+ runs on a Cortex-M0, which has the same instructions
BOARDS = {
    "cortex-m0plus": _arm("microbit", "-mcpu=cortex-m0plus", "-mfloat-abi=soft", script="microbit.ld",
                          room_bytes=240_000, ram_bytes=12_000),
    "cortex-m3": _arm("mps2-an385", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
    "cortex-m4f": _arm("mps2-an386", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": _arm("mps2-an500", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
    "cortex-m33": _arm("mps2-an505", "-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16",
                       script="mps2-an505.ld"),
    "cortex-m55": _arm("mps3-an547", "-mcpu=cortex-m55", "-mfloat-abi=hard", script="mps3-an547.ld",
                       room_bytes=450_000, ram_bytes=1_900_000),
    "rv32": Board(tools=RISCV, flags=("-march=rv32imc", "-mabi=ilp32"), emulator="qemu-system-riscv32", machine="virt",
                  package="qemu-system-misc", script="rv32-virt.ld", room_bytes=15_000_000, ram_bytes=15_000_000,
                  options=("-bios", "none")),
    "atmega328p": Board(tools=AVR, flags=("-mmcu=atmega328p",), emulator="/usr/include/simavr/sim_avr.h",
                        machine="atmega328p", package="libsimavr-dev", script="", room_bytes=32_768, ram_bytes=2_048,
                        fed=True, clock_hz=16_000_000),
}  # fmt: skip
