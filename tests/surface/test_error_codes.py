"""Every error code is raised somewhere, explained in the docs, and triggered by a test that is marked with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from afield.core.codes import CODES

ROOT = Path(__file__).resolve().parents[2]


def trees(folder: str, pattern: str = "*.py") -> Iterator[ast.Module]:
    for path in sorted((ROOT / folder).rglob(pattern)):
        if "node_modules" not in path.parts and path.name != "codes.py":
            yield ast.parse(path.read_text(encoding="utf-8"))


def raised() -> set[str]:
    """Return the codes that stand anywhere in the sources."""
    texts = (node.value for tree in trees("src") for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and text in CODES}


def marked() -> set[str]:
    """Return the codes of ``@pytest.mark.error_code(...)`` on functions, parameters and modules."""
    return {
        argument.value
        for tree in trees("tests", "test_*.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "error_code"
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }


def test_every_code_is_raised() -> None:
    assert sorted(set(CODES) - raised()) == [], "nobody raises these: take them out of afield/core/codes.py"


def test_every_code_has_a_test() -> None:
    assert sorted(set(CODES) - marked()) == [], "mark the test that triggers each: @pytest.mark.error_code(code)"


def test_marks_name_codes_that_exist() -> None:
    assert sorted(marked() - set(CODES)) == []


def test_every_code_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_meanings_are_sentences(code: str) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", code)
    assert CODES[code][0].isupper()
    assert CODES[code].endswith(".")


def test_codes_that_tests_expect_are_codes() -> None:
    """A test that compares ``error.code`` with a text that is no code can never pass for the right reason."""
    compared = {
        side.value
        for tree in trees("tests", "test_*.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "code"
        for side in node.comparators
        if isinstance(side, ast.Constant) and isinstance(side.value, str)
    }
    findings = {c for c in compared if c not in CODES}
    assert not [c for c in findings if c.partition(".")[0] in ("model", "output", "study", "engine", "parts")]
