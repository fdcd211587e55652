"""Programs beside Python that exports and their proofs use: which are here, and the command that gets one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from afield.core.errors import MissingDependencyError


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One program, or a set of them that is of use together.

    Parameters
    ----------
    name, purpose : str
    where : str
        Its path or version; empty where it is not here.
    get : str
        The command that gets it; Debian's where it is a package of the system.
    """

    name: str
    purpose: str
    where: str
    get: str

    def text(self) -> str:
        """Return one line for people."""
        return f"{self.name}: {self.where or f'{self.purpose}: {self.get}'}"


def list_tools() -> list[Tool]:
    """Return all that exports and proofs use; nothing is run but ``node --version`` and the emulator's."""
    return [*_browser(), *_microcontroller(), *_phone()]


def _browser() -> Iterator[Tool]:
    from afield.platforms.browser.chromium import find_browser
    from afield.platforms.browser.node import find_node
    from afield.platforms.browser.runtime import COMMAND, find_runtime, pin

    try:
        runtime = find_runtime().where
    except MissingDependencyError:
        runtime = ""
    node = find_node()
    yield Tool(name=f"{pin().package} {pin().version}", purpose="the runtime inside exported pages", where=runtime,
               get=COMMAND)  # fmt: skip
    yield Tool(name="Chromium", purpose="the proof of exported pages", where=find_browser() or "",
               get="apt install chromium")  # fmt: skip
    yield Tool(name="Node 20.16 or newer", purpose="the proof of modules", get="apt install nodejs",
               where=f"{node[0]} ({node[1]})" if node else "")  # fmt: skip


def _microcontroller() -> Iterator[Tool]:
    from afield.platforms.microcontroller.prove.chips import BOARDS

    yield Tool(name="gcc", purpose="the proof of C on this machine", where=shutil.which("gcc") or "",
               get="apt install gcc libc6-dev")  # fmt: skip
    kits: dict[str, list[str]] = {}
    for name, board in BOARDS.items():
        kits.setdefault(board.install, []).append(name)
    for install, names in kits.items():
        board = BOARDS[names[0]]
        compiler = "" if board.lacking else shutil.which(f"{board.tools.prefix}gcc") or ""
        yield Tool(name=f"{board.runs_in} for {', '.join(names)}", purpose="the proof of C on the chip itself",
                   where=compiler and f"{compiler}, {board.emulator}", get=install)  # fmt: skip


def _phone() -> Iterator[Tool]:
    from afield.platforms.phone.apk.programs import need_programs
    from afield.platforms.phone.arm64.machine import find_machine, lacking
    from afield.platforms.phone.neural.environments import MODULE, environment

    machine = find_machine()
    yield Tool(name="arm64", purpose="the proof on a phone's processor", where=machine.name if machine else "",
               get=lacking())  # fmt: skip
    fix = ""
    try:
        need_programs()
    except MissingDependencyError as error:
        fix = error.fix.removeprefix("Debian: ")
    yield Tool(name="Android programs", purpose="--to phone --apk", where="" if fix else shutil.which("apktool") or "",
               get=fix)  # fmt: skip
    for name in ("litert", "executorch"):
        made = environment(name)
        yield Tool(name=made.title, purpose=f"networks on phones by {made.title}", get=f"python -m {MODULE} {name}",
                   where=str(made.folder) if made.made else "")  # fmt: skip
