"""The boards that are emulated here: which tool chain builds for them, which emulator runs them, how each is told."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A compiler for a family of chips.

    Parameters
    ----------
    prefix : str
        Of the compiler's programs, such as ``arm-none-eabi-``.
    flags, libraries : tuple of str
        For every program; libraries stand last.
    startup : str
        File of ``prove/boards`` that runs before main.
    packages : str
        Debian's names.
    """

    prefix: str
    flags: tuple[str, ...]
    libraries: tuple[str, ...]
    startup: str
    packages: str


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
        Linker script.
    room_bytes : int
        What a model and the rows may take of the board's memory for code and constants.
    options : tuple of str
        More for the emulator.
    """

    tools: Toolchain
    flags: tuple[str, ...]
    emulator: str
    machine: str
    package: str
    script: str
    room_bytes: int
    options: tuple[str, ...] = ()

    @property
    def lacking(self) -> str:
        """What this machine lacks to run it, as packages; empty where nothing."""
        wanted = ((f"{self.tools.prefix}gcc", self.tools.packages), (self.emulator, self.package))
        return " and ".join(packages for program, packages in wanted if not shutil.which(program))

    @property
    def install(self) -> str:
        """The command that installs all it needs."""
        return f"apt install {self.tools.packages} {self.package}".replace(" and ", " ")


ARM = Toolchain(
    prefix="arm-none-eabi-",
    flags=("-mthumb",),
    libraries=("-lm", "-lc", "-lgcc"),
    startup="cortex_m_startup.c",
    packages="gcc-arm-none-eabi and libnewlib-arm-none-eabi",
)
RISCV = Toolchain(
    prefix="riscv64-unknown-elf-",
    flags=("--specs=picolibc.specs",),
    libraries=("-lm", "-lc", "-lgcc"),
    startup="rv32_startup.c",
    packages="gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf",
)


def _arm(machine: str, *flags: str, script: str = "mps2.ld", room_bytes: int = 3_800_000) -> Board:
    return Board(tools=ARM, flags=flags, emulator="qemu-system-arm", machine=machine, package="qemu-system-arm",
                 script=script, room_bytes=room_bytes)  # fmt: skip


BOARDS = {
    "cortex-m3": _arm("mps2-an385", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
    "cortex-m4f": _arm("mps2-an386", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    "cortex-m7": _arm("mps2-an500", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"),
    "cortex-m55": _arm("mps3-an547", "-mcpu=cortex-m55", "-mfloat-abi=hard", script="mps3-an547.ld",
                       room_bytes=450_000),
    "rv32": Board(tools=RISCV, flags=("-march=rv32imc", "-mabi=ilp32"), emulator="qemu-system-riscv32", machine="virt",
                  package="qemu-system-misc", script="rv32-virt.ld", room_bytes=15_000_000, options=("-bios", "none")),
}  # fmt: skip
