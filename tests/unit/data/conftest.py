"""Writes a table into a file and loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from afield.data.load import load
from afield.problem.problem import Problem


@pytest.fixture
def table(tmp_path):
    """Return a function that writes ``content`` and loads it: ``table("a,b\\n1,2\\n", decimal="comma")``."""

    def make(content: str | bytes, name: str = "t.csv", **options):
        path = Path(tmp_path) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(path, Problem(target=options.pop("target", "y"), **options))

    return make
