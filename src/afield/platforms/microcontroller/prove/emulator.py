"""Runs a program on an emulated board and counts what it does: qemu with a counter of ours, or simavr."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from afield.platforms.microcontroller.prove.chips import Board

HERE = Path(__file__).resolve().parent / "boards"
TIME_LIMIT_S = 900


@dataclass(frozen=True, kw_only=True)
class Emulated:
    """What one program did: instructions and, where the emulator models them, cycles of each row; the rest at once."""

    instructions: tuple[int, ...]
    cycles: tuple[int, ...]
    answers: bytes
    stack_bytes: int


def call(command: Sequence[str], folder: Path) -> str:
    """Run a program of a tool chain and return what it prints.

    Raises
    ------
    RuntimeError
        It failed; the text is its own.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - toolchain
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[:8000]}")
    return done.stdout


def emulate(program: Path, board: Board) -> Emulated:
    """Run a program; rows for a board that is fed lie beside it in ``rows.bin``.

    Raises
    ------
    RuntimeError
        It ended badly.
    """
    listed = call([f"{board.tools.prefix}nm", str(program)], program.parent)
    at = {name: f"0x{address}" for address, name in re.findall(r"^(\w+) \w (\w+)$", listed, re.M)}
    command = (_simavr if board.fed else _qemu)(program, board, at)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)  # noqa: S603
    text = done.stderr + done.stdout
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode} on {board.machine}: {text[-2000:]}")
    return Emulated(
        instructions=tuple(int(n) for n in re.findall(r"count=(\d+)", text)),
        cycles=tuple(int(n) for n in re.findall(r"cycles=(\d+)", text)),
        answers=bytes.fromhex("".join(re.findall(r"OUT ([0-9a-f]*)", text))),
        stack_bytes=int(re.findall(r"STACK (\d+)", text)[0]),
    )


def _qemu(program: Path, board: Board, at: dict[str, str]) -> list[str]:
    counter = program.with_name("counter.so")
    if not counter.exists():
        call(
            ["gcc", "-shared", "-fPIC", "-O2", str(HERE / "instruction_counter.c"), "-o", str(counter)], program.parent
        )
    return [
        board.emulator, "-M", board.machine, *board.options, "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native",
        "-plugin", f"{counter},start={at['bench_start']},stop={at['bench_stop']}", "-kernel", str(program),
    ]  # fmt: skip


def _simavr(program: Path, board: Board, at: dict[str, str]) -> list[str]:
    runner = program.with_name("avr_runner")
    if not runner.exists():
        call(["gcc", "-std=gnu99", "-O2", str(HERE / "avr_runner.c"), "-o", str(runner), "-lsimavr"], program.parent)
    sizes = program.with_name("vectors.h").read_text(encoding="utf-8")
    width = dict(re.findall(r"#define (\w+) (\d+)", sizes))
    return [
        str(runner), board.machine, str(board.clock_hz), str(program), str(program.with_name("rows.bin")),
        at["bench_start"], at["bench_stop"], at["bench_in"], width["INPUT_BYTES"], at["bench_out"],
        width["OUTPUT_BYTES"], at["__bss_end"],
    ]  # fmt: skip
