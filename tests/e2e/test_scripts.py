"""Code without a ``__main__`` guard, from a file, from stdin, from a notebook; and the file without afield."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from afield.model.model import Model
from small_fits import old, shells

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

ROOT = Path(__file__).parents[2]
SCRIPT = """
import afield
model = afield.fit("shells.csv", target="age")
print(model.predict({"size": 0.3, "depth": 1.0, "site": "reef"})[0])
model.save("shells.onnx")
"""
#: what a notebook does: each cell compiled and run in one namespace, with ``__main__`` that has no file
NOTEBOOK = """
import sys, types
main = types.ModuleType("__main__")
sys.modules["__main__"] = main
cells = [
    "import pandas as pd, afield\\nframe = pd.read_csv('shells.csv')",
    "model = afield.fit(frame, 'age')",
    "print(model.predict(frame)[0]); model.save('shells.onnx'); assert '<' in model._repr_html_()",
]
for number, cell in enumerate(cells):
    exec(compile(cell, f"<ipython-input-{number}>", "exec"), main.__dict__)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shells(80).to_csv(tmp_path / "shells.csv", index=False)
    return tmp_path


def run(place: Path, *arguments: str, stdin: str = "") -> str:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("AFIELD_HOME", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(place: Path, said: str) -> None:
    model = Model.load(place / "shells.onnx")
    assert model.verify().passed
    assert len(said.splitlines()) == 1, "the script ran more than once"
    assert float(said) == float(said)


def test_five_lines_without_a_guard(place: Path) -> None:
    (place / "five.py").write_text(SCRIPT)
    check(place, run(place, "five.py"))


def test_a_script_from_stdin(place: Path) -> None:
    check(place, run(place, "-", stdin=SCRIPT))


def test_cells_of_a_notebook(place: Path) -> None:
    check(place, run(place, "-c", NOTEBOOK))


def test_a_fit_in_a_thread(place: Path) -> None:
    code = "import threading\nt = threading.Thread(target=exec, args=(open('five.py').read(), {}))\nt.start(); t.join()"
    (place / "five.py").write_text(SCRIPT)
    check(place, run(place, "-c", code))


def test_the_lines_of_plain_onnxruntime_in_the_readme(tmp_path: Path) -> None:
    """The README's own lines, on a model of the README's own table, in a process without afield."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (plain,) = (b for b in blocks if "InferenceSession" in b)
    assert "afield" not in plain
    table = (ROOT / "examples" / "shellfish" / "shellfish.csv").read_text().splitlines()
    (tmp_path / "shellfish.csv").write_text("\n".join(table[:200]) + "\n")
    run(tmp_path, "-m", "afield", "fit", "shellfish.csv", "--target", "rings", "--task", "regression", "-q")
    said = run(tmp_path, "-c", "import sys; sys.modules['afield'] = None\n" + plain)
    value = float(re.findall(r"[-\d.]+", said)[0])
    row = json.loads(re.sub(r"\s+", " ", re.search(r"shell = (\{.*?\})", plain, re.DOTALL)[1]))  # type: ignore[index]
    assert Model.load(tmp_path / "shellfish.onnx").predict(row)[0] == pytest.approx(value, rel=1e-6)


def test_a_classifier_in_plain_onnxruntime(tmp_path: Path) -> None:
    frame = shells(80)
    frame.assign(age=old(frame)).to_csv(tmp_path / "shells.csv", index=False)
    run(tmp_path, "-m", "afield", "fit", "shells.csv", "--target", "age", "--quiet")
    code = (
        "import sys; sys.modules['afield'] = None\nimport numpy as np, onnxruntime as ort\n"
        "session = ort.InferenceSession('shells.onnx')\n"
        "row = {'size': 2.0, 'depth': np.nan, 'site': 'reef'}\n"
        "label, p = session.run(['label', 'probabilities'], {n: np.array([v]) for n, v in row.items()})\n"
        "print(label[0], p.dtype, round(float(p.sum()), 5))\n"
    )
    assert run(tmp_path, "-c", code).split() == ["old", "float32", "1.0"]
