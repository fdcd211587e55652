"""What is loaded is counted, not timed: a busy machine cannot fail this, a heavy import can."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from small_models import small_model

HEAVY = {
    "numpy", "pandas", "sklearn", "scipy", "lightgbm", "catboost", "onnx", "onnxruntime", "spox", "duckdb", "fsspec",
    "narwhals", "psutil", "rich", "typer", "pydantic", "python_calamine", "polars", "pyarrow", "torch", "ray",
}  # fmt: skip


def loaded(code: str, *arguments: str) -> tuple[set[str], int]:
    """Return the heavy packages that ``code`` loads, and how many modules of afield."""
    tail = "\nimport sys, json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stderr.splitlines()[-1])
    top = {name.partition(".")[0] for name in modules}
    return top & HEAVY, sum(name.startswith("afield") for name in modules)


def test_import_loads_nothing() -> None:
    heavy, own = loaded("import afield; afield.__version__; dir(afield)")
    assert (heavy, own) == (set(), 1)


def test_problem_and_errors_load_the_standard_library_only() -> None:
    heavy, _ = loaded("import afield; afield.Problem(target='y'); afield.AfieldError")
    assert heavy == set()


def test_loading_and_running_needs_numpy_and_onnxruntime_only(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(small_model(regression=True))
    code = """
import sys, afield
model = afield.load(sys.argv[1])
row = {"length (mm)": 4.5, "weight": 0.2, "sex": "M", "site": "1", "caught": "", "label": ""}
assert len(model.predict(row)) == 1 and model.verify().passed and repr(model) and model._repr_html_()
"""
    heavy, _ = loaded(code, str(path))
    assert heavy == {"numpy", "onnxruntime"}


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["--version"]])
def test_help_loads_no_library_of_the_work(arguments: list[str]) -> None:
    code = f"from afield.cli.app import run; assert run({arguments!r}) == 0"
    heavy, _ = loaded(code)
    assert heavy <= {"typer", "rich", "pydantic"}
