from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from afield.cli.app import run


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run one command in this process."""
    monkeypatch.delenv("AFIELD_DEBUG", raising=False)

    def call(*arguments: object) -> Ended:
        code = run([str(a) for a in arguments])
        return Ended(code, *capsys.readouterr())

    return call
