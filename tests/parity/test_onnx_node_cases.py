"""Every official ONNX node case through the compiler, gcc and sanitisers: docs/microcontroller_operators.md says how.

``python tests/parity/test_onnx_node_cases.py`` writes the page anew.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # when run as a script

from node_cases import Case, cases, run, table  # noqa: E402

PAGE = ROOT / "docs" / "microcontroller_operators.md"


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    found = cases()
    run(found, tmp_path_factory.mktemp("nodes"))
    return found


@pytest.mark.slow
def test_every_case_of_a_written_operator_passes(settled: list[Case]) -> None:
    failed = {c.name: c.reason for c in settled if c.status == "failed"}
    assert failed == {}
    assert len(settled) > 1500
    assert all(c.status in ("passed", "not applicable", "failed") for c in settled)


@pytest.mark.slow
def test_the_page_is_what_was_found(settled: list[Case]) -> None:
    written = PAGE.read_text(encoding="utf-8").splitlines()
    assert list(table(settled)) == written, "write it anew: python tests/parity/test_onnx_node_cases.py"


if __name__ == "__main__":
    everything = cases()
    with tempfile.TemporaryDirectory() as place:
        run(everything, Path(place))
    PAGE.write_text("\n".join([*table(everything), ""]), encoding="utf-8")
    print(f"{PAGE}: {sum(c.status == 'passed' for c in everything)} passed")
