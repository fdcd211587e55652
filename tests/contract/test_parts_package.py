"""A part from a package of its own is found, passes the public kit, and takes part in a real study."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import afield
from afield.core.registry import list_parts, load
from afield.problem.problem import Problem
from afield.search.recipe import Recipe, Use
from afield.testing.encoder_kit import check_encoder

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "part_package"


def test_it_is_listed_without_being_imported() -> None:
    code = (
        "import json, sys; from afield.core.registry import list_parts; "
        "print(json.dumps([[e.name for e in list_parts()], [m for m in sys.modules if 'binned' in m]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, imported = json.loads(done.stdout)
    assert "binned" in names, "install it: pip install -e examples/part_package"
    assert imported == []


def test_it_comes_from_its_own_package() -> None:
    entry = next(e for e in list_parts() if e.name == "binned")
    assert entry.point.dist is not None
    assert entry.point.dist.name == "afield-part-binned"


def test_it_passes_the_kit() -> None:
    check_encoder(load("parts", "binned"))


def test_its_readme_and_its_own_test_name_the_kit() -> None:
    assert "check_encoder" in (PACKAGE / "test_binned.py").read_text(encoding="utf-8")


def test_it_takes_part_in_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(5)
    table = {"a": np.exp(draw.normal(0, 2, 200)), "b": draw.normal(0, 1, 200)}
    table["y"] = np.log(table["a"]) + table["b"] + draw.normal(0, 0.1, 200)
    recipe = Recipe(
        name="ranks",
        encoders=(Use(part="binned", settings={"bins": 32}, kind="number"),),
        learner=Use(part="linear", settings={}),
    )
    with afield.study(Problem(target="y", jobs=1), frame=table) as study:
        (trial,) = study.evaluate([recipe])
        assert trial.status == "ok", trial.reason
        model = study.finish().model
    assert trial.score < 1.0, "ranks bend the long tail straight"
    assert model.verify().passed
    assert "binned" in json.dumps(model.card.to_json())
