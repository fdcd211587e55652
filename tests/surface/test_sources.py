"""Rules about the sources themselves: sizes, names, what may be imported where."""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path

import pytest

import afield
from afield.api.wording import WORDS
from afield.core.events import KINDS

SOURCE = Path(afield.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 500
MEDIAN_LINES = 130
CORE_LINES = 1_100
#: file -> lines that it may have; this list may only shrink
WAIVED: dict[str, int] = {}
BANNED_NAMES = {"utils", "util", "common", "misc", "helpers", "helper", "manager"}


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a file imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_no_file_is_long() -> None:
    long = {name(p): lines(p) for p in FILES if lines(p) > WAIVED.get(name(p), MOST_LINES)}
    assert long == {}, "look for the second reason to change"


def test_waivers_are_still_needed() -> None:
    assert [n for n in WAIVED if lines(SOURCE / n) <= MOST_LINES] == []


def test_the_median_file_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [n for n in map(lines, FILES) if n > 1]
    with capsys.disabled():
        print(f"[{len(sizes)} files, median {statistics.median(sizes):.0f} lines, longest {max(sizes)}]", end="")
    assert statistics.median(sizes) <= MEDIAN_LINES


def test_modules_have_names_that_say_something() -> None:
    assert [name(p) for p in FILES if p.stem in BANNED_NAMES] == []


def test_modules_say_why_they_exist() -> None:
    silent = [name(p) for p in FILES if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))]
    assert [n for n in silent if (SOURCE / n).stat().st_size] == []
    placeholders = [name(p) for p in FILES if "TODO" in p.read_text(encoding="utf-8")]
    assert placeholders == []


def test_modules_are_imported_by_name_in_core_only() -> None:
    """import-linter cannot see ``importlib.import_module`` and ``__import__``: only ``core`` may use them."""
    found = []
    for path in FILES:
        if path.relative_to(SOURCE).parts[0] == "core":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("import_module", "__import__"):
                    found.append(f"{name(path)}:{node.lineno}")
            elif isinstance(node, ast.ImportFrom) and node.module == "importlib":
                found += [f"{name(path)}:{node.lineno}" for a in node.names if a.name == "import_module"]
    assert found == []


def test_core_is_small_and_the_standard_library() -> None:
    core = [p for p in FILES if p.parent.name == "core"]
    assert sum(map(lines, core)) <= CORE_LINES
    foreign = {name(p): imported(p) - set(sys.stdlib_module_names) - {"afield", "__future__"} for p in core}
    assert {n: f for n, f in foreign.items() if f} == {}


def test_nothing_is_pickled() -> None:
    assert [name(p) for p in FILES if imported(p) & {"pickle", "cloudpickle", "joblib", "dill", "shelve"}] == []
    for path in FILES:
        assert "allow_pickle=True" not in path.read_text(encoding="utf-8"), name(path)


def test_nothing_is_ignored_in_silence() -> None:
    """No ``except: pass``, no bare except, no ``# type: ignore`` without its code."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "type: ignore\n" not in text, name(path)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{name(path)}:{node.lineno}"
                broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
                assert not (broad and isinstance(node.body[0], ast.Pass)), f"{name(path)}:{node.lineno}"


def test_every_manifest_is_beside_its_module() -> None:
    for manifest in (SOURCE / "parts").rglob("*.toml"):
        assert manifest.with_suffix(".py").exists(), name(manifest)


def test_every_event_that_is_told_is_known_and_worded() -> None:
    told: dict[str, str] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event":
                kind = node.args[0]
                told |= {kind.value: name(path)} if isinstance(kind, ast.Constant) else {}
    assert {k: p for k, p in told.items() if k not in KINDS} == {}
    assert set(WORDS) <= set(KINDS)
