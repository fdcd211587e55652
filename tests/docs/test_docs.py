"""Every page of the docs is run: Python blocks as they stand, commands of console blocks, internal links.

A block of C or of a linker script is the file that its first line names.

All pages start from one folder: a small table of shells, new shells, and a model fitted on the table with its study.
The lines under a command are compared loosely: each must begin as some line of the real output does, and an error must
have the code that is shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*PAGES, *(ROOT / f"{n}.md" for n in ("ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"/\* ([\w.]+): ")
DATA_ONLY = "<!-- start: data only -->"
ROWS = 600

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@dataclass(frozen=True)
class Command:
    """One command with the lines that the page shows under it."""

    line: str
    shown: tuple[str, ...]


def blocks(page: Path) -> list[tuple[str, str, int]]:
    """Return (language, text, line number) of every block."""
    text = page.read_text(encoding="utf-8")
    return [(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in BLOCK.finditer(text)]


def commands(text: str) -> list[Command]:
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], ()))
        else:
            last = found.pop()
            found.append(Command(last.line, (*last.shown, line)))
    return found


def has_work(page: Path) -> bool:
    return any(language in ("python", "console") for language, _, _ in blocks(page))


def environment() -> dict[str, str]:
    scripts = sysconfig.get_path("scripts")
    return os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    lines = (ROOT / "examples/shellfish/shellfish.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "shellfish.csv").write_text("".join(lines[: ROWS + 1]), encoding="utf-8")
    shutil.copy(ROOT / "examples/shellfish/new.csv", folder)
    done = run("afield fit shellfish.csv --target rings --out shellfish.onnx", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("page", [p for p in PAGES if has_work(p)], ids=lambda p: p.name)
def test_page_runs(page: Path, start: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    shutil.copytree(start, folder)
    if DATA_ONLY in page.read_text(encoding="utf-8"):
        shutil.rmtree(folder / ".afield")
        (folder / "shellfish.onnx").unlink()
    python: list[str] = []
    for language, text, number in blocks(page):
        if language == "python":
            python.append("\n" * (number - sum(t.count("\n") for t in python)) + text)  # tracebacks name the line
        elif language == "console":
            flush(python, folder, page)
            for command in commands(text):
                check(command, folder)
        elif language in ("c", "ld") and (name := NAMED.match(text)):
            (folder / name[1]).write_text(text, encoding="utf-8")
    flush(python, folder, page)


def flush(python: list[str], folder: Path, page: Path) -> None:
    """Run the Python blocks so far as one script, with warnings as errors."""
    if not python:
        return
    script = folder / f"{page.stem}.py"
    script.write_text("".join(python), encoding="utf-8")
    python.clear()
    done = subprocess.run(
        [sys.executable, "-W", "error", script.name], cwd=folder, env=environment(), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{page.name}:\n{done.stderr}"


def check(command: Command, folder: Path) -> None:
    done = run(command.line, folder)
    out = done.stdout + done.stderr
    refused = command.shown[:1] and command.shown[0].startswith("error:")
    assert (done.returncode != 0) == bool(refused), f"$ {command.line}\n{out}"
    real = [re.sub(r"[\d.,]+", "#", " ".join(line.split())) for line in out.splitlines()]
    for line in command.shown:
        begins = re.sub(r"[\d.,]+", "#", " ".join(line.split()))
        if line.startswith("  code:"):
            assert begins in real, f"$ {command.line}\n{out}"
        first = " ".join(begins.split()[:3])
        assert any(r.startswith(first) for r in real), f"$ {command.line}\nshows {line!r}, the real output is\n{out}"


@pytest.mark.parametrize("page", LINKED, ids=lambda p: p.name)
def test_internal_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{page.name}: {target}"


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in contents, page.name


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
