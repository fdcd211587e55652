"""Runs rows in the exported ES module under Node, the other place where such a module is used."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from afield.platforms.browser.passing import from_json, to_json
from afield.platforms.browser.single import PAGE

LOWEST = (20, 16)  # from here on a module finds its files by itself
NEEDS = "Node 20.16 or newer (Debian 13: apt install nodejs)"
TIME_LIMIT_S = 300

_SCRIPT = """
const { open } = await import(MODULE);
globalThis.afield = await open();
const answers = await (PROVING)(FEED);
process.stdout.write(JSON.stringify(answers));
"""


def find_node() -> tuple[str, str] | None:
    """Return (program, version) of a Node that can run the module, where there is one."""
    program = shutil.which("node")
    if program is None:
        return None
    told = subprocess.run(  # noqa: S603 - found above
        [program, "--version"], capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    ).stdout.strip()
    numbers = tuple(int(part) for part in told.removeprefix("v").split(".")[:2] if part.isdigit())
    return (program, told.removeprefix("v")) if numbers >= LOWEST else None


def run_module(program: str, module: Path, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the outputs of the graph in the package ``module``.

    Raises
    ------
    OSError
        Node ended with an error.
    """
    script = _SCRIPT.replace("MODULE", json.dumps((module / "index.js").resolve().as_uri()))
    script = script.replace("PROVING", (PAGE / "proving.js").read_text(encoding="utf-8").strip())
    script = script.replace("FEED", json.dumps({name: to_json(values) for name, values in feed.items()}))
    try:
        done = subprocess.run(  # noqa: S603 - the program that find_node found
            [program, "--input-type=module", "-"], input=script, capture_output=True, encoding="utf-8",
            timeout=TIME_LIMIT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise OSError(f"nothing after {TIME_LIMIT_S} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "Error" in line] or ["it ended without a word"]
        raise OSError(lines[0].strip())
    return {name: from_json(tensor) for name, tensor in json.loads(done.stdout).items()}
